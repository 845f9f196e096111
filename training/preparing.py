"""From labelled files to rows that can be trained on: read, put into the codeframe, split, and looked over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vocnlp.bundle import MANIFEST, Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_parts import fits_as_id
from vocnlp.codeframe_writing import next_version
from vocnlp.errors import InputError

from .checked import NOTE, Checked, Finding
from .checks import Suspects, check
from .label_advice import several
from .labelled import Labelled, Read, frame_of, in_frame, labels_of, plain_by_text, read_file, split, unknown_codes
from .mapping import read_all
from .own_recipe import OwnRecipe
from .recipe import Recipe, read_recipe


@dataclass(frozen=True)
class Prepared:
    """Rows with codes as ids of the frame, ready to train on unless ``checked`` refuses them.

    start, ngrams: what to fine-tune (None: nothing, a linear model), and whether n-grams stand beside it
    path: the file that errors name; own: the recipe over a file of one's own, None for one over a mapping's sets
    """

    plan: Recipe
    train: tuple[Labelled, ...]
    dev: tuple[Labelled, ...]
    checked: Checked
    path: Path
    start: str | None = None
    ngrams: bool = True
    own: OwnRecipe | None = None


def prepare(own: OwnRecipe) -> Prepared:
    """Read the files of a recipe and look over them. InputError for a file that cannot be read at all.

    Development rows that stand in the training data, too, are left out of training, and rows without a text of both.
    Without a codeframe it is a flat one of the data's codes; for few comments that of the start, and the codes of the
    data that it lacks.
    The recipe that comes back is sealed: what is written over a file while the training goes on was not learnt from.
    """
    base = Bundle.load(own.start) if own.start is not None and (Path(own.start) / MANIFEST).is_file() else None
    given = Codeframe.load(own.codeframe) if own.codeframe else None
    begun = base.codeframe if given is None and own.few and base is not None else None
    frames = [one for one in (given, begun) if one is not None]
    read = read_file(own.data, *frames)
    apart = read_file(own.dev, *frames) if own.dev else None
    own = own.sealed()
    _refuse_unfit(read, own.data, given or begun, named=given is None)
    if apart is not None and own.dev is not None:
        _refuse_unfit(apart, own.dev, given or begun, named=given is None)
    rows, dev = list(read.rows), list(apart.rows) if apart else []
    frame = given or (frame_of([*rows, *dev]) if begun is None else _widened(begun, [*rows, *dev]))
    unknown = bool(given and (unknown_codes(rows, frame) or unknown_codes(dev, frame)))
    if not unknown:
        rows, dev = in_frame(rows, frame, path=own.data), in_frame(dev, frame, path=own.dev or own.data)
    plain = plain_by_text([*rows, *dev])
    if apart is None:
        rows = [replace(row, dev_parts=own.dev_parts) for row in rows]
        rows, dev = split(rows, plain)
    ticked = read.ticked or (apart is not None and apart.ticked)
    beside = Suspects(
        given, _words(base), _left(read, apart), ticked, own.dev,
        encoder=own.start is not None and not own.few, ngrams=own.ngrams, noisy=own.encoder.robust > 0,
    )  # fmt: skip
    checked = check(rows, dev, beside, plain)
    checked = replace(checked, findings=(*checked.findings, *_start(base, frame)))
    own = replace(own, name=own.name or own.data.stem, version=own.version or datetime.now(UTC).strftime("%Y.%m.%d"))
    plan = Recipe(own.name, own.version, frame, (), own.linear, own.encoder)
    kept = _without(rows, dev, plain)
    return Prepared(plan, _filled(kept), _filled(dev), checked, own.data, own.start, own.ngrams, own)


def prepare_sets(recipe: Path, root: Path, *, start: str | None, kind: str, ngrams: bool = True) -> Prepared:
    """The rows of all sets of a recipe over a mapping, below ``root``, split as each set says."""
    plan = read_recipe(recipe)
    rows = read_all(plan.sets, plan.frame, root, kind)
    plain = plain_by_text(rows)
    train, dev = split(rows, plain)
    checked = check(train, dev, Suspects(plan.frame, encoder=start is not None, ngrams=ngrams), plain)
    kept = _without(train, dev, plain)
    return Prepared(plan, _filled(kept), _filled(dev), checked, recipe, start, ngrams)


def _widened(frame: Codeframe, rows: Sequence[Labelled]) -> Codeframe:
    """The next version of a frame, with the codes that the rows name and it lacks; itself where it lacks none."""
    lacking = Codeframe.from_labels(unknown_codes(rows, frame)).codes
    return replace(frame, codes=(*frame.codes, *lacking), version=next_version(frame.version)) if lacking else frame


def _words(base: Bundle | None) -> frozenset[str]:
    """Ids and names of the codes that a bundle knows."""
    if base is None:
        return frozenset()
    named = (base.codeframe[code].name for code in base.classifier.codes if code in base.codeframe)
    return frozenset((*base.classifier.codes, *named))


def _filled(rows: Sequence[Labelled]) -> tuple[Labelled, ...]:
    """The rows that have a text: of the others nothing can be learnt, and nothing measured."""
    return tuple(row for row in rows if row.text.strip())


def _refuse_unfit(read: Read, path: Path, frame: Codeframe | None, *, named: bool) -> None:
    """InputError for the first label that holds several codes or, where codes are ``named`` by labels, that can be none."""
    words = {word for code in frame.codes for word in (code.id, code.name)} if frame else set()
    labels = {label for row in read.rows for label in labels_of(row)}
    for label in sorted(labels - words):
        hint = "one row a code; if it is a single code, give a codeframe that has it"
        if read.column is not None and (parts := several(label, labels | words)):
            told = f"holds {len(parts)} codes, each of which stands alone, too"
        elif named and not fits_as_id(label):
            told = "cannot be the name of a code: it has '|' or control characters in it"
        else:
            continue
        row = next(row.row for row in read.rows if label in labels_of(row))
        column = label if read.column is None else read.column
        raise InputError(told, path=path, row=row or None, column=column, value=label, hint=hint)


def _left(*files: Read | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in files if one is not None for name in one.left))


def _without(rows: Sequence[Labelled], dev: Sequence[Labelled], plain: Mapping[str, str]) -> list[Labelled]:
    """The rows whose text is not among those that measure."""
    measured = {plain[row.text] for row in dev} - {""}
    return [row for row in rows if plain[row.text] not in measured]


def _start(base: Bundle | None, frame: Codeframe) -> list[Finding]:
    """Which codes go on from what a bundle has learnt, and which begin anew."""
    if base is None:
        return []
    mine, theirs = [code.id for code in frame.taggable], set(base.classifier.codes)
    kept, fresh = [code for code in mine if code in theirs], [code for code in mine if code not in theirs]
    if not kept:
        told = f"{base.label} knows none of these codes: its encoder is the start, all {len(fresh)} codes begin anew"
    else:
        told = f"{len(kept)} of {len(mine)} codes go on from what {base.label} knows"
        told += f"; anew begin: {', '.join(fresh)}" if fresh else ""
    found = [Finding(NOTE, "start", told, len(kept))]
    gone = [code for code in base.classifier.codes if code not in mine]
    if kept and gone:
        told = f"{base.label} knows {len(gone)} more code(s) that the new bundle will not: {', '.join(gone[:10])}"
        found.append(Finding(NOTE, "gone", told, len(gone)))
    return found
