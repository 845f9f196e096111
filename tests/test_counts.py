"""The door of the analyses: what of a table cannot be used, and whose clock counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from tagged_shop import FRAME, row, tag, tagged

from vocnlp.counts import folded
from vocnlp.errors import CodeframeError, InputError

SHANGHAI = timezone(timedelta(hours=8))


def with_times(table: pa.Table, times: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index("at"), "at", times)


def test_a_time_with_a_zone_counts_by_the_clock_of_its_zone(tmp_path):
    late = datetime(2025, 2, 1, 0, 30, tzinfo=SHANGHAI)  # still January in UTC
    table = with_times(tagged([row(voc_sentiment="positive")]), pa.array([late], pa.timestamp("us", "Asia/Shanghai")))
    pq.write_table(table, tmp_path / "part.parquet")
    for source in (table, ds.dataset(tmp_path)):
        with folded(source, FRAME) as rows:
            assert rows.sentiments(["month"]) == [("2025-02", 1, 1, 0, 0)]
            assert rows.daily("code")[1] == {"": {date(2025, 2, 1): 1}}


def test_a_column_of_instants_in_utc_counts_by_utc():
    late = datetime(2025, 1, 31, 16, 30, tzinfo=UTC)
    table = with_times(tagged([row()]), pa.array([late], pa.timestamp("us", "UTC")))
    with folded(table, FRAME) as rows:
        assert rows.daily("code")[1] == {"": {date(2025, 1, 31): 1}}


def test_times_as_text_are_refused_because_their_zones_were_never_settled():
    table = with_times(tagged([row(), row()]), pa.array(["2025-02-01T00:30+08:00", "2025-01-31T16:30Z"]))
    with pytest.raises(InputError, match=r"column 'at': times must be timestamps, not string"), folded(table, FRAME):
        pass


@pytest.mark.parametrize("name", ["city", 'ci"ty'])
def test_a_column_that_is_not_there_is_named(name):
    with pytest.raises(InputError) as caught, folded(tagged([row()]), FRAME, also=[name]):
        pass
    assert caught.value.column == name


def test_a_dimension_that_was_not_folded_in_is_refused():
    with folded(tagged([row()]), FRAME) as rows, pytest.raises(InputError, match="'city': no such dimension"):
        rows.sizes("city")


def test_any_column_can_be_a_dimension_and_its_empty_cells_are_one_group():
    name = "店 '; drop table comment --"
    table = tagged([row(), row(), row(), row(voc_noise="empty", voc_sentiment=None)])
    table = table.append_column(name, pa.array(["东店", " 东店", "", "东店"]))
    with folded(table, FRAME, also=[name]) as rows:
        assert rows.sizes(name) == {"东店": 2, "(未填)": 1}


def test_a_code_that_nobody_knows_is_an_error_and_one_without_comments_is_not():
    with folded(tagged([row(voc_tags=[tag("怪码", "negative")])]), FRAME) as rows:
        assert rows.known(["怪码", "speed"]) == ["怪码", "speed"]
        with pytest.raises(CodeframeError, match="'sped'"):
            rows.known(["sped"])


def test_only_the_finest_codes_that_occur_are_taken():
    said = [[tag("speed", "negative")], [tag("logistics", "negative")], [tag("money", "positive")]]
    with folded(tagged([row(voc_tags=tags) for tags in said]), FRAME) as rows:
        assert rows.codes() == {"logistics": 2, "speed": 1, "money": 1}
        assert rows.known() == ["money", "speed"]
