"""Settings of a pretraining and of a distillation that mean nothing: refused by name when the recipe is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vocnlp.errors import InputError
from vocnlp.training.distil.plan import SHIPPED, Plan
from vocnlp.training.distil.plan import read_plan as read_distilling
from vocnlp.training.pretrain.plan import read_plan as read_pretraining


def refused(read: Callable[[Path], object], path: Path, content: str) -> tuple[str, str]:
    """The column that an error names, and what it says behind the place."""
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.message.startswith(str(path))
    return str(caught.value.column), caught.value.message.split(": ", 1)[1]


@pytest.mark.parametrize(
    ("line", "column", "told"),
    [
        ("layers = 0", "layers", "must be 1 or more (value: '0')"),
        ('layers = "4"', "layers", "a setting of another kind: int is wanted (value: '4')"),
        ("tokens = 4e7", "tokens", "a setting of another kind: int is wanted (value: '40000000.0')"),
        ("batch = true", "batch", "a setting of another kind: int is wanted (value: 'True')"),
        ("rate = 0", "rate", "must be above 0 (value: '0')"),
        ("rate = nan", "rate", "must be above 0 (value: 'nan')"),
        ("masked = 1.5", "masked", "must be 0.01 to 0.9 (value: '1.5')"),
        ("traditional = -0.1", "traditional", "must be 0 to 1 (value: '-0.1')"),
        ("seed = -1", "seed", "must be 0 to 4,294,967,295 (value: '-1')"),
        ("heads = 3", "heads", "a width of 256 cannot be dealt out to 3 heads alike (value: '3')"),
        ("shares = 3", "shares", "must be a table: [shares] (value: '3')"),
        ("[shares]\nmany = 1", "shares", "no such setting (value: 'many')"),
        ("[shares]\n5 = 2.0", "shares.5", "must be 0 to 1 (value: '2.0')"),
        ('[shares]\n5 = "all"', "shares.5", "a setting of another kind: float is wanted (value: 'all')"),
    ],
)
def test_a_pretraining_refuses_what_it_cannot_mean(tmp_path: Path, line: str, column: str, told: str) -> None:
    assert refused(read_pretraining, tmp_path / "recipe.toml", line) == (column, told)


@pytest.mark.parametrize(
    ("old", "new", "column", "told"),
    [
        ("layers = 8", "layers = 0", "teacher.layers", "must be 1 or more (value: '0')"),
        ("heads = 8", "heads = 7", "teacher.heads", "a width of 512 cannot be dealt out to 7 heads alike (value: '7')"),
        ("finished = 0.75", "finished = 1.1", "finished", "must be 0 to 1 (value: '1.1')"),
        ("goes_on = true ", "goes_on = 1 ", "goes_on", "a setting of another kind: bool is wanted (value: '1')"),
        ("tokens = 182.5e6", "tokens = -1", "grow.tokens", "must be 0 or more (value: '-1')"),
        ("rate = 1.2e-3", "rate = 0.0", "pass_on.rate", "must be above 0 (value: '0.0')"),
        ("starred = 1", "starred = 0.5", "repeats.starred", "a setting of another kind: int is wanted (value: '0.5')"),
        ("starred = 1", "starry = 1", "repeats", "no such setting (value: 'starry')"),
    ],
)
def test_a_distillation_refuses_what_it_cannot_mean(tmp_path: Path, old: str, new: str, column: str, told: str) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert old in shipped
    assert refused(read_distilling, tmp_path / "recipe.toml", shipped.replace(old, new, 1)) == (column, told)


def test_a_part_that_is_no_table_is_refused(tmp_path: Path) -> None:
    assert refused(read_distilling, tmp_path / "recipe.toml", "grow = 3") == (
        "grow",
        "must be a table: [grow] (value: '3')",
    )


def test_kinds_of_text_that_a_recipe_does_not_name_are_read_as_often_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        SHIPPED.read_text(encoding="utf-8").replace("plain = 4 ", "# ").replace("labelled = 5", ""), encoding="utf-8"
    )
    plan = read_distilling(path)
    assert isinstance(plan, Plan)
    assert plan.repeats == {"starred": 1, "plain": 2, "labelled": 3}
