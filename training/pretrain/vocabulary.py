"""The tokenizer: the words of feedback as single tokens, everything else by the character.

A unigram model (Kudo 2018) over jieba's words: the likeliest cut of a clause into words is found in Rust, without jieba
at run time. Frequent words being single tokens makes inputs short, which is speed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

PAD, UNKNOWN, BEGIN, BREAK, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = (PAD, UNKNOWN, BEGIN, BREAK, MASK)
_LONGEST = 8
_COMMON_CHARACTER = 20


def count_words(documents: Iterable[tuple[str, ...]]) -> Counter[str]:
    """How often every word of jieba's cut occurs, in normalised clauses."""
    import rjieba

    counts: Counter[str] = Counter()
    for clauses in documents:
        counts.update(rjieba.cut("\n".join(clauses), True))
    return counts


def build_tokenizer(words: Counter[str], size: int) -> Tokenizer:
    """A tokenizer of at most ``size`` tokens; ids 0-4 are [PAD] [UNK] [CLS] [SEP] [MASK]."""
    characters: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            if not character.isspace():
                characters[character] += count
    kept = {one: count for one, count in characters.items() if count >= _COMMON_CHARACTER}
    room = size - len(SPECIAL) - len(kept)
    longer = [
        (word, count)
        for word, count in words.most_common()
        if 1 < len(word) <= (12 if word.isascii() else _LONGEST) and not any(map(str.isspace, word)) and count > 5
        if not any(character.isdigit() for character in word)  # numbers by the digit
        and all(character in kept for character in word)
    ][:room]
    # A character inside words counts as a token of its own only where it stands alone; one is added so that none is out
    # of reach, and rare characters must cost more than the words they are part of.
    alone = {one: words.get(one, 0) + 1 for one in kept}
    total = sum(alone.values()) + sum(count for _, count in longer)
    scored = sorted([*alone.items(), *longer], key=lambda item: (-item[1], item[0]))
    pieces = [(token, 0.0) for token in SPECIAL] + [(token, math.log(count / total)) for token, count in scored]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=1, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer
