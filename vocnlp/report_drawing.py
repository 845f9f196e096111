"""What the pictures of the report share: colours, names, and how bars, dots with an interval and grids are drawn.

Everything is drawn on the axes that it is given; only ``report_pictures`` makes figures of matplotlib and files of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .word_cloud import width

NEG, POS, NEU, BLUE, GREY, INK = "#c4541a", "#2a6bad", "#bcc4cd", "#5b8bb8", "#98a3af", "#1c2733"
HUES = ("#c4541a", "#2a6bad", "#00805e", "#8a4f97", "#8f6f00", "#3d8fb8", "#6b4c3b", "#6a7683")
FEW = "样本太少"
WIDE = 9.0  # inches of a picture
INCH = 0.34  # of height for each bar or row
MANY = 6  # columns, beyond which their names are slanted
SLANT = 0.9  # inches that slanted names need
ROW = 12  # characters of a row's name
_ACROSS = 46  # characters that stand side by side in a picture, beside the names of its rows
_SLANTED = 9  # characters of a slanted name
_LEGEND = 9

Payload = Mapping[str, Any]


def names(payload: Payload, ids: Sequence[str]) -> list[str]:
    """The names of codes."""
    known = {code["id"]: code["name"] for code in payload["codes"]}
    return [known.get(one, one) for one in ids]


def fitted(name: str, room: float) -> str:
    """The name, cut with … where it is wider than ``room`` Chinese characters."""
    if width(name) <= room:
        return name
    kept = name
    while kept and width(kept) + 1 > room:
        kept = kept[:-1]
    return f"{kept}…"


def answered(payload: Payload, group: Mapping[str, Any]) -> str:
    """What the value that ``dots`` shows of a group rests on: the scores of an NPS, else the comments."""
    return f"{group['n']:,} 条评分" if payload["scored"] else f"{group['comments']:,} 条"


def in_legend(name: str) -> str:
    return fitted(name, _LEGEND)


def columns(axes: Any, names: Sequence[str], below: Sequence[str] = ()) -> None:
    """The names of columns side by side, none over another: cut to their column's width, and slanted where they are
    many. ``below``: a second line for each."""
    many = len(names) > MANY
    told = [fitted(name, _SLANTED if many else _ACROSS / len(names)) for name in names]
    told = [f"{name}\n{line}" for name, line in zip(told, below, strict=True)] if below else told
    axes.set_xticks(range(len(names)), told)
    if many:
        upwards = axes.xaxis.get_ticks_position() == "top"
        for label in axes.get_xticklabels():
            label.set(rotation=35, ha="left" if upwards else "right", rotation_mode="anchor")


def signed(value: float) -> str:
    told = f"{value:+.1f}".replace("-", "−")
    return "0.0" if told in ("+0.0", "−0.0") else told


def bars(axes: Any, rows: Sequence[str], title: str, label: str) -> None:
    """The frame of horizontal bars, the first on top."""
    axes.set_yticks(range(len(rows)), [fitted(row, 2 * ROW) for row in rows])
    axes.invert_yaxis()
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    quiet(axes, "x")


def quiet(axes: Any, along: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=along, color="#edf0f3")
    axes.set_axisbelow(True)


def grid(axes: Any, across: Sequence[str], rows: Sequence[str], title: str) -> None:
    axes.xaxis.tick_top()
    columns(axes, across)
    axes.set_yticks(range(len(rows)), [fitted(row, ROW) for row in rows])
    axes.set(xlim=(-0.5, len(across) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left")


def square(axes: Any, at: Sequence[int], text: str, *, value: float, most: float, tints: str, size: float = 9) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    shade = colormaps[tints](0.12 + 0.55 * min(1.0, abs(value) / most)) if value else "#f1f3f5"
    axes.add_patch(Rectangle((at[0] - 0.48, at[1] - 0.46), 0.96, 0.92, facecolor=shade))
    axes.text(at[0], at[1], text, ha="center", va="center", fontsize=size)


def label_size(columns: Sequence[Any]) -> float:
    """Of what stands in the cells of so many columns."""
    return 9 if len(columns) <= 10 else 8


def dots(
    axes: Any, payload: Payload, groups: Sequence[Mapping[str, Any]], *, across: bool, labels: bool = True
) -> None:
    """A dot with its 95 % interval for each group: its NPS, or the share of its negative comments where nobody scored.

    ``across``: the values run from left to right. Hollow and grey where the answers are too few for a number.
    """
    for at, group in enumerate(groups):
        value, low, high, few = _point(payload, group)
        if value is None:
            continue
        tint = GREY if few else POS
        errors = [[value - low], [high - value]]
        x, y = (value, at) if across else (at, value)
        axes.errorbar(
            x, y, **{"xerr" if across else "yerr": errors}, fmt="o", color=tint, mfc="white" if few else tint,
            capsize=3, elinewidth=1.2,
        )  # fmt: skip
        if labels:
            told = FEW if few else signed(value) if payload["scored"] else f"{value:.1f}%"
            place, shift = ((high, at), (7, 0)) if across else ((at, high), (0, 5))
            sides = {"va": "center"} if across else {"ha": "center"}
            axes.annotate(told, place, shift, textcoords="offset points", fontsize=9, color=INK, **sides)
    axes.margins(**{"x" if across else "y": 0.16})


def measured(payload: Payload) -> str:
    """What ``dots`` shows."""
    return "NPS（点，95% 区间）" if payload["scored"] else "负面评论占比（%）"


def _point(payload: Payload, group: Mapping[str, Any]) -> tuple[float | None, float, float, bool]:
    """(value, low, high, too few)."""
    if payload["scored"]:
        value = group["nps"] if group["n"] else None
        return (
            value,
            *((group["low"], group["high"]) if value is not None else (0.0, 0.0)),
            group["n"] < payload["small"],
        )
    share = 100 * group["neg"] / group["comments"] if group["comments"] else None
    return share, share or 0.0, share or 0.0, group["comments"] < payload["small"]


__all__ = [
    "BLUE", "FEW", "GREY", "HUES", "INCH", "INK", "MANY", "NEG", "NEU", "POS", "ROW", "SLANT", "WIDE", "Payload", "answered",
    "bars", "columns", "dots", "fitted", "grid", "in_legend", "label_size", "measured", "names", "quiet", "signed", "square",
]  # fmt: skip
