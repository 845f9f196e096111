"""Finds personal data in raw feedback and masks it, character for character, so that evidence offsets stay true.

What goes: mainland, Taiwan, Hong Kong and Macau telephones, identity cards, passports and permits, bank cards, mail
addresses, number plates, order and tracking numbers, WeChat and QQ ids, addresses from the street on, names after a
word that announces one. Hotlines (400, 800, 95xxx, 10086) belong to companies and stay.

What a mask leaves: blanks, hyphens, brackets, the + of a country code, the @ and the dots of a mail address, and the
words 路 号 栋 单元 室 of an address. Every digit and letter goes, the last ones too. The first becomes a Chinese
character that says what stood there (电 telephone, 证 identity, 卡 bank card, 车 plate, 单 order), the others stars.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .privacy_numbers import PHONES, PROVEN, Reader
from .privacy_words import AFTER_NUMBERS, AFTER_PROVEN, BEFORE_NUMBERS

__all__ = ["KINDS", "Finding", "find", "mask", "mask_all", "mask_label"]

_MARKS = {
    **dict.fromkeys(("mobile", "landline", "tw_phone", "hk_phone", "mo_phone"), "电"),
    **dict.fromkeys(("resident_id", "tw_id", "hk_id", "passport"), "证"),
    "bank_card": "卡",
    "plate": "车",
    "order": "单",
    # These are known by what is left of them or by the word before them.
    **dict.fromkeys(("email", "account", "address", "name"), "*"),
}
KINDS = tuple(_MARKS)


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data of one of ``KINDS`` at ``text[start:end]``, in code points of the raw text."""

    kind: str
    start: int
    end: int


def find(text: str) -> tuple[Finding, ...]:
    """What is personal in a text, in order, without overlaps.

    The most certain reader comes first and leaves stars to the next. All read again until nothing is found: so a
    masked text holds nothing more to find.
    """
    if not _may_hold(text):
        return ()
    folded = fold(text)
    found: list[Finding] = []
    while new := _read(spoken_digits(folded)):
        found += new
        folded = _covered(folded, new)
    return tuple(sorted(found, key=lambda finding: finding.start))


def mask(text: str) -> str:
    """The text with its personal data covered: as many code points as before; a masked text stays as it is."""
    found = find(text)
    return _covered(text, found) if found else text


def mask_all(texts: Iterable[str]) -> list[str]:
    """``[mask(text) for text in texts]``."""
    return [mask(text) for text in texts]


def mask_label(text: str) -> str:
    """``mask`` for the name of a channel, a segment or a stage, but for addresses, which stay.

    Shops are named after their street and number; covered, two of them would become one group. A number that belongs to a
    person has no place in such a name, and goes.
    """
    found = [finding for finding in find(text) if finding.kind != "address"]
    return _covered(text, found) if found else text


# --- the first look --------------------------------------------------------------------------------------------------

# Three comments in four hold neither a digit, nor an @, nor a word that announces something, and are done.
_SIGN = re.compile("[0-9\uff10-\uff19@\uff20\u2460-\u2468\U0001d7ce-\U0001d7ff]")
_NUMERAL = "零〇一二三四五六七八九十百幺壹贰叁肆伍陆柒捌玖貳參陸"
# The first character alone rules out most places in one step of the search, which a list of words does not.
_WORD = re.compile(
    rf"[微薇威我姓名联聯收寄取预預入投车車扣企抖小快支加vVｖＶwWｗＷqQｑＱlLｌＬtTｔＴ(（\[ {_NUMERAL}](?:"
    r"(?<=[微薇威vVｖＶ])信|(?<=我)叫|(?<=姓)名|(?<=名)字|(?<=[联聯])[系繫絡络]人|(?<=[收寄取])件人|(?<=收)[货貨]人|(?<=[预預])[订訂]人"
    r"|(?<=入)住人|(?<=投)[诉訴]人|(?<=[车車])主|(?<=扣)扣|(?<=企)[鹅鵝]|(?<=抖)音|(?<=小)[红紅]|(?<=快)手|(?<=支)付|(?<=加)我?[vVｖＶ]"
    r"|(?<=[vVｖＶwWｗＷ])[xXｘＸ:：]|(?<=[qQｑＱ]) ?[qQｑＱ]"
    r"|(?<=[lL])[iI][nN][eE]|(?<=[wW])[eE](?:[cC][hH]|[iI][xX])|(?<=[tT])(?:[eE][lL]|[gG])"
    r"|(?<=[(（\[ ])[aA][tT][)）\] ]"
    rf"|(?<=[{_NUMERAL}])(?:[号號弄巷栋棟幢座组組]|(?:[ -]?[{_NUMERAL}]){{6}}))"
)
_SIX = re.compile("[0-9](?:[^0-9\u3400-\u9fff]{0,4}[0-9]){5}")


def _may_hold(text: str) -> bool:
    return _SIGN.search(text) is not None or _WORD.search(text) is not None


# --- folding ---------------------------------------------------------------------------------------------------------

