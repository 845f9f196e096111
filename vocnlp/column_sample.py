"""What the first rows of a table say of a column: whether it reads like comments, answers, times or ids."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from .column_names import dates_are_in
from .column_values import as_answers, as_labels, as_times, day_order, is_year_last

_OPEN_LENGTH, _OPEN_DISTINCT = 4.0, 0.3


class Sample:
    """What the sample says of a column."""

    def __init__(self, schema: pa.Schema, batch: pa.RecordBatch) -> None:
        self._schema, self._batch = schema, batch
        self.is_empty = batch.num_rows == 0

    def _column(self, name: str) -> tuple[pa.Array, pa.Field]:
        return self._batch.column(name), self._schema.field(name)

    def words(self, name: str) -> tuple[float, float]:
        """(mean number of letters and hanzi per filled cell, share of distinct cells); (0, 0) where no cell has words.

        Single tokens without Chinese (order numbers, links, e-mail addresses) are no words.
        """
        column, kind = self._column(name)
        if not _is_textual(kind):
            return 0.0, 0.0
        texts = as_labels(column, kind).drop_null()
        worded = pc.match_substring_regex(texts, r"\p{Han}|\p{L}\s|\A\p{L}+\z")
        texts = texts.filter(worded)
        if not len(texts):
            return 0.0, 0.0
        letters = pc.utf8_length(pc.replace_substring_regex(texts, r"\P{L}+", ""))
        length: float = pc.mean(letters).as_py()
        distinct: float = pc.count_distinct(texts).as_py() / len(texts)
        return length, distinct

    def is_open(self, name: str) -> bool:
        """True where cells read like free text rather than like the options of a closed question."""
        length, distinct = self.words(name)
        return length >= _OPEN_LENGTH and distinct >= _OPEN_DISTINCT

    def scores(self, name: str, kind_of: str = "score") -> tuple[int, float, float]:
        """(filled cells, share of them that are answers on the scale, the greatest of these); see ``SCALES``."""
        column, kind = self._column(name)
        numbers, problems = as_answers(column, kind, kind_of=kind_of)
        good, bad = len(numbers) - numbers.null_count, len(problems) - problems.null_count
        return good + bad, good / max(good + bad, 1), pc.max(numbers).as_py() or 0.0

    def formula_share(self, name: str) -> float:
        """Share of the filled cells that are the texts of formulas: Excel never calculated them."""
        cells = self._filled(name)
        return (pc.sum(pc.starts_with(cells, "=")).as_py() or 0) / max(len(cells), 1)

    def fraction_share(self, name: str) -> float:
        """Share of the filled cells that are numbers between 0 and 1."""
        numbers, _ = as_answers(*self._column(name), kind_of="score")
        inside = pc.and_(pc.greater(numbers, 0.0), pc.less(numbers, 1.0))
        return (pc.sum(inside).as_py() or 0) / max(len(self._filled(name)), 1)

    def _filled(self, name: str) -> pa.Array:
        return as_labels(*self._column(name)).drop_null()

    def time_share(self, name: str) -> float:
        """Share of the filled cells that are dates or times; 0 where no cell is filled."""
        times, problems = self._times(name)
        good, bad = len(times) - times.null_count, len(problems) - problems.null_count
        share: float = good / max(good + bad, 1)
        return share

    def no_time(self, name: str) -> str | None:
        """A cell that is no date or time, of those that hang on the order of day and month if there are any."""
        texts, problems = as_labels(*self._column(name)), self._times(name)[1]
        wrong: list[str] = texts.filter(problems.is_valid()).to_pylist()
        return min(wrong, key=lambda text: not is_year_last(text), default=None)

    def day_order(self, name: str) -> str:
        """DAY_FIRST or MONTH_FIRST where the cells have the year last and only that order fits all of them, else ""."""
        return day_order(*self._column(name))

    def is_unordered(self, name: str) -> bool:
        """True where cells have the year last, and both orders of day and month fit all of them."""
        return is_year_last(self.no_time(name) or "") and not self.day_order(name)

    def _times(self, name: str) -> tuple[pa.Array, pa.Array]:
        column, kind = self._column(name)
        return as_times(column, kind, order=day_order(column, kind), serial=dates_are_in(name))

    def repeated(self, name: str) -> str | None:
        """The commonest of the cells that are there twice or more."""
        counts = pc.value_counts(as_labels(*self._column(name)).drop_null()).to_pylist()
        again = [(one["counts"], one["values"]) for one in counts if one["counts"] > 1]
        return max(again, key=lambda one: one[0])[1] if again else None

    def is_unique(self, name: str) -> bool:
        labels = as_labels(*self._column(name)).drop_null()
        return len(labels) > 0 and pc.count_distinct(labels).as_py() == len(labels)


def _is_textual(kind: pa.Field) -> bool:
    value = kind.type.value_type if pa.types.is_dictionary(kind.type) else kind.type
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value))
