"""tag_batches: the same rows in the same order with the tag columns behind, whatever the batch holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from corner_export import comments, rows

from vocnlp import batch as batches_module
from vocnlp.batch import tag_batches, verdicts
from vocnlp.classifiers import Classifier, Scores
from vocnlp.codeframe import Codeframe
from vocnlp.errors import BundleError, InputError, VocnlpError
from vocnlp.records import VERDICT, Prediction, Tag
from vocnlp.tagger import Tagger


class Counting:
    """A classifier that notes what it was asked."""

    def __init__(self, inner: Classifier) -> None:
        self.inner, self.codes = inner, inner.codes
        self.asked: list[tuple[str, ...]] = []

    @property
    def chunk(self) -> int:
        return self.inner.chunk

    @property
    def threads(self) -> int:
        return self.inner.threads

    def on_threads(self, count: int) -> Classifier:
        return self.inner.on_threads(count)

    def score(self, texts: Sequence[Sequence[str]]) -> Scores:
        self.asked += [tuple(text) for text in texts]
        return self.inner.score(texts)


def counting(tagger: Tagger) -> tuple[Tagger, Counting]:
    classifier = Counting(tagger.bundle.classifier)
    return Tagger(replace(tagger.bundle, classifier=classifier)), classifier


def export(count: int, size: int) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist(rows(count)).to_batches(max_chunksize=size)


def test_every_row_comes_back_in_its_place_with_the_tag_columns_behind(tagger: Tagger) -> None:
    given = export(23, 10)
    tagged = list(tag_batches(given, tagger, text="评论"))
    assert [batch.num_rows for batch in tagged] == [10, 10, 3]
    for before, after in zip(given, tagged, strict=True):
        assert after.schema.names == [*before.schema.names, *VERDICT.names]
        assert after.select(before.schema.names).equals(before)
    predictions = tagger.tag(comments(23))
    together = pa.Table.from_batches(tagged)
    assert together.column("voc_sentiment").to_pylist() == [p.sentiment for p in predictions]
    assert [[tag["code"] for tag in row] for row in together.column("voc_tags").to_pylist()] == [
        [tag.code for tag in p.tags] for p in predictions
    ]
    assert set(together.column("voc_bundle").to_pylist()) == {tagger.bundle.label}
    assert set(together.column("voc_codeframe").to_pylist()) == {"corner-shop@0.1.0"}


def test_quotes_are_the_raw_words_at_their_offsets(tagger: Tagger) -> None:
    text = "😀 味道鲜美！！价格太贵，不值这个錢"
    (tagged,) = tag_batches([pa.record_batch({"t": [text]})], tagger, text="t")
    tags = tagged.column("voc_tags").to_pylist()[0]
    assert {"taste", "price"} <= {tag["code"] for tag in tags}
    assert [tag["quote"] for tag in tags] == [text[tag["start"] : tag["end"]] for tag in tags]


def test_types_and_metadata_of_the_other_columns_are_kept(tagger: Tagger) -> None:
    schema = pa.schema(
        [
            pa.field("分", pa.int8(), metadata={b"unit": "分".encode()}),
            pa.field("t", pa.large_string()),
            pa.field("天", pa.date32(), nullable=True),
            pa.field("组", pa.dictionary(pa.int8(), pa.string())),
        ],
        metadata={b"from": b"survey"},
    )
    given = pa.RecordBatch.from_pylist([{"分": 3, "t": "快递太慢", "天": None, "组": "甲"}], schema=schema)
    (tagged,) = tag_batches([given], tagger, text="t")
    assert tagged.schema.metadata == {b"from": b"survey"}
    assert [tagged.schema.field(name) for name in schema.names] == list(schema)
    assert tagged.schema.field("分").metadata == {b"unit": "分".encode()}


def test_a_missing_text_is_an_empty_one(tagger: Tagger) -> None:
    given = pa.record_batch({"t": pa.array(["排队太久", None, ""], pa.string())})
    (tagged,) = tag_batches([given], tagger, text="t")
    assert tagged.column("t").to_pylist() == ["排队太久", None, ""]
    assert tagged.column("voc_noise").to_pylist() == [None, "empty", "empty"]
    assert tagged.column("voc_tags").to_pylist()[1:] == [[], []]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([5, None]), ["5", ""]),
        (pa.array([2.5, 1.0]), ["2.5", "1"]),
        (pa.array([None, None]), ["", ""]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["味道很好", "味道很好"]).dictionary_encode(), ["味道很好", "味道很好"]),
        (pa.array([["味道很好"], []]), ['["味道很好"]', "[]"]),
    ],
    ids=["int", "float", "null", "bool", "dictionary", "list"],
)
def test_a_text_column_need_not_be_of_strings(tagger: Tagger, column: pa.Array, texts: list[str]) -> None:
    (tagged,) = tag_batches([pa.record_batch({"t": column})], tagger, text="t")
    predictions = tagger.tag(texts)
    assert tagged.column("t").equals(column)
    assert tagged.column("voc_noise").to_pylist() == [p.noise for p in predictions]
    assert tagged.column("voc_sentiment").to_pylist() == [p.sentiment for p in predictions]


def test_equal_texts_of_a_batch_are_scored_once(tagger: Tagger) -> None:
    own, classifier = counting(tagger)
    texts = ["快递太慢", "味道很好", "快递太慢", "快递太慢", "味道很好"]
    list(tag_batches([pa.record_batch({"t": ["快递太慢", "味道很好"]})], own, text="t"))
    for_two = sorted(classifier.asked)
    classifier.asked.clear()
    (tagged,) = tag_batches([pa.record_batch({"t": texts})], own, text="t")
    assert sorted(classifier.asked) == for_two
    two = tagged.select(VERDICT.names).to_pylist()
    assert two == [two[0], two[1], two[0], two[0], two[1]]
    assert two[0] != two[1]


def test_columns_of_an_earlier_run_are_replaced(tagger: Tagger) -> None:
    (once,) = tag_batches([pa.record_batch({"t": ["价格太贵"], "n": [1]})], tagger, text="t")
    (twice,) = tag_batches([once], tagger, text="t")
    assert twice.equals(once)
    assert twice.schema.names == ["t", "n", *VERDICT.names]


def test_a_text_column_that_is_not_there_is_named(tagger: Tagger) -> None:
    with pytest.raises(InputError, match="column '意见': no such column") as caught:
        list(tag_batches([pa.record_batch({"t": ["好"], "最后一列": ["差"]})], tagger, text="意见"))
    assert caught.value.hint == "columns: t, 最后一列"


def test_no_batches_and_empty_batches(tagger: Tagger) -> None:
    empty = pa.RecordBatch.from_pylist([], schema=pa.schema([("t", pa.string())]))
    assert list(tag_batches([], tagger, text="t")) == []
    (tagged,) = tag_batches([empty], tagger, text="t")
    assert (tagged.num_rows, tagged.schema.names) == (0, ["t", *VERDICT.names])


def test_a_slice_of_a_batch_gives_its_own_rows(tagger: Tagger) -> None:
    (whole,) = export(9, 9)
    (part,) = tag_batches([whole.slice(4, 3)], tagger, text="评论")
    (all_of_it,) = tag_batches([whole], tagger, text="评论")
    assert part.to_pylist() == all_of_it.to_pylist()[4:7]


def test_two_processes_give_what_one_gives(tagger: Tagger) -> None:
    given = export(400, 60)
    assert list(tag_batches(given, tagger, text="评论", workers=2)) == list(tag_batches(given, tagger, text="评论"))


def test_two_processes_use_the_codeframe_that_was_asked_for(tagger: Tagger) -> None:
    content = tagger.codeframe.to_dict()
    content["version"], content["codes"] = "9.0.0", [c for c in content["codes"] if c["id"] != "price"]
    own = Tagger(tagger.bundle, Codeframe.from_dict(content))
    given = [pa.record_batch({"t": ["价格太贵", "排队太久"]})] * 3
    two = list(tag_batches(given, own, text="t", workers=2))
    assert two == list(tag_batches(given, own, text="t"))
    assert two[0].column("voc_codeframe").to_pylist() == ["corner-shop@9.0.0"] * 2
    assert "price" not in {tag["code"] for row in two[0].column("voc_tags").to_pylist() for tag in row}


def test_a_process_that_dies_is_told_with_the_next_step(
    tagger: Tagger, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batches_module, "_begin_worker", _die)
    with pytest.raises(VocnlpError, match="a scoring process ended") as caught:
        list(tag_batches(export(10, 5), tagger, text="评论", workers=2))
    assert caught.value.hint == "was memory short? go on with --resume --workers 1"
    capfd.readouterr()


def _die(*_: object) -> None:
    os._exit(9)


def test_a_bundle_that_was_replaced_meanwhile_is_refused(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches_module, "settle_in", lambda: None)  # this process must go on hearing Ctrl-C
    with pytest.raises(BundleError, match="was replaced while it was at work"):
        batches_module._begin_worker(str(tagger.bundle.path), "0" * 64, None)


ORPHANS = """
import sys
import pyarrow as pa
from vocnlp.batch import tag_batches
from vocnlp.tagger import Tagger

