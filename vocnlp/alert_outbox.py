"""The outbox of alerts: one SQLite file in which an alert, its deliveries and its case are written before anything is sent.

A process that is killed between decision and delivery loses nothing: what was decided is in the file, and whoever opens
it next delivers it. Several processes may use one file: an id is recorded once, and a delivery is leased to one process
at a time. The file holds masked text, no address, no key, and of a customer only a keyed hash.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .alert_schema import ADDED, SCHEMA, TABLES
from .alert_words import Alert
from .errors import InputError, OutputError

NEW, KNOWN, REPEAT = "new", "known", "repeat"
PENDING, SENT, DEAD = "pending", "sent", "dead"
_PATIENCE = 30.0  # seconds that a write waits for another process


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process may try until its lease ends; ``attempt`` counts from 1."""

    alert: Alert
    hook: str
    attempt: int
    holder: str


@dataclass(frozen=True, slots=True)
class Sending:
    """How far the delivery to one webhook has come."""

    hook: str
    state: str
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """An alert in the outbox. ``decided`` counts seconds since 1970; ``repeats``: findings counted onto it."""

    alert: Alert
    decided: float
    repeats: int
    sendings: tuple[Sending, ...]


class Outbox:
    """See the module. Times are seconds since 1970 and come from the caller."""

    def __init__(self, path: Path | str, connection: sqlite3.Connection, salt: bytes) -> None:
        self.path, self.connection, self._salt = Path(path), connection, salt

    @classmethod
    def open(cls, path: Path | str, *, create: bool = True) -> Outbox:
        """Open the file, made if there is none; InputError where it is something else, or of another version."""
        path = Path(path)
        if not create and not path.is_file():
            raise InputError("no such file", path=path, hint="vocnlp alerts run makes it; --state names another")
        if not path.parent.is_dir():
            raise OutputError("the folder does not exist", path=path, hint=f"create {path.parent}")
        with _guarded(path):
            path.touch(mode=0o600)  # the comments in it are masked, and still nobody else's business
            connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            _log_ahead(connection)
            connection.execute("pragma synchronous = full")  # a decision survives a power cut, too
            connection.execute("pragma foreign_keys = on")
            with _writing(connection):
                if not connection.execute("select 1 from sqlite_master limit 1").fetchone():
                    for statement in filter(str.strip, TABLES.split(";")):
                        connection.execute(statement)
                    meta = [("schema", SCHEMA), ("salt", secrets.token_hex(16))]
                    connection.executemany("insert into meta values (?, ?)", meta)
            salt = bytes.fromhex(_meta(connection, path)["salt"])
            for statement in filter(str.strip, ADDED.split(";")):
                connection.execute(statement)
            return cls(path, connection, salt)

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, while no other process writes."""
        with _guarded(self.path), _writing(self.connection):
            yield self.connection

    def asked(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with _guarded(self.path):
            return self.connection.execute(query, values).fetchall()

    @property
    def zone(self) -> ZoneInfo:
        """The clock of the data, as the last run knew it."""
        return ZoneInfo(_meta(self.connection, self.path).get("zone", "Asia/Shanghai"))

    def hashed(self, customer: str) -> str:
        """A customer as this file knows one; nobody can tell who it is without the file's salt."""
        return hashlib.blake2b(customer.encode(errors="replace"), key=self._salt, digest_size=16).hexdigest()

    # --- decisions ---------------------------------------------------------------------------------------------------

    def record(
        self, alerts: Iterable[tuple[Alert, Sequence[str]]], *, now: float, zone: str = "Asia/Shanghai"
    ) -> list[str]:
        """Write down alerts, each with the webhooks it goes to, all or none; NEW, KNOWN or REPEAT for each.

        KNOWN: the id was recorded before, so nothing happens. REPEAT: an alert of the same rule, code and stage is not
        older than ``dedupe_hours`` and its case is not resolved, so it is counted there and not sent. ``zone``: see
        ``Rules``.
        """
        with self.writing() as connection:
            connection.execute("insert or replace into meta values ('zone', ?)", (zone,))
            return [self._record(connection, alert, hooks, now=now) for alert, hooks in alerts]

    def _record(self, connection: sqlite3.Connection, alert: Alert, hooks: Sequence[str], *, now: float) -> str:
        known = """select 1 from alert where id = ?1 union all select 1 from repeat where id = ?1
          union all select 1 from erased where id = ?2"""
        if connection.execute(known, (alert.id, self.hashed(alert.id))).fetchone():
            return KNOWN
        same = """select id from alert join casefile on alert = id
          where key = ? and decided > ? and state <> 'resolved' order by decided desc limit 1"""
        earlier = connection.execute(same, (alert.key, now - alert.dedupe_hours * 3600)).fetchone()
        if earlier and alert.dedupe_hours:
            connection.execute("insert into repeat values (?, ?, ?)", (alert.id, earlier[0], now))
            return REPEAT
        content = json.dumps(alert.payload(), ensure_ascii=False, allow_nan=False)
        connection.execute("insert into alert values (?, ?, ?, ?)", (alert.id, alert.key, now, content))
        sendings = [(alert.id, hook, now) for hook in dict.fromkeys(hooks)]
        connection.executemany("insert into delivery (alert, hook, due) values (?, ?, ?)", sendings)
        customer = self.hashed(alert.customer) if alert.customer else None
        case = "insert into casefile (alert, state, owner, customer, opened) values (?, 'open', ?, ?, ?)"
        connection.execute(case, (alert.id, alert.owner, customer, now))
        connection.execute("insert into step values (?, ?, 'open', null, null)", (alert.id, now))
        quoted = [(alert.id, place, self.hashed(who) if who else "") for place, who in enumerate(alert.quoted)]
        connection.executemany("insert into quoted values (?, ?, ?)", quoted)
        return NEW

    def find(self, prefix: str) -> Recorded:
        """The alert whose id begins so; InputError where there is none, or more than one."""
        spelt = re.fullmatch("[0-9a-f]+", prefix) is not None
        query = "select id from alert where id glob ? limit 9"
        ids = [row[0] for row in self.asked(query, f"{prefix}*")] if spelt else []
        if len(ids) != 1:
            told = f"{len(ids)} alerts have ids that begin so" if ids else "no alert has this id"
            raise InputError(told, path=self.path, value=prefix, hint="vocnlp alerts list shows the ids")
        return self.recorded(ids[0])[0]

    def recorded(self, number: str | None = None) -> list[Recorded]:
        """All alerts, newest first, or the one of this id."""
        sendings: dict[str, list[Sending]] = {}
        which = "where ?1 is null or alert = ?1 order by hook"
        for alert, *rest in self.asked(f"select alert, hook, state, attempts, error from delivery {which}", number):  # noqa: S608
            hook, state, attempts, error = rest
            sendings.setdefault(alert, []).append(Sending(hook, state, attempts, error or ""))
        query = """select id, content, decided, (select count(*) from repeat where repeat.alert = alert.id)
          from alert where ?1 is null or id = ?1 order by decided desc, id"""
        return [
            Recorded(Alert.from_payload(json.loads(content)), decided, repeats, tuple(sendings.get(at, ())))
            for at, content, decided, repeats in self.asked(query, number)
        ]

    # --- deliveries --------------------------------------------------------------------------------------------------

    def claim(self, hook: str, *, now: float, lease: float) -> Claim | None:
        """The delivery to this webhook that has waited longest, leased for so many seconds; None where none is due."""
        holder = secrets.token_hex(8)
        with self.writing() as connection:
            due = """select alert, attempts, content from delivery join alert on id = alert
              where hook = ? and state = 'pending' and due <= ? and lease <= ? order by due, decided, alert limit 1"""
            found = connection.execute(due, (hook, now, now)).fetchone()
            if found is None:
                return None
            number, attempts, content = found
            taken = "update delivery set holder = ?, lease = ?, attempts = attempts + 1 where alert = ? and hook = ?"
            connection.execute(taken, (holder, now + lease, number, hook))
        return Claim(Alert.from_payload(json.loads(content)), hook, attempts + 1, holder)

    def sent(self, claim: Claim, *, now: float) -> None:
        self._end(claim, "state = 'sent', done = ?, error = null", now)

    def dead(self, claim: Claim, error: str, *, now: float) -> None:
        """No further attempt, unless ``retry`` asks for one."""
        self._end(claim, "state = 'dead', done = ?, error = ?", now, error)

    def holds(self, claim: Claim) -> bool:
        """Whether the delivery is still there and still this process's: its customer may have been erased meanwhile."""
        query = "select 1 from delivery where alert = ? and hook = ? and holder = ?"
        return bool(self.asked(query, claim.alert.id, claim.hook, claim.holder))

    def failed(self, claim: Claim, error: str, *, again: float, hold: bool) -> None:
        """Try again at ``again``; ``hold``: the receiver itself is in trouble, so all that waits for it waits as long."""
        self._end(claim, "due = ?, error = ?", again, error)
        if hold:
            with self.writing() as connection:
                wait = "update delivery set due = max(due, ?) where hook = ? and state = 'pending'"
                connection.execute(wait, (again, claim.hook))

    def _end(self, claim: Claim, change: str, *values: object) -> None:
        """Whoever lost its lease meanwhile changes nothing."""
        query = f"update delivery set {change}, lease = 0, holder = null where alert = ? and hook = ? and holder = ?"  # noqa: S608
        with self.writing() as connection:
            connection.execute(query, (*values, claim.alert.id, claim.hook, claim.holder))

    def next_due(self, hook: str) -> float | None:
        """When the next delivery to this webhook can be tried; None where none waits."""
        found = self.asked("select min(max(due, lease)) from delivery where hook = ? and state = 'pending'", hook)
        due: float | None = found[0][0]
        return due

    def retry(self, *, now: float, number: str | None = None) -> int:
        """Dead deliveries, all or those of one alert, wait to be sent again; how many."""
        query = """update delivery set state = 'pending', attempts = 0, due = ?1, lease = 0, error = null
          where state = 'dead' and (?2 is null or alert = ?2)"""
        with self.writing() as connection:
            return connection.execute(query, (now, number)).rowcount

    def drop(self, hook: str, *, now: float) -> int:
        """Deliveries that wait for this webhook are given up, but those under way at this moment; how many."""
        query = """update delivery set state = 'dead', done = ?1, error = 'dropped'
          where hook = ?2 and state = 'pending' and lease <= ?1"""
        with self.writing() as connection:
            return connection.execute(query, (now, hook)).rowcount

    def waiting(self) -> dict[str, int]:
        """Deliveries that wait, by webhook."""
        return dict(
            self.asked("select hook, count(*) from delivery where state = 'pending' group by hook order by hook")
        )

    def tally(self) -> dict[str, int]:
        """Deliveries by state."""
        return dict(self.asked("select state, count(*) from delivery group by state order by state"))


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait here as it does elsewhere when another process is switching as well."""
    for wait in (*range(1, 20), None):
        try:
            connection.execute("pragma journal_mode = wal")
            return
        except sqlite3.OperationalError:
            if wait is None:
                raise
            time.sleep(wait / 100)


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        hint = "another process may hold it, or the disk may be full; the alerts that it holds are safe"
        raise OutputError(f"cannot be used: {error}", path=path, hint=hint) from error
    except sqlite3.DatabaseError as error:
        raise InputError(f"is no outbox: {error}", path=path, hint="name another file with --state") from error


def _meta(connection: sqlite3.Connection, path: Path) -> dict[str, str]:
    try:
        meta = dict(connection.execute("select key, value from meta").fetchall())
    except sqlite3.OperationalError:
        meta = {}
    if meta.get("schema") != SCHEMA:
        told = f"is an outbox of schema {meta['schema']}" if "schema" in meta else "is a database, but no outbox"
        hint = f"this version of vocnlp reads outboxes of schema {SCHEMA}; name another file with --state"
        raise InputError(told, path=path, hint=hint)
    return meta
