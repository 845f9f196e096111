"""What a reader is shown of comments: excerpts with the evidence marked, and the words the evidence is made of."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tagged_shop import row, tag, tagged

from vocnlp.quotes import evidence_words, excerpt
from vocnlp.records import NEGATIVE, POSITIVE

PLAIN: list[str] = []


@pytest.mark.parametrize(
    ("text", "tags", "expected"),
    [
        ("还行", [], [("还行", PLAIN)]),
        ("还行", None, [("还行", PLAIN)]),
        (
            "🙂送得慢,但好用",
            [tag("speed", "negative", 1, "送得慢"), tag("quality", "positive", 6, "好用")],
            [("🙂", PLAIN), ("送得慢", ["speed"]), (",但好用", PLAIN)],
        ),
        (
            "又慢又破",
            [tag("speed", "negative", 0, "又慢又"), tag("packaging", "negative", 2, "又破")],
            [("又慢", ["speed"]), ("又", ["packaging", "speed"]), ("破", ["packaging"])],
        ),
        ("短", [tag("speed", "negative", 0, "比全文还长")], [("短", ["speed"])]),
        ("短", [tag("speed", "negative", 7, "在外面")], [("短", PLAIN)]),
    ],
    ids=["no tags", "no list", "astral and polarity", "overlap", "clipped", "outside"],
)
def test_excerpt_marks_the_negative_evidence(text, tags, expected):
    assert excerpt(text, tags) == expected


def test_a_long_comment_is_cut_around_its_first_evidence():
    text = "前" * 500 + "扣子掉了" + "后" * 500
    parts = excerpt(text, [tag("quality", "negative", 500, "扣子掉了")])
    assert parts == [
        ("…", PLAIN),
        ("前" * 100, PLAIN),
        ("扣子掉了", ["quality"]),
        ("后" * 216, PLAIN),
        ("…", PLAIN),
    ]


def test_a_long_comment_without_evidence_is_cut_at_its_end():
    assert excerpt("话" * 400, []) == [("话" * 320, PLAIN), ("…", PLAIN)]


def test_words_are_counted_once_per_quote_and_fillers_left_out():
    quotes = ["快递慢,快递真的太慢了", "我觉得送货的态度差", "等了三天", "快递"]
    table = tagged(
        [row(voc_tags=[tag("speed", "negative", 0, quote)]) for quote in quotes]
        + [row(voc_tags=[tag("speed", "positive", 0, "快递神速")])]
    )
    words = {word["name"]: word["value"] for word in evidence_words(table, NEGATIVE)}
    assert (words["快递"], words["慢"], words["态度"]) == (2, 1, 1)
    assert not {"觉得", "真的", "三天", ",", "了", "神速"} & set(words)
    assert "快递" in {word["name"] for word in evidence_words(table, POSITIVE)}


def test_tables_without_quotes_have_no_words():
    bare = pa.table({"voc_tags": pa.array([[{"code": "speed", "polarity": "negative"}]])})
    assert evidence_words(bare, NEGATIVE) == []
    assert evidence_words(tagged([]), NEGATIVE) == []
    assert evidence_words(tagged([row(voc_tags=None)]), NEGATIVE) == []
