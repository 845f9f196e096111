"""Personal numbers: telephones, identity cards, bank cards, passports, of the mainland, Taiwan, Hong Kong and Macau.

Every reader takes folded text (see ``privacy.fold``: half width, capitals, Simplified, one kind of hyphen) and yields
``(start, end)``. A star is a character that was masked before. No pattern repeats without a bound, so that none can
run away on a long text. Sources: GB 11643-1999 (resident identity number), ISO/IEC 7812-1 (Luhn), the numbering plans
of MIIT, NCC, OFCA and CTT, and the check digits as the Taiwan and Hong Kong registries publish them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Reader: TypeAlias = Callable[[str], Iterator[Span]]

# --- check digits ----------------------------------------------------------------------------------------------------

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # A is 10, and so on in this order to 35
_PROVINCES = frozenset(
    (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
)


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = sum((2 * int(d) - 9 * (d > "4")) for d in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def is_resident_id(number: str) -> bool:
    """18 characters: a province, a day of birth, and the check character of GB 11643 (ISO 7064, MOD 11-2)."""
    if not (number[:17].isdigit() and _has_birthday(number[:2], number[6:14])):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, number, strict=False))
    return number[17] == "10X98765432"[total % 11]


def is_old_resident_id(number: str) -> bool:
    """15 digits, as issued until 1999: a province and a day of birth in the 20th century; there is no check digit."""
    return number.isdigit() and _has_birthday(number[:2], "19" + number[6:12])


def _has_birthday(province: str, day: str) -> bool:
    if int(province) not in _PROVINCES and province[0] != "9":  # 9: foreigners with a permanent residence card
        return False
    try:
        return 1880 <= date(int(day[:4]), int(day[4:6]), int(day[6:])).year <= 2100
    except ValueError:
        return False


def is_taiwan_id(number: str) -> bool:
    """A letter and nine digits (1, 2: citizens; 8, 9: residents) whose weighted sum is a multiple of ten."""
    letter = _TAIWAN_LETTERS.index(number[0]) + 10
    values = (letter // 10, letter % 10, *map(int, number[1:]))
    return sum(w * v for w, v in zip((1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), values, strict=True)) % 10 == 0


def is_hong_kong_id(letters: str, digits: str, check: str) -> bool:
    """One or two letters (A is 10; a missing first one counts as 36), six digits, a check digit of 0-9 or A."""
    values = [36] * (2 - len(letters)) + [ord(letter) - 55 for letter in letters] + [int(d) for d in digits]
    total = sum(w * v for w, v in zip(range(9, 1, -1), values, strict=True))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


# --- what stands around a number -------------------------------------------------------------------------------------

_FILL = r"(?:[ :#=是为系叫码号(]|NO\.?){0,6}"  # 系 is also 係, which is 是 in Cantonese
_HANDSET = (
    "(?:手机|电话|座机|固话|家电|TEL|PHONE|MOBILE|联系方式|致电|拨打?|打(?:俾我|畀我|给我|返)?|CALL我?|WHATSAPP|搵我)"
)
# A price or a count is no number of a person. Not 天, 人 or 年: a number may well stand before 天天 or 人家.
_END = r"(?![0-9*])(?!\.[0-9])(?! ?(?:[元块万亿件米克升%¥$℃]|[次个](?![次人])|公里|毫|分钟|小时|RMB|美元|港币|台币|新台币))"
# What is a telephone by its own form, or by the word before it, may well stand before 万一, 升级, 件件 or 分钟内.
_PRICE = r"(?![0-9*])(?!\.[0-9])(?! ?(?:[元%¥$℃]|RMB|美元|港币|台币|新台币))"
_THING = re.compile(
    r"(?:型号|货号|款号|条码|条形码|编码|批号|批次|SKU|ISBN|EAN|UPC|GTIN|IMEI|串号|序列号|版本|色号|税号|信用代码|备案|许可证|准字"
    r"|执照|机型|零件号|料号|MAC|SN|S/N|P/N)(?:号码|号|码|NO\.?)?[ :是为#.-]{0,4}\Z"
)


def names_a_thing(text: str, start: int) -> bool:
    """Whether the words before a number say that it counts or names a thing: a bar code, a serial number, a batch."""
    return _THING.search(text[max(0, start - 16) : start]) is not None


def _reader(pattern: str, check: Callable[[re.Match[str]], bool] | None = None, *, thing: bool = False) -> Reader:
    """All of ``pattern``, or its group ``it``; not what fails the check, nor, unless ``thing``, what names a thing."""
    compiled = re.compile(pattern)
    group = "it" if "it" in compiled.groupindex else 0

    def read(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            if (check is None or check(match)) and (thing or not names_a_thing(text, match.start(group))):
                yield match.span(group)

    return read


# --- numbers that prove themselves -----------------------------------------------------------------------------------

_RUN = re.compile(r"(?<![0-9A-Z*_.])[0-9]+(?:[ -][0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_ENDS = re.compile(rf"(?![A-Z]){_END}")
_ISSUERS = re.compile(r"62|60|4|5[0-5]|2[2-7]|3[4-7]|6[58]|9[0-9]{2}")


def _grouped(text: str, low: int, high: int, check: Callable[[str], bool]) -> Iterator[Span]:
    """Neighbouring groups of digits (1101 0119 ...), together ``low`` to ``high`` digits, that pass the check."""
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        at = 0
        while at < len(groups):
            digits, end, best = "", at, None
            while end < len(groups) and len(digits) + groups[end][1] - groups[end][0] <= high:
                digits += text[slice(*groups[end])]
                end += 1
                if len(digits) >= low and check(digits):
                    best = end
                if end - at > 1 and groups[end - 1][1] - groups[end - 1][0] < 3:
                    break  # cards are written in groups of three and more; only the last may be short
            if best is not None and _ENDS.match(text, groups[best - 1][1]):
                yield groups[at][0], groups[best - 1][1]
            at = best or at + 1


def _is_card(digits: str) -> bool:
    issued = _ISSUERS.match(digits) is not None and (len(digits) >= 16 or digits[:2] in ("34", "37"))
    return issued and len(set(digits)) > 2 and is_luhn(digits)


def _bank_cards(text: str) -> Iterator[Span]:
    return (span for span in _grouped(text, 13, 19, _is_card) if not names_a_thing(text, span[0]))


_told_card = _reader(
    rf"(?:(?:银行|储蓄|借记|信用|工资|银联|收款)卡|卡号|账号|账户|户口){_FILL}(?P<it>[1-9](?:[ -]?[0-9]){{12,18}}){_END}",
    lambda match: len(_digits(match["it"])) >= 15 or is_luhn(_digits(match["it"])),
)
_told_id = _reader(
    rf"身份证(?:号码|号|件)?{_FILL}(?P<it>[0-9](?:[ -]?[0-9]){{13,16}}[ -]?[0-9X]"
    r"|[0-9A-Z]{1,2}[0-9]{6,9}(?:\([0-9A]\))?)(?![0-9A-Z*])"
)
_whole_id = _reader(
    r"(?<![0-9A-Z*_.])[1-9](?:[ -]?[0-9]){16}[ -]?[0-9X](?![0-9A-Z*])",
    lambda match: is_resident_id(re.sub("[ -]", "", match[0])),
    thing=True,
)
_old_id = _reader(r"(?<![0-9A-Z*_.])[1-9][0-9]{14}(?![0-9A-Z*.-])", lambda match: is_old_resident_id(match[0]))
_taiwan_id = _reader(r"(?<![0-9A-Z*_-])[A-Z][1289][0-9]{8}(?![0-9A-Z*])", lambda match: is_taiwan_id(match[0]))
_hong_kong_id = _reader(
    r"(?<![0-9A-Z*_-])(?P<letters>[A-Z]{1,2})(?P<digits>[0-9]{6}) ?\((?P<check>[0-9A])\)",
    lambda match: is_hong_kong_id(match["letters"], match["digits"], match["check"]),
    thing=True,
)
_told_hong_kong_id = _reader(
    rf"(?<![A-Z])(?:HKID|香港身份证|身份证|ID CARD|ID){_FILL}"
    r"(?P<it>(?P<letters>[A-Z]{1,2})(?P<digits>[0-9]{6}) ?\(?(?P<check>[0-9A])\)?)(?![0-9A-Z*])",
    lambda match: is_hong_kong_id(match["letters"], match["digits"], match["check"]),
)


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


_DATE = re.compile(r"20[0-3][0-9](?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])")
_RANGE = re.compile(r"(?:[0-9]{2}(?:00|50|99|88)|(?:19|20)[0-9]{2})[ -](?:[0-9]{2}(?:00|50|99|88)|(?:19|20)[0-9]{2})")


def _counts(number: str) -> bool:
    """20240501 is a day; 2000-3000 are prices and 2019-2024 years."""
    return (_DATE.fullmatch(number) or _RANGE.fullmatch(number)) is not None


_passport = _reader(
    r"(?<![0-9A-Z*_-])(?:E[A-HJ-NP-Z][0-9]{7}|[EG][0-9]{8})(?![0-9A-Z*-])", lambda match: not _counts(match[0][1:])
)
_told_passport = _reader(
    r"(?:护照|通行证|回乡[证卡]|台胞证|入台证|签注|证件|PASSPORT|MTP)(?:[ :#=是为叫码号(]|NO\.?|本|的){0,6}"
    r"(?P<it>[A-Z]{0,2}[0-9]{7,10}(?:\([0-9A-Z]\)|[A-Z])?)(?![0-9A-Z*])",
    lambda match: not _counts(match["it"]),
)

# --- telephones ------------------------------------------------------------------------------------------------------

_NAMED = "(?<=TEL)|(?<=TEL-)|(?<=PHONE)|(?<=MOBILE)|(?<=CALL)|(?<=FAX)|(?<=VX)|(?<=WX)|(?<=QQ)|(?<=APP)"
_LEFT = r"(?<![0-9_])(?<![A-Z]-)(?<![0-9]\.)"  # letters: see _stands_alone
_LETTERS = re.compile(r"(?<![A-Z0-9_*./=&?-])[A-Z]{1,8}\Z")
_MORE = r"(?:(?: ?(?:转|分机|EXT\.?|#|_) ?|-)[0-9]{1,6}(?![0-9]))?"
_CHINA = r"(?:\(?(?:\+|00) ?86\)?|86)[ -]{0,2}"


def _stands_alone(match: re.Match[str]) -> bool:
    """False where letters before a mobile make it a part of something else: of a serial number, a link, a hash.

    Letters run into a number where a word of its own ends with them (ID13812345678, 电话a13812345678).
    """
    text, start = match.string, match.start()
    if re.match("[A-Z]", text[max(0, start - 1) : start]) is None or re.search(rf"(?:{_NAMED})\Z", text[:start]):
        return True
    letters = _LETTERS.search(text, max(0, start - 9), start)
    if letters is None or match[0][0] in "IL" or re.match("[A-Z]", text[match.end() : match.end() + 1]):
        return False
    return not names_a_thing(text, letters.start())


def _is_mobile(match: re.Match[str]) -> bool:
    body = match["body"]
    if not _stands_alone(match):
        return False
    sizes = [len(group) for group in re.findall("[0-9OIL]+", body)]
    if "." in body:  # 139.196.12.345 is the address of a machine
        return sizes in ([3, 4, 4], [3, 8])
    plain = sum(map(str.isdigit, body)) >= 7  # O for 0 and l for 1 are letters unless most of it is digits
    return plain and (len(sizes) == 11 or (len(sizes) <= 5 and sizes[0] >= 3))


_mobile = _reader(
    rf"{_LEFT}(?:{_CHINA})?(?P<body>[1IL][ .-]{{0,3}}[3-9](?:[ .-]{{0,3}}[0-9OIL]){{9}}){_MORE}{_PRICE}(?![A-Z][0-9])",
    _is_mobile,
)
_LINE = rf"(?:(?<![0-9A-Z_.])(?<![0-9A-Z]-)|{_NAMED})"
_landline = _reader(
    rf"{_LINE}(?:{_CHINA}\(?0?(?:10|2[0-9]|[3-9][0-9]{{2}})\)?[ -]{{0,3}}[2-8][0-9]{{2,3}}[ -]?[0-9]{{4}}"
    r"|\(?(?:010|02[0-9])\)?[ -]{0,3}[2-8][0-9]{3}[ -]?[0-9]{4}"
    r"|\(?0(?!80[09])[3-9][0-9]{2}\)?[ -]{0,3}[2-8][0-9]{2,3}[ -]?[0-9]{4}"
    rf"){_MORE}{_END}"
)
# Without an area code only the word before it makes 65123456 a telephone; 400 and 800 lines belong to companies.
_told_landline = _reader(
    rf"{_HANDSET}{_FILL}(?P<it>(?![48]00[ -])[2-8][0-9]{{2,3}}[ -]?[0-9]{{4}}{_MORE}){_PRICE}(?![A-Z])",
    lambda m: not _counts(m["it"]),
)
_taiwan_phone = _reader(
    rf"{_LINE}(?:\(?(?:\+|00)?886\)?[ -]{{0,2}}(?:\(0\))?0?(?:9(?:[ -]?[0-9]){{8}}|[2-8](?:[ -]?[0-9]){{7,8}})"
    r"|\(?09[0-9]{2}\)?[ -]?[0-9]{3}[ -]?[0-9]{3}|09[0-9][ -][0-9]{4}[ -][0-9]{3}"
    r"|(?:\(0[2-8][0-9]{0,2}\)|(?!080)0[2-8][0-9]{0,2}(?=[ -]))[ -]{0,2}[0-9]{3,4}[ -]?[0-9]{3,4}"
    rf"){_MORE}{_END}",
    lambda match: match[0][0] in "+8(" or 9 <= len(_digits(re.split("转|分机|EXT|#", match[0])[0])) <= 10,
)
_told_taiwan_phone = _reader(
    rf"{_HANDSET}{_FILL}(?P<it>0[2-8][0-9]{{7,8}}{_MORE}){_PRICE}", lambda m: m["it"][:3] != "080"
)
_PACIFIC = r"{left}(?P<it>\(?(?:\+|00)?{code}\)?[ -]{{0,2}}{first}[0-9]{{3}}[ -]?[0-9]{{4}}){end}"
_hong_kong_phone = _reader(_PACIFIC.format(left=_LINE, code="852", first="[2-9]", end=_END))
_macau_phone = _reader(_PACIFIC.format(left=_LINE, code="853", first="[268]", end=_END))
_LOCAL = r"[2-9][0-9]{{3}}[ -]?[0-9]{{4}}{end}(?![A-Z-])"
_told_macau_phone = _reader(rf"澳门[^0-9*\n]{{0,12}}(?P<it>[268][0-9]{{3}}[ -]?[0-9]{{4}}{_END})(?![A-Z-])")
_told_hong_kong_phone = _reader(
    rf"(?:(?!座机|固话|家电){_HANDSET}{_FILL}|香港[^0-9*\n]{{0,8}}[电号联][^0-9*\n]{{0,6}})"
    rf"(?P<it>(?![48]00[ -]){_LOCAL.format(end=_PRICE)})",
    lambda match: (
        not _counts(match["it"]) and (match["it"][0] in "569" or "香港" in match[0] or not match["it"].isdigit())
    ),
)
_asked_hong_kong_phone = _reader(
    rf"{_LINE}(?P<it>{_LOCAL.format(end=_END)})(?=.?.?(?:搵我|打俾我|打畀我|CALL我|覆我|联络我|WHATSAPP))",
    lambda match: not _counts(match["it"]),
)

#: The most certain first: what one has found is stars for those after it.
PROVEN: tuple[tuple[str, Reader], ...] = (
    ("resident_id", _whole_id),
    ("tw_id", _taiwan_id),
    ("hk_id", _hong_kong_id),
    ("hk_id", _told_hong_kong_id),
    ("bank_card", _bank_cards),
    ("bank_card", _told_card),
    ("resident_id", _told_id),
    ("resident_id", _old_id),
    ("passport", _told_passport),
    ("passport", _passport),
)
PHONES: tuple[tuple[str, Reader], ...] = (
    ("mobile", _mobile),
    ("landline", _landline),
    ("mo_phone", _macau_phone),
    ("hk_phone", _hong_kong_phone),
    ("tw_phone", _taiwan_phone),
    ("tw_phone", _told_taiwan_phone),
    ("mo_phone", _told_macau_phone),
    ("hk_phone", _told_hong_kong_phone),
    ("hk_phone", _asked_hong_kong_phone),
    ("landline", _told_landline),
)
