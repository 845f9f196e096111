"""What a codeframe is made of: journeys with stages, codes, and the rules of a code; and how each is read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

from .codeframe_reading import Located
from .errors import CodeframeError
from .records import POLARITIES
from .rule_syntax import parse, term
from .text import simplify

_UNFIT_FOR_AN_ID = re.compile(r"[|\x00-\x1f\x7f\ud800-\udfff]|^\s|\s\Z|\A\Z")  # "|" joins ids in one cell of a csv
_UNFIT_FOR_A_SYNONYM = re.compile(r"""[\s()（）@"“”「」『』]""")
ADD, VETO, DECIDE = "add", "veto", "decide"
EFFECTS = (ADD, VETO, DECIDE)
CLAUSE, COMMENT = "clause", "comment"
SCOPES = (CLAUSE, COMMENT)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a journey; ``synonyms`` are the names an export may use for it."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Journey:
    """An ordered list of stages a customer passes through."""

    id: str
    name: str
    stages: tuple[Stage, ...]

    @cached_property
    def _by_word(self) -> dict[str, Stage]:
        return {fold(word): stage for stage in self.stages for word in (stage.id, stage.name, *stage.synonyms)}

    def stage_of(self, text: str) -> Stage | None:
        """The stage whose id, name or synonym equals ``text`` (case, spaces and Traditional characters aside), or None."""
        return self._by_word.get(fold(text))


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on the words of a comment (``when``, see ``rule_syntax``) and what follows where it holds.

    effect: ``add`` gives the code where the model missed it, ``veto`` takes it away, ``decide`` replaces the model
    polarity: of the tag given; None for the sentiment of the words that carry it
    scope: where all of ``when`` has to hold, one ``clause`` or the whole ``comment``
    """

    when: str
    effect: str = ADD
    polarity: str | None = None
    scope: str = CLAUSE
    name: str = ""

    def to_dict(self) -> dict[str, str]:
        """The rule in the shape of its file, without what is the default."""
        usual = Rule("")
        return {key: value for key, value in asdict(self).items() if value != getattr(usual, key)}


@dataclass(frozen=True, slots=True)
class Code:
    """One code (码). ``stage`` maps a journey id to the stage where the code usually happens."""

    id: str
    name: str
    definition: str
    parent: str | None = None
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    stage: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    industries: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The code in the shape of its file, without what is empty."""
        row = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        row["examples"] = {"positive": row.pop("positive"), "negative": row.pop("negative")}
        row["stage"] = dict(self.stage)
        row["rules"] = [rule.to_dict() for rule in self.rules]
        return {key: value for key, value in row.items() if value not in (None, "", [], {})}


@dataclass(frozen=True)
class RuleTerms:
    """What the expressions of a frame may use: its ``@synonyms``, and regular expressions or not."""

    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow_regex: bool = False


def fold(word: str) -> str:
    """A name without case and blanks, in Simplified characters: 門店 and 门店 are one."""
    bare = "".join(word.split()).casefold()
    return bare if bare.isascii() else simplify(bare)


def fits_as_id(code_id: str) -> bool:
    return _UNFIT_FOR_AN_ID.search(code_id) is None


def read_journey(item: Located) -> Journey:
    item.only("id", "name", "stages")
    stages = []
    for stage in item.distinct("stages"):
        stage.only("id", "name", "synonyms")
        stages.append(Stage(stage.text("id"), stage.text("name"), stage.texts("synonyms")))
    return Journey(item.text("id"), item.text("name"), tuple(stages))


def check_parents(seen: Mapping[str, Located]) -> None:
    parents = {code_id: item.text("parent", default="") for code_id, item in seen.items()}
    for code_id, parent in parents.items():
        if parent and parent not in seen:
            raise seen[code_id].error("parent", f"{code_id!r} has the parent {parent!r}, which no code has as its id")
    for code_id in seen:
        trail, at = [code_id], parents[code_id]
        while at:
            if at in trail:
                cycle = " -> ".join([*trail[trail.index(at) :], at])
                raise seen[code_id].error("parent", f"the parents form a cycle: {cycle}")
            trail.append(at)
            at = parents[at]


def read_code(item: Located, stages: Mapping[str, set[str]], terms: RuleTerms) -> Code:
    known = [f.name for f in fields(Code) if f.name not in ("positive", "negative")]
    item.only(*known, "examples")
    examples = item.child("examples")
    examples.only("positive", "negative")
    stage = item.child("stage")
    stage.only(*stages)
    for journey, stage_id in stage.pairs():
        if stage_id not in stages[journey]:
            raise stage.error(journey, f"journey {journey!r} has no stage {stage_id!r}")
    return Code(
        id=item.text("id"),
        name=item.text("name"),
        definition=item.text("definition"),
        parent=item.text("parent", default="") or None,
        includes=item.texts("includes"),
        excludes=item.texts("excludes"),
        positive=examples.texts("positive"),
        negative=examples.texts("negative"),
        keywords=item.texts("keywords"),
        stage=dict(stage.pairs()),
        owner=item.text("owner", default=""),
        industries=item.texts("industries"),
        rules=tuple(_rule(each, terms) for each in item.items("rules")),
    )


def _rule(item: Located, terms: RuleTerms) -> Rule:
    item.only(*(f.name for f in fields(Rule)))
    rule = Rule(
        when=item.text("when"),
        effect=_one_of(item, "effect", EFFECTS, ADD),
        polarity=_one_of(item, "polarity", POLARITIES, "") or None,
        scope=_one_of(item, "scope", SCOPES, CLAUSE),
        name=item.text("name", default=""),
    )
    if rule.polarity is not None and rule.effect == VETO:
        raise item.error("polarity", "a veto gives no tag, so it has no polarity", hint="leave it out")
    try:
        parse(rule.when, synonyms=terms.synonyms, allow_regex=terms.allow_regex)
    except CodeframeError as error:
        raise item.error("when", error.message, hint=error.hint) from None
    return rule


def _one_of(item: Located, key: str, known: tuple[str, ...], usual: str) -> str:
    if (word := item.text(key, default=usual)) not in (*known, usual):
        raise item.error(key, f"{word!r} is none of {', '.join(known)}")
    return word


def read_rule_terms(root: Located) -> RuleTerms:
    """``synonyms`` and ``allow_regex`` of a frame."""
    allow_regex = root.value("allow_regex", default=False)
    if not isinstance(allow_regex, bool):
        raise root.error("allow_regex", "must be true or false")
    table = root.child("synonyms")
    synonyms = {}
    for name in table.content:
        if not name or _UNFIT_FOR_A_SYNONYM.search(name):
            raise table.error(name, "a synonym's name holds no blanks, brackets, quotation marks or @")
        synonyms[name] = table.texts(name)
        if not synonyms[name]:
            raise table.error(name, "has no terms", hint="list at least one")
        for word in synonyms[name]:
            try:
                term(word)
            except CodeframeError as error:
                raise table.error(name, error.message, hint=error.hint) from None
    return RuleTerms(synonyms, allow_regex)
