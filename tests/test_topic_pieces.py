"""Which words of a tagged table discovery looks at."""

from __future__ import annotations

import pyarrow as pa
import pytest

from vocnlp.codeframe import Codeframe
from vocnlp.errors import CodeframeError
from vocnlp.records import TAGGED
from vocnlp.topic_pieces import Scope, look

FRAME = Codeframe.from_dict(
    {
        "schema": 1, "name": "f", "version": "1", "title": "", "exclusive": False,
        "codes": [
            {"id": "goods", "name": "商品", "definition": "东西"},
            {"id": "taste", "name": "味道", "parent": "goods", "definition": "好不好吃"},
            {"id": "other", "name": "其他", "definition": "别的"},
            {"id": "other_topic", "name": "其他话题", "parent": "other", "definition": "别的话题"},
        ],
    }
)  # fmt: skip
LONG = "面条煮得软硬正好很入味，可是门口的台阶太高轮椅上不去，出来还下雨了没地方躲"


def _tag(code: str, words: str, text: str, sure: float = 0.9) -> dict[str, object]:
    start = text.index(words)
    span = {"start": start, "end": start + len(words), "quote": words}
    return {"code": code, "polarity": "negative", "confidence": sure, "source": "model", **span}


def _table(*rows: dict[str, object]) -> pa.Table:
    whole = [{"voc_sentiment": "neutral", "voc_tags": [], **row} for row in rows]
    return pa.Table.from_pylist([{name: row.get(name) for name in TAGGED.names} for row in whole], TAGGED)


def _words(table: pa.Table, scope: Scope | None = None) -> list[str]:
    looked = look(table, FRAME, scope)
    return [looked.words(piece) for piece in looked.pieces]


def test_a_short_comment_is_one_piece_and_a_long_one_a_piece_a_clause() -> None:
    assert _words(_table({"text": "台阶太高，轮椅上不去"})) == ["台阶太高，轮椅上不去"]
    assert _words(_table({"text": LONG})) == LONG.split("，")


def test_a_clause_that_a_sure_tag_speaks_for_is_not_looked_at() -> None:
    sure = _tag("taste", "面条煮得软硬正好很入味", LONG)
    assert _words(_table({"text": LONG, "voc_tags": [sure]})) == LONG.split("，")[1:]


def test_weak_tags_and_tags_of_other_leave_their_words_open() -> None:
    weak = _tag("taste", "面条煮得软硬正好很入味", LONG, sure=0.4)
    other = _tag("other_topic", "出来还下雨了没地方躲", LONG)
    assert _words(_table({"text": LONG, "voc_tags": [weak, other]})) == LONG.split("，")


def test_inside_a_code_only_its_own_words_are_looked_at() -> None:
    sure = _tag("taste", "面条煮得软硬正好很入味", LONG)
    table = _table({"text": LONG, "voc_tags": [sure]}, {"text": "门口太挤"})
    assert _words(table, Scope(inside="goods")) == ["面条煮得软硬正好很入味"]
    assert _words(table, Scope(everything=True)) == [*LONG.split("，"), "门口太挤"]


def test_noise_is_never_looked_at() -> None:
    looked = look(
        _table({"text": "加微信领红包 abc123", "voc_noise": "spam"}, {"text": "  "}, {"text": "门口太挤"}), FRAME
    )
    assert ([looked.words(piece) for piece in looked.pieces], looked.comments) == (["门口太挤"], 1)


def test_personal_data_is_masked_and_offsets_stay_true() -> None:
    looked = look(_table({"text": "打13800138000没人接"}), FRAME)
    (piece,) = looked.pieces
    assert "13800138000" not in looked.rows[0]["text"]
    assert (piece.start, piece.end, len(looked.words(piece))) == (0, 15, 15)


def test_an_unknown_code_is_named() -> None:
    with pytest.raises(CodeframeError, match="has no code 'nonsense'"):
        look(_table({"text": "门口太挤"}), FRAME, Scope(inside="nonsense"))
