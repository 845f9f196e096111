"""Public training sets read as labels of one codeframe, by the decisions written down in ``mapping.yaml``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from vocnlp.codeframe import Codeframe
from vocnlp.errors import CodeframeError
from vocnlp.records import NEGATIVE, NEUTRAL, POLARITIES, POSITIVE

from .labelled import GoldTag, Labelled, part_of, read_labelled, starred_lines

DEFAULT = Path(__file__).with_name("mapping.yaml")
_KEYS = {
    "name",
    "file",
    "source",
    "licence",
    "annotated",
    "industries",
    "absent",
    "absent_share",
    "unmarked",
    "sentiment",
    "codes",
    "weight",
    "spans",
    "dev_parts",
    "models",
    "each",
}
ALL, TAGGED, NONE = "all", "tagged", "none"
LINEAR, ENCODER = "linear", "encoder"
SAME = "same"  # the labels of a set are the ids of the frame
UNTAUGHT = frozenset({"other_topic"})  # what is left over has no words of its own: a model of it would tag everything
_EXAMPLES = "codeframe_examples"


@dataclass(frozen=True)
class SetMapping:
    """How one set reads in the frame; see the head of ``mapping.yaml`` for the meaning of each field."""

    name: str
    file: str
    source: str
    licence: str
    annotated: str = ALL
    industries: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    absent_share: float = 1.0
    unmarked: tuple[str, ...] = ()
    sentiment: str | Mapping[str, Any] = "none"
    codes: Mapping[str, str | None] | str | None = None
    weight: float = 1.0
    spans: float = 0.0
    dev_parts: int = 10
    models: tuple[str, ...] = (LINEAR, ENCODER)
    each: int = 0

    def code_of(self, label: str) -> str | None:
        """The code a label means; None where the mapping says that no code does. KeyError if it says nothing."""
        if self.codes == SAME:
            return label
        table = self.targets
        if label in table:
            return table[label]
        for pattern, code in table.items():
            if fnmatchcase(label, pattern):
                return code
        raise KeyError(label)

    @property
    def targets(self) -> Mapping[str, str | None]:
        """Labels and patterns, and the code that each means."""
        return self.codes if isinstance(self.codes, Mapping) else {}


def read_mapping(frame: Codeframe, path: Path | str = DEFAULT) -> tuple[SetMapping, ...]:
    """The mappings of a file, checked against the frame: CodeframeError for unknown keys and codes."""
    path = Path(path)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if content.get("frame") != frame.name:
        raise CodeframeError(f"maps to {content.get('frame')!r}, not to {frame.name!r}", path=path, key="frame")
    sets = []
    for entry in content["sets"]:
        if unknown := set(entry) - _KEYS:
            raise CodeframeError(f"unknown key in set {entry.get('name')!r}", path=path, key=sorted(unknown)[0])
        lists = {key: tuple(entry[key]) for key in ("industries", "absent", "unmarked", "models") if key in entry}
        one = SetMapping(**{**entry, **lists})
        for code in (*one.absent, *one.unmarked, *one.targets.values()):
            if code is not None and code not in frame:
                raise CodeframeError(f"set {one.name!r} maps to {code!r}, which is no code of {frame.name}", path=path)
        sets.append(one)
    return tuple(sets)


def read_mapped(mapping: SetMapping, frame: Codeframe, root: Path) -> list[Labelled]:
    """The rows of one set below ``root``, with codes of the frame and what was looked for in each row."""
    path = (DEFAULT.parent if mapping.file.startswith("./") else root) / mapping.file
    if mapping.each:
        return list(_starred(mapping, path))
    rows = read_labelled(path)
    whole = {code.id for code in frame.taggable} if mapping.codes == SAME else mapping.targets.values()
    mapped = frozenset(code for code in whole if code is not None) - UNTAUGHT - frozenset(mapping.unmarked)
    absent = _absent(mapping, frame) - mapped
    stars = _stars(path) if isinstance(mapping.sentiment, Mapping) and mapping.sentiment.get("stars") else {}
    three = not any(row.two_class for row in rows)
    read = []
    for row in rows:
        tags = _tags(row, mapping, path)
        looked = {ALL: True, TAGGED: bool(row.tags), NONE: False}[mapping.annotated] and bool(mapped)
        teaches_absence = part_of(row.text, 100) < 100 * mapping.absent_share
        annotated = (mapped if looked else frozenset()) | (absent if teaches_absence else frozenset())
        annotated |= {tag.code for tag in tags if tag.code in mapping.unmarked}
        own = mapping.sentiment == "labels"
        sentiment = row.sentiment if own else _sentiment(row, mapping, stars)
        two_class = own and not three
        one = replace(row, tags=tags, annotated=annotated, sentiment=sentiment, two_class=two_class)
        one = replace(one, weight=mapping.weight, source=mapping.name, dev_parts=mapping.dev_parts)
        read += [one, *(_spans(one, mapping.spans) if mapping.spans else ())]
    return read


def _starred(mapping: SetMapping, path: Path) -> Iterator[Labelled]:
    """The first ``each`` reviews of each sentiment, told by their stars; of codes they say nothing."""
    left = dict.fromkeys(POLARITIES, mapping.each)
    for number, (stars, text) in enumerate(starred_lines(path), 1):
        sentiment = _of_stars(stars) if stars else None
        if sentiment is None or not left[sentiment] or len(text.strip()) < 2:
            continue
        left[sentiment] -= 1
        row = Labelled(str(number), text, (), sentiment, frozenset(), source=mapping.name, weight=mapping.weight)
        yield replace(row, dev_parts=mapping.dev_parts)
        if not any(left.values()):
            return


def _of_stars(stars: float) -> str:
    return NEGATIVE if stars <= 2 else NEUTRAL if stars <= 3 else POSITIVE


def _spans(row: Labelled, weight: float) -> Iterator[Labelled]:
    """The words marked for a tag as a text of their own: what a single clause says, for sentiment alone.

    They are held out with the comment they stand in, or they would betray it.
    """
    if row.held_out:
        return
    for tag in row.tags:
        words = row.text[tag.start : tag.end] if tag.start is not None else ""
        if words.strip() and words != row.text and tag.polarity in POLARITIES and part_of(words, row.dev_parts) != 0:
            span = replace(row, id=f"{row.id}:{tag.start}", text=words, tags=(), annotated=frozenset(), weight=weight)
            yield replace(span, sentiment=tag.polarity, two_class=False)


def codeframe_examples(frame: Codeframe, weight: float = 3.0) -> list[Labelled]:
    """The example sentences of the frame as labelled rows: each carries its code, and none that is not its kin."""
    rows = []
    everything = frozenset(code.id for code in frame.taggable) - UNTAUGHT
    for code in frame.taggable:
        if code.id in UNTAUGHT:
            continue
        kin = {one.id for one in frame.path(code.id)} | {one.id for one in frame.codes if code in frame.path(one.id)}
        for polarity, sentences in ((POSITIVE, code.positive), (NEGATIVE, code.negative)):
            for number, text in enumerate(sentences):
                tags = (GoldTag(code.id, polarity),)
                one = Labelled(f"{code.id}-{polarity}-{number}", text, tags, polarity, (everything - kin) | {code.id})
                rows.append(replace(one, source=_EXAMPLES, weight=weight))
    return rows


def _absent(mapping: SetMapping, frame: Codeframe) -> frozenset[str]:
    """Codes that cannot occur in the set: those of other industries, and those listed."""
    foreign = {
        code.id
        for code in frame.codes
        if mapping.industries and code.industries and not set(code.industries) & set(mapping.industries)
    }
    return frozenset(foreign | set(mapping.absent))


def _tags(row: Labelled, mapping: SetMapping, path: Path) -> tuple[GoldTag, ...]:
    tags = []
    for tag in row.tags:
        try:
            code = mapping.code_of(tag.code)
        except KeyError:
            hint = f"decide it under {mapping.name} in mapping.yaml (null if no code means the same)"
            raise CodeframeError(f"the label {tag.code!r} is not mapped", path=path, hint=hint) from None
        if code is not None and code not in UNTAUGHT:
            tags.append(replace(tag, code=code))
    return tuple(tags)


def _sentiment(row: Labelled, mapping: SetMapping, stars: Mapping[str, float]) -> str | None:
    rule = mapping.sentiment
    if rule == "from_tags":
        return _agreed(tag.polarity for tag in row.tags)
    if not isinstance(rule, Mapping):
        return None
    if "code" in rule:
        return _agreed(tag.polarity for tag in row.tags if tag.code == rule["code"]) if row.tags else None
    if "stars" in rule:
        count = stars.get(row.id)
        return None if count is None else _of_stars(count)
    for polarity in POLARITIES:
        if any(fnmatchcase(tag.code, pattern) for tag in row.tags for pattern in rule.get(polarity, ())):
            return polarity
    return None


def _agreed(polarities: Iterable[str | None]) -> str | None:
    """The polarity that all judged tags share, neutral ones aside; neutral without any; None where they differ."""
    found = set(polarities)
    if None in found:
        return None
    found.discard(NEUTRAL)
    if not found:
        return NEUTRAL
    only = found.pop()
    return only if not found and only in POLARITIES else None


def _stars(path: Path) -> dict[str, float]:
    with path.open(encoding="utf-8") as lines:
        return {str(row["id"]): float(row["stars"]) for row in map(json.loads, lines) if row.get("stars")}


def read_all(sets: Sequence[SetMapping], frame: Codeframe, root: Path, model: str = LINEAR) -> list[Labelled]:
    """The rows of all sets that teach this kind of model, in order, then the frame's own examples.

    A text that stands in two sets stays in both, with what each says of it.
    """
    chosen = [mapping for mapping in sets if model in mapping.models]
    return [row for mapping in chosen for row in read_mapped(mapping, frame, root)] + codeframe_examples(frame)
