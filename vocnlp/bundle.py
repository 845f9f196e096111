"""A model is a folder: manifest, codeframe, weights, thresholds, measured figures, card.

    manifest.json      format, kind, name, version, thresholds, figures, and the SHA-256 of every other file
    codeframe.json     the frame the model was trained for
    README.md          the card
    model.safetensors  the weights of a linear model, or of an encoder for retraining
    tokenizer.json, tokenizer_config.json, config.json, onnx/model_int8.onnx  of an encoder
    ngrams.safetensors the n-grams beside an encoder, of the kind "pooled", and how far each of the two is trusted
    few.safetensors    codes learnt from few comments, or from none, on top of another model: the kind "extended"

Every byte is checked before it is used. Nothing in a bundle is ever executed: JSON, safetensors and ONNX only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files
from math import isfinite
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from .bundle_folder import put_back, real_path, write_folder
from .classifiers import Classifier
from .codeframe import Codeframe
from .encoder import Encoder
from .errors import BundleError, CodeframeError, OutputError
from .fewshot import Extended, extended
from .fewshot_definitions import THRESHOLD
from .linear import Linear
from .pooled import Pooled
from .registry_folder import resolve

FORMAT = 1
DEFAULT = "voc-zh-small"
MANIFEST, CODEFRAME, CARD = "manifest.json", "codeframe.json", "README.md"
_FOLDER = "onnx"  # the one folder a bundle may have: where the Hugging Face hub looks for graphs
KINDS: Mapping[str, type[Linear] | type[Encoder] | type[Pooled] | type[Extended]] = {
    "linear": Linear,
    "encoder": Encoder,
    "pooled": Pooled,
    "extended": Extended,
}


@dataclass(frozen=True)
class Bundle:
    """A model ready to score with. ``thresholds`` are per code id, on the calibrated mention probability.

    outgrown: codes learnt from so many comments that the keywords of the bundle's own frame would only mislead
    """

    name: str
    version: str
    codeframe: Codeframe
    classifier: Classifier
    thresholds: Mapping[str, float]
    figures: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    outgrown: frozenset[str] = frozenset()
    digest: str = ""
    path: Path | None = None

    @property
    def label(self) -> str:
        """Name, version and the start of the digest: what a tagged row says about its origin."""
        return f"{self.name}@{self.version}" + (f"+{self.digest[:8]}" if self.digest else "")

    @classmethod
    def load(cls, path: Path | str | None = None) -> Bundle:
        """Read and verify a bundle folder; without a path, the shipped default. A registry's folder means its champion.

        BundleError if a file is missing, was altered, does not fit its codeframe, or has a newer format.
        """
        if path is not None:
            return _load(resolve(Path(path)))
        with as_file(files("vocnlp.models") / DEFAULT) as shipped:
            return _load(shipped)

    def for_frame(self, frame: Codeframe) -> Bundle:
        """The bundle with the codes of another frame that it never learnt, found by their definitions (``fewshot``).

        Itself where there are none, or where its model gives no embeddings. Never saved: it has no digest of its own.
        """
        classifier = extended(self.classifier, frame, self.codeframe)
        new = dict.fromkeys(set(classifier.codes) - set(self.classifier.codes), THRESHOLD)
        return replace(self, classifier=classifier, thresholds={**self.thresholds, **new}) if new else self

    def save(
        self, path: Path | str, *, card: str, force: bool = False, beside: Mapping[str, bytes] | None = None
    ) -> Bundle:
        """Write the bundle whole or not at all, and return it as loaded back from there; a link stays, its folder is written.

        A process that is killed meanwhile leaves the bundle that was there or the new one: see ``bundle_folder``.
        ``beside`` are files that scoring does not need: what a later training starts from.
        """
        target = Path(path)
        if target.exists() and not force:
            raise OutputError("already exists", path=target, hint="choose another folder, or replace it with --force")
        if target.exists() and not (target / MANIFEST).is_file():
            raise OutputError("is no bundle, so it is not replaced", path=target, hint="choose another folder")
        if not isinstance(self.classifier, Linear | Encoder | Pooled | Extended):
            raise BundleError(f"cannot write a {type(self.classifier).__name__}", path=target)
        weights, settings = self.classifier.to_files()
        contents = {
            CODEFRAME: _json_bytes(self.codeframe.to_dict()),
            CARD: card.encode(),
            **weights,
            **(beside or {}),
        }
        manifest = {
            "format": FORMAT,
            "kind": next(name for name, kind in KINDS.items() if isinstance(self.classifier, kind)),
            "name": self.name,
            "version": self.version,
            "codeframe": {
                "name": self.codeframe.name,
                "version": self.codeframe.version,
                "digest": self.codeframe.digest,
            },
            "codes": list(self.classifier.codes),
            "thresholds": {code: round(float(value), 6) for code, value in self.thresholds.items()},
            "outgrown": sorted(self.outgrown),
            "settings": settings,
            "figures": dict(self.figures),
            "training": dict(self.training),
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        }
        manifest = json.loads(_json_bytes(manifest))  # keys as they will be read: a figure may be filed under a number
        manifest["digest"] = _digest(manifest)
        place = real_path(target)  # before it is written: "." is gone once its folder is replaced
        _write(target, place, {**contents, MANIFEST: _json_bytes(manifest)})
        return replace(_load(place), path=target)


def _json_bytes(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=False) + "\n").encode()


def _digest(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(
        json.dumps(content, ensure_ascii=False, sort_keys=True).encode(errors="surrogatepass")
    ).hexdigest()


def _write(target: Path, place: Path, contents: Mapping[str, bytes]) -> None:
    try:
        write_folder(place, contents, _load)  # what cannot be read back must not replace what can
    except OSError as error:
        told = f"cannot be written: {error.strerror or error}"
        raise OutputError(told, path=target, hint="check free space and rights") from error


def _load(path: Path) -> Bundle:
    manifest = _read_manifest(path)
    try:
        contents = {name: _read_verified(path, name, digest) for name, digest in manifest["files"].items()}
        codeframe = Codeframe.from_dict(json.loads(contents[CODEFRAME]), path=path / CODEFRAME)
        codes = tuple(manifest["codes"])
        classifier = KINDS[manifest["kind"]].from_files(codes, contents, manifest["settings"])
        related = codeframe.digest == manifest["codeframe"]["digest"] and all(code in codeframe for code in codes)
        bundle = Bundle(
            name=str(manifest["name"]),
            version=str(manifest["version"]),
            codeframe=codeframe,
            classifier=classifier,
            thresholds=_thresholds(manifest["thresholds"]),
            figures=dict(manifest["figures"]),
            training=dict(manifest["training"]),
            outgrown=frozenset(map(str, manifest.get("outgrown", ()))),  # bundles of before know no such codes
            digest=manifest["digest"],
            path=path,
        )
    except _MISFIT as error:
        raise BundleError(f"the parts of the bundle do not fit together: {error}", path=path, hint=_GET_ANEW) from error
    except CodeframeError as error:
        raise BundleError(f"its codeframe cannot be read: {error}", path=path, hint=_GET_ANEW) from error
    if not related:
        raise BundleError("weights and codeframe are not of the same training", path=path, hint=_GET_ANEW)
    return bundle


def _thresholds(told: Mapping[str, Any]) -> dict[str, float]:
    """ValueError where one is no number: nothing is above or below it, so its code would never be found."""
    thresholds = {code: float(value) for code, value in told.items()}
    if lost := sorted(code for code, value in thresholds.items() if not isfinite(value)):
        raise ValueError(f"the threshold of {lost[0]!r} is {thresholds[lost[0]]}")
    return thresholds


#: What reading parts that somebody put together wrongly can raise, however they are wrong.
_MISFIT = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, SafetensorError)
_GET_ANEW = "get the bundle anew from where it came from, or train it again"


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        put_back(path)
    if not path.is_dir():
        raise BundleError("no such bundle folder", path=path, hint="a bundle is a folder with a manifest.json")
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"has no {MANIFEST}, so it is not a bundle", path=path, hint=_GET_ANEW) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{MANIFEST} cannot be read: {error}", path=path, hint=_GET_ANEW) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BundleError(f"{MANIFEST} names no format", path=path, hint=_GET_ANEW)
    if manifest["format"] > FORMAT:
        newer = f"is of format {manifest['format']}; this version of vocnlp reads formats up to {FORMAT}"
        raise BundleError(newer, path=path, hint="pip install --upgrade vocnlp")
    if manifest.get("digest") != _digest(manifest):
        raise BundleError(f"{MANIFEST} was altered: its digest does not match", path=path, hint=_GET_ANEW)
    if manifest.get("kind") not in KINDS:
        raise BundleError(f"holds a model of unknown kind {manifest.get('kind')!r}", path=path, hint=_GET_ANEW)
    return manifest


def _read_verified(path: Path, name: str, digest: str) -> bytes:
    if Path(name.removeprefix(f"{_FOLDER}/")).name != name.removeprefix(f"{_FOLDER}/"):
        raise BundleError(f"its manifest names a file outside the folder: {name!r}", path=path, hint=_GET_ANEW)
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror}", path=path, hint=_GET_ANEW) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise BundleError(f"{name} was altered: its digest does not match", path=path, hint=_GET_ANEW)
    return content
