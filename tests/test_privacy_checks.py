"""Check digits against sums that are written out beside them."""

from __future__ import annotations

import pytest

from vocnlp.privacy_numbers import is_hong_kong_id, is_luhn, is_old_resident_id, is_resident_id, is_taiwan_id


@pytest.mark.parametrize(
    ("number", "right"),
    [
        # The two examples of GB 11643-1999.
        # 7+9+0+5+0+20+2+9+24+27+7+18+30+5+0+0+4 = 167 = 15 x 11 + 2, and the third of 10X98765432 is X.
        ("11010519491231002X", True),
        # 28+36+0+25+16+16+2+8+48+0+0+9+0+5+0+0+2 = 195 = 17 x 11 + 8, and the ninth is 4.
        ("440524188001010014", True),
        ("440524188001010015", False),
        ("110105194912310021", False),
        # Right check characters (176 = 16 x 11 + 0 for the first), but no 13th month, no 30th of February, no province 10.
        ("110105194913310021", False),
        ("990105194902300024", False),
        ("100105194912310028", False),
    ],
)
def test_a_resident_id_has_a_province_a_birthday_and_the_check_character(number, right):
    assert is_resident_id(number) is right


@pytest.mark.parametrize(
    ("number", "right"),
    [("110105491231002", True), ("110105491331002", False), ("100105491231002", False), ("110105490230002", False)],
)
def test_an_old_resident_id_has_a_province_and_a_birthday(number, right):
    assert is_old_resident_id(number) is right


@pytest.mark.parametrize(
    ("digits", "right"),
    [
        # From the right, every second doubled, 9 off above 9: 3+2+7+(16-9=7)+9+6+7+4+9+(18-9=9)+7 = 70.
        ("79927398713", True),
        ("79927398710", False),
        ("4111111111111111", True),  # 8 + 7 x 1 + 7 x 2 + 1 = 30
        ("4111111111111112", False),
        ("6217000000000001234", True),  # from the right: 4 + 2x3 + 2 + 2x1, zeros, 2x7-9, 1, 2x2, 6: 30
    ],
)
def test_luhn(digits, right):
    assert is_luhn(digits) is right


@pytest.mark.parametrize(
    ("number", "right"),
    [
        # A = 10: 1x1+0x9+1x8+2x7+3x6+4x5+5x4+6x3+7x2+8x1+9x1 = 130.
        ("A123456789", True),
        ("A123456780", False),
        # F = 15: 1+45+2x8+0+0+0+0+0+0+0 = 62, so the last digit is 8.
        ("F200000008", True),
        ("F200000007", False),
    ],
)
def test_a_taiwan_id_is_a_multiple_of_ten(number, right):
    assert is_taiwan_id(number) is right


@pytest.mark.parametrize(
    ("letters", "digits", "check", "right"),
    [
        # 36x9 + 10x8 + 1x7+2x6+3x5+4x4+5x3+6x2 = 481, and 481 + 3 = 44 x 11.
        ("A", "123456", "3", True),
        ("A", "123456", "4", False),
        # 10x9 + 11x8 + 63+48+35+24+15+8 = 371, and 371 + 3 = 34 x 11.
        ("AB", "987654", "3", True),
        # 324 + 16x8 + 77 = 529, and 529 + 10 = 49 x 11: a remainder of ten is written A.
        ("G", "123456", "A", True),
        ("G", "123456", "0", False),
    ],
)
def test_a_hong_kong_id_is_a_multiple_of_eleven(letters, digits, check, right):
    assert is_hong_kong_id(letters, digits, check) is right
