"""Comment rules judged on tagged rows: a pure function of the rows, the rules and the time.

Each batch is first thinned out by Arrow; only the rows that are left are looked at one by one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .alert_rules import CommentRule, Rules, WordList
from .alert_words import Alert, alert_id, title_of
from .codeframe import Codeframe
from .folding import Rows
from .privacy import mask, mask_label
from .records import NEGATIVE, TAGGED
from .text import clauses, lower, nfkc, no_invisibles, simplify

_SIZE = 8192
_FIRST = 2  # quotes of one alert
Mask = npt.NDArray[np.bool_]


def of_comments(rows: Rows, rules: Rules, frame: Codeframe, now: datetime) -> Iterator[Alert]:
    """The alerts of all comment rules, rule by rule within each batch, in the order of the rows.

    ``now`` is naive, of the clock that the data's times were read from. A row without an id gets one from what it says
    and from how many equal rows stand before it, so that reading the same file again gives the same alerts.
    """
    wanted = [rule for rule in rules.rules if isinstance(rule, CommentRule)]
    if not wanted:
        return
    read = _Reader(rules, frame, Counter())
    columns = [name for name in TAGGED.names if name in rows.schema.names]
    picked = rows.select(columns) if isinstance(rows, pa.Table) else rows
    batches = picked.to_batches(max_chunksize=_SIZE) if isinstance(rows, pa.Table) else rows.to_batches(columns=columns)
    for batch in batches:
        some = _Batch(batch)
        for rule in wanted:
            for row in some.taken(_chosen(some, rule, now)):
                if (alert := read.alert(row, rule)) is not None:
                    yield alert


class _Batch:
    """A batch, with what several rules ask of it worked out once."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch, self.size = batch, batch.num_rows

    def column(self, name: str) -> pa.Array:
        """The column, all null where the table has none; null as well for the text and the tags of noise."""
        if name not in self.batch.schema.names:
            return pa.nulls(self.size, TAGGED.field(name).type)
        return self.batch.column(name)

    @cached_property
    def read(self) -> Mask:
        """Which rows are no noise."""
        noise = self.column("voc_noise")
        return _truth(pc.or_(pc.is_null(noise), pc.equal(noise, "").fill_null(False)))

    @cached_property
    def lines(self) -> list[str]:
        """The texts, as words are looked for in them."""
        texts = self.column("text").to_pylist()
        return plain_all([text or "" if ok else "" for text, ok in zip(texts, self.read, strict=True)])

    def taken(self, chosen: Mask) -> Iterator[dict[str, Any]]:
        at = np.flatnonzero(chosen)
        if len(at):
            for place, row in zip(at, self.batch.take(pa.array(at)).to_pylist(), strict=True):
                tags = (row.get("voc_tags") or []) if self.read[place] else []
                yield {**dict.fromkeys(TAGGED.names), **row, "voc_tags": tags}


def _truth(array: pa.Array) -> Mask:
    return np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _chosen(batch: _Batch, rule: CommentRule, now: datetime) -> Mask:
    """Which rows may fulfil the rule; the stage is not looked at yet, because it can depend on the tag."""
    when, chosen = rule.when, np.ones(batch.size, bool)
    if rule.fresh_days is not None:
        at = local(batch.column("at"))
        chosen &= ~_truth(pc.less(at, pa.scalar(now - timedelta(days=rule.fresh_days), at.type)))
    if when.score_at_most is not None:
        score = batch.column("score").cast(pa.float64())
        chosen &= _truth(pc.and_(pc.greater_equal(score, 0.0), pc.less_equal(score, when.score_at_most)))
    for name, words in (("channel", when.channels), ("segment", when.segments), ("voc_sentiment", when.sentiments)):
        if words:
            column = pc.utf8_trim_whitespace(batch.column(name).cast(pa.string()))
            chosen &= _truth(pc.is_in(column, pa.array(sorted(words), pa.string())))
    if when.codes and chosen.any():
        chosen &= batch.read & tagged_with(batch.column("voc_tags"), when.codes)
    if when.words is not None and chosen.any():
        find = _finder(when.words)
        for at_row in np.flatnonzero(chosen):
            chosen[at_row] = find(batch.lines[at_row]) is not None
    return chosen


def local(times: pa.Array) -> pa.Array:
    """Times as the clock of their own zone showed them."""
    zoned = pa.types.is_timestamp(times.type) and times.type.tz is not None
    found = pc.local_timestamp(times) if zoned else times
    return found.cast(pa.timestamp("us"))


def tagged_with(tags: pa.Array, codes: Collection[str]) -> Mask:
    """Which rows have a tag of these codes; polarity and confidence are looked at later."""
    found = np.zeros(len(tags), bool)
    flat = pc.list_flatten(tags)
    if len(flat):
        inside = _truth(pc.is_in(pc.struct_field(flat, "code"), pa.array(sorted(codes), pa.string())))
        found[pc.list_parent_indices(tags).to_numpy(zero_copy_only=False)[inside]] = True
    return found


# --- words -----------------------------------------------------------------------------------------------------------


def plain_all(texts: Sequence[str]) -> list[str]:
    """The texts in half width, Simplified, lower case, on one line each; numbers stay whole, as 12315 is one."""
    lines = _plain("\n".join(" ".join(text.splitlines()) for text in texts)).split("\n")
    return lines if len(lines) == len(texts) else [_plain(text).replace("\n", " ") for text in texts]


