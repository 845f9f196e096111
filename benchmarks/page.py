"""Results as tables: the part of benchmarks/README.md between two marks is made from results.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    if "shipped" in results:
        parts += [_shipped(results["shipped"]), _per_code(results["shipped"]["per_code"])]
    if "challenge" in results:
        parts.append(_challenge(results["challenge"]))
    if "speed" in results:
        parts.append(_speed(results["speed"]))
    return "\n".join(parts)


def _f(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _own(own: dict[str, Any]) -> str:
    lines = [
        "### A set's own codes: `vocnlp train --data SET --out DIR --linear`, judged on the held-out tenth",
        "",
        "| set | codes micro-F1 | macro-F1 | pairs micro-F1 | macro-F1 | evidence overlap | comments | seconds to train |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in own.items():
        codes, pairs = one["codes"], one["pairs"]
        lines.append(
            f"| {name} | {_f(codes['micro_f1'])} | {_f(codes['macro_f1'])} | {_f(pairs['micro_f1'])} | {_f(pairs['macro_f1'])} "
            f"| {_f(one['evidence']['overlap'])} | {one['rows']} | {one['train_seconds']} |"
        )
    return "\n".join(lines) + "\n"


def _shipped(shipped: dict[str, Any]) -> str:
    lines = [
        f"### The shipped bundle `{shipped['bundle']}` on the held-out part of each set",
        "",
        "SnowNLP and the column before it: the polar texts among the first 400, choice of two.",
        "",
        "| set | sentiment acc. | macro-F1 | ECE | two-way | SnowNLP | codes micro-F1 | pairs micro-F1 | evidence | comments |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in shipped["sets"].items():
        mood, peer = one["sentiment"], one["snownlp"]
        coded = bool(one["codes"]["support"])
        lines.append(
            f"| {name} | {_f(mood['accuracy'])} | {_f(mood['macro_f1'])} | {_f(one['calibration']['sentiment_ece'])} "
            f"| {_f(one['same_texts'])} | {_f(peer['accuracy'] if peer else None)} "
            f"| {_f(one['codes']['micro_f1'] if coded else None)} | {_f(one['pairs']['micro_f1'] if coded else None)} "
            f"| {_f(one['evidence']['overlap'])} | {one['rows']} |"
        )
    return "\n".join(lines) + "\n"


def _challenge(suite: dict[str, Any]) -> str:
    lines = [
        f"### The challenge suite, `{suite['bundle']}`",
        "",
        "Passed: sentiment and every opinion right (see `challenge.py`). Choice of two: the polar cases, SnowNLP beside.",
        "",
        "| group | cases | passed | sentiment | tags | choice of two | SnowNLP |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in [*suite["groups"].items(), ("**all**", suite["all"])]:
        lines.append(
            f"| {name} | {one['cases']} | {_f(one['passed'], 2)} | {_f(one['sentiment'], 2)} | {_f(one['tags'], 2)} "
            f"| {_f(one['polar'], 2)} | {_f(one['polar_snownlp'], 2)} |"
        )
    return "\n".join(lines) + "\n"


def _per_code(per_code: dict[str, Any]) -> str:
    lines = ["### Per code, over all held-out parts", "", "| code | precision | recall | F1 | pairs F1 | comments with it |",
             "|---|--:|--:|--:|--:|--:|"]  # fmt: skip
    for code, one in per_code.items():
        support = one["right"] + one["missed"]
        if support:
            lines.append(
                f"| {code} | {_f(one['precision'])} | {_f(one['recall'])} | {_f(one['f1'])} | {_f(one['pairs_f1'])} | {support} |"
            )
    return "\n".join(lines) + "\n"


def _speed(speed: dict[str, Any]) -> str:
    lines = [
        f"### Speed, {speed['machine']['cores']} cores, reviews of mean {speed['mean_characters']} characters",
        "",
        f"In memory, one process: {speed['in_memory_one_process']:,} texts/s; SnowNLP (sentiment alone) in the same run: "
        f"{speed['snownlp']:,} texts/s; ratio {speed['in_memory_to_snownlp']}. "
        f"One comment, process start to answer: {speed['one_comment_seconds']} s.",
        "",
        "| csv to csv, rows | mean characters | seconds | rows/s | times SnowNLP | peak memory, all processes |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for one in speed["files"]:
        lines.append(
            f"| {one['rows']:,} | {one['mean_characters']} | {one['seconds']} | {one['rows_per_second']:,} "
            f"| {one['to_snownlp']} | {one['peak_megabytes']} MB |"
        )
    return "\n".join(lines) + "\n"
