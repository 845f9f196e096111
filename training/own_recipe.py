"""What to train on data of one's own and how, as values and as a TOML file that repeats it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from vocnlp.bundle import MANIFEST, Bundle
from vocnlp.errors import InputError, OutputError

from .linear_fit import LinearRecipe
from .recipe import SETS, EncoderRecipe, check_sets, encoder_settings, read_toml, settings

SHIPPED = "shipped"  # in a recipe: the bundle that comes with this library, wherever it is installed
_WEIGHTS = "model.safetensors"
_READ = ("config.json", "tokenizer.json", "tokenizer_config.json")  # beside the weights, of a folder to start from
_LEAST = {"dev_parts": 0, "seed": 0}
_PARTS: dict[str, dict[str, type]] = {  # of a recipe, and the kind of each value
    "": {"name": str, "version": str, "seed": int},
    "data": {"file": str, "codeframe": str, "dev": str, "dev_parts": int, "sha256": str, "codeframe_sha256": str,
             "dev_sha256": str},
    "start": {"encoder": str, "ngrams": bool, "few": bool, "sha256": str},
}  # fmt: skip
# Settings of [encoder] that came later, and what was done before they did.
_YOUNGER = {"dropout": 0.0, "adversarial": 0.0}
_KINDS = {str: "a string", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class OwnRecipe:
    """A training on labelled data of one's own.

    dev: rows to measure on; without it one part in ``dev_parts`` of the data, by a hash of the text, 0 for none
    start: what to fine-tune, a folder, a bundle or OWNER/NAME@REVISION; None for a linear model
    ngrams: whether a linear model is trained beside an encoder; few: whether the start is only taught the codes it lacks
    digests: of the files when they were read
    """

    data: Path
    codeframe: Path | None = None
    dev: Path | None = None
    dev_parts: int = 10
    start: str | None = None
    ngrams: bool = True
    name: str = ""
    version: str = ""
    linear: LinearRecipe = field(default_factory=LinearRecipe)
    encoder: EncoderRecipe = field(default_factory=EncoderRecipe)
    digests: Mapping[str, str] = field(default_factory=dict)
    few: bool = False

    def __post_init__(self) -> None:
        _check_dev_parts(self.dev_parts, self.data, "dev_parts")

    def sealed(self) -> OwnRecipe:
        """The same with the SHA-256 of all it reads; InputError for a file that is not there."""
        return replace(self, digests=_digests(self))

    def changed(self) -> tuple[str, ...]:
        """What is not as it was when the recipe was written, as ``sentences``; empty where no digest was kept."""
        now = _digests(self)
        return tuple(
            f"{path} changed since (SHA-256 {before[:12]}, now {now.get(part, '-')[:12]})"
            for part, before in self.digests.items()
            if now.get(part) != before and not (part == "start" and before == _digest_of_weights(self.start))
            for path in [{"data": self.data, "codeframe": self.codeframe, "dev": self.dev}.get(part, self.start)]
        )


def is_own(content: Mapping[str, Any]) -> bool:
    """Whether a recipe is over a file of one's own, not over the sets of a mapping."""
    return "data" in content


def read_own_recipe(path: Path) -> OwnRecipe:
    """Read a recipe that ``write_own_recipe`` wrote, or a person; InputError for what is missing, unknown or malformed.

    Files are taken from the recipe's folder on.
    """
    content = read_toml(path)
    _only(path, content, {*_PARTS[""], "data", "start", "linear", "encoder"})
    data, start = _part(path, content, "data"), _part(path, content, "start")
    for name, part in (("", content), ("data", data), ("start", start)):
        _check_part(path, name, part)
    if "file" not in data:
        raise InputError(
            "missing key in the recipe", path=path, column="data.file", hint="the labelled file to train on"
        )
    if start.get("few") and not start.get("encoder"):
        raise InputError("few comments teach a bundle, and none is given", path=path, column="start.encoder")
    linear = settings(path, content, "linear", LinearRecipe)
    encoder = encoder_settings(path, _of_then(content, data))
    for name in SETS:
        check_sets(path, f"encoder.{name}", getattr(encoder, name), [Path(data["file"]).stem], "the data")
    names = {"data": data.get("sha256"), "codeframe": data.get("codeframe_sha256"), "dev": data.get("dev_sha256")}
    digests = {**names, "start": start.get("sha256")}
    return OwnRecipe(
        path.parent / data["file"],
        path.parent / data["codeframe"] if data.get("codeframe") else None,
        path.parent / data["dev"] if data.get("dev") else None,
        data.get("dev_parts", 10),
        _found(path.parent, start.get("encoder")),
        start.get("ngrams", True),
        content.get("name", ""),
        content.get("version", ""),
        linear,
        replace(encoder, seed=content.get("seed", encoder.seed)),
        {part: digest for part, digest in digests.items() if digest},
        start.get("few", False),
    )


