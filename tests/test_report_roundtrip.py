"""A tagged file of any kind, read back, gives the figures of the raw export; an edited one is refused, not misread."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corner_export import read_csv, rows, write, write_csv, write_jsonl, write_xlsx

from vocnlp import sheets
from vocnlp.batch import Options, open_for_scoring, score_file
from vocnlp.errors import InputError
from vocnlp.journey import figures
from vocnlp.records import TAGGED
from vocnlp.tagged_reading import read_tagged
from vocnlp.tagger import Tagger

Score = Callable[..., Path]
GUARDED = ["=味道很好", "-价格太贵", "+快递很快", "@客服态度差", "＝排队太久", "'味道很好'"]


@pytest.fixture
def score(tagger: Tagger) -> Score:
    def run(source: Path, out: Path, **options: Any) -> Path:
        chosen = Options(**options)
        opened, columns = open_for_scoring(source, chosen)
        score_file(opened, columns, out, tagger, options=chosen)
        return out

    return run


def export() -> list[dict[str, Any]]:
    made = rows(48)
    for number, text in enumerate(GUARDED):
        made[number]["评论"] = text
    made[20]["评论"], made[21]["评论"], made[22]["推荐分"] = "", "无", None
    return made


@pytest.mark.parametrize("before", [".csv", ".xlsx"])
@pytest.mark.parametrize("after", [".csv", ".jsonl", ".parquet", ".xlsx"])
def test_the_figures_are_those_of_the_raw_export(
    tmp_path: Path, score: Score, tagger: Tagger, before: str, after: str
) -> None:
    source = write(tmp_path / f"a{before}", export())
    raw, raw_says = read_tagged(source, tagger)
    back, says = read_tagged(score(source, tmp_path / f"b{after}"), tagger)
    assert back.schema == raw.schema == TAGGED
    assert figures(back, tagger.codeframe) == figures(raw, tagger.codeframe)
    same = [
        "id",
        "text",
        "score",
        "stage",
        "channel",
        "at",
        "voc_sentiment",
        "voc_noise",
        "voc_bundle",
        "voc_codeframe",
    ]
    assert back.select(same).to_pylist() == raw.select(same).to_pylist()
    assert [spans(row) for row in back.to_pylist()] == [spans(row) for row in raw.to_pylist()]
    assert raw_says == {"数据文件": source.name, "标注": "生成报告时现场标注"}
    where = "工作簿" if after == ".xlsx" else "文件"
    assert says == {"数据文件": f"b{after}", "标注": f"读取{where}中已有的标注"}


def spans(row: dict[str, Any]) -> list[tuple[Any, ...]]:
    for tag in row["voc_tags"]:
        assert row["text"][tag["start"] : tag["end"]] == tag["quote"]
    return [(t["code"], t["polarity"], t["start"], t["end"], t["source"]) for t in row["voc_tags"]]


def test_apostrophes_against_formulas_are_taken_off_again(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    tagged = score(write(tmp_path / "a.jsonl", export()), tmp_path / "b.csv")
    assert [row["评论"] for row in read_csv(tagged)[:6]] == ["'" + text for text in GUARDED[:5]] + GUARDED[5:]
    table, _ = read_tagged(tagged, tagger)
    assert table.column("text").to_pylist()[:6] == GUARDED


def test_columns_that_were_named_for_scoring_can_be_named_for_the_report(
    tmp_path: Path, score: Score, tagger: Tagger
) -> None:
    cells = [{"评论": row["评论"], "评价": row["评论"] + "。", "打分": row["推荐分"]} for row in rows(30)]
    named = {"text": "评价", "score": "打分"}
    tagged = score(write_csv(tmp_path / "a.csv", cells), tmp_path / "b.csv", named=named)
    with pytest.raises(InputError, match="two candidates for the text: 评论, 评价"):
        read_tagged(tagged, tagger)
    table, _ = read_tagged(tagged, tagger, Options(named=named))
    assert table.column("text").to_pylist() == [row["评价"] for row in cells]
    assert table.column("score").to_pylist() == [row["打分"] for row in cells]


@pytest.mark.parametrize("after", [".csv", ".parquet", ".xlsx"])
def test_no_rows(tmp_path: Path, score: Score, tagger: Tagger, after: str) -> None:
    table, says = read_tagged(score(write_csv(tmp_path / "a.csv", []), tmp_path / f"b{after}"), tagger)
    assert (table.num_rows, table.schema) == (0, TAGGED)
    assert "已有的标注" in says["标注"]


def test_a_workbook_that_goes_on_in_second_sheets_is_read_whole(
    tmp_path: Path, score: Score, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets.Workbook, "data_rows", 20)
    source = write_csv(tmp_path / "a.csv", export())
    tagged = score(source, tmp_path / "b.xlsx")
    assert {"标注结果 (3)", "标签明细 (2)"} <= set(openpyxl.load_workbook(tagged).sheetnames)
    raw, _ = read_tagged(source, tagger)
    back, _ = read_tagged(tagged, tagger)
    assert figures(back, tagger.codeframe) == figures(raw, tagger.codeframe)


def test_a_parquet_of_another_writer(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    """Delta and polars write large lists and strings, Spark nullable fields in doubles."""
    source = write_csv(tmp_path / "a.csv", export())
    table = pq.read_table(score(source, tmp_path / "b.parquet"))
    tag = pa.struct([("quote", pa.large_string()), ("code", pa.large_string()), ("polarity", pa.string()),
                     ("confidence", pa.float64()), ("start", pa.int64()), ("end", pa.int64()),
                     ("source", pa.string())])  # fmt: skip
    place = table.schema.get_field_index("voc_tags")
    rows_of_tags = [tags or None for tags in table.column("voc_tags").to_pylist()]
    loose = table.set_column(place, "voc_tags", pa.array(rows_of_tags, pa.large_list(tag)))
    pq.write_table(loose, tmp_path / "c.parquet")
    back, _ = read_tagged(tmp_path / "c.parquet", tagger)
    raw, _ = read_tagged(source, tagger)
    assert figures(back, tagger.codeframe) == figures(raw, tagger.codeframe)


# Edited files


def edit(path: Path, row: int, column: str, value: str) -> None:
    cells = read_csv(path)
    cells[row - 1][column] = value
    write_csv(path, cells)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("voc_tags", "价格|服务", "row 3, column 'voc_tags': holds no tags (value: '价格|服务')"),
        ("voc_tags", '[{"code": "price"}]', "row 3, column 'voc_tags': holds no tags"),
        ("voc_tags", "5", "row 3, column 'voc_tags': holds no tags"),
        ("voc_sentiment", "很差", "row 3, column 'voc_sentiment': is no sentiment (value: '很差')"),
        ("voc_confidence", "高", "column 'voc_confidence': was edited"),
    ],
)
def test_an_edited_cell_is_named(
    tmp_path: Path, score: Score, tagger: Tagger, column: str, value: str, said: str
) -> None:
    tagged = score(write_csv(tmp_path / "a.csv", rows(6)), tmp_path / "b.csv")
    edit(tagged, 3, column, value)
    with pytest.raises(InputError) as caught:
        read_tagged(tagged, tagger)
    assert said in str(caught.value)
    assert caught.value.hint == "score the original export again, and give the report that file"


def test_a_bad_polarity_in_jsonl_is_named(tmp_path: Path, tagger: Tagger) -> None:
    tag = {"code": "price", "polarity": "差", "confidence": 1, "start": 0, "end": 2, "source": "model", "quote": "价格"}
    write_jsonl(tmp_path / "b.jsonl", [{"评论": "价格太贵", "voc_sentiment": "negative", "voc_tags": [tag]}])
    with pytest.raises(InputError, match=r"b.jsonl, row 1, column 'voc_tags': holds no tags"):
        read_tagged(tmp_path / "b.jsonl", tagger)
    write_jsonl(
        tmp_path / "b.jsonl",
        [{"评论": "价格太贵", "voc_sentiment": "negative", "voc_tags": [{**tag, "polarity": "negative"}]}],
    )
    table, _ = read_tagged(tmp_path / "b.jsonl", tagger)
    assert [tag["code"] for tag in table.column("voc_tags").to_pylist()[0]] == ["price"]


def sort_rows(book: openpyxl.Workbook) -> None:
    page = book["标注结果"]
    lines = [[cell.value for cell in line] for line in page.iter_rows(min_row=2)]
    for number, line in enumerate(reversed(lines), 2):
        for column, value in enumerate(line, 1):
            page.cell(number, column).value = value


CHANGES: dict[str, tuple[Callable[[openpyxl.Workbook], object], str]] = {
    "sorted": (
        sort_rows,
        "this row of '标注结果' is not the one that '标签明细' has tags for: rows were sorted or deleted",
    ),
    "a row deleted": (lambda b: b["标注结果"].delete_rows(3), "rows were sorted or deleted"),
    "the last row deleted": (lambda b: b["标注结果"].delete_rows(b["标注结果"].max_row), "rows were sorted or deleted"),
    "a tag column deleted": (lambda b: b["标注结果"].delete_cols(8), "column '情感': a tag column is gone"),
    "a row number lost": (lambda b: b["标签明细"].cell(4, 1, "第三"), "row 3: the sheet '标签明细' was edited"),
    "a polarity rewritten": (lambda b: b["标签明细"].cell(2, 8, "好"), "row 1: the sheet '标签明细' was edited"),
    "a sentiment rewritten": (lambda b: b["标注结果"].cell(3, 8, "好"), "row 2, column '情感': is no sentiment"),
    "a confidence rewritten": (lambda b: b["标注结果"].cell(3, 9, "高"), "tag columns of '标注结果' were edited"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_workbook_whose_sheets_no_longer_fit_is_refused(
    tmp_path: Path, score: Score, tagger: Tagger, case: str
) -> None:
    change, said = CHANGES[case]
    tagged = score(write_xlsx(tmp_path / "a.xlsx", rows(9)), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tagged)
    change(book)
    book.save(tagged)
    with pytest.raises(InputError) as caught:
        read_tagged(tagged, tagger)
    assert said in str(caught.value)
    assert caught.value.hint == "score the original export again, and give the report that file"


def test_a_corrected_sentiment_counts(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    tagged = score(write_xlsx(tmp_path / "a.xlsx", rows(4)), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tagged)
    for number, said in enumerate(["正面", "中性", "负面", "正面"], 2):
        book["标注结果"].cell(number, 8).value = said
    book.save(tagged)
    table, _ = read_tagged(tagged, tagger)
    assert table.column("voc_sentiment").to_pylist() == ["positive", "neutral", "negative", "positive"]


def test_a_csv_saved_again_by_a_spreadsheet(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    """Every cell quoted, no mark, other line ends: the tags are still there."""
    tagged = score(write_csv(tmp_path / "a.csv", export()), tmp_path / "b.csv")
    before, _ = read_tagged(tagged, tagger)
    cells = read_csv(tagged)
    with (tmp_path / "c.csv").open("w", encoding="gb18030", newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]), delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells)
    after, _ = read_tagged(tmp_path / "c.csv", tagger)
    assert json.dumps(after.to_pylist(), default=str) == json.dumps(before.to_pylist(), default=str)
