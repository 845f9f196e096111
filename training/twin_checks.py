"""Comments that stand in labelled data more than once: with labels that differ, or both to learn from and to measure on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vocnlp.privacy import mask

from .checked import LISTED, NOTE, SHOWN, WARN, Finding, finding_of
from .labelled import Labelled
from .twins import near_twins


def _label(row: Labelled) -> str:
    """What was said of a text, for a comparison and for a person."""
    tags = sorted({f"{tag.code}{'' if tag.polarity is None else ':' + tag.polarity}" for tag in row.tags})
    return " ".join([*tags, *([row.sentiment] if row.sentiment else [])]) or "nothing"


def contradictions(
    train: Sequence[Labelled], dev: Sequence[Labelled], plain: Mapping[str, str], file: Path | None
) -> list[Finding]:
    """Twins, which are one comment to a reader, and twins that were labelled differently.

    file: the one that the rows of ``dev`` stand in, None where that is the one of the others
    """
    together: dict[str, list[tuple[Labelled, str]]] = {}
    for rows, place in ((train, ""), (dev, _of(file))):
        for row in rows:
            together.setdefault(plain[row.text], []).append((row, place))
    twins = sum(len(same) - 1 for same in together.values())
    apart = [same for same in together.values() if len(same) > 1 and len({_label(row) for row, _ in same}) > 1]
    found = []
    if apart:
        shown = []
        for same in apart[:LISTED]:
            said: dict[str, str] = {}
            for row, place in same:
                said.setdefault(_label(row), f"row {row.row}{place}")
            places = "; ".join(f"{place}: {label}" for label, place in list(said.items())[:3])
            shown.append(f"{mask(same[0][0].text)[:SHOWN]} ({places})")
        told = f"{len(apart):,} text(s) stand there twice or more with labels that differ"
        first = tuple(row.row for same in apart[:LISTED] for row, place in same[:2] if not place)
        hint = "decide which is right; all are learnt from as they are"
        found.append(Finding(WARN, "contradiction", told, len(apart), first, tuple(shown), hint))
    if twins:
        found.append(Finding(NOTE, "twins", f"{twins:,} row(s) repeat another, case and marks aside", twins))
    return found


def _of(file: Path | None) -> str:
    """What follows a row's number where it is that of a second file."""
    return f" of {file.name}" if file else ""


def leaks(
    train: Sequence[Labelled], dev: Sequence[Labelled], plain: Mapping[str, str], file: Path | None
) -> list[Finding]:
    """Development rows whose text, or nearly so, is also learnt from: figures on them flatter."""
    learnt = {plain[row.text] for row in train}
    same = [row for row in dev if plain[row.text] in learnt]
    found = []
    if same:
        told = f"{len(same):,} of {len(dev):,} development rows also stand in the training data"
        hint = "these are left out of training, so that the figures hold"
        found.append(finding_of(WARN, "leak", told, same, hint=hint, file=file))
    rest = [row for row in dev if plain[row.text] not in learnt]
    pairs = near_twins([plain[row.text] for row in rest], [plain[row.text] for row in train])
    if pairs:
        told = f"{len(pairs):,} of {len(dev):,} development rows are nearly the same as one in training"
        texts = tuple(
            f"{mask(rest[mine].text)[:SHOWN]} (row {rest[mine].row}{_of(file)})"
            f" ~ {mask(train[theirs].text)[:SHOWN]} (row {train[theirs].row})"
            for mine, theirs in pairs[:LISTED]
        )
        places = tuple(rest[mine].row for mine, _ in pairs[:LISTED])
        severity = WARN if len(pairs) > len(dev) // 50 else NOTE
        found.append(Finding(severity, "near_leak", told, len(pairs), places, texts, file=file))
    return found
