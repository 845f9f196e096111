"""The tables of the report as a workbook: what the page shows, number by number, for those who go on reckoning.

Every text is a text: no formula, no link (``sheets``). A number that stands on too little is left empty, and the column
at the end says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .report_findings import QUADRANTS
from .sheets import Workbook
from .unfinished import beside

_FEW = "样本太少"
_QUADRANTS = {quadrant.value: name for quadrant, name in QUADRANTS.items()}
_MOODS = {"positive": "正面", "neutral": "中性", "negative": "负面"}
_RELATIONS = {"peak": "峰", "end": "终", "peak-end": "峰终平均", "mean": "全程平均", "worst": "最坏一刻"}

_Row = Sequence[object]
_Rows = Callable[[Mapping[str, Any]], Iterator[_Row]]


def write_tables(path: Path | str, payload: Mapping[str, Any], facts: Mapping[str, str]) -> None:
    """Write the tables of a report's payload as xlsx, replacing what is there; sheets with no row are left out.

    OutputError when the file cannot be written.
    """
    target = Path(path)
    with beside(target) as folder:
        partial = folder / target.name
        with Workbook(partial) as book:
            for name, header, rows in _SHEETS:
                if found := list(rows(payload)):
                    book.sheet(name, header).write_rows(found)
            book.sheet("说明", ["项目", "内容"], widths={"项目": 18, "内容": 80}).write_rows(facts.items())
        partial.replace(target)


def _codes(payload: Mapping[str, Any]) -> Iterator[_Row]:
    for c in payload["codes"]:
        kept = [None if c["smallEvery"] else c[key] for key in ("nps", "impact")]
        pain = [None if c["small"] else c[key] for key in ("pain", "margin")]
        counts = [c[key] for key in ("mentions", "share", "pos", "neu", "neg", "net")]
        yield [c["name"], " / ".join(c["path"]), c["id"], *counts, *kept, *pain, c["owner"], _few(c["small"])]


def _groups(payload: Mapping[str, Any]) -> Iterator[_Row]:
    for name, key in (("环节", "stages"), ("渠道", "channels"), ("客群", "segments"), ("月份", "months")):
        for g in payload[key]:
            small = g["n"] < payload["small"]
            kept = [None if small else g.get(part) for part in ("nps", "low", "high")]
            yield [name, g["name"], g["comments"], g.get("pos"), g.get("neu"), g.get("neg"), g["n"], *kept, _few(small)]


def _heat(payload: Mapping[str, Any]) -> Iterator[_Row]:
    names = _names(payload)
    for stage, code, negative, share, nps, n in payload["heat"]["cells"]:
        where, small = payload["stages"][stage], payload["small"]
        kept = [None if where["comments"] < small else share, None if n < small else nps]
        few = _few(where["comments"] < small or n < small)
        yield [where["name"], names[payload["heat"]["codes"][code]], negative, *kept, n, few]


def _map(payload: Mapping[str, Any]) -> Iterator[_Row]:
    names, found = _names(payload), payload["map"]
    for spot in found["spots"]:
        stage, point = spot["at"]
        scores = [None if spot["small"] else spot[key] for key in ("nps", "low", "high")]
        hurts = "；".join(f"{names.get(code, code)} {count}" for code, count in spot["pains"])
        net = None if spot["few"] else spot["net"]
        few = _few(spot["few"] or spot["small"])
        yield [
            found["stages"][stage]["name"],
            found["points"][point],
            spot["rows"],
            spot["comments"],
            net,
            spot["n"],
            *scores,
            hurts,
            few,
        ]


def _asked(payload: Mapping[str, Any]) -> Iterator[_Row]:
    for key, name in (("csat", "CSAT（满意的占比）"), ("ces", "CES（均值，1-7，越高越省力）")):
        found = payload[key]
        for one in [{**found, "name": "全部"}, *found["stages"]] if found else ():
            kept = [None if one["few"] else one.get(part) for part in ("value", "low", "high", "easy")]
            yield [name, one["name"], one["n"], *kept, _few(one["few"])]


def _drivers(payload: Mapping[str, Any]) -> Iterator[_Row]:
    names = _names(payload)
    places = {point["id"]: point for point in payload["matrix"]["points"]}
    for d in payload["drivers"]["items"]:
        numbers = [d[key] for key in ("share", "low", "high", "slope", "slopeLow", "slopeHigh", "n")]
        point = places.get(d["id"])
        where = [point["x"], _QUADRANTS[point["quadrant"]]] if point else [None, None]
        yield [names.get(d["id"], d["id"]), *numbers, *where, _few(d["few"] or payload["drivers"]["warning"] == "few")]


def _cross(payload: Mapping[str, Any]) -> Iterator[_Row]:
    names = _names(payload)
    for by, table in payload["cross"].items():
        for cell in table["cells"]:
            group, code = table["groups"][cell["at"][0]], table["codes"][cell["at"][1]]
            kept = [None if group["few"] else cell[key] for key in ("share", "residual", "p")]
            marked = "显著" if cell["marked"] and not group["few"] else None
            by_name = {"channel": "渠道", "segment": "客群"}[by]
            counts = [group["size"], cell["observed"], cell["expected"]]
            yield [by_name, group["key"], names[code], *counts, *kept, marked, _few(group["few"])]


def _trend(payload: Mapping[str, Any]) -> Iterator[_Row]:
    names, moves = _names(payload), payload["moves"]
    for line in moves["lines"] if moves else ():
        for start, comments, count in zip(moves["starts"], moves["comments"], line["counts"], strict=True):
            yield [names[line["id"]], start, comments, count, count / comments if comments else None, None, None, None]
        for start, share, low, high in line["expected"]:
            yield [names[line["id"]], start, None, None, share, low, high, "预测"]


def _stage_trend(payload: Mapping[str, Any]) -> Iterator[_Row]:
    moves = payload["moves"]
    for line in moves["stages"] if moves else ():
        for start, comments, count in zip(moves["starts"], line["comments"], line["counts"], strict=True):
            few = comments < payload["small"]
            yield [line["name"], start, comments, count, None if few else count / comments, _few(few)]


def _changes(payload: Mapping[str, Any]) -> Iterator[_Row]:
    return _changed(payload["moves"], "changes")


def _stage_changes(payload: Mapping[str, Any]) -> Iterator[_Row]:
    return _changed(payload["moves"], "stageChanges")


def _changed(moves: Mapping[str, Any] | None, what: str) -> Iterator[_Row]:
    if not moves:
        return
    for c in moves[what]:
        kept = [None if c["few"] else c[key] for key in ("ratio", "low", "high", "p")]
        verdict = "新出现" if c["new"] else "消失" if c["vanished"] else "显著" if c["sure"] and not c["few"] else None
        counts = [c["before"], c["beforeShare"], c["after"], c["afterShare"]]
        yield [c["name"], moves["split"], *counts, *kept, verdict, _few(c["few"])]


def _effects(payload: Mapping[str, Any]) -> Iterator[_Row]:
    moves = payload["moves"]
    for e in moves["effects"] if moves else ():
        kept = [None if e["few"] else e[key] for key in ("ratio", "low", "high", "p")]
        series = [
            part[key] if (part := e[name]) else None for name in ("trend", "level", "slope") for key in ("value", "p")
        ]
        yield [e["name"], moves["since"], e["before"], e["after"], *kept, *series, e["whyNot"] or _few(e["few"])]


def _peak(payload: Mapping[str, Any]) -> Iterator[_Row]:
    peak = payload["peak"]
    if not peak:
        return
    for one in peak["relations"]:
        kept = [None if peak["few"] else one[key] for key in ("r", "low", "high")]
        yield ["相关", _RELATIONS[one["of"]], *kept, peak["customers"], _few(peak["few"])]
    for name, key in (("坏的峰", "peaks"), ("坏的终", "ends")):
        for stage, count in zip(peak["stages"], peak[key], strict=True):
            yield [name, stage["name"], None, None, None, count, None]


def _gaps(payload: Mapping[str, Any]) -> Iterator[_Row]:
    keys = ("name", "experience", "expectation", "importance", "ideal", "satisfaction", "weighted", "gap")
    for gap in payload["gaps"]:
        yield [gap[key] for key in keys]


def _voices(payload: Mapping[str, Any]) -> Iterator[_Row]:
    names = _names(payload)
    stages = {stage["key"]: stage["name"] for stage in (*payload["stages"], *payload["map"]["stages"])}
    for voice in payload["voices"]:
        text = "".join(words for words, _ in voice["parts"])
        where = "、".join(stages.get(key, key) for key in voice["stages"])
        codes = ["；".join(names.get(code, code) for code in voice[side]) for side in ("neg", "pos")]
        mood = _MOODS.get(voice["mood"])
        yield [text, voice["score"], mood, *codes, where, voice["channel"], voice["segment"], voice["date"] or None]


def _names(payload: Mapping[str, Any]) -> dict[str, str]:
    return {code["id"]: code["name"] for code in payload["codes"]}


def _few(few: bool) -> str | None:
    return _FEW if few else None


_SHEETS: tuple[tuple[str, Sequence[str], _Rows], ...] = (
    ("码", ["码", "上级", "编码", "提及", "占比", "正面", "中性", "负面", "净情感", "提及者NPS", "总影响", "痛点影响", "误差±", "责任部门", "样本"], _codes),
    ("分组", ["维度", "分组", "评论", "正面", "中性", "负面", "评分", "NPS", "95%下限", "95%上限", "样本"], _groups),
    ("环节×问题", ["环节", "问题", "负面评论", "占该环节评论", "这些客户的NPS", "评分", "样本"], _heat),
    ("旅程地图", ["环节", "触点", "记录", "评论", "净情感", "评分", "NPS", "95%下限", "95%上限", "痛点", "样本"], _map),
    ("满意度与省力度", ["题目", "环节", "回答", "数值", "95%下限", "95%上限", "觉得省力的占比", "样本"], _asked),
    ("驱动与四象限", ["码", "相对权重", "权重下限", "权重上限", "每条评分差", "评分差下限", "评分差上限", "带评分的提及", "净情感", "象限", "样本"], _drivers),
    ("交叉表", ["维度", "分组", "问题", "该组评论", "实有", "应有", "占比", "标准化残差", "p（校正）", "结论", "样本"], _cross),
    ("走势与预测", ["码", "起始日", "评论", "负面提及", "占比", "95%下限", "95%上限", "说明"], _trend),
    ("变化", ["码", "分界日", "此前条数", "此前占比", "此后条数", "此后占比", "倍数", "95%下限", "95%上限", "p（校正）", "结论", "样本"], _changes),
    ("环节走势", ["环节", "起始日", "该环节评论", "负面评论", "占该环节评论", "样本"], _stage_trend),
    ("环节变化", ["环节", "分界日", "此前负面", "此前占比", "此后负面", "此后占比", "倍数", "95%下限", "95%上限", "p（校正）", "结论", "样本"], _stage_changes),
    ("措施前后", ["码", "措施日期", "之前占比", "之后占比", "倍数", "95%下限", "95%上限", "p", "原有走势/周", "p（走势）", "当日跳变", "p（跳变）", "走势变化/周", "p（走势变化）", "说明"], _effects),
    ("峰终", ["项目", "环节或指标", "等级相关", "95%下限", "95%上限", "客户数", "样本"], _peak),
    ("满意度差距", ["维度", "体验", "期望", "重要性", "理想", "满意度", "加权满意度", "与理想的差距"], _gaps),
    ("原声", ["原声", "评分", "情感", "负面提及", "正面提及", "环节", "渠道", "客群", "日期"], _voices),
)  # fmt: skip
