"""Telling the encoding of a text file by its bytes."""

from pathlib import Path

import pytest

from vocnlp.errors import InputError
from vocnlp.tables import open_table

SIMPLIFIED = "编号,评论\n1,物业师傅上门很及时\n2,电梯又坏了，没人管！\n"
TRADITIONAL = "編號,評論\n1,櫃檯人員態度親切\n2,等了半小時還沒輪到，誇張！\n"
CANTONESE = "編號,評論\n1,職員好冇禮貌，嗰個經理仲衰\n2,送貨快咗好多，啲嘢好食\n"


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("text", "codec", "expected"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (SIMPLIFIED, "utf-16-le", "utf-16-le"),
        (SIMPLIFIED, "utf-16-be", "utf-16-be"),
        ("a,b\n1,2\n", "utf-16-le", "utf-16-le"),
        ("a,b\n1,2\n", "utf-16-be", "utf-16-be"),
        (SIMPLIFIED, "gb2312", "gb18030"),
        (TRADITIONAL, "gbk", "gb18030"),
        (SIMPLIFIED + "3,𠮷野家😀\n", "gb18030", "gb18030"),
        (TRADITIONAL, "big5", "cp950"),
        (CANTONESE, "big5hkscs", "big5hkscs"),
        ("评论\n好\n", "gbk", "gb18030"),
        ("評論\n很好\n", "big5", "cp950"),
        ("a,b\n1,x\0y\n", "utf-8", "utf-8"),
    ],
)
def test_names_the_encoding_and_reads_every_character(tmp_path: Path, text: str, codec: str, expected: str) -> None:
    source = open_table(written(tmp_path, text.encode(codec)))
    cells = [source.schema.names] + [list(row.values()) for batch in source.batches() for row in batch.to_pylist()]
    assert source.encoding == expected
    assert cells == [line.split(",") for line in text.splitlines()]


def test_utf16_big_endian_mark(tmp_path: Path) -> None:
    source = open_table(written(tmp_path, b"\xfe\xff" + SIMPLIFIED.encode("utf-16-be")))
    assert source.schema.names == ["编号", "评论"]


def test_chinese_far_below_an_ascii_head_decides(tmp_path: Path) -> None:
    head = "id,text\n" + "".join(f"{i},ok\n" for i in range(60_000))
    assert open_table(written(tmp_path, head.encode() + "9,騎手幫忙拎上五樓\n".encode("big5"))).encoding == "cp950"
    assert open_table(written(tmp_path, head.encode() + "9,骑手帮忙拎上五楼\n".encode("gbk"))).encoding == "gb18030"


def test_bad_byte_in_utf8_is_named_by_line_and_offset(tmp_path: Path) -> None:
    head = "编号,评论\n1,包装很结实\n2,".encode()
    with pytest.raises(InputError, match=rf"line 3, byte offset {len(head)}: the bytes FF E5 BF AB") as caught:
        open_table(written(tmp_path, head + b"\xff" + "快递放错柜子\n".encode()))
    assert caught.value.row == 3
    assert "UTF-8" in caught.value.hint


def test_utf8_cut_inside_its_last_character(tmp_path: Path) -> None:
    content = "评论\n洗得很干净".encode()[:-1]
    with pytest.raises(InputError, match=f"line 2, byte offset {len(content) - 2}"):
        open_table(written(tmp_path, content))


def test_bad_byte_beyond_the_first_megabyte(tmp_path: Path) -> None:
    content = "评论\n".encode() + "热水总是不够\n".encode() * 60_000
    with pytest.raises(InputError, match=f"line 60002, byte offset {len(content)}"):
        open_table(written(tmp_path, content + b"\xc3("))


def test_utf16_with_half_a_pair_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2, byte offset 8"):
        open_table(
            written(tmp_path, b"\xff\xfe" + "a\n好".encode("utf-16-le") + b"\x3d\xd8" + "x\n".encode("utf-16-le"))
        )


def test_bytes_of_no_known_encoding(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2"):
        open_table(written(tmp_path, b"a,b\n\x80\xff\x81 ,\xff\xff\n"))


def test_a_known_column_name_decides_where_the_bytes_fit_both(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_bytes("评论\nò\n".encode("gbk"))
    assert open_table(path).schema.names == ["评论"]
    path.write_bytes("評論\n好\n".encode("cp950"))
    assert open_table(path).schema.names == ["評論"]
