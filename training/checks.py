"""Looks over labelled data before anything is learnt from it: findings as values, each with its rows and masked examples.

``refuse`` findings stop a training, ``warn`` ones a person should look at, ``note`` ones are good to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vocnlp.codeframe import Codeframe
from vocnlp.records import NEGATIVE, POLARITIES, POSITIVE
from vocnlp.text import normalise

from .checked import NOTE, REFUSE, WARN, Checked, Finding, finding_of
from .label_advice import advice
from .labelled import Labelled, labels_of, plain_by_text, unknown_codes
from .profile import profile_of
from .twin_checks import contradictions, leaks

_LEAST_ROWS = 8  # below, nothing that is measured or chosen means anything
_FEW = 20  # comments below which a code's threshold and figures are mostly chance


@dataclass(frozen=True)
class Suspects:
    """What the rows are looked at beside, and the way of training.

    before: the codes of the frame and of the bundle that training starts from; dev_file: the one that development rows stand
    in, None for that of the others
    """

    frame: Codeframe | None = None  # None: a flat one is made from the data
    before: frozenset[str] = frozenset()
    left: tuple[str, ...] = ()  # columns that were taken for no code
    ticked: bool = False  # 1 and 0 were taken for there and not there
    dev_file: Path | None = None
    encoder: bool = False  # one is fine-tuned, with n-grams beside it or without
    ngrams: bool = True
    noisy: bool = False  # many labels are wrong, and each comment has one


def check(
    train: Sequence[Labelled], dev: Sequence[Labelled], beside: Suspects, plain: Mapping[str, str] | None = None
) -> Checked:
    """Everything that can be told of the rows before training. ``dev`` are those that will measure it; nothing is learnt
    from the rows in ``train`` that have the text of one of them.

    plain: what ``plain_by_text`` gives of all rows, where it is known already
    """
    both = [*train, *dev]
    plain = plain_by_text(both) if plain is None else plain
    filled, apart = ([row for row in rows if row.text.strip()] for rows in (train, dev))
    measured = {plain[row.text] for row in apart}
    learnt = [row for row in filled if plain[row.text] not in measured]
    per_code = Counter(code for row in learnt for code in dict.fromkeys(tag.code for tag in row.tags))
    # Rows are counted in their file, so what is told of two files is told of each.
    files = [(both, None)] if beside.dev_file is None else [(train, None), (dev, beside.dev_file)]
    findings = [
        *_codes(files, beside),
        *(one for rows, file in files for one in _several(rows, beside, file)),
        *_columns(beside),
        *_size(learnt, plain, len(filled) - len(learnt)),
        *(one for rows, file in files for one in _empty(rows, file)),
        *_sentiment(learnt),
        *_few(learnt, per_code, beside),
        *contradictions(filled, apart, plain, beside.dev_file),
        *leaks(filled, apart, plain, beside.dev_file),
    ]
    order = {REFUSE: 0, WARN: 1, NOTE: 2}
    findings.sort(key=lambda finding: order[finding.severity])
    profile = profile_of([row.text for row in both])
    return Checked(len(learnt), len(apart), tuple(findings), profile, dict(per_code.most_common()))


_Files = Sequence[tuple[Sequence[Labelled], Path | None]]


def _codes(files: _Files, beside: Suspects) -> Iterator[Finding]:
    """Labels that the frame does not know, or where there is no frame, labels that differ by case alone."""
    if beside.frame is None:
        yield from _spelling([row for rows, _ in files for row in rows], beside)
        return
    for rows, file in files:
        for label in sorted(unknown_codes(rows, beside.frame)):
            told, lost = f"the codeframe {beside.frame.name} has no such code: {label!r}", label in beside.before
            if lost:
                told += ", which the bundle to start from has: the codeframe lost it"
                carry = "carry the data over: vocnlp codeframe migrate"
                hint = f"put it back, or {carry} (where {label!r} became another code)"
            else:
                hint = advice(label, beside.frame, otherwise="add it to the codeframe, or train without --codeframe")
            carrying = (row for row in rows if label in labels_of(row))
            yield finding_of(REFUSE, "lost_code" if lost else "unknown_code", told, carrying, hint=hint, file=file)


def _spelling(rows: Sequence[Labelled], beside: Suspects) -> Iterator[Finding]:
    spelt: dict[str, list[str]] = {}
    for code in sorted({code for row in rows for code in labels_of(row)}):
        spelt.setdefault(normalise(code).strip(), []).append(code)
    for same in spelt.values():
        if len(same) > 1:
            told = f"{' and '.join(map(repr, same))} differ by case, width or blanks alone, and are learnt as different codes"
            odd = [row for row in rows if not set(same[1:]).isdisjoint(labels_of(row))]
            one = odd if beside.dev_file is None else []  # the rows of two files would be counted as of one
            found = finding_of(WARN, "spelling", told, one, hint="write them alike, or give a codeframe")
            yield replace(found, count=len(odd))


def _several(rows: Sequence[Labelled], beside: Suspects, file: Path | None) -> Iterator[Finding]:
    """Comments with several codes of a frame whose codes exclude each other."""
    if beside.frame is None or not beside.frame.exclusive:
        return
    if odd := [row for row in rows if row.text.strip() and len({tag.code for tag in row.tags}) > 1]:
        told = f"{len(odd):,} comment(s) carry several codes, and those of {beside.frame.name} exclude each other"
        hint = "leave one in each, or take exclusive out of the codeframe"
        severity = REFUSE if beside.noisy else WARN
        yield finding_of(severity, "several", told, odd, hint=hint, file=file)


def _columns(beside: Suspects) -> Iterator[Finding]:
    """How the columns of wide tables were read, where they might have been meant otherwise."""
    if beside.left:
        told = f"columns whose names or cells are not those of codes were left out: {', '.join(map(repr, beside.left))}"
        yield Finding(NOTE, "columns", told, len(beside.left), hint="is one a code? give a codeframe that has it")
    if beside.ticked:
        told = "1 and 0 were read as there and not there, without a polarity"
        yield Finding(NOTE, "ticked", told, hint="are they positive and neutral? write the words")


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
        return [
            finding_of(REFUSE, "all_equal", told, rows, hint="is this the right column? name the text column 'text'")
        ]
    return []


def _empty(rows: Sequence[Labelled], file: Path | None) -> list[Finding]:
    bare = [row for row in rows if not row.text.strip()]
    labelled = [row for row in bare if row.tags or row.sentiment]
    if not bare:
        return []
    told = f"{len(bare):,} row(s) without a text are left out" + (
        f"; {len(labelled):,} carry labels" if labelled else ""
    )
    return [finding_of(WARN if labelled else NOTE, "empty", told, bare, file=file)]


def _sentiment(rows: Sequence[Labelled]) -> list[Finding]:
    said = Counter(row.sentiment for row in rows if row.sentiment)
    if not said or {NEGATIVE, POSITIVE} <= set(said):
        return []
    told = f"sentiment is {' or '.join(sorted(said))} in all {said.total():,} rows that have one: not learnt"
    return [Finding(WARN, "one_sentiment", told, said.total(), hint="add comments of the other")]


def _few(rows: Sequence[Labelled], per_code: Mapping[str, int], beside: Suspects) -> list[Finding]:
    """Codes that cannot be learnt, by name; codes that are learnt from few; labels that no text may carry."""
    frame, absent_too = beside.frame, not beside.encoder or beside.ngrams
    names = {code.id: code.name for code in frame.codes} if frame else {}

    def listed(codes: Iterable[str]) -> str:
        return ", ".join(f"{names.get(code, code)} ({per_code.get(code, 0)})" for code in codes)

    tags = Counter(tag.polarity for row in rows for tag in row.tags)
    judged = sum(count for word, count in tags.items() if word in POLARITIES)
    taggable = [code.id for code in frame.taggable] if frame else sorted(per_code)
    groups = [code for code in per_code if frame and code in frame and code not in taggable]
    once = [code for code in taggable if 0 < per_code.get(code, 0) < 2]
    none = [code for code in taggable if not per_code.get(code)]
    looked = Counter(row.annotated for row in rows if row.coded)
    everywhere = [
        code
        for code in taggable
        if per_code.get(code, 0) >= 2
        and per_code[code] >= sum(count for some, count in looked.items() if some is None or code in some)
    ]
    few = [code for code in taggable if 2 <= per_code.get(code, 0) < _FEW]
    found = []
    if groups:
        told = f"groups of other codes are never tagged, so their labels teach nothing: {listed(groups)}"
        found.append(Finding(WARN, "groups", told, len(groups), hint="label with the codes below them"))
    if everywhere:
        then = "learnt all the same, and said of nearly every comment" if beside.encoder else "not learnt"
        told = f"in every comment that was looked through for it, so nothing tells when it is absent: {then}: "
        told += listed(everywhere)
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
    taught = [code for code in taggable if per_code.get(code, 0) >= 2]
    # An encoder learns a code from what it is, n-grams only beside comments without it.
    if len(taught) == (len(everywhere) if absent_too else 0) and not _mood(rows):
        told = "nothing can be learnt from these rows: no code stands in two comments"
        told += " and is absent from one" if absent_too else ""
        found.append(Finding(REFUSE, "one_class", told, len(rows), hint="add comments of other codes, or without any"))
    if tags and not judged:
        told = "no tag has a polarity: codes are learnt, and their polarity is taken from the sentiment of the clause"
        found.append(Finding(NOTE, "no_polarity", told, tags.total()))
    return found


def _mood(rows: Sequence[Labelled]) -> bool:
    return {NEGATIVE, POSITIVE} <= {row.sentiment for row in rows}
