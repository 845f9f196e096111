"""The store on the command line: what each command prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import CommandLine, command_line
from corner_export import rows, write_csv

from vocnlp.batch import Options, open_for_scoring, score_file
from vocnlp.cli_store import open_store, put_scored
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


def test_what_score_wrote_goes_to_the_store_with_the_columns_it_chose(
    tmp_path: Path, export: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tagger = Tagger.load(tiny_bundle)
    options = Options({"id": "编号", "customer": "客户"}, workers=1)
    opened, columns = open_for_scoring(export, options)
    scored = score_file(opened, columns, tmp_path / "出.xlsx", tagger, options=options)
    put_scored(scored, open_store(str(tmp_path / "store"), create=True), tagger)
    assert capsys.readouterr().out == f"store: {tmp_path / 'store'} (version 1; 40 rows: 40 new, 0 replaced)\n"
    kept = Store.open(tmp_path / "store").read(["id", "customer"]).to_table().sort_by("id").to_pylist()
    assert kept[0] == {"id": "A00001", "customer": "k0"}
    assert {one["customer"] for one in kept} == {f"k{n}" for n in range(8)}


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
