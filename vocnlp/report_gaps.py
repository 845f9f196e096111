"""The small file of ratings for the satisfaction gap: one line per dimension, an empty cell stays empty."""

from __future__ import annotations

from pathlib import Path

from .errors import InputError
from .gaps import Attribute, attributes_of, gaps
from .tables import open_table

#: Column -> what it may be called.
NAMES = {
    "name": ("dimension", "name", "维度", "要素", "指标"),
    "experience": ("experience", "体验", "实际体验", "感知"),
    "expectation": ("expectation", "期望", "预期"),
    "importance": ("importance", "重要性", "重要度"),
    "ideal": ("ideal", "理想", "理想值"),
}
_BACK = {shown: name for name, words in NAMES.items() for shown in words}


def read_gaps(path: Path | str) -> tuple[Attribute, ...]:
    """Read dimension, experience, expectation, importance, ideal (or 维度, 体验, 期望, 重要性, 理想) from csv, xlsx, jsonl.

    InputError for a file without the dimension, an unknown or repeated column, a rating that is no number or off 0..10.
    """
    source = open_table(path)
    columns = {shown: _BACK.get(shown.strip().lower()) for shown in source.schema.names}
    for shown, name in columns.items():
        if name is None or list(columns.values()).count(name) > 1:
            hint = "columns: dimension, experience, expectation, importance, ideal (维度, 体验, 期望, 重要性, 理想)"
            raise InputError(
                "is no column of a satisfaction gap, or one of two alike", path=path, column=shown, hint=hint
            )
    if "name" not in columns.values():
        raise InputError("the column with the dimensions is missing", path=path, column="dimension", hint="维度")
    rows = [
        {columns[shown]: cell for shown, cell in row.items()}
        for batch in source.batches(1024)
        for row in batch.to_pylist()
    ]
    try:
        found = attributes_of({str(name): cell for name, cell in row.items()} for row in rows)
        gaps(found)
    except InputError as error:
        raise InputError(
            f"{error.message}", path=path, hint=error.hint or "ratings are numbers from 0 to 10"
        ) from error
    return found
