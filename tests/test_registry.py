"""A registry keeps bundles as they came, says which is champion and how that came about, and notices what is spoilt."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from vocnlp.bundle import Bundle
from vocnlp.errors import BundleError, RegistryError
from vocnlp.registry import CHALLENGER, CHAMPION, Checked, Registry
from vocnlp.registry_writing import locked
from vocnlp.tagger import Tagger


@pytest.fixture(scope="module")
def versions(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Three versions of the tiny bundle."""
    folder, bundle = tmp_path_factory.mktemp("versions"), Bundle.load(tiny_bundle)
    for version in ("0.2.0", "0.3.0"):
        replace(bundle, version=version, digest="", path=None).save(folder / version, card=f"# {version}\n")
    return tiny_bundle, folder / "0.2.0", folder / "0.3.0"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(tmp_path / "registry", create=True)


def filled(registry: Registry, versions: tuple[Path, ...]) -> list[str]:
    return [registry.add(path, who="li") for path in versions]


def crowned(registry: Registry, *labels: str) -> None:
    for label in labels:
        registry.promote(label, who="li", over=registry.state().label(CHAMPION))


def told(registry: Registry) -> list[tuple[str, str | None, str]]:
    return [(row["what"], row["from"], row["to"]) for row in registry.history()]


def test_a_bundle_is_copied_whole_and_cannot_be_written_to(registry: Registry, tiny_bundle: Path) -> None:
    label = registry.add(tiny_bundle, who="li")
    copy = registry.path(label)
    assert copy == registry.folder / "bundles" / "corner-shop" / label.partition("@")[2]
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        path.name: path.read_bytes() for path in tiny_bundle.iterdir()
    }
    assert {path.stat().st_mode & 0o777 for path in copy.iterdir()} == {0o444}
    assert [(kept.label, kept.kind, kept.codeframe, kept.figures) for kept in registry.bundles()] == [
        (label, "linear", "corner-shop@0.1.0", {"rows": 63})
    ]


def test_a_bundle_that_comes_again_changes_nothing(registry: Registry, tiny_bundle: Path) -> None:
    assert registry.add(tiny_bundle, who="li") == registry.add(tiny_bundle, who="wang")
    assert len(registry.bundles()) == len(registry.history()) == 1


def test_a_word_means_an_alias_a_label_or_a_version_that_only_one_has(
    registry: Registry, versions: tuple[Path, Path, Path]
) -> None:
    first, second, third = filled(registry, versions)
    registry.add(versions[1], who="li", alias=CHALLENGER)
    words = (CHALLENGER, third, "corner-shop@0.1.0", "corner-shop", CHAMPION)
    assert [registry.label(word) for word in words] == [second, third, first, None, None]


