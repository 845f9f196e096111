"""Label Studio: tasks with pre-annotations go out with their interface, annotated tasks come back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from review_rows_made import LATE, SOUR, made, origin

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError
from vocnlp.review_rows import Answers, Mark, Problem, ReviewError, Sample
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
    assert [choice.get("value") for choice in pole] == ["正面", "中性", "负面", "褒贬不一"]


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
        Problem(1, "label", "3-99", "does not stand there in the comment"),
        Problem(1, "label", "送货上楼", "the codeframe has no such code"),
        Problem(1, "mood", "凑合", "is none of 正面、中性、负面"),
        Problem(2, "meta", "a2", "was not given out for review: its meta is gone"),
        Problem(
            3, "result", "7", "of this annotation a result is none of the interface that was written beside the tasks"
        ),
    )


def read_back(sample: Sample, tmp_path: Path, *results: Any, **more: Any) -> Answers:
    path = tmp_path / "export.json"
    done = [annotated(task, result, **more) for task, result in zip(tasks(sample), results, strict=False)]
    path.write_text(json.dumps(done, ensure_ascii=False), encoding="utf-8")
    return read_studio(path, sample.frame)


def test_what_was_suggested_and_submitted_untouched_is_confirmed(tiny_frame: Codeframe, tmp_path: Path) -> None:
    sample = made(tiny_frame)
    both = (Mark("taste", "mixed", 0, 6), Mark("attitude", "positive"))
    sample = replace(sample, rows=(replace(sample.rows[0], origin=replace(sample.rows[0].origin, suggested=both)),))
    (answer,) = read_back(sample, tmp_path, tasks(sample)[0]["predictions"][0]["result"]).answers
    assert (answer.action, set(answer.tags)) == ("confirmed", set(both))


def test_words_behind_an_emoji_are_found_though_a_browser_counts_it_twice(
    tiny_frame: Codeframe, tmp_path: Path
) -> None:
    sample = made(tiny_frame)
    angry = "😡😡汤头太酸，送得也慢"
    sample = replace(sample, rows=(replace(sample.rows[0], text=angry, origin=origin("uncertain")),))

    def region(start: int, end: int, text: str) -> dict[str, Any]:
        return {
            "id": "x",
            "from_name": "label",
            "value": {"start": start, "end": end, "text": text, "labels": ["配送"]},
        }

    for place in ((7, 11), (9, 13)):  # in characters, and as a browser counts
        (answer,) = read_back(sample, tmp_path, [region(*place, "送得也慢")]).answers
        assert answer.tags == (Mark("delivery", None, 7, 11),)
    with pytest.raises(ReviewError) as caught:
        read_back(sample, tmp_path, [region(2, 4, "师傅")])
    assert caught.value.problems == (Problem(1, "label", "2-4 师傅", "does not stand there in the comment"),)


def test_a_choice_that_was_given_up_is_none_and_a_moment_is_named_by_its_field(
    tiny_frame: Codeframe, tmp_path: Path
) -> None:
    sample = made(tiny_frame)
    nothing = [{"id": "m", "from_name": "mood", "value": {"choices": []}}]
    assert [one.sentiment for one in read_back(sample, tmp_path, nothing).answers] == [None]
    with pytest.raises(ReviewError) as caught:
        read_back(sample, tmp_path, nothing, updated_at=1714550000)
    told = "is no moment, as 2026-05-01T10:00:00Z"
    assert caught.value.problems == (Problem(1, "updated_at", "1714550000", told),)


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