def endless():
    while True:
        yield pa.record_batch({"t": ["排队太久"]})

if __name__ == "__main__":
    for number, _ in enumerate(tag_batches(endless(), Tagger.load(sys.argv[1]), text="t", workers=2)):
        if number == 5:
            print("at work", flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads the children's ids from /proc")
def test_the_processes_end_when_the_first_one_is_killed(tiny_bundle: Path, tmp_path: Path) -> None:
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script), str(tiny_bundle)], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"at work\n"
        children = [int(c) for c in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
        run.kill()
    assert len(children) >= 2
    until = time.monotonic() + 10
    while time.monotonic() < until and any(_alive(child) for child in children):
        time.sleep(0.05)
    left = [child for child in children if _alive(child)]
    for child in left:
        os.kill(child, signal.SIGKILL)
    assert left == []


def _alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def test_verdicts_cut_quotes_even_where_a_text_holds_half_a_character() -> None:
    text = "味道\ud83d很好"
    tag = Tag("taste", "positive", 0.75, 0, 5)
    batch = verdicts([text], [Prediction("positive", 0.5, (tag,), "b@1")], "f@1")
    assert batch.to_pylist() == [
        {
            "voc_sentiment": "positive",
            "voc_confidence": 0.5,
            "voc_noise": None,
            "voc_tags": [
                {
                    "code": "taste", "polarity": "positive", "confidence": 0.75, "start": 0, "end": 5,
                    "source": "model", "quote": "味道?很好",
                }
            ],
            "voc_bundle": "b@1",
            "voc_codeframe": "f@1",
        }
    ]  # fmt: skip
