"""What discovery leaves on the disk: ``topics.json`` for programs, the comments of each topic, and a workbook to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .discovery import SCHEMA, Discovered
from .errors import InputError, OutputError
from .jsonlines import dump_json
from .output_places import Place, check_places
from .sheets import Workbook
from .topic_proposals import NEW, NOISE, SUB, SYNONYM

TOPICS, COMMENTS, WORKBOOK, PAGE = "topics.json", "comments.jsonl", "topics.xlsx", "topics.html"
KINDS = {NEW: "新增码", SUB: "细分为子码", SYNONYM: "补充同义说法", NOISE: "噪声"}
_MOODS = {"positive": "正面", "neutral": "中性", "negative": "负面"}


def targets_in(folder: Path, inputs: Iterable[Path | None] = (), *, force: bool = False) -> tuple[Path, ...]:
    """The files of a discovery in a folder, which is made only when they are written.

    OutputError where no folder can stand there, where one of the files is an input, or there already, unless ``force``.
    """
    targets = tuple(folder / name for name in (TOPICS, COMMENTS, WORKBOOK, PAGE))
    above = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if not above.is_dir():
        raise OutputError("cannot be written: it is no folder", path=above, hint="choose another folder")
    if above == folder:
        hint = "choose another folder, or replace it with --force"
        check_places([Place(target, may_replace=force, hint=hint) for target in targets], inputs)
    return targets


def write_topics(found: Discovered, folder: Path, page: str, *, force: bool = False) -> tuple[Path, ...]:
    """Write all files of a discovery into a folder, which is made; ``page`` is its HTML. None is left half-written.

    OutputError where one of the files is there already, unless ``force``, or cannot be written.
    """
    targets = targets_in(folder, force=force)
    partial = [target.with_name(f".{target.name}.part") for target in targets]
    content = found.to_dict()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial[0].write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        partial[1].write_text("".join(dump_json(line) + "\n" for line in found.comments_of_topics), encoding="utf-8")
        _write_workbook(partial[2], content)
        partial[3].write_text(page, encoding="utf-8")
        for source, target in zip(partial, targets, strict=True):
            source.replace(target)
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror}", path=folder, hint="check the folder's rights"
        ) from error
    finally:
        for path in filter(Path.is_file, partial):
            path.unlink()
    return targets


def read_topics(path: Path) -> dict[str, Any]:
    """``topics.json`` as ``Discovered.to_dict`` gave it; ``path`` is the file or its folder. InputError where it is none."""
    file = path / TOPICS if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", path=file, hint="run vocnlp discover first") from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {error}", path=file, hint="run vocnlp discover again") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("topics"), list):
        raise InputError("is no result of a discovery", path=file, hint="give the topics.json of vocnlp discover")
    for number, topic in enumerate(content["topics"]):
        if (wrong := _unsound(topic)) is not None:
            told, hint = "is missing, or of another kind than discovery writes", "run vocnlp discover again"
            raise InputError(told, path=file, column=f"topics[{number}]{wrong}", hint=hint)
    return content


def _unsound(topic: Any) -> str | None:
    """The first part of a topic, among those that a decision reads, that is not as it was written; None where all are."""
    if not isinstance(topic, dict):
        return ""
    for name in ("id", "name"):
        if not isinstance(topic.get(name), str):
            return f".{name}"
    for part, kinds in _DECIDED.items():
        inner = topic.get(part)
        if not isinstance(inner, dict):
            return f".{part}"
        for name, kind in kinds.items():
            value = inner.get(name, _GONE)
            listed = kind is list and isinstance(value, list)
            if not isinstance(value, kind) or (listed and not all(isinstance(word, str) for word in value)):
                return f".{part}.{name}"
    return None


_GONE = object()
_DECIDED: dict[str, dict[str, Any]] = {
    "proposal": {"kind": str, "code": str | None, "definition": str, "keywords": list, "examples": list},
    "sentiment": dict.fromkeys(("positive", "negative"), int),
}


def read_comments(path: Path, topic: str) -> Iterator[dict[str, Any]]:
    """The comments of one topic, from the file beside ``topics.json``."""
    file = (path if path.is_dir() else path.parent) / COMMENTS
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["topic"] == topic:
                    yield {name: row[name] for name in ("topic", "id", "text", "start", "end", "sentiment")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"cannot be read: {error}", path=file, hint="run vocnlp discover again") from error


def _write_workbook(path: Path, content: dict[str, Any]) -> None:
    with Workbook(path) as book:
        wide = {"话题": 24, "关键词": 40, "建议": 16, "理由": 40, "典型说法": 60}
        header = ["编号", "话题", "评论数", "占比", "正面", "中性", "负面", "NPS", "有分数", "最早出现", "趋势",
                  "主要环节", "关键词", "建议", "相关的码", "理由", "典型说法"]  # fmt: skip
        topics = reading_order(content)
        book.sheet("话题", header, widths=wide).write_rows(_topic_row(topic) for topic in topics)
        months = book.sheet("月度", ["编号", "话题", "月份", "评论数", "当月评论"])
        for topic in topics:
            months.write_rows([topic["id"], topic["name"], *month] for month in topic["months"])
        said = book.sheet("典型说法", ["编号", "话题", "说法"], widths={"话题": 24, "说法": 90})
        for topic in topics:
            said.write_rows([topic["id"], topic["name"], words] for words in topic["verbatims"])
        book.sheet("说明", ["项目", "内容"], widths={"项目": 18, "内容": 80}).write_rows(about(content))


def reading_order(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Topics by size, those proposed as noise behind all others."""
    return sorted(content["topics"], key=lambda topic: topic["proposal"]["kind"] == NOISE)


