"""A tagged file as people and programs get it: csv, jsonl and parquet with ``voc_`` columns, xlsx as a workbook.

Made from finished segments in one pass, written under a temporary name and renamed when whole. On the way the rows
are folded into the journey figures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from . import journey
from .codeframe import Codeframe
from .columns import Columns, RowProblem, feedback
from .columns_taken import with_taken
from .errors import InputError, OutputError
from .figures import Figures
from .filekinds import CSV, XLSX, kind_by_name
from .folding import POSITION
from .records import TAGGED, VERDICT
from .tables import Source, write_table
from .tagger import Tagger
from .unfinished import explained, writing
from .workbook import SHEET_ROWS, Book, is_own, sheets_of, tag_block

_LISTED = 1000  # row problems shown one by one; the rest are counted

#: What a csv has instead of nested tags: one cell each, several codes joined by "|" in the order of the text.
_FLAT = ("voc_sentiment", "voc_confidence", "voc_noise", "voc_codes", "voc_names", "voc_polarities", "voc_evidence")
#: All columns that scoring may append to a file other than a workbook.
OURS = tuple(dict.fromkeys((*_FLAT, *VERDICT.names)))
_SLIM = pa.struct([pa.field("code", pa.string()), pa.field("polarity", pa.string())])


@dataclass(frozen=True)
class OutSchema:
    """The columns of an output: the input's own, and ours. ``dropped`` are columns of an earlier run, replaced now."""

    kept: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """What was written and what it says. ``guarded`` cells got an apostrophe, ``cut`` texts were too long for Excel.

    ``replaced`` counts cells in which characters that XML forbids became U+FFFD. ``problems`` counts cells that could
    not be used by (column, what is wrong); ``listed`` are the first thousand.
    """

    path: Path
    rows: int
    figures: Figures
    problems: Mapping[tuple[str, str], int]
    listed: Sequence[RowProblem] = ()
    guarded: int = 0
    cut: int = 0
    replaced: int = 0


def out_schema(source: Source) -> OutSchema:
    """Which columns of an input stay; those that vocnlp itself appended in an earlier run are replaced.

    They are known by standing there all together. A single ``voc_tags`` or ``情感`` is the customer's own.
    """
    names = source.schema.names
    ours: list[str] = []
    if set(VERDICT.names) <= set(names):
        ours = [name for name in names if name in OURS]
    elif is_own(source.sheets) and source.sheet in sheets_of(source.sheets, SHEET_ROWS):
        ours = tag_block(names)
    return OutSchema(tuple(name for name in names if name not in ours), tuple(ours))


def output_kind(path: Path) -> str:
    """The kind of file a path asks for; OutputError for an ending that vocnlp does not write."""
    try:
        return kind_by_name(path)
    except InputError as error:
        told = f"no table is written with the ending {path.suffix or '(none)'!r}"
        raise OutputError(
            told, path=path, hint=f"name the output {path.stem}.xlsx, .csv, .jsonl or .parquet"
        ) from error


def flat(batch: pa.RecordBatch, frame: Codeframe) -> pa.RecordBatch:
    """A tagged batch with its tags laid out in plain cells, for csv."""
    own = [name for name in batch.schema.names if name not in VERDICT.names]
    tags = batch.column("voc_tags").to_pylist()
    joined = {
        "voc_codes": ["|".join(tag["code"] for tag in row) for row in tags],
        "voc_names": ["|".join(name_of(frame, tag["code"]) for tag in row) for row in tags],
        "voc_polarities": ["|".join(tag["polarity"] for tag in row) for row in tags],
        "voc_evidence": ["|".join(tag["quote"] for tag in row) for row in tags],
        "voc_tags": [json.dumps(_rounded(row), ensure_ascii=False) for row in tags],
    }
    rounded = pc.round(batch.column("voc_confidence").cast(pa.float64()), 4)
    columns = {
        "voc_sentiment": batch.column("voc_sentiment"),
        "voc_confidence": rounded,
        "voc_noise": batch.column("voc_noise"),
        **{name: pa.array(cells, pa.string()) for name, cells in joined.items()},
        "voc_bundle": batch.column("voc_bundle"),
        "voc_codeframe": batch.column("voc_codeframe"),
    }
    fields = [*(batch.schema.field(name) for name in own), *(pa.field(n, c.type) for n, c in columns.items())]
    schema = pa.schema(fields, metadata=batch.schema.metadata)
    return pa.RecordBatch.from_arrays([*(batch.column(name) for name in own), *columns.values()], schema=schema)


def name_of(frame: Codeframe, code: str) -> str:
    return frame[code].name if code in frame else code


def _rounded(tags: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**tag, "confidence": round(tag["confidence"], 4)} for tag in tags]


def finish(
    segments: Sequence[Path],
    folder: Path,
    out: Path,
    *,
    source: Source,
    columns: Columns,
    tagger: Tagger,
    options: Mapping[str, Any],
) -> Finished:
    """Pour the segments into ``out`` and fold them into figures. OutputError leaves no half-written file behind.

    The file grows inside ``folder``, on the disk of ``out``, and takes its name when whole.
    """
    partial = folder / f"output{out.suffix}"
    fold = _Fold(folder / "figures.parquet", columns)
    schema = _first_schema(segments, source)
    pour = _finish_workbook if output_kind(out) == XLSX else _finish_table
    try:
        with writing(out):
            finished = pour(partial, segments, fold, source=source, tagger=tagger, options=options, schema=schema)
            partial.replace(out)
    except OutputError as error:
        if error.path != partial:
            raise
        if isinstance(error.__cause__, OSError):
            raise explained(error.__cause__, out) from error
        message = error.message.removeprefix(f"{partial}: ")
        raise OutputError(message, path=out, hint=error.hint) from error
    finally:
        fold.close()
        partial.unlink(missing_ok=True)
    return Finished(out, fold.rows, finished[0], fold.counts, fold.problems, *finished[1:])