_TRADITIONAL = (
    "號号電电話话證证單单樓楼區区縣县鄉乡鎮镇園园棟栋門门灣湾臺台訂订運运遞递編编碼码帳账賬账護护車车銀银機机聯联絡络繫系係系動动線线郵邮條条莊庄廈厦廣广場场層层東东"
    "龍龙粵粤滬沪遼辽魯鲁蘇苏贛赣晉晋陝陕閩闽貴贵寧宁瓊琼雲云國国級级個个萬万億亿塊块錢钱點点歲岁張张陳陈劉刘黃黄趙赵吳吴楊杨孫孙馬马羅罗鄭郑謝谢許许鄧邓馮冯蕭萧葉叶"
    "蔣蒋呂吕盧卢鍾钟範范陸陆龔龚衛卫請请這这們们給给離离為为貨货戶户組组隊队間间購购險险預预確确認认儲储賣卖債债資资籤签續续學学務务實实記记賴赖顧顾嚴严溫温韋韦畢毕"
    "聶聂齊齐塗涂關关紀纪項项遊游韓韩喬乔賀贺湯汤蘭兰顏颜鄒邹譚谭閻阎歐欧陽阳諸诸訴诉訊讯寶宝衖弄週周轉转體体過过裡里裏里紅红鵝鹅書书"
)
_TABLE = {ord(old): new for old, new in zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True)}
_TABLE |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_TABLE |= {ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
_TABLE |= {code + 0xFEE0: letter for code, letter in list(_TABLE.items()) if 0x61 <= code <= 0x7A}
_TABLE |= {0x245F + value: str(value) for value in range(1, 10)}
_TABLE |= {0x1D7CE + at: str(at % 10) for at in range(50)}
_TABLE |= {ord(dash): "-" for dash in "‐‑‒–—―−－﹣"} | {ord(dot): "·" for dot in "•・‧∙⋅"}
_TABLE |= {
    ord(blank): " "
    for blank in "\t\u00a0\u2002\u2003\u2009\u200a\u200b\u200c\u200d\u2060\u202f\u3000\ufeff\ufe0f\u20e3"
}


def fold(text: str) -> str:
    """Half width, capitals, Simplified, one hyphen and one blank; every code point stays in its place."""
    return text.translate(_TABLE)


_SPOKEN = str.maketrans("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖貳參陸", "001234567891123456789236")
# 一 in front of these begins another word: 8000一直没人接.
_HAN_DIGIT = "(?:[零〇二三四五六七八九幺壹贰叁肆伍陆柒捌玖貳參陸]|一(?![直个次下点起样共定旦般天周月年些路方句]))"
_SAID = re.compile(rf"(?:[0-9]|{_HAN_DIGIT})(?:[ -]?(?:[0-9]|{_HAN_DIGIT})){{6,29}}")
_IN_WORDS = re.compile(rf"{_HAN_DIGIT}(?:[ -]?{_HAN_DIGIT}){{2,29}}|(?<=[0-9]){_HAN_DIGIT}{{1,2}}(?=[0-9])")


def spoken_digits(folded: str) -> str:
    """Seven and more digits in a row, some in words (幺三八零零一三...), become digits; other words stay."""
    return _SAID.sub(lambda run: _IN_WORDS.sub(lambda words: words[0].translate(_SPOKEN), run[0]), folded)


# --- reading and covering --------------------------------------------------------------------------------------------


def _read(text: str) -> list[Finding]:
    found: list[Finding] = []
    long = _SIX.search(text) is not None
    for kind, reader in _readers(long):
        new = [Finding(kind, start, end) for start, end in reader(text)]
        if new:
            found += new
            text = _covered(text, new)
    return found


_ALL: tuple[tuple[str, Reader], ...] = (*BEFORE_NUMBERS, *PROVEN, *AFTER_PROVEN, *PHONES, *AFTER_NUMBERS)
_SHORT: tuple[tuple[str, Reader], ...] = (*BEFORE_NUMBERS, *AFTER_PROVEN, *AFTER_NUMBERS)


def _readers(long: bool) -> tuple[tuple[str, Reader], ...]:
    """Without six digits near each other there is no number of a card or a telephone."""
    return _ALL if long else _SHORT


_KEPT = re.compile(
    r"(?<=[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁\uff10-\uff19\uff21-\uff5a])"
    r"(?:[号號][楼樓院]?|[栋棟幢座室楼樓层層弄巷段组組户戶房]|[单單]元)"
    r"|(?:[路街道巷村]|胡同)(?=[0-9一二三四五六七八九十百\uff10-\uff19])"
)


def _covered(text: str, found: Sequence[Finding]) -> str:
    pieces, done = [], 0
    for finding in sorted(found, key=lambda one: one.start):
        pieces += [text[done : finding.start], _cover(finding.kind, text[finding.start : finding.end])]
        done = finding.end
    return "".join([*pieces, text[done:]])


def _cover(kind: str, piece: str) -> str:
    kept = {at for match in _KEPT.finditer(piece) for at in range(*match.span())} if kind == "address" else ()
    covered = ["*" if (c.isalnum() or c == "_") and at not in kept else c for at, c in enumerate(piece)]
    if "*" in covered:
        covered[covered.index("*")] = _MARKS[kind]
    return "".join(covered)
