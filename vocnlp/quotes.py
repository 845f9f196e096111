"""Words and excerpts of comments for people to read: what the evidence is made of, and the evidence in its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .folding import Rows
from .privacy import mask
from .records import NEGATIVE

_QUOTES = 20_000  # quotes per polarity that are cut into words; more change the counts, not the picture
_LONGEST = 320  # characters of a comment that a reader is shown
_LEAD = 100  # of these, how many may stand before the first evidence

#: One-character words that say something on their own; all others are particles or halves of words.
_TELLING = frozenset("慢贵脏吵硬咸油臭难差烂乱少卡烫凉腥挤假旧薄厚重轻快香甜鲜脆软暖静美棒赞值好帅酸辣苦淡冷热")
#: 三天, 一句, 半个: a number and its measure word say little without the noun.
_COUNTED = re.compile(
    "[一二两三四五六七八九十百千万半几第]+"
    "[个次天句遍颗块年月周点分秒钟件条张台家位片只双下些种份回趟米斤盒包瓶杯人大小]+"
)
_STOP = frozenset(
    """
    我们 你们 他们 它们 自己 大家 别人 人家 这个 那个 这些 那些 这样 那样 这种 那种 这里 那里
    这么 那么 怎么 什么 为什么 多少 几个 一个 一些 一下 一点 一次 一直 一样 一般 一种 一份 两个
    没有 没法 不是 不能 不会 不要 不了 不到 不过 不用 就是 还是 还有 还要 只是 只有 只能 但是
    可是 而且 而是 因为 所以 如果 虽然 然后 之后 以后 以前 之前 时候 现在 今天 昨天 已经 刚刚
    马上 可以 可能 应该 需要 觉得 感觉 认为 知道 看到 发现 出来 起来 下来 过来 上去 进去 回来
    东西 事情 情况 问题 方面 地方 时间 里面 上面 下面 外面 非常 特别 真的 真是 实在 确实 比较
    有点 有些 太过 十分 相当 完全 根本 居然 竟然 简直 反正 其实 总之 总是 每次 经常 本来 原来
    后来 最后 第一 而已 以及 或者 并且 由于 对于 关于 通过 这次 那次 这家 那家 这款 那款 个人
    有人 的话 不得 不太 了解 来说 说是 比如 就算 算是 起码
    """.split()  # noqa: SIM905 - a list of two hundred quoted words is no easier to read
)


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
        held.update({word for word in rjieba.cut(quote, True) if _tells(word)})
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


def _tells(word: str) -> bool:
    if len(word) == 1:
        return word in _TELLING
    return word not in _STOP and not _COUNTED.fullmatch(word) and any(char.isalpha() for char in word)
