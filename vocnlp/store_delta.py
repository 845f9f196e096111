"""The Delta table of a store: opened, created, committed to by several writers at once; its failures in plain words.

A commit is a compare-and-swap: it counts only if nobody committed since the version it was made from. Otherwise it is
made again from the newer version, after a short pause of random length. In a local folder the writers also take
turns by a lock on a file, so that no work is thrown away; the lock is a courtesy, the swap is what keeps rows right.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.fs as pa_fs

from .errors import MissingExtraError, StoreError
from .store_failures import HOW_TO_CREATE, explained, spoilt_files
from .store_rows import ADDED, STORED, WRITTEN

if TYPE_CHECKING:
    from deltalake import DeltaTable

if sys.platform != "win32":
    import fcntl

FORMAT = "2"  # 2: with the columns csat and ces
LOCK = "_vocnlp.lock"  # engines that read a Delta table ignore names with an underscore
_FORMAT, _TEXT = "vocnlp.store", "vocnlp.text"
MASKED, VERBATIM = "masked", "verbatim"
_SMALLEST_PAUSE, _LONGEST_PAUSE = 0.02, 2.0

T = TypeVar("T")


def library() -> Any:
    """The module deltalake; MissingExtraError with the pip line where it is not installed."""
    try:
        import deltalake
    except ImportError as error:
        raise MissingExtraError("deltalake", extra="store") from error
    return deltalake


def local_folder(url: str) -> Path | None:
    """The folder of a store on this machine's disks, or None for an object store."""
    plain = url.removeprefix("file://")
    return None if "://" in plain else Path(plain)


def address(url: Path | str) -> str:
    return str(url) if "://" in str(url) else str(Path(url).expanduser())


def is_there(url: str, options: Mapping[str, str]) -> bool:
    """Whether there is a Delta table; StoreError where nobody can say, and for a file."""
    folder = local_folder(url)
    if folder is not None and not folder.is_dir():
        if folder.exists():
            raise StoreError("is a file, not a store", path=url, hint="name a folder")
        return False
    with explained(url):
        return bool(library().DeltaTable.is_deltatable(url, storage_options=dict(options) or None))


def open_table(url: str, options: Mapping[str, str], *, version: int | None = None) -> DeltaTable:
    """The table of a store at its newest version, or at ``version``. StoreError where there is none to use."""
    deltalake = library()
    folder = local_folder(url)
    if folder is not None:
        if not is_there(url, options):
            raise StoreError("there is no store", path=url, hint=HOW_TO_CREATE)
        _refuse_empty_commits(folder, url)
    with explained(url):
        table: DeltaTable = deltalake.DeltaTable(url, version=version, storage_options=dict(options) or None)
        check(table, url)
    return table


def create_table(url: str, options: Mapping[str, str], *, verbatim: bool) -> DeltaTable:
    """A new, empty store, or the one that another process created meanwhile."""
    deltalake = library()
    folder = local_folder(url)
    if folder is not None and folder.is_dir() and {path.name for path in folder.iterdir()} - {"_delta_log", LOCK}:
        if is_there(url, options):  # another process made it since we looked, and has written rows already
            return open_table(url, options)
        raise StoreError("the folder holds other files", path=url, hint="name a new or an empty folder")
    # Statistics of a column stand in the log, and of texts, ids and customers they would be words that stay there
    # after the rows are erased. So there are none but of the time of writing.
    configuration = {
        _FORMAT: FORMAT,
        _TEXT: VERBATIM if verbatim else MASKED,
        "delta.dataSkippingStatsColumns": WRITTEN,
        "delta.deletedFileRetentionDuration": "interval 30 days",
        "delta.logRetentionDuration": "interval 30 days",
    }
    with explained(url):
        try:
            deltalake.DeltaTable.create(
                url,
                STORED,
                name="vocnlp store",
                description="tagged customer feedback",
                configuration=configuration,
                storage_options=dict(options) or None,
                raise_if_key_not_exists=False,
            )
        except deltalake.exceptions.DeltaError:
            if not deltalake.DeltaTable.is_deltatable(url, storage_options=dict(options) or None):
                raise
    return open_table(url, options)


def check(table: DeltaTable, url: str) -> None:
    """StoreError for a Delta table that is no store, or one of another version or schema."""
    settings = table.metadata().configuration
    found = settings.get(_FORMAT)
    if found is None:
        raise StoreError("is a Delta table, but no store of vocnlp", path=url, hint="name another folder")
    if found != FORMAT and found not in ADDED:
        told = f"is a store of format {found}; this version of vocnlp reads formats {', '.join([*ADDED, FORMAT])}"
        raise StoreError(told, path=url, hint="pip install --upgrade vocnlp")
    have = {name: str(kind) for name, kind in _kinds(pa.schema(table.schema().to_arrow())).items()}
    want = {name: str(kind) for name, kind in _kinds(STORED).items()}
    late = ADDED.get(found, ())
    for name in sorted(have.keys() | want.keys()):
        if have.get(name) != want.get(name) and (name not in late or name in have):
            told = f"column {name!r} is {have.get(name, 'missing')}, not {want.get(name, 'expected at all')}"
            raise StoreError(f"was changed by another program: {told}", path=url, hint="restore an earlier version")


