"""Many comments: record batches to record batches, and one file to one file.

``tag_batches`` is the one function that a local run, Spark's mapInArrow and Ray's map_batches call. ``score_file``
puts finished segments into a folder beside the output, and makes the output from them at the end, so that a killed
run goes on where it stopped and nobody ever sees half a file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .codeframe import Codeframe
from .column_values import as_texts
from .columns import Columns, choose_columns
from .columns_taken import as_before, columns_taken, named_before
from .errors import BundleError, InputError, VocnlpError
from .figures import Figures
from .processes import cores, interrupts_held, settle_in
from .records import TAG, VERDICT, Prediction
from .sheets_reading import fill_merged
from .store_rows import unnumbered
from .tables import Source, open_table
from .tagged_files import OURS, Finished, as_tagged, finish, out_schema, output_kind, read_segments
from .tagger import Tagger
from .unfinished import Unfinished, check_output
from .workbook import SHEET_ROWS, is_own, sheets_of

WINDOW = 8192  # rows scored and kept together: a segment
_FEW = 4  # with fewer windows, starting a second process costs more than it saves
_SAMPLE = 1000

Report = Callable[[int, float], None]  # rows done, share of the input read


@dataclass(frozen=True)
class Options:
    """How to score a file. ``named`` maps roles (text, score, stage, ...) to columns that the user chose."""

    named: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    journey: str = "general"
    workers: int | None = None
    force: bool = False
    resume: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Scored:
    """What a finished run did: rows in and out, the columns chosen, the figures, and what could not be used.

    ``replaced`` counts cells in which characters that the output cannot hold became U+FFFD.
    """

    rows: int
    resumed: int
    columns: Columns
    finished: Finished
    replaced: int = 0

    @property
    def figures(self) -> Figures:
        return self.finished.figures


def verdicts(texts: Sequence[str], predictions: Sequence[Prediction], codeframe: str) -> pa.RecordBatch:
    """Predictions as a batch of the columns ``records.VERDICT``; quotes are cut from the raw texts."""
    tags = [(text, tag) for text, prediction in zip(texts, predictions, strict=True) for tag in prediction.tags]
    ends = [0]
    for prediction in predictions:
        ends.append(ends[-1] + len(prediction.tags))
    parts = {
        "code": [tag.code for _, tag in tags],
        "polarity": [tag.polarity for _, tag in tags],
        "confidence": [tag.confidence for _, tag in tags],
        "start": [tag.start for _, tag in tags],
        "end": [tag.end for _, tag in tags],
        "source": [tag.source for _, tag in tags],
        "quote": [text[tag.start : tag.end].encode(errors="replace").decode() for text, tag in tags],
    }
    items = pa.StructArray.from_arrays([pa.array(parts[f.name], f.type) for f in TAG], fields=list(TAG))
    columns = [
        pa.array([p.sentiment for p in predictions], pa.string()),
        pa.array([p.confidence for p in predictions], pa.float32()),
        pa.array([p.noise for p in predictions], pa.string()),
        pa.ListArray.from_arrays(pa.array(ends, pa.int32()), items),
        pa.array([p.bundle for p in predictions], pa.string()),
        pa.array([codeframe] * len(predictions), pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=VERDICT)


def tag_batches(
    batches: Iterable[pa.RecordBatch], tagger: Tagger, *, text: str, workers: int = 1
) -> Iterator[pa.RecordBatch]:
    """The same batches, in order and row for row, with the columns of ``records.VERDICT`` appended.

    Only the column ``text`` is read; equal texts of a batch are scored once. Columns of these names that a batch
    already has, from an earlier run, are replaced. With ``workers`` > 1 a pool of processes scores several batches at
    a time; they load the tagger's bundle from its folder. InputError if a batch has no column ``text``.
    """
    if workers <= 1 or tagger.bundle.path is None:
        for batch in batches:
            texts, place = _distinct(batch, text)
            yield _joined(batch, _answer(tagger, texts), place)
        return
    frame = None if tagger.codeframe is tagger.bundle.codeframe else tagger.codeframe.to_dict()
    waiting: deque[tuple[pa.RecordBatch, pa.Array, Future[pa.RecordBatch]]] = deque()
    start = (str(tagger.bundle.path), tagger.bundle.digest, frame)
    # spawn: a forked child would inherit the locks of Arrow's threads.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin_worker, initargs=start) as pool:
        try:
            for batch in batches:
                texts, place = _distinct(batch, text)
                with interrupts_held():
                    waiting.append((batch, place, pool.submit(_work, texts)))
                if len(waiting) > workers + 1:
                    yield _oldest(waiting)
            while waiting:
                yield _oldest(waiting)
        finally:
            pool.shutdown(cancel_futures=True)


def tag_all(
    batches: Iterable[pa.RecordBatch], tagger: Tagger, *, text: str, workers: int | None = None
) -> Iterator[pa.RecordBatch]:
    """``tag_batches`` with as many processes as there are cores, or ``workers``; alone where there is little to do."""
    rest = iter(batches)
    first = list(islice(rest, _FEW))
    processes = (workers or cores()) if len(first) == _FEW else 1
    return tag_batches(chain(first, rest), tagger, text=text, workers=processes)


def _oldest(waiting: deque[tuple[pa.RecordBatch, pa.Array, Future[pa.RecordBatch]]]) -> pa.RecordBatch:
    batch, place, answer = waiting.popleft()
    try:
        return _joined(batch, answer.result(), place)
    except BrokenProcessPool as error:
        hint = "was memory short? go on with --resume --workers 1"
        raise VocnlpError("a scoring process ended before its work was done", hint=hint) from error


def _distinct(batch: pa.RecordBatch, column: str) -> tuple[list[str], pa.Array]:
    """The different texts of a batch, and for every row which of them it holds."""
    at = batch.schema.get_field_index(column)
    if at < 0:
        raise InputError("no such column", column=column, hint=f"columns: {', '.join(batch.schema.names)}")
    texts = pc.fill_null(as_texts(batch.column(at), batch.schema.field(at)), "")
    coded = texts.dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices


def _answer(tagger: Tagger, texts: Sequence[str]) -> pa.RecordBatch:
    frame = tagger.codeframe
    return verdicts(texts, tagger.tag(texts), f"{frame.name}@{frame.version}")


def _joined(batch: pa.RecordBatch, answer: pa.RecordBatch, place: pa.Array) -> pa.RecordBatch:
    own = batch.select([name for name in batch.schema.names if name not in VERDICT.names])
    added = answer.take(place)
    schema = pa.schema([*own.schema, *VERDICT], metadata=batch.schema.metadata)
    return pa.RecordBatch.from_arrays([*own.columns, *added.columns], schema=schema)


_worker: Tagger


def _begin_worker(path: str, digest: str, frame: dict[str, Any] | None) -> None:
    global _worker  # noqa: PLW0603 - one tagger a process, loaded once
    settle_in()
    tagger = Tagger.load(path)
    if tagger.bundle.digest != digest:
        raise BundleError("was replaced while it was at work", path=path, hint="start over with --force")
    bundle = replace(tagger.bundle, classifier=tagger.bundle.classifier.on_threads(1))  # a core a process
    _worker = Tagger(bundle, Codeframe.from_dict(frame) if frame is not None else None)


def _work(texts: list[str]) -> pa.RecordBatch:
    return _answer(_worker, texts)


def open_for_scoring(path: Path | str, options: Options, *, again: bool = False) -> tuple[Source, Columns]:
    """The source and its columns, chosen on the first thousand rows. InputError as in ``tables`` and ``columns``.

    ``again``: of a scored file, the columns that it was scored on, but for those that the user names. What vocnlp itself
    appended in an earlier run is no input. A cell of a sheet that is merged over rows counts in each of
    them where it names a group, a customer or a time (``Columns.grouping``).
    """
    source = open_table(path, sheet=options.sheet)
    if options.sheet is None and is_own(source.sheets) and source.sheet != SHEET_ROWS:
        source = open_table(path, sheet=SHEET_ROWS)  # it has no row, so the first sheet with rows was taken
    kept = out_schema(source).kept
    first = next(source.batches(_SAMPLE), pa.RecordBatch.from_pylist([], schema=source.schema))
    schema = pa.schema([source.schema.field(name) for name in kept])
    taken = columns_taken(source) if again else {}
    try:
        columns = choose_columns(schema, first.select(kept), named=named_before(taken, options.named))
    except InputError as error:
        raise InputError(error.message, path=error.path or path, hint=error.hint) from error
    columns = as_before(columns, taken, options.named)
    fill_merged(source, columns.grouping)
    return source, columns


def score_file(
    source: Source,
    columns: Columns,
    out: Path | str,
    tagger: Tagger,
    *,
    options: Options,
    report: Report = lambda *_: None,
    keep: Callable[[Iterator[pa.RecordBatch]], object] | None = None,
) -> Scored:
    """Tag every row of ``source`` and write it to ``out``: rows and columns as they came, tag columns behind.

    OutputError if ``out`` exists (unless ``force``), cannot be written, or an unfinished run stands beside it (unless
    ``resume`` or ``force``). After a kill, the same call with ``resume`` scores only what is missing. InputError for a
    row that cannot be read and for a column that has the name of one of ours; CodeframeError for an unknown journey.
    ``keep`` gets all rows in the schema ``records.TAGGED`` before ``out`` is made; what it raises ends the run, which
    ``resume`` goes on with: it may get rows again.
    """
    out = Path(out)
    kept = _own_columns(source, options)
    if tagger.codeframe.journeys:
        tagger.codeframe.journey(options.journey)  # an unknown one is told now, not after all the work
    output_kind(out)
    check_output(out, source.path, resume=options.resume, force=options.force)
    work = Unfinished.begin(out, _identity(source, columns, tagger), resume=options.resume, force=options.force)
    done = work.rows
    try:
        report(done, source.position())
        batches = (batch.select(kept) for batch in source.batches(WINDOW, skip=done))
        for batch in tag_all(batches, tagger, text=columns.text, workers=options.workers):
            work.keep(batch)
            report(work.rows, source.position())
        if keep is not None:
            keep(unnumbered(as_tagged(read_segments(work.segments), columns), named=columns.id is not None))
        finished = finish(
            work.segments, work.folder, out, source=source, columns=columns, tagger=tagger, options=asdict(options)
        )
    except InputError:
        work.end()  # the input has to be mended first, and then it is another input
        raise
    except BaseException:
        work.pause()
        raise
    work.end()
    return Scored(work.rows, done, columns, finished, source.replaced + finished.replaced)


def _own_columns(source: Source, options: Options) -> list[str]:
    """The input's own columns; InputError where one has a name that the tags need, and where rows would stay unread."""
    if options.sheet is None and is_own(source.sheets) and len(rest := sheets_of(source.sheets, SHEET_ROWS)) > 1:
        told = f"the rows go on in the sheet {rest[1]!r}"
        raise InputError(told, path=source.path, hint="score the original export, or sheet by sheet with --sheet")
    kept = list(out_schema(source).kept)
    taken = [name for name in kept if name in OURS]
    if taken:
        hint = f"rename or delete it; tags are written under {', '.join(OURS)}"
        raise InputError("the name of this column is kept for tags", path=source.path, column=taken[0], hint=hint)
    return kept


def _identity(source: Source, columns: Columns, tagger: Tagger) -> dict[str, Any]:
    """What must be the same for a run to go on where another stopped."""
    stat = source.path.stat()
    return {
        "input": str(source.path.resolve()),
        "bytes": stat.st_size,
        "modified": stat.st_mtime_ns,
        "sheet": source.sheet,
        "text": columns.text,
        "bundle": tagger.bundle.digest,
        "codeframe": tagger.codeframe.digest,
        "window": WINDOW,
    }


__all__ = ["Options", "Scored", "open_for_scoring", "score_file", "tag_all", "tag_batches", "verdicts"]
