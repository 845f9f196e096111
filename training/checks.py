"""Looks over labelled data before anything is learnt from it: findings as values, each with its rows and masked examples.

``refuse`` findings stop a training, ``warn`` ones a person should look at, ``note`` ones are good to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vocnlp.codeframe import Codeframe
from vocnlp.privacy import mask
from vocnlp.records import NEGATIVE, POLARITIES, POSITIVE
from vocnlp.text import normalise

from .checked import NOTE, REFUSE, WARN, Checked, Finding
from .labelled import Labelled, labels_of, meant, plain_by_text, unknown_codes
from .profile import profile_of
from .twins import near_twins

_LEAST_ROWS = 8  # below, nothing that is measured or chosen means anything
_FEW = 20  # comments below which a code's threshold and figures are mostly chance
_LISTED, _SHOWN = 5, 60  # rows and characters of an example


@dataclass(frozen=True)
class Suspects:
    """What the rows are looked at beside. before: the codes of the frame and of the bundle that training starts from."""

    frame: Codeframe | None = None  # None: a flat one is made from the data
    before: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()  # columns that were taken for no code


def check(
    train: Sequence[Labelled], dev: Sequence[Labelled], beside: Suspects, plain: Mapping[str, str] | None = None
) -> Checked:
    """Everything that can be told of the rows before training. ``dev`` are those that will measure it; nothing is learnt
    from the rows in ``train`` that have the text of one of them.

    plain: what ``plain_by_text`` gives of all rows, where it is known already
    """
    both = [*train, *dev]
    plain = plain_by_text(both) if plain is None else plain
    filled = [row for row in train if row.text.strip()]
    measured = {plain[row.text] for row in dev} - {""}
    learnt = [row for row in filled if plain[row.text] not in measured]
    per_code = Counter(code for row in learnt for code in dict.fromkeys(tag.code for tag in row.tags))
    findings = [
        *_codes(both, beside),
        *_left(beside.left),
        *_size(learnt, plain, len(filled) - len(learnt)),
        *_empty(both),
        *_sentiment(learnt),
        *_few(learnt, per_code, beside.frame),
        *_contradictions(both, plain),
        *_leaks(filled, dev, plain),
    ]
    order = {REFUSE: 0, WARN: 1, NOTE: 2}
    findings.sort(key=lambda finding: order[finding.severity])
    rows, profile = len(train) - len(filled) + len(learnt), profile_of([row.text for row in both])
    return Checked(rows, len(dev), tuple(findings), profile, dict(per_code.most_common()))


def _found(severity: str, kind: str, message: str, rows: Iterable[Labelled], *, hint: str = "") -> Finding:
    rows = list(rows)
    some = rows[:_LISTED]
    return Finding(
        severity,
        kind,
        message,
        len(rows),
        tuple(row.row for row in some if row.row),
        tuple(mask(row.text)[:_SHOWN] for row in some if row.text.strip()),
        hint,
    )


def _codes(rows: Sequence[Labelled], beside: Suspects) -> list[Finding]:
    """Labels that the frame does not know, or where there is no frame, labels that differ by case alone."""
    if beside.frame is None:
        spelt: dict[str, list[str]] = {}
        for code in sorted({code for row in rows for code in labels_of(row)}):
            spelt.setdefault(normalise(code).strip(), []).append(code)
        return [
            _found(
                WARN,
                "spelling",
                f"{' and '.join(map(repr, same))} differ by case, width or blanks alone, and are learnt as different codes",
                (row for row in rows if not set(same[1:]).isdisjoint(labels_of(row))),
                hint="write them alike, or give a codeframe",
            )
            for same in spelt.values()
            if len(same) > 1
        ]
    found = []
    for label in sorted(unknown_codes(rows, beside.frame)):
        near, lost = meant(label, beside.frame), label in beside.before
        told = f"the codeframe {beside.frame.name} has no such code: {label!r}"
        if lost:
            told += ", which the bundle to start from has: the codeframe lost it"
            hint = (
                f"put it back, or carry the data over: vocnlp codeframe migrate (where {label!r} became another code)"
            )
        else:
            hint = f"did you mean {near!r}?" if near else "add it to the codeframe, or train without --codeframe"
        carrying = (row for row in rows if label in labels_of(row))
        found.append(_found(REFUSE, "lost_code" if lost else "unknown_code", told, carrying, hint=hint))
    return found


def _left(columns: tuple[str, ...]) -> list[Finding]:
    if not columns:
        return []
    told = f"columns without a polarity are no codes and were left out: {', '.join(map(repr, columns))}"
    return [Finding(NOTE, "columns", told, len(columns))]


def _size(rows: Sequence[Labelled], plain: Mapping[str, str], measured: int) -> list[Finding]:
    """measured: rows that are not learnt from, because they measure"""
    if len(rows) < _LEAST_ROWS:
        told = f"nothing can be learnt from {len(rows)} comment(s): at least {_LEAST_ROWS} are needed"
        hint = "label a few hundred; 20 of each code is a beginning"
        if len(rows) + measured >= _LEAST_ROWS:
            told += f"; {measured:,} more are development rows, too"
            hint = "measure on other comments than those to learn from, or leave out --dev: then a part is held out"
        return [Finding(REFUSE, "too_small", told, len(rows), hint=hint)]
    if len({plain[row.text] for row in rows}) == 1:
        told = f"nothing can be learnt: all {len(rows):,} comments are the same text"
        return [_found(REFUSE, "all_equal", told, rows, hint="is this the right column? name the text column 'text'")]
    return []


def _empty(rows: Sequence[Labelled]) -> list[Finding]:
    bare = [row for row in rows if not row.text.strip()]
    labelled = [row for row in bare if row.tags or row.sentiment]
    if not bare:
        return []
    told = f"{len(bare):,} row(s) without a text are left out" + (
        f"; {len(labelled):,} carry labels" if labelled else ""
    )
    return [_found(WARN if labelled else NOTE, "empty", told, bare)]


def _sentiment(rows: Sequence[Labelled]) -> list[Finding]:
    said = Counter(row.sentiment for row in rows if row.sentiment)
    if not said or {NEGATIVE, POSITIVE} <= set(said):
        return []
    told = f"sentiment is {' or '.join(sorted(said))} in all {said.total():,} rows that have one: not learnt"
    return [Finding(WARN, "one_sentiment", told, said.total(), hint="add comments of the other")]


def _few(rows: Sequence[Labelled], per_code: Mapping[str, int], frame: Codeframe | None) -> list[Finding]:
    """Codes that cannot be learnt, by name; codes that are learnt from few; labels that no text may carry."""
    names = {code.id: code.name for code in frame.codes} if frame else {}

    def listed(codes: Iterable[str]) -> str:
        return ", ".join(f"{names.get(code, code)} ({per_code.get(code, 0)})" for code in codes)

    tags = Counter(tag.polarity for row in rows for tag in row.tags)
    judged = sum(count for word, count in tags.items() if word in POLARITIES)
    taggable = [code.id for code in frame.taggable] if frame else sorted(per_code)
    groups = [code for code in per_code if frame and code in frame and code not in taggable]
    once = [code for code in taggable if 0 < per_code.get(code, 0) < 2]
    none = [code for code in taggable if not per_code.get(code)]
    everywhere = [code for code in taggable if len(rows) >= _LEAST_ROWS and per_code.get(code, 0) == len(rows)]
    few = [code for code in taggable if 2 <= per_code.get(code, 0) < _FEW]
    found = []
    if groups:
        told = f"groups of other codes are never tagged, so their labels teach nothing: {listed(groups)}"
        found.append(Finding(WARN, "groups", told, len(groups), hint="label with the codes below them"))
    if everywhere:
        told = f"in every comment, so nothing tells when it is absent, and not learnt: {listed(everywhere)}"
        found.append(Finding(WARN, "everywhere", told, len(everywhere), hint="add comments that do not speak of it"))
    if once:
        told = f"not learnt, with a single comment to learn from: {listed(once)}"
        found.append(
            Finding(WARN, "not_learnt", told, len(once), hint="label 20 comments of each, or train with --few")
        )
    if none:
        told = f"not learnt, without a comment to learn from: {', '.join(names.get(code, code) for code in none)}"
        found.append(Finding(WARN, "not_labelled", told, len(none), hint="their keywords go on finding them"))
    if few:
        told = f"learnt from fewer than {_FEW} comments, so their figures are mostly chance: {listed(few)}"
        found.append(Finding(NOTE, "few", told, len(few)))
    if len(everywhere) + len(once) == sum(1 for code in taggable if per_code.get(code)) and not _mood(rows):
        told = "nothing can be learnt from these rows: no code stands in two comments and is absent from one"
        found.append(Finding(REFUSE, "one_class", told, len(rows), hint="add comments of other codes, or without any"))
    if tags and not judged:
        told = "no tag has a polarity: codes are learnt, and their polarity is taken from the sentiment of the clause"
        found.append(Finding(NOTE, "no_polarity", told, tags.total()))
    return found


def _mood(rows: Sequence[Labelled]) -> bool:
    return {NEGATIVE, POSITIVE} <= {row.sentiment for row in rows}


def _label(row: Labelled) -> str:
    """What was said of a text, for a comparison and for a person."""
    tags = sorted({f"{tag.code}{'' if tag.polarity is None else ':' + tag.polarity}" for tag in row.tags})
    return " ".join([*tags, *([row.sentiment] if row.sentiment else [])]) or "nothing"


def _contradictions(rows: Sequence[Labelled], plain: Mapping[str, str]) -> list[Finding]:
    """Twins, which are one comment to a reader, and twins that were labelled differently."""
    together: dict[str, list[Labelled]] = {}
    for row in rows:
        if row.text.strip():
            together.setdefault(plain[row.text] or row.text, []).append(row)
    twins = sum(len(same) - 1 for same in together.values())
    apart = [same for same in together.values() if len(same) > 1 and len({_label(row) for row in same}) > 1]
    found = []
    if apart:
        shown = []
        for same in apart[:_LISTED]:
            said: dict[str, int] = {}
            for row in same:
                said.setdefault(_label(row), row.row)
            places = "; ".join(f"row {number}: {label}" for label, number in list(said.items())[:3])
            shown.append(f"{mask(same[0].text)[:_SHOWN]} ({places})")
        told = f"{len(apart):,} text(s) stand there twice or more with labels that differ"
        first = tuple(row.row for same in apart[:_LISTED] for row in same[:2])
        hint = "decide which is right; all are learnt from as they are"
        found.append(Finding(WARN, "contradiction", told, len(apart), first, tuple(shown), hint))
    if twins:
        found.append(Finding(NOTE, "twins", f"{twins:,} row(s) repeat another, case and marks aside", twins))
    return found


def _leaks(train: Sequence[Labelled], dev: Sequence[Labelled], plain: Mapping[str, str]) -> list[Finding]:
    """Development rows whose text, or nearly so, is also learnt from: figures on them flatter."""
    learnt = {plain[row.text] for row in train} - {""}
    filled = [row for row in dev if row.text.strip()]
    same = [row for row in filled if plain[row.text] in learnt]
    found = []
    if same:
        told = f"{len(same):,} of {len(dev):,} development rows also stand in the training data"
        hint = "these are left out of training, so that the figures hold"
        found.append(_found(WARN, "leak", told, same, hint=hint))
    rest = [row for row in filled if plain[row.text] not in learnt]
    pairs = near_twins([plain[row.text] for row in rest], [plain[row.text] for row in train])
    if pairs:
        told = f"{len(pairs):,} of {len(dev):,} development rows are nearly the same as one in training"
        texts = tuple(
            f"{mask(rest[mine].text)[:_SHOWN]} (row {rest[mine].row}) ~ {mask(train[theirs].text)[:_SHOWN]} (row {train[theirs].row})"
            for mine, theirs in pairs[:_LISTED]
        )
        places = tuple(rest[mine].row for mine, _ in pairs[:_LISTED])
        found.append(
            Finding(WARN if len(pairs) > len(dev) // 50 else NOTE, "near_leak", told, len(pairs), places, texts)
        )
    return found
