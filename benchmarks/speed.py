"""Speed and memory: file to file as a whole process, in memory, and SnowNLP on the same texts in the same run."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from vocnlp import Tagger

from .suites import FILE_RUNS, IN_MEMORY_TEXTS, LINEAR, PEER_TEXTS, SPEED_TEXTS


def measure(data: Path, bundle: Path | None, rows: list[int] | None = None) -> dict[str, Any]:
    """All speed figures. Ratios are taken within this run; absolute figures belong to the machine named beside them."""
    texts = texts_of(data)
    tagger = Tagger.load(bundle)
    tagger.tag(texts[:200])
    sample = texts[:IN_MEMORY_TEXTS]
    begun = time.perf_counter()
    tagger.tag(sample)
    ours = len(sample) / (time.perf_counter() - begun)
    theirs = _snownlp(texts[:PEER_TEXTS])
    result: dict[str, Any] = {
        "machine": {"cores": psutil.cpu_count(), "python": sys.version.split()[0]},
        "mean_characters": round(sum(map(len, texts)) / len(texts), 1),
        "bundle": tagger.bundle.label,
        "in_memory_one_process": round(ours),
        "snownlp": round(theirs, 1),
        "in_memory_to_snownlp": round(ours / theirs, 1),
        "one_comment_seconds": _one_comment(bundle),
        "files": [],
    }
    for run in FILE_RUNS:
        if rows is None or run.rows in rows:
            one = _file_run(texts, run.rows, LINEAR if run.linear else bundle)
            name = LINEAR.name if run.linear else tagger.bundle.name
            to_memory = None if run.linear else round(one["rows_per_second"] / ours, 2)
            more = {"to_snownlp": round(one["rows_per_second"] / theirs, 1), "to_memory": to_memory}
            result["files"].append({"bundle": name, **one, **more})
    return result


def texts_of(data: Path) -> list[str]:
    """The different texts of the speed runs, in an order that mixes the sets and is always the same."""
    texts = []
    for name in SPEED_TEXTS:
        with (data / name).open(encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    # A fixed shuffle: the sets follow each other, and their lengths differ.
    return sorted(dict.fromkeys(texts), key=hash_of)


def hash_of(text: str) -> int:
    """A number that orders texts the same way on every run."""
    import hashlib

    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest())


def _snownlp(texts: list[str]) -> float:
    from snownlp import SnowNLP

    _ = SnowNLP("好").sentiments
    begun = time.perf_counter()
    for text in texts:
        _ = SnowNLP(text).sentiments
    return len(texts) / (time.perf_counter() - begun)


def _command(bundle: Path | None, *words: str) -> list[str]:
    chosen = ["--bundle", str(bundle)] if bundle else []
    return [sys.executable, "-m", "vocnlp.cli", *words, *chosen]


def _one_comment(bundle: Path | None) -> float:
    """Median of five: the whole process from start to answer, for a csv of one comment."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "one.csv"
        source.write_text("评论\n客服态度很好，就是发货慢了两天\n", encoding="utf-8")
        taken = []
        for number in range(5):
            begun = time.perf_counter()
            command = _command(bundle, "score", str(source), "-o", str(Path(folder) / f"{number}.csv"))
            subprocess.run(command, check=True, capture_output=True)
            taken.append(time.perf_counter() - begun)
    return round(sorted(taken)[2], 2)


def _file_run(texts: list[str], rows: int, bundle: Path | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.csv"
        characters = _write(source, texts, rows)
        begun = time.perf_counter()
        command = _command(bundle, "score", str(source), "-o", str(Path(folder) / "out.csv"))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = _watch(process)
        seconds = time.perf_counter() - begun
        if process.returncode:
            raise RuntimeError(f"scoring failed with exit code {process.returncode}")
    return {
        "rows": rows,
        "mean_characters": round(characters / rows, 1),
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "peak_megabytes": round(peak / 1e6),
    }


def _write(path: Path, texts: list[str], rows: int) -> int:
    """A csv of so many rows; beyond the texts there are, a number makes each text another one. Returns characters."""
    total = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["编号", "推荐分", "触点", "评论"])
        for number in range(rows):
            again, place = divmod(number, len(texts))
            text = texts[place] + (f"（{again}）" if again else "")
            total += len(text)
            writer.writerow([number, number * 7 % 11, ("物流配送", "在线客服", "")[number % 3], text])
    return total


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Peak of the memory of a process and all its children, each shared page counted once (PSS), in bytes."""
    root, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        total = 0
        for one in [root, *root.children(recursive=True)]:
            try:
                total += one.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue  # it ended between the listing and the reading
        peak = max(peak, total)
        time.sleep(0.1)
    return peak
