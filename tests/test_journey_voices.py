"""Which comments are shown for a pain."""

from __future__ import annotations

from tagged_shop import FRAME, row, tag, tagged

from vocnlp.figures import Voice
from vocnlp.journey import voices


def test_voices_are_dealt_round_the_stages_and_identical_texts_told_once():
    late = [tag("speed", "negative")]
    said = [row(text=f"第{n}单等到花都谢了还没到", stage="物流", score=3, voc_tags=late) for n in range(30)]
    said += [row(text="催了也没有人理会我的包裹", stage="售后", score=3, voc_tags=late) for _ in range(5)]
    said += [row(text="送得飞快,值得表扬一番", stage="下单", score=9, voc_tags=[tag("speed", "positive")])]
    said += [row(text="  ", stage="使用", voc_tags=late), row(text=None, stage="使用", voc_tags=late)]
    chosen = voices(tagged(said), FRAME, codes=["speed"], each=4)
    assert [voice.stage for voice in chosen].count("deliver") == 3
    assert [voice for voice in chosen if voice.stage != "deliver"] == [Voice("speed", "after", 30)]
    assert chosen == voices(tagged(said), FRAME, codes=["speed"], each=4)


def test_every_stage_and_code_has_its_two_voices_beyond_the_limit():
    torn = [tag("packaging", "negative")]
    table = tagged(
        [
            row(text=f"{stage}那阵子第{n}个盒子也是瘪的", stage=stage, voc_tags=torn)
            for stage in ("下单", "物流", "使用")
            for n in range(5)
        ]
    )
    chosen = voices(table, FRAME, codes=["packaging"], each=1)
    assert sorted(voice.stage for voice in chosen) == ["deliver"] * 2 + ["order"] * 2 + ["use"] * 2


def test_a_readable_length_and_a_score_go_before():
    late = [tag("speed", "negative")]
    table = tagged(
        [
            row(text="慢", stage="物流", score=1, voc_tags=late),
            row(text="等得人心里发毛,再也不敢催", stage="物流", voc_tags=late),
            row(text="说好隔天到,第六天才露面", stage="物流", score=2, voc_tags=late),
        ]
    )
    assert [voice.row for voice in voices(table, FRAME, codes=["speed"])] == [2, 1, 0]


def test_without_texts_there_are_no_voices():
    table = tagged([row(voc_tags=[tag("speed", "negative")])]).drop_columns(["text"])
    assert voices(table, FRAME, codes=["speed"]) == ()
