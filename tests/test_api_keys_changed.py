"""The file of keys is changed by one at a time, and what cannot be made is said."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vocnlp.api import keys
from vocnlp.api.keys import READ
from vocnlp.errors import InputError, OutputError


@pytest.mark.parametrize("days", [1e9, -1e9, float("inf"), float("nan")])
def test_days_that_no_calendar_has_are_refused(tmp_path: Path, days: float) -> None:
    with pytest.raises(InputError) as told:
        keys.make(tmp_path / "keys.json", name="a", role=READ, days=days)
    assert str(told.value) == f"a key cannot expire after {days:g} days"
    assert told.value.hint == "give fewer days, or none: then it never expires"
    assert list(tmp_path.iterdir()) == []


def test_commands_at_the_same_time_lose_no_key_and_no_revocation(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    old = [keys.make(path, name=f"旧{n}", role=READ).split("_")[1] for n in range(10)]
    with ThreadPoolExecutor(2) as pool:
        made = pool.submit(lambda: [keys.make(path, name="新", role=READ).split("_")[1] for _ in range(10)])
        for number in old:
            keys.revoke(path, number)
    found = keys.read(path)
    assert {number: bool(key.revoked) for number, key in found.items()} == {
        **dict.fromkeys(old, True),
        **dict.fromkeys(made.result(), False),
    }
    assert [one.name for one in tmp_path.iterdir()] == ["keys.json"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none" / "keys.json"
    for change in (lambda: keys.make(path, name="a", role=READ), lambda: keys.revoke(path, "00000000")):
        with pytest.raises(OutputError) as told:
            change()
        assert str(told.value) == f"{path}: cannot be written: No such file or directory"
