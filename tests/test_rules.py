"""Codes found by their keywords."""

from __future__ import annotations

import pytest

from vocnlp.codeframe import Code
from vocnlp.rules import Keywords
from vocnlp.text import normalise


def code(code_id: str, *keywords: str) -> Code:
    return Code(code_id, code_id, f"关于{code_id}", keywords=keywords)


CODES = [
    code("parking", "停车位", "停車場"),
    code("points", "积分"),
    code("membership", "会员积分", "会员"),
    code("app", "APP", "app闪退"),
    code("wifi", "ＷｉＦｉ", "wi-fi"),
    code("plain"),
    code("loyalty", "会员"),
]


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (["停车位太少"], [(0, "parking")]),
        (["停車場好大"], [(0, "parking")]),
        (["好吃", "停车位难找", "停车位还收费"], [(1, "parking"), (2, "parking")]),
        # keywords inside each other are all found; one keyword may belong to two codes
        (["会员积分过期了"], [(0, "membership"), (0, "loyalty"), (0, "points")]),
        (["积分没到账，积分查不了"], [(0, "points")]),
        # Latin keywords are words
        (["App总闪退"], [(0, "app")]),
        (["app闪退三次"], [(0, "app")]),
        (["用app2.0点单"], [(0, "app")]),
        (["i am happy with the apple"], []),
        (["whatsapp收不到"], []),
        (["wifi6很快", "Wi-Fi断线"], [(0, "wifi"), (1, "wifi")]),
        # a keyword does not reach from one clause into the next
        (["停车", "位"], []),
        (["", "积", "分", ""], []),
        (["", "积分", ""], [(1, "points")]),
        ([], []),
        ([""], []),
        (["服务周到"], []),
    ],
)
def test_keywords_find(clauses: list[str], expected: list[tuple[int, str]]) -> None:
    found = Keywords(CODES).find([normalise(clause) for clause in clauses])
    assert sorted(found) == sorted(expected)
    assert [clause for clause, _ in found] == sorted(clause for clause, _ in found)


def test_clauses_are_counted_in_code_points_not_bytes() -> None:
    assert Keywords(CODES).find(["𠮷𠮷𠮷", "é积分", "ab停车位"]) == [(1, "points"), (2, "parking")]


def test_codes_without_keywords_find_nothing() -> None:
    assert Keywords([]).find(["停车位"]) == []
    assert Keywords([code("plain"), code("blank", "\u200b")]).find(["停车位", ""]) == []


def test_a_keyword_over_two_lines_is_one_of_a_blank() -> None:
    assert Keywords([code("face", "face\nid")]).find(["face", "id", "face id失灵"]) == [(2, "face")]
