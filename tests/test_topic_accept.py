"""A decision on a topic becomes the next version of the codeframe, and its comments examples to be reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_writing import next_version, write_frame
from vocnlp.errors import CodeframeError, InputError, OutputError
from vocnlp.topic_accept import Decision, accept, examples_of

SAID = ("充电宝还不进去，一直扣钱", "还了还在计费", " ", "柜子不认充电宝", "押金扣光了", "第五句用不上")


def topic(kind: str, code: str | None, *, glad: bool = False) -> dict[str, Any]:
    return {
        "id": f"t_{kind}",
        "name": "充电宝归还",
        "sentiment": {"negative": 1 if glad else 9, "neutral": 0, "positive": 9 if glad else 1},
        "proposal": {
            "kind": kind, "code": code, "why": "", "definition": "客户谈到充电宝归还。",
            "keywords": ["充电宝", "态度"], "examples": list(SAID),
        },
    }  # fmt: skip


FOUND = {"topics": [topic("new", None), topic("sub", "waiting"), topic("synonym", "attitude"), topic("noise", None)]}


def test_a_new_code_stands_at_the_end_of_the_next_version(tiny_frame: Codeframe) -> None:
    done = accept(tiny_frame, FOUND, Decision("t_new", code="charger", name="充电宝"))
    assert (done.code, done.frame.version, done.frame.codes[-1].id) == ("charger", "0.2.0", "charger")
    made = done.frame["charger"]
    assert (made.name, made.definition, made.parent) == ("充电宝", "客户谈到充电宝归还。", None)
    assert made.keywords == ("充电宝", "态度")
    assert (made.positive, made.negative) == ((), (SAID[0], SAID[1], SAID[3], SAID[4]))
    assert tiny_frame.diff(done.frame).added == ("charger",)
    assert "charger" not in tiny_frame


def test_a_sub_code_stands_behind_its_family_and_has_its_stage_and_owner(tiny_frame: Codeframe) -> None:
    done = accept(tiny_frame, FOUND, Decision("t_sub"))
    made = done.frame["t_sub"]
    assert (made.parent, made.owner, dict(made.stage)) == (
        "waiting", "门店运营部", {"general": "order", "catering": "queue"}
    )  # fmt: skip
    ids = [code.id for code in done.frame.codes]
    assert ids[ids.index("waiting") + 1] == "t_sub"


def test_what_is_mostly_praise_gives_positive_examples(tiny_frame: Codeframe) -> None:
    done = accept(tiny_frame, {"topics": [topic("new", "people", glad=True)]}, Decision("t_new"))
    made = done.frame["t_new"]
    assert (made.parent, made.positive[0], made.negative) == ("people", SAID[0], ())


def test_a_synonym_adds_the_words_that_the_code_lacks(tiny_frame: Codeframe) -> None:
    done = accept(tiny_frame, FOUND, Decision("t_synonym"))
    assert (done.code, done.frame["attitude"].keywords) == ("attitude", ("态度", "充电宝"))
    assert list(tiny_frame.diff(done.frame).changed) == ["attitude"]


def test_noise_changes_nothing_and_a_person_may_decide_otherwise(tiny_frame: Codeframe) -> None:
    done = accept(tiny_frame, FOUND, Decision("t_new", kind="noise"))
    assert (done.frame, done.code) == (tiny_frame, None)
    moved = accept(tiny_frame, FOUND, Decision("t_noise", kind="sub", code="charger", under="people"))
    assert moved.frame["charger"].parent == "people"


@pytest.mark.parametrize(
    ("decision", "error", "message"),
    [
        (Decision("t_gone"), InputError, "no such topic"),
        (Decision("t_new", kind="maybe"), InputError, "no such decision"),
        (Decision("t_new", code="taste"), CodeframeError, "has a code 'taste' already"),
        (Decision("t_new", under="nonsense"), CodeframeError, "has no code 'nonsense'"),
        (Decision("t_new", kind="synonym"), CodeframeError, "has no code None"),
        (Decision("t_new", kind="sub"), InputError, "a sub-code needs the code it stands under"),
        (Decision("t_new", code="a|b"), CodeframeError, "control character"),
    ],
)
def test_what_cannot_be_done_is_refused(
    decision: Decision, error: type[Exception], message: str, tiny_frame: Codeframe
) -> None:
    with pytest.raises(error, match=message):
        accept(tiny_frame, FOUND, decision)


def test_the_refusal_of_a_topic_lists_those_there_are(tiny_frame: Codeframe) -> None:
    with pytest.raises(InputError) as refused:
        accept(tiny_frame, FOUND, Decision("t_gone"))
    assert refused.value.hint == "topics here: t_new, t_sub, t_synonym, t_noise"


@pytest.mark.parametrize("name", ["next.yaml", "next.json"])
def test_a_written_frame_reads_back_as_the_same(name: str, tiny_frame: Codeframe, tmp_path: Path) -> None:
    frame = accept(tiny_frame, FOUND, Decision("t_new", code="charger")).frame
    write_frame(frame, tmp_path / name)
    assert Codeframe.load(tmp_path / name).to_dict() == frame.to_dict()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_frame_is_neither_replaced_unasked_nor_written_as_something_else(
    tiny_frame: Codeframe, tmp_path: Path
) -> None:
    (tmp_path / "next.yaml").write_text("mine", encoding="utf-8")
    for name, message in (
        ("next.yaml", "already exists"),
        ("next.txt", "is a .yaml or .json"),
        ("no/f.yaml", "cannot"),
    ):
        with pytest.raises(OutputError, match=message):
            write_frame(tiny_frame, tmp_path / name)
    assert (tmp_path / "next.yaml").read_text(encoding="utf-8") == "mine"
    write_frame(tiny_frame, tmp_path / "next.yaml", force=True)
    assert Codeframe.load(tmp_path / "next.yaml").name == "corner-shop"


@pytest.mark.parametrize(("version", "following"), [("1.2.3", "1.3.0"), ("2025", "2025+1"), ("2025+9", "2025+10")])
def test_the_version_after(version: str, following: str) -> None:
    assert next_version(version) == following


def test_examples_are_labelled_and_marked_for_review() -> None:
    row = {"topic": "t_new", "id": "7", "text": "还了还在计费", "start": 0, "end": 6, "sentiment": "negative"}
    assert list(examples_of(iter([row]), "charger")) == [
        {
            "id": "7",
            "text": "还了还在计费",
            "tags": [{"code": "charger", "polarity": "negative", "start": 0, "end": 6}],
            "review": "needed",
        }
    ]
