"""A tagged table in DuckDB, folded once: its comments, tags, mentions and stages as tables that figures are asked of.

Who is counted where is decided here: what an answer is, which stage a row stands in, that a code stands for itself and all
below it. The figures are asked in ``journey`` and ``counts``.
"""
# ruff: noqa: S608 - what is put into SQL here are constants of this module; words from outside travel as parameters

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TypeAlias
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from .codeframe import Codeframe
from .codeframe_parts import fold
from .errors import InputError, VocnlpError
from .privacy import mask_label
from .records import NEGATIVE, NEUTRAL, POSITIVE

BLANK = "(未填)"  # a channel, segment or month that the export left empty
UNKNOWN = "(未知)"  # the stage of a row where nobody gave one and no tag betrays it
POSITION = "voc_row"  # the position of a row, where a table brings it along
_MEMORY = "192MB"
_SQL_TYPES = {"score": "double", "at": "timestamp"}

Rows: TypeAlias = pa.Table | ds.Dataset

COLUMNS = ("score", "stage", "channel", "segment", "at", "voc_sentiment", "voc_noise", "voc_tags")
_TAGS = "voc_tags"
_REQUIRED = ("voc_sentiment", _TAGS)

#: One line per row. ``answer``: 1 promoter, 0 passive, -1 detractor, null for no score or one outside 0..10 (NaN too).
_COMMENT = f"""
create temp table comment as select
  rid,
  nullif(trim(stage::varchar), '') as said,
  coalesce(nullif(trim(channel::varchar), ''), '{BLANK}') as channel,
  coalesce(nullif(trim(segment::varchar), ''), '{BLANK}') as segment,
  coalesce(strftime("at"::timestamp, '%Y-%m'), '{BLANK}') as month,
  nullif(trim(voc_noise::varchar), '') as noise,
  case when noise is null then voc_sentiment::varchar end as sentiment,
  case when score >= 9 and score <= 10 then 1
       when score >= 0 and score <= 6 then -1
       when score > 6 and score < 9 then 0 end as answer,
  score is not null and not isnan(score::double) and answer is null as odd
from tagged"""

#: One line per tag of a row that was read; the tags of a noise row, should it have any, are not counted.
_TAG = f"""
create temp table tag as select rid, t.code as code, t.polarity as polarity
from (select {POSITION} as rid, unnest(voc_tags::struct(code varchar, polarity varchar)[]) as t from given_tags)
where rid not in (select rid from comment where noise is not null)"""

#: One line per row and code, where a code stands for itself and all below it (``lineage``: code -> up). An enum is
#: kept and grouped as a small number, which halves the time on a million rows.
_CODE = "create type code as enum (select distinct up from lineage order by up)"
_MENTION = f"""
create temp table mention as select rid, up::code as code, bool_or(polarity = '{NEGATIVE}') as neg,
  bool_or(polarity = '{NEUTRAL}') as neu, bool_or(polarity = '{POSITIVE}') as pos
from tag join lineage using (code) group by rid, up::code"""

#: One line per row and stage: its own stage, else the stages its tags' codes belong to, else unknown.
_PLACED = """
create temp table placed as
select rid, stage, false as inferred from comment join said_stage using (said)
union all
select distinct rid, stage, true from comment join tag using (rid) join code_stage using (code) where said is null"""
_UNPLACED = f"insert into placed select rid, '{UNKNOWN}', false from comment anti join placed using (rid)"

_CLOCK = 'create temp table clock as select rid, "at"::timestamp as moment from tagged where "at" is not null'
#: Scores are 0..10 as in ``comment``; taken anew, because a join of a million rows costs more.
_PERSON = """
create temp table person as select rid, nullif(trim(customer::varchar), '') as who,
  case when score >= 0 and score <= 10 then score::double end as score from tagged"""

#: What is made of the rows when a question first needs it, in this order; ``extra`` holds the columns named besides.
PARTS = ("tag", "mention", "placed", "clock", "person", "extra")

# count(*) filter, not count_if: the latter is null, not 0, where the condition is null for every row.
NPS = "count(*) filter ({0}answer = 1), count(*) filter ({0}answer = 0), count(*) filter ({0}answer = -1)"
ANSWERS = NPS.format("")
SENTIMENTS = ", ".join(f"count(*) filter (sentiment = '{name}')" for name in (POSITIVE, NEUTRAL, NEGATIVE))


