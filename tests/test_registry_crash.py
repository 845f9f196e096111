"""Killed at any step, a registry has its old champion or its new one, sound, with the history that belongs to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from vocnlp.bundle import Bundle
from vocnlp.registry import CHALLENGER, CHAMPION, Registry

PATIENCE = 120.0  # seconds; a machine under load is slow
PROGRAM = [sys.executable, str(Path(__file__).with_name("registry_process.py"))]


@pytest.fixture
def prepared(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A registry with three bundles, the second champion after the first; and a fourth bundle beside it."""
    registry, bundle = Registry.open(tmp_path / "registry", create=True), Bundle.load(tiny_bundle)
    labels = []
    for version in ("0.1.0", "0.2.0", "0.3.0", "0.4.0"):
        saved = replace(bundle, version=version, digest="", path=None).save(tmp_path / version, card="# v\n")
        if version != "0.4.0":
            labels.append(registry.add(saved.path, who="li"))
    for label in labels[:2]:
        registry.promote(label, who="li", over=registry.state().label(CHAMPION))
    return tmp_path


def killed_at_every_step(folder: Path, what: str, argument: object) -> list[Registry]:
    work = folder / "copies"
    work.mkdir()
    ran = subprocess.run(
        [*PROGRAM, "step", what, str(folder / "registry"), str(argument), str(work)],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    copies = [Registry.open(copy) for copy in sorted(work.iterdir())]
    assert len(copies) == json.loads(ran.stdout) + 1 > 5
    return copies


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
@pytest.mark.parametrize("what", ["promote", "rollback", "add"])
def test_a_kill_at_any_step_leaves_the_old_state_or_the_new_one(prepared: Path, what: str) -> None:
    old = Registry.open(prepared / "registry")
    first, second, third = (kept.label for kept in old.bundles())
    argument = prepared / "0.4.0" if what == "add" else third
    before = {CHAMPION: second}
    fourth = Bundle.load(prepared / "0.4.0").label
    after = {"promote": {CHAMPION: third}, "rollback": {CHAMPION: first}, "add": {CHAMPION: second, CHALLENGER: fourth}}
    seen = []
    for copy in killed_at_every_step(prepared, what, argument):
        aliases = {name: standing.label for name, standing in copy.state().aliases.items()}
        assert aliases in (before, after[what])
        seen.append(aliases == after[what])
        assert [row["what"] for row in copy.history()[5:]] == ([what] if seen[-1] else [])
        assert Bundle.load(copy.folder).label == aliases[CHAMPION]
        assert {one.problem for one in copy.verify()} == {""}
        assert copy.rollback(who="after", to=first if aliases[CHAMPION] != first else second)
        assert [row["what"] for row in copy.history()[5:]] == [*([what] if seen[-1] else []), "rollback"]
        assert [path.name for path in (copy.folder / "bundles").iterdir()] == ["corner-shop"]
        added = copy.add(prepared / "0.4.0", who="after")
        assert [row["what"] for row in copy.history() if row["to"] == added].count("add") == 1
    assert seen == sorted(seen)  # once it is done, it stays done
    assert (seen[0], seen[-1]) == (False, True)


def test_of_two_promotions_at_once_one_is_told_that_the_champion_changed(prepared: Path) -> None:
    registry = Registry.open(prepared / "registry")
    first, second, third = (kept.label for kept in registry.bundles())
    both = [
        subprocess.Popen([*PROGRAM, name, "promote", str(registry.folder), label], stdout=subprocess.PIPE, text=True)
        for name, label in (("li", first), ("wang", third))
    ]
    end = time.monotonic() + PATIENCE
    while not all((prepared / f"ready-{name}").exists() for name in ("li", "wang")):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    (prepared / "gate").touch()
    said = [process.communicate(timeout=PATIENCE)[0].strip() for process in both]
    last = registry.history()[-1]
    loser = f"the champion is {last['to']} by now, not {second}; nothing was changed"
    assert sorted(said) == sorted(["promoted", loser])
    assert (last["what"], last["from"], last["to"]) == ("promote", second, registry.state().label(CHAMPION))
    assert len(registry.history()) == 6
