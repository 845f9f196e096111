"""Words and excerpts of comments for people to read: what the evidence is made of, and the evidence in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .folding import Rows
from .privacy import mask
from .records import NEGATIVE
from .stopwords import tells

_QUOTES = 20_000  # quotes per polarity that are cut into words; more change the counts, not the picture
_LONGEST = 320  # characters of a comment that a reader is shown
_LEAD = 100  # of these, how many may stand before the first evidence


def evidence_words(table: Rows, polarity: str, limit: int = 80, *, masked: bool = True) -> list[dict[str, Any]]:
    """The commonest words in the evidence of one polarity: ``[{"name", "value"}]``, ``value`` = quotes with the word.

    Words are cut by jieba's dictionary and model for unknown words (rjieba). Personal data is masked before, in the
    whole comment where the table has it, because a name is known by the word that announces it. Empty without quotes.
    """
    quotes = _quotes(table, polarity, masked)
    if not quotes:
        return []
    import rjieba  # only here: loading the dictionary costs a report without quotes nothing

    held: Counter[str] = Counter()
    for quote in quotes:
        held.update({word for word in rjieba.cut(quote, True) if tells(word)})
    least = 2 if len(quotes) >= 200 else 1  # in a large heap, a word said once is noise
    ranked = sorted(held.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
    return [{"name": word, "value": count} for word, count in ranked if count >= least]


def excerpt(
    text: str, tags: Iterable[Mapping[str, Any]] | None, polarity: str | None = NEGATIVE
) -> list[tuple[str, list[str]]]:
    """A comment as ``[(words, codes), ...]``; ``codes`` are those that the words are evidence of, in one polarity.

    Without a ``polarity``, in any. A long comment is cut around its first evidence. Offsets count code points, as
    everywhere; what points outside the text is clipped.
    """
    spans = [(tag["start"], tag["end"], tag["code"]) for tag in tags or () if polarity in (None, tag["polarity"])]
    spans = [(max(0, start), min(len(text), end), code) for start, end, code in spans]
    first = min((start for start, end, _ in spans if start < end), default=0)
    begin = max(0, first - _LEAD) if len(text) > _LONGEST else 0
    end = min(len(text), begin + _LONGEST)
    cuts = sorted({begin, end, *(place for span in spans for place in span[:2] if begin < place < end)})
    parts = [
        (text[a:b], sorted({code for start, stop, code in spans if start <= a and b <= stop}))
        for a, b in pairwise(cuts)
    ]
    return [*([("…", list[str]())] if begin else []), *parts, *([("…", list[str]())] if end < len(text) else [])]


def _quotes(table: Rows, polarity: str, masked: bool) -> list[str]:
    """The evidence quotes of one polarity, thinned evenly to ``_QUOTES``."""
    kind = table.schema.field("voc_tags").type
    if not pa.types.is_list(kind) or kind.value_type.get_field_index("quote") < 0:
        return []
    names = [name for name in ("voc_tags", "text") if name in table.schema.names]
    batches = (table.select(names) if isinstance(table, pa.Table) else table.to_table(columns=names)).to_batches()
    meant = [_meant(batch.column("voc_tags"), polarity) for batch in batches]
    step, begun, kept = max(1, -(-sum(map(len, meant)) // _QUOTES)), 0, list[str]()
    for batch, places in zip(batches, meant, strict=True):
        kept += _cut(batch, places.take(pa.array(range(-begun % step, len(places), step), pa.int64())), masked)
        begun += len(places)
    return kept


def _meant(lists: pa.Array, polarity: str) -> pa.Array:
    """The places, among all tags of a batch, of those of one polarity."""
    return pc.indices_nonzero(pc.equal(pc.struct_field(lists.flatten(), "polarity"), polarity))


def _cut(batch: pa.RecordBatch, places: pa.Array, masked: bool) -> list[str]:
    """The quotes at these places; masked, they are cut out of the masked comment."""
    lists = batch.column("voc_tags")
    tags = lists.flatten().take(places)
    quotes = pc.struct_field(tags, "quote").to_pylist()
    if not masked or "text" not in batch.schema.names or tags.type.get_field_index("start") < 0:
        return [mask(quote) if masked else quote for quote in quotes if quote]
    rows = pc.list_parent_indices(lists).take(places)
    texts = [mask(text or "") for text in batch.column("text").take(rows).to_pylist()]
    starts = pc.struct_field(tags, "start").to_pylist()
    pairs = zip(texts, starts, quotes, strict=True)
    return [text[start : start + len(quote)] or mask(quote) for text, start, quote in pairs if quote]