def _plain(text: str) -> str:
    return lower(simplify(nfkc(no_invisibles(text))))


@cache
def _finder(words: WordList) -> Any:
    """A function that finds the first of the words in a plain text, or gives None."""
    pattern, struck = _pattern(words.words), _pattern(words.excepting)

    def find(line: str) -> str | None:
        found = pattern.search(line)
        if found is not None and words.excepting:
            found = pattern.search(struck.sub("\n", line))
        return found[0] if found is not None else None

    return find


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Any of the words, the longest first; a word of digits does not stand inside a longer number."""
    each = sorted(map(_plain, words), key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\d){word}(?!\d)" if word.isdigit() else re.escape(word) for word in each))


# --- one row ---------------------------------------------------------------------------------------------------------


class _Reader:
    """Turns rows into alerts; counts equal rows without an id, by rule."""

    def __init__(self, rules: Rules, frame: Codeframe, seen: Counter[str]) -> None:
        self.rules, self.frame, self.seen = rules, frame, seen
        self.stages = {s.id: s.name for s in frame.journey(rules.journey).stages} if frame.journeys else {}

    def alert(self, row: Mapping[str, Any], rule: CommentRule) -> Alert | None:
        """The alert of a row that fulfils all of the rule but perhaps tags and stage; None where it does not."""
        when, tags = rule.when, _heaviest(row["voc_tags"])
        if when.codes:
            tags = [
                tag
                for tag in tags
                if tag["code"] in when.codes
                and tag["polarity"] in when.polarities
                and tag["confidence"] >= when.confidence
            ]
        placed: list[tuple[Mapping[str, Any] | None, str]] = [(tag, self._stage(row, tag)) for tag in tags]
        placed = placed or [(None, self._stage(row, None))]
        if when.stages:
            placed = [(tag, stage) for tag, stage in placed if stage in when.stages]
        if not placed or (when.codes and not tags):
            return None
        best, stage = placed[0]
        quotes = [tag for tag, _ in placed if tag] if when.codes else [tag for tag in tags[:1] if when.words is None]
        return self._made(row, rule, best["code"] if best else "", stage=stage, quotes=quotes)

    def _stage(self, row: Mapping[str, Any], tag: Mapping[str, Any] | None) -> str:
        """The row's own stage as the journey knows it, or else where its tag's code usually happens, or ""."""
        said, journey = (row["stage"] or "").strip(), self.rules.journey
        if said:
            known = self.frame.journey(journey).stage_of(said) if self.frame.journeys else None
            return known.id if known else said
        path = self.frame.path(tag["code"]) if tag and tag["code"] in self.frame else ()
        return next((code.stage[journey] for code in reversed(path) if journey in code.stage), "")

    def _made(
        self, row: Mapping[str, Any], rule: CommentRule, code: str, *, stage: str, quotes: Sequence[Mapping[str, Any]]
    ) -> Alert:
        text = row["text"] or ""
        masked = mask(text)
        told = [masked[tag["start"] : tag["end"]] or mask(tag["quote"]) for tag in quotes]
        if rule.when.words is not None:
            told.insert(0, _clause(text, masked, rule.when.words))
        name = self.frame[code].name if code in self.frame else code
        place = self.stages.get(stage, mask_label(stage))
        number = (row["id"] or "").strip()
        return Alert(
            id=alert_id(rule.id, "row", number or self._number(rule.id, row)),
            rule=rule.id,
            kind=rule.kind,
            severity=rule.severity,
            title=title_of(rule.severity, rule.title, code=name, stage=place),
            text=masked,
            owner=rule.owner or owner_of(self.frame, code) or self.rules.owner,
            code=code,
            code_name=name,
            stage=mask_label(stage),
            stage_name=place,
            channel=mask_label((row["channel"] or "").strip()),
            segment=mask_label((row["segment"] or "").strip()),
            row=mask(number),
            customer=(row["customer"] or "").strip(),
            score=row["score"] if row["score"] is not None and 0 <= row["score"] <= 10 else None,
            quotes=tuple(dict.fromkeys(filter(None, told)))[:_FIRST],
            at=row["at"].replace(tzinfo=None).isoformat(sep=" ", timespec="seconds") if row["at"] else "",
            dedupe_hours=rule.dedupe_hours,
        )

    def _number(self, rule: str, row: Mapping[str, Any]) -> str:
        """An id for a row without one."""
        parts = [str(row[name]) for name in ("text", "score", "stage", "channel", "segment", "customer", "at")]
        content = alert_id(*parts)
        self.seen[rule + content] += 1
        return f"{content}-{self.seen[rule + content]}"


def _heaviest(tags: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Negative tags first, the surest before the others."""
    return sorted(tags, key=lambda tag: (tag["polarity"] != NEGATIVE, -tag["confidence"], tag["start"], tag["code"]))


def _clause(text: str, masked: str, words: WordList) -> str:
    """The clause that holds the word; where a clause border cuts it, the beginning of the text."""
    find = _finder(words)
    for start, end in clauses(text):
        if find(_plain(text[start:end])) is not None:
            return masked[start:end].strip()
    return masked[:60].strip()


def owner_of(frame: Codeframe, code: str) -> str:
    """Who is responsible for a code: its own owner, or the one of the nearest code above it; "" for none."""
    path = frame.path(code) if code in frame else ()
    return next((one.owner for one in reversed(path) if one.owner), "")
