"""All rows tagged anew: what carries the new label is skipped, and what changed meanwhile is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tagged_shop import row, tagged

from vocnlp.codeframe import Codeframe
from vocnlp.records import VERDICT
from vocnlp.store import Store
from vocnlp.store_rescore import Rescored, rescore
from vocnlp.tagger import Tagger

TEXTS = ["味道很好，还会再来", "快递太慢，一周还没动静", "", "打13800138000没人接，态度恶劣"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "feedback", create=True)
    rows = [row(n, text=text, score=float(n), customer=f"k{n}") for n, text in enumerate(TEXTS)]
    store.put(tagged(rows[:2]))
    store.put(tagged(rows[2:]))
    return store


def kept(store: Store) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.read().to_table().sort_by("id").to_pylist()
    return rows


def test_every_row_gets_the_tags_of_the_new_model_and_keeps_the_rest(store: Store, tagger: Tagger) -> None:
    before = kept(store)
    assert rescore(store, tagger, workers=1) == Rescored(rows=4, before=0, now=4, changed=0)
    after = kept(store)
    own = ("id", "text", "score", "customer", "channel", "at")
    assert [[one[name] for name in own] for one in after] == [[one[name] for name in own] for one in before]
    for one, said in zip(after, tagger.tag([one["text"] for one in after]), strict=True):
        assert (one["voc_sentiment"], one["voc_noise"]) == (said.sentiment, said.noise)
        assert (one["voc_bundle"], one["voc_codeframe"]) == (tagger.bundle.label, "corner-shop@0.1.0")
        found = [(tag["code"], tag["polarity"], tag["quote"]) for tag in one["voc_tags"]]
        assert found == [(tag.code, tag.polarity, one["text"][tag.start : tag.end]) for tag in said.tags]
    assert ("delivery", "negative") in [(tag["code"], tag["polarity"]) for tag in after[1]["voc_tags"]]


def test_a_second_run_has_nothing_to_do(store: Store, tagger: Tagger) -> None:
    rescore(store, tagger, workers=1)
    version = store.info().version
    assert rescore(store, tagger, workers=1) == Rescored(rows=4, before=4, now=0, changed=0)
    assert store.info().version == version


def test_another_codeframe_is_another_label(store: Store, tagger: Tagger, tiny_frame: Codeframe) -> None:
    rescore(store, tagger, workers=1)
    newer = Codeframe.from_dict({**tiny_frame.to_dict(), "version": "0.2.0"})
    assert rescore(store, Tagger(tagger.bundle, newer), workers=1).now == 4
    assert store.info().codeframes == {"corner-shop@0.2.0": 4}


def test_a_run_that_was_stopped_goes_on(store: Store, tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vocnlp.store_rescore._COMMIT_ROWS", 1)
    heard: list[tuple[int, int]] = []

    def stop(done: int, rows: int) -> None:
        heard.append((done, rows))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rescore(store, tagger, workers=1, report=stop)
    assert heard == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert store.info().bundles == {tagger.bundle.label: 3, "demo 1": 1}
    assert rescore(store, tagger, workers=1) == Rescored(rows=4, before=3, now=1, changed=0)


def test_rows_that_changed_or_were_erased_meanwhile_are_not_brought_back(store: Store, tagger: Tagger) -> None:
    other = Store.open(store.url)

    def meanwhile(done: int, _: int) -> None:
        if done == 0:  # the rows are chosen, and not read yet
            other.put(tagged([row(0, text="味道变差了", customer="k0"), row(9, text="新来的")]))

    done = rescore(store, tagger, workers=1, report=meanwhile)
    assert done == Rescored(rows=4, before=0, now=3, changed=1)
    rows = {one["id"]: (one["text"], one["voc_bundle"]) for one in kept(store)}
    assert (rows["c0"], rows["c9"]) == (("味道变差了", "demo 1"), ("新来的", "demo 1"))
    assert rescore(store, tagger, workers=1) == Rescored(rows=5, before=3, now=2, changed=0)

    made = store.read(["id", "text", *VERDICT.names]).to_table()
    other.forget("k1")
    assert store.replace_tags(made) == 4
    assert [one["id"] for one in kept(store)] == ["c0", "c2", "c3", "c9"]
