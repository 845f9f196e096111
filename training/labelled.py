"""Labelled comments: read from jsonl, xlsx or csv (long or wide), checked, and split so that twins never cross."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vocnlp.codeframe import Codeframe
from vocnlp.columns import choose_columns
from vocnlp.errors import InputError
from vocnlp.records import MIXED, NEGATIVE, NEUTRAL, POLARITIES, POSITIVE
from vocnlp.tables import open_table
from vocnlp.text import normalise

_POLARITY_WORDS = {
    **{polarity: polarity for polarity in (*POLARITIES, MIXED)},
    **dict.fromkeys(("neg", "负面", "负向", "消极", "差评", "-1", "不满意"), NEGATIVE),
    **dict.fromkeys(("neu", "中性", "中立", "0", "一般"), NEUTRAL),
    **dict.fromkeys(("pos", "正面", "正向", "积极", "好评", "1", "满意"), POSITIVE),
    **dict.fromkeys(("混合", "褒贬不一"), MIXED),
}


@dataclass(frozen=True, slots=True)
class GoldTag:
    """A code somebody marked in a text; polarity None where it was not judged, offsets None where not marked."""

    code: str
    polarity: str | None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """One labelled comment.

    ``annotated`` holds the codes a coder looked for in this text (None: every code of the frame): a code that is
    annotated and not among ``tags`` is absent; one that is not annotated is unknown, and nothing is learnt from it.
    ``two_class`` marks a sentiment that was judged without the choice of neutral.
    """

    id: str
    text: str
    tags: tuple[GoldTag, ...] = ()
    sentiment: str | None = None
    annotated: frozenset[str] | None = None
    two_class: bool = False
    source: str = ""
    weight: float = 1.0
    dev_parts: int = 10  # one part in this many of its set is held out for measuring; 0: none

    @property
    def held_out(self) -> bool:
        """Whether training must not see it: part 0 of its set, the same rows for everybody, always."""
        return self.dev_parts > 0 and part_of(self.text, self.dev_parts) == 0


@dataclass(frozen=True)
class Findings:
    """What a look over labelled data found before training: counts a person should see."""

    rows: int
    empty: int
    twins: int
    contradictions: int
    per_code: Mapping[str, int] = field(default_factory=dict)


def read_labelled(path: Path | str) -> list[Labelled]:
    """Rows of a labelled file; InputError names file, row and value of what cannot be understood.

    jsonl: ``{"id", "text", "tags": [{"code", "polarity", "start", "end"}], "sentiment" | "label"}``.
    xlsx/csv long: columns text, code[, polarity, id, start, end, sentiment]: one row a tag.
    xlsx/csv wide: a text column, optional id and sentiment, and one column a code with the polarity in its cells.
    """
    path = Path(path)
    rows = list(_from_jsonl(path) if path.suffix.lower() in (".jsonl", ".ndjson") else _from_table(path))
    if not rows:
        raise InputError(
            "holds no labelled row", path=path, hint="each line needs a text and tags, a label or a sentiment"
        )
    if not any(row.tags or row.sentiment for row in rows):
        hint = 'expected fields: "tags", "label" or "sentiment" (jsonl), or columns code/polarity or one column a code'
        raise InputError("no row carries a label", path=path, hint=hint)
    two_class = not any(row.sentiment == NEUTRAL for row in rows)
    return [replace(row, two_class=two_class and row.sentiment is not None, source=path.stem) for row in rows]


def read_texts(path: Path | str) -> list[str]:
    """The comments of any table; InputError as in ``tables`` and ``columns``."""
    source = open_table(path)
    batches = list(source.batches())
    if not batches:
        raise InputError("holds no row", path=path)
    text = choose_columns(source.schema, batches[0]).text
    return [str(cell) for batch in batches for cell in batch.column(text).to_pylist() if cell is not None]


def _from_jsonl(path: Path) -> Iterator[Labelled]:
    try:
        handle = path.open(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", path=path, hint="check the spelling and the folder") from None
    with handle:
        for number, line in enumerate(_decoded(handle, path), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                text = row["text"]
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                hint = 'each line is a JSON object with at least "text"'
                raise InputError(f"not a labelled row: {error!r}", path=path, row=number, hint=hint) from error
            if not isinstance(text, str):
                raise InputError("the text is not a string", path=path, row=number, column="text", value=repr(text))
            label = row.get("sentiment", row.get("label"))
            tags = tuple(_tag(tag, path, number) for tag in row.get("tags") or ())
            yield _with_label(Labelled(str(row.get("id", number)), text, tags), label)


def starred_lines(path: Path) -> Iterator[tuple[int, str]]:
    """``(stars, text)`` of every line ``stars<TAB>text`` of an xz file; a source name in place of the stars counts as 0.

    InputError names the line that is not UTF-8 or has no tab.
    """
    with lzma.open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                head, tab, text = raw.decode("utf-8").rstrip("\r\n").partition("\t")
            except UnicodeDecodeError as error:
                hint = "save the corpus as UTF-8, or take the line out"
                raise InputError(f"is not UTF-8: {error.reason}", path=path, row=number, hint=hint) from error
            if not tab:
                raise InputError(
                    "a line without a tab", path=path, row=number, hint="stars<TAB>text or source<TAB>text"
                )
            yield (int(head) if head in ("1", "2", "3", "4", "5") else 0), text


def _decoded(handle: Iterable[str], path: Path) -> Iterator[str]:
    try:
        yield from handle
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8: {error.reason}", path=path, hint="save the file as UTF-8") from error


def _tag(tag: Any, path: Path, number: int) -> GoldTag:
    if not isinstance(tag, dict) or not isinstance(tag.get("code"), str) or not tag["code"]:
        raise InputError("a tag without a code", path=path, row=number, column="tags", value=repr(tag))
    start, end = tag.get("start"), tag.get("end")
    spans = isinstance(start, int) and isinstance(end, int)
    return GoldTag(
        tag["code"], polarity_of(tag.get("polarity"), path, number), *((start, end) if spans else (None, None))
    )


def polarity_of(value: Any, path: Path, number: int) -> str | None:
    """The polarity a cell means, None for an empty one; InputError for a word that is none."""
    if value is None or not str(value).strip():
        return None
    word = str(value).strip().lower()
    if word not in _POLARITY_WORDS:
        hint = "use positive, neutral, negative, mixed, or 正面, 中性, 负面"
        raise InputError("not a polarity", path=path, row=number, column="polarity", value=str(value), hint=hint)
    return _POLARITY_WORDS[word]


def _with_label(row: Labelled, label: Any) -> Labelled:
    """A label is a sentiment if it is one of the three words, otherwise a code of an exclusive frame."""
    if not isinstance(label, str) or not label.strip():
        return row
    sentiment = _POLARITY_WORDS.get(label.strip().lower())
    if sentiment in POLARITIES:
        return replace(row, sentiment=sentiment)
    return row if row.tags else replace(row, tags=(GoldTag(label.strip(), None),))


def _from_table(path: Path) -> Iterator[Labelled]:
    source = open_table(path)
    names = list(source.schema.names)
    batches = list(source.batches())
    if not batches:
        return
    cells = [row for batch in batches for row in batch.to_pylist()]
    lower = {name.strip().lower(): name for name in names}
    code = next((lower[key] for key in ("code", "编码", "标签", "码", "tag") if key in lower), None)
    text = lower.get("text") or choose_columns(source.schema, batches[0]).text
    sentiment = next((lower[key] for key in ("sentiment", "label", "情感", "整体情感") if key in lower), None)
    identity = next((lower[key] for key in ("id", "编号", "序号") if key in lower), None)
    if code is None:
        plain = {text, sentiment, identity}
        codes = [name for name in names if name not in plain]
        yield from _wide(path, cells, codes, text=text, sentiment=sentiment, identity=identity)
    else:
        yield from _long(path, cells, lower, code=code, text=text, identity=identity)


def _wide(
    path: Path,
    cells: Sequence[dict[str, Any]],
    codes: Sequence[str],
    *,
    text: str,
    sentiment: str | None,
    identity: str | None,
) -> Iterator[Labelled]:
    for number, row in enumerate(cells, 1):
        tags = []
        for code in codes:
            polarity = polarity_of(row[code], path, number)
            if polarity is not None:
                tags.append(GoldTag(code, polarity))
        label = row[sentiment] if sentiment else None
        yield _with_label(
            Labelled(str(row[identity] if identity else number), str(row[text] or ""), tuple(tags)), label
        )


def _long(
    path: Path, cells: Sequence[dict[str, Any]], lower: Mapping[str, str], *, code: str, text: str, identity: str | None
) -> Iterator[Labelled]:
    polarity = next((lower[key] for key in ("polarity", "极性", "情感", "倾向") if key in lower), None)
    merged: dict[str, Labelled] = {}
    for number, row in enumerate(cells, 1):
        key = str(row[identity]) if identity else str(row[text])
        start, end = row.get(lower.get("start", "")), row.get(lower.get("end", ""))
        whole = str(start or "").isdigit() and str(end or "").isdigit()
        offsets = (int(str(start)), int(str(end))) if whole else (None, None)
        mark = row[code]
        judged = polarity_of(row[polarity], path, number) if polarity else None
        tags = (GoldTag(str(mark).strip(), judged, *offsets),) if mark is not None and str(mark).strip() else ()
        old = merged.get(key, Labelled(key, str(row[text] or "")))
        merged[key] = replace(old, tags=(*old.tags, *tags))
    yield from merged.values()


def frame_of(rows: Sequence[Labelled]) -> Codeframe:
    """A flat frame of the codes found; exclusive if every row carries exactly one distinct code, of at least two."""
    per_row = [{tag.code for tag in row.tags} for row in rows]
    codes = set().union(*per_row)
    exclusive = len(codes) > 1 and all(len(found) == 1 for found in per_row)
    return Codeframe.from_labels(codes, exclusive=exclusive)


def in_frame(rows: Sequence[Labelled], frame: Codeframe, *, path: Path | str = "data") -> list[Labelled]:
    """The rows with codes as ids of the frame; InputError lists codes that the frame does not have."""
    ids: dict[str, str] = {}
    for label in sorted({tag.code for row in rows for tag in row.tags}):
        code = frame.resolve(label)
        if code is None:
            near = [c.id for c in frame.codes if label.lower() in (c.id.lower(), c.name.lower())]
            hint = f"did you mean {near[0]!r}?" if near else "add it to the codeframe, or train without --codeframe"
            raise InputError(
                f"the codeframe {frame.name} has no such code", path=path, column="code", value=label, hint=hint
            )
        ids[label] = code.id
    return [replace(row, tags=tuple(replace(tag, code=ids[tag.code]) for tag in row.tags)) for row in rows]


def part_of(text: str, parts: int = 10) -> int:
    """The part (0 .. parts-1) of a text, by a hash of its normalised form, so that near twins share a part."""
    plain = "".join(character for character in normalise(text) if character.isalnum())
    return int(hashlib.sha256(plain.encode()).hexdigest()[:8], 16) % parts


def split(rows: Sequence[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """(training, development): part 0 of a row's ``dev_parts`` is held out, the same rows for everybody, always."""
    train: list[Labelled] = []
    dev: list[Labelled] = []
    for row in rows:
        (dev if row.held_out else train).append(row)
    return train, dev


def look_over(rows: Sequence[Labelled]) -> Findings:
    """Counts of empty texts, twins, twins that contradict each other, and comments per code."""
    seen: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for row in rows:
        label = (*sorted((tag.code, tag.polarity or "") for tag in row.tags), ("", row.sentiment or ""))
        seen.setdefault(normalise(row.text), set()).add(label)
    per_code = Counter(code for row in rows for code in {tag.code for tag in row.tags})
    return Findings(
        rows=len(rows),
        empty=sum(not row.text.strip() for row in rows),
        twins=len(rows) - len(seen),
        contradictions=sum(len(labels) > 1 for labels in seen.values()),
        per_code=dict(per_code.most_common()),
    )
