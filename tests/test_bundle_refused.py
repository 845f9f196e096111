"""Bundles that are incomplete, altered, newer or put together wrongly: refused, with a next step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from vocnlp.bundle import Bundle
from vocnlp.errors import BundleError


def sealed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change a manifest and give it the digest of its new content, as a forger or a careless tool would."""
    file = path / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    change(manifest)
    content = {key: value for key, value in manifest.items() if key != "digest"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    manifest["digest"] = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    file.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def with_file(path: Path, name: str, content: bytes) -> Path:
    """Replace a file together with its digest in the manifest."""
    (path / name).write_bytes(content)
    return sealed(path, lambda manifest: manifest["files"].update({name: hashlib.sha256(content).hexdigest()}))


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(path)
    assert caught.value.path == path
    assert caught.value.hint
    prefix = f"{path}: "
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


@pytest.mark.parametrize("name", ["codeframe.json", "model.safetensors", "README.md"])
def test_an_altered_or_missing_file_is_refused(bundle_copy: Path, name: str) -> None:
    content = (bundle_copy / name).read_bytes()
    (bundle_copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert refused(bundle_copy) == f"{name} was altered: its digest does not match"
    (bundle_copy / name).write_bytes(content[: len(content) // 2])
    assert refused(bundle_copy) == f"{name} was altered: its digest does not match"
    (bundle_copy / name).unlink()
    assert refused(bundle_copy) == f"{name} cannot be read: No such file or directory"
    (bundle_copy / name).mkdir()
    assert refused(bundle_copy) == f"{name} cannot be read: Is a directory"
    (bundle_copy / name).rmdir()
    (bundle_copy / name).write_bytes(content)
    assert Bundle.load(bundle_copy).name == "corner-shop"


def test_an_altered_manifest_is_refused(bundle_copy: Path) -> None:
    file = bundle_copy / "manifest.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"price": 0.', '"price": 1.'), encoding="utf-8")
    assert refused(bundle_copy) == "manifest.json was altered: its digest does not match"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "manifest.json cannot be read: Expecting value"),
        (b"{", "manifest.json cannot be read: Expecting property name"),
        (b"\xff\xfe\x00", "manifest.json cannot be read: 'utf-8' codec can't decode"),
        (b"[" * 200_000, "manifest.json cannot be read: maximum recursion depth exceeded"),
        (b"[]", "manifest.json names no format"),
        (b"{}", "manifest.json names no format"),
        (b'{"format": "1"}', "manifest.json names no format"),
        (b'{"format": null}', "manifest.json names no format"),
        (b'{"format": 1}', "manifest.json was altered"),
        (b'{"format": 1, "name": "\\ud800"}', "manifest.json was altered"),
        (b'{"format": 2}', "is of format 2; this version of vocnlp reads formats up to 1"),
    ],
)
def test_a_manifest_of_something_else_is_refused(bundle_copy: Path, content: bytes, says: str) -> None:
    (bundle_copy / "manifest.json").write_bytes(content)
    assert refused(bundle_copy).startswith(says)


def test_a_newer_format_says_how_to_read_it(bundle_copy: Path) -> None:
    sealed(bundle_copy, lambda manifest: manifest.update(format=7))
    with pytest.raises(BundleError, match="is of format 7") as caught:
        Bundle.load(bundle_copy)
    assert caught.value.hint == "pip install --upgrade vocnlp"


def test_no_folder_no_manifest_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"PK\x03\x04")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "nowhere") == "no such bundle folder"
    assert refused(tmp_path / "file") == "no such bundle folder"
    assert refused(tmp_path / "empty") == "has no manifest.json, so it is not a bundle"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/hostname", "a/b", "./README.md", "..", ".", "", "a\x00b", "nowhere.bin"]
)
def test_a_manifest_may_name_files_of_its_own_folder_only(bundle_copy: Path, name: str) -> None:
    secret = bundle_copy.parent / "secret.txt"
    secret.write_bytes(b"secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    sealed(bundle_copy, lambda manifest: manifest["files"].update({name: digest}))
    said = refused(bundle_copy)
    assert said.startswith(
        (
            f"its manifest names a file outside the folder: {name!r}",
            f"{name} cannot be read: ",
            "the parts of the bundle",
        )
    )
    assert ("outside" in said) == (Path(name).name != name)


@pytest.mark.parametrize(
    "change",
    [
        *[lambda m, key=key: m.pop(key) for key in ("files", "codes", "thresholds", "settings", "figures", "training", "name", "version", "codeframe")],
        *[lambda m, name=name: m["files"].pop(name) for name in ("codeframe.json", "model.safetensors")],
        *[
            lambda m, key=key, value=value: m.update({key: value})
            for key in ("files", "codes", "thresholds", "settings", "figures", "training", "codeframe")
            for value in (None, 3, "x", ["x"])
        ],
        lambda m: m["files"].update({"README.md": 5}),
        lambda m: m["thresholds"].update(price="hoch"),
        lambda m: m["thresholds"].update(price=None),
        lambda m: m["thresholds"].update(price=float("nan")),
        lambda m: m["thresholds"].update(price=float("inf")),
        lambda m: m["settings"].pop("grams"),
        lambda m: m["settings"].update(format=2),
        lambda m: m["settings"].update(grams={"letters": 3}),
        lambda m: m["codes"].pop(),
        lambda m: m["codes"].append("surprise"),
        lambda m: m["codes"].__setitem__(0, "surprise"),
        lambda m: m["codes"].__setitem__(0, ["quality"]),
        lambda m: m["codeframe"].update(digest="0" * 64),
        lambda m: m["codeframe"].pop("digest"),
        lambda m: m.update(kind="pickle"),
        lambda m: m.update(kind=None),
    ],
)  # fmt: skip
def test_a_sealed_manifest_whose_parts_do_not_fit_is_refused(
    bundle_copy: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    said = refused(sealed(bundle_copy, change))
    assert said.startswith(
        (
            "the parts of the bundle do not fit together: ",
            "weights and codeframe are not of the same training",
            "holds a model of unknown kind",
            "README.md was altered",
        )
    )


@pytest.mark.parametrize("size", [0, 4, 8, 100, -1])
def test_truncated_weights_are_refused_even_under_a_fitting_digest(bundle_copy: Path, size: int) -> None:
    whole = (bundle_copy / "model.safetensors").read_bytes()
    said = refused(with_file(bundle_copy, "model.safetensors", whole[:size]))
    assert said.startswith("the parts of the bundle do not fit together: ")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("weight"),
        lambda t: t.pop("scale"),
        lambda t: t.update(scale=t["scale"][:1]),
        lambda t: t.update(bias=t["bias"][:5]),
        lambda t: t.update(bias=np.float32(1)),
        lambda t: t.update(count=t["count"].astype(np.int16)),
        lambda t: t.update(vocabulary=t["vocabulary"][::-1].copy()),
        lambda t: t.update(idf=t["idf"].reshape(1, -1)),
        lambda t: t.clear(),
    ],
)
def test_weights_that_do_not_fit_are_refused(bundle_copy: Path, change: Callable[[dict[str, Any]], object]) -> None:
    tensors = load((bundle_copy / "model.safetensors").read_bytes())
    change(tensors)
    said = refused(with_file(bundle_copy, "model.safetensors", save({k: np.asarray(v) for k, v in tensors.items()})))
    assert said.startswith("the parts of the bundle do not fit together: ")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the parts of the bundle do not fit together: Expecting value"),
        (b"[]", "its codeframe cannot be read: "),
        (b"{}", "its codeframe cannot be read: "),
        (b"\xff", "the parts of the bundle do not fit together: 'utf-8' codec"),
        (b"[" * 200_000, "the parts of the bundle do not fit together: maximum recursion"),
        (b'{"schema": 1, "name": "x", "version": 3, "codes": []}', "its codeframe cannot be read: "),
        (b'{"schema": 1, "name": "x", "version": "3", "codes": []}', "weights and codeframe are not of the same"),
    ],
)
def test_a_codeframe_that_is_none_is_refused(bundle_copy: Path, content: bytes, says: str) -> None:
    assert refused(with_file(bundle_copy, "codeframe.json", content)).startswith(says)
