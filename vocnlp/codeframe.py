"""The codeframe (码框): the tree of codes that different ways of saying a thing are mapped to.

A frame is read from YAML (written by people) or JSON (inside a bundle), checked on reading, and frozen. Ids are
stable and do not encode the path, so a code can move or be renamed while figures stay comparable.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from .codeframe_parts import (
    Code,
    Journey,
    Rule,
    Stage,
    check_parents,
    fits_as_id,
    read_code,
    read_journey,
    read_rule_terms,
)
from .codeframe_reading import SCHEMA, Located, located, read_located
from .errors import CodeframeError
from .rule_checks import rule_warnings

__all__ = ["Code", "Codeframe", "CodeframeDiff", "Journey", "Rule", "Stage"]

_ID = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class CodeframeDiff:
    """What changed from one frame to another, by code id; ``changed`` maps an id to the fields that differ.

    ``synonyms`` are the names of those that came, went or have other terms: rules that use them hold elsewhere now.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: Mapping[str, tuple[str, str]]
    moved: Mapping[str, tuple[str | None, str | None]]
    changed: Mapping[str, tuple[str, ...]]
    synonyms: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.renamed, self.moved, self.changed, self.synonyms))


@dataclass(frozen=True)
class Codeframe:
    """A checked tree of codes. ``exclusive`` frames give every text exactly one code (softmax)."""

    name: str
    version: str
    codes: tuple[Code, ...]
    title: str = ""
    exclusive: bool = False
    journeys: tuple[Journey, ...] = ()
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow_regex: bool = False

    @cached_property
    def _by_id(self) -> dict[str, Code]:
        return {code.id: code for code in self.codes}

    def __getitem__(self, code_id: str) -> Code:
        """The code with this id; KeyError if the frame has none."""
        return self._by_id[code_id]

    def __contains__(self, code_id: object) -> bool:
        return code_id in self._by_id

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def roots(self) -> tuple[Code, ...]:
        return tuple(code for code in self.codes if code.parent is None)

    @cached_property
    def _children(self) -> dict[str, tuple[Code, ...]]:
        table: dict[str, list[Code]] = {code.id: [] for code in self.codes}
        for code in self.codes:
            if code.parent is not None:
                table[code.parent].append(code)
        return {key: tuple(value) for key, value in table.items()}

    def children(self, code_id: str) -> tuple[Code, ...]:
        return self._children[code_id]

    @cached_property
    def leaves(self) -> tuple[Code, ...]:
        """The codes without children, in the order of the file."""
        return tuple(code for code in self.codes if not self._children[code.id])

    @cached_property
    def taggable(self) -> tuple[Code, ...]:
        """The codes a text may carry: all below a root, and a root that stands alone (flat frames)."""
        return tuple(code for code in self.codes if code.parent is not None or not self._children[code.id])

    def path(self, code_id: str) -> tuple[Code, ...]:
        """The codes from the root down to this one."""
        chain = [self[code_id]]
        while (parent := chain[-1].parent) is not None:
            chain.append(self[parent])
        return tuple(reversed(chain))

    def journey(self, journey_id: str) -> Journey:
        """The journey of this id; CodeframeError if the frame has none."""
        for journey in self.journeys:
            if journey.id == journey_id:
                return journey
        known = ", ".join(journey.id for journey in self.journeys) or "none"
        raise CodeframeError(f"codeframe {self.name} has no journey {journey_id!r}", hint=f"journeys here: {known}")

    def resolve(self, label: str) -> Code | None:
        """The code a label in some data means: by id, or by a name that only one code bears."""
        if label in self._by_id:
            return self._by_id[label]
        named = [code for code in self.codes if code.name == label]
        return named[0] if len(named) == 1 else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the frame's content; equal frames have equal digests whatever the file looks like."""
        content = json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The frame in the shape of its file; ``from_dict`` reads it back."""
        journeys = [
            {"id": j.id, "name": j.name, "stages": [{**asdict(s), "synonyms": list(s.synonyms)} for s in j.stages]}
            for j in self.journeys
        ]
        head = {"schema": SCHEMA, "name": self.name, "version": self.version, "title": self.title}
        rest: dict[str, Any] = {"allow_regex": True} if self.allow_regex else {}
        if self.synonyms:
            rest["synonyms"] = {name: list(words) for name, words in self.synonyms.items()}
        codes = [code.to_dict() for code in self.codes]
        return {**head, "exclusive": self.exclusive, **rest, "journeys": journeys, "codes": codes}

    @classmethod
    def load(cls, path: Path | str) -> Codeframe:
        """Read and check a frame from ``.yaml``/``.yml``/``.json``; CodeframeError names file, line and key."""
        return _build(read_located(Path(path)))

    @classmethod
    def from_text(cls, raw: str, *, path: Path | str = "codeframe.yaml") -> Codeframe:
        """Read and check a frame given as YAML or JSON, by the ending of ``path``, which errors name."""
        return _build(located(raw, Path(path)))

    @classmethod
    def from_dict(cls, content: dict[str, Any], *, path: Path | str = "codeframe") -> Codeframe:
        """Build and check a frame from plain data, such as ``to_dict`` gives."""
        return _build(Located.wrap(content, Path(path)))

    @classmethod
    def from_labels(cls, labels: Iterable[str], *, name: str = "from-data", exclusive: bool = False) -> Codeframe:
        """A flat frame with one code per label, in sorted order; a label is its code's id and name alike."""
        names = sorted(set(labels))
        for label in names:
            if not fits_as_id(label):
                raise CodeframeError(f"the label {label!r} cannot be a code: empty, padded, or with '|' inside")
        codes = tuple(Code(label, label, f"数据中标注为“{label}”的内容") for label in names)
        return cls(name, "1", codes, title="由标注数据生成的平面码框", exclusive=exclusive)

    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably not meant: shared keywords, codes nothing can find, odd ids, rules without effect."""
        found, owner = [], dict[str, str]()
        if not self.codes:
            found.append("the frame has no codes")
        for code in self.codes:
            if not _ID.match(code.id):
                found.append(f"{code.id}: id is not of the form [a-z][a-z0-9_]*; other systems may not take it")
            for word in code.keywords:
                other = owner.setdefault(word, code.id)
                family = {c.id for c in self.path(code.id)}, {c.id for c in self.path(other)}
                if code.id not in family[1] and other not in family[0]:
                    found.append(f"{code.id}: keyword {word!r} also belongs to {other}")
            if code in self.taggable and self.journeys and not code.stage:
                found.append(f"{code.id}: has no default journey stage")
        tags = frozenset(code.id for code in self.taggable)
        found += rule_warnings(self.codes, self.synonyms, taggable=tags, exclusive=self.exclusive)
        return tuple(found)

    def diff(self, new: Codeframe) -> CodeframeDiff:
        """What a reader of this frame has to know to read ``new``."""
        both = [code.id for code in self.codes if code.id in new]
        rest = [f.name for f in fields(Code) if f.name not in ("id", "name", "parent")]
        changed = {i: tuple(f for f in rest if getattr(self[i], f) != getattr(new[i], f)) for i in both}
        return CodeframeDiff(
            added=tuple(code.id for code in new.codes if code.id not in self),
            removed=tuple(code.id for code in self.codes if code.id not in new),
            renamed={i: (self[i].name, new[i].name) for i in both if self[i].name != new[i].name},
            moved={i: (self[i].parent, new[i].parent) for i in both if self[i].parent != new[i].parent},
            changed={i: names for i, names in changed.items() if names},
            synonyms=tuple(sorted({name for name, _ in self.synonyms.items() ^ new.synonyms.items()})),
        )


def _build(root: Located) -> Codeframe:
    root.only("schema", "name", "version", "title", "exclusive", "synonyms", "allow_regex", "journeys", "codes")
    if root.value("schema", default=None) != SCHEMA:
        raise root.error("schema", f"must be {SCHEMA}", hint="this version of vocnlp reads codeframe schema 1")
    journeys = tuple(read_journey(item) for item in root.distinct("journeys"))
    root.value("codes")  # may be empty, for a model of sentiment alone, but not forgotten
    items = root.distinct("codes")
    seen = {item.text("id"): item for item in items}
    for code_id, item in seen.items():
        if not fits_as_id(code_id):
            raise item.error("id", f"{code_id!r} holds '|' or a control character")
    check_parents(seen)
    stages = {journey.id: {stage.id for stage in journey.stages} for journey in journeys}
    terms = read_rule_terms(root)
    codes = tuple(read_code(item, stages, terms) for item in items)
    exclusive = root.value("exclusive", default=False)
    if not isinstance(exclusive, bool):
        raise root.error("exclusive", "must be true or false")
    return Codeframe(
        name=root.text("name"),
        version=root.text("version"),
        codes=codes,
        title=root.text("title", default=""),
        exclusive=exclusive,
        journeys=journeys,
        synonyms=terms.synonyms,
        allow_regex=terms.allow_regex,
    )
