"""What stands in the header's place and is none: a title, or the first row of a table without a header."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from .column_choice import listed
from .column_names import EXACT, match_name, plain
from .column_values import parse_time
from .errors import InputError
from .titles import names_of_columns

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?: \(\d+\))?")  # a name that is there twice gets a number behind it
_SENTENCE = re.compile(r"[\u3400-\u9fff][，,。！!；;～~][\u3400-\u9fff]|[\u3400-\u9fff][。！!]\s*\Z")
_WITHIN = 20  # data rows in which a header may stand
_SHORT = 12  # characters of a header cell; a comment that holds such a word is longer


def refuse_title(schema: pa.Schema, sample: pa.RecordBatch) -> None:
    """With a title in the header's place the header would pass for a comment, and the scores for words.

    InputError where one of the first ``_WITHIN`` rows has names of columns and the header has unnamed ones.
    """
    if not any(name == f"列{at}" for at, name in enumerate(schema.names, 1)):
        return
    for number, row in enumerate(sample.slice(0, _WITHIN).to_pylist(), 1):
        cells = [cell for cell in row.values() if cell not in (None, "")]
        header = names_of_columns(cells)
        # Further down a channel may well be called 平台 and a customer 用户.
        if len(header) > 1 and (number == 1 or 2 * len(header) > len(cells)):
            told = (
                f"{schema.names[0]!r} is a title; the header, {listed(header)}, stands below it, in data row {number}"
            )
            raise InputError(told, hint="delete the rows above the header")


def data_in_header(names: Iterable[str]) -> str | None:
    """The cell of a header by which it looks like a row of data: a number, a time or a sentence; None in a true header.

    A header in which one cell is the name of a column that we know is a true one.
    """
    cells = [name.strip() for name in names]
    matches = [match_name(cell) for cell in cells]
    if any(
        rank == EXACT or (role and len(plain(cell)) <= _SHORT)
        for cell, (role, rank) in zip(cells, matches, strict=True)
    ):
        return None
    for cell, (role, _) in zip(cells, matches, strict=True):
        if _NUMBER.fullmatch(cell) or parse_time(cell) is not None or (role is None and _SENTENCE.search(cell)):
            return cell
    return None
