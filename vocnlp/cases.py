"""Cases (工单): what people do about an alert, from open to resolved, and whether the customer came back happier.

A case is opened with its alert, in the same file and the same breath: see ``alert_outbox``. Everything here is a change
of that file, or a pure function of a case and a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import pyarrow as pa
import pyarrow.compute as pc

from .alert_comments import local
from .alert_outbox import Outbox
from .errors import InputError
from .folding import Rows

OPEN, ASSIGNED, IN_PROGRESS, RESOLVED = "open", "assigned", "in_progress", "resolved"
STATES = (OPEN, ASSIGNED, IN_PROGRESS, RESOLVED)
STATE_NAMES = dict(zip(STATES, ("待处理", "已分派", "处理中", "已解决"), strict=True))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a case: when, to which state, by whom, with which note."""

    at: float
    state: str
    who: str
    note: str


@dataclass(frozen=True, slots=True)
class Case:
    """The case of one alert. Times are seconds since 1970; ``customer`` is a keyed hash, or "" where nobody is known.

    ``responded`` is when somebody first began to work on it (or resolved it at once): being assigned is no response.
    """

    alert: str
    state: str
    owner: str
    assignee: str
    customer: str
    opened: float
    responded: float | None
    resolved: float | None
    steps: tuple[Step, ...]

    @property
    def time_to_respond(self) -> float | None:
        """Seconds, None while nobody has begun."""
        return None if self.responded is None else self.responded - self.opened

    @property
    def time_to_resolve(self) -> float | None:
        """Seconds, None while it is not resolved."""
        return None if self.resolved is None else self.resolved - self.opened


@dataclass(frozen=True, slots=True)
class ScoreAfter:
    """The first 0-10 answer of the same customer after the case was resolved; ``at`` as the data's clock shows it."""

    score: float
    at: datetime


def cases(outbox: Outbox, number: str | None = None) -> list[Case]:
    """All cases, newest first, or the one of this alert."""
    steps: dict[str, list[Step]] = {}
    for alert, at, state, who, note in outbox.asked(
        "select alert, at, state, who, note from step where ?1 is null or alert = ?1 order by at, rowid", number
    ):
        steps.setdefault(alert, []).append(Step(at, state, who or "", note or ""))
    query = """select alert, state, owner, assignee, customer, opened, responded, resolved from casefile
      where ?1 is null or alert = ?1 order by opened desc, alert"""
    return [
        Case(alert, state, owner, assignee or "", customer or "", opened, responded, resolved, tuple(steps[alert]))
        for alert, state, owner, assignee, customer, opened, responded, resolved in outbox.asked(query, number)
    ]


def assign(outbox: Outbox, number: str, *, to: str, now: float, by: str = "", note: str = "") -> Case:
    """Give the case to somebody; a case that is being worked on stays so, in other hands."""
    if not to.strip():
        raise InputError("a case is assigned to somebody", column="to", value=to, hint="name the person or the team")
    move = lambda state: state if state == IN_PROGRESS else ASSIGNED  # noqa: E731
    return _moved(outbox, number, move, now=now, by=by, note=note or f"→ {to.strip()}", assignee=to.strip())


def start(outbox: Outbox, number: str, *, now: float, by: str = "", note: str = "") -> Case:
    """Somebody works on it: the response that ``time_to_respond`` counts to."""
    return _moved(outbox, number, lambda _: IN_PROGRESS, now=now, by=by, note=note)


def resolve(outbox: Outbox, number: str, *, note: str, now: float, by: str = "") -> Case:
    """The matter is settled; the note says how."""
    if not note.strip():
        raise InputError("a case is resolved with a note", column="note", hint="say in a sentence what was done")
    return _moved(outbox, number, lambda _: RESOLVED, now=now, by=by, note=note.strip())


def _moved(
    outbox: Outbox,
    number: str,
    move: Callable[[str], str],
    *,
    now: float,
    by: str,
    note: str,
    assignee: str | None = None,
) -> Case:
    with outbox.writing() as connection:
        found = connection.execute("select state from casefile where alert = ?", (number,)).fetchone()
        if found is None:
            raise InputError(
                "no case has this id", path=outbox.path, value=number, hint="vocnlp alerts list shows them"
            )
        if found[0] == RESOLVED:
            hint = "what comes up again opens a case of its own: another comment at once, a figure from the next day on"
            raise InputError("the case is resolved", path=outbox.path, value=number, hint=hint)
        state = move(found[0])
        begun, done = (now if state in (IN_PROGRESS, RESOLVED) else None), (now if state == RESOLVED else None)
        connection.execute(
            """update casefile set state = ?, assignee = coalesce(?, assignee), responded = coalesce(responded, ?),
              resolved = ? where alert = ?""",
            (state, assignee, begun, done, number),
        )
        connection.execute("insert into step values (?, ?, ?, ?, ?)", (number, now, state, by or None, note or None))
    return cases(outbox, number)[0]


def scores_after(outbox: Outbox, asked: Iterable[Case], rows: Rows, *, zone: tzinfo) -> dict[str, ScoreAfter]:
    """By alert, how the customer of a resolved case scored next, where later feedback of theirs is in the table.

    ``zone`` is that of the data's clock. Scores outside 0..10, and rows without a customer or a time, do not count.
    """
    done = [case for case in asked if case.resolved is not None and case.customer]
    names = ["customer", "score", "at"]
    if not done or not set(names) <= set(rows.schema.names):
        return {}
    table = rows.select(names) if isinstance(rows, pa.Table) else rows.to_table(columns=names)
    score = table.column("score").cast(pa.float64())
    kept = pc.and_(pc.and_(pc.greater_equal(score, 0.0), pc.less_equal(score, 10.0)), pc.is_valid(table.column("at")))
    table = table.filter(pc.fill_null(kept, False))
    wanted = {case.customer for case in done}
    who = [outbox.hashed((name or "").strip()) for name in table.column("customer").cast(pa.string()).to_pylist()]
    times = [at for chunk in table.column("at").chunks for at in local(chunk).to_pylist()]
    answers: dict[str, list[tuple[datetime, float]]] = {}
    for customer, given, at in zip(who, table.column("score").to_pylist(), times, strict=True):
        if customer in wanted:
            answers.setdefault(customer, []).append((at, given))
    found = {}
    for case in done:
        since = datetime.fromtimestamp(case.resolved or math.inf, UTC).astimezone(zone).replace(tzinfo=None)
        later = sorted(answer for answer in answers.get(case.customer, ()) if answer[0] > since)
        if later:
            found[case.alert] = ScoreAfter(later[0][1], later[0][0])
    return found
