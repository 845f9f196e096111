"""Labels of sentiment and polarity that are believed in part: the rest is what n-grams say that have not read the comment.

A network that reads a set often learns the wrong labels of it by heart, too, and is then sure of what it should doubt. N-grams fitted
to the other parts of the set cannot have done so; their answers soften the labels, or for a while stand in their place
(self-distillation over parts: Reed et al. 2015, "Training deep neural networks on noisy labels with bootstrapping").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vocnlp.classifiers import Scores
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.records import NEGATIVE, POLARITIES, POSITIVE
from vocnlp.review_scores import clause_lines

from .labelled import Labelled, parts_of
from .linear_fit import LinearRecipe, fit_linear
from .reading import Example
from .recipe import EncoderRecipe

_FOLDS = 5
_READ = LinearRecipe(held_out=0, least_texts=3)  # thresholds are not asked for


def doubted(
    train: Sequence[Example],
    rows: Sequence[Labelled],
    codes: Sequence[str],
    frame: Codeframe,
    recipe: EncoderRecipe,
) -> list[Example]:
    """The examples of these rows, ``codes`` their columns. Of a set in ``recipe.doubted``, the polarity of a code is believed as far
    as the label and, with the weight ``recipe.doubt``, n-grams fitted to other rows of the set say; where no code has one, the
    sentiment of the whole is. (The sentiment beside polarities mostly follows from them, and n-grams are worse at it: doubted as
    well, that of held-out laptops went from .812 to .790.)

    InputError where the pattern names no such row, or too few to leave a part of them out.
    """
    sets: dict[str, list[int]] = {}
    for at, row in enumerate(rows):
        if row.is_of(recipe.doubted):
            sets.setdefault(row.source, []).append(at)
    if not sets:
        raise _too_few(recipe)
    found = list(train)
    for places in sets.values():
        for inside, said, columns in _answers([rows[at] for at in places], codes, frame, recipe):
            for number, place in enumerate(inside):
                at = places[place]
                found[at] = _softened(train[at], rows[at], said, number, columns, recipe.doubt)
    return found


def _answers(
    rows: Sequence[Labelled], codes: Sequence[str], frame: Codeframe, recipe: EncoderRecipe
) -> Iterator[tuple[list[int], Scores, npt.NDArray[np.int64]]]:
    """Part by part of a set: which rows are in it, what n-grams fitted to the others say of them, and where each of the codes
    stands in that, or -1."""
    if not any(map(_judged, rows)):  # sentiment alone is asked for
        rows = [replace(row, tags=(), annotated=frozenset()) for row in rows]
    as_written: dict[
        str, str
    ] = {}  # a misspelt copy stands behind its comment, and would betray the label from another part
    part = np.array(parts_of([as_written.setdefault(row.id, row.text) for row in rows], _FOLDS))
    for fold in range(_FOLDS):
        inside = np.flatnonzero(part == fold).tolist()
        others = [row for row, where in zip(rows, part, strict=True) if where != fold]
        if not {NEGATIVE, POSITIVE} <= {row.sentiment for row in others} and not any(map(_judged, others)):
            raise _too_few(recipe)
        if inside:
            model = fit_linear(others, frame, _READ).model
            said = model.score(clause_lines([rows[at].text for at in inside]))
            columns = [model.codes.index(code) if code in model.codes else -1 for code in codes]
            yield inside, said, np.array(columns, np.int64)


def _judged(row: Labelled) -> bool:
    return any(tag.polarity in POLARITIES for tag in row.tags)


def _softened(
    one: Example, row: Labelled, said: Scores, number: int, columns: npt.NDArray[np.int64], doubt: float
) -> Example:
    """An example that believes its labels but for the share ``doubt``."""
    if not _judged(row):
        if row.sentiment not in (NEGATIVE, POSITIVE) or said.sentiment is None:
            return one
        negative, _, positive = said.sentiment[number].tolist()
        return replace(
            one, leaning=(1 - doubt) * float(row.sentiment == POSITIVE) + doubt * positive / (negative + positive)
        )
    believed = np.eye(len(POLARITIES), dtype=np.float32)[np.maximum(one.polarity, 0)]
    known = columns >= 0
    believed[known] = (1 - doubt) * believed[known] + doubt * said.polarity[number][columns[known]]
    return replace(one, believed=believed)


def _too_few(recipe: EncoderRecipe) -> InputError:
    hint = "name sets with comments of several polarities, some dozens at least"
    told = "too few comments of the doubted sets to learn from a part of them what to think of the others"
    return InputError(told, column="encoder.doubted", value=", ".join(recipe.doubted), hint=hint)
