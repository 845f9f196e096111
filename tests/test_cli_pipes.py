"""Readers that go away, as in ``vocnlp ... | head``: work is finished, and what only prints ends, both without a word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vocnlp.bundle import Bundle
from vocnlp.training.labelled import Labelled

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes break in another way there")


def test_a_reader_that_goes_away_ends_the_run_quietly(tiny_bundle: Path) -> None:
    command = [sys.executable, "-m", "vocnlp.cli", "classify", "--json", "--bundle", str(tiny_bundle)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdin and run.stdout and run.stderr
        run.stdout.close()
        run.stdin.write("快递太慢\n".encode() * 3000)
        run.stdin.close()
        told = run.stderr.read()
    assert (run.returncode, told) == (0, b"")


def test_classify_ends_where_nobody_reads_its_answers(tiny_bundle: Path) -> None:
    command = [sys.executable, "-m", "vocnlp.cli", "classify", "--bundle", str(tiny_bundle)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdin and run.stdout and run.stderr
        run.stdout.close()
        with pytest.raises(BrokenPipeError):  # it reads no further, however much comes
            for _ in range(1000):
                run.stdin.write("店员很热情\n".encode() * 1024)
        told = run.stderr.read()
    assert (run.returncode, told) == (0, b"")


def unheard(*words: object) -> int:
    """The exit code of a command that prints into pipes which nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "vocnlp.cli", *map(str, words)]
        return subprocess.run(command, stdout=writer, stderr=writer, check=False).returncode
    finally:
        os.close(writer)


def test_work_is_finished_though_nobody_reads_what_is_printed(
    tiny_bundle: Path, tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    data, out, folder = tmp_path / "标注.jsonl", tmp_path / "模型", tmp_path / "库"
    rows = [
        {
            "text": row.text,
            "sentiment": row.sentiment,
            "tags": [{"code": t.code, "polarity": t.polarity} for t in row.tags],
        }
        for row in tiny_rows
    ]
    data.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    assert unheard("train", "--data", data, "--out", out, "--linear") == 0
    assert unheard("models", "promote", out, "--registry", folder) == 0
    assert unheard("models", "list", "--registry", folder, "--json") == 0
    assert (
        unheard("train", "--data", data, "--out", out, "--linear") == 2
    )  # it is there: that is an error, heard or not
    assert Bundle.load(folder).label == Bundle.load(out).label
