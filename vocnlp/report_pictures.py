"""The pictures of the report as PNG files, drawn without a browser by matplotlib (extra ``pictures``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import report_pictures_places as places
from . import report_pictures_time as time
from .errors import MissingExtraError, OutputError
from .report_drawing import (
    BLUE,
    FEW,
    GREY,
    INCH,
    INK,
    MANY,
    NEG,
    POS,
    ROW,
    SLANT,
    WIDE,
    Payload,
    answered,
    bars,
    dots,
    fitted,
    measured,
    names,
    signed,
)
from .report_pictures_places import BY
from .unfinished import beside, writing
from .word_cloud import placed

#: Fonts that hold Chinese, as their makers name them; the first that is installed is taken.
FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "Source Han Sans CN", "Noto Sans SC", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans GB", "Heiti SC", "SimHei", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
)  # fmt: skip
#: What the pictures of a report may be called.
NAMES = frozenset((
    "痛点榜", "驱动因素", "四象限", "各环节", "旅程热力图", "旅程地图", *BY.values(), *(f"交叉表-{name}" for name in BY.values()),
    "按月", "情感构成", "走势", "环节走势", "预测", "措施前后", "峰终", "满意度差距", "词云-负面", "词云-正面",
))  # fmt: skip
_CLOUD = {"negative": ("#8f3c10", "#c4541a", "#d98a5b"), "positive": ("#174a7c", "#2a6bad", "#6fa3d0")}


@dataclass(frozen=True, slots=True)
class _Picture:
    """``height`` in inches, how it is drawn, and what of: nothing is drawn of nothing. ``panels``: axes in two columns."""

    height: float
    draw: Callable[[Any, Payload], None]
    rows: Sequence[Any]
    panels: int = 1


def write_pictures(folder: Path | str, payload: Payload) -> tuple[Path, ...]:
    """Write a PNG for every picture that has something to show, and return their paths; the folder is made.

    Pictures of an earlier report that stand there go, also those that this one does not draw; other files stay.

    MissingExtraError without matplotlib; OutputError where no font with Chinese is installed, or the folder cannot be
    written. A picture is never drawn with empty boxes for characters.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", extra="pictures") from error
    target = Path(folder)
    font = _font()
    if font is None:
        hint = "install one, such as the package fonts-noto-cjk"
        raise OutputError("no font with Chinese characters is installed", path=target, hint=hint)
    drawn = []
    with rc_context({"font.family": [font], "axes.unicode_minus": False, "text.color": INK, "font.size": 10}):
        for name, picture in _pictures(payload).items():
            figure = Figure(figsize=(WIDE, picture.height), layout="constrained", dpi=160)
            lines = -(-picture.panels // 2)
            axes = figure.subplots() if picture.panels == 1 else list(figure.subplots(lines, 2, squeeze=False).flat)
            picture.draw(axes, payload)
            drawn.append((name, figure))
        return _saved(target, drawn)


def _font() -> str | None:
    """The first of ``FONTS`` that is installed. matplotlib keeps a list of fonts, which may be older than the font."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    for look_again in (False, True):
        if look_again:
            known = {font.fname for font in manager.ttflist}
            for path in sorted(set(font_manager.findSystemFonts()) - known):
                with suppress(OSError, RuntimeError):  # a file that is no font is passed over, as matplotlib does
                    manager.addfont(path)
        installed = {font.name for font in manager.ttflist}
        if found := next((name for name in FONTS if name in installed), None):
            return found
    return None


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder that bear the name of one of a report, in order; none where there is no folder."""
    return sorted(path for path in folder.glob("*.png") if path.stem in NAMES)


def _saved(target: Path, drawn: Sequence[tuple[str, Any]]) -> tuple[Path, ...]:
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with beside(target) as folder:
        for name, figure in drawn:
            figure.savefig(folder / f"{name}.png", facecolor="white", metadata={"Software": None})
        target.mkdir(exist_ok=True)
        for stale in pictures_in(target):
            stale.unlink()
        return tuple((folder / f"{name}.png").replace(target / f"{name}.png") for name, _ in drawn)


def _pictures(payload: Payload) -> dict[str, _Picture]:
    """Every picture of the page, those without data left out."""
    moves, heat, journey = payload["moves"], payload["heat"], payload["map"]
    turns = payload["peak"]["stages"] if payload["peak"] else ()
    lines = moves["lines"] if moves and len(moves["starts"]) > 1 else []
    expected = [line for line in lines if line["expected"]]
    stages = [stage for stage in payload["stages"] if stage["rows"]]
    found = {
        "痛点榜": _rows(_pains, payload["pains"]),
        "驱动因素": _rows(_drivers, payload["drivers"]["items"]),
        "四象限": _Picture(5.5, places.matrix, payload["matrix"]["points"]),
        "各环节": _Picture(3.4 + _slant(stages), places.stages, stages),
        "旅程热力图": _rows(places.heat, heat["codes"] if heat["cells"] else (), payload["stages"]),
        "旅程地图": _rows(places.journey, journey["stages"] if journey["spots"] else (), journey["points"]),
        **{name: _rows(_groups(by), _several(payload[f"{by}s"])) for by, name in BY.items()},
        **{
            f"交叉表-{BY[by]}": _rows(places.crossed(by), t["codes"], t["groups"]) for by, t in payload["cross"].items()
        },
        "按月": _Picture(3.4, time.months, payload["months"]),
        "情感构成": _Picture(3.4, time.moods, payload["months"]),
        "走势": _Picture(4.5, time.trend, lines),
        "环节走势": _Picture(4.5, time.stages, moves["stages"] if lines else ()),
        "预测": _Picture(0.6 + 2.0 * -(-len(expected) // 2), time.forecasts, expected, max(2, len(expected))),
        "措施前后": _rows(time.effects, moves["effects"] if moves else ()),
        "峰终": _Picture(3.5 + _slant(turns), places.peak, turns),
        "满意度差距": _rows(_gaps, payload["gaps"]),
        **{f"词云-{_SIDES[side]}": _Picture(4.0, _cloud(side), payload["words"][side]) for side in _SIDES},
    }
    return {name: picture for name, picture in found.items() if picture.rows}


_SIDES = {"negative": "负面", "positive": "正面"}


def _rows(draw: Callable[[Any, Payload], None], rows: Sequence[Any], columns: Sequence[Any] = ()) -> _Picture:
    """As high as its rows need, and the names of its columns."""
    return _Picture(1.2 + INCH * len(rows) + _slant(columns), draw, rows)


def _slant(columns: Sequence[Any]) -> float:
    """Inches that slanted names of columns need."""
    return SLANT if len(columns) > MANY else 0.0


def _several(groups: Sequence[Any]) -> Sequence[Any]:
    return groups if len(groups) > 1 else ()


def _pains(axes: Any, payload: Payload) -> None:
    codes = {code["id"]: code for code in payload["codes"]}
    found = [codes[one] for one in payload["pains"]]
    priced = payload["priced"]
    values = [code["pain"] if priced else code["neg"] for code in found]
    axes.barh(
        range(len(found)),
        values,
        color=NEG,
        xerr=[code["margin"] for code in found] if priced else None,
        ecolor="#6d2c08",
    )
    bars(
        axes,
        [code["name"] for code in found],
        "痛点榜",
        "对总体 NPS 的影响（点，95% 区间）" if priced else "负面评论（条）",
    )


def _drivers(axes: Any, payload: Payload) -> None:
    items = payload["drivers"]["items"]
    for at, item in enumerate(items):
        share, low, high = (100 * item[key] for key in ("share", "low", "high"))
        edges = [[max(0.0, share - low)], [max(0.0, high - share)]]
        axes.barh(at, share, color=GREY if item["few"] else BLUE, xerr=edges, ecolor="#173a5c")
        if item["few"]:
            axes.annotate(FEW, (high, at), (6, 0), textcoords="offset points", va="center", color=GREY)
    bars(axes, names(payload, [item["id"] for item in items]), "驱动因素", "占各码共同解释力的份额（%，95% 区间）")


def _groups(by: str) -> Callable[[Any, Payload], None]:
    def draw(axes: Any, payload: Payload) -> None:
        found = payload[f"{by}s"]
        dots(axes, payload, found, across=True)
        rows = [f"{fitted(group['name'], ROW)}（{answered(payload, group)}）" for group in found]
        bars(axes, rows, f"按{BY[by]}", measured(payload))

    return draw


def _gaps(axes: Any, payload: Payload) -> None:
    for at, gap in enumerate(payload["gaps"]):
        value = gap["weighted"]
        if value is None:
            axes.annotate("没有填全", (0, at), (6, 0), textcoords="offset points", va="center", color=GREY)
            continue
        axes.barh(at, value, color=NEG if value < 0 else POS)
        axes.annotate(
            signed(value), (value, at), (-4 if value < 0 else 4, 0), textcoords="offset points", va="center",
            ha="right" if value < 0 else "left",
        )  # fmt: skip
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(ylim=(-0.5, len(payload["gaps"]) - 0.5))
    axes.margins(x=0.15)
    label = "加权满意度 = 重要性 ×（体验 − 期望）"
    bars(axes, [gap["name"] for gap in payload["gaps"]], "满意度差距", label)


def _cloud(side: str) -> Callable[[Any, Payload], None]:
    def draw(axes: Any, payload: Payload) -> None:
        figure = axes.figure
        figure.set_layout_engine("none")  # a size in points is a size on the picture, so the axes must not move
        wide, high = 72 * WIDE, 72 * (figure.get_figheight() - 0.4)
        axes.set_position((0, 0, 1, high / (high + 0.4 * 72)))
        axes.set(xlim=(0, wide), ylim=(0, high))
        axes.set_axis_off()
        axes.set_title(f"词云：{_SIDES[side]}评价里的词", loc="left", x=0.012)
        words = placed([(word["name"], word["value"]) for word in payload["words"][side]], wide, high)
        for word in words:
            share = word.value / words[0].value
            tint = _CLOUD[side][0 if share > 0.5 else 1 if share > 0.2 else 2]
            axes.text(word.x, word.y, word.name, fontsize=word.size, color=tint, ha="center", va="center")

    return draw
