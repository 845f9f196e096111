"""Comments as they came in: a file or a store, all of it or a period, batch by batch in an order that stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from .batch import WINDOW, Options, open_for_scoring, tag_all
from .columns import feedback
from .errors import InputError
from .records import FEEDBACK, TAGGED
from .store import Store
from .tagged_reading import is_store, read_tagged
from .tagger import Tagger

_DAY = r"\d{4}-\d{2}-\d{2}"
_PERIOD = re.compile(rf"(?P<place>.+):(?P<since>{_DAY})?\.\.(?P<until>{_DAY})?\Z")
_SCAN = {"batch_size": WINDOW, "batch_readahead": 1, "fragment_readahead": 1}
_TEXTS = ("id", "text")


@dataclass(frozen=True)
class Traffic:
    """The comments of a file or store whose day is ``since`` or later, and ``until`` or earlier; None: no bound.

    With a bound, comments without a time are left out. ``version`` is the one of a store that is read.
    """

    place: str
    since: date | None = None
    until: date | None = None
    options: Options = field(default_factory=Options)
    version: int | None = None

    @classmethod
    def of(
        cls, place: str, *, since: date | None = None, until: date | None = None, options: Options | None = None
    ) -> Traffic:
        """``place`` is a file, a store, or either with a period: ``feedback:2026-01-01..2026-03-31``.

        InputError for a period that ends before it begins, or is given twice, or has a day that is none.
        """
        if match := _PERIOD.match(place):
            if since or until:
                raise InputError("the period is given twice", path=place, hint="once is enough")
            place, since, until = match["place"], _day(match["since"], place), _day(match["until"], place)
        if since and until and until < since:
            raise InputError(f"the period ends on {until}, before it begins on {since}", path=place)
        version = _store(place).history(1)[0].version if _in_store(place) else None
        return cls(place, since, until, options or Options(), version)

    def __str__(self) -> str:
        if not self.since and not self.until:
            return self.place
        return f"{self.place}:{self.since or ''}..{self.until or ''}"

    @property
    def in_store(self) -> bool:
        return self.version is not None

    def overlaps(self, other: Traffic) -> bool:
        """Whether both are of one file or store, and have a day in common from which it holds comments."""
        if self.place != other.place and not _same(self.place, other.place):
            return False
        begin = max(self.since or date.min, other.since or date.min)
        end = min(self.until or date.max, other.until or date.max)
        if begin > end or (begin, end) == (date.min, date.max):
            return begin <= end
        days = self.days()
        return days is not None and begin <= days[1] and days[0] <= end

    def identity(self) -> dict[str, Any]:
        """What is the same exactly when the same comments come in the same order."""
        if self.in_store:
            what: dict[str, Any] = {"store": self.place, "version": self.version}
        else:
            _, columns = open_for_scoring(self.place, self.options)
            stat = Path(self.place).stat()
            what = {"file": str(Path(self.place).resolve()), "bytes": stat.st_size, "modified": stat.st_mtime_ns}
            what |= {"sheet": self.options.sheet, "text": columns.text}
        return {**what, "since": str(self.since), "until": str(self.until)}

    def texts(self, *, skip: int = 0) -> Iterator[pa.RecordBatch]:
        """Batches of ``id`` and ``text``, without the first ``skip`` comments. Memory holds a few batches."""
        for batch in self._stored(_TEXTS) if self.in_store else self._raw(_TEXTS):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
            else:
                yield batch.slice(skip)
                skip = 0

    def tagged(self, tagger: Tagger, *, anew: bool = False) -> Iterator[pa.RecordBatch]:
        """Batches in the schema ``records.TAGGED``; what is not tagged yet, or all (``anew``), is tagged by ``tagger``."""
        if anew:
            rows = self._stored(FEEDBACK.names) if self.in_store else self._raw(FEEDBACK.names)
            yield from tag_all(rows, tagger, text="text")
        elif self.in_store:
            yield from self._stored(TAGGED.names)
        else:
            table, _ = read_tagged(self.place, tagger, self.options)
            for batch in table.to_batches(WINDOW):
                yield from self._within(batch)

    def days(self) -> tuple[date, date] | None:
        """The first and the last day that the place holds, whatever the period; None where no comment has a time."""
        if not self.in_store:
            found = [pc.min_max(batch["at"]).as_py() for batch in self._read()]
        else:
            found = [pc.min_max(batch["at"]).as_py() for batch in self._dataset(["at"]).to_batches(**_SCAN)]
        moments = [moment for one in found for moment in one.values() if moment is not None]
        return (min(moments).date(), max(moments).date()) if moments else None

    def nothing(self) -> InputError:
        """The error that says that no comment is in the period, and which days there are."""
        days = self.days()
        held = f"it holds comments from {days[0]} to {days[1]}" if days else "none of its comments has a time"
        told = "holds no comment" if not (self.since or self.until) else "no comment lies in this period"
        return InputError(told, path=str(self), hint=held if self.since or self.until else "give a file with comments")

    def timeless(self) -> str:
        """What a period leaves out because it has no time that can be read: how many comments, and the first such cell."""
        if not (self.since or self.until):
            return ""
        count, cell, first = 0, "", 1
        if self.in_store:
            count = self._dataset(["at"]).count_rows(filter=pc.field("at").is_null())
        else:
            source, columns = open_for_scoring(self.place, self.options)
            for batch in source.batches(WINDOW):
                read, problems = feedback(batch, columns, first_row=first)
                first += batch.num_rows
                count += read["at"].null_count
                wrong = next((one for one in problems if one.column == columns.at), None)
                if wrong is not None and not cell:
                    cell = f"; the first cell: data row {wrong.row}, column {wrong.column}, {wrong.value!r}"
        told = f"{count:,} comments of {self.place} have no time that can be read, so they lie in no period{cell}"
        return told if count else ""

    def _read(self) -> Iterator[pa.RecordBatch]:
        source, columns = open_for_scoring(self.place, self.options)
        first = 1
        for batch in source.batches(WINDOW):
            read, _ = feedback(batch, columns, first_row=first)
            first += batch.num_rows
            yield read

    def _raw(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for read in self._read():
            for batch in self._within(read):
                yield batch.select(list(names))

    def _within(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        if not (self.since or self.until):
            yield batch
            return
        begin = datetime.combine(self.since or date.min, datetime.min.time())
        inside = pc.greater_equal(batch["at"], pa.scalar(max(begin, _FIRST), pa.timestamp("us")))
        if self.until:
            inside = pc.and_(inside, pc.less_equal(batch["at"], pa.scalar(_last(self.until), pa.timestamp("us"))))
        if (kept := batch.filter(inside)).num_rows:
            yield kept

    def _stored(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        chosen = pc.scalar(True)
        if self.since:
            chosen &= pc.field("at") >= pa.scalar(datetime.combine(self.since, datetime.min.time()), pa.timestamp("us"))
        if self.until:
            chosen &= pc.field("at") <= pa.scalar(_last(self.until), pa.timestamp("us"))
        wanted = list(dict.fromkeys([*names, "at"]))
        for batch in self._dataset(wanted).to_batches(filter=chosen, **_SCAN):
            if batch.num_rows:
                yield batch.select(list(names))

    def _dataset(self, names: list[str]) -> ds.Dataset:
        return _store(self.place).read(names, version=self.version)


_FIRST = datetime(1, 1, 2)


def _last(day: date) -> datetime:
    """The last microsecond of a day; there is no day after 9999-12-31."""
    return datetime.combine(day, time.max)


def _day(word: str | None, place: str) -> date | None:
    try:
        return date.fromisoformat(word) if word else None
    except ValueError as error:
        raise InputError("no such day", path=place, value=word, hint="write 2026-01-31") from error


def _in_store(place: str) -> bool:
    return "://" in place or is_store(Path(place))


def _store(place: str) -> Store:
    return Store.open(place)


def _same(one: str, other: str) -> bool:
    a, b = Path(one), Path(other)
    return a.exists() and b.exists() and a.samefile(b)
