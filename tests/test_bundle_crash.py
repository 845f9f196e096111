"""Killed at any step of its replacement, a bundle is the old one or the new one, and nothing of the dead process stays."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bundle_process import CARD, NAME

from vocnlp.bundle import Bundle
from vocnlp.errors import BundleError

PATIENCE = 120.0  # seconds; a machine under load is slow
PROGRAM = [sys.executable, str(Path(__file__).with_name("bundle_process.py"))]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by SIGKILL")


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_bundle, tmp_path / "prepared" / NAME)
    return tmp_path / "prepared"


def killed(folder: Path) -> Path:
    """The one folder that a process killed between the two renames has left."""
    ran = subprocess.run([*PROGRAM, "kill", str(folder)], timeout=PATIENCE, check=False)
    assert ran.returncode == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert left.name.startswith(f".{NAME}-") and left.name.endswith(".vocnlp-save")
    assert sorted(each.name for each in left.iterdir()) == ["lock", "new", "old"]
    return left


def card(bundle: Path) -> str:
    return (bundle / "README.md").read_text(encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_kill_at_any_step_leaves_the_old_bundle_or_the_new_one(folder: Path, tmp_path: Path) -> None:
    old = card(folder / NAME)
    (tmp_path / "copies").mkdir()
    ran = subprocess.run(
        [*PROGRAM, "step", str(folder), str(tmp_path / "copies")], capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    copies = sorted((tmp_path / "copies").iterdir())
    assert len(copies) == json.loads(ran.stdout) + 1 > 10
    seen = []
    for copy in copies:
        bundle = Bundle.load(copy / NAME)
        seen.append(card(copy / NAME))
        bundle.save(copy / NAME, card="# 再来一次\n", force=True)
        assert (card(copy / NAME), names(copy)) == ("# 再来一次\n", [NAME])
    turn = seen.index(CARD)
    assert (set(seen[:turn]), set(seen[turn:])) == ({old}, {CARD})


def test_the_old_bundle_comes_back_when_it_is_next_loaded(folder: Path) -> None:
    old = card(folder / NAME)
    killed(folder)
    assert Bundle.load(folder / NAME).path == folder / NAME
    assert (card(folder / NAME), names(folder)) == (old, [NAME])


def test_a_link_to_it_finds_the_old_bundle_again(folder: Path) -> None:
    old = card(folder / NAME)
    killed(folder)
    (folder / "现用").symlink_to(NAME)
    Bundle.load(folder / "现用")
    assert (card(folder / NAME), names(folder)) == (old, sorted([NAME, "现用"]))


def test_the_next_save_needs_no_force_where_there_is_none_and_clears_the_rest(folder: Path, tiny_bundle: Path) -> None:
    killed(folder)
    Bundle.load(tiny_bundle).save(folder / NAME, card="# 下一个\n")
    assert (card(folder / NAME), names(folder)) == ("# 下一个\n", [NAME])


def test_a_living_process_is_waited_for_and_its_folder_left_alone(
    folder: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vocnlp.bundle_folder._PATIENCE", 0.2)
    with subprocess.Popen([*PROGRAM, "wait", str(folder)]) as process:
        end = time.monotonic() + PATIENCE
        while not (folder / "between").exists():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)
        with pytest.raises(BundleError, match="no such bundle folder"):
            Bundle.load(folder / NAME)
        (left,) = folder.glob(".*")
        assert names(left) == ["lock", "new", "old"]
        Bundle.load(tiny_bundle).save(folder / "别的", card="")  # of another name: no concern of its
        (folder / "go").touch()
        assert process.wait(PATIENCE) == 0
    assert (card(folder / NAME), names(folder)) == (CARD, sorted([NAME, "between", "go", "别的"]))


def test_folders_that_only_look_alike_stay(folder: Path) -> None:
    alike = [f".{NAME}-original", f".{NAME}-x-abcdefgh.vocnlp-save", f".{NAME}-backup"]
    for name in alike:
        (folder / name).mkdir()
        (folder / name / "lock").touch()
    Bundle.load(folder / NAME).save(folder / NAME, card="", force=True)
    assert names(folder) == sorted([*alike, NAME])


def test_an_empty_folder_of_a_process_that_had_no_lock_yet_goes(folder: Path) -> None:
    (folder / f".{NAME}-abcdefgh.vocnlp-save").mkdir()
    Bundle.load(folder / NAME).save(folder / NAME, card="", force=True)
    assert names(folder) == [NAME]
