"""What holds for any text: the length stays, a mask stays as it is, and a long text comes to an end."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocnlp.privacy import find, fold, mask

#: Pieces of personal data, of what stands around it, and of masks, so that chance puts together what looks like data.
PIECES = [
    "13800001357",
    "138",
    "0000",
    "1357",
    "-",
    "/",
    ".",
    "@",
    "qq.com",
    "a",
    "B",
    "SF",
    "YT",
    "订单号",
    "單號",
    "微信",
    "QQ",
    ":",
    "：",
    "北京",
    "市",
    "区",
    "路",
    "街",
    "88",
    "号",
    "號",
    "栋",
    "3",
    "单元",
    "室",
    "502",
    "幺三八",
    "零",
    "一",
    "二三四五六七",
    "我叫",
    "王小满",
    "张",
    "姓名",
    "京A",
    "·",
    "12345",
    "D",
    "护照",
    "E00001357",
    "+86",
    "010",
    "02",
    "09",
    "(",
    ")",
    "4",
    "电话",
    "身份证",
    "11010519491231002X",
    "6222020000000007773",
    "A123456789",
    "A123456(3)",
    "澳门",
    "香港",
    "元",
    "*",
    "小区",
    "花园",
    "巷",
    "电",
    "证",
    "卡",
    "车",
    "单",
    "O",
    "l",
    "转",
    "#",
    "ID",
    "车牌",
    ",",
    "１２",
    "加",
    "号楼",
    "大厦",
    "搵我",
    "还没",
    "_",
    "00",
]
COMMENTS = st.lists(st.sampled_from([*PIECES, " ", "\n"]), max_size=24).map("".join) | st.text(max_size=60)


@given(COMMENTS)
@settings(max_examples=200, deadline=None)
@example("我叫王我叫王我叫王")
@example("13800001357-13900002468-13700003579")
@example("\ud83d1380000\u200b1357")
def test_a_mask_keeps_the_length_and_stays_as_it_is(text):
    masked = mask(text)
    assert len(masked) == len(text) == len(fold(text))
    assert mask(masked) == masked
    assert find(masked) == ()


@given(COMMENTS)
@settings(max_examples=200, deadline=None)
def test_findings_are_ascending_apart_and_alone_masked(text):
    found, masked = find(text), mask(text)
    edges = [edge for finding in found for edge in (finding.start, finding.end)]
    assert edges == sorted(edges)
    assert all(finding.start < finding.end for finding in found)
    inside = {at for finding in found for at in range(finding.start, finding.end)}
    assert [c for at, c in enumerate(masked) if at not in inside] == [
        c for at, c in enumerate(text) if at not in inside
    ]
    assert not any(masked[at].isdecimal() or (masked[at].isascii() and masked[at].isalpha()) for at in inside)


@pytest.mark.parametrize("piece", ["1", "路", "号", "一", "电话", "a@", "1 ", "微信", "姓名"])
def test_a_megabyte_of_one_thing_holds_nothing(piece):
    text = piece * (1_000_000 // len(piece))
    same = mask(text) == text  # compared outside the assert: a picture of the difference would take for ever
    assert same


@pytest.mark.parametrize(
    ("piece", "masked"),
    [
        ("13800001357-", "电**********-"),
        ("我叫王小满，", "我叫***，"),
        ("青砚街12号，", "**街**号，"),
        ("a@example.com，", "*@*******.***，"),
    ],
)
def test_a_long_row_of_personal_data_is_masked_to_its_end(piece, masked):
    same = mask(piece * 20_000) == masked * 20_000
    assert same
