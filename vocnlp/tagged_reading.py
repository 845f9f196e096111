"""A tagged file read back into the schema ``records.TAGGED``; a raw export is tagged on the way."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .batch import Options, open_for_scoring, tag_all
from .column_values import as_texts
from .columns import Columns, feedback
from .errors import InputError
from .filekinds import CSV
from .folding import Rows
from .records import MODEL, POLARITIES, TAGGED, VERDICT
from .store import Store
from .store_rows import unnumbered
from .tables import Source, open_table
from .tagged_files import as_tagged
from .tagger import Tagger
from .workbook import NOISE, SENTIMENT, SHEET_ABOUT, SHEET_ROWS, SHEET_TAGS, SOURCE, is_own, sheets_of, tag_columns

_SIZE = 8192
STORE_LOG = "_delta_log"
_GUARD = r"\A'([=+\-@\t\r\n＝＋－＠])"
_BACK = {shown: word for words in (SENTIMENT, NOISE, SOURCE) for word, shown in words.items()}
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/([^/].*)")  # two letters and more: C:/ is a drive
_AGAIN = "score the original export again, and give the report that file"


def is_store(path: Path) -> bool:
    """Whether a folder holds the log of a Delta table."""
    return (path / STORE_LOG).is_dir()


def address_of(path: Path) -> str | None:
    """The address of an object store that was given as a path (which makes one slash of two), else None.

    Keys and region are taken from the environment by deltalake itself, under the names that the provider's tools know.
    """
    match = _ADDRESS.match(path.as_posix())
    if match is None:
        return None
    slashes = ":///" if match[1] == "file" else "://"
    return f"{match[1]}{slashes}{match[2]}"


def read_rows(path: Path, tagger: Tagger, options: Options | None = None) -> tuple[Rows, dict[str, str]]:
    """The tagged rows of a store's folder or address, or of a file as ``read_tagged`` reads it, and where they come from."""
    url = address_of(path)
    if url is not None or is_store(path):
        return Store.open(url or path).read(), {"数据": f"{path.name}（存储）"}
    return read_tagged(path, tagger, options)


def read_tagged(path: Path | str, tagger: Tagger, options: Options | None = None) -> tuple[pa.Table, dict[str, str]]:
    """All rows of a file as TAGGED, and what the report should say about where they come from (in Chinese).

    See ``TaggedFile``, whose errors it raises.
    """
    file = TaggedFile(path, tagger, options)
    return pa.Table.from_batches(file.batches(), TAGGED), file.origin


