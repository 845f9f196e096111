"""Answers put together: idempotent, the last of a coder wins, disagreements are kept and settled by majority or by one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from review_rows_made import made

from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError, OutputError
from vocnlp.review_merge import adjudicate, check_labels, merge, read_answers, read_labels, write_answers
from vocnlp.review_rows import Answer, Mark
from vocnlp.training.labelled import GoldTag, read_labelled

EARLY, LATER = "2026-05-04T08:30:00+00:00", "2026-05-05T08:30:00+00:00"
TASTE, LATE = Mark("taste", "negative", 0, 2), Mark("delivery", "negative")


def answer(
    number: str, by: str, *tags: Mark, at: str = EARLY, mood: str | None = "negative", action: str = "changed"
) -> Answer:
    return Answer(number, f"第{number}条评论", tags, mood, by, at, action)


def test_importing_twice_adds_nothing() -> None:
    some = [answer("1", "甲", TASTE), answer("2", "甲")]
    first = merge([], some)
    assert (first.added, first.replaced, first.unchanged) == (2, 0, 0)
    again = merge(first.answers, [replace(one, at=LATER) for one in some])
    assert (again.added, again.replaced, again.unchanged, again.answers) == (0, 0, 2, first.answers)


def test_the_last_answer_of_a_coder_wins_and_two_coders_stay_two() -> None:
    old = merge([], [answer("1", "甲", TASTE), answer("1", "乙", LATE)]).answers
    new = merge(old, [answer("1", "甲", LATE, at=LATER), answer("1", "甲", at=EARLY)])
    assert (new.added, new.replaced, new.repeated) == (0, 1, ("1 (甲)",))
    assert new.answers == (answer("1", "甲", LATE, at=LATER), answer("1", "乙", LATE))


def test_an_older_file_does_not_undo_a_later_answer() -> None:
    later = merge([], [answer("1", "甲", LATE, at=LATER)]).answers
    found = merge(later, [answer("1", "甲", TASTE, at=EARLY)])
    assert (found.answers, found.unchanged, found.older) == (later, 0, ("1 (甲)",))


def test_another_text_under_the_same_id_is_refused() -> None:
    with pytest.raises(InputError, match="another text than the reviewed comment of this id"):
        merge([answer("1", "甲")], [replace(answer("1", "乙"), text="换了一句话")], path="r.jsonl")


def test_a_majority_settles_and_a_tie_is_disputed() -> None:
    answers = [
        answer("1", "甲", TASTE), answer("1", "乙", TASTE, LATE), answer("1", "丙", TASTE, at=LATER),
        answer("2", "甲", TASTE), answer("2", "乙"),
        answer("3", "甲", TASTE), answer("3", "乙", replace(TASTE, polarity="neutral")),
        answer("4", "甲", mood="neutral"), answer("4", "乙", mood="positive"),
        answer("5", "甲", LATE), answer("5", "乙", action="skipped"),
    ]  # fmt: skip
    found = adjudicate(answers)
    assert found.disputed == ("2", "3", "4")
    assert [(one.id, one.by, one.tags) for one in found.settled] == [("1", "丙+乙+甲", (TASTE,)), ("5", "甲", (LATE,))]


def test_the_adjudicator_settles() -> None:
    answers = [answer("2", "甲", TASTE), answer("2", "乙"), answer("2", "组长", LATE)]
    assert adjudicate(answers, adjudicator="组长").settled == (answers[2],)


def test_an_adjudicator_who_answered_nothing_is_refused_with_the_coders() -> None:
    with pytest.raises(InputError, match=r"no answer is by this adjudicator \(value: '组张'\)") as caught:
        adjudicate([answer("2", "甲", TASTE), answer("2", "组长", action="skipped")], adjudicator="组张")
    assert caught.value.hint == "name one of the coders: 甲, 组长"
    assert adjudicate([], adjudicator="组长").settled == ()


def test_labels_that_the_answers_give_again_may_be_replaced(tiny_frame: Codeframe, tmp_path: Path) -> None:
    gold = tmp_path / "labelled.jsonl"
    answers = [answer("1", "甲", TASTE), answer("1", "li+pei@qq.com", TASTE), answer("2", "甲", LATE)]
    settled = adjudicate(answers).settled
    assert [one.by for one in settled] == ["li+pei@qq.com+甲", "甲"]
    write_answers(gold, settled, tiny_frame)
    check_labels(gold, read_labels(gold), [*answers, answer("3", "乙")])


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (answer("9", "甲"), "would lose the label of 9 by 甲"),
        (answer("1", "乙"), "would lose the label of 1 by 乙"),
        (answer("2", "甲", TASTE), "would lose the label of 2 by 甲"),  # a second one: these are answers, not labels
        (replace(answer("1", "甲"), text="换了一句话"), "would lose the label of 1 by 甲"),
    ],
)
def test_labels_that_the_answers_do_not_give_again_are_kept(label: Answer, told: str, tmp_path: Path) -> None:
    answers = [answer("1", "甲", TASTE), answer("2", "甲", LATE)]
    with pytest.raises(OutputError) as caught:
        check_labels(tmp_path / "labelled.jsonl", [answers[1], label], answers)
    assert str(caught.value) == f"{tmp_path / 'labelled.jsonl'}: {told}, which these answers do not give again"
    assert caught.value.hint == "choose another name for --gold"


def test_the_file_is_labelled_data_that_knows_who_and_when(tiny_frame: Codeframe, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    given = made(tiny_frame).rows[0]
    answers = [replace(answer("a1", "甲", TASTE), text=given.text, origin=given.origin, note="酸"), answer("2", "乙")]
    write_answers(path, answers, tiny_frame)
    assert read_answers(path) == answers
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first["reviewed"] == {"by": "甲", "at": EARLY, "action": "changed", "note": "酸"}
    assert first["tags"] == [{"code": "taste", "polarity": "negative", "start": 0, "end": 2}]
    assert second["annotated"] == [code.id for code in tiny_frame.taggable]
    rows = read_labelled(path)
    assert rows[0].tags == (GoldTag("taste", "negative", 0, 2),)
    assert (rows[1].tags, rows[1].annotated) == ((), frozenset(code.id for code in tiny_frame.taggable))


def test_a_skipped_row_teaches_nothing(tiny_frame: Codeframe, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    write_answers(path, [answer("1", "甲", TASTE), answer("2", "乙", mood=None, action="skipped")], tiny_frame)
    skipped = read_labelled(path)[1]
    assert (skipped.tags, skipped.sentiment, skipped.annotated) == ((), None, frozenset())
    old = json.loads(path.read_text(encoding="utf-8").splitlines()[1])
    old |= {"tags": [{"code": "taste", "polarity": "negative"}], "sentiment": "negative"}  # a suggestion, left standing
    path.write_text(json.dumps(old) + "\n", encoding="utf-8")
    assert [(one.tags, one.sentiment) for one in read_answers(path)] == [((), None)]


@pytest.mark.parametrize("line", ["{", '{"id": "1", "text": "好", "tags": []}', "[]"])
def test_a_file_of_another_kind_is_refused_with_its_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"row 2: is no reviewed row"):
        read_answers(path)


def test_a_line_ends_at_a_line_feed_only(tiny_frame: Codeframe, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    answers = [
        replace(answer("1", "甲", TASTE), text="汤是凉的\u2028第二天还是", note="两行\u0085都说\u2029一样"),
        answer("2", "乙"),
    ]
    write_answers(path, answers, tiny_frame)
    assert read_answers(path) == answers
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))  # as an editor of Windows saves it
    assert read_answers(path) == answers


def test_what_cannot_be_read_is_told_with_the_next_step(tiny_frame: Codeframe, tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    write_answers(path, [answer("1", "甲"), answer("2", "乙")], tiny_frame)
    first, second = path.read_text(encoding="utf-8").splitlines()
    path.write_bytes(f"{first}\n".encode() + second.encode("gbk"))
    with pytest.raises(InputError) as caught:
        read_answers(path)
    assert str(caught.value) == f"{path}, row 2: this line is not UTF-8"
    assert caught.value.hint == "give the file that `vocnlp review import` writes, in UTF-8 as it was written"
    with pytest.raises(InputError) as caught:
        read_answers(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: cannot be read: ")
    assert caught.value.hint == "give the file that `vocnlp review import` writes"
