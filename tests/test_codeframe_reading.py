"""Codeframes read from files: what an error names, and what is no frame at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from cafe_frame import GOOD, load

from vocnlp.codeframe import Code, Codeframe, Stage
from vocnlp.errors import CodeframeError


def test_a_file_becomes_a_frame(tmp_path: Path) -> None:
    frame = load(tmp_path, GOOD)
    assert (frame.name, frame.version, frame.title, frame.exclusive) == ("cafe", "1.10", "咖啡馆码框", False)
    assert frame["flavour"] == Code(
        id="flavour",
        name="风味",
        definition="苦不苦、香不香",
        parent="drinks",
        includes=("苦味",),
        excludes=("烫不烫",),
        positive=("豆香很足",),
        negative=("一股焦糊味",),
        keywords=("拉花", "豆子"),
        stage={"visit": "drink"},
        owner="吧台",
        industries=("餐饮",),
    )
    assert frame.journey("visit").stages == (Stage("queue", "排队", ("等位",)), Stage("drink", "饮用"))
    assert frame.warnings() == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("title: ", "titel: ", 4, "titel", "unknown key"),
        ("    owner: ", "    ownr: ", 27, "ownr", "unknown key"),
        ("{id: drink, name: 饮用}", "{id: drink, label: 饮用}", 11, "label", "unknown key"),
        ("      positive: ", "      postive: ", 23, "postive", "unknown key"),
        ("schema: 1", "schema: 2", 1, "schema", "must be 1"),
        ("schema: 1\n", "", 1, "schema", "must be 1"),
        ("name: cafe\n", "", 1, "name", "missing"),
        ('version: "1.10"', "version: 1.10", 3, "version", "must be text, not float"),
        ('version: "1.10"', "version: 2", 3, "version", "must be text, not int"),
        ('version: "1.10"', "version: 2024-05-06", 3, "version", "must be text, not date"),
        ('version: "1.10"', "version: 2024-02-30", 3, None, "not a value: day is out of range for month"),
        ('version: "1.10"', "version: ''", 3, "version", "must not be empty"),
        ("exclusive: false", "exclusive: 是", 5, "exclusive", "must be true or false"),
        ("id: flavour", "id: drinks", 16, "id", "duplicate id 'drinks', first used in line 13"),
        ("id: flavour", "id: fla|vour", 16, "id", "'fla|vour' holds '|' or a control character"),
        ("id: flavour", "id: 7", 16, "id", "must be text, not int"),
        ("    parent: drinks", "    parent: food", 18, "parent", "'flavour' has the parent 'food', which no code has as its id"),
        ("    parent: drinks", "    parent: flavour", 18, "parent", "the parents form a cycle: flavour -> flavour"),
        ("    definition: 喝的东西", "    definition: ''", 15, "definition", "must not be empty"),
        ("    definition: 喝的东西", "    definition: '  '", 15, "definition", "must not be empty"),
        ("    definition: 喝的东西\n", "", 13, "definition", "missing"),
        ("    name: 风味\n", "", 16, "name", "missing"),
        ("stage: {visit: drink}", "stage: {visit: fly}", 26, "visit", "journey 'visit' has no stage 'fly'"),
        ("stage: {visit: drink}", "stage: {trip: drink}", 26, "trip", "unknown key"),
        ("stage: {visit: drink}", "stage: drink", 26, "stage", "expected a mapping of keys to values"),
        ("{id: drink, name: 饮用}", "{id: queue, name: 饮用}", 11, "id", "duplicate id 'queue', first used in line 10"),
        ("{id: drink, name: 饮用}", "饮用", 9, "stages", "expected a mapping of keys to values"),
        ("keywords: [拉花, 豆子]", "keywords: 拉花", 25, "keywords", "must be a list of texts"),
        ("keywords: [拉花, 豆子]", "keywords: [拉花, yes]", 25, "keywords", "must be a list of texts"),
        ("keywords: [拉花, 豆子]", "keywords: [拉花, 12]", 25, "keywords", "must be a list of texts"),
        ("    owner: 吧台", "    owner: 吧台\n    owner: 前厅", 28, "owner", "the key stands twice"),
        ("title: 咖啡馆码框", "title: [咖啡馆", 5, None, "not valid YAML: did not find expected ',' or ']'"),
        ("title: 咖啡馆码框", "title: !!python/name:os.system x", 4, None, "not valid YAML: could not determine a constructor"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_key(
    tmp_path: Path, old: str, new: str, line: int, key: str | None, says: str
) -> None:
    assert old in GOOD
    with pytest.raises(CodeframeError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    error = caught.value
    where = f"{tmp_path / 'frame.yaml'}, line {line}" + (f", key {key!r}" if key else "")
    assert (error.path, error.line, error.key) == (tmp_path / "frame.yaml", line, key)
    assert error.message.startswith(f"{where}: {says}")


def test_parents_in_a_circle_are_named_in_order(tmp_path: Path) -> None:
    text = GOOD.replace("    definition: 喝的东西", "    parent: queueing\n    definition: 喝的东西")
    text = text.replace("    name: 排队\n    definition", "    name: 排队\n    parent: flavour\n    definition")
    with pytest.raises(CodeframeError, match="the parents form a cycle: drinks -> queueing -> flavour -> drinks"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("frame.yaml", b"", "line 1: expected a mapping of keys to values"),
        ("frame.yaml", "- 只是一个列表\n".encode(), "line 1: expected a mapping of keys to values"),
        ("frame.yaml", "只是一句话".encode(), "line 1: expected a mapping of keys to values"),
        ("frame.yaml", b"schema: 1\nname: x\nversion: 'a'\n", "line 1, key 'codes': missing"),
        ("frame.yaml", b"schema: 1\nname: x\nversion: 'a'\ncodes:\n", "line 4, key 'codes': must be a list"),
        ("frame.yaml", b"schema: 1\ncodes: &a [*a]\n", "is nested too deeply, or holds itself"),
        ("frame.yaml", b"schema: 1\x00", "not valid YAML"),
        ("frame.yaml", b"schema: 1\n---\nschema: 1\n", "line 2: not valid YAML: but found another document"),
        ("frame.yaml", GOOD.encode("gb18030"), "cannot be read: 'utf-8' codec can't decode"),
        ("frame.json", b'{"schema": 1,\n "name": }', "line 2: not valid JSON"),
        ("frame.json", b"[" * 200_000, "is nested too deeply"),
        ("frame.json", b'{"schema": 1, "name": "a\\ud800"}', "key 'name': holds half a surrogate pair"),
        ("frame.json", b"[]", "expected a mapping of keys to values"),
    ],
)
def test_what_is_no_frame_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    if name.endswith("json") and b"a\\ud800" in content:
        content = content.replace(b"}", b', "version": "1", "codes": []}')
    with pytest.raises(CodeframeError) as caught:
        load(tmp_path, content, name)
    assert str(tmp_path / name) in caught.value.message
    assert says in caught.value.message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CodeframeError, match="no such file"):
        Codeframe.load(tmp_path / "nowhere.yaml")
    with pytest.raises(CodeframeError, match="cannot be read"):
        Codeframe.load(tmp_path)


def test_many_aliases_of_one_node_are_read_once(tmp_path: Path) -> None:
    rungs = "\n".join(f"  - &n{i} [{', '.join([f'*n{i - 1}'] * 9)}]" for i in range(1, 40))
    with pytest.raises(CodeframeError, match="key 'title': must be text, not list"):
        load(tmp_path, GOOD.replace("title: 咖啡馆码框", f"title:\n  - &n0 [x]\n{rungs}"))


def test_a_byte_order_mark_and_padding_are_no_content(tmp_path: Path) -> None:
    padded = GOOD.replace("name: 风味", "name: '  风味 '").encode("utf-8-sig")
    assert load(tmp_path, padded) == load(tmp_path, GOOD)
