"""The pictures of the report as PNG files, drawn without a browser by matplotlib (extra ``pictures``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import MissingExtraError, OutputError
from .report_findings import QUADRANTS

#: Fonts that hold Chinese, as their makers name them; the first that is installed is taken.
FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "Source Han Sans CN", "Noto Sans SC", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans GB", "Heiti SC", "SimHei", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei",
)  # fmt: skip
_NEG, _BLUE, _GREY, _INK = "#c4541a", "#5b8bb8", "#98a3af", "#1c2733"
_HUES = ("#c4541a", "#2a6bad", "#00805e", "#8a4f97", "#8f6f00", "#3d8fb8")
_TINTS = {"improve": _NEG, "keep": "#2a6bad", "later": "#8f6f00", "ease": "#6a7683"}
_FEW = "样本太少"
_INCH = 0.34  # of height for each bar or row

Payload = Mapping[str, Any]


def write_pictures(folder: Path | str, payload: Payload) -> tuple[Path, ...]:
    """Write a PNG for every picture that has something to show, and return their paths; the folder is made.

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
    with rc_context({"font.family": [font], "axes.unicode_minus": False, "text.color": _INK, "font.size": 10}):
        for name, (height, draw) in _pictures(payload).items():
            figure = Figure(figsize=(9, height), layout="constrained", dpi=160)
            draw(figure.subplots(), payload)
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


def _saved(target: Path, drawn: Sequence[tuple[str, Any]]) -> tuple[Path, ...]:
    paths = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, figure in drawn:
            paths.append(target / f"{name}.png")
            figure.savefig(paths[-1], facecolor="white", metadata={"Software": None})
    except OSError as error:
        raise OutputError(error.strerror or str(error), path=target) from error
    return tuple(paths)


def _pictures(payload: Payload) -> dict[str, tuple[float, Callable[[Any, Payload], None]]]:
    """Name -> height in inches and how to draw it; pictures without data are left out."""
    moves = payload["moves"]
    found: dict[str, tuple[float, Callable[[Any, Payload], None], Sequence[Any]]] = {
        "痛点榜": (1.2, _pains, payload["pains"]),
        "驱动因素": (1.2, _drivers, payload["drivers"]["items"]),
        "四象限": (5.5, _matrix, payload["matrix"]["points"]),
        "旅程热力图": (1.2, _heat, payload["heat"]["codes"] if payload["heat"]["cells"] else ()),
        "旅程地图": (1.2, _map, payload["map"]["stages"] if payload["map"]["spots"] else ()),
        **{f"交叉表-{_BY[by]}": (1.2, _crossed(by), table["codes"]) for by, table in payload["cross"].items()},
        "走势": (4.5, _trend, moves["lines"] if moves and len(moves["starts"]) > 1 else ()),
        "措施前后": (1.2, _effects, moves["effects"] if moves else ()),
        "峰终": (3.5, _peak, payload["peak"]["stages"] if payload["peak"] else ()),
    }
    fixed = ("四象限", "走势", "峰终")
    return {
        name: (height if name in fixed else height + _INCH * len(rows), draw)
        for name, (height, draw, rows) in found.items()
        if rows
    }


_BY = {"channel": "渠道", "segment": "客群"}


def _names(payload: Payload, ids: Sequence[str]) -> list[str]:
    names = {code["id"]: code["name"] for code in payload["codes"]}
    return [names.get(one, one) for one in ids]


def _bars(axes: Any, names: Sequence[str], title: str, label: str) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_title(title, loc="left")
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#edf0f3")
    axes.set_axisbelow(True)


def _pains(axes: Any, payload: Payload) -> None:
    codes = {code["id"]: code for code in payload["codes"]}
    found = [codes[one] for one in payload["pains"]]
    priced = payload["priced"]
    values = [code["pain"] if priced else code["neg"] for code in found]
    axes.barh(
        range(len(found)),
        values,
        color=_NEG,
        xerr=[code["margin"] for code in found] if priced else None,
        ecolor="#6d2c08",
    )
    _bars(
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
        axes.barh(at, share, color=_GREY if item["few"] else _BLUE, xerr=edges, ecolor="#173a5c")
        if item["few"]:
            axes.annotate(_FEW, (high, at), (6, 0), textcoords="offset points", va="center", color=_GREY)
    _bars(axes, _names(payload, [item["id"] for item in items]), "驱动因素", "占各码共同解释力的份额（%，95% 区间）")


def _matrix(axes: Any, payload: Payload) -> None:
    found = payload["matrix"]
    for point, name in zip(found["points"], _names(payload, [p["id"] for p in found["points"]]), strict=True):
        tint = _GREY if point["few"] else _TINTS[point["quadrant"]]
        axes.scatter(
            point["x"],
            100 * point["y"],
            s=60,
            facecolor=tint if point["sure"] and not point["few"] else "white",
            edgecolor=tint,
        )
        axes.annotate(name, (point["x"], 100 * point["y"]), (7, 4), textcoords="offset points")
    axes.axvline(found["up"], color=_GREY, linestyle="--", linewidth=1)
    axes.axhline(100 * found["across"], color=_GREY, linestyle="--", linewidth=1)
    places = {"improve": (0.01, 0.97), "keep": (0.99, 0.97), "later": (0.01, 0.03), "ease": (0.99, 0.03)}
    for quadrant, name in QUADRANTS.items():
        x, y = places[quadrant.value]
        side = {"ha": "left" if x < 0.5 else "right", "va": "top" if y > 0.5 else "bottom"}
        axes.text(x, y, name, transform=axes.transAxes, color=_TINTS[quadrant.value], weight="bold", **side)
    axes.set(title="四象限：重要性与表现", xlabel="表现：净情感（点）", ylabel="重要性：相对权重（%）")


def _grid(axes: Any, columns: Sequence[str], rows: Sequence[str], title: str) -> None:
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="left")


