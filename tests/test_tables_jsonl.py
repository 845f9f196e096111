"""JSON Lines in and out: equal values, whatever they are."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from vocnlp.errors import InputError
from vocnlp.tables import open_table, write_table


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def passed_through(tmp_path: Path, *lines: str, size: int = 2) -> list[Any]:
    source = open_table(written(tmp_path, *lines))
    out = tmp_path / "out.jsonl"
    write_table(out, source.schema, source.batches(size))
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def test_plain_values_have_plain_types(tmp_path: Path) -> None:
    source = open_table(written(tmp_path, '{"id":1,"text":"前台热情","score":9,"vip":true}', '{"score":8.5,"at":null}'))
    assert source.schema == pa.schema(
        [("id", pa.int64()), ("text", pa.string()), ("score", pa.float64()), ("vip", pa.bool_()), ("at", pa.string())]
    )
    assert source.rows == 2
    assert [row for batch in source.batches() for row in batch.to_pylist()] == [
        {"id": 1, "text": "前台热情", "score": 9.0, "vip": True, "at": None},
        {"id": None, "text": None, "score": 8.5, "vip": None, "at": None},
    ]


def test_nested_mixed_and_big_values_come_out_equal(tmp_path: Path) -> None:
    records = [
        {"tags": [{"code": "speed", "start": 0}], "mixed": "好", "big": 2**70, "meta": {"a": None}},
        {"tags": [], "mixed": 5, "big": -1, "meta": {"b": [1, 2.5, "三"]}},
        {"tags": None, "mixed": True, "big": 9_007_199_254_740_993, "meta": {}},
        {"tags": ["x"], "mixed": 0.1, "big": 0, "meta": "text"},
    ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    assert passed_through(tmp_path, *lines) == records


def test_whole_numbers_beyond_a_float_are_not_rounded_beside_fractions(tmp_path: Path) -> None:
    records = [{"n": 9_007_199_254_740_993}, {"n": 0.5}]
    assert passed_through(tmp_path, *map(json.dumps, records)) == records


def test_a_key_that_first_comes_late_is_kept(tmp_path: Path) -> None:
    lines = ['{"text":"行"}'] * 1500 + ['{"text":"好","late":1}']
    records = passed_through(tmp_path, *lines)
    assert len(records) == 1501
    assert records[0] == {"text": "行", "late": None}
    assert records[-1] == {"text": "好", "late": 1}


def test_blank_lines_at_the_end_are_no_rows(tmp_path: Path) -> None:
    assert passed_through(tmp_path, '{"a":1}', "", "  ", "") == [{"a": 1}]


def test_line_separators_inside_a_text_do_not_end_the_line(tmp_path: Path) -> None:
    record = {"text": "一\u2028二\x85三\r\n四"}
    assert passed_through(tmp_path, json.dumps(record, ensure_ascii=False)) == [record]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops}", "line 2 is not JSON"),
        ("[1]", "line 2 is not an object"),
        ("", "row 2: a blank line"),
        ("[" * 99999, "line 2"),
    ],
)
def test_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_table(written(tmp_path, '{"a":1}', line, '{"a":2}'))
    assert caught.value.row == 2


def test_half_a_surrogate_pair_is_replaced_and_counted(tmp_path: Path) -> None:
    source = open_table(written(tmp_path, '{"t":"好\\ud83d吃","k":{"\\ud83d":"\\ude00"}}', '{"t":"\\ud83d\\ude00"}'))
    rows = [row for batch in source.batches() for row in batch.to_pylist()]
    assert [row["t"] for row in rows] == ["好\ufffd吃", "😀"]
    assert json.loads(rows[0]["k"]) == {"\ufffd": "\ufffd"}
    assert source.replaced == 2


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    batch = pa.record_batch({"x": [1.5, float("nan"), float("inf")], "y": [[float("nan")], [2.0], None]})
    write_table(out, batch.schema, [batch])
    assert out.read_text() == '{"x": 1.5, "y": [null]}\n{"x": null, "y": [2.0]}\n{"x": null, "y": null}\n'


def test_skip_and_size(tmp_path: Path) -> None:
    source = open_table(written(tmp_path, *(json.dumps({"n": n}) for n in range(10))))
    assert [batch.column("n").to_pylist() for batch in source.batches(4, 3)] == [[3, 4, 5, 6], [7, 8, 9]]
    assert source.position() == 1.0
