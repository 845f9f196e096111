"""What the alerts hold of a customer is erased: alerts, cases and notes, deliveries, dead letters, quotes in figures.

The outbox knows a customer by a keyed hash only, and so can find all that came from one. Of an erased alert its id is
kept, hashed with the key of the file: data that still hold the comment do not bring the alert back.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .alert_outbox import Outbox
from .errors import InputError, OutputError

#: What erasure does not reach, in words for the person who asked for it.
BEYOND = (
    "messages that were sent: the receiving systems keep their own copies",
    "alerts of rows that name no customer; rows, reports and exports outside this file (vocnlp store forget)",
    "copies of this file: backups and snapshots",
)
_OLDER = "quotes in {} alerts on figures that an earlier version recorded: it did not note whose words they are"
_BUSY = "pages that another process was reading at this moment: run it again when it is done"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many alerts with their cases, deliveries of them, quotes in alerts on figures, and dead letters went."""

    alerts: int
    deliveries: int
    quotes: int
    letters: int
    beyond: tuple[str, ...]


def forget(outbox: Outbox, customer: str, *, letters: Path) -> Erased:
    """Erase all that came from a customer; ``letters`` is the file of dead letters, which need not be there.

    Findings of others that were counted onto an erased alert are found anew by the next run, as alerts of their own. The
    file of letters is changed first: a call that was killed is made good by calling again. InputError without a customer.
    """
    if not customer.strip():
        raise InputError("no customer was named", column="customer", hint="name the customer as in the export")
    who = outbox.hashed(customer.strip())
    outbox.asked("pragma secure_delete = on")  # what is deleted is written over, and does not stay in a free page
    with outbox.writing() as connection:
        ids = [row[0] for row in connection.execute("select alert from casefile where customer = ?", (who,))]
        said = _quoted(connection, who)
        buried = _from_letters(letters, ids, {text for texts in said.values() for text in texts})
        for number, texts in said.items():
            _unquote(connection, number, who, texts)
        sendings = sum(_delete(connection, number, outbox.hashed(number)) for number in ids)
    quotes = sum(map(len, said.values()))
    return Erased(len(ids), sendings, quotes, buried, (*BEYOND, *_older(outbox), *_settled(outbox)))


def _quoted(connection: sqlite3.Connection, who: str) -> dict[str, list[str]]:
    """Alert on a figure -> what it quotes of this customer."""
    found: dict[str, list[str]] = {}
    query = "select alert, place, content from quoted join alert on id = alert where customer = ? order by place"
    for number, place, content in connection.execute(query, (who,)):
        found.setdefault(number, []).append(json.loads(content)["quotes"][place])
    return found


def _unquote(connection: sqlite3.Connection, number: str, who: str, texts: Collection[str]) -> None:
    (content,) = connection.execute("select content from alert where id = ?", (number,)).fetchone()
    told = json.loads(content)
    whose = dict(connection.execute("select place, customer from quoted where alert = ?", (number,)))
    kept = [at for at, text in enumerate(told["quotes"]) if whose.get(at) != who and text not in texts]
    told["quotes"] = [told["quotes"][at] for at in kept]
    connection.execute(
        "update alert set content = ? where id = ?", (json.dumps(told, ensure_ascii=False, allow_nan=False), number)
    )
    connection.execute("delete from quoted where alert = ?", (number,))
    rows = [(number, place, whose[at]) for place, at in enumerate(kept) if at in whose]
    connection.executemany("insert into quoted values (?, ?, ?)", rows)


def _delete(connection: sqlite3.Connection, number: str, hashed: str) -> int:
    """Deliveries of the alert that went with it."""
    connection.execute("insert or ignore into erased values (?)", (hashed,))
    for table in ("step", "casefile", "repeat", "quoted"):
        connection.execute(f"delete from {table} where alert = ?", (number,))  # noqa: S608 - names of this module
    gone = connection.execute("delete from delivery where alert = ?", (number,)).rowcount
    connection.execute("delete from alert where id = ?", (number,))
    return gone


def _from_letters(path: Path, ids: Collection[str], texts: Collection[str]) -> int:
    """Letters that were taken out or had a quote taken out; the new file takes the place of the old one when whole."""
    if not path.is_file() or not (ids or texts):
        return 0
    partial = path.with_name(f".{path.name}.part")
    kept, changed = [], 0
    try:
        for line in path.read_bytes().decode("utf-8").split("\n"):  # a quote may hold U+2028, at which splitlines cuts
            left = None if any(number in line for number in ids) else _without(line, texts)
            changed += left != line
            kept += [left] if left is not None else []
        if changed:
            partial.touch(mode=0o600)
            with partial.open("w", encoding="utf-8") as file:
                file.write("\n".join(kept))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"cannot be written: {error.strerror}", path=path, hint="check free space and rights"
        ) from error
    return changed


def _without(line: str, texts: Collection[str]) -> str:
    """A letter without these quotes; a line that a crash cut short says nothing that can be told apart, and stays."""
    try:
        told: dict[str, Any] = json.loads(line)
        quotes = told["alert"]["quotes"]
    except (ValueError, KeyError, TypeError):
        return line
    if told["alert"].get("kind") == "comment" or not any(quote in texts for quote in quotes):
        return line
    told["alert"]["quotes"] = [quote for quote in quotes if quote not in texts]
    return json.dumps(told, ensure_ascii=False)


def _older(outbox: Outbox) -> tuple[str, ...]:
    query = """select count(*) from alert where json_extract(content, '$.kind') <> 'comment'
      and json_array_length(content, '$.quotes') > 0 and id not in (select alert from quoted)"""
    count = outbox.asked(query)[0][0]
    return (_OLDER.format(count),) if count else ()


def _settled(outbox: Outbox) -> tuple[str, ...]:
    """The log of changes is emptied into the file, so that no old page is left in it."""
    return (_BUSY,) if outbox.asked("pragma wal_checkpoint(truncate)")[0][0] else ()


__all__ = ["BEYOND", "Erased", "forget"]