def _topic_row(topic: dict[str, Any]) -> Sequence[object]:
    nps, proposal = topic["nps"], topic["proposal"]
    moods = [topic["sentiment"][mood] for mood in _MOODS]
    stages = "、".join(f"{name} {count}" for name, count in topic["stages"][:3])
    return [
        topic["id"], topic["name"], topic["comments"], topic["share"], *moods,
        None if nps["small"] else nps["nps"], nps["n"], topic["first"], trend_word(topic), stages,
        "、".join(term for term, _ in topic["terms"]), KINDS[proposal["kind"]], proposal["code"], proposal["why"],
        " / ".join(topic["verbatims"][:3]),
    ]  # fmt: skip


def trend_word(topic: dict[str, Any]) -> str:
    """How a topic moves, in words; nothing where the data have no time."""
    if topic["rise"] is None:
        return ""
    if topic["rising"]:
        ratio = topic["rise"]["ratio"]
        return "新出现" if ratio is None else f"上升 {ratio:.1f} 倍"
    return "平稳"


def scope_word(content: Mapping[str, Any]) -> str:
    """What was looked at, in a few words."""
    if content["inside"]:
        return f"码 {content['inside']} 之内"
    return "全部内容" if content["everything"] else "码框未归类的内容"


def about(content: dict[str, Any]) -> list[list[object]]:
    """What a reader should know about a discovery: what was looked at, and how."""
    frame = content["codeframe"]
    rows: list[list[object]] = [
        ["范围", scope_word(content)],
        ["未归类", "没有把握足够的标签，或只归为“其他”"],
        ["码框", f"{frame['name']} {frame['version']}"],
        ["读到的评论", content["comments"]],
        ["有这类内容的评论", content["looked"]],
        ["其中的语句", content["pieces"]],
        ["未形成话题的语句", content["unplaced"]],
        *([key, value] for key, value in content["facts"].items()),
        [
            "方法",
            "自有编码器向量与字 n-gram；UMAP 降维，HDBSCAN 聚类，BERTopic 取关键词；固定随机种子，同样数据得同样话题",
        ],
    ]
    return [*rows, *([["说明", content["reason"]]] if content["reason"] else [])]
