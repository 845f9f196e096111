"""The store on the command line: what each command prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CommandLine, command_line
from corner_export import rows, write_csv

from vocnlp.batch import Options, open_for_scoring, score_file
from vocnlp.errors import StoreError
from vocnlp.store import Store
from vocnlp.tagger import Tagger

__all__ = ["command_line"]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Forty rows of eight customers."""
    cells = [{**row, "客户": f"k{n % 8}"} for n, row in enumerate(rows(40))]
    return write_csv(tmp_path / "六月.csv", cells)


def test_an_export_is_tagged_and_put_and_put_again(
    tmp_path: Path, vocnlp: CommandLine, export: Path, tiny_bundle: Path
) -> None:
    url = tmp_path / "store"
    words = ("store", "put", export, "--store", url, "--id", "编号", "--customer", "客户", "--bundle", tiny_bundle)
    ended = vocnlp(*words)
    assert (ended.code, ended.out) == (0, f"store: {url} (version 1; 40 rows: 40 new, 0 replaced)\n")
    ended = vocnlp(*words, "--json")
    assert json.loads(ended.out) == {"rows": 40, "added": 0, "replaced": 40, "repeated": 0, "version": 2}
    info = json.loads(vocnlp("store", "info", "--store", url, "--json").out)
    assert (info["rows"], info["bundles"]) == (40, {Tagger.load(tiny_bundle).bundle.label: 40})
    shown = vocnlp("store", "info", "--store", url).out
    assert "40 rows in 1 files" in shown
    assert "texts: masked" in shown


def test_upkeep_by_commands(tmp_path: Path, vocnlp: CommandLine, export: Path, tiny_bundle: Path) -> None:
    url = tmp_path / "store"
    vocnlp("store", "put", export, "--store", url, "--id", "编号", "--customer", "客户", "--bundle", tiny_bundle)
    ended = vocnlp("store", "rescore", "--store", url, "--bundle", tiny_bundle, "--json")
    assert json.loads(ended.out) == {"rows": 40, "before": 40, "now": 0, "changed": 0}
    ended = vocnlp("store", "forget", "--store", url, "--customer", "k3")
    assert ended.out.splitlines()[:2] == ["5 rows erased, 1 old files removed", "not reached:"]
    ended = vocnlp("store", "compact", "--store", url, "--keep-days", "0")
    assert (ended.code, ended.out.startswith("1 files became 1;")) == (0, True)
    lines = [json.loads(line) for line in vocnlp("store", "history", "--store", url, "--json").out.splitlines()]
    assert [line["what"] for line in lines if line["what"] in ("put", "forget", "create table")] == [
        "forget",
        "put",
        "create table",
    ]
    assert "forget" in vocnlp("store", "history", "--store", url).out


def test_what_is_scored_into_a_workbook_goes_to_the_store_with_its_bundle_and_codeframe(
    tmp_path: Path, vocnlp: CommandLine, export: Path, tiny_bundle: Path
) -> None:
    url = tmp_path / "store"
    columns = ("--id", "编号", "--customer", "客户")
    ended = vocnlp("score", export, "-o", tmp_path / "出.xlsx", "--store", url, *columns, "--bundle", tiny_bundle)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, f"store: {url} (version 1; 40 rows: 40 new, 0 replaced)")
    names = ["id", "customer", "voc_bundle", "voc_codeframe"]
    kept = Store.open(url).read(names).to_table().sort_by("id").to_pylist()
    tagger = Tagger.load(tiny_bundle)
    frame = f"{tagger.codeframe.name}@{tagger.codeframe.version}"
    assert kept[0] == {
        "id": "A00001", "customer": "k0", "voc_bundle": tagger.bundle.label, "voc_codeframe": frame
    }  # fmt: skip
    assert {(one["customer"], one["voc_bundle"]) for one in kept} == {(f"k{n}", tagger.bundle.label) for n in range(8)}


def test_a_store_that_fails_leaves_the_scoring_to_be_resumed(tmp_path: Path, export: Path, tiny_bundle: Path) -> None:
    tagger, out = Tagger.load(tiny_bundle), tmp_path / "出.csv"
    opened, columns = open_for_scoring(export, Options())

    def full(_: object) -> None:
        raise StoreError("the disk is full", path=tmp_path, hint="free some space")

    with pytest.raises(StoreError):
        score_file(opened, columns, out, tagger, options=Options(workers=1), keep=full)
    assert not out.exists()
    got: list[int] = []
    again = Options(workers=1, resume=True)
    score_file(opened, columns, out, tagger, options=again, keep=lambda rows: got.extend(b.num_rows for b in rows))
    assert (sum(got), out.exists()) == (40, True)


def test_mistakes_end_with_the_next_step(tmp_path: Path, vocnlp: CommandLine, export: Path, tiny_bundle: Path) -> None:
    ended = vocnlp("store", "info", "--store", tmp_path / "none")
    assert (ended.code, ended.out) == (2, "")
    assert f"error: {tmp_path / 'none'}: there is no store" in ended.err
    assert "next step: check the spelling, or create one: vocnlp store put FILE --store DIR" in ended.err
    ended = vocnlp("store", "put", export, "--store", tmp_path / "s", "--setting", "AWS_REGION")
    assert (ended.code, "error: --setting 'AWS_REGION' has no value" in ended.err) == (2, True)
    ended = vocnlp("store", "forget", "--store", tmp_path / "s", "--customer", "k1")
    assert (ended.code, (tmp_path / "s").exists()) == (2, False)
    assert vocnlp("store", "forget", "--store", tmp_path / "s").code == 2