def _of_then(content: Mapping[str, Any], data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recipe that was written for a training holds all settings there were: those it lacks were not made use of."""
    encoder = content.get("encoder")
    if "sha256" in data and isinstance(encoder, dict):
        return {**content, "encoder": {**_YOUNGER, **encoder}}
    return content


def _check_part(path: Path, name: str, part: Mapping[str, Any]) -> None:
    """InputError for a key that a part of a recipe does not know, or a value of another kind."""
    before = f"{name}." if name else ""
    if name:
        _only(path, part, set(_PARTS[name]), before)
    for key, kind in _PARTS[name].items():
        least = _LEAST.get(key)
        if key in part and (type(part[key]) is not kind or (least is not None and part[key] < least)):
            told = f"a value of another kind: {_KINDS[kind]} is wanted"
            told += f", {least} or more" if least is not None else ""
            raise InputError(told, path=path, column=f"{before}{key}", value=str(part[key]))
    _check_dev_parts(part.get("dev_parts", 0), path, f"{before}dev_parts")


def _check_dev_parts(parts: int, path: Path, column: str) -> None:
    """InputError for a split that leaves nothing to learn from."""
    if parts == 1:
        told, hint = (
            "would hold out all rows, and leave none to learn from",
            "0 holds out none, 2 and more one part in so many",
        )
        raise InputError(told, path=path, column=column, value=str(parts), hint=hint)


def write_own_recipe(path: Path, own: OwnRecipe) -> None:
    """Write a recipe with the digests of all it reads: those it bears, as ``prepare`` has sealed it when it read them, else
    of the files as they are now. OutputError if it cannot be written."""
    sealed, folder = own if own.digests.keys() >= _files(own).keys() else own.sealed(), path.parent
    start = None if own.start is None else _named(own.start, folder)
    lines = [
        f"# vocnlp train --recipe {path.name} --out OUT",
        *_lines({"name": own.name, "version": own.version, "seed": own.encoder.seed}),
        "",
        "[data]",
        *_lines({"file": _beside(own.data, folder), "sha256": sealed.digests["data"]}),
        *(_lines({"codeframe": _beside(own.codeframe, folder), "codeframe_sha256": sealed.digests["codeframe"]})
          if own.codeframe else ()),
        *(_lines({"dev": _beside(own.dev, folder), "dev_sha256": sealed.digests["dev"]}) if own.dev else ()),
        *_lines({"dev_parts": own.dev_parts}),
        "",
        *(["[start]", *_lines({"encoder": start, "ngrams": own.ngrams, **({"few": True} if own.few else {}),
                                "sha256": sealed.digests.get("start", "")}), ""] if start else ()),
        *_settings("linear", own.linear, leave={"grams"}),
        *(_settings("encoder", own.encoder, leave={"seed"}) if start else ()),
    ]  # fmt: skip
    fresh = path.with_name(f".{path.name}.part")
    try:
        fresh.write_text("\n".join(lines), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path, hint="choose another folder") from error


def sha256(path: Path) -> str:
    """Of a file's bytes; InputError if it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", path=path, hint="check the spelling and the folder"
        ) from None


def digest_of_start(start: str) -> str:
    """Of a bundle its own, of a folder that of all a training reads there; of a hub id, whose revision is pinned, the id's."""
    folder = Path(start)
    if (folder / MANIFEST).is_file():
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("digest", ""))
    if (folder / _WEIGHTS).is_file():
        there = [name for name in (_WEIGHTS, *_READ) if (folder / name).is_file()]
        return hashlib.sha256(repr([(name, sha256(folder / name)) for name in there]).encode()).hexdigest()
    return hashlib.sha256(start.encode()).hexdigest()


def _digest_of_weights(start: str | None) -> str | None:
    """What recipes of before keep of a folder to start from: the digest of its weights alone."""
    weights = None if start is None or (Path(start) / MANIFEST).is_file() else Path(start) / _WEIGHTS
    return sha256(weights) if weights is not None and weights.is_file() else None


def _files(own: OwnRecipe) -> dict[str, Path]:
    files = {"data": own.data, "codeframe": own.codeframe, "dev": own.dev}
    return {part: path for part, path in files.items() if path is not None}


def _digests(own: OwnRecipe) -> dict[str, str]:
    found = {part: sha256(path) for part, path in _files(own).items()}
    return found if own.start is None else {**found, "start": digest_of_start(own.start)}


def _only(path: Path, content: Mapping[str, Any], known: set[str], before: str = "") -> None:
    if unknown := sorted(set(content) - known):
        hint = f"known: {', '.join(sorted(known))}"
        raise InputError("unknown key in the recipe", path=path, column=f"{before}{unknown[0]}", hint=hint)


def _part(path: Path, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = content.get(name, {})
    if not isinstance(part, dict):
        raise InputError(f"must be a table: [{name}]", path=path, column=name)
    return part


def _found(folder: Path, start: str | None) -> str | None:
    """A folder from the recipe's on, a hub id as it is, or the shipped bundle."""
    if start == SHIPPED:
        return str(Bundle.load().path)
    return start if start is None or not (folder / start).is_dir() else str(folder / start)


def _named(start: str, folder: Path) -> str:
    if not Path(start).is_dir():
        return start
    return SHIPPED if Path(start).resolve() == Path(str(Bundle.load().path)).resolve() else _beside(Path(start), folder)


def _beside(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _lines(values: Mapping[str, Any]) -> list[str]:
    """``key = value`` as TOML has it; its strings and JSON's are written alike."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]


def _settings(part: str, values: Any, *, leave: set[str]) -> list[str]:
    kept = {f.name: getattr(values, f.name) for f in fields(values) if f.name not in leave}
    return [f"[{part}]", *_lines(kept), ""]
