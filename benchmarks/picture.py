"""Quality against speed, as a picture: who reads how many texts a second, and how many of them rightly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

QUALITY_SET = "products_nlpcc14_train"


def draw(target: Path, results: dict[str, Any]) -> None:
    """A PNG of the models with both figures; BERT-base, whose weights are random here, is a line without a height."""
    if not {"encoder", "shipped", "speed"} <= set(results):
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    speed, rates, one = (
        results["speed"],
        results["encoder"]["texts_per_second"],
        results["shipped"]["sets"][QUALITY_SET],
    )
    points = {
        results["encoder"]["bundle"].split("@")[0]: (rates["encoder"], one["same_texts"]),
        results["shipped"]["linear"].split("@")[0]: (rates["linear"], one["linear_same_texts"]),
        "SnowNLP": (rates["snownlp"], one["snownlp"]["accuracy"]),
    }
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=150, layout="constrained")
    for number, (name, (rate, right)) in enumerate(points.items()):
        axes.scatter(rate, right, s=90, zorder=3, color=("#c0392b", "#2c6fbb", "#7f8c8d")[number])
        axes.annotate(name, (rate, right), xytext=(8, 6), textcoords="offset points", fontsize=10)
    for name, label in (("bert_base_torch", "BERT-base\ntorch"), ("bert_base_onnx_int8", "BERT-base\nONNX int8")):
        axes.axvline(rates[name], color="#bbbbbb", linestyle="--", zorder=1)
        axes.annotate(label, (rates[name], 0.99), xycoords=("data", "axes fraction"), xytext=(4, 0),
                      textcoords="offset points", va="top", fontsize=9, color="#666666")  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(5, 20_000)
    axes.set_ylim(0.5, 0.9)
    on = f"{speed['machine']['cores']} cores (log scale; reviews of mean {speed['mean_characters']:.0f} characters)"
    axes.set_xlabel(f"texts a second, {on}")
    axes.set_ylabel(f"right of {one['snownlp']['texts']} product reviews")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target)
    pyplot.close(figure)
