"""What a linear model thinks of rows that it has not learnt from: every row scored by a fit on the other parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.review_scores import Leanings, leanings
from vocnlp.tagger import Tagger

from .labelled import Labelled, part_of
from .linear_fit import LinearRecipe, Progress, fit_linear

FOLDS = 5


def out_of_fold(
    rows: Sequence[Labelled],
    frame: Codeframe,
    recipe: LinearRecipe | None = None,
    *,
    folds: int = FOLDS,
    progress: Progress = lambda what, share: None,
) -> Leanings:
    """Scores of all rows by cross-validation; twins share a fold, so none betrays the other.

    InputError where the rows are too few to leave a part out, or teach nothing. MissingExtraError without scikit-learn.
    """
    part = np.array([part_of(row.text, folds) for row in rows])
    if len(set(part.tolist())) < 2:
        raise InputError("too few different rows to look for label errors", hint=f"give at least {folds} labelled rows")
    codes = tuple(code.id for code in frame.taggable)
    shape = (len(rows), len(codes))
    whole = Leanings(
        codes, np.full(len(codes), 0.5, np.float32), np.zeros(len(codes), bool),
        np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32), np.zeros(len(rows), bool),
        np.zeros(len(rows), np.int64),
    )  # fmt: skip
    for fold in range(folds):
        inside = np.flatnonzero(part == fold)
        others = [row for row, where in zip(rows, part, strict=True) if where != fold]
        if not len(inside):
            continue
        fitted = fit_linear(others, frame, recipe or LinearRecipe())
        tagger = Tagger(Bundle("fold", str(fold), frame, fitted.model, fitted.thresholds))
        seen = leanings(tagger, [rows[at].text for at in inside.tolist()])
        for name in ("mention", "polarity", "noise", "length"):
            getattr(whole, name)[inside] = getattr(seen, name)
        whole = replace(whole, threshold=seen.threshold, known=whole.known | seen.known)
        progress("cross-validation", (fold + 1) / folds)
    return whole