@contextmanager
def folding(
    table: Rows, also: Collection[str] = (), *, spill: Path | None = None, memory: str = _MEMORY
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the rows as ``tagged`` (their columns, and ``also``) and as ``comment``; gone after the ``with``.

    ``memory`` is what DuckDB may take, ``spill`` where rows beyond it wait. InputError when a column is missing.
    """
    # Extensions are never fetched: a figure must not depend on the network.
    # Rows are told apart by their position, so the order in which threads bring them does not matter.
    ours: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "preserve_insertion_order": "false",
    }
    con = duckdb.connect(":memory:", config=ours)
    broken: list[VocnlpError] = []
    try:
        # What is beyond the memory allowed goes to the disk (DuckDB makes the folder when it needs it, and removes it),
        # so that a million rows take hardly more than a few.
        con.execute("set memory_limit = $memory", {"memory": memory})
        folder = spill or Path(gettempdir())
        con.execute("set temp_directory = $folder", {"folder": str(folder / f"vocnlp-{uuid4().hex}")})
        columns = tuple(name for name in (*COLUMNS, *also) if name != _TAGS)
        rows = _numbered(_local(_checked(table), columns), columns)
        con.register("given", rows)
        con.execute(_tagged(rows.schema, columns))
        con.register("given_tags", _tags_of(table, broken))
        con.execute(_COMMENT)
        _cover_labels(con)
        yield con
    except duckdb.Error as error:
        if broken:  # what DuckDB tells of it is a traceback
            raise broken[0] from error
        raise
    finally:
        con.close()


def _cover_labels(con: duckdb.DuckDBPyConnection) -> None:
    """A telephone number that was typed into a segment is covered before anything is grouped by it or shown."""
    for name in ("channel", "segment", "said"):
        words = _column(con, f"select distinct {name} from comment where {name} is not null")
        if covered := [(word, told) for word in words if (told := mask_label(word)) != word]:
            con.register("covered", _pairs("word", "told", covered))
            con.execute(f"update comment set {name} = told from covered where {name} = word")
            con.unregister("covered")


def _checked(table: Rows) -> Rows:
    for name in _REQUIRED:
        if name not in table.schema.names:
            raise InputError("the table has no such column", column=name, hint="score the comments first: vocnlp score")
    return table


def _tags_of(table: Rows, broken: list[VocnlpError]) -> pa.RecordBatchReader:
    """The tags with the position of their row, read when the first figure asks for them: many figures need none, and
    they are the better half of what there is to read. ``broken`` takes what reading them raises."""
    given = POSITION in table.schema.names
    schema = pa.schema([(POSITION, pa.int64()), table.schema.field(_TAGS)])

    def batches() -> Iterator[pa.RecordBatch]:
        at = 0
        columns = [POSITION, _TAGS] if given else [_TAGS]
        found = (
            table.to_batches(columns=columns) if isinstance(table, ds.Dataset) else table.select(columns).to_batches()
        )
        for batch in _heard(found, broken):
            place = batch.column(0).cast(pa.int64()) if given else pa.array(np.arange(at, at + len(batch)))
            yield pa.record_batch([place, batch.column(len(columns) - 1)], schema=schema)
            at += len(batch)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _heard(batches: Iterable[pa.RecordBatch], broken: list[VocnlpError]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except VocnlpError as error:
        broken.append(error)
        raise


def _numbered(table: Rows, columns: Collection[str]) -> Rows:
    """The columns needed and ``voc_row``, the position of each row; a table that brings its own is left where it is.

    The position is added here and not by ``row_number()`` in SQL, because several scans must agree on it.
    """
    have = table.schema.names
    if POSITION in have:
        return table
    kept = [name for name in columns if name in have]
    picked = table.select(kept) if isinstance(table, pa.Table) else table.to_table(columns=kept)
    return picked.append_column(POSITION, pa.array(np.arange(picked.num_rows)))


def _local(table: Rows, columns: Collection[str]) -> Rows:
    """The table with times as the clock of their own zone showed them: a month must not depend on the machine's zone."""
    kind = table.schema.field("at").type if "at" in table.schema.names else pa.null()
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        return table
    if isinstance(table, ds.Dataset):
        table = table.to_table(columns=[name for name in table.schema.names if name in {*columns, POSITION}])
    at = table.schema.get_field_index("at")
    return table.set_column(at, "at", pc.local_timestamp(table.column(at)))


def check_times(schema: pa.Schema) -> None:
    """Text is refused: its zones and notations were never settled."""
    kind = schema.field("at").type if "at" in schema.names else pa.null()
    if not (pa.types.is_date(kind) or pa.types.is_null(kind) or pa.types.is_timestamp(kind)):
        hint = "read the file with vocnlp, which settles notations and time zones"
        raise InputError(f"times must be timestamps, not {kind}", column="at", hint=hint)


def _tagged(schema: pa.Schema, columns: Collection[str]) -> str:
    """A view of the columns needed; those that are absent are null."""
    have = {field.name for field in schema if field.type != pa.null()}
    nothing = {name: f"null::{_SQL_TYPES.get(name, 'varchar')} as {name}" for name in columns}
    chosen = [f'"{name}"' if name in have else nothing[name] for name in columns]
    return f"create temp view tagged as select {POSITION} as rid, {', '.join(chosen)} from given"


def place(con: duckdb.DuckDBPyConnection, frame: Codeframe, journey: str) -> dict[str, str]:
    """Makes the tables of tags, mentions and stages; returns the journey's stages, id to name, in order."""
    for part in ("tag", "mention", "placed"):
        build(con, part, frame, journey=journey)
    return stages_of(frame, journey)


def stages_of(frame: Codeframe, journey: str) -> dict[str, str]:
    """The journey's stages, id to name, in order; none in a frame without journeys."""
    return {stage.id: stage.name for stage in frame.journey(journey).stages} if frame.journeys else {}


def build(
    con: duckdb.DuckDBPyConnection, part: str, frame: Codeframe, *, journey: str, extra: Sequence[str] = ()
) -> None:
    """Makes one of ``PARTS``; a mention and a stage need the tags."""
    if part == "mention":
        _build_mentions(con, frame)
    elif part == "placed":
        _build_stages(con, frame, journey)
    elif part == "extra":
        # The view reads Arrow at every question; what is asked for again and again is kept.
        cells = ", ".join(f'"{name}" as c{at}' for at, name in enumerate(extra))
        con.execute(f"create temp table extra as select rid, {cells} from tagged")
    else:
        con.execute({"tag": _TAG, "clock": _CLOCK, "person": _PERSON}[part])


def _build_mentions(con: duckdb.DuckDBPyConnection, frame: Codeframe) -> None:
    tagged = _column(con, "select distinct code from tag")
    lineage = [(code, up.id) for code in tagged if code in frame for up in frame.path(code)]
    lineage += [(code, code) for code in tagged if code not in frame]
    con.register("lineage", _pairs("code", "up", lineage))
    for statement in (_CODE, _MENTION):
        con.execute(statement)


def _build_stages(con: duckdb.DuckDBPyConnection, frame: Codeframe, journey: str) -> None:
    known = frame.journey(journey) if frame.journeys else None
    said = _column(con, "select distinct said from comment where said is not null")
    stage_of = {word: stage.id for word in said if known and (stage := known.stage_of(word))}
    tagged = _column(con, "select distinct code from tag")
    homes = [(code, home) for code in tagged if code in frame and (home := _home(frame, code, journey))]
    first: dict[str, str] = {}  # of the ways to write a stage that the journey does not know: 门店 for 門店, too
    for word in sorted(said, key=lambda word: (fold(word) != word, word)):
        stage_of.setdefault(word, first.setdefault(fold(word), word))
    con.register("said_stage", _pairs("said", "stage", list(stage_of.items())))
    con.register("code_stage", _pairs("code", "stage", homes))
    for statement in (_PLACED, _UNPLACED):
        con.execute(statement)


def _home(frame: Codeframe, code: str, journey: str) -> str | None:
    """The stage where a code usually happens; one that names none happens where its parent does."""
    return next((step.stage[journey] for step in reversed(frame.path(code)) if journey in step.stage), None)


def _column(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return sorted(row[0] for row in con.execute(query).fetchall())


def _pairs(left: str, right: str, rows: Sequence[tuple[str, str]]) -> pa.Table:
    schema = pa.schema([(left, pa.string()), (right, pa.string())])
    return pa.Table.from_pylist([{left: a, right: b} for a, b in rows], schema)
