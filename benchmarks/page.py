"""Results as tables: the part of benchmarks/README.md between two marks is made from results.json."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .few_shot import section as few_shot_section

BEGIN, END = "<!-- results: made by python -m benchmarks, do not edit -->", "<!-- end of results -->"


def write(page: Path, results: dict[str, Any]) -> None:
    """Replace what stands between the marks by tables of the results."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    page.write_text(f"{head}{BEGIN}\n\n{tables(results)}\n{END}{tail}", encoding="utf-8")


def tables(results: dict[str, Any]) -> str:
    """Markdown of every suite that has results."""
    parts = []
    if "own_codes" in results:
        parts.append(_own(results["own_codes"]))
    if "few_shot" in results:
        parts.append("\n".join(few_shot_section(results["few_shot"])))
    if "shipped" in results:
        parts += [_shipped(results["shipped"]), _per_code(results["shipped"]["per_code"])]
    if "rounding" in results:
        parts.append(_rounding(results["rounding"]))
    if "challenge" in results:
        parts.append(_challenge(results["challenge"]))
    if "privacy" in results:
        parts.append(_privacy(results["privacy"]))
    if "encoder" in results:
        parts.append(_peers(results["encoder"]))
    if "speed" in results:
        parts.append(_speed(results["speed"]))
    parts += [_measured(title, results[name]) for name, title in _PLAIN.items() if name in results]
    return "\n".join(parts)


#: Suites whose results are shown as they are measured.
_PLAIN = {
    "store": "The store: processes that write at once, plain parquet beside",
    "report": "All figures of the report over made rows",
    "noisy": "Exclusive codes from noisy labels: 118 intents, about one label in four wrong (`--noisy-labels`)",
    "review": "Labels that `vocnlp review sample` needs for the micro-F1 of 1,000 random ones (simulated)",
    "topics": "Topic discovery (`vocnlp discover`)",
    "alerts": "From a comment to its webhook on loopback, in seconds",
    "serving": "The service under load, on loopback",
}


