"""A run that was stopped: nothing half-written is ever seen, and going on gives the very file of an unbroken run."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from corner_export import names_in, read, rows, write, write_csv

from vocnlp import batch, delimited_writing, tagged_files, unfinished
from vocnlp.batch import Options, Scored, open_for_scoring, score_file
from vocnlp.errors import InputError, OutputError
from vocnlp.records import NEGATIVE
from vocnlp.tagger import Tagger
from vocnlp.unfinished import Unfinished
from vocnlp.workbook import Book

ROWS, WINDOW = 130, 20
WORK = ".b{}.vocnlp-work"

Score = Callable[..., Scored]


class Killed(BaseException):
    """Stands for a kill: nothing in the house may catch it."""


@pytest.fixture(autouse=True)
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "WINDOW", WINDOW)


@pytest.fixture
def score(tagger: Tagger) -> Score:
    """Scores a file on one processor; ``killed_at`` ends the run once so many rows are done."""

    def run(source: Path, out: Path, *, killed_at: int | None = None, own: Tagger = tagger, **options: Any) -> Scored:
        chosen = Options(workers=1, **options)
        opened, columns = open_for_scoring(source, chosen)

        def report(done: int, _: float) -> None:
            if killed_at is not None and done >= killed_at:
                raise Killed

        return score_file(opened, columns, out, own, options=chosen, report=report)

    return run


def killed(score: Score, source: Path, out: Path, at: int, **options: Any) -> None:
    with pytest.raises(Killed):
        score(source, out, killed_at=at, **options)


@pytest.mark.parametrize(("before", "after"), [(".csv", ".csv"), (".jsonl", ".jsonl"), (".csv", ".parquet")])
@pytest.mark.parametrize("at", [0, 20, 60, 130])
def test_going_on_gives_the_bytes_of_an_unbroken_run(
    tmp_path: Path, score: Score, before: str, after: str, at: int
) -> None:
    source = write(tmp_path / f"a{before}", rows(ROWS))
    whole, out = tmp_path / f"whole{after}", tmp_path / f"b{after}"
    score(source, whole)
    killed(score, source, out, at)
    assert not out.exists()
    scored = score(source, out, resume=True)
    assert (scored.rows, scored.resumed) == (ROWS, at)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(names_in(tmp_path)) == sorted([source.name, out.name, whole.name])


@pytest.mark.parametrize("before", [".xlsx", ".parquet"])
def test_going_on_with_a_workbook_gives_the_same_sheets(tmp_path: Path, score: Score, before: str) -> None:
    source = write(tmp_path / f"a{before}", rows(ROWS))
    score(source, tmp_path / "whole.xlsx")
    killed(score, source, tmp_path / "b.xlsx", 40)
    scored = score(source, tmp_path / "b.xlsx", resume=True)
    assert read(tmp_path / "b.xlsx") == read(tmp_path / "whole.xlsx")
    assert scored.figures == score(source, tmp_path / "whole.xlsx", force=True).figures


def test_a_run_may_be_stopped_again_and_again(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    score(source, tmp_path / "whole.csv")
    killed(score, source, out, 20)
    killed(score, source, out, 60, resume=True)
    killed(score, source, out, 100, resume=True)
    assert score(source, out, resume=True).resumed == 100
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize("after", [".csv", ".xlsx"])
def test_a_kill_while_the_output_is_made_leaves_no_half_file(
    tmp_path: Path, score: Score, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / f"b{after}"
    with monkeypatch.context() as patch:
        patch.setattr(tagged_files._Fold, "figures", _killed)
        with pytest.raises(Killed):
            score(source, out)
    assert sorted(names_in(tmp_path)) == [WORK.format(after), "a.csv"]
    assert score(source, out, resume=True).resumed == ROWS
    assert len(read(out)) == ROWS
    assert sorted(names_in(tmp_path)) == ["a.csv", out.name]


def _killed(*_: object) -> None:
    raise Killed


RUN = """
import sys
from pathlib import Path
from vocnlp import batch
from vocnlp.tagger import Tagger

if __name__ == "__main__":
    source, out, bundle, *flags = sys.argv[1:]
    batch.WINDOW = 64
    options = batch.Options(workers=1, resume="resume" in flags)
    opened, columns = batch.open_for_scoring(source, options)
    batch.score_file(opened, columns, Path(out), Tagger.load(bundle), options=options)