class TaggedFile:
    """A tagged file or a raw export that is open: its rows as TAGGED, batch by batch, as often as they are asked for.

    A csv, jsonl or parquet with ``voc_tags`` and a workbook made by ``vocnlp score`` keep their tags. Anything else
    is a raw export and is tagged with ``tagger``. Of ``options`` the columns and the sheet count. ``origin`` says in
    Chinese where the rows come from; ``unusable`` counts the cells of a raw export that could not be used, by column and
    problem, in the batches so far. Of csv, jsonl and parquet a few batches are in memory, of a workbook all of it.
    InputError as in ``tables`` and ``columns``, and where the tags were edited or no longer fit their rows.
    """

    def __init__(self, path: Path | str, tagger: Tagger, options: Options | None = None) -> None:
        self._tagger, self._options = tagger, options or Options()
        self.source, self.columns = open_for_scoring(path, self._options, again=True)
        self.unusable: Counter[tuple[str, str]] = Counter()
        how = "生成报告时现场标注"
        if self._flat:
            how = "读取文件中已有的标注"
        elif self._workbook:
            how = "读取工作簿中已有的标注"
        self.origin = {"数据文件": Path(path).name, "标注": how}

    def check(self) -> int:
        """Read every row, tag none and keep none; how many there are. What ``batches`` would raise is raised here."""
        given = self.batches() if self._flat or self._workbook else self.source.batches(_SIZE)
        return sum(batch.num_rows for batch in given)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in the schema TAGGED."""
        if self._flat:
            return _sound_quotes(as_tagged(_flat_batches(self.source), self.columns), self.source.path, self.columns)
        if self._workbook:
            return _from_workbook(self.source, self.columns, self._options)
        tagged = tag_all(self.source.batches(_SIZE), self._tagger, text=self.columns.text)
        return as_tagged(tagged, self.columns, unusable=self.unusable)

    def for_store(self) -> Iterator[pa.RecordBatch]:
        """The rows as a store takes them: without an id where the file gives none (see ``unnumbered``)."""
        return unnumbered(self.batches(), named=self.columns.id is not None)

    @property
    def _flat(self) -> bool:
        return "voc_tags" in self.source.schema.names

    @property
    def _workbook(self) -> bool:
        return is_own(self.source.sheets) and self.source.sheet in sheets_of(self.source.sheets, SHEET_ROWS)


def _sound_quotes(batches: Iterator[pa.RecordBatch], path: Path, columns: Columns) -> Iterator[pa.RecordBatch]:
    """The batches; InputError where most quotes of the first tags stand nowhere in their text: it is another column's.

    One or the other may have been edited away, so a few that are missing are no reason.
    """
    looked = False
    for batch in batches:
        if not looked:
            rows = zip(batch.column("text").to_pylist(), batch.column("voc_tags").to_pylist(), strict=True)
            stands = [tag["quote"] in text for text, tags in rows for tag in tags if tag["quote"]]
            looked = bool(stands)
            if 2 * sum(stands) < len(stands):
                told = "the quotes of the tags do not stand in this column, so another one was scored"
                hint = "name the columns that were scored: --text ... --score ..., or score the original export again"
                raise InputError(told, path=path, column=columns.text, hint=hint)
        yield batch


def _flat_batches(source: Source) -> Iterator[pa.RecordBatch]:
    """Batches whose ``voc_`` columns have the types of VERDICT, whatever the file could hold."""
    first = 1
    for batch in source.batches(_SIZE):
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        if source.kind == CSV:
            columns = {name: _unguarded(column) for name, column in columns.items()}
        tags = columns["voc_tags"]
        if tags.type != VERDICT.field("voc_tags").type or tags.null_count:
            texts = as_texts(tags, batch.schema.field("voc_tags")).to_pylist()
            columns["voc_tags"] = _parsed(texts, source.path, first)
        for field in VERDICT:
            column = columns.get(field.name, pa.nulls(batch.num_rows, field.type))
            columns[field.name] = _of_kind(column, field, source.path)
        _check_sentiment(columns["voc_sentiment"], source.path, "voc_sentiment", first)
        kept = [batch.schema.field(name) for name in batch.schema.names if name not in VERDICT.names]
        schema = pa.schema([*kept, *VERDICT], metadata=batch.schema.metadata)
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
        first += batch.num_rows


def _unguarded(column: pa.Array) -> pa.Array:
    """Cells without the apostrophe that writing a csv put before would-be formulas."""
    return pc.replace_substring_regex(column, _GUARD, r"\1") if pa.types.is_string(column.type) else column


def _of_kind(column: pa.Array, field: pa.Field, path: Path) -> pa.Array:
    """The column in the type of one of VERDICT, blank cells null."""
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise InputError(f"was edited: {error}", path=path, column=field.name, hint=_AGAIN) from error


def _check_sentiment(said: pa.Array, path: Path, column: str, first: int) -> None:
    known = pc.is_in(said, pa.array([*POLARITIES, None], pa.string()))
    if (at := pc.index(known, False).as_py()) >= 0:
        raise InputError(
            "is no sentiment", path=path, row=first + at, column=column, value=said[at].as_py(), hint=_AGAIN
        )


def _parsed(texts: Sequence[str | None], path: Path, first: int) -> pa.Array:
    rows = []
    for number, text in enumerate(texts, first):
        try:
            rows.append([_sound(tag) for tag in json.loads(text or "[]") or []])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise InputError(
                "holds no tags", path=path, row=number, column="voc_tags", value=text, hint=_AGAIN
            ) from error
    return pa.array(rows, VERDICT.field("voc_tags").type)


def _sound(tag: Mapping[str, Any]) -> dict[str, Any]:
    """One tag with the fields of TAG in their types; KeyError, TypeError or ValueError where it is none."""
    if tag["polarity"] not in POLARITIES:
        raise ValueError(tag["polarity"])
    words = {name: str(tag[name]) for name in ("code", "polarity", "source", "quote")}
    return {**words, "confidence": float(tag["confidence"]), "start": int(tag["start"]), "end": int(tag["end"])}


def _from_workbook(source: Source, columns: Columns, options: Options) -> Iterator[pa.RecordBatch]:
    """The rows and tags of the sheets that ``vocnlp score`` wrote; offsets are found again from the quotes."""
    tags, made_by = _tags_by_row(source.path, source.sheets), _made_by(source.path, source.sheets)
    first = 1
    for name in sheets_of(source.sheets, SHEET_ROWS):
        if name != source.sheet:  # rows beyond Excel's last one
            source, columns = open_for_scoring(source.path, replace(options, sheet=name), again=True)
        ours = tag_columns(source.schema.names)
        if missing := {"情感", "情感置信度", "噪声"} - ours.keys():
            raise InputError("a tag column is gone", path=source.path, column=min(missing), hint=_AGAIN)
        for batch in source.batches(_SIZE):
            read, _ = feedback(batch, columns, first_row=first)
            rows = zip(batch.to_pylist(), read.column("text").to_pylist(), strict=True)
            verdict = [
                {**_verdict(cells, ours, _fitting(tags.pop(number, []), text, number, source.path)), **made_by}
                for number, (cells, text) in enumerate(rows, first)
            ]
            made = _columns(verdict, source.path)
            _check_sentiment(made[0], source.path, ours["情感"], first)
            yield pa.RecordBatch.from_arrays([*read.columns, *made], schema=TAGGED)
            first += batch.num_rows
    if tags:
        raise _moved(source.path, min(tags))


def _made_by(path: Path, sheets: Sequence[str]) -> dict[str, str]:
    """Model and codeframe of all rows, as the sheet about the workbook names them; nothing where it is gone."""
    if SHEET_ABOUT not in sheets:
        return {}
    rows = (row for batch in open_table(path, sheet=SHEET_ABOUT).batches() for row in batch.to_pylist())
    told = {row.get("项目"): str(row.get("内容") or "") for row in rows}
    frame, _, version = told.get("码框", "").rpartition(" ")
    found = {"voc_bundle": told.get("模型", ""), "voc_codeframe": f"{frame}@{version}" if frame else ""}
    return {name: value for name, value in found.items() if value}


def _tags_by_row(path: Path, sheets: Sequence[str]) -> dict[int, list[dict[str, Any]]]:
    tags: dict[int, list[dict[str, Any]]] = {}
    for name in sheets_of(sheets, SHEET_TAGS):
        line = 0
        for batch in open_table(path, sheet=name).batches(_SIZE):
            for row in batch.to_pylist():
                line += 1
                try:
                    tags.setdefault(int(row["行号"]), []).append({**_tag(row), "评论": row["评论"]})
                except (KeyError, TypeError, ValueError) as error:
                    told = f"the sheet {name!r} was edited: {error}"
                    raise InputError(told, path=path, row=line, hint=_AGAIN) from error
    return tags


def _tag(row: Mapping[str, Any]) -> dict[str, Any]:
    polarity, source = _BACK.get(row["极性"]), _BACK.get(row["来源"], MODEL)
    if polarity not in POLARITIES or row["编码"] is None:
        raise ValueError(f"{row['编码']!r}, {row['极性']!r} is no tag")
    fixed = {"code": str(row["编码"]), "polarity": polarity, "confidence": float(row["置信度"] or 0)}
    return {**fixed, "source": source, "quote": str(row["证据"] or "")}


def _fitting(tags: Sequence[Mapping[str, Any]], text: str, number: int, path: Path) -> list[dict[str, Any]]:
    """Tags with their offsets in ``text``; InputError if they were made for another text, as after sorting a sheet."""
    placed = []
    for tag in tags:
        if str(tag["评论"] or "") != text:
            raise _moved(path, number)
        start = max(0, text.find(tag["quote"]))
        placed.append(
            {**{k: v for k, v in tag.items() if k != "评论"}, "start": start, "end": start + len(tag["quote"])}
        )
    return placed


def _moved(path: Path, number: int) -> InputError:
    told = f"this row of {SHEET_ROWS!r} is not the one that {SHEET_TAGS!r} has tags for: rows were sorted or deleted, "
    told += "or another text column was used: --text ..."
    return InputError(told, path=path, row=number, hint=_AGAIN)


def _verdict(cells: Mapping[str, Any], ours: Mapping[str, str], tags: list[dict[str, Any]]) -> dict[str, Any]:
    said, noise = cells[ours["情感"]], cells[ours["噪声"]]
    return {
        "voc_sentiment": _BACK.get(said, said) if said else "neutral",
        "voc_confidence": cells[ours["情感置信度"]],
        "voc_noise": _BACK.get(noise, noise) if noise else None,
        "voc_tags": tags,
    }


def _columns(verdict: list[dict[str, Any]], path: Path) -> list[pa.Array]:
    try:
        return [pa.array([row.get(name) for row in verdict], VERDICT.field(name).type) for name in VERDICT.names]
    except (pa.ArrowException, TypeError) as error:
        told = f"the tag columns of {SHEET_ROWS!r} were edited: {error}"
        raise InputError(told, path=path, hint=_AGAIN) from error
