"""What ``vocnlp review`` is given: shares of the budget, files of labels, files that coders have reviewed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from .cli_options import ERR, say
from .errors import InputError

if TYPE_CHECKING:
    from .codeframe import Codeframe
    from .review_rows import Answers
    from .review_sample import Comment, Known
    from .review_scores import Leanings
    from .tagger import Tagger


def shares_of(given: str) -> dict[str, float]:
    """The shares that ``--shares`` names; InputError for what is no number."""
    found = {}
    for part in given.split(","):
        name, _, value = part.partition("=")
        try:
            share = float(value)
        except ValueError:
            share = math.nan
        if not math.isfinite(share):
            hint = "write --shares uncertain=0.5,rare=0.2,new=0.1,random=0.2"
            raise InputError("--shares takes names and numbers", value=part, hint=hint)
        found[name.strip()] = share
    return found


def known_in(paths: Sequence[Path], frame: Codeframe) -> Known:
    """What the files of ``--known`` hold labels of."""
    from .review_sample import known_of
    from .training.labelled import read_labelled

    rows = [row for path in paths for row in read_labelled(path, frame)]
    codes = [[code.id for tag in row.tags if (code := frame.resolve(tag.code)) is not None] for row in rows]
    return known_of([(row.text, each) for row, each in zip(rows, codes, strict=True)])


def labelled_in(path: Path, tagger: Tagger, *, by_bundle: bool) -> tuple[list[Comment], Leanings | None]:
    """Labelled rows, and what a model that has not learnt from them thinks; None: ask the bundle."""
    from .review_rows import Mark
    from .review_sample import Comment
    from .training.labelled import in_frame, read_labelled
    from .training.out_of_fold import out_of_fold

    rows = in_frame(read_labelled(path, tagger.codeframe), tagger.codeframe, path=path)
    comments = [
        Comment(row.id, row.text, tuple(Mark(t.code, t.polarity, t.start, t.end) for t in row.tags), row.sentiment)
        for row in rows
    ]
    return comments, None if by_bundle else out_of_fold(rows, tagger.codeframe)


def answers_in(path: Path, frame: Codeframe, by: str) -> Answers:
    """What coders answered in a workbook or an export; every cell that cannot be used is told before ReviewError."""
    from .review_rows import ReviewError
    from .review_sheet import read_sheet
    from .review_studio import is_studio_export, read_studio

    try:
        return read_studio(path, frame, by=by) if is_studio_export(path) else read_sheet(path, frame, by=by)
    except ReviewError as error:
        for one in error.problems:
            value = f" ({one.value[:40]!r})" if one.value else ""
            say(ERR, escape(f"  row {one.row}, column {one.column}: {one.problem}{value}"))
        raise
