"""write_table: csv guarded against formula injection, encodings kept, nested cells, parquet, failures named."""

import csv
import io
import os
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vocnlp.errors import InputError, OutputError
from vocnlp.tables import open_table, write_table


def csv_of(path: Path, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))


def table_of(**columns: list[object]) -> pa.RecordBatch:
    return pa.record_batch(columns)


def test_formula_cells_get_an_apostrophe_and_are_counted(tmp_path: Path) -> None:
    risky = [
        "=1+1",
        "+86电话",
        "-很差",
        "@店长",
        "\t=1",
        "\r=1",
        "\n=1",
        "＝1",
        "＋1加",
        "－差",
        "＠我",
        "-5%",
        "+",
        "-1e",
    ]
    safe = ["-5", "+3.2", "-1e5", "-.5", "+7.", "很好=1", "", "'=1", "1-2"]
    out = tmp_path / "out.csv"
    batch = table_of(t=[*risky, *safe, None], n=[-1] * (len(risky) + len(safe) + 1))
    report = write_table(out, batch.schema, [batch])
    assert [row[0] for row in csv_of(out)] == ["t", *["'" + cell for cell in risky], *safe, ""]
    assert {row[1] for row in csv_of(out)[1:]} == {"-1"}
    assert (report.rows, report.guarded) == (len(risky) + len(safe) + 1, len(risky))


