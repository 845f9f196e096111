"""Tagged rows of the old codeframe as rows of the new one, so that figures over both periods are one series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .migration import OPEN, Migration
from .records import VERDICT

_TAGS = VERDICT.field("voc_tags")
_FRAME = VERDICT.field("voc_codeframe")


def carried(table: pa.Table, migration: Migration) -> pa.Table:
    """The rows with the tags of the old frame as tags of the new one; nothing else is changed, no row is lost.

    ``table`` has ``voc_tags`` and ``voc_codeframe``. Rows that bear another codeframe, the new one among them, stay as
    they are. Of twins that a merge makes, tags of one code and polarity in a row, the surer one stays. Tags of a split
    code count for its home, and their rows bear the new codeframe with ``OPEN`` behind: they are to be read again.
    """
    label = table["voc_codeframe"].combine_chunks()
    label = pa.concat_arrays(label.chunks) if isinstance(label, pa.ChunkedArray) else label
    mine = pc.is_in(label, pa.array([migration.before, migration.before + OPEN]))
    where = [at for at in _with_codes(table["voc_tags"], list(migration.becomes)) if mine[at].as_py()]
    given = table["voc_tags"].take(pa.array(where, pa.int64())).to_pylist()
    opened = {at for at, tags in zip(where, given, strict=True) if any(tag["code"] in migration.homes for tag in tags)}
    fresh = pa.array([carried_tags(tags, migration) for tags in given], _TAGS.type)
    order = list(range(table.num_rows))
    for place, at in enumerate(where):
        order[at] = table.num_rows + place
    tags = pa.chunked_array([*table["voc_tags"].cast(_TAGS.type).chunks, fresh]).take(pa.array(order, pa.int64()))
    still = pc.fill_null(pc.equal(label, migration.before + OPEN), False)
    apart = pc.or_(still, pa.array([at in opened for at in range(table.num_rows)], pa.bool_()))
    named = pc.if_else(mine, pc.if_else(apart, migration.after + OPEN, migration.after), label)
    table = table.set_column(table.schema.get_field_index("voc_tags"), _TAGS, tags)
    return table.set_column(table.schema.get_field_index("voc_codeframe"), _FRAME, named.cast(pa.string()))


def carried_tags(tags: Sequence[Mapping[str, Any]], migration: Migration) -> list[Mapping[str, Any]]:
    """The tags of one row in the new frame."""
    best: dict[tuple[str, str], Mapping[str, Any]] = {}
    for tag in tags:
        code = migration.becomes.get(tag["code"], tag["code"])
        if code is None:
            continue
        key = code, tag["polarity"]
        if key not in best or tag["confidence"] > best[key]["confidence"]:
            best[key] = {**tag, "code": code}
    return sorted(best.values(), key=lambda tag: (tag["start"], -tag["confidence"], tag["code"]))


def _with_codes(tags: pa.ChunkedArray, codes: Sequence[str]) -> list[int]:
    """The rows, in order, that carry one of the codes."""
    found: list[int] = []
    first = 0
    for chunk in tags.chunks:
        hit = pc.is_in(chunk.flatten().field("code"), pa.array(codes, pa.string()))
        found += [first + at for at in pc.unique(pc.list_parent_indices(chunk).filter(hit)).to_pylist()]
        first += len(chunk)
    return found


__all__ = ["carried", "carried_tags"]
