"""A file that is not what its name says, or not there at all, is named together with the next step."""

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from vocnlp.errors import InputError
from vocnlp.tables import open_table

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.fixture(scope="module")
def xlsx_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_row(0, 0, ["评论"])
    return path.read_bytes()


@pytest.fixture(scope="module")
def parquet_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("made") / "table.parquet"
    pq.write_table(pa.table({"评论": ["停车方便"] * 1000}), path)
    return path.read_bytes()


def refusal(path: Path, content: bytes | None = None) -> InputError:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_table(path)
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("a.xlsx", "评论,分数\n好,9\n".encode(), "seems, text", "rename it to a.csv"),
        ("a.xlsx", b'{"text":"x"}\n', "JSON text", "rename it to a.jsonl"),
        ("a.xlsx", b"<html><table></table></html>", "a web page", "save it as .xlsx"),
        ("a.xlsx", OLE, "an old Excel file", "save it as .xlsx"),
        ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "password-protected", "without a password"),
        ("a.xlsx", b"PK\x05\x06" + b"\0" * 18, "empty or damaged", "export it again"),
        ("a.xlsx", b"PK\x03\x04broken", "damaged", "export it again"),
        ("a.csv", OLE, "an old Excel file", "save it as .xlsx"),
        ("a.csv", gzip.compress(b"a,b\n", mtime=0), "a gzip archive", "export"),
        ("a.csv", b"%PDF-1.7", "a PDF document", "export"),
        ("a.parquet", b"a,b\n1,2\n", "not parquet", "rename"),
        ("a.parquet", b"PAR1 and no more", "the parquet file is damaged", "export it again"),
        ("a.csv", b"", "0 bytes", "export it again"),
        ("a.doc", b"x", "'.doc' is not one of .xlsx, .csv, .tsv, .txt, .jsonl, .ndjson, .parquet", ".csv"),
        ("a", b"x", "'(none)' is not one of", ".csv"),
    ],
)
def test_says_what_it_is_and_what_to_do(tmp_path: Path, name: str, content: bytes, message: str, hint: str) -> None:
    error = refusal(tmp_path / name, content)
    assert message in str(error)
    assert hint in error.hint


def test_encrypted_package_is_found_across_a_read_boundary(tmp_path: Path) -> None:
    content = OLE + b"\0" * ((1 << 20) - len(OLE) - 7) + "EncryptedPackage".encode("utf-16-le")
    assert "password" in str(refusal(tmp_path / "a.xlsx", content))


def test_workbook_or_parquet_under_another_name(tmp_path: Path, xlsx_bytes: bytes, parquet_bytes: bytes) -> None:
    assert refusal(tmp_path / "a.csv", xlsx_bytes).hint == "rename it to a.xlsx"
    assert refusal(tmp_path / "b.jsonl", parquet_bytes).hint == "rename it to b.parquet"
    assert refusal(tmp_path / "c.xlsx", parquet_bytes).hint == "rename it to c.parquet"


def test_cut_files_are_damaged(tmp_path: Path, xlsx_bytes: bytes, parquet_bytes: bytes) -> None:
    assert "damaged" in str(refusal(tmp_path / "a.xlsx", xlsx_bytes[:-200]))
    assert "damaged" in str(refusal(tmp_path / "a.parquet", parquet_bytes[:-20]))


def test_damage_inside_a_parquet_column_is_named_while_reading(tmp_path: Path, parquet_bytes: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_bytes[:4] + b"\xff" * 60 + parquet_bytes[64:])
    with pytest.raises(InputError, match="the parquet file is damaged"):
        list(open_table(path).batches())


def test_damage_inside_a_workbook_part_is_named(tmp_path: Path, xlsx_bytes: bytes) -> None:
    at = xlsx_bytes.index(b"xl/worksheets/sheet1.xml") + 40
    error = refusal(tmp_path / "a.xlsx", xlsx_bytes[:at] + b"\xff" * 20 + xlsx_bytes[at + 20 :])
    assert "damaged" in str(error)


def test_zip_that_is_no_workbook(tmp_path: Path) -> None:
    for name, member in (("a.xlsx", "word/document.xml"), ("b.xlsx", "xl/workbook.bin")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, "x")
    assert "no xlsx workbook" in str(refusal(tmp_path / "a.xlsx"))
    assert "binary workbook (.xlsb)" in str(refusal(tmp_path / "b.xlsx"))


def test_missing_file_and_directory(tmp_path: Path) -> None:
    assert "no such file" in str(refusal(tmp_path / "none.csv"))
    (tmp_path / "dir.csv").mkdir()
    assert "a directory" in str(refusal(tmp_path / "dir.csv"))


def test_sheet_of_a_file_without_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="a csv file has no sheets"):
        open_table(tmp_path / "a.csv", sheet="Sheet1")


def test_ending_is_read_regardless_of_case(tmp_path: Path) -> None:
    (tmp_path / "A.CSV").write_text("a\n1\n")
    assert open_table(tmp_path / "A.CSV").kind == "csv"