def bring_up(table: DeltaTable, url: str, *, patience: float) -> None:
    """Give a store of an earlier format the columns that came since, as commits of their own; two bringing it up at once
    are as good as one."""

    def attempt(table: DeltaTable) -> None:
        have = set(pa.schema(table.schema().to_arrow()).names)
        lacking = [STORED.field(name) for names in ADDED.values() for name in names if name not in have]
        if lacking:
            table.alter.add_columns(
                [library().Field.from_arrow(field) for field in lacking], commit_properties=how("bring up")
            )

    def named(table: DeltaTable) -> None:
        if table.metadata().configuration.get(_FORMAT) != FORMAT:
            table.alter.set_table_properties(
                {_FORMAT: FORMAT}, raise_if_not_exists=False, commit_properties=how("bring up")
            )

    if table.metadata().configuration.get(_FORMAT) != FORMAT:
        commit(table, url, attempt, patience=patience)
        commit(table, url, named, patience=patience)


def _refuse_empty_commits(folder: Path, url: str) -> None:
    """A commit of no bytes, as a power cut leaves it, is read as one without rows: rows would be gone without a word."""
    for path in sorted((folder / "_delta_log").glob("*.json")):
        if path.stat().st_size == 0:
            told = f"the log of the store is damaged ({path.name} is empty)"
            raise StoreError(told, path=url, hint="restore the folder _delta_log from a backup")


def _kinds(schema: pa.Schema) -> dict[str, pa.DataType]:
    """Types by name; the name that a format gives to the item of a list says nothing."""
    return {
        field.name: pa.list_(field.type.value_type) if pa.types.is_list(field.type) else field.type for field in schema
    }


def keeps_verbatim(table: DeltaTable) -> bool:
    return table.metadata().configuration.get(_TEXT) == VERBATIM


def names_of(table: DeltaTable) -> set[str]:
    """The data files of a table's version."""
    return set(pa.table(table.get_add_actions())["path"].to_pylist())


def files_of(table: DeltaTable, options: Mapping[str, str]) -> pa_fs.FileSystem:
    """The files of a store, wherever it is; paths are relative to it."""
    library()
    from deltalake.fs import DeltaStorageHandler

    return pa_fs.PyFileSystem(DeltaStorageHandler(table.table_uri, dict(options) or None))


def how(what: str, **facts: object) -> Any:
    """The properties of a commit that is made once, and what it says about itself in the log."""
    said = {"vocnlp": what, **{name: str(fact) for name, fact in facts.items()}}
    return library().CommitProperties(custom_metadata=said, max_commit_retries=0)


def files_as() -> Any:
    """How data files are written: without statistics. They would be words of texts; and in files that a merge wrote they
    are of a type of string that Arrow cannot compare, so that a filter over the dataset would fail.
    """
    deltalake = library()
    none = deltalake.ColumnProperties(statistics_enabled="NONE")
    return deltalake.WriterProperties(compression="ZSTD", default_column_properties=none)


def merging(said: Any) -> dict[str, Any]:
    """What every merge of rows ``s`` into the table ``t`` is given."""
    return {"source_alias": "s", "target_alias": "t", "commit_properties": said, "writer_properties": files_as()}


def commit(table: DeltaTable, url: str, attempt: Callable[[DeltaTable], T], *, patience: float) -> T:
    """Bring ``table`` up to date and run ``attempt`` on it, again and again until no other writer came in between.

    StoreError after ``patience`` seconds of losing, and at once for whatever is not a lost race.
    """
    deltalake = library()
    begun, pause = time.monotonic(), _SMALLEST_PAUSE
    while True:
        with explained(url, lambda: spoilt_files(table.to_pyarrow_dataset().get_fragments())), turn(url):
            table.update_incremental()
            version = table.version()
            try:
                return attempt(table)
            except (deltalake.exceptions.DeltaError, OSError):
                # Whoever came in between may also have removed the files that this attempt was reading.
                table.update_incremental()
                if table.version() == version:
                    raise
        if time.monotonic() - begun > patience:
            hint = "run it again; rows that were written are not written twice"
            raise StoreError(f"other writers came first for {patience:.0f} s", path=url, hint=hint)
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - nobody gains by guessing it
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def turn(url: str) -> Iterator[None]:
    """Wait for the other writers of a local store; a killed writer's turn ends with it."""
    folder = local_folder(url)
    if folder is None or sys.platform == "win32":
        yield
        return
    try:
        handle = (folder / LOCK).open("ab")
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", path=url, hint="check the rights") from error
    with handle:
        with suppress(OSError):  # a network folder without locks: the swap decides
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
