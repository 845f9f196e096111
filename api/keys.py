"""API keys with roles, in a JSON file that holds only hashes.

A key reads ``voc_ID_SECRET``. The secret has 256 random bits, so nobody can try them all, and a keyed hash (BLAKE2b
with a salt of its own for every key) keeps it as well as a slow one would keep a password, in microseconds a request.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from time import monotonic

from vocnlp.errors import InputError, OutputError
from vocnlp.locks import one_at_a_time

READ, SCORE, EDIT, ADMIN = "read", "score", "edit", "admin"
ROLES = (READ, SCORE, EDIT, ADMIN)  #: each may do what those before it may
_LOOK_AGAIN = 1.0  # seconds until a change of the file is seen


@dataclass(frozen=True)
class Key:
    """What the file knows of one key. Times are ISO 8601 in UTC, "" for never.

    ``calls_per_minute`` is this key's own limit; 0 for that of the service.
    """

    id: str
    name: str
    role: str
    salt: str
    hash: str
    made: str
    expires: str = ""
    revoked: str = ""
    calls_per_minute: int = 0

    def alive(self, now: datetime) -> bool:
        return not self.revoked and (not self.expires or now < datetime.fromisoformat(self.expires))

    def may(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


#: Compared with where no key has the id, so that an unknown id takes as long as a wrong secret.
_NOBODY = Key("", "", READ, "00" * 16, "00" * 32, "")
#: Who calls where no keys are set up, which is allowed on loopback alone.
ANYBODY = Key("-", "-", ADMIN, "", "", "")


def make(path: Path, *, name: str, role: str, days: float | None = None, calls_per_minute: int = 0) -> str:
    """Add a key to the file (made if there is none) and return it: this is the only time it can be seen."""
    if role not in ROLES:
        raise InputError(f"no such role: {role!r}", hint=f"roles: {', '.join(ROLES)}")
    if not name.strip():
        raise InputError("a key needs a name", hint="name the system or the person that will use it")
    if calls_per_minute < 0:
        raise InputError(f"a key cannot make {calls_per_minute} calls a minute", hint="0 is the limit of the service")
    number, secret, salt = secrets.token_hex(4), secrets.token_urlsafe(32), secrets.token_hex(16)
    now = datetime.now(UTC)
    expires = _after(now, days).isoformat() if days is not None else ""
    key = Key(
        number, name, role, salt, _hash(secret, salt), now.isoformat(), expires, calls_per_minute=calls_per_minute
    )
    with _alone(path):
        _write(path, {**(read(path) if path.exists() else {}), number: key})
    return f"voc_{number}_{secret}"


def _after(now: datetime, days: float) -> datetime:
    try:
        return now + timedelta(days=days)
    except (OverflowError, ValueError):  # beyond the year 9999, or no number
        hint = "give fewer days, or none: then it never expires"
        raise InputError(f"a key cannot expire after {days:g} days", hint=hint) from None


def revoke(path: Path, number: str) -> Key:
    """The key of this id opens nothing any more; a running service sees it within a second."""
    with _alone(path):
        known = read(path)
        if number not in known:
            raise InputError(f"no key has the id {number!r}", path=path, hint=f"ids: {', '.join(known) or 'none'}")
        key = replace(known[number], revoked=known[number].revoked or datetime.now(UTC).isoformat())
        _write(path, {**known, number: key})
    return key


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process changes the file meanwhile: of two that read it and write it, the second undid the first."""
    try:
        with one_at_a_time(path):
            yield
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror}", path=path, hint="check the folder and its rights"
        ) from error


def read(path: Path) -> dict[str, Key]:
    """The keys of a file, by id. InputError if it is none."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["keys"]
        keys = {row["id"]: Key(**row) for row in rows}
        for key in keys.values():
            _try(key)
    except OSError as error:
        raise InputError(f"the keys cannot be read: {error.strerror}", path=path, hint=_FIRST) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("is no file of API keys", path=path, hint=_FIRST) from error
    return keys


def _try(key: Key) -> None:
    """What would only be found out when somebody calls with the key."""
    key.may(READ)
    key.calls_per_minute > 0  # noqa: B015 - a word is no number
    key.alive(datetime.now(UTC))
    _hash("", key.salt)


_FIRST = "make a first key: vocnlp keys make FILE --name NAME --role ROLE"


@dataclass
class Ring:
    """The keys of a running service. The file is looked at again once a second; a broken one changes nothing."""

    path: Path
    _keys: Mapping[str, Key] = field(default_factory=dict)
    _seen: tuple[int, int] = (0, 0)
    _next: float = 0.0

    def __post_init__(self) -> None:
        self._keys, self._seen = read(self.path), _stamp(self.path)
        self._next = monotonic() + _LOOK_AGAIN

    def __len__(self) -> int:
        """How many keys open something now."""
        return sum(key.alive(datetime.now(UTC)) for key in self._keys.values())

    def check(self, token: str) -> Key | None:
        """The living key that this token is, or None. The time it takes does not tell how near a guess came."""
        self._look()
        _, _, rest = token.partition("voc_")
        number, _, secret = rest.partition("_")
        key = self._keys.get(number, _NOBODY)
        same = compare_digest(_hash(secret, key.salt), key.hash)
        return key if same and key is not _NOBODY and key.alive(datetime.now(UTC)) else None

    def _look(self) -> None:
        if monotonic() < self._next:
            return
        self._next = monotonic() + _LOOK_AGAIN
        try:
            if (stamp := _stamp(self.path)) != self._seen:
                self._keys, self._seen = read(self.path), stamp
        except (OSError, InputError):  # someone writes it by hand; the keys stay as they were
            return


@dataclass
class Pace:
    """How many calls a minute each key makes; so many at once, if it was silent before."""

    _free: dict[str, float] = field(default_factory=dict)  # when the calls made so far are paid for

    def wait(self, who: str, per_minute: int) -> float:
        """Seconds until this caller's next call; 0: now, and it counts. 0 a minute: as many as there is room for."""
        if not per_minute:
            return 0.0
        now = monotonic()
        paid = max(self._free.get(who, now), now) + 60 / per_minute
        if paid > now + 60 + 1e-9:
            return paid - now - 60
        self._free[who] = paid
        return 0.0


def _stamp(path: Path) -> tuple[int, int]:
    known = path.stat()
    return known.st_mtime_ns, known.st_ino


def _hash(secret: str, salt: str) -> str:
    return hashlib.blake2b(secret.encode(errors="replace"), key=bytes.fromhex(salt), digest_size=32).hexdigest()


def _write(path: Path, keys: Mapping[str, Key]) -> None:
    """Whole or not at all, and for the owner's eyes only."""
    content = json.dumps({"keys": [asdict(key) for key in keys.values()]}, ensure_ascii=False, indent=1) + "\n"
    try:
        handle, fresh = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(fresh).replace(path)
        finally:
            Path(fresh).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot be written: {error.strerror}", path=path, hint="check the folder's rights"
        ) from error