def _measured(title: str, results: dict[str, Any]) -> str:
    lines = [f"### {title}", "", "| what | measured |", "|---|--:|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in _flat(results))]) + "\n"


def _flat(results: dict[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of results within results, one line each."""
    for name, value in results.items():
        told = f"{under}{str(name).replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _flat(value, f"{told}: ")
        else:
            yield told, value


def _f(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _own(own: dict[str, Any]) -> str:
    seeds = [str(one["seed"]) for one in next(iter(own.values()))["encoder"]]
    lines = [
        "### A set's own codes: `vocnlp train --data SET --out DIR [--linear | --init models/voc-zh-small --seed N]`",
        "",
        "Judged on the held-out tenth. The codes of the laptop set are exclusive: micro-F1 is accuracy there. Of the encoder the mean of "
        f"{len(seeds)} trainings, seeds {', '.join(seeds)}, side by side (so are their seconds); in brackets the least and the most.",
        "",
        "| set | model | codes micro-F1 | macro-F1 | pairs micro-F1 | macro-F1 | evidence overlap | comments | seconds to train |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    parts = (
        ("codes", "micro_f1"),
        ("codes", "macro_f1"),
        ("pairs", "micro_f1"),
        ("pairs", "macro_f1"),
        ("evidence", "overlap"),
    )
    for name, models in own.items():
        for model, fits in models.items():
            told = " | ".join(_spread([one[part][figure] for one in fits]) for part, figure in parts)
            seconds = statistics.mean(one["train_seconds"] for one in fits)
            lines.append(f"| {name} | {_NAMES.get(model, model)} | {told} | {fits[0]['rows']} | {seconds:.1f} |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float | None]) -> str:
    """The mean, and of several values the least and the most."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = _f(statistics.mean(known))
    return mean if len(known) == 1 else f"{mean} ({_f(min(known))}-{_f(max(known))})"


def _shipped(shipped: dict[str, Any]) -> str:
    lines = [
        f"### The shipped bundle `{shipped['bundle']}` on the held-out part of each set",
        "",
        f"Linear: `{shipped['linear']}`, on the same comments. The last three columns but one: the polar texts among the first",
        "400, choice of two, beside SnowNLP.",
        "",
        "| set | sentiment acc. | linear | macro-F1 | ECE | codes micro-F1 | linear | pairs micro-F1 | linear | evidence "
        "| two-way | linear | SnowNLP | comments |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in shipped["sets"].items():
        mood, peer, linear = one["sentiment"], one["snownlp"], one["linear"]
        coded = bool(one["codes"]["support"])
        lines.append(
            f"| {name} | {_f(mood['accuracy'])} | {_f(linear['sentiment']['accuracy'])} | {_f(mood['macro_f1'])} "
            f"| {_f(one['calibration']['sentiment_ece'])} | {_pair(one, linear, 'codes', coded)} "
            f"| {_pair(one, linear, 'pairs', coded)} | {_f(one['evidence']['overlap'])} | {_f(one['same_texts'])} "
            f"| {_f(one['linear_same_texts'])} | {_f(peer['accuracy'] if peer else None)} | {one['rows']} |"
        )
    return "\n".join(lines) + "\n"


def _pair(one: dict[str, Any], linear: dict[str, Any], part: str, coded: bool) -> str:
    return " | ".join(_f(each[part]["micro_f1"] if coded else None) for each in (one, linear))


def _challenge(suite: dict[str, Any]) -> str:
    lines = [
        f"### The challenge suite, `{suite['bundle']}`",
        "",
        "Passed: sentiment and every opinion right (see `challenge.py`); linear: "
        f"`{suite['linear']}`. Choice of two: the polar cases, SnowNLP beside.",
        "",
        "| group | cases | passed | linear | sentiment | tags | choice of two | SnowNLP |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in [*suite["groups"].items(), ("**all**", suite["all"])]:
        lines.append(
            f"| {name} | {one['cases']} | {_f(one['passed'], 2)} | {_f(one['passed_linear'], 2)} "
            f"| {_f(one['sentiment'], 2)} | {_f(one['tags'], 2)} "
            f"| {_f(one['polar'], 2)} | {_f(one['polar_snownlp'], 2)} |"
        )
    return "\n".join(lines) + "\n"


def _per_code(per_code: dict[str, Any]) -> str:
    lines = [
        "### Per code, over all held-out parts",
        "",
        "| code | precision | recall | F1 | linear F1 | pairs F1 | comments with it |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for code, one in per_code.items():
        support = one["right"] + one["missed"]
        if support:
            lines.append(
                f"| {code} | {_f(one['precision'])} | {_f(one['recall'])} | {_f(one['f1'])} | {_f(one['linear_f1'])} "
                f"| {_f(one['pairs_f1'])} | {support} |"
            )
    return "\n".join(lines) + "\n"


def _rounding(rounding: dict[str, Any]) -> str:
    parts = ("sentiment", "codes", "pairs")
    lines = [
        f"### What int8 costs: `{rounding['bundle']}` in float and as shipped, held-out parts",
        "",
        "| set | sentiment acc. float | int8 | codes micro-F1 float | int8 | pairs micro-F1 float | int8 |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in rounding["sets"].items():
        cells = [_f(value) for part in parts for value in one[part]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    means = [
        _f(statistics.fmean(one[part][at] for one in rounding["sets"].values() if one[part][at] is not None))
        for part in parts
        for at in (0, 1)
    ]
    lines.append("| **mean of the sets** | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"


def _privacy(privacy: dict[str, Any]) -> str:
    lines = [
        "### Personal data found and masked (`privacy.jsonl`)",
        "",
        f"{privacy['comments_per_second']:,.0f} comments/s on one core; {privacy['comments_per_second_all_suspect']:,.0f} where every",
        "comment looks suspect. The blind part was written after the module, which was not tuned on it.",
        "",
        "| part | spans | recall | precision | hard negatives left alone |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in ("all", "open", "blind"):
        one = privacy[name]
        lines.append(
            f"| {name} | {one['spans']} | {_f(one['recall'])} | {_f(one['precision'])} | {one['hard_negatives_untouched']} of {one['hard_negatives']} |"
        )
    return "\n".join(lines) + "\n"


def _peers(peers: dict[str, Any]) -> str:
    lines = [
        f"### `{peers['bundle']}` beside its peers, in memory, the same reviews in the same run",
        "",
        f"{peers['tokens_per_second']:,} tokens/s, {peers['share_of_int8_limit']:.0%} of what the int8 products of these shapes",
        f"allow on this machine; {peers['more_memory_megabytes']} MB of memory more than before loading. In the table"
        f" medians of {peers['rounds']} rounds in turns.",
        "",
        "| model | texts/s | ours is so many times as fast | between |",
        "|---|--:|--:|--:|",
    ]
    for name, rate in peers["texts_per_second"].items():
        between = " and ".join(map(str, peers["times_between"].get(name, ())))
        lines.append(f"| {_NAMES[name]} | {rate:,} | {peers['times'].get(name, 1)} | {between or '-'} |")
    return "\n".join([*lines, "", "![Quality against speed](../docs/quality_speed.png)"]) + "\n"


_NAMES = {
    "encoder": "**the shipped encoder**",
    "linear": "voc-zh-linear",
    "snownlp": "SnowNLP (sentiment alone)",
    "bert_base_torch": "BERT-base, `transformers.pipeline` (random weights)",
    "bert_base_onnx_int8": "BERT-base, ONNX int8, one text at a time (random weights)",
}


def _speed(speed: dict[str, Any]) -> str:
    lines = [
        f"### Speed, {speed['machine']['cores']} cores, reviews of mean {speed['mean_characters']} characters",
        "",
        f"`{speed['bundle']}` in memory, one process: {speed['in_memory_one_process']:,} texts/s; SnowNLP (sentiment alone) in the same run: "
        f"{speed['snownlp']:,} texts/s; ratio {speed['in_memory_to_snownlp']}. "
        f"One comment, process start to answer: {speed['one_comment_seconds']} s.",
        "",
        "| csv to csv, rows | bundle | mean characters | seconds | rows/s | of its rate in memory | times SnowNLP "
        "| peak memory, all processes |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in speed["files"]:
        lines.append(
            f"| {one['rows']:,} | {one['bundle']} | {one['mean_characters']} | {one['seconds']} | {one['rows_per_second']:,} "
            f"| {_f(one['to_memory'], 2)} | {one['to_snownlp']} | {one['peak_megabytes']} MB |"
        )
    return "\n".join(lines) + "\n"
