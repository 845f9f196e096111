"""What the documents say is so: commands exist, the twins agree, links lead somewhere, options are real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from vocnlp.cli import app

ROOT = Path(__file__).parents[1]
TWINS = ("README.md", "README.zh-CN.md")


def blocks(name: str) -> list[str]:
    return re.findall(r"```\w*\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def commands() -> dict[str, set[str]]:
    """Every command of the program with its option names."""
    found: dict[str, set[str]] = {}

    def walk(command: typer.core.TyperCommand | typer.core.TyperGroup, path: str) -> None:
        found[path] = {
            option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{path} {name}".strip())
        found[path] |= found.get(f"{path} run", set())  # vocnlp discover FILE is vocnlp discover run FILE

    walk(typer.main.get_command(app), "")
    return found


@pytest.mark.parametrize("name", [*TWINS, "CONTRIBUTING.md", "benchmarks/README.md", "docs/tutorial.md"])
def test_relative_links_lead_to_files(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    assert [link for link in targets if not ((ROOT / name).parent / link).exists()] == []


@pytest.mark.parametrize("name", TWINS)
def test_every_command_and_option_in_the_readme_exists(name: str) -> None:
    known = commands()
    used = re.findall(
        r"vocnlp ((?:codeframe |keys |store |alerts |rules |review |models |discover )?[a-z]+)([^\n`#]*)",
        "\n".join(blocks(name)),
    )
    calls = [(command, rest) for command, rest in used if command in known]
    assert {command for command, _ in calls} >= {"score", "report", "train", "evaluate", "classify"}
    for command, rest in calls:
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= known[command], (command, rest)


def test_the_twins_show_the_same_python_and_the_same_number_of_examples() -> None:
    ours, theirs = ([block for block in blocks(name) if block.startswith("from ")] for name in TWINS)
    code = [[re.sub(r"\s*#.*|\".*?\"", "", line) for line in block.splitlines()] for block in ours + theirs]
    assert len(blocks(TWINS[0])) == len(blocks(TWINS[1]))
    assert code[: len(ours)] == code[len(ours) :]


def test_the_twins_state_the_same_figures() -> None:
    numbers = [sorted(re.findall(r"\d+(?:\.\d+)?", _figures(name))) for name in TWINS]
    assert numbers[0] == numbers[1] != []


def _figures(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


def test_the_example_of_the_readme_is_what_the_program_prints() -> None:
    (block,) = [block for block in blocks("README.md") if block.startswith("$ vocnlp classify")]
    text = re.search(r'"(.+)"', block)
    assert text is not None
    ran = subprocess.run(
        [sys.executable, "-m", "vocnlp.cli", "classify", text[1]], capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.stdout == block.split("\n", 1)[1]
    assert blocks("README.zh-CN.md")[0] == block


def test_the_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [block for block in blocks("README.md") if block.startswith("from ")]
    exec(compile(block, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 2
