"""What a wheel holds: every file that the package reads at work is named in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
_MADE = {"__pycache__", ".DS_Store"}


def _home(package: str) -> Path:
    homes = SETTINGS["package-dir"]
    return ROOT / homes.get(package, package.replace("vocnlp", homes["vocnlp"], 1).replace(".", "/"))


def _files(folder: Path) -> set[str]:
    """Everything below a folder that is neither code nor made by running it."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and not _MADE & set(path.parts)
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def test_every_file_of_the_shipped_bundles_goes_into_the_wheel() -> None:
    folder = _home("vocnlp.models")
    packed = {
        str(path.relative_to(folder))
        for glob in SETTINGS["package-data"]["vocnlp.models"]
        for path in folder.glob(glob)
    }
    assert _files(folder) - packed == set()
    assert "voc-zh-small/onnx/model_int8.onnx" in packed


def test_every_data_file_of_the_library_goes_into_the_wheel() -> None:
    for package in ("vocnlp.assets", "vocnlp.frames", "vocnlp.training"):
        folder = _home(package)
        packed = {
            str(path.relative_to(folder)) for glob in SETTINGS["package-data"][package] for path in folder.glob(glob)
        }
        assert _files(folder) - packed == set(), package
