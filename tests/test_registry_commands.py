"""``vocnlp models``: a registry from its first bundle to a rollback, what the gate refuses, and what the history says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from command_line import CommandLine, command_line

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.registry import CHAMPION, Registry
from vocnlp.training.labelled import Labelled
from vocnlp.training.linear_fit import LinearRecipe, fit_linear

__all__ = ["command_line"]


def write(path: Path, rows: Sequence[Labelled]) -> Path:
    lines = [
        json.dumps({"id": row.id, "text": row.text, "sentiment": row.sentiment,
                    "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags]}, ensure_ascii=False)
        for row in rows
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def gate(tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("gate") / "gate.jsonl", tiny_rows)


@pytest.fixture(scope="module")
def poor(tiny_frame: Codeframe, tiny_rows: list[Labelled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that learnt every label wrongly: each comment has the labels of the one before it."""
    turned = [replace(row, tags=other.tags, sentiment=other.sentiment)
              for row, other in zip(tiny_rows, tiny_rows[-9:] + tiny_rows[:-9], strict=True)]  # fmt: skip
    bare = replace(tiny_frame, codes=tuple(replace(code, keywords=()) for code in tiny_frame.codes))
    fitted = fit_linear(turned, bare, LinearRecipe(least_texts=1, penalty=0.12))
    path = tmp_path_factory.mktemp("poor") / "poor"
    Bundle("corner-shop", "0.2.0", bare, fitted.model, fitted.thresholds).save(path, card="# poor\n")
    return path


@pytest.fixture
def again(tiny_bundle: Path, tmp_path: Path) -> Path:
    """The tiny bundle, as a later version."""
    target = tmp_path / "again"
    replace(Bundle.load(tiny_bundle), version="0.1.1", digest="", path=None).save(target, card="# again\n")
    return target


def test_from_the_first_bundle_to_a_rollback(
    vocnlp: CommandLine, tiny_bundle: Path, again: Path, gate: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    first, second = Bundle.load(tiny_bundle).label, Bundle.load(again).label
    assert vocnlp("models", "promote", tiny_bundle, "--registry", folder, "--who", "li").out == f"champion: {first}\n"
    added = vocnlp("models", "add", again, "--registry", folder, "--as", "challenger", "--who", "li")
    assert added.out == f"{second} is challenger\n"
    done = vocnlp(
        "models", "promote", "challenger", "--data", gate, "--registry", folder, "--who", "wang",
        "--slowest", "0", "--reason", "六月",
    )  # fmt: skip
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].startswith("  sentiment.accuracy") and lines[0].endswith(
        "difference +0.000 (+0.000 to +0.000), n = 63"
    )
    assert lines[-1] == f"champion: {second} (was {first})"
    assert vocnlp("models", "promote", second, "--registry", folder).out == f"{second} is the champion already\n"
    back = vocnlp("models", "rollback", "--registry", folder, "--who", "li", "--reason", "试一下")
    assert back.out == f"champion: {first} (was {second})\n"
    rows = json.loads(vocnlp("models", "list", "--registry", folder, "--json").out)
    assert [(row["label"], row["aliases"], bool(row["promoted"])) for row in rows] == [
        (first, ["champion"], True), (second, [], True),
    ]  # fmt: skip
    history = vocnlp("models", "history", "--registry", folder).out.splitlines()
    assert [line[21:] for line in history] == [
        f"li  rollback champion  {second} -> {first}  “试一下”",
        f"wang  promote champion  {first} -> {second}  “六月”",
        f"li  add challenger  {second}",
        f"li  promote champion  {first}",
        f"li  add  {first}",
    ]
    assert vocnlp("models", "verify", "--registry", folder).out.splitlines() == [
        f"sound  {first}", f"sound  {second}", f"sound  champion = {first}",
    ]  # fmt: skip
    assert json.loads(vocnlp("classify", "--bundle", folder, "--json", "快递太慢").out)["bundle"] == first