"""


def test_a_true_kill_loses_nothing_and_doubles_nothing(tmp_path: Path, tiny_bundle: Path) -> None:
    script, source = tmp_path / "run.py", write_csv(tmp_path / "a.csv", rows(6000))
    script.write_text(RUN, encoding="utf-8")
    command = [sys.executable, str(script), str(source)]
    subprocess.run([*command, str(tmp_path / "whole.csv"), str(tiny_bundle)], check=True)
    out, work = tmp_path / "b.csv", tmp_path / WORK.format(".csv")
    with subprocess.Popen([*command, str(out), str(tiny_bundle)]) as run:
        until = time.monotonic() + 30
        while time.monotonic() < until and len(list(work.glob("segment-*.arrow"))) < 5:
            time.sleep(0.002)
        run.kill()
    assert run.returncode == -9
    assert not out.exists()
    done = len(list(work.glob("segment-*.arrow")))
    assert 5 <= done < 6000 // 64
    subprocess.run([*command, str(out), str(tiny_bundle), "resume"], check=True)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert sorted(names_in(tmp_path)) == ["a.csv", "b.csv", "run.py", "whole.csv"]


# What may be resumed, and what not


def other_tagger(tagger: Tagger) -> Tagger:
    return Tagger(replace(tagger.bundle, digest="f" * 64))


def test_another_model_is_refused(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    killed(score, source, out, 40)
    with pytest.raises(OutputError, match=r"b.csv: the unfinished run beside it is of another job") as caught:
        score(source, out, resume=True, own=other_tagger(tagger))
    assert caught.value.hint.endswith("start over with --force")
    assert score(source, out, resume=True).resumed == 40


def test_a_changed_input_is_refused_and_another_column_too(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    killed(score, source, out, 40)
    with pytest.raises(OutputError, match="of another job"):
        score(source, out, resume=True, named={"text": "备注"})
    write_csv(source, rows(ROWS + 1))
    with pytest.raises(OutputError, match="of another job"):
        score(source, out, resume=True)
    scored = score(source, out, force=True)
    assert (scored.rows, scored.resumed, len(read(out))) == (ROWS + 1, 0, ROWS + 1)


def test_an_unfinished_run_is_neither_taken_up_nor_thrown_away_unasked(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    killed(score, source, out, 40)
    with pytest.raises(OutputError, match=r"b.csv: an unfinished run stands beside it") as caught:
        score(source, out)
    assert caught.value.hint == "go on with --resume, or start over with --force"
    assert score(source, out, resume=True).resumed == 40


def test_force_starts_over(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    killed(score, source, out, 40)
    assert score(source, out, force=True).resumed == 0
    assert len(read(out)) == ROWS


def test_resuming_over_an_older_output_needs_both_flags(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    out.write_text("从前的结果", encoding="utf-8")
    killed(score, source, out, 40, force=True)
    assert out.read_text(encoding="utf-8") == "从前的结果"
    with pytest.raises(OutputError, match="already exists") as caught:
        score(source, out, resume=True)
    assert caught.value.hint == "choose another name, or replace it with --resume --force"
    assert score(source, out, resume=True, force=True).resumed == 40


def test_resume_without_an_unfinished_run_begins_one(tmp_path: Path, score: Score) -> None:
    source = write_csv(tmp_path / "a.csv", rows(ROWS))
    assert score(source, tmp_path / "b.csv", resume=True).resumed == 0


# What a failing machine may leave behind


@pytest.mark.parametrize("content", ["", '{"input": "/da', "[]", "null"])
def test_a_half_written_job_is_another_job(tmp_path: Path, score: Score, content: str) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    killed(score, source, out, 40)
    (tmp_path / WORK.format(".csv") / "job.json").write_text(content, encoding="utf-8")
    with pytest.raises(OutputError, match="of another job"):
        score(source, out, resume=True)
    assert score(source, out, force=True).rows == ROWS


@pytest.mark.parametrize("flags", [{}, {"resume": True}])
def test_a_folder_in_which_no_run_had_begun_is_no_hindrance(
    tmp_path: Path, score: Score, flags: dict[str, bool]
) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    (tmp_path / WORK.format(".csv")).mkdir()
    assert score(source, out, **flags).rows == ROWS
    assert sorted(names_in(tmp_path)) == ["a.csv", "b.csv"]


@pytest.mark.parametrize("keep", [0, 7, 300, -8], ids=["empty", "few bytes", "middle", "without its end"])
def test_a_segment_that_a_crash_cut_short_is_scored_again(tmp_path: Path, score: Score, keep: int) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    score(source, tmp_path / "whole.csv")
    killed(score, source, out, 80)
    spoilt = tmp_path / WORK.format(".csv") / "segment-000002.arrow"
    spoilt.write_bytes(spoilt.read_bytes()[:keep])
    assert score(source, out, resume=True).resumed in (40, 80)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_segment_that_is_gone_is_scored_again(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    score(source, tmp_path / "whole.csv")
    killed(score, source, out, 80)
    (tmp_path / WORK.format(".csv") / "segment-000001.arrow").unlink()
    assert score(source, out, resume=True).resumed == 20
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_two_runs_at_one_output_do_not_meet(tmp_path: Path, score: Score) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    first = Unfinished.begin(out, {"of": "another run"}, resume=False, force=False)
    for flags in ({}, {"resume": True}, {"force": True}):
        with pytest.raises(OutputError, match=r"b.csv: another run is writing it at this moment") as caught:
            score(source, out, **flags)
        assert caught.value.hint == "wait until it is done, or choose another name"
    first.end()
    assert score(source, out).rows == ROWS


def test_a_drive_without_locks_is_written_all_the_same(
    tmp_path: Path, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(unfinished, "lock", unknown)
    assert score(write_csv(tmp_path / "a.csv", rows(5)), tmp_path / "b.csv").rows == 5


# Failures in the middle


def test_a_row_that_cannot_be_read_ends_the_run_without_a_trace(tmp_path: Path, score: Score) -> None:
    lines = write_csv(tmp_path / "a.csv", rows(9500)).read_text(encoding="utf-8-sig").splitlines()
    lines[9000] += ",多出来的一格"
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=r"a.csv, row 9000: 8 cells where the header has 7") as caught:
        score(tmp_path / "a.csv", tmp_path / "b.csv")
    assert caught.value.row == 9000
    assert list(names_in(tmp_path)) == ["a.csv"]


@pytest.mark.parametrize(
    ("after", "place"), [(".csv", (delimited_writing.DelimitedWriter, "write")), (".xlsx", (Book, "add_tags"))]
)
def test_a_disk_that_fills_up_while_the_output_is_made(
    tmp_path: Path, score: Score, monkeypatch: pytest.MonkeyPatch, after: str, place: tuple[type, str]
) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / f"b{after}"
    with monkeypatch.context() as patch:
        patch.setattr(*place, _full)
        with pytest.raises(OutputError) as caught:
            score(source, out)
    assert str(caught.value) == f"{out}: the disk is full"
    assert caught.value.hint.startswith("free some space")
    assert sorted(names_in(tmp_path)) == [WORK.format(after), "a.csv"]
    assert not list((tmp_path / WORK.format(after)).glob("output*"))
    assert score(source, out, resume=True).resumed == ROWS
    assert len(read(out)) == ROWS


def test_a_disk_that_fills_up_while_rows_are_scored(
    tmp_path: Path, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    kept = Unfinished.keep

    def keep(work: Unfinished, tagged: Any) -> None:
        if work.rows == 60:
            with monkeypatch.context() as patch:
                patch.setattr(unfinished.pa.ipc, "new_stream", _full)
                kept(work, tagged)
        kept(work, tagged)

    with monkeypatch.context() as patch:
        patch.setattr(Unfinished, "keep", keep)
        with pytest.raises(OutputError, match="the disk is full") as caught:
            score(source, out)
    assert caught.value.hint == "free some space, then go on with --resume"
    assert score(source, out, resume=True).resumed == 60
    assert sorted(names_in(tmp_path)) == ["a.csv", "b.csv"]


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_job_says_what_it_is_of(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    source, out = write_csv(tmp_path / "a.csv", rows(ROWS)), tmp_path / "b.csv"
    killed(score, source, out, 20)
    job = json.loads((tmp_path / WORK.format(".csv") / "job.json").read_text(encoding="utf-8"))
    assert job["input"] == str(source)
    assert (job["text"], job["bundle"], job["codeframe"]) == ("评论", tagger.bundle.digest, tagger.codeframe.digest)
    shutil.rmtree(tmp_path / WORK.format(".csv"))
    assert score(source, out).figures.totals.negative == sum(row["voc_sentiment"] == NEGATIVE for row in read(out))
