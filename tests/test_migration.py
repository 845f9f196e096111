"""A codeframe is changed by a file of changes: each checked where it stands, each with what becomes of the codes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from migrating import CHANGES, shop_migration
from tagged_shop import FRAME

from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_writing import write_frame
from vocnlp.errors import CodeframeError, OutputError
from vocnlp.migration import Fate, migration, onto
from vocnlp.migration_changes import Change
from vocnlp.migration_files import history_of, read_history, write_history, write_proposal
from vocnlp.migration_proposal import proposed
from vocnlp.migration_reading import read_migration


def test_every_kind_of_change_is_applied(tmp_path: Path) -> None:
    found = shop_migration(tmp_path)
    diff = FRAME.diff(found.new)
    assert (found.new.name, found.new.version) == ("shop-test", "0.4.0")
    assert diff.added == ("delay", "tracking")
    assert diff.removed == ("smell", "speed", "ads")
    assert dict(diff.renamed) == {"price": ("性价比", "贵不贵")}
    assert dict(diff.moved) == {"courier": ("logistics", "service")}
    assert found.fates["smell"] == Fate(("look",))
    assert found.fates["speed"] == Fate(("delay", "tracking"), parted=True)
    assert found.fates["ads"] == Fate(())
    assert found.fates["price"] == Fate(("price",))
    assert found.homes == {"speed": "logistics"}
    assert found.becomes == {"smell": "look", "speed": "logistics", "ads": None}
    assert [str(change) for change in found.changes][3:] == [
        "add tracking",
        "merge look, smell -> look",
        "split speed -> delay, tracking",
        "retire ads: 不再投广告",
    ]


@pytest.mark.parametrize(
    ("line", "wrong", "told"),
    [
        (4, "rename: {code: prise, name: 贵}", "key 'rename': the frame has no code 'prise' at this point"),
        (4, "move: {code: logistics, parent: speed}", "key 'move': 'speed' stands under 'logistics', or is it"),
        (4, "move: {code: speed}", "key 'parent': missing"),
        (4, "add: {id: look, name: 外观, definition: 样子}", "key 'add': the frame has a code 'look' already"),
        (4, "add: {id: x, name: 甲, definition: 乙, parent: nowhere}", "has no code 'nowhere' to stand under"),
        (4, "merge: {codes: [look], into: look}", "key 'merge': nothing is merged"),
        (4, "merge: {codes: [logistics], into: speed}", "key 'merge': 'speed' stands under 'logistics'"),
        (4, "split: {code: look, into: [smell]}", "key 'split': a code is split into two or more"),
        (4, "retire: {code: logistics, reason: 外包了}", "'logistics' has codes under it: speed, packaging, courier"),
        (4, "retire: {code: ads}", "key 'reason': missing"),
        (4, "drop: {code: ads}", "key 'drop': unknown key"),
        (4, "{}", "is not one change"),
    ],
)
def test_a_change_the_frame_does_not_allow_is_told_with_file_and_line(
    tmp_path: Path, line: int, wrong: str, told: str
) -> None:
    with pytest.raises(CodeframeError) as error:
        shop_migration(tmp_path, f'from: {{name: shop-test}}\nto: {{version: "9"}}\nchanges:\n  - {wrong}\n')
    assert str(error.value).startswith(f"{tmp_path / 'changes.yaml'}, line {line}")
    assert told in str(error.value)


def test_a_file_for_another_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodeframeError, match=r"line 1, key 'version': the migration starts from '0\.2\.0'"):
        shop_migration(tmp_path, CHANGES.replace('"0.3.0"', '"0.2.0"'))
    with pytest.raises(CodeframeError, match="the frame has been changed since"):
        shop_migration(tmp_path, CHANGES.replace('"0.3.0"', '"0.3.0", digest: abcdef0123456789'))
    with pytest.raises(CodeframeError, match=r"the new frame has the version '0\.3\.0' of the old one"):
        shop_migration(tmp_path, CHANGES.replace('"0.4.0"', '"0.3.0"'))


def test_merged_codes_unite_their_words_and_rules_and_synonyms_stay() -> None:
    content: dict[str, Any] = {
        "schema": 1,
        "name": "tea",
        "version": "1.0.0",
        "synonyms": {"伙计": ["店员", "小妹"]},
        "codes": [
            {"id": "taste", "name": "口感", "definition": "好不好喝", "keywords": ["口感", "涩"]},
            {
                "id": "sweet",
                "name": "甜度",
                "definition": "甜不甜",
                "keywords": ["涩", "齁甜"],
                "examples": {"negative": ["甜得发腻"]},
                "rules": [{"when": "甜 and 腻", "polarity": "negative"}, {"when": "@伙计", "effect": "veto"}],
            },
            {"id": "sweet_deep", "name": "糖量", "parent": "sweet", "definition": "放多少糖"},
        ],
    }
    frame = Codeframe.from_dict(content)
    found = migration(frame, [Change("merge", ("sweet",), ("taste",))])
    taste = found.new["taste"]
    assert taste.keywords == ("口感", "涩", "齁甜")
    assert taste.negative == ("甜得发腻",)
    assert taste.rules == frame["sweet"].rules
    assert found.new.synonyms == {"伙计": ("店员", "小妹")}
    assert found.new["sweet_deep"].parent == "taste"
    assert found.new.version == "1.1.0"
    assert found.notes() == [
        "taste: comments carry it, but in the new frame it only stands above others",
        "taste: its rules are never used, because no comment carries this code itself",
        "taste: its vetoes now hold for all that was merged into it",
    ]


def test_changes_of_changes_reach_the_codes_of_the_old_frame() -> None:
    steps = [
        Change("merge", ("look", "smell"), ("look",)),
        Change("split", ("look",), ("quality", "size")),
        Change("merge", ("size",), ("price",)),
        Change("retire", ("quality",), words="无人认领"),
    ]
    found = migration(FRAME, steps)
    assert found.fates["smell"] == found.fates["look"] == Fate(("price",), parted=True)
    assert found.fates["quality"] == Fate(())
    assert found.homes == {"look": "money", "smell": "money"}
    assert found.touched == (
        frozenset({"look", "smell"}),
        frozenset({"look", "smell"}),
        frozenset({"look", "smell", "size"}),
        frozenset({"look", "smell", "quality"}),
    )


def test_parts_that_are_merged_again_are_one_code_unless_another_was_retired() -> None:
    split = Change("split", ("look",), ("quality", "size"))
    found = migration(FRAME, [split, Change("merge", ("quality", "size"), ("price",))])
    assert (found.fates["look"], found.homes, found.becomes["look"]) == (Fate(("price",)), {}, "price")
    three = Change("split", ("look",), ("quality", "size", "smell"))
    gone = Change("retire", ("smell",), words="没人提")
    merged = migration(FRAME, [three, gone, Change("merge", ("quality", "size"), ("price",))])
    assert merged.fates["look"] == Fate(("price",), parted=True)
    last = migration(FRAME, [three, Change("merge", ("quality", "size", "smell"), ("price",))])
    assert last.fates["look"] == Fate(("price",))


def test_a_code_that_is_split_into_codes_below_it_stays_as_their_heading() -> None:
    split = [Change("move", ("smell",), words="look"), Change("move", ("size",), words="look")]
    found = migration(FRAME, [*split, Change("split", ("look",), ("smell", "size"))])
    assert "look" in found.new
    assert found.homes == {"look": "look"}
    kept = migration(FRAME, [Change("split", ("look",), ("look", "size"))])
    assert kept.homes == {"look": "product"}
    assert kept.new.codes == FRAME.codes


def test_a_frame_that_a_person_wrote_has_to_hold_the_same_codes(tmp_path: Path) -> None:
    found = shop_migration(tmp_path)
    edited = found.new.to_dict()
    edited["codes"][1]["definition"] = "经不经用"
    new = Codeframe.from_dict(edited)
    assert onto(found, new).new is new
    edited["codes"] = [code for code in edited["codes"] if code["id"] != "delay"]
    with pytest.raises(CodeframeError, match=r"shop-test@0\.4\.0 lacks delay after the changes"):
        onto(found, Codeframe.from_dict(edited))
    with pytest.raises(CodeframeError, match=r"shop-test@0\.3\.0 is no next version"):
        onto(found, FRAME)


def test_the_history_stands_beside_the_frame_once_and_leaves_its_digest_alone(tmp_path: Path) -> None:
    found = shop_migration(tmp_path)
    old, new = tmp_path / "shop.yaml", tmp_path / "shop2.yaml"
    for day in (3, 4):  # the second time is a run that was stopped before
        write_history(old, new, found, now=datetime(2026, 5, day, tzinfo=UTC))
    write_frame(found.new, new)
    assert Codeframe.load(new).digest == found.new.digest
    later = migration(found.new, [Change("retire", ("size",), words="没人提")])
    write_history(new, new, later, now=datetime(2026, 6, 1, tzinfo=UTC))
    entries = read_history(new)
    assert [(one["version"], one["date"]) for one in entries] == [("0.4.0", "2026-05-03"), ("0.5.0", "2026-06-01")]
    assert entries[0]["digest"] == found.digest
    assert entries[0]["from"] == {"name": "shop-test", "version": "0.3.0", "digest": FRAME.digest}
    assert entries[0]["changes"] == yaml.safe_load(CHANGES)["changes"]
    assert history_of(new).name == "shop2.history.yaml"
    assert read_history(old) == []


def test_changes_are_proposed_from_two_frames_and_guesses_wait_for_a_person(tmp_path: Path) -> None:
    content = FRAME.to_dict()
    by_id = {code["id"]: code for code in content["codes"]}
    by_id["smell"]["keywords"] = ["异味", "刺鼻"]
    by_id["speed"]["keywords"] = ["太慢", "没动静"]
    old = Codeframe.from_dict(content)
    by_id["price"]["name"] = "贵不贵"
    by_id["courier"]["parent"] = "service"
    by_id["quality"]["keywords"] = ["异味", "刺鼻"]
    kept = [code for code in content["codes"] if code["id"] not in ("smell", "speed", "ads")]
    more = [
        {"id": "delay", "name": "送得慢", "definition": "晚", "parent": "logistics", "keywords": ["太慢"]},
        {"id": "tracking", "name": "物流信息", "definition": "查", "parent": "logistics", "keywords": ["没动静"]},
    ]
    new = Codeframe.from_dict({**content, "version": "0.4.0", "codes": [*kept, *more]})
    found = proposed(old, new)
    assert found[2:4] == [
        {"move": {"code": "courier", "parent": "service"}},
        {"rename": {"code": "price", "name": "贵不贵"}},
    ]
    guess = {"guess": "delay has 1 of its 3 words, tracking has 1 of its 3 words"}
    assert {"split": {"code": "speed", "into": ["delay", "tracking"]}, **guess} in found
    assert {"merge": {"codes": ["smell"], "into": "quality"}, "guess": "quality has 2 of its 3 words"} in found
    assert {"retire": {"code": "ads", "reason": "not in the new frame"}} in found

    path = tmp_path / "proposal.yaml"
    write_proposal(path, old, new.version, found)
    with pytest.raises(CodeframeError, match="nobody has confirmed this guess"):
        read_migration(path, old)
    with pytest.raises(OutputError, match="already exists"):
        write_proposal(path, old, new.version, found)
    path.write_text("\n".join(line for line in path.read_text("utf-8").splitlines() if "guess:" not in line), "utf-8")
    assert {*onto(read_migration(path, old), new).homes} == {"speed"}
