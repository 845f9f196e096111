"""The store: what is put can be read, once; what comes again replaces; earlier versions; texts masked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from tagged_shop import FRAME, row, shop, tag, tagged

from vocnlp.counts import folded
from vocnlp.errors import InputError, StoreError
from vocnlp.journey import figures
from vocnlp.records import TAGGED
from vocnlp.store import Put, Store
from vocnlp.store_rows import STORED

AT = datetime(2025, 3, 8, 20, 15)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "feedback", create=True)


def by_id(store: Store, **how: object) -> dict[str, str]:
    rows = store.read(["id", "text"], **how).to_table().to_pylist()
    assert len({one["id"] for one in rows}) == len(rows)
    return {one["id"]: one["text"] for one in rows}


def test_rows_come_out_as_they_went_in(store: Store) -> None:
    given = shop(60)
    assert store.put(given) == Put(rows=60, added=60, replaced=0, repeated=0, version=1)
    read = store.read()
    assert read.schema == TAGGED
    assert read.to_table().sort_by("at").equals(given.sort_by("at"))


def test_figures_of_a_store_are_those_of_the_table(store: Store) -> None:
    given = shop(120)
    store.put(given.slice(0, 50))
    store.put(given.slice(50))
    assert figures(store.read(), FRAME) == figures(given, FRAME)
    with folded(store.read(), FRAME) as ours, folded(given, FRAME) as theirs:
        assert sorted(ours.answers(("channel",))) == sorted(theirs.answers(("channel",)))


def test_duckdb_reads_it_as_a_dataset(store: Store) -> None:
    store.put(tagged([row(1, score=9.0, voc_tags=[tag("speed", "negative")]), row(2, score=3.0)]))
    feedback = store.read()
    query = "select id, score, len(voc_tags), voc_bundle from feedback order by id"
    assert duckdb.sql(query).fetchall() == [("c1", 9.0, 1, "demo 1"), ("c2", 3.0, 0, "demo 1")]
    assert feedback.count_rows() == 2


def test_rows_that_a_merge_wrote_can_be_filtered(store: Store) -> None:
    store.put(tagged([row(1, channel="门店"), row(2, channel="小程序")]))
    store.put(tagged([row(2, channel="电话"), row(3, channel="门店")]))
    feedback = store.read()
    query = "select id from feedback where channel = '门店' order by id"
    assert duckdb.sql(query).fetchall() == [("c1",), ("c3",)]
    assert feedback.to_table(["id"], filter=ds.field("channel") == "电话").to_pylist() == [{"id": "c2"}]
    store.compact()
    assert store.read().count_rows(filter=ds.field("channel") == "门店") == 2


def test_a_row_that_comes_again_replaces(store: Store) -> None:
    store.put(tagged([row(1, text="还没到货"), row(2, text="包装不错")]))
    again = store.put(tagged([row(2, text="包装破了一角"), row(3, text="色差有点大")]))
    assert again == Put(rows=2, added=1, replaced=1, repeated=0, version=2)
    assert by_id(store) == {"c1": "还没到货", "c2": "包装破了一角", "c3": "色差有点大"}


def test_a_store_that_was_written_by_another_is_looked_at_before_the_commit(tmp_path: Path, store: Store) -> None:
    other = Store.open(tmp_path / "feedback")
    store.put(tagged([row(1, text="甲说的")]))
    assert other.put(tagged([row(1, text="乙说的")])).replaced == 1
    assert store.put(tagged([row(1, text="甲又说"), row(2)])).replaced == 1
    assert by_id(other) == {"c1": "甲又说", "c2": None}


def test_of_one_id_in_one_delivery_the_last_row_stays(store: Store) -> None:
    put = store.put(tagged([row(1, text="一"), row(2, text="二"), row(1, text="三")]))
    assert (put, by_id(store)) == (Put(3, 2, 0, 1, 1), {"c1": "三", "c2": "二"})


def test_rows_without_an_id_get_one_of_their_content(store: Store) -> None:
    same = {"text": "好", "channel": "门店"}
    rows = tagged([row(0, id=None, **same), row(0, id="  ", **same), row(0, id=None, text="好", at=AT)])
    assert store.put(rows).added == 3
    first = by_id(store)
    assert all(name.startswith("made-") for name in first)
    assert sum(name.endswith("-2") for name in first) == 1
    assert store.put(rows) == Put(rows=3, added=0, replaced=3, repeated=0, version=2)
    assert by_id(store) == first
    assert store.put(rows, delivery="八月").added == 3


def test_a_stream_of_batches_is_joined_to_commits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vocnlp.store.COMMIT_ROWS", 40)
    heard: list[int] = []
    batches = iter(tagged([row(n) for n in range(100)]).to_batches(max_chunksize=7))
    put = store.put(batches, report=heard.append)
    assert (put.added, put.version, heard) == (100, 3, [40, 80, 100])
    assert len(by_id(store)) == 100


def test_texts_and_quotes_are_masked_and_offsets_stay_true(store: Store) -> None:
    text = "打13800138000没人接，客服态度差"
    marks = [tag("support", "negative", 1, "13800138000没人接"), tag("support", "negative", 16, "客服态度差")]
    store.put(tagged([row(1, text=text, voc_tags=marks)]))
    (kept,) = store.read().to_table().to_pylist()
    assert kept["text"] == "打电**********没人接，客服态度差"
    assert [one["quote"] for one in kept["voc_tags"]] == ["电**********没人接", "客服态度差"]
    assert [kept["text"][one["start"] : one["end"]] for one in kept["voc_tags"]] == ["电**********没人接", "客服态度差"]


def test_a_quote_that_is_not_at_its_place_is_masked_too(store: Store) -> None:
    store.put(tagged([row(1, text="没人接", voc_tags=[tag("support", "negative", 0, "电话13800138000没人接")])]))
    (kept,) = store.read().to_table().to_pylist()
    assert kept["voc_tags"][0]["quote"] == "电话电**********没人接"


def test_a_verbatim_store_keeps_the_words_and_says_so(tmp_path: Path) -> None:
    url = tmp_path / "raw"
    Store.open(url, create=True, verbatim=True).put(tagged([row(1, text="打13800138000没人接")]))
    assert by_id(Store.open(url)) == {"c1": "打13800138000没人接"}
    assert Store.open(url).info().verbatim
    with pytest.raises(StoreError, match="was created to hold texts as they came"):
        Store.open(url, verbatim=False)


def test_earlier_versions_can_be_read(store: Store) -> None:
    store.put(tagged([row(1, text="旧")]))
    between = datetime.now(UTC)
    store.put(tagged([row(1, text="新"), row(2, text="后来的")]))
    assert by_id(store, version=0) == {}
    assert by_id(store, version=1) == {"c1": "旧"}
    assert by_id(store, at=between) == {"c1": "旧"}
    assert by_id(store) == {"c1": "新", "c2": "后来的"}
    with pytest.raises(StoreError, match="there is no version 9") as told:
        store.read(version=9)
    assert told.value.hint == "versions: 0 to 2"
    with pytest.raises(StoreError, match="did not exist at"):
        store.read(at=between - timedelta(days=400))
    with pytest.raises(ValueError, match="time zone"):
        store.read(at=between.replace(tzinfo=None))


def test_the_time_of_writing_stands_beside_the_row(store: Store) -> None:
    begun = datetime.now(UTC)
    store.put(tagged([row(1)]))
    (written,) = store.read(["voc_written"]).to_table()["voc_written"].to_pylist()
    assert begun <= written <= datetime.now(UTC)


def test_times_are_kept_as_their_own_clock_showed_them(store: Store) -> None:
    eight = timezone(timedelta(hours=8))
    zoned = pa.array([AT.replace(tzinfo=eight)], pa.timestamp("ns", "Asia/Shanghai"))
    rows = tagged([row(1)])
    store.put(rows.set_column(rows.schema.get_field_index("at"), "at", zoned))
    assert store.read(["at"]).to_table().to_pylist() == [{"at": AT}]


def test_columns_of_the_export_stay_outside_and_missing_ones_are_empty(store: Store) -> None:
    rows = tagged([row(1, text="不错", stage="使用")]).drop_columns(["stage", "segment"])
    store.put(rows.append_column("收货地址", pa.array(["文化路"])))
    (kept,) = store.read().to_table().to_pylist()
    assert (kept["text"], kept["stage"], "收货地址" in kept) == ("不错", None, False)


def test_rows_that_are_not_tagged_are_refused(store: Store) -> None:
    rows = tagged([row(1, text="不错")])
    with pytest.raises(InputError, match="column 'voc_tags': the rows have no such column") as told:
        store.put(rows.drop_columns(["voc_tags"]))
    assert told.value.hint == "score the comments first: vocnlp score"
    with pytest.raises(InputError, match="column 'voc_tags': does not hold tags but string"):
        store.put(rows.set_column(rows.schema.get_field_index("voc_tags"), "voc_tags", pa.array(["[]"])))
    with pytest.raises(InputError, match="column 'score': does not hold float"):
        store.put(rows.set_column(2, "score", pa.array(["九分"])))
    with pytest.raises(InputError, match="column '口味': the store has no such column"):
        store.read(["口味"])
    assert by_id(store) == {}


def test_nothing_and_rows_without_tags_or_text(store: Store) -> None:
    assert store.put(tagged([])) == Put(0, 0, 0, 0, 0)
    store.put(tagged([row(1, text="", voc_tags=None), row(2, text=None, voc_sentiment=None)]))
    rows = store.read().to_table().sort_by("id").to_pylist()
    assert [(one["text"], one["voc_tags"]) for one in rows] == [("", None), (None, [])]


def test_info_and_history_say_what_is_there_and_what_was_done(store: Store) -> None:
    store.put(tagged([row(1), row(2, voc_bundle="demo 2")]))
    store.put(tagged([row(2), row(3)]))
    info = store.info()
    assert (info.version, info.rows, info.files, info.verbatim) == (2, 3, 1, False)
    assert (info.bundles, info.codeframes, info.scattered) == ({"demo 1": 3}, {"shop-test 0.3.0": 3}, False)
    assert [(one.version, one.what, one.rows) for one in store.history()] == [
        (2, "put", 2),
        (1, "put", 2),
        (0, "create table", None),
    ]
    assert [one.version for one in store.history(1)] == [2]


def test_only_the_time_of_writing_has_statistics_in_the_log(tmp_path: Path, store: Store) -> None:
    store.put(tagged([row(1, text="箱子压扁", customer="林女士", channel="小程序")]))
    store.put(tagged([row(1, text="箱子压扁了", customer="林女士", channel="小程序")]))
    log = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "feedback" / "_delta_log").glob("*.json"))
    assert [word for word in ("箱子", "林女士", "小程序", '"c1"', "demo 1") if word in log] == []
    assert STORED.names[-1] in log
