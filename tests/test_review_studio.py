"""Label Studio: tasks with pre-annotations go out with their interface, annotated tasks come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from review_rows_made import LATE, SOUR, made

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.review_rows import Mark, Problem, ReviewError
from vocnlp.review_studio import interface, read_studio, tasks, write_studio


def annotated(task: dict[str, Any], result: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A task as Label Studio exports it after somebody submitted ``result``."""
    done = {"id": 7, "result": result, "was_cancelled": False, "created_at": "2026-05-04T08:30:00.123456Z",
            "completed_by": 3, **more}  # fmt: skip
    return {**task, "id": 1, "annotations": [done], "project": 5}


def test_a_task_has_the_comment_and_what_the_model_suggests(tiny_frame: Codeframe) -> None:
    first, _, third = tasks(made(tiny_frame))
    assert first["data"] == {"id": "a1", "text": SOUR, "why": "模型没有把握：味道"}
    assert first["predictions"] == [
        {
            "model_version": "corner-shop@0.1.0",
            "result": [
                {"id": "tag0", "to_name": "text", "from_name": "label", "type": "labels",
                 "value": {"start": 0, "end": 6, "text": "汤头酸得离谱", "labels": ["味道"]}},
                {"id": "tag0", "to_name": "text", "from_name": "polarity", "type": "choices",
                 "value": {"start": 0, "end": 6, "text": "汤头酸得离谱", "choices": ["负面"]}},
                {"id": "tag1", "to_name": "text", "from_name": "label", "type": "labels",
                 "value": {"start": 7, "end": 15, "text": "店员倒是一直赔笑", "labels": ["服务态度"]}},
                {"id": "tag1", "to_name": "text", "from_name": "polarity", "type": "choices",
                 "value": {"start": 7, "end": 15, "text": "店员倒是一直赔笑", "choices": ["正面"]}},
                {"to_name": "text", "type": "choices", "id": "whole", "from_name": "mood", "value": {"choices": ["负面"]}},
            ],
        }
    ]  # fmt: skip
    assert [one["from_name"] for one in third["predictions"][0]["result"]] == ["mood"]


def test_the_interface_has_every_code_and_a_polarity_for_each_region() -> None:
    frame = Codeframe.from_labels(['带"引号"', "A&B", "口味"])
    root = ElementTree.fromstring(interface(frame))
    assert [label.get("value") for label in root.findall("Labels/Label")] == ["A&B", "口味", '带"引号"']
    (pole,) = [one for one in root.findall("Choices") if one.get("perRegion") == "true"]
    assert [choice.get("value") for choice in pole] == ["正面", "中性", "负面"]


def test_an_export_comes_back_as_answers(tiny_frame: Codeframe, tmp_path: Path) -> None:
    first, second, third = tasks(made(tiny_frame))
    changed = [
        {"id": "x", "from_name": "label", "type": "labels", "value": {"start": 3, "end": 5, "labels": ["配送"]}},
        {"id": "x", "from_name": "polarity", "type": "choices", "value": {"start": 3, "end": 5, "choices": ["负面"]}},
        {"id": "y", "from_name": "codes", "type": "choices", "value": {"choices": ["等待时间"]}},
        {"id": "z", "from_name": "note", "type": "textarea", "value": {"text": ["晚了三天"]}},
    ]
    exported = [
        annotated(first, first["predictions"][0]["result"]),
        annotated(
            second, changed, completed_by={"id": 4, "email": "min@example.com"}, updated_at="2026-05-05T10:00:00+08:00"
        ),
        third,
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported, ensure_ascii=False), encoding="utf-8")
    found = read_studio(path, tiny_frame)
    assert [(one.id, one.by, one.at, one.action, one.note, one.sentiment) for one in found.answers] == [
        ("a1", "3", "2026-05-04T08:30:00+00:00", "confirmed", "", "negative"),
        ("a2", "min@example.com", "2026-05-05T02:00:00+00:00", "changed", "晚了三天", None),
    ]
    assert found.answers[1].tags == (Mark("delivery", "negative", 3, 5), Mark("waiting"))
    assert (found.answers[1].text, found.open) == (LATE, 1)


def test_a_cancelled_annotation_is_a_skip(tiny_frame: Codeframe, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([annotated(tasks(made(tiny_frame))[0], [], was_cancelled=True)]), encoding="utf-8")
    assert [one.action for one in read_studio(path, tiny_frame).answers] == ["skipped"]


def test_what_cannot_be_used_is_told_task_by_task(tiny_frame: Codeframe, tmp_path: Path) -> None:
    first, second, third = tasks(made(tiny_frame))
    wrong = [
        {"id": "x", "from_name": "label", "value": {"start": 3, "end": 99, "labels": ["送货上楼"]}},
        {"id": "y", "from_name": "mood", "value": {"choices": ["凑合"]}},
    ]
    exported = [
        annotated(first, wrong, completed_by=None),
        {**second, "meta": {}},
        annotated(third, [{"from_name": "label"}]),
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(exported), encoding="utf-8")
    with pytest.raises(ReviewError) as caught:
        read_studio(path, tiny_frame)
    assert caught.value.problems == (
        Problem(1, "completed_by", "", "nobody says who answered"),
        Problem(1, "label", "3-99", "lies outside the comment"),
        Problem(1, "label", "送货上楼", "the codeframe has no such code"),
        Problem(1, "mood", "凑合", "is none of 正面、中性、负面"),
        Problem(2, "meta", "a2", "was not given out for review: its meta is gone"),
        Problem(3, "result", "7", "is no result of this interface: KeyError('labels')"),
    )


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": 1}', '[{"text": "好"}]'])
def test_another_json_is_refused(content: str, tiny_frame: Codeframe, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="is no"):
        read_studio(path, tiny_frame)


def test_tasks_and_interface_are_written_side_by_side(tiny_frame: Codeframe, tmp_path: Path) -> None:
    write_studio(made(tiny_frame), tmp_path / "tasks.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tasks.json", "tasks.xml"]
    assert json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8")) == tasks(made(tiny_frame))