def _first_schema(segments: Sequence[Path], source: Source) -> pa.Schema:
    if segments:
        with pa.memory_map(str(segments[0])) as file:
            return pa.ipc.open_stream(file).schema
    kept = out_schema(source).kept
    return pa.schema([*(source.schema.field(name) for name in kept), *VERDICT], metadata=source.schema.metadata)


def as_tagged(
    batches: Iterable[pa.RecordBatch], columns: Columns, *, unusable: Counter[tuple[str, str]] | None = None
) -> Iterator[pa.RecordBatch]:
    """Batches with the columns of ``records.VERDICT``, the customer's own under their names: schema TAGGED.

    ``unusable`` counts cells that could not be used by (column, what is wrong).
    """
    first = 1
    for batch in batches:
        read, problems = feedback(batch, columns, first_row=first)
        if unusable is not None:
            unusable.update((problem.column, problem.problem) for problem in problems)
        said = (batch.column(name) for name in VERDICT.names)
        yield pa.RecordBatch.from_arrays([*read.columns, *said], schema=TAGGED)
        first += batch.num_rows


def read_segments(segments: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """The rows of finished segments, mapped from the disk."""
    for path in segments:
        with pa.memory_map(str(path)) as file:
            yield from pa.ipc.open_stream(file)


class _Fold:
    """Collects, row batch by row batch, the few columns that figures need, and what could not be used."""

    def __init__(self, path: Path, columns: Columns) -> None:
        self.path, self.columns, self.rows = path, columns, 0
        self.counts: dict[tuple[str, str], int] = {}
        self.problems: list[RowProblem] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Take one tagged batch in, and return it as FEEDBACK."""
        read, problems = feedback(batch, self.columns, first_row=self.rows + 1)
        self.rows += batch.num_rows
        for problem in problems:
            kind = (problem.column, problem.problem)
            self.counts[kind] = self.counts.get(kind, 0) + 1
        self.problems += problems[: _LISTED - len(self.problems)]
        slim = self._slim(batch, read, self.rows - batch.num_rows)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, slim.schema)
        self._writer.write_batch(slim)
        return read

    @staticmethod
    def _slim(batch: pa.RecordBatch, read: pa.RecordBatch, first: int) -> pa.RecordBatch:
        tags = batch.column("voc_tags")
        items = tags.flatten()
        thin = pa.StructArray.from_arrays([items.field("code"), items.field("polarity")], fields=list(_SLIM))
        offsets = pc.subtract(tags.offsets, tags.offsets[0])
        wanted = {name: read.column(name) for name in ("score", "stage", "channel", "segment", "customer", "at")}
        wanted |= {name: batch.column(name) for name in ("voc_sentiment", "voc_noise")}
        wanted["voc_tags"] = pa.ListArray.from_arrays(offsets, thin)
        wanted[POSITION] = pa.array(np.arange(first, first + batch.num_rows))
        return pa.RecordBatch.from_pydict(wanted)

    def figures(self, frame: Codeframe, which: str) -> Figures:
        if self._writer is None:
            empty = pa.table({"voc_sentiment": pa.nulls(0, pa.string()), "voc_tags": pa.nulls(0, pa.list_(_SLIM))})
            return journey.figures(empty, frame, which)
        self._writer.close()
        return journey.figures(ds.dataset(self.path), frame, which, spill=self.path.parent)

    def close(self) -> None:
        """Let go of the file; a disk that is full even for its end has been reported already."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()


def _finish_table(
    partial: Path,
    segments: Sequence[Path],
    fold: _Fold,
    *,
    source: Source,
    tagger: Tagger,
    options: Mapping[str, Any],
    schema: pa.Schema,
) -> tuple[Figures, int, int, int]:
    plain = output_kind(partial) == CSV
    nothing = pa.RecordBatch.from_pylist([], schema=schema)

    def poured() -> Iterator[pa.RecordBatch]:
        for batch in read_segments(segments):
            fold.add(batch)
            yield flat(batch, tagger.codeframe) if plain else batch

    shape = flat(nothing, tagger.codeframe).schema if plain else with_taken(schema, fold.columns)
    report = write_table(partial, shape, poured(), like=source, verbatim=bool(options["verbatim"]))
    return fold.figures(tagger.codeframe, options["journey"]), report.guarded, 0, 0


def _finish_workbook(
    partial: Path,
    segments: Sequence[Path],
    fold: _Fold,
    *,
    source: Source,
    tagger: Tagger,
    options: Mapping[str, Any],
    schema: pa.Schema,
) -> tuple[Figures, int, int, int]:
    own = [name for name in schema.names if name not in VERDICT.names]
    with Book(partial, tagger.codeframe) as book:
        book.begin_rows([schema.field(name) for name in own])
        for batch in read_segments(segments):
            fold.add(batch)
            book.add_rows(batch, own)
        book.begin_tags(source)
        first = 1
        for batch in read_segments(segments):
            read, _ = feedback(batch, fold.columns, first_row=first)
            book.add_tags(batch, read, first_row=first)
            first += batch.num_rows
        figures = fold.figures(tagger.codeframe, options["journey"])
        book.add_figures(figures)
        book.add_about(tagger.bundle, source, fold.columns, figures, options)
        book.add_problems(fold.counts, fold.problems)
        cut, replaced = book.cut, book.replaced
    return figures, 0, cut, replaced


__all__ = ["OURS", "Finished", "finish", "flat", "name_of", "out_schema", "output_kind"]
