"""What ``vocnlp report`` looks at before its work, and says after it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.markup import escape

from .cli_options import ERR, OUT, say
from .errors import OutputError
from .records import TAGGED

if TYPE_CHECKING:
    from .batch import Options
    from .folding import Rows
    from .tagger import Tagger


def check_report(
    inputs: Iterable[Path | None], out: Path, tables: Path | None, pictures: Path | None, *, force: bool
) -> None:
    """OutputError for what would only be found out after all the reading; ``inputs`` are the files that it reads."""
    if tables and tables.suffix.lower() != ".xlsx":
        raise OutputError(
            "the tables are an xlsx file", path=tables, hint=f"name it {tables.with_suffix('.xlsx').name}"
        )
    if out.suffix.lower() not in (".html", ".htm"):
        raise OutputError("a report is an HTML file", path=out, hint=f"name it {out.with_suffix('.html').name}")
    read = [path for path in inputs if path is not None and path.exists()]
    for path in filter(None, (out, tables)):
        if not path.parent.is_dir():
            hint = f"create {path.parent}, or choose another folder"
            raise OutputError("the folder does not exist", path=path, hint=hint)
        if path.exists() and (path.is_dir() or any(path.samefile(one) for one in read)):
            raise OutputError("is a folder or the input itself", path=path, hint="choose another name")
        if path.exists() and not force:
            raise OutputError("already exists", path=path, hint="choose another name, or replace it with --force")
    if pictures:
        _check_pictures(pictures, force=force)


def _check_pictures(folder: Path, *, force: bool) -> None:
    """A picture that an earlier report left in the folder would pass for one of this report."""
    from .report_pictures import pictures_in

    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file, and the pictures go into a folder", path=folder, hint="name a folder")
    if not force and (there := pictures_in(folder)):
        told = f"holds pictures of an earlier report, such as {there[0].name}"
        raise OutputError(told, path=folder, hint="choose another folder, or replace them with --force")


def read_for_report(source: Path, tagger: Tagger, options: Options) -> tuple[Rows, dict[str, str]]:
    """``read_rows``, and of a file said which columns were taken and how many cells could not be used."""
    from .cli_output import print_columns
    from .tagged_reading import TaggedFile, address_of, is_store, read_rows

    if address_of(source) is not None or is_store(source):
        return read_rows(source, tagger, options)
    file = TaggedFile(source, tagger, options)
    print_columns(ERR, file.source, file.columns)
    table = pa.Table.from_batches(file.batches(), TAGGED)
    for (column, problem), count in file.unusable.items():
        told = f"  [yellow]{escape(column)}: {count:,} {problem}[/]; such cells are left out, their rows are kept"
        say(ERR, told)
    return table, file.origin


def print_report(out: Path, rows: int, tables: Path | None, pictures: Path | None) -> None:
    """What was written, and where."""
    say(OUT, f"report: {escape(str(out))} ({rows:,} rows)")
    for name, path in (("tables", tables), ("pictures", pictures)):
        say(OUT, f"{name}: {escape(str(path))}") if path else None
