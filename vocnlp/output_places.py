"""Where a command will write, looked at before its work: a wrong place found out at the end costs the work, and one that is
an input costs the input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .bundle_folder import real_path
from .errors import OutputError
from .unfinished import writing

_FORCE = "choose another name, or replace it with --force"


@dataclass(frozen=True, slots=True)
class Place:
    """A file, or with ``folder`` a folder, that will be written: beside, then renamed; a link to a folder stays one.

    endings, told: what its name may end in, in lower case, the usual one first, () for any; the sentence for another one
    may_replace: whether what stands there may go, asked only where something does; refusal, hint: what is said where it
        may not, and what to do then
    """

    path: Path
    endings: tuple[str, ...] = ()
    told: str = ""
    may_replace: bool | Callable[[Path], bool] = True
    refusal: str = "already exists"
    hint: str = _FORCE
    folder: bool = False


def check_places(places: Sequence[Place], inputs: Iterable[Path | str | None]) -> None:
    """OutputError for the first place that cannot be written or would cost what is not meant to go; nothing is changed.

    That is one with another ending, in a folder that does not exist or may not be written to, that is an input, that holds
    one or the folder that the process is in, that is or lies in another place, or whose file may not be replaced. ``inputs`` are files and folders that the
    command reads; None, and what does not exist, as an address, is passed over.
    """
    read = [Path(path) for path in inputs if path is not None and os.path.exists(path)]  # noqa: PTH110 - false for any OSError
    for place in places:
        _check_ending(place)
        with writing(place.path):
            _check_inputs(place, read)
            _check_others(place, [other for other in places if other is not place])
            _check_folder(place)
            _check_standing(place)
            _check_writable(place)


def _check_ending(place: Place) -> None:
    if place.endings and place.path.suffix.lower() not in place.endings:
        hint = f"name it {place.path.with_suffix(place.endings[0]).name}"
        raise OutputError(place.told, path=place.path, hint=hint)


def _check_inputs(place: Place, inputs: Sequence[Path]) -> None:
    for path in inputs:
        if place.path.exists() and place.path.samefile(path):
            raise OutputError("is the input itself", path=place.path, hint="choose another name")
        if place.folder and real_path(place.path) in real_path(path).parents:
            raise OutputError(f"holds an input, {path}", path=place.path, hint="choose another folder")


def _check_others(place: Place, others: Sequence[Place]) -> None:
    mine = _known(place.path)
    for other in others:
        if mine == _known(other.path):
            raise OutputError("would be written twice", path=place.path, hint="give each output a name of its own")
        if other.folder and _known(other.path) in map(_known, real_path(place.path).parents):
            told = f"lies in {other.path}, which is written as a whole"
            raise OutputError(told, path=place.path, hint=f"put it beside {other.path.name}")


def _check_folder(place: Place) -> None:
    path = place.path
    if not real_path(path).parent.is_dir():
        parent = real_path(path).parent if path.is_symlink() else path.parent
        raise OutputError("the folder does not exist", path=path, hint=f"create {parent}, or choose another folder")
    if path.is_dir() and not place.folder:
        raise OutputError("is a folder", path=path, hint="choose another name")
    if place.folder and real_path(path).is_symlink():
        raise OutputError("is a link that leads back to itself", path=path, hint="remove it, or choose another name")


def _check_standing(place: Place) -> None:
    may, path = place.may_replace, place.path
    if not path.exists():
        return
    if not (may if isinstance(may, bool) else may(path)):
        raise OutputError(place.refusal, path=path, hint=place.hint)
    here = Path.cwd()
    if place.folder and real_path(path) in (
        here,
        *here.parents,
    ):  # whoever is in it would be left in a folder that is gone
        told = "holds the folder you are in, so it cannot be replaced from here"
        raise OutputError(told, path=path, hint=f"cd {real_path(path).parent}, and name it {real_path(path).name}")


def _check_writable(place: Place) -> None:
    path = real_path(place.path) if place.folder else place.path
    probe = path.with_name(f".{path.name}.part")
    if not probe.exists():  # what a run that was killed has left shows that one can write
        probe.touch(exist_ok=False)
        probe.unlink()


def _known(path: Path) -> str:
    return os.path.normcase(real_path(path))


__all__ = ["Place", "check_places"]
