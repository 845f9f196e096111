"""Labels of sentiment that are believed in part: the rest is what n-grams say that have not read the comment.

A network that reads a set often learns the wrong labels of it by heart, too, and is then sure of what it should doubt. N-grams fitted
to the other parts of the set cannot have done so; their answers soften the labels, or for a while stand in their place
(self-distillation over parts: Reed et al. 2015, "Training deep neural networks on noisy labels with bootstrapping").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.records import NEGATIVE, POSITIVE
from vocnlp.review_scores import clause_lines

from .labelled import Labelled, parts_of
from .linear_fit import LinearRecipe, fit_linear
from .reading import Example
from .recipe import EncoderRecipe

_FOLDS = 5
_READ = LinearRecipe(held_out=0, least_texts=3)  # the sentiment alone is asked for


def doubted(
    train: Sequence[Example], rows: Sequence[Labelled], frame: Codeframe, recipe: EncoderRecipe
) -> list[Example]:
    """The examples of these rows; those of a set in ``recipe.doubted`` that are positive or negative lean as far as the label
    and, with the weight ``recipe.doubt``, n-grams fitted to other rows of the doubted sets say.

    InputError where the pattern names no such row, or too few to leave a part of them out.
    """
    chosen = [at for at, row in enumerate(rows) if row.sentiment in (NEGATIVE, POSITIVE) and row.is_of(recipe.doubted)]
    some = [replace(rows[at], tags=(), annotated=frozenset()) for at in chosen]
    part = np.array(parts_of([row.text for row in some], _FOLDS))
    found = list(train)
    for fold in range(_FOLDS):
        inside = np.flatnonzero(part == fold)
        others = [row for row, where in zip(some, part, strict=True) if where != fold]
        if {row.sentiment for row in others} != {NEGATIVE, POSITIVE}:
            hint = "name sets with positive and negative comments, some dozens at least"
            told = "too few comments of the doubted sets to learn from a part of them what to think of the others"
            raise InputError(told, column="encoder.doubted", value=", ".join(recipe.doubted), hint=hint)
        if not len(inside):
            continue
        model = fit_linear(others, frame, _READ).model
        said = model.score(clause_lines([some[at].text for at in inside.tolist()])).sentiment
        assert said is not None  # both kinds are among the others
        positive = said[:, 2] / (said[:, 0] + said[:, 2])
        for at, heard in zip(inside.tolist(), positive.tolist(), strict=True):
            label = float(some[at].sentiment == POSITIVE)
            found[chosen[at]] = replace(train[chosen[at]], leaning=(1 - recipe.doubt) * label + recipe.doubt * heard)
    return found