def _cell(axes: Any, at: Sequence[int], text: str, *, value: float, most: float, tints: str) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    shade = colormaps[tints](0.12 + 0.55 * min(1.0, abs(value) / most)) if value else "#f1f3f5"
    axes.add_patch(Rectangle((at[0] - 0.48, at[1] - 0.46), 0.96, 0.92, facecolor=shade))
    axes.text(at[0], at[1], text, ha="center", va="center", fontsize=9)


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _heat(axes: Any, payload: Payload) -> None:
    cells = [cell for cell in payload["heat"]["cells"] if cell[2]]
    thin = {at for at, stage in enumerate(payload["stages"]) if stage["comments"] < payload["small"]}
    most = max((cell[3] for cell in cells if cell[0] not in thin), default=1.0)
    for stage, code, _, share, *_ in cells:
        text, value = (_FEW, 0.0) if stage in thin else (f"{100 * share:.1f}%", share)
        _cell(axes, (stage, code), text, value=value, most=most, tints="Oranges")
    stages = [stage["name"] for stage in payload["stages"]]
    _grid(axes, stages, _names(payload, payload["heat"]["codes"]), "旅程热力图：各环节评论中提到该问题的占比")


def _map(axes: Any, payload: Payload) -> None:
    found, scored = payload["map"], payload["scored"]
    for spot in found["spots"]:
        value, few = (spot["nps"], spot["small"]) if scored else (spot["net"], spot["few"])
        known = value is not None and not few
        text = _signed(value) if known else _FEW
        tints = "Blues" if known and value > 0 else "Oranges"
        _cell(axes, spot["at"][::-1], text, value=value if known else 0.0, most=100.0, tints=tints)
    title = f"旅程地图：环节 × 触点，{'NPS' if scored else '净情感'}"
    _grid(axes, found["points"], [stage["name"] for stage in found["stages"]], title)


def _crossed(by: str) -> Callable[[Any, Payload], None]:
    def draw(axes: Any, payload: Payload) -> None:
        table = payload["cross"][by]
        for cell in table["cells"]:
            few, residual = table["groups"][cell["at"][0]]["few"], cell["residual"] or 0.0
            mark = (" ▲" if residual > 0 else " ▼") if cell["marked"] else ""
            text = _FEW if few else f"{100 * cell['share']:.1f}%{mark}"
            tints = "Oranges" if residual > 0 else "Blues"
            _cell(axes, cell["at"], text, value=0.0 if few else residual, most=4.0, tints=tints)
        groups = [group["key"] for group in table["groups"]]
        _grid(axes, groups, _names(payload, table["codes"]), f"交叉表：按{_BY[by]}（▲▼ 校正后显著）")

    return draw


def _trend(axes: Any, payload: Payload) -> None:
    moves = payload["moves"]
    for line, name, hue in zip(moves["lines"], _names(payload, [m["id"] for m in moves["lines"]]), _HUES, strict=False):
        pairs = zip(line["counts"], moves["comments"], strict=True)
        axes.plot(
            [100 * count / base if base else float("nan") for count, base in pairs],
            marker="o",
            markersize=3,
            color=hue,
            label=name,
        )
    starts = moves["starts"]
    step = max(1, len(starts) // 8)
    axes.set_xticks(range(0, len(starts), step), [start[2:] for start in starts[::step]])
    if moves["since"]:
        axes.axvline(sum(start <= moves["since"] for start in starts) - 1, color=_INK, linestyle="--", linewidth=1)
    axes.set(title="主要问题的走势", ylabel="负面提及占同期评论（%）")
    axes.set_ylim(bottom=0)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _effects(axes: Any, payload: Payload) -> None:
    found = payload["moves"]["effects"]
    for at, one in enumerate(found):
        before, later = 100 * (one["before"] or 0), 100 * (one["after"] or 0)
        axes.plot([before, later], [at, at], color="#c9d0d8", linewidth=3, zorder=1)
        axes.scatter(before, at, color=_GREY, label="之前" if at == 0 else None)
        axes.scatter(later, at, color=_NEG, label="之后" if at == 0 else None)
    _bars(axes, [one["name"] for one in found], f"措施前后（{payload['moves']['since']}）", "占评论（%）")
    axes.legend(frameon=False)


def _peak(axes: Any, payload: Payload) -> None:
    peak = payload["peak"]
    places = range(len(peak["stages"]))
    axes.bar([at - 0.2 for at in places], peak["peaks"], 0.38, color=_NEG, label="最强烈的一刻是坏的")
    axes.bar([at + 0.2 for at in places], peak["ends"], 0.38, color="#8f6f00", label="最后一刻是坏的")
    axes.set_xticks(list(places), [stage["name"] for stage in peak["stages"]])
    axes.set(title="坏的峰与终，落在哪个环节", ylabel="客户")
    axes.legend(frameon=False)