def test_a_worse_bundle_is_refused_and_can_be_forced_with_a_reason_that_is_kept(
    vocnlp: CommandLine, tiny_bundle: Path, poor: Path, gate: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    first, second = Bundle.load(tiny_bundle).label, Bundle.load(poor).label
    vocnlp("models", "promote", tiny_bundle, "--registry", folder)
    call = ("models", "promote", poor, "--data", gate, "--registry", folder, "--slowest", "0")
    refused = vocnlp(*call, "--critical", "味道,parking")
    assert refused.code == 2
    told = [
        line.partition(":")[2].split(",")[0].strip()
        for line in refused.err.splitlines()
        if line.startswith("objection")
    ]
    assert told == [
        "sentiment.accuracy: worse", "sentiment.macro_f1: worse", "codes.micro_f1: worse", "pairs.micro_f1: worse",
        "parking: critical", "taste: critical",
    ]  # fmt: skip
    assert f"{second} is not promoted; {first} stays champion" in refused.err
    assert Registry.open(folder).state().label(CHAMPION) == first
    assert vocnlp(*call, "--force").err.startswith("error: --force needs a reason")
    forced = vocnlp(*call, "--force", "--reason", "旧的读不了新品")
    assert (forced.code, forced.out.splitlines()[-1]) == (0, f"champion: {second} (was {first})")
    last = Registry.open(folder).history()[-1]
    assert (last["forced"], last["reason"]) == (True, "旧的读不了新品")
    assert [one["subject"] for one in last["comparison"]["objections"]] == [
        "sentiment.accuracy", "sentiment.macro_f1", "codes.micro_f1", "pairs.micro_f1",
    ]  # fmt: skip
    assert last["comparison"]["figures"]["codes.micro_f1"]["high"] < 0
    assert "forced" in vocnlp("models", "history", "--registry", folder).out.splitlines()[0]


def test_a_spoilt_champion_is_replaced_by_force_alone(
    vocnlp: CommandLine, tiny_bundle: Path, again: Path, gate: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    first, second = Bundle.load(tiny_bundle).label, Bundle.load(again).label
    vocnlp("models", "promote", tiny_bundle, "--registry", folder)
    manifest = Registry.open(folder).path(first) / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"0.1.0"', '"0.1.9"', 1), encoding="utf-8")
    call = ("models", "promote", again, "--data", gate, "--registry", folder)
    refused = vocnlp(*call)
    assert refused.code == 2
    assert f"the champion {first} cannot be read, so nothing can be compared with it" in refused.err
    assert "vocnlp models rollback, or promote all the same with --force --reason" in refused.err
    forced = vocnlp(*call, "--force", "--reason", "旧的坏了")
    assert (forced.code, forced.out) == (0, f"champion: {second} (was {first})\n")
    assert "warning: not compared, for the champion cannot be read" in forced.err


def test_the_settings_of_the_registry_hold_without_options(
    vocnlp: CommandLine, tiny_bundle: Path, again: Path, gate: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    vocnlp("models", "promote", tiny_bundle, "--registry", folder)
    needs = vocnlp("models", "promote", again, "--registry", folder)
    assert needs.code == 2 and 'put data = "labelled.jsonl" into registry.toml' in needs.err
    settings = f'critical = ["停车"]\nslowest = 0\ndata = "{gate}"\n'
    (folder / "registry.toml").write_text(settings, encoding="utf-8")
    refused = vocnlp("models", "promote", again, "--registry", folder)
    assert "objection: parking: critical, and 0 cases are too few to say" in refused.err
    wrong = vocnlp("models", "promote", again, "--registry", folder, "--critical", "tasty")
    assert "the critical code is in neither codeframe (value: 'tasty')" in wrong.err
    assert "did you mean 'taste'?" in wrong.err


def test_what_is_not_there_is_told(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    assert "is no registry: it has no aliases.json" in vocnlp("models", "list", "--registry", folder).err
    vocnlp("models", "add", tiny_bundle, "--registry", folder)
    assert "has no champion" in vocnlp("classify", "--bundle", folder, "好").err
    assert (
        "neither in the registry nor a bundle folder" in vocnlp("models", "promote", "june", "--registry", folder).err
    )
    for word in ("june@1", "nosuch", "a/b@1", ""):
        ended = vocnlp("models", "rollback", "--to", word, "--registry", folder)
        assert (ended.code, ended.err) == (
            2, f"error: {folder}: has no bundle or alias {word}\nnext step: vocnlp models list --registry {folder}\n"
        )  # fmt: skip
    assert (
        "a champion is promoted, not added"
        in vocnlp("models", "add", tiny_bundle, "--as", "champion", "--registry", folder).err
    )


def test_a_bundle_is_no_registry_and_stays_as_it_is(vocnlp: CommandLine, bundle_copy: Path, again: Path) -> None:
    before = sorted(path.name for path in bundle_copy.iterdir())
    for words in (["add", again], ["promote", again]):
        ended = vocnlp("models", *words, "--registry", bundle_copy)
        assert (ended.code, ended.err) == (
            2, f"error: {bundle_copy}: is a bundle, so it cannot be a registry\n"
            "next step: a registry has a folder of its own: name it with --registry FOLDER\n",
        )  # fmt: skip
    assert sorted(path.name for path in bundle_copy.iterdir()) == before
    assert Bundle.load(bundle_copy).name == "corner-shop"


def test_what_cannot_be_added_begins_no_registry(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    folder, empty, odd = tmp_path / "新库", tmp_path / "空的", tmp_path / "odd"
    empty.mkdir()
    replace(Bundle.load(tiny_bundle), name="a/b", digest="", path=None).save(odd, card="# odd\n")
    for words, told in (
        (["add", tmp_path / "nosuch"], "no such bundle folder"),
        (["add", empty], "has no manifest.json, so it is not a bundle"),
        (["promote", empty], "has no manifest.json, so it is not a bundle"),
        (["add", odd], "cannot be kept under its name and version"),
        (["add", tiny_bundle, "--as", "champion"], "a champion is promoted, not added"),
        (["add", tiny_bundle, "--as", "六月 新"], "'六月 新' is no alias"),
    ):
        ended = vocnlp("models", *words, "--registry", folder)
        assert (ended.code, told in ended.err, folder.exists()) == (2, True, False)


def test_a_spoilt_bundle_ends_verify_with_an_exit_code(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    vocnlp("models", "promote", tiny_bundle, "--registry", folder)
    (Registry.open(folder).bundles()[0].path / "README.md").unlink()
    ended = vocnlp("models", "verify", "--registry", folder)
    assert ended.code == 2
    assert [line.split()[0] for line in ended.out.splitlines()] == ["spoilt", "spoilt"]
    assert "2 of 2 are not sound" in ended.err


def test_a_champion_that_is_gone_is_listed_as_missing_with_the_next_step(
    vocnlp: CommandLine, tiny_bundle: Path, again: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    first, second = Bundle.load(tiny_bundle).label, Bundle.load(again).label
    vocnlp("models", "promote", tiny_bundle, "--registry", folder)
    vocnlp("models", "add", again, "--registry", folder)
    shutil.rmtree(Registry.open(folder).path(first))
    ended = vocnlp("models", "list", "--registry", folder)
    assert ended.code == 0
    assert [line.split()[:4] for line in ended.out.splitlines()[1:]] == [
        [second, "-", "linear", "corner-shop@0.1.0"],
        [first, "champion", "missing", "-"],
    ]
    assert ended.err == (
        f"missing {first} (champion): its folder is not there\n"
        f"  next step: add it again from where it came from: vocnlp models add BUNDLE --registry {folder}; "
        f"or make another champion: vocnlp models rollback --to LABEL --registry {folder}\n"
    )
    rows = json.loads(vocnlp("models", "list", "--registry", folder, "--json").out)
    assert [(row["label"], row["state"], row["problem"]) for row in rows] == [
        (second, "there", ""), (first, "missing", "its folder is not there")
    ]  # fmt: skip
    assert vocnlp("models", "rollback", "--to", second, "--registry", folder).code == 0
    assert vocnlp("models", "list", "--registry", folder).err == ""


def test_figures_that_are_none_are_shown_as_such(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    vocnlp("models", "add", tiny_bundle, "--registry", folder)
    path = Registry.open(folder).bundles()[0].path / "manifest.json"
    path.chmod(0o644)
    content = {**json.loads(path.read_bytes()), "figures": {"codes": "高", "sentiment": {"accuracy": "?"}}}
    path.write_text(json.dumps(content), encoding="utf-8")
    (row,) = json.loads(vocnlp("models", "list", "--registry", folder, "--json").out)
    assert row["figures"] == {"sentiment.accuracy": None, "codes.micro_f1": None, "pairs.micro_f1": None}


def test_a_shadow_run_does_not_replace_what_it_reads(
    vocnlp: CommandLine, tiny_bundle: Path, again: Path, tmp_path: Path
) -> None:
    folder, data = tmp_path / "registry", tmp_path / "六月.xlsx"
    vocnlp("models", "promote", tiny_bundle, "--registry", folder)
    vocnlp("models", "add", again, "--registry", folder, "--as", "challenger")
    book = openpyxl.Workbook()
    book.active.append(["评论"])
    book.active.append(["送货太慢"])
    book.save(data)
    before = data.read_bytes()
    ended = vocnlp("models", "shadow", "--data", data, "-o", data, "--registry", folder, "--force")
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {data}: is the input itself")
    assert data.read_bytes() == before
