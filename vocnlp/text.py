"""Chinese comments as they come: clauses with offsets into the raw text, normalisation, and noise.

Clauses are cut from the raw text first and normalised after, so that offsets stay true. Every rule is a small
callable ``str -> str`` that never adds or removes a line feed; that is why many clauses can be normalised in one
call, joined by line feeds, at the speed of C.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from .emoji_words import KAOMOJI_WORDS, word_of

# --- clauses -----------------------------------------------------------------------------------------------------

# A clause ends at sentence marks, line breaks and blanks beside Chinese. Not at 、 (外观、内饰都好 is one opinion),
# not at the point or comma inside a number, and not inside a Latin phrase.
_BREAK = re.compile(
    r"""[。！？!?；;…\n\r\v\f\x85\u2028\u2029～~│|]+
      | [，,](?!(?<=\d,)\d)
      | (?<![0-9A-Za-z])\.|\.(?![0-9A-Za-z])
      | (?<=[\u3400-\u9fff])[ \t\u3000]+ | (?<![ \t\u3000])[ \t\u3000]+(?=[\u3400-\u9fff])
    """,
    re.VERBOSE,
)
# A turn in the middle of an unpunctuated sentence (味道不错但是送得慢) starts a new clause. Not the 不过 of a verb
# (不过关, 不过时, 不过如此), nor the 可惜 of a judgement (真可惜).
_TURN = re.compile(
    r"""(?<=[^\s不非岂])但(?![凡愿願求])
      | (?<=[^\s很真太好挺最蛮怪点分為为得觉觉些么麼别是不])可惜(?![了啊呀吧！!]|$)
      | (?<=\S)然而
      | (?<=[^\s只])(?<!再.)(?<!再..)不(?:过|過)
        (?![来來去瘾癮滤濾问問户分于於]|[关關](?![键鍵于於注系係门門])|期(?![待间間望])|敏(?!感)
          |[时時](?![间間候常不])|硬(?![件度盘盤座])|如此|而已|了)
    """,
    re.VERBOSE,
)
_UNSEEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff"
# A picture at the end of some words ends the clause when more words follow it (味道很好😋服务差). Where a picture stands
# in the place of a word (我❤这家店), too few words go before it.
_FACES = (
    r"(?P<faces>(?<=[\u3400-\u9fff]{3})[\u2600-\u27bf\U0001f300-\U0001faff][\u2600-\u27bf\U0001f300-\U0001faff\ufe0f\u200d]*)"
    r"(?=[\u3400-\u9fff])"
)
_INK = re.compile(rf"[^\s{_UNSEEN}]")
# Marks inside an address (?, ;, ~) end nothing.
_ADDRESS = r"(?P<address>(?i:https?://|www\.)[!-~]*[0-9A-Za-z/])"
_SPLIT = re.compile(f"{_ADDRESS}|{_BREAK.pattern}|{_FACES}|(?={_TURN.pattern})", re.VERBOSE)


def clauses(text: str) -> list[tuple[int, int]]:
    """``(start, end)`` of every clause, in code points of ``text``; marks between clauses belong to none.

    A text with any visible character outside the marks has at least one clause.
    """
    found = []
    start = 0
    for mark in _SPLIT.finditer(text):
        if mark.lastgroup == "address":
            continue
        end = mark.end() if mark.lastgroup == "faces" else mark.start()  # a picture belongs to the words before it
        if _keep(text, start, end):
            found.append((start, end))
        start = mark.end()
    if _keep(text, start, len(text)):
        found.append((start, len(text)))
    return found


def _keep(text: str, start: int, end: int) -> bool:
    return start < end and _INK.search(text, start, end) is not None


# --- normalisation -----------------------------------------------------------------------------------------------


def no_surrogates(text: str) -> str:
    """Half of a surrogate pair is no character: U+FFFD takes its place."""
    return _SURROGATE.sub("\ufffd", text)


def no_invisibles(text: str) -> str:
    """Drop zero-width marks, directional overrides, variation selectors and control characters but the line feed."""
    return _INVISIBLE.sub("", text)


def emoji_to_words(text: str) -> str:
    """Emoji become the Chinese word for their mood or for the thing they show; pictures without a name are dropped."""
    if not _PICTURE.search(text):
        return text
    return _PICTURE.sub(lambda match: word_of(match[0][0]), text)


def kaomoji_to_words(text: str) -> str:
    """Faces drawn with punctuation become the Chinese word for their mood."""
    return _KAOMOJI.sub(lambda match: KAOMOJI_WORDS[match[0]], text)


def nfkc(text: str) -> str:
    """Full width to half width, compatibility forms to plain ones."""
    return unicodedata.normalize("NFKC", text)


def simplify(text: str) -> str:
    """Traditional to Simplified characters, by OpenCC."""
    converted: str = _opencc().convert(text)
    return converted


def lower(text: str) -> str:
    return text.lower()


def no_links(text: str) -> str:
    """Web and mail addresses become one word each: which address it was says nothing about the opinion."""
    return _MAIL.sub("邮箱", _LINK.sub("网址", text))


def short_runs(text: str) -> str:
    """At most three of one character in a row, two of a mark; at most three digits of a long number."""
    return _DIGITS.sub(r"\1", _MARKS.sub(r"\1\1", _RUN.sub(r"\1\1\1", text)))


_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_PICTURE = re.compile("[\u2049\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff](?:\u200d)?")
# A face of letters stands alone: TAT is none in STATION.
_KAOMOJI = re.compile(
    f"(?=[{re.escape(''.join(sorted({face[0] for face in KAOMOJI_WORDS})))}])(?:"  # most places are ruled out at once
    + "|".join(
        rf"(?<![0-9A-Za-z]){re.escape(face)}(?![0-9A-Za-z])"
        if face[-1].isalpha() and face.isascii()
        else re.escape(face)
        for face in sorted(KAOMOJI_WORDS, key=len, reverse=True)
    )
    + ")"
)
_LINK = re.compile(r"(?:https?://|www\.)[!-~]+", re.IGNORECASE)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[a-z0-9-]+\.[a-z0-9.-]+", re.IGNORECASE | re.ASCII)
_RUN = re.compile(r"([^\n\d])\1{3,}")
_MARKS = re.compile(r"([^\w\s])\1{2,}")
_DIGITS = re.compile(r"(\d{3})\d+")

#: In this order: faces before pictures (→_→ is drawn with some), pictures before invisibles (a joiner holds an emoji
#: together), NFKC before OpenCC and lower case.
RULES: tuple[Callable[[str], str], ...] = (
    no_surrogates,
    kaomoji_to_words,
    emoji_to_words,
    no_invisibles,
    nfkc,
    simplify,
    lower,
    no_links,
    short_runs,
)


@cache
def _opencc() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def normalise(text: str) -> str:
    """The text as models and rules read it: Simplified, lower case, half width, without noise. No offsets survive."""
    for rule in RULES:
        text = rule(text)
    return text


def normalise_all(texts: Sequence[str]) -> list[str]:
    """``[normalise(t) for t in texts]`` for texts without line feeds, in one pass over all of them."""
    if not texts:
        return []
    lines = normalise("\n".join(texts)).split("\n")
    # A line feed inside a text (or one that a rule makes, as NFKC could in a future Unicode) breaks the alignment.
    return lines if len(lines) == len(texts) else [normalise(text.replace("\n", " ")) for text in texts]


# --- noise -------------------------------------------------------------------------------------------------------

EMPTY, MARKS_ONLY, NO_OPINION, MASH, SPAM = "empty", "punctuation", "no_opinion", "mash", "spam"
NOISE_KINDS = (EMPTY, MARKS_ONLY, NO_OPINION, MASH, SPAM)

_NO_OPINION = re.compile(
    r"(?:(?:暂时?|目前|现在|我|真的?|也|啥|都|就|其他|其它|额外|特别)*"
    r"(?:无|没|没有?|木有|冇|不知道?|不清楚|不想说|不晓得|随便|略|同上|见上|null|none|nil|n/?a|no|nothing|无所谓)"
    r"(?:了|啦|的|呢|啊|吧|哦|呀)*){1,3}"
    r"(?:(?:什么|啥|任何|其他|其它|特别|更多)*的?(?:意见|建议|原因|想法|看法|反馈|评论|评价|补充|要说|想说|内容|要说的|想说的)(?:建议|意见)?)?"
    r"(?:了|啦|的|呢|啊|吧|哦|呀)*"
)
# What a shop puts where its customer wrote nothing; looked for without the marks between.
_PLACEHOLDER = re.compile(
    r"(?:(?:[此该本](?:用户|买家|顾客|会员|客户)|评价方)(?:没有?|未)(?:及时|按时)?(?:填写|作出|做出|发表|进行)?(?:任何|文字)?(?:评价|评论)(?:内容)?)?"
    r"(?:(?:系统|超时)(?:自动)?默认(?:好评|评价))?"
)
_KEY_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_KEY_RUN = re.compile(
    "|".join(
        {row[i : i + 4] for keys in _KEY_ROWS for row in (keys, keys[::-1]) for i in range(len(row) - 3)}
        - {"erty", "trew"}  # property, strewn
    )
)
_LATIN = re.compile(r"[a-z]+")
_NO_VOWEL = re.compile(r"[^aeiouy]{5,}|.*[^aeiouy]{7}.*")
# An account id holds a digit; "微信支付不了" and "qq email" are no adverts. Of a long number three digits are left.
_ACCOUNT = r"\W*[:：]?\W*(?=[a-z_-]*\d)[a-z0-9_-]{5,}"
_NUMBER = r"\W*[:：]?\W*\d{3}(?!\d|[a-z%年月天元块个次分楼米人])"
_ADDING = r"(?:加|\+|添加|联系|私)\W*(?:我|的)*\W*(?:vx|v信|微信|薇信|威信|wx|扣扣|qq|q群)+(?:群|号)?"
_SPAM = re.compile(
    rf"{_ADDING}(?:{_ACCOUNT}|{_NUMBER})|(?:加|私)我{_ACCOUNT}"
    rf"|(?<![的我])(?:vx|v信|微信号?|薇信|wx|qq群?|telegram){_ACCOUNT}"
    r"|兼职日结|日结工资|躺赚|代开发票|办证刻章|彩票内幕|网赚项目|点击链接领"
)
# Most comments of some length hold nothing that noise needs: an account, a keyboard run, an address, or only marks.
_SUSPECT = re.compile(
    r"[0-9A-Za-z_\uff10-\uff5a-]{5}|://|www\.|兼职|日结|躺赚|代开|办证|内幕|网赚|链接|兼職|日結|躺賺|代開|辦證|內幕|網賺|鏈接"
    r"|\A(?:[\W_]|(.)\1*\Z)"
)
_NOT_A_WORD, _IN_A_WORD = re.compile(r"[\W_]+"), re.compile(r"[^\W_]")
_HOST = re.compile(
    r"(?<![a-z0-9.-])(?:[a-z0-9-]+\.)+(?:com|cn|net|org|hk|tw|top|xyz|vip|info)(?![a-z0-9-])(?:[:/?#][!-~]*)?",
    re.IGNORECASE,
)
# What a spreadsheet would run: a call, a reference to a cell, another program. In quotation marks any words may stand.
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_AROUND = re.compile(r" {0,9}([,;=+*/^&<>|:()-]) {0,9}")
_LONGEST_FORMULA = 8192  # characters, Excel's own bound
_FORMULA = re.compile(
    r"=(?=[!-~]*(?:[a-z_][a-z0-9_.]{0,60}\(|[a-z0-9_]\||(?<![a-z0-9_])\$?[a-z]{1,3}\$?[0-9]{1,7}(?![a-z0-9_])))[!-~]+"
    r"|[+@-][a-z0-9_.]+\|[!-~]*![!-~]+",
    re.IGNORECASE,
)
_OPINION_BY_NUMBER = re.compile(r"6+|8{2,}|23{2,}|520|1314|99")
_LONGEST_NO_OPINION = 16
_ONE_SOUND = "啊额嗯哦呃的一口丶个了人"


def noise_kind(text: str) -> str | None:
    """Why ``text`` holds no opinion to read (one of ``NOISE_KINDS``), or None when it should be read."""
    if not _SUSPECT.search(text) and (len(text) > 40 or len(_NOT_A_WORD.sub("", text)) > _LONGEST_NO_OPINION):
        return None
    head = normalise(text[:400])
    words = _NOT_A_WORD.sub("", head)
    if not words:  # few longer texts begin so, and only of these the rest is looked at
        if len(text) > 400 and (_IN_A_WORD.search(text, 400) or _NOT_A_WORD.sub("", head := normalise(text))):
            return None
        return MARKS_ONLY if head.strip() else EMPTY
    if _SPAM.search(head):
        return SPAM
    bare = head.strip(" .,!?~…-_/\\，。！？、；：'\"“”()（）\t\n") or words
    if _says_nothing(bare, words) or _is_for_machines(text, head):
        return NO_OPINION
    return MASH if len(text) <= 400 and _is_mash(text, head, words) else None


def _says_nothing(bare: str, words: str) -> bool:
    short = len(bare) <= _LONGEST_NO_OPINION and _NO_OPINION.fullmatch(bare) is not None
    return short or _PLACEHOLDER.fullmatch(words) is not None


def _is_for_machines(text: str, head: str) -> bool:
    """Whether a text is nothing but addresses, or a formula: nobody says anything with it."""
    plain = nfkc(no_invisibles(text)).strip()
    short = len(plain) <= _LONGEST_FORMULA
    if (
        short
        and plain.startswith(("=", "+", "-", "@"))
        and _FORMULA.fullmatch(_AROUND.sub(r"\1", _QUOTED.sub("", plain)))
    ):
        return True
    addresses = "网址" in head or "邮箱" in head or _HOST.search(head) is not None
    return addresses and not _NOT_A_WORD.sub("", _HOST.sub("", _MAIL.sub("", _LINK.sub("", plain))))


def _is_mash(text: str, head: str, words: str) -> bool:
    if words.isdigit():
        return not _OPINION_BY_NUMBER.fullmatch(_NOT_A_WORD.sub("", nfkc(text)))
    if len(set(words)) == 1 and not words.isascii():
        return words[0] in _ONE_SOUND and text.count(words[0]) > 3
    if not words.isascii():
        return False
    tokens = _LATIN.findall(head)
    return words != "hhh" and (len(set(words)) == 1 or all(map(_is_mashed, tokens)))


def _is_mashed(token: str) -> bool:
    return bool(_KEY_RUN.search(token) or _NO_VOWEL.fullmatch(token))
