"""A shadow run over a file or store that can be stopped and gone on with, written as JSON and as a workbook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .codeframe import Codeframe
from .errors import OutputError
from .records import NEGATIVE, NEUTRAL, POSITIVE
from .registry_writing import replaced
from .shadow import BINS, Changed, Shadow, Shares, Tally, name_in, shadow
from .sheets import Workbook
from .tagger import Tagger
from .traffic import Traffic
from .unfinished import explained

_WORDS = {POSITIVE: "正面", NEUTRAL: "中性", NEGATIVE: "负面"}
_WIDE = {"评论": 60.0, "旧模型编码": 36.0, "新模型编码": 36.0, "项目": 30.0, "旧模型": 34.0, "新模型": 34.0}


def shadow_file(
    old: Tagger,
    new: Tagger,
    traffic: Traffic,
    out: Path,
    *,
    force: bool = False,
    report: Callable[[int], None] = lambda _: None,
) -> Shadow:
    """Score ``traffic`` with both models and write ``out`` (.xlsx) and the same as .json beside it.

    What was counted is put away after every batch; after a kill the same call goes on behind it, unless comments or
    models are others by then. OutputError when ``out`` exists and is not to be replaced; InputError without comments.
    """
    beside = out.with_suffix(".json")
    if out.suffix.lower() != ".xlsx":
        raise OutputError("is no .xlsx", path=out, hint=f"name it {out.with_suffix('.xlsx').name}")
    for path in (out, beside):
        if path.exists() and not force:
            raise OutputError("already exists", path=path, hint="choose another name, or replace it with --force")
    work = out.with_name(f".{out.name}.shadow")
    identity = {**traffic.identity(), "old": old.bundle.digest, "new": new.bundle.digest}
    identity |= {"frames": [old.codeframe.digest, new.codeframe.digest]}
    with _writing(out):
        tally = _taken_up(work, identity)

        def put_away(counted: Tally) -> None:
            content = {"identity": identity, "tally": counted.to_dict()}
            replaced(work, json.dumps(content, ensure_ascii=False).encode(errors="replace"))
            report(counted.rows)

        found = shadow(old, new, traffic.texts(skip=tally.rows), tally=tally, report=put_away)
        if not found.rows:
            raise traffic.nothing()
        _write_workbook(out, found, new.codeframe, old.codeframe, str(traffic))
        content = json.dumps({"data": str(traffic), **found.to_dict(new.codeframe)}, ensure_ascii=False, indent=1)
        replaced(beside, content.encode(errors="replace"))
        work.unlink(missing_ok=True)
    return found


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise explained(error, out) from error


def _taken_up(work: Path, identity: Mapping[str, Any]) -> Tally:
    """The tally of a run that was stopped, or an empty one where there is none of this job."""
    try:
        content = json.loads(work.read_bytes())
        same = content["identity"] == json.loads(json.dumps(identity))
        return Tally.from_dict(content["tally"]) if same else Tally()
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return Tally()


def _write_workbook(out: Path, found: Shadow, frame: Codeframe, before: Codeframe, data: str) -> None:
    partial = out.with_name(f".{out.name}.part")
    try:
        with Workbook(partial) as book:
            book.sheet("概览", ["项目", "旧模型", "新模型", "差异"], widths=_WIDE).write_rows(_overview(found, data))
            sheet = book.sheet("情感变化", ["旧情感", "新情感", "评论数", "占比"])
            sheet.write_rows(
                [_WORDS[a], _WORDS[b], count, count / found.read] for (a, b), count in found.sentiment.items()
            )
            for name, shares in (("编码占比", found.codes), ("负面编码占比", found.pains)):
                heads = [
                    "编码",
                    "名称",
                    "旧模型条数",
                    "新模型条数",
                    "两者都有",
                    "旧占比",
                    "新占比",
                    "差异",
                    "差异下限",
                    "差异上限",
                    "超出偶然",
                ]
                sheet = book.sheet(name, heads)
                sheet.write_rows(_code_row(code, one, frame, before) for code, one in shares.items())
            heads = ["编号", "评论", "旧情感", "新情感", "旧模型编码", "新模型编码", "差异程度"]
            sheet = book.sheet("变化的评论", heads, widths=_WIDE)
            sheet.write_rows(_comment_row(one, frame, before) for one in found.comments)
            sheet = book.sheet("置信度分布", ["区间", "旧模型条数", "新模型条数"])
            old, new = found.confidence
            sheet.write_rows([f"{at / BINS:.2f}–{(at + 1) / BINS:.2f}", old[at], new[at]] for at in range(BINS))
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _overview(found: Shadow, data: str) -> Iterator[list[object]]:
    read, bare = max(1, found.read), found.untagged
    mean = found.mean_confidence
    yield ["模型", found.old, found.new, None]
    yield ["数据", data, None, None]
    yield ["评论数", found.rows, found.rows, None]
    yield ["噪声评论", *found.noise, found.noise[1] - found.noise[0]]
    yield ["没有编码的评论占比", bare.old / read, bare.new / read, bare.difference]
    yield ["平均情感置信度", *mean, mean[1] - mean[0]]
    yield ["情感不同的评论", None, None, found.other_sentiment]
    yield ["情感不同的评论占比", None, None, found.other_sentiment / read]
    yield ["情感或编码有变化的评论", None, None, found.changed]
    yield ["其中列出(变化最大者)", None, None, len(found.comments)]


def _code_row(code: str, one: Shares, frame: Codeframe, before: Codeframe) -> list[object]:
    low, high = one.bounds
    rows = max(1, one.rows)
    counts = [one.old, one.new, one.both, one.old / rows, one.new / rows, one.difference, low, high]
    return [code, _name(frame, before, code), *counts, "是" if one.moved else "否"]


def _comment_row(one: Changed, frame: Codeframe, before: Codeframe) -> list[object]:
    def words(answer: Mapping[str, Any]) -> str:
        tags = [tag.rpartition(":") for tag in answer["tags"]]
        return "；".join(f"{_name(frame, before, code)}({_WORDS[polarity]})" for code, _, polarity in tags)

    sentiments = [_WORDS[answer["sentiment"]] for answer in (one.old, one.new)]
    return [one.id, one.text, *sentiments, words(one.old), words(one.new), one.weight]


def _name(frame: Codeframe, before: Codeframe, code: str) -> str:
    return name_in(frame if code in frame else before, code)


__all__ = ["shadow_file"]