def test_header_cells_are_guarded_too(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    report = write_table(out, pa.schema([("=cmd|x", pa.string()), ("b", pa.string())]), [])
    assert (csv_of(out), report.guarded, report.rows) == ([["'=cmd|x", "b"]], 1, 0)


def test_verbatim_writes_cells_unchanged(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    batch = table_of(t=["=1+1", "@店长"])
    assert write_table(out, batch.schema, [batch], verbatim=True).guarded == 0
    assert csv_of(out) == [["t"], ["=1+1"], ["@店长"]]


@pytest.mark.parametrize(
    ("codec", "delimiter", "written"),
    [
        ("utf-8", ",", "utf-8"),
        ("utf-8-sig", ";", "utf-8-sig"),
        ("gbk", "，", "gb18030"),
        ("big5", "|", "utf-8-sig"),
        ("utf-16", "\t", "utf-16"),
        ("utf-16-be", ",", "utf-16"),
    ],
)
def test_csv_keeps_delimiter_and_encoding_of_its_source(
    tmp_path: Path, codec: str, delimiter: str, written: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(f"id{delimiter}text\n1{delimiter}很好用\n2{delimiter}包裝太大\n".encode(codec))
    source = open_table(path)
    out = tmp_path / "out.csv"
    write_table(out, source.schema, source.batches(), like=source)
    assert csv_of(out, written, delimiter) == [["id", "text"], ["1", "很好用"], ["2", "包裝太大"]]
    assert out.read_bytes().startswith(b"\xef\xbb\xbf") is (written == "utf-8-sig")


def test_gb18030_holds_what_gbk_did_not(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("id,评论\n1,好评\n".encode("gbk"))
    out = tmp_path / "out.csv"
    batch = table_of(t=["😀한국어", "é"])
    write_table(out, batch.schema, [batch], like=open_table(path))
    assert csv_of(out, "gb18030") == [["t"], ["😀한국어"], ["é"]]


def test_without_a_csv_source_excel_is_told_that_it_is_utf8(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write_table(out, pa.schema([("评论", pa.string())]), [])
    assert out.read_bytes() == '\ufeff"评论"\r\n'.encode()


def test_tsv_is_divided_by_tabs_whatever_the_source_had(tmp_path: Path) -> None:
    source_path = tmp_path / "in.csv"
    source_path.write_text("a,b\n1,2\n")
    source = open_table(source_path)
    out = tmp_path / "out.tsv"
    write_table(out, source.schema, source.batches(), like=source)
    assert out.read_bytes() == b"a\tb\r\n1\t2\r\n"


def test_typed_cells_in_csv_read_like_a_sheet(tmp_path: Path) -> None:
    tags = pa.array([[{"code": "speed", "confidence": 0.9, "quote": "太慢"}]], pa.list_(pa.struct(
        [("code", pa.string()), ("confidence", pa.float32()), ("quote", pa.string())])))  # fmt: skip
    columns = {
        "float": pa.array([5.0]),
        "single": pa.array([0.9], pa.float32()),
        "nan": pa.array([float("nan")]),
        "bool": pa.array([True]),
        "at": pa.array([datetime(2026, 6, 1, 8, 3)], pa.timestamp("us")),
        "fine": pa.array([datetime(2026, 6, 1, 8, 3, 1, 250000)], pa.timestamp("ms")),
        "zoned": pa.array([datetime(2026, 6, 1)], pa.timestamp("s", "Asia/Shanghai")),
        "day": pa.array([date(2026, 6, 1)]),
        "money": pa.array([Decimal("12.50")]),
        "dict": pa.array(["门店"]).dictionary_encode(),
        "view": pa.array(["=1"], pa.string_view()),
        "tags": tags,
        "null": pa.nulls(1),
    }
    batch = pa.record_batch(columns)
    out = tmp_path / "out.csv"
    write_table(out, batch.schema, [batch])
    assert dict(zip(*csv_of(out), strict=True)) == {
        "float": "5",
        "single": "0.9",
        "nan": "",
        "bool": "true",
        "at": "2026-06-01 08:03:00",
        "fine": "2026-06-01 08:03:01.250",
        "zoned": "2026-06-01 08:00:00+0800",
        "day": "2026-06-01",
        "money": "12.50",
        "dict": "门店",
        "view": "'=1",
        "tags": '[{"code": "speed", "confidence": 0.9, "quote": "太慢"}]',
        "null": "",
    }


def test_typed_cells_in_jsonl(tmp_path: Path) -> None:
    batch = pa.record_batch(
        {
            "at": pa.array([datetime(2026, 6, 1, 8, 3)], pa.timestamp("us")),
            "day": pa.array([date(2026, 6, 1)]),
            "p": pa.array([[0.1]], pa.list_(pa.float32())),
            "t": pa.array(["一\u2028二"]),
        }
    )
    out = tmp_path / "out.jsonl"
    write_table(out, batch.schema, [batch])
    expected = '{"at": "2026-06-01T08:03:00", "day": "2026-06-01", "p": [0.1], "t": "一\\u2028二"}\n'
    assert out.read_text(encoding="utf-8") == expected


def test_json_texts_in_csv_show_lone_strings_bare(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"v":"=好"}\n{"v":5}\n{"v":{"a":"甲"}}\n', encoding="utf-8")
    source = open_table(path)
    out = tmp_path / "out.csv"
    assert write_table(out, source.schema, source.batches()).guarded == 1
    assert csv_of(out) == [["v"], ["'=好"], ["5"], ['{"a": "甲"}']]


def test_parquet_passes_every_type_and_gathers_small_batches(tmp_path: Path) -> None:
    batch = pa.record_batch({"n": pa.array([1, 2], pa.uint8()), "tags": pa.array([[{"a": "甲"}], None])})
    out = tmp_path / "out.parquet"
    report = write_table(out, batch.schema, [batch] * 50)
    source = open_table(out)
    assert report.rows == source.rows == 100
    assert pq.ParquetFile(out).metadata.num_row_groups == 1
    assert source.schema == batch.schema
    assert [row for part in source.batches(7) for row in part.to_pylist()] == batch.to_pylist() * 50
    assert source.position() == 1.0


def test_parquet_skip_crosses_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table({"n": list(range(100))}), path, row_group_size=30)
    for skip in (0, 29, 30, 31, 99, 100, 101):
        parts = list(open_table(path).batches(8, skip))
        assert [n for part in parts for n in part.column("n").to_pylist()] == list(range(skip, 100))


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_missing_folder_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="the folder does not exist"):
        write_table(tmp_path / "none" / name, pa.schema([("a", pa.string())]), [])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_full_disk_is_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"full{ending}"
    path.symlink_to("/dev/full")
    batch = table_of(t=[os.urandom(20_000).hex() for _ in range(100)])
    with pytest.raises(OutputError, match="the disk is full"):
        write_table(path, batch.schema, [batch])


def test_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write a table as '\.doc'"):
        write_table(tmp_path / "out.doc", pa.schema([]), [])


def test_errors_of_the_rows_pass_through(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a,b\n1,2\n1,2,3\n")
    source = open_table(path)
    with pytest.raises(InputError, match="row 2"):
        write_table(tmp_path / "out.csv", source.schema, source.batches(1))

    def failing() -> Iterator[pa.RecordBatch]:
        raise OSError(5, "the input's disk failed")
        yield

    with pytest.raises(OSError, match="the input's disk failed"):
        write_table(tmp_path / "out.csv", source.schema, failing())


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", '"', "\r", "\n", "\r\n", ",", ";", "\t", "，", "\0", "=1", "' ", "\ufeff", "\u2028", '",\n"', "\x1a"]
)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), width=st.integers(1, 3), codec=st.sampled_from(["utf-8", "gbk", "utf-16"]))
def test_any_text_written_and_read_again_is_the_same(
    tmp_path: Path, data: st.DataObject, width: int, codec: str
) -> None:
    rows = data.draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=8))
    like_path, out = tmp_path / "like.csv", tmp_path / "out.csv"
    like_path.write_bytes("编号,评论\n1,好\n2,差\n".encode(codec))
    like = open_table(like_path)
    schema = pa.schema([(name, pa.string()) for name in ["评论", "score", "门店"][:width]])
    batches = [pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)]
    write_table(out, schema, batches, like=like, verbatim=True)
    source = open_table(out)
    assert source.schema == schema
    assert [list(row.values()) for batch in source.batches(3) for row in batch.to_pylist()] == rows
