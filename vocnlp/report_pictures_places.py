"""The pictures in which names stand close together: quadrants, heat map, journey map, cross-tabs, stages, peak and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .report_drawing import (
    FEW,
    GREY,
    INK,
    NEG,
    POS,
    WIDE,
    Payload,
    answered,
    columns,
    dots,
    grid,
    label_size,
    measured,
    names,
    signed,
    square,
)
from .report_findings import QUADRANTS
from .word_cloud import width

BY = {"channel": "渠道", "segment": "客群"}
_TINTS = {"improve": NEG, "keep": POS, "later": "#8f6f00", "ease": "#6a7683"}
_SIZE = 10.0  # points of a character
_LINE = 14.0  # points of a line
_DOT = 8.0  # points around a dot that nothing else stands on
_Box = tuple[float, float, float, float]  # left, low, right, high


def label_sides(
    points: Sequence[tuple[float, float, float]], wide: float, high: float, taken: Sequence[_Box] = ()
) -> list[str]:
    """For each point (x, y, width of its name, from the lower left) the first side of it where its name covers no other
    point, nothing in ``taken`` and no name that stands already, as on the page; where there is none, the emptiest."""
    filled = [*taken, *((x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y, _ in points)]
    sides = []
    for x, y, name in points:
        places = _places(x, y, name)
        covered = {
            side: _outside(box, wide, high) + sum(_common(box, other) for other in filled)
            for side, box in places.items()
        }
        side = min(covered, key=lambda one: (round(covered[one], 6), list(covered).index(one)))
        filled.append(places[side])
        sides.append(side)
    return sides


def _places(x: float, y: float, name: float) -> dict[str, _Box]:
    half, low, high = _LINE / 2, y - _DOT - _LINE, y + _DOT + _LINE
    right, left = (x + _DOT, x + _DOT + name), (x - _DOT - name, x - _DOT)
    return {
        "top": (x - name / 2, y + _DOT, x + name / 2, high),
        "right": (right[0], y - half, right[1], y + half),
        "bottom": (x - name / 2, low, x + name / 2, y - _DOT),
        "left": (left[0], y - half, left[1], y + half),
        "top right": (right[0], y + _DOT, right[1], high),
        "bottom right": (right[0], low, right[1], y - _DOT),
        "bottom left": (left[0], low, left[1], y - _DOT),
        "top left": (left[0], y + _DOT, left[1], high),
    }


def _common(one: _Box, other: _Box) -> float:
    """Square points that both boxes cover."""
    across, up = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return across * up if across > 0 and up > 0 else 0.0


def _outside(box: _Box, wide: float, high: float) -> float:
    return (box[2] - box[0]) * (box[3] - box[1]) - _common(box, (0, 0, wide, high))


def matrix(axes: Any, payload: Payload) -> None:
    found, points = payload["matrix"], payload["matrix"]["points"]
    told = names(payload, [point["id"] for point in points])
    figure = axes.figure
    figure.set_layout_engine("none")  # where a name is free is reckoned in points, so the axes must not move
    wide, high = 72 * (WIDE - 0.85), 72 * (figure.get_figheight() - 0.95)
    axes.set_position((0.7 / WIDE, 0.55 / figure.get_figheight(), wide / 72 / WIDE, high / 72 / figure.get_figheight()))
    left, right = _span([*(point["x"] for point in points), found["up"]], 0.12)
    low, top = _span([*(100 * point["y"] for point in points), 100 * found["across"]], 0.12)
    axes.set(xlim=(left, right), ylim=(low, top))
    at = [((p["x"] - left) / (right - left) * wide, (100 * p["y"] - low) / (top - low) * high) for p in points]
    corners = {"improve": (0.01, 0.97), "keep": (0.99, 0.97), "later": (0.01, 0.03), "ease": (0.99, 0.03)}
    sides = label_sides(
        [(x, y, _SIZE * width(name)) for (x, y), name in zip(at, told, strict=True)], wide, high,
        [_corner(x, y, wide, high) for x, y in corners.values()],
    )  # fmt: skip
    for point, name, side in zip(points, told, sides, strict=True):
        tint = GREY if point["few"] else _TINTS[point["quadrant"]]
        full = point["sure"] and not point["few"]
        axes.scatter(point["x"], 100 * point["y"], s=60, facecolor=tint if full else "white", edgecolor=tint, zorder=3)
        _name(axes, name, (point["x"], 100 * point["y"]), side)
    axes.axvline(found["up"], color=GREY, linestyle="--", linewidth=1)
    axes.axhline(100 * found["across"], color=GREY, linestyle="--", linewidth=1)
    for quadrant, name in QUADRANTS.items():
        x, y = corners[quadrant.value]
        place = {"ha": "left" if x < 0.5 else "right", "va": "top" if y > 0.5 else "bottom"}
        axes.text(x, y, name, transform=axes.transAxes, color=_TINTS[quadrant.value], weight="bold", **place)
    axes.set(title="四象限：重要性与表现", xlabel="表现：净情感（点）", ylabel="重要性：相对权重（%）")


def _span(values: Sequence[float], room: float) -> tuple[float, float]:
    """From the least to the most with room at both ends."""
    least, most = min(values), max(values)
    more = room * (most - least) or 1.0
    return least - more, most + more


def _corner(x: float, y: float, wide: float, high: float) -> _Box:
    """What the name of a quadrant covers."""
    name = _SIZE * 4
    left, low = x * wide - (name if x > 0.5 else 0), y * high - (_LINE if y > 0.5 else 0)
    return left, low, left + name, low + _LINE


def _name(axes: Any, name: str, at: tuple[float, float], side: str) -> None:
    up = 1 if "top" in side else -1 if "bottom" in side else 0
    over = 1 if "right" in side else -1 if "left" in side else 0
    axes.annotate(
        name, at, (_DOT * over, _DOT * up), textcoords="offset points", color=INK,
        ha={1: "left", -1: "right", 0: "center"}[over], va={1: "bottom", -1: "top", 0: "center"}[up],
    )  # fmt: skip


def heat(axes: Any, payload: Payload) -> None:
    cells = [cell for cell in payload["heat"]["cells"] if cell[2]]
    thin = {at for at, stage in enumerate(payload["stages"]) if stage["comments"] < payload["small"]}
    most = max((cell[3] for cell in cells if cell[0] not in thin), default=1.0)
    size = label_size(payload["stages"])
    for stage, code, _, share, *_ in cells:
        text, value = (FEW, 0.0) if stage in thin else (f"{100 * share:.1f}%", share)
        square(axes, (stage, code), text, value=value, most=most, tints="Oranges", size=size)
    across = [stage["name"] for stage in payload["stages"]]
    grid(axes, across, names(payload, payload["heat"]["codes"]), "旅程热力图：各环节评论中提到该问题的占比")


def journey(axes: Any, payload: Payload) -> None:
    found, scored = payload["map"], payload["scored"]
    size = label_size(found["points"])
    for spot in found["spots"]:
        value, few = (spot["nps"], spot["small"]) if scored else (spot["net"], spot["few"])
        known = value is not None and not few
        text = signed(value) if known else FEW
        tints = "Blues" if known and value > 0 else "Oranges"
        square(axes, spot["at"][::-1], text, value=value if known else 0.0, most=100.0, tints=tints, size=size)
    title = f"旅程地图：环节 × 触点，{'NPS' if scored else '净情感'}"
    grid(axes, found["points"], [stage["name"] for stage in found["stages"]], title)


def crossed(by: str) -> Callable[[Any, Payload], None]:
    """The picture of the codes by the groups of ``by``."""

    def draw(axes: Any, payload: Payload) -> None:
        table = payload["cross"][by]
        size = label_size(table["groups"])
        for cell in table["cells"]:
            few, residual = table["groups"][cell["at"][0]]["few"], cell["residual"] or 0.0
            mark = (" ▲" if residual > 0 else " ▼") if cell["marked"] else ""
            text = FEW if few else f"{100 * cell['share']:.1f}%{mark}"
            tints = "Oranges" if residual > 0 else "Blues"
            square(axes, cell["at"], text, value=0.0 if few else residual, most=4.0, tints=tints, size=size)
        groups = [group["key"] for group in table["groups"]]
        grid(axes, groups, names(payload, table["codes"]), f"交叉表：按{BY[by]}（▲▼ 校正后显著）")

    return draw


def peak(axes: Any, payload: Payload) -> None:
    found = payload["peak"]
    places = range(len(found["stages"]))
    axes.bar([at - 0.2 for at in places], found["peaks"], 0.38, color=NEG, label="最强烈的一刻是坏的")
    axes.bar([at + 0.2 for at in places], found["ends"], 0.38, color="#8f6f00", label="最后一刻是坏的")
    columns(axes, [stage["name"] for stage in found["stages"]])
    axes.set(title="坏的峰与终，落在哪个环节", ylabel="客户")
    axes.legend(frameon=False)


def stages(axes: Any, payload: Payload) -> None:
    found = [stage for stage in payload["stages"] if stage["rows"]]
    dots(axes, payload, found, across=False)
    columns(axes, [stage["name"] for stage in found], [answered(payload, stage) for stage in found])
    axes.set(title="各环节", ylabel=measured(payload), xlim=(-0.6, len(found) - 0.4))
    axes.spines[["top", "right"]].set_visible(False)


__all__ = ["BY", "crossed", "heat", "journey", "label_sides", "matrix", "peak", "stages"]