def test_a_registry_given_as_a_bundle_means_its_champion(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, second, _ = filled(registry, versions)
    with pytest.raises(RegistryError, match="has no champion"):
        Bundle.load(registry.folder)
    crowned(registry, first)
    registry.add(versions[1], who="li", alias=CHALLENGER)
    assert Bundle.load(registry.folder).label == first
    assert Tagger.load(registry.folder).tag(["快递太慢"])[0].bundle == first
    assert (
        Bundle.load(f"{registry.folder}#challenger").label == Bundle.load(f"{registry.folder}#{second}").label == second
    )
    with pytest.raises(RegistryError, match="has no june") as refused:
        Bundle.load(f"{registry.folder}#june")
    assert f"aliases: champion ({first}), challenger ({second})" in refused.value.hint


def test_a_promoted_challenger_is_no_challenger_any_more(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, second, _ = filled(registry, versions)
    crowned(registry, first)
    registry.add(versions[1], who="li", alias=CHALLENGER)
    registry.promote(second, who="wang", over=first, reason="六月的数据", comparison={"figures": {}})
    state = registry.state()
    assert {name: standing.label for name, standing in state.aliases.items()} == {CHAMPION: second}
    last = dict(registry.history()[-1])
    assert last.pop("id") and last.pop("at")
    assert last == {
        "who": "wang", "what": "promote", "alias": CHAMPION, "from": first, "to": second,
        "reason": "六月的数据", "forced": False, "comparison": {"figures": {}},
    }  # fmt: skip


def test_a_comparison_with_a_champion_that_is_none_any_more_is_void(
    registry: Registry, versions: tuple[Path, Path, Path]
) -> None:
    first, second, third = filled(registry, versions)
    crowned(registry, first, second)
    with pytest.raises(RegistryError, match=f"the champion is .*{second[-8:]} by now, not .*{first[-8:]}"):
        registry.promote(third, who="li", over=first)
    assert registry.state().label(CHAMPION) == second


def test_rollback_goes_back_step_by_step_and_no_further(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, second, third = filled(registry, versions)
    crowned(registry, first, second, third)
    assert [registry.rollback(who="li"), registry.rollback(who="li")] == [second, first]
    with pytest.raises(RegistryError, match="there was no champion before"):
        registry.rollback(who="li")
    assert registry.rollback(who="li", to=third) == third
    assert registry.rollback(who="li") == first
    assert told(registry)[-4:] == [
        ("rollback", third, second),
        ("rollback", second, first),
        ("rollback", first, third),
        ("rollback", third, first),
    ]


def test_a_spoilt_bundle_is_found_and_never_gone_back_to(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, second, _ = filled(registry, versions)
    crowned(registry, first, second)
    weights = registry.path(first) / "model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    (registry.path(second) / "notes.txt").write_text("?", encoding="utf-8")
    found = {one.name: one.problem.rpartition(": ")[2] for one in registry.verify()}
    assert found == {
        first: "its digest does not match",
        second: "notes.txt",
        registry.label("corner-shop@0.3.0"): "",
        f"champion = {second}": "the bundle is not sound",
    }
    with pytest.raises(BundleError, match="was altered"):
        registry.rollback(who="li")
    assert registry.state().label(CHAMPION) == second


def test_what_is_no_sound_bundle_does_not_come_in(registry: Registry, bundle_copy: Path) -> None:
    (bundle_copy / "README.md").write_text("another card", encoding="utf-8")
    with pytest.raises(BundleError, match=r"README\.md was altered"):
        registry.add(bundle_copy, who="li")
    assert list((registry.folder / "bundles").iterdir()) == []


@pytest.mark.parametrize("name", ["../away", "a/b", ".hidden", ""])
def test_a_name_that_is_a_path_does_not_come_in(
    registry: Registry, tiny_bundle: Path, tmp_path: Path, name: str
) -> None:
    odd = replace(Bundle.load(tiny_bundle), name=name, digest="", path=None).save(tmp_path / "odd", card="# odd\n")
    with pytest.raises(RegistryError, match="cannot be kept under its name"):
        registry.add(odd.path, who="li")


def test_an_alias_is_one_plain_word_and_never_a_label(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, *_ = filled(registry, versions)
    for wrong in (first, "corner-shop@0.1.0", "a\nb", "june\n", "a b", "a#b", "六月，新", "-x", "a/b", "a.b", ""):
        with pytest.raises(RegistryError) as refused:
            registry.add(versions[1], who="li", alias=wrong)
        assert refused.value.message == f"{registry.folder}: {wrong!r} is no alias"
        assert refused.value.hint == "an alias is one word of letters, digits, - and _, as challenger"
    assert registry.state().aliases == {}
    for right in ("六月", "Juni-2026", "_a", "2"):
        registry.add(versions[1], who="li", alias=right)
    assert list(registry.state().aliases) == ["六月", "Juni-2026", "_a", "2"]


def test_no_path_of_a_bundle_leads_out_of_the_registry(registry: Registry) -> None:
    for label in ("../../etc@1", "nosuch", "a@b/c"):
        with pytest.raises(RegistryError) as refused:
            registry.path(label)
        assert refused.value.message == f"{registry.folder}: has no bundle {label}"


def test_a_folder_that_is_no_registry_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"is no registry: it has no aliases.json") as refused:
        Registry.open(tmp_path)
    assert refused.value.hint == f"begin one with its first bundle: vocnlp models add BUNDLE --registry {tmp_path}"


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": 1, "aliases": {"champion": 3}, "before": [], "last": null}']
)
def test_aliases_that_cannot_be_read_are_told_and_not_replaced(
    registry: Registry, content: str, tiny_bundle: Path
) -> None:
    (registry.folder / "aliases.json").write_text(content, encoding="utf-8")
    with pytest.raises(RegistryError, match=r"aliases.json cannot be read"):
        registry.add(tiny_bundle, who="li")
    assert (registry.folder / "aliases.json").read_text(encoding="utf-8") == content


def test_while_another_changes_it_nothing_is_changed(registry: Registry, tiny_bundle: Path) -> None:
    registry.patience = 0.05
    lock = registry.folder / "lock"
    with (
        locked(lock, folder=registry.folder, patience=0),
        pytest.raises(
            RegistryError, match="another process is changing the registry at this moment; nothing was changed"
        ),
    ):
        registry.add(tiny_bundle, who="li")
    assert registry.add(tiny_bundle, who="li")


def test_a_full_disk_is_told_and_the_champion_stays(
    registry: Registry, versions: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = filled(registry, versions)
    crowned(registry, first)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vocnlp.registry_writing.os.replace", full)
    with pytest.raises(RegistryError, match="No space left on device; the champion is the one it was"):
        crowned(registry, second)
    monkeypatch.undo()
    assert (registry.state().label(CHAMPION), len(registry.history())) == (first, 4)


def test_half_a_line_of_history_is_made_good(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, second, _ = filled(registry, versions)
    crowned(registry, first)
    history = registry.folder / "history.jsonl"
    whole = history.read_bytes()
    history.write_bytes(whole[: whole.rindex(b'"promote"')])
    assert told(registry)[-1] == ("promote", None, first)
    crowned(registry, second)
    assert [row["what"] for row in map(json.loads, history.read_text(encoding="utf-8").splitlines())] == [
        "add", "add", "add", "promote", "promote",
    ]  # fmt: skip
    assert history.read_bytes().startswith(whole)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("5", "line 2: it is no change: not a JSON object"),
        (
            '{"what": "promote"}',
            "line 2: it is no change: id, at, who, alias, from, to, reason missing or of another kind",
        ),
        ("{", "line 2: Expecting property name enclosed in double quotes"),
    ],
)
def test_a_line_of_history_that_is_no_change_is_named_and_nothing_is_changed(
    registry: Registry, versions: tuple[Path, Path, Path], line: str, told: str
) -> None:
    registry.add(versions[0], who="li")
    with (registry.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    before = (registry.folder / "aliases.json").read_bytes()
    for call in (
        registry.history,
        lambda: registry.add(versions[1], who="li"),
        lambda: registry.rollback(who="li"),
    ):
        with pytest.raises(RegistryError) as refused:
            call()
        assert refused.value.message.startswith(f"{registry.folder / 'history.jsonl'}: cannot be read: {told}")
        assert refused.value.hint == "mend the line, or take the file from a copy of the folder"
    assert (registry.folder / "aliases.json").read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("last", {"what": "add"}, "it is no change: id, at, who, alias, from, to, reason missing or of another kind"),
        ("before", "corner-shop@1", "before is no list of labels"),
        ("aliases", {"champion": {"label": 3, "digest": "", "at": ""}}, "an alias is label, digest and time, all text"),
        ("aliases", {"champion": {"label": "a/b@1", "digest": "", "at": ""}}, "'a/b@1' is the label of no bundle"),
    ],
)
def test_a_part_of_the_state_that_is_of_another_kind_is_told(
    registry: Registry, key: str, value: object, told: str
) -> None:
    path = registry.folder / "aliases.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), key: value}), encoding="utf-8")
    with pytest.raises(RegistryError) as refused:
        registry.state()
    assert refused.value.message == f"{registry.folder}: aliases.json cannot be read: {told}"


def test_bundles_that_are_spoilt_or_gone_are_listed_as_such_beside_the_sound(
    registry: Registry, versions: tuple[Path, Path, Path]
) -> None:
    first, second, third = filled(registry, versions)
    fourth = registry.add(None, who="li")
    crowned(registry, second, fourth)
    (registry.path(first).parent / ".DS_Store").write_bytes(b"\0")
    (registry.folder / "bundles" / "notes.txt").write_text("?", encoding="utf-8")
    (registry.path(first) / "model.safetensors").unlink()
    (registry.path(third) / "manifest.json").chmod(0o644)
    (registry.path(third) / "manifest.json").write_text("{", encoding="utf-8")
    gone = registry.path(fourth)
    shutil.rmtree(gone)
    told = {kept.label: (kept.state, kept.problem.partition(": ")[0]) for kept in registry.bundles()}
    assert told == {
        first: ("spoilt", "model.safetensors is gone"),
        second: ("", ""),
        third: ("spoilt", "manifest.json cannot be read"),
        fourth: ("missing", "its folder is not there"),
    }
    assert registry.verify()[-1] == Checked(f"champion = {fourth}", "its folder is not there")
    assert registry.add(None, who="li") == fourth  # it is copied in again under its name
    assert [kept.state for kept in registry.bundles() if kept.path == gone] == [""]


def test_a_bundle_under_anothers_name_is_spoilt(registry: Registry, versions: tuple[Path, Path, Path]) -> None:
    first, second, _ = filled(registry, versions)
    shutil.rmtree(registry.path(first))
    registry.path(second).rename(registry.folder / "bundles" / "corner-shop" / first.partition("@")[2])
    (kept,) = [kept for kept in registry.bundles() if kept.label == first]
    assert (kept.state, kept.problem) == ("spoilt", "it holds another bundle than the one that got this name")


def test_the_settings_of_the_gate_are_read_and_checked(registry: Registry, tmp_path: Path) -> None:
    file = registry.folder / "registry.toml"
    file.write_text('critical = ["quality", "服务"]\nslowest = 0.8\ndata = "gate.jsonl"\n', encoding="utf-8")
    settings = registry.settings()
    assert (settings.critical, settings.slowest, settings.data) == (
        {"quality", "服务"}, 0.8, registry.folder / "gate.jsonl",
    )  # fmt: skip
    file.write_text("\ufeff" + file.read_text(encoding="utf-8"), encoding="utf-8")  # as Windows editors save it
    assert registry.settings() == settings
    wrong = {"critcal = []": "knows no key 'critcal'", "critical = 'a'": "critical is no list", "slowest = true": "slowest is no number",
             "data = 3": "data is no name", "slowest": "cannot be read"}  # fmt: skip
    for content, message in wrong.items():
        file.write_text(content, encoding="utf-8")
        with pytest.raises(RegistryError, match=message):
            registry.settings()


def test_a_registry_can_be_moved(registry: Registry, tiny_bundle: Path, tmp_path: Path) -> None:
    crowned(registry, registry.add(tiny_bundle, who="li"))
    moved = Path(shutil.move(registry.folder, tmp_path / "elsewhere"))
    assert [one.problem for one in Registry.open(moved).verify()] == ["", ""]
    assert Bundle.load(moved).name == "corner-shop"
