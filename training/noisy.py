"""Labels that a trained bundle finds unlikely: which rows of noisy data a person should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from vocnlp.codeframe import Codeframe
from vocnlp.delimited_writing import DelimitedWriter
from vocnlp.errors import InputError
from vocnlp.privacy import mask_all
from vocnlp.review_labels import exclusive_suspects
from vocnlp.review_scores import leanings
from vocnlp.tagger import Tagger
from vocnlp.whole_files import whole

from .labelled import Labelled

_COLUMNS = ("id", "text", "given", "likelier", "p_given", "p_likelier")
_KINDS = dict.fromkeys(_COLUMNS[:4], pa.string()) | dict.fromkeys(_COLUMNS[4:], pa.float64())


@dataclass(frozen=True)
class Suspect:
    """A row whose label is likely wrong; ``chances``: of the code given, and of the one that is likelier."""

    row: Labelled
    given: str
    likelier: str
    chances: tuple[float, float]


def check_exclusive(frame: Codeframe, path: Path) -> None:
    """InputError for a frame whose codes do not exclude each other."""
    if not frame.exclusive:
        hint = "vocnlp review sample --shares errors=1 finds likely label errors in any frame"
        raise InputError("noisy labels are handled where each comment has one code of several", path=path, hint=hint)


def label_suspects(tagger: Tagger, rows: Sequence[Labelled]) -> tuple[Suspect, ...]:
    """The rows of an exclusive frame whose label the bundle contradicts, the surest first.

    They may be the very rows it has learnt from, if it was trained with ``EncoderRecipe.robust``: that loss gives up
    on labels it finds unlikely, where the plain one learns them by heart.
    """
    seen = leanings(tagger, [row.text for row in rows])
    chance = seen.mention / np.maximum(seen.mention.sum(1, keepdims=True), 1e-9)
    place = {code: at for at, code in enumerate(seen.codes)}
    labelled = np.array([at for at, row in enumerate(rows) if row.tags and row.tags[0].code in place], np.int64)
    given = np.array([place[rows[at].tags[0].code] for at in labelled.tolist()], np.int64)
    likelier = exclusive_suspects(chance[labelled], given)
    found = [
        Suspect(rows[at], seen.codes[label], seen.codes[other], (float(chance[at, label]), float(chance[at, other])))
        for at, label, other in zip(labelled.tolist(), given.tolist(), likelier.tolist(), strict=True)
        if other >= 0
    ]
    return tuple(sorted(found, key=lambda one: (one.chances[0] - one.chances[1], one.row.id)))


def write_suspects(path: Path, suspects: Sequence[Suspect], frame: Codeframe) -> None:
    """A csv of them with codes by name, comments masked, formulas disarmed. OutputError where it cannot be written."""
    columns = [
        [one.row.id for one in suspects],
        mask_all([one.row.text for one in suspects]),
        [frame[one.given].name for one in suspects],
        [frame[one.likelier].name for one in suspects],
        [round(one.chances[0], 4) for one in suspects],
        [round(one.chances[1], 4) for one in suspects],
    ]
    schema = pa.schema(list(_KINDS.items()))
    rows = pa.record_batch([pa.array(c, k) for c, k in zip(columns, _KINDS.values(), strict=True)], schema=schema)
    with whole(path) as partial:
        writer = DelimitedWriter(partial, schema, delimiter=",", encoding="utf-8-sig", verbatim=False)
        writer.write(rows)
        writer.close()
