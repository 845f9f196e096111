"""The language of a rule's ``when``: terms, synonyms, near, affirmed, whole, regex, and/or/not. Text in, tree out.

    either  = both { "or" both }             or: or 或
    both    = single { "and" single }        and: and 且
    single  = [ "not" ] beside               not: not 非
    beside  = item { "near/N" item }
    item    = term | @synonym | affirmed(…) | negated(…) | whole:"…" | re:/…/ | "(" either ")"
    term    = a word without blanks, or a phrase in quotation marks

docs/rules.md says what each of them means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import CodeframeError
from .rule_tree import (
    AFFIRMED,
    ANY,
    NEGATED,
    Absent,
    Both,
    Either,
    Expression,
    Near,
    Regex,
    Spans,
    Terms,
    Whole,
    anchors,
)
from .text import clauses, emoji_to_words, normalise, simplify

LONGEST, LONGEST_REGEX, DEEPEST, FARTHEST = 2000, 200, 30, 50
_OPERATORS = {"and": "and", "且": "and", "or": "or", "或": "or", "not": "not", "非": "not"}
_QUOTED = r"\"[^\"]*\" | “[^”]*” | 「[^」]*」 | 『[^』]*』"
_TOKEN = re.compile(
    rf"""(?P<whole>whole:\s*(?:{_QUOTED}))
      | re:/(?P<regex>(?:\\.|[^/\\])*)/
      | near/(?P<near>[0-9]+)(?![^\s()（）])
      | (?P<quoted>{_QUOTED})
      | (?P<open>[(（]) | (?P<close>[)）])
      | @(?P<synonym>[^\s()（）@"“”「」『』]+)
      | (?P<word>[^\s()（）@"“”「」『』]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BLANK = re.compile(r"\s*")
_NOT_A_WORD = re.compile(r"[\W_]+")
_ITEM = 'a term, a "phrase", @synonym, whole:"…", affirmed(…), negated(…) or ('


def parse(text: str, *, synonyms: Mapping[str, tuple[str, ...]] | None = None, allow_regex: bool = False) -> Expression:
    """The tree of an expression. CodeframeError says at which character (from 1) what was expected.

    ``synonyms`` are what ``@name`` may name; ``re:/…/`` is refused unless ``allow_regex``. Refused, too, is what would
    hold without any term found, such as ``not 慢``.
    """
    if len(text) > LONGEST:
        raise CodeframeError(f"has {len(text):,} characters, more than {LONGEST:,}", hint="make two rules of it")
    tree = _Reader(text, synonyms or {}, allow_regex).whole()
    if anchors(tree) is None:
        told = "would hold without any of its terms being found, so for nearly every comment"
        raise CodeframeError(told, hint="join it by and with a term that has to be there")
    return tree


def bare(text: str) -> str:
    """A normalised text without marks and blanks: what ``whole`` compares."""
    return _NOT_A_WORD.sub("", text)


def term(said: str) -> str:
    """A term as clauses are read; CodeframeError where no clause can ever hold it."""
    said = said.replace("\n", " ").strip()
    word = normalise(said).strip()
    if not word:
        raise CodeframeError(f"the term {said!r} holds nothing to look for", hint="give a word")
    if clauses(said) != [(0, len(said))]:
        told = f"the term {said!r} holds a place where comments are cut into clauses, so it is never found"
        raise CodeframeError(told, hint="make two terms of it, joined by near/5, in a rule with scope: comment")
    return word


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str, synonyms: Mapping[str, tuple[str, ...]], allow_regex: bool) -> None:
        self._tokens = _tokens(text)
        self._next, self._depth = 0, 0
        self._synonyms, self._allow_regex = synonyms, allow_regex

    def whole(self) -> Expression:
        tree = self._either()
        if self._peek.kind != "end":
            raise self._unexpected(
                "and, or, near/N or the end", hint="put a phrase of several words in quotation marks"
            )
        return tree

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _unexpected(self, expected: str, *, hint: str = "") -> CodeframeError:
        token = self._peek
        found = "the end" if token.kind == "end" else repr(token.text)
        return _misread(token.at, f"expected {expected}, found {found}", hint=hint)

    def _either(self) -> Expression:
        return _either(self._chain("or", self._both))

    def _both(self) -> Expression:
        parts = self._chain("and", self._single)
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _chain(self, operator: str, part: Callable[[], Expression]) -> list[Expression]:
        parts = [part()]
        while self._peek.kind == operator:
            self._take()
            parts.append(part())
        return parts

    def _single(self) -> Expression:
        if self._peek.kind != "not":
            return self._beside()
        self._take()
        return Absent(self._beside())

    def _beside(self) -> Expression:
        at = self._peek.at
        tree = self._item()
        while self._peek.kind == "near":
            operator = self._take()
            if (within := int(operator.text)) > FARTHEST:
                raise _misread(
                    operator.at, f"near/{within}: at most near/{FARTHEST}", hint="use and for the whole text"
                )
            right = self._peek.at
            tree = Near(_placed(tree, at), _placed(self._item(), right), within)
        return tree

    def _item(self) -> Expression:
        token = self._peek
        if token.kind == "open":
            return self._bracket()
        if token.kind in ("affirmed", "negated"):
            self._take()
            inner = self._bracket()
            if not isinstance(inner, Terms) or inner.state != ANY:
                told = f"{token.kind}(…) takes terms and @synonyms joined by or"
                raise _misread(token.at, told, hint=f"write {token.kind}(a) near/3 {token.kind}(b), or and, or not")
            return Terms(inner.words, token.kind)
        if token.kind not in ("term", "synonym", "whole", "regex"):
            raise self._unexpected(_ITEM, hint="to look for the words and, or, not themselves, quote them")
        self._take()
        try:
            return self._leaf(token)
        except CodeframeError as error:
            raise _misread(token.at, error.message, hint=error.hint) from None

    def _bracket(self) -> Expression:
        if self._peek.kind != "open":
            raise self._unexpected("(")
        self._depth += 1
        if self._depth > DEEPEST:
            raise _misread(
                self._peek.at, f"more than {DEEPEST} brackets inside each other", hint="make two rules of it"
            )
        self._take()
        tree = self._either()
        if self._peek.kind != "close":
            raise self._unexpected("and, or, near/N or )")
        self._take()
        self._depth -= 1
        return tree

    def _leaf(self, token: _Token) -> Expression:
        if token.kind == "term":
            return Terms((term(token.text),))
        if token.kind == "synonym":
            if token.text not in self._synonyms:
                known = ", ".join(f"@{name}" for name in self._synonyms) or "none"
                raise CodeframeError(f"@{token.text} is not among the frame's synonyms", hint=f"synonyms here: {known}")
            return Terms(tuple(dict.fromkeys(term(word) for word in self._synonyms[token.text])))
        if token.kind == "whole":
            if not (text := bare(normalise(token.text.replace("\n", " ")))):
                raise CodeframeError("whole: of no words is no comment", hint="give the words of the comment")
            return Whole(text)
        if not self._allow_regex:
            hint = "write allow_regex: true at the top of the frame, or use terms"
            raise CodeframeError("regular expressions are switched off in this frame", hint=hint)
        return Regex(_checked(token.text))


def _either(parts: list[Expression]) -> Expression:
    """Terms of one state joined by or become one leaf."""
    if len(parts) == 1:
        return parts[0]
    terms = [part for part in parts if isinstance(part, Terms)]
    if len(terms) == len(parts) and len({one.state for one in terms}) == 1:
        return Terms(tuple(dict.fromkeys(word for one in terms for word in one.words)), terms[0].state)
    return Either(tuple(parts))


def _placed(tree: Expression, at: int) -> Spans:
    if isinstance(tree, Terms | Near):
        return tree
    if isinstance(tree, Either):
        return Either(tuple(_placed(part, at) for part in tree.parts))
    raise _misread(at, "near/N stands between terms, and brackets of terms joined by or", hint="use and here")


def _checked(pattern: str) -> str:
    """A pattern of RE2, whose matching takes time in proportion to the text: no look-around, no back references."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(pattern) > LONGEST_REGEX:
        told = f"a regular expression of {len(pattern)} characters; at most {LONGEST_REGEX}"
        raise CodeframeError(told, hint="make two of it, or use synonyms")
    if (word := emoji_to_words(pattern)) != pattern:
        told = f"a picture in the pattern {pattern!r} is never found: comments are read with emoji as words"
        raise CodeframeError(told, hint=f"write the words: {word.strip()}")
    ready = f"(?i){simplify(pattern)}"
    try:
        empty = pc.match_substring_regex(pa.array([""]), ready)[0].as_py()
    except pa.ArrowInvalid as error:
        hint = "the syntax is RE2's: no look-around and no back references"
        raise CodeframeError(
            f"{error}".splitlines()[0].replace("Invalid r", "r").replace("(?i)", ""), hint=hint
        ) from error
    if empty:
        raise CodeframeError(
            "a regular expression that matches the empty text holds for every comment", hint="write + for *"
        )
    return ready


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while (at := _after_blanks(text, at)) < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "@ without a name" if text[at] == "@" else "a quotation mark without its partner"
            raise _misread(at, f"{what}: {text[at : at + 10]!r}", hint='write @name, and phrases as "…"')
        tokens.append(_token(match, text))
        at = match.end()
    return [*tokens, _Token("end", "", len(text))]


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANK.match(text, at)
    return blanks.end() if blanks else at


def _token(match: re.Match[str], text: str) -> _Token:
    kind, at = str(match.lastgroup), match.start()
    said = match[kind]
    if kind == "whole":
        return _Token(kind, said.partition(":")[2].strip()[1:-1], at)
    if kind == "quoted":
        return _Token("term", said[1:-1], at)
    if kind != "word":
        return _Token(kind, said, at)
    lower = said.lower()
    if lower in _OPERATORS:
        return _Token(_OPERATORS[lower], said, at)
    if lower in (AFFIRMED, NEGATED) and text[_after_blanks(text, match.end()) :][:1] in ("(", "（"):
        return _Token(lower, said, at)
    if lower == "near" or lower.startswith("near/"):
        raise _misread(at, f"expected near/N with a number, as near/6, found {said!r}", hint="or quote the word")
    if lower.startswith(("whole:", "re:")):
        form = 'whole:"…"' if lower.startswith("whole:") else "re:/…/"
        raise _misread(at, f"expected {form}, found {said!r}", hint="or quote the word")
    return _Token("term", said, at)


def _misread(at: int, told: str, *, hint: str = "") -> CodeframeError:
    return CodeframeError(f"character {at + 1}: {told}", hint=hint)
