"""The bundles of a registry: copied in whole, read back before they get their name, and never changed after."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .bundle import MANIFEST, Bundle
from .errors import BundleError, RegistryError
from .registry_folder import BUNDLES, place
from .registry_writing import flushed

OTHER = "it holds another bundle than the one that got this name"
GONE = "its folder is not there"
SPOILT, MISSING = "spoilt", "missing"
_CANARIES = "canary.jsonl"  # what a bundle may bring for a service that takes it over; not among its verified files
_INCOMING = ".incoming-"
_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Kept:
    """A bundle of a registry as its manifest tells it; ``figures`` are those it was measured at in training.

    ``state`` is SPOILT or MISSING where ``problem`` says what is wrong, else ""; kind and codeframe may be "" then.
    """

    label: str
    path: Path
    kind: str = ""
    codeframe: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    problem: str = ""


def folders_of(registry: Path) -> list[Path]:
    """The folders of the bundles, in no order; files and folders of the system, as .DS_Store, are none."""
    found = (registry / BUNDLES).glob("*/*")
    return [path for path in found if path.is_dir() and not path.name.startswith(".") and path.parent.name[0] != "."]


def label_of(path: Path) -> str:
    return f"{path.parent.name}@{path.name}"


def kept_at(path: Path) -> Kept:
    """What the manifest says; where it cannot be read, tells of another bundle or of files that are gone, SPOILT."""
    label = label_of(path)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        frame, figures = manifest["codeframe"], dict(manifest["figures"])
        kept = Kept(label, path, str(manifest["kind"]), f"{frame['name']}@{frame['version']}", figures)
        named = f"{manifest['name']}@{manifest['version']}+{manifest['digest'][:8]}"
        gone = [name for name in manifest["files"] if not (path / name).is_file()]
    except _UNREADABLE as error:
        return Kept(label, path, state=SPOILT, problem=f"{MANIFEST} cannot be read: {error}")
    problem = OTHER if named != label else f"{', '.join(gone)} is gone" if gone else ""
    return replace(kept, state=SPOILT if problem else "", problem=problem)


def missing(label: str, path: Path) -> Kept:
    """A bundle that an alias means and that is not at ``path``."""
    return Kept(label, path, state=MISSING, problem=GONE)


def take_in(registry: Path, bundle: Bundle) -> bool:
    """Copy a loaded bundle; whether it was new. The lock has to be held.

    The copy gets its name when all of it is on the disk and was read back. RegistryError where a different bundle has
    the label, BundleError where the bundle changed while it was copied.
    """
    target, source = place(registry, bundle.label), bundle.path
    if source is None:
        raise RegistryError(f"{bundle.label} lies in no folder", path=registry, hint="save it first")
    if target.exists():
        if Bundle.load(target).digest != bundle.digest:
            hint = "train it anew with another name or version"
            raise RegistryError(f"{bundle.label} is there, and {OTHER}", path=registry, hint=hint)
        return False
    fresh = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=registry / BUNDLES))
    for name in _files_of(source):
        (fresh / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source / name, fresh / name)
        flushed(fresh / name)
        (fresh / name).chmod(0o444)
    fresh.chmod(0o755)
    if Bundle.load(fresh).digest != bundle.digest:
        raise BundleError("was replaced while it was copied", path=source, hint="add it again")
    target.parent.mkdir(exist_ok=True)
    fresh.rename(target)
    flushed(target.parent)
    return True


def clear_incoming(registry: Path) -> None:
    """Remove what a crash left of a copy. The lock has to be held."""
    for left in (registry / BUNDLES).glob(f"{_INCOMING}*"):
        shutil.rmtree(left)


def verified(path: Path, label: str) -> Bundle:
    """The bundle at ``path``, every byte read; BundleError where it is not sound, or not the one of this label."""
    bundle = Bundle.load(path)
    if bundle.label != label:
        raise BundleError(f"holds {bundle.label}: {OTHER}", path=path)
    there = {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}
    if foreign := sorted(there - set(_files_of(path))):
        raise BundleError(f"holds files that are not the bundle's: {', '.join(foreign)}", path=path)
    return bundle


def _files_of(source: Path) -> list[str]:
    listed = json.loads((source / MANIFEST).read_text(encoding="utf-8"))["files"]
    return [MANIFEST, *listed, *([_CANARIES] if (source / _CANARIES).is_file() else [])]
