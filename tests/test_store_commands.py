"""The store on the command line: what each command prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command_line import CommandLine, command_line
from corner_export import rows, write_csv
from tagged_shop import row, tagged

from vocnlp.batch import Options, open_for_scoring, score_file
from vocnlp.errors import StoreError
from vocnlp.store import Store
from vocnlp.tagged_reading import TaggedFile
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


def test_a_row_that_cannot_be_read_keeps_all_rows_out(tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path) -> None:
    url, path = tmp_path / "store", tmp_path / "标注.jsonl"
    tags = [
        {
            "code": "price",
            "polarity": "negative",
            "confidence": 0.9,
            "start": 0,
            "end": 2,
            "source": "model",
            "quote": "太贵",
        }
    ]
    lines = [{"text": "太贵", "voc_sentiment": "negative", "voc_tags": tags, "编号": f"n{n}"} for n in range(20_000)]
    lines[19_000]["voc_tags"] = [{"code": "price"}]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    ended = vocnlp("store", "put", path, "--store", url, "--bundle", tiny_bundle)
    assert (ended.code, "row 19001, column 'voc_tags': holds no tags" in ended.err) == (2, True)
    assert not url.exists()


def test_a_tagged_file_is_put_batch_by_batch_with_its_tags(tmp_path: Path, tiny_bundle: Path) -> None:
    path, tagger = tmp_path / "标注.parquet", Tagger.load(tiny_bundle)
    pq.write_table(tagged([row(n, text=f"第{n}单送晚了") for n in range(20_000)]), path)
    file, held = TaggedFile(path, tagger), []
    assert file.check() == 20_000
    done = Store.open(tmp_path / "s", create=True).put(held.append(batch.num_rows) or batch for batch in file.batches())
    assert (done.rows, done.added, max(held) <= 8192, sum(held)) == (20_000, 20_000, True, 20_000)


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


def test_two_exports_without_ids_do_not_replace_each_other(
    tmp_path: Path, vocnlp: CommandLine, tiny_bundle: Path
) -> None:
    january, june = tmp_path / "一月.csv", tmp_path / "六月.csv"
    january.write_text("评论,渠道\n排队太久,门店\n味道不错,外卖\n", encoding="utf-8")
    june.write_text("评论,渠道\n店员很热心,门店\n汤洒了一半,外卖\n", encoding="utf-8")
    url, bundle = tmp_path / "store", ("--bundle", tiny_bundle)
    counts = []
    for source in (january, june, june):  # the last one is delivered again
        ended = vocnlp("store", "put", source, "--store", url, *bundle, "--json")
        done = json.loads(ended.out)
        counts.append((done["rows"], done["added"], done["replaced"]))
    assert counts == [(2, 2, 0), (2, 2, 0), (2, 0, 2)]
    ended = vocnlp("score", january, "-o", tmp_path / "出.csv", "--store", url, *bundle)
    assert ended.out.splitlines()[-1].endswith("2 rows: 0 new, 2 replaced)")
    assert sorted(Store.open(url).read().to_table(columns=["text"])["text"].to_pylist()) == [
        "味道不错", "店员很热心", "排队太久", "汤洒了一半",
    ]  # fmt: skip
