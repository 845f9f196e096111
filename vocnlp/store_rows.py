"""A tagged row as the store keeps it: masked, with an id, with the time of its writing.

The store holds no personal data of a text: ``privacy.mask`` keeps every code point in its place, so offsets stay true
and quotes are masked as the text around them is. Names of channels, segments and stages are masked too, but for
addresses (see ``privacy.mask_label``). The columns ``id`` and ``customer`` are not masked, and have no blanks at their
edges: a customer who asks to be forgotten has to be found by them.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .errors import InputError
from .privacy import mask, mask_label
from .records import TAG, TAGGED, VERDICT

WRITTEN = "voc_written"  # when the row was written last (UTC)
#: The columns on disk.
STORED = pa.schema([*TAGGED, pa.field(WRITTEN, pa.timestamp("us", "UTC"))])
#: Those that a store of an earlier format lacks: read as empty, added by the first write.
ADDED = {"1": ("csat", "ces")}

#: What a row without an id is known by.
_CONTENT = ("customer", "at", "channel", "segment", "stage", "score", "text")
_REQUIRED = ("text", *VERDICT.names)
_LABELS = ("channel", "segment", "stage")


def pieces(rows: pa.Table | pa.RecordBatch | Iterable[pa.RecordBatch], *, size: int) -> Iterator[pa.Table]:
    """The rows in tables of ``size`` rows, the last one smaller; batches of a stream are joined to that size."""
    if isinstance(rows, pa.RecordBatch):
        rows = [rows]
    if isinstance(rows, pa.Table):
        for start in range(0, rows.num_rows, size):
            yield rows.slice(start, size)
        return
    held: list[pa.RecordBatch] = []
    for batch in rows:
        held.append(batch)
        if sum(part.num_rows for part in held) >= size:
            whole = pa.Table.from_batches(held)
            even = whole.num_rows // size * size
            yield from pieces(whole.slice(0, even), size=size)
            held = whole.slice(even).to_batches()
    if held:
        yield from pieces(pa.Table.from_batches(held), size=size)


def stored(
    rows: pa.Table,
    *,
    written: datetime,
    verbatim: bool = False,
    nameless: Counter[str] | None = None,
    delivery: str = "",
) -> pa.Table:
    """Rows in any order of columns as STORED; a later row of the same id replaces an earlier one.

    Columns of FEEDBACK that are missing are empty; columns that the store does not know are left out. A row without
    an id gets one of its content (see ``made_id``); ``nameless`` counts equal rows of one delivery across calls.
    InputError when a column of a tagged row is missing or of another type, or a customer holds a control character.
    """
    for name in _REQUIRED:
        if name not in rows.schema.names:
            hint = "score the comments first: vocnlp score"
            raise InputError("the rows have no such column", column=name, hint=hint)
    columns = {field.name: _column(rows, field) for field in TAGGED if field.name != "voc_tags"}
    texts = columns["text"].to_pylist()
    covered = texts if verbatim else [None if text is None else mask(text) for text in texts]
    columns["text"] = pa.array(covered, pa.string())
    columns["voc_tags"] = _tags(rows, texts, covered)
    table = pa.table([columns[name] for name in TAGGED.names], TAGGED)
    table = table.set_column(0, TAGGED.field("id"), _ids(table, Counter() if nameless is None else nameless, delivery))
    changes = {"customer": _customer, **dict.fromkeys(() if verbatim else _LABELS, mask_label)}
    for name, change in changes.items():  # after the ids, which are made of what came
        table = table.set_column(table.schema.get_field_index(name), TAGGED.field(name), _each(table[name], change))
    times = pa.array([written] * table.num_rows, STORED.field(WRITTEN).type)
    return _last_of_each(table.append_column(STORED.field(WRITTEN), times))


def _each(labels: pa.ChunkedArray, change: Callable[[str], str | None]) -> pa.Array:
    """The labels changed, each different one once."""
    coded = labels.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
    words = pa.array([None if word is None else change(word) for word in coded.dictionary.to_pylist()], pa.string())
    return words.take(coded.indices)


def _customer(given: str) -> str | None:
    """Without blanks at the edges, of whatever kind; a control character is a fault of the export, and nobody could type
    it who asks for the customer."""
    found = given.strip()
    if any(unicodedata.category(sign) == "Cc" for sign in found):
        hint = "clean the column in the export, and give the file again"
        raise InputError("holds a control character", column="customer", value=found, hint=hint)
    return found or None


def unnumbered(batches: Iterable[pa.RecordBatch], *, named: bool) -> Iterator[pa.RecordBatch]:
    """Tagged rows of an export as a store takes them: an id that is only a row's number is none, or the third row of the
    next export would replace the third of this one. ``named``: whether the export has a column of ids."""
    first = 1
    for batch in batches:
        ids, numbers = batch.column("id"), range(first, first + batch.num_rows)
        made = pa.array([f"row-{number}" for number in numbers], pa.string())
        known = pa.nulls(batch.num_rows, pa.string()) if not named else pc.if_else(pc.equal(ids, made), None, ids)
        yield batch.set_column(0, batch.schema.field("id"), known)
        first += batch.num_rows


def made_id(content: Iterable[object], *, delivery: str, nth: int) -> str:
    """The id of a row that came without one: ``made-`` and BLAKE2b over its masked text and its labels as they came.

    The same row has the same id when it is delivered again. Of rows that agree in everything, the second of a delivery
    becomes ``-2`` and so on. Rows that agree in everything and come in two deliveries count as delivered again, unless
    the deliveries have different names.
    """
    words = json.dumps([delivery, *(None if cell is None else str(cell) for cell in content)], ensure_ascii=False)
    digest = blake2b(words.encode(), digest_size=16).hexdigest()
    return f"made-{digest}" if nth == 1 else f"made-{digest}-{nth}"


def _ids(table: pa.Table, nameless: Counter[str], delivery: str) -> pa.Array:
    ids = [(given or "").strip() for given in table["id"].to_pylist()]
    if not all(ids):
        content = list(zip(*(table[name].to_pylist() for name in _CONTENT), strict=True))
        for place, given in enumerate(ids):
            if not given:
                first = made_id(content[place], delivery=delivery, nth=1)
                nameless[first] += 1
                ids[place] = made_id(content[place], delivery=delivery, nth=nameless[first])
    return pa.array(ids, pa.string())


def _last_of_each(table: pa.Table) -> pa.Table:
    last = {row_id: place for place, row_id in enumerate(table["id"].to_pylist())}
    return table if len(last) == table.num_rows else table.take(pa.array(sorted(last.values()), pa.int64()))


def _column(rows: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in rows.schema.names:
        return pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
    column = rows[field.name]
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = pc.local_timestamp(column)  # the clock of its own zone, as in the figures
    try:
        # A time finer than a microsecond loses what is beyond it; a text that is no number is refused.
        return column.cast(field.type, safe=not pa.types.is_timestamp(field.type))
    except pa.ArrowException as error:
        raise InputError(f"does not hold {field.type}: {error}", column=field.name) from error


def _tags(rows: pa.Table, texts: list[str | None], covered: list[str | None]) -> pa.Array:
    """The tags in the type of TAGGED; what is covered in the text is covered in the quotes."""
    given = rows["voc_tags"]
    if not pa.types.is_list(given.type) or not pa.types.is_struct(given.type.value_type):
        raise InputError(f"does not hold tags but {given.type}", column="voc_tags")
    lists = given.combine_chunks()
    lists = pa.concat_arrays(lists.chunks) if isinstance(lists, pa.ChunkedArray) else lists
    items = lists.flatten()
    try:
        parts = {field.name: items.field(field.name).cast(field.type) for field in TAG}
    except (KeyError, pa.ArrowException) as error:
        raise InputError(f"does not hold tags: {error}", column="voc_tags") from error
    if spoilt := [name for name, part in parts.items() if part.null_count]:
        raise InputError("a tag lacks a part", column=f"voc_tags.{spoilt[0]}")
    if texts is not covered:
        parts["quote"] = pa.array(_quotes(lists, parts, texts, covered), pa.string())
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int32())
    made = pa.StructArray.from_arrays([parts[field.name] for field in TAG], fields=list(TAG))
    return pa.ListArray.from_arrays(
        offsets, made, type=TAGGED.field("voc_tags").type, mask=lists.is_null() if lists.null_count else None
    )


def _quotes(
    lists: pa.Array, parts: dict[str, pa.Array], texts: list[str | None], covered: list[str | None]
) -> Iterator[str]:
    """A quote is cut from the covered text; one that is not what its offsets say is masked on its own."""
    homes = pc.list_parent_indices(lists).to_pylist()
    spans = zip(homes, *(parts[name].to_pylist() for name in ("start", "end", "quote")), strict=True)
    for home, start, end, quote in spans:
        said = covered[home] or ""
        yield said[start:end] if (texts[home] or "")[start:end] == quote else mask(quote)


__all__ = ["ADDED", "STORED", "WRITTEN", "made_id", "pieces", "stored", "unnumbered"]
