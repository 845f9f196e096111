"""Codeframes: the tree, the digest, the difference, plain data, labels and warnings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cafe_frame import GOOD, load

from vocnlp.codeframe import Code, Codeframe, CodeframeDiff
from vocnlp.errors import CodeframeError

# --- the tree -----------------------------------------------------------------------------------------------------


def test_the_tree(tiny_frame: Codeframe) -> None:
    def ids(codes: tuple[Code, ...]) -> list[str]:
        return [code.id for code in codes]

    assert ids(tiny_frame.roots) == ["goods", "people", "delivery", "price"]
    assert ids(tiny_frame.children("people")) == ["attitude", "waiting", "parking"]
    assert ids(tiny_frame.children("price")) == []
    leaves = ["quality", "taste", "attitude", "waiting", "parking", "delivery", "price"]
    assert ids(tiny_frame.leaves) == leaves
    assert ids(tiny_frame.taggable) == leaves
    assert ids(tiny_frame.path("waiting")) == ["people", "waiting"]
    assert ids(tiny_frame.path("price")) == ["price"]
    assert (len(tiny_frame), "taste" in tiny_frame, "味道" in tiny_frame, None in tiny_frame) == (9, True, False, False)
    with pytest.raises(KeyError):
        tiny_frame["nothing"]


def test_an_inner_code_below_a_root_is_taggable_and_no_leaf() -> None:
    frame = frame_of_codes(("a", None), ("b", "a"), ("c", "b"))
    assert [code.id for code in frame.taggable] == ["b", "c"]
    assert [code.id for code in frame.leaves] == ["c"]
    assert [code.id for code in frame.path("c")] == ["a", "b", "c"]


def frame_of_codes(*codes: tuple[str, str | None]) -> Codeframe:
    return Codeframe("t", "1", tuple(Code(i, i.upper(), f"关于{i}", parent) for i, parent in codes))


def test_a_label_means_a_code_by_id_or_by_a_name_of_its_own(tiny_frame: Codeframe) -> None:
    assert tiny_frame.resolve("taste") == tiny_frame["taste"]
    assert tiny_frame.resolve("味道") == tiny_frame["taste"]
    assert tiny_frame.resolve("气味") is None
    twins = replace(tiny_frame, codes=(*tiny_frame.codes, Code("flavour", "味道", "又一个")))
    assert twins.resolve("味道") is None


def test_a_stage_is_found_by_id_name_or_synonym(tiny_frame: Codeframe) -> None:
    catering = tiny_frame.journey("catering")
    found = [catering.stage_of(word) for word in ("queue", "排 队", "等位 ", "QUEUE", "结账", "")]
    assert [stage and stage.id for stage in found] == ["queue", "queue", "queue", "queue", None, None]
    traditional = [catering.stage_of(word) for word in ("等 位", "用餐", "買單", "排隊", "門店")]
    assert [stage and stage.id for stage in traditional] == ["queue", "dine", "pay", "queue", None]
    with pytest.raises(CodeframeError, match="codeframe corner-shop has no journey 'hotel'") as caught:
        tiny_frame.journey("hotel")
    assert caught.value.hint == "journeys here: general, catering"


# --- digest, difference, plain data ---------------------------------------------------------------------------------


def test_the_digest_is_of_the_content_not_of_the_file(tmp_path: Path) -> None:
    frame = load(tmp_path, GOOD)
    content = yaml.safe_load(GOOD)
    turned = {key: content[key] for key in reversed(content)}
    turned["codes"] = [{key: code[key] for key in reversed(code)} for code in content["codes"]]
    as_yaml = load(tmp_path, yaml.safe_dump(turned, allow_unicode=True, sort_keys=False), "turned.yml")
    as_json = load(tmp_path, json.dumps(turned), "turned.json")
    assert as_yaml == as_json == frame
    assert as_yaml.digest == as_json.digest == frame.digest
    assert len(frame.digest) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [("豆香很足", "豆香很浓"), ("1.10", "1.11"), ("[拉花, 豆子]", "[豆子, 拉花]"), ("exclusive: false", "exclusive: true"),
     ("{visit: queue}", "{visit: drink}"), ("synonyms: [等位]", "synonyms: [等座]")],
)  # fmt: skip
def test_the_digest_changes_with_the_content(tmp_path: Path, old: str, new: str) -> None:
    assert load(tmp_path, GOOD.replace(old, new)).digest != load(tmp_path, GOOD).digest


def test_plain_data_gives_the_frame_back(tmp_path: Path, tiny_frame: Codeframe) -> None:
    flat = Codeframe.from_labels(["外观", "价格"], exclusive=True)
    for frame in (tiny_frame, load(tmp_path, GOOD), flat):
        again = Codeframe.from_dict(json.loads(json.dumps(frame.to_dict())))
        assert again == frame
        assert again.digest == frame.digest


def test_plain_data_is_checked_like_a_file() -> None:
    with pytest.raises(CodeframeError) as caught:
        Codeframe.from_dict(
            {"schema": 1, "name": "x", "version": "1", "codes": [{"id": "a"}, {"id": "a"}]}, path="我的数据"
        )
    assert caught.value.message == "我的数据, key 'id': duplicate id 'a'"


def test_the_difference_of_two_frames(tmp_path: Path) -> None:
    old = load(tmp_path, GOOD)
    new = load(
        tmp_path,
        GOOD.replace("  - id: queueing\n    name: 排队", "  - id: waiting\n    name: 等候")
        .replace("name: 风味", "name: 口感")
        .replace("    parent: drinks\n", "")
        .replace("owner: 吧台", "owner: 咖啡师")
        .replace("stage: {visit: drink}", "stage: {visit: queue}"),
    )
    assert old.diff(new) == CodeframeDiff(
        added=("waiting",),
        removed=("queueing",),
        renamed={"flavour": ("风味", "口感")},
        moved={"flavour": ("drinks", None)},
        changed={"flavour": ("stage", "owner")},
    )
    assert bool(old.diff(new)) is True
    assert bool(old.diff(old)) is False


# --- labels and warnings ------------------------------------------------------------------------------------------


def test_labels_become_a_flat_frame_in_sorted_order() -> None:
    frame = Codeframe.from_labels(["wifi", "早餐", "wifi", "隔音/噪音"], name="hotel", exclusive=True)
    assert (frame.name, frame.version, frame.exclusive) == ("hotel", "1", True)
    assert [(code.id, code.name, code.definition, code.parent) for code in frame.codes] == [
        ("wifi", "wifi", "数据中标注为“wifi”的内容", None),
        ("早餐", "早餐", "数据中标注为“早餐”的内容", None),
        ("隔音/噪音", "隔音/噪音", "数据中标注为“隔音/噪音”的内容", None),
    ]
    assert frame.taggable == frame.codes
    assert frame.digest == Codeframe.from_labels(["隔音/噪音", "早餐", "wifi"], name="hotel", exclusive=True).digest


@pytest.mark.parametrize("label", ["", " ", " 早餐", "早餐 ", "早餐|晚餐", "早\n餐", "早\x00餐", "\ud800"])
def test_a_label_that_cannot_be_a_code_is_refused(label: str) -> None:
    with pytest.raises(CodeframeError, match="cannot be a code"):
        Codeframe.from_labels(["好", label])


def test_warnings(tmp_path: Path) -> None:
    text = GOOD.replace("  - id: queueing\n    name: 排队", "  - id: Queue-ing\n    name: 排队\n    keywords: [拉花]")
    assert load(tmp_path, text.replace("    stage: {visit: queue}\n", "")).warnings() == (
        "Queue-ing: id is not of the form [a-z][a-z0-9_]*; other systems may not take it",
        "Queue-ing: keyword '拉花' also belongs to flavour",
        "Queue-ing: has no default journey stage",
    )
    assert Codeframe("leer", "1", ()).warnings() == ("the frame has no codes",)


def test_a_parent_may_share_its_keyword_with_its_child(tmp_path: Path) -> None:
    shared = GOOD.replace("    definition: 喝的东西", "    definition: 喝的东西\n    keywords: [豆子]")
    assert load(tmp_path, shared).warnings() == ()
