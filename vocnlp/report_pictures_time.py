"""The pictures of what moves: by month, trends of codes and stages, the forecast, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .report_drawing import BLUE, GREY, HUES, INK, NEG, NEU, POS, Payload, bars, dots, in_legend, measured, names, quiet

_TICKS = 8  # at most some so many dates on an axis


def months(axes: Any, payload: Payload) -> None:
    """The NPS by month with its interval; a month without an answer is a gap."""
    found = payload["months"]
    line = [_level(payload, month) for month in found]
    axes.plot(range(len(found)), line, color="#9dbedd", linewidth=1.5, zorder=0)
    dots(axes, payload, found, across=False, labels=len(found) <= 12)
    _dated(axes, [month["key"] for month in found])
    axes.set(title="NPS，按月" if payload["scored"] else "负面评论占比，按月", ylabel=measured(payload))
    quiet(axes, "y")


def _level(payload: Payload, month: Any) -> float:
    if payload["scored"]:
        return month["nps"] if month["n"] else float("nan")
    return 100 * month["neg"] / month["comments"] if month["comments"] else float("nan")


def moods(axes: Any, payload: Payload) -> None:
    """What share of a month's comments is negative, neutral, positive."""
    found = payload["months"]
    floor = [0.0] * len(found)
    for name, key, tint in (("负面", "neg", NEG), ("中性", "neu", NEU), ("正面", "pos", POS)):
        shares = [100 * month[key] / month["comments"] if month["comments"] else 0.0 for month in found]
        axes.bar(range(len(found)), shares, 0.7, bottom=floor, color=tint, label=name)
        floor = [low + share for low, share in zip(floor, shares, strict=True)]
    _dated(axes, [month["key"] for month in found])
    axes.set(title="情感构成，按月", ylabel="占评论（%）", ylim=(0, 100))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def trend(axes: Any, payload: Payload) -> None:
    moves = payload["moves"]
    told = names(payload, [line["id"] for line in moves["lines"]])
    for line, name, hue in zip(moves["lines"], told, HUES, strict=False):
        axes.plot(
            _shares(line["counts"], moves["comments"]), marker="o", markersize=3, color=hue, label=in_legend(name)
        )
    _over_time(axes, payload, "主要问题的走势", "负面提及占同期评论（%）")


def stages(axes: Any, payload: Payload) -> None:
    for line, hue in zip(payload["moves"]["stages"], HUES, strict=False):
        shares = _shares(line["counts"], line["comments"])
        axes.plot(shares, linewidth=1.2, color=hue, label=in_legend(line["name"]))
        sizes = [8 if comments < payload["small"] else 22 for comments in line["comments"]]
        axes.scatter(range(len(shares)), shares, s=sizes, color=hue)
    _over_time(axes, payload, "各环节负面评论的走势（小点：评论太少）", "负面占该环节同期评论（%）")


def forecasts(panels: Sequence[Any], payload: Payload) -> None:
    """A panel each for the codes: what was, and what is to be expected with its interval."""
    moves = payload["moves"]
    lines = [line for line in moves["lines"] if line["expected"]]
    for axes, line, name in zip(panels, lines, names(payload, [line["id"] for line in lines]), strict=False):
        past = _shares(line["counts"], moves["comments"])
        at = range(len(past), len(past) + len(line["expected"]))
        low, high, middle = ([100 * step[place] for step in line["expected"]] for place in (2, 3, 1))
        axes.plot(past, color=NEG, marker="o", markersize=2.5, linewidth=1.2)
        axes.fill_between(at, low, high, color=BLUE, alpha=0.22, linewidth=0)
        axes.plot(at, middle, color=BLUE, linestyle="--", marker="o", markersize=3, mfc="white")
        _dated(axes, [start[2:] for start in (*moves["starts"], *(step[0] for step in line["expected"]))], most=4)
        axes.set_title(name, loc="left", fontsize=10)
        axes.set_ylim(bottom=0)
        quiet(axes, "y")
    panels[0].figure.suptitle("短期预测：负面提及占同期评论（%），浅色带为 95% 区间", fontsize=11)
    for axes in panels[len(lines) :]:
        axes.set_axis_off()


def effects(axes: Any, payload: Payload) -> None:
    found = payload["moves"]["effects"]
    for at, one in enumerate(found):
        before, later = 100 * (one["before"] or 0), 100 * (one["after"] or 0)
        axes.plot([before, later], [at, at], color="#c9d0d8", linewidth=3, zorder=1)
        axes.scatter(before, at, color=GREY, label="之前" if at == 0 else None)
        axes.scatter(later, at, color=NEG, label="之后" if at == 0 else None)
    bars(axes, [one["name"] for one in found], f"措施前后（{payload['moves']['since']}）", "占评论（%）")
    axes.legend(frameon=False)


def _shares(counts: Sequence[int], bases: Sequence[int]) -> list[float]:
    pairs = zip(counts, bases, strict=True)
    return [100 * count / base if base else float("nan") for count, base in pairs]


def _over_time(axes: Any, payload: Payload, title: str, label: str) -> None:
    moves = payload["moves"]
    starts = moves["starts"]
    _dated(axes, [start[2:] for start in starts])
    if moves["since"]:
        axes.axvline(sum(start <= moves["since"] for start in starts) - 1, color=INK, linestyle="--", linewidth=1)
    axes.set(title=title, ylabel=label)
    axes.set_ylim(bottom=0)
    quiet(axes, "y")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _dated(axes: Any, dates: Sequence[str], most: int = _TICKS) -> None:
    step = max(1, -(-len(dates) // most))
    axes.set_xticks(range(0, len(dates), step), dates[::step])


__all__ = ["effects", "forecasts", "months", "moods", "stages", "trend"]
