"""score_file: a file to a file, every cell kept, the tags behind; the workbook's sheets; formulas; odd texts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corner_export import comments, names_in, read, read_csv, read_jsonl, read_sheet, rows, write, write_csv, write_xlsx

from vocnlp.batch import Options, Scored, open_for_scoring, score_file
from vocnlp.errors import InputError, OutputError
from vocnlp.records import VERDICT
from vocnlp.tagger import Tagger

FLAT = [
    "voc_sentiment", "voc_confidence", "voc_noise", "voc_codes", "voc_names", "voc_polarities", "voc_evidence",
    "voc_tags", "voc_bundle", "voc_codeframe",
]  # fmt: skip
CHINESE = ["情感", "情感置信度", "标签", "痛点标签", "标签极性", "证据", "编码", "噪声"]
SHOWN = {"positive": "正面", "neutral": "中性", "negative": "负面"}

Score = Callable[..., Scored]


@pytest.fixture
def score(tagger: Tagger) -> Score:
    """Scores one file to another; keywords are those of Options."""

    def run(source: Path, out: Path, **options: Any) -> Scored:
        chosen = Options(**options)
        opened, columns = open_for_scoring(source, chosen)
        return score_file(opened, columns, out, tagger, options=chosen)

    return run


def as_text(value: object) -> str:
    return "" if value is None else str(value)


PAIRS = [
    (".xlsx", ".xlsx"), (".csv", ".csv"), (".csv", ".xlsx"), (".jsonl", ".jsonl"), (".parquet", ".parquet"),
    (".xlsx", ".csv"), (".jsonl", ".csv"), (".parquet", ".xlsx"), (".csv", ".parquet"), (".xlsx", ".jsonl"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_cell_comes_out_as_it_went_in_with_tags_behind(
    tmp_path: Path, score: Score, tagger: Tagger, before: str, after: str
) -> None:
    cells = rows(41)
    source, out = write(tmp_path / f"问卷 导出{before}", cells), tmp_path / f"结果{after}"
    scored = score(source, out)
    tagged = read(out)
    assert scored.rows == len(tagged) == 41
    own = list(cells[0])
    assert [[as_text(row[name]) for name in own] for row in tagged] == [[as_text(v) for v in r.values()] for r in cells]
    assert list(tagged[0]) == own + {".xlsx": CHINESE, ".csv": FLAT}.get(after, VERDICT.names)
    predictions = tagger.tag([row["评论"] for row in cells])
    said = [row["情感" if after == ".xlsx" else "voc_sentiment"] for row in tagged]
    assert said == [SHOWN[p.sentiment] if after == ".xlsx" else p.sentiment for p in predictions]
    codes = {
        ".xlsx": lambda row: (row["编码"] or "").split("|"),
        ".csv": lambda row: row["voc_codes"].split("|"),
    }.get(after, lambda row: [tag["code"] for tag in row["voc_tags"]] or [""])
    assert [codes(row) for row in tagged] == [[tag.code for tag in p.tags] or [""] for p in predictions]
    assert sorted(names_in(tmp_path)) == sorted([source.name, out.name])


def test_numbers_and_dates_of_a_workbook_stay_numbers_and_dates(tmp_path: Path, score: Score) -> None:
    source = write_xlsx(tmp_path / "a.xlsx", [{"评论": "味道很好", "NPS": 9, "金额": 12.5, "老客": True}])
    score(source, tmp_path / "b.xlsx")
    (row,) = read(tmp_path / "b.xlsx")
    assert (row["NPS"], row["金额"], row["老客"]) == (9, 12.5, True)


def test_a_csv_carries_the_tags_whole_as_json(tmp_path: Path, score: Score, tagger: Tagger) -> None:
    text = "质量很好，就是快递太慢"
    score(write_csv(tmp_path / "a.csv", [{"评论": text}]), tmp_path / "b.csv")
    (row,) = read_csv(tmp_path / "b.csv")
    (prediction,) = tagger.tag([text])
    assert json.loads(row["voc_tags"]) == [
        {
            "code": tag.code, "polarity": tag.polarity, "confidence": round(tag.confidence, 4), "start": tag.start,
            "end": tag.end, "source": tag.source, "quote": text[tag.start : tag.end],
        }
        for tag in prediction.tags
    ]  # fmt: skip
    assert row["voc_names"] == "|".join(tagger.codeframe[tag.code].name for tag in prediction.tags)
    assert row["voc_confidence"] == str(round(prediction.confidence, 4))


def test_one_bad_cell_leaves_the_others_of_its_column_numbers_and_a_formula_its_text(
    tmp_path: Path, score: Score
) -> None:
    book = openpyxl.Workbook()
    for row in (["评论", "NPS", "金额"], ["=太差了，退钱", 3, 12.5], ["味道好", "未评", "无"], ["快递慢", 10, "=C2*2"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    score(tmp_path / "a.xlsx", tmp_path / "b.xlsx", named={"score": "NPS"})
    written = openpyxl.load_workbook(tmp_path / "b.xlsx")["标注结果"]
    cells = [[(cell.value, cell.data_type) for cell in line[:3]] for line in written.iter_rows(min_row=2)]
    assert cells == [
        [("=太差了，退钱", "s"), (3, "n"), (12.5, "n")],
        [("味道好", "s"), ("未评", "s"), ("无", "s")],
        [("快递慢", "s"), (10, "n"), ("=C2*2", "s")],
    ]
    assert [row["情感"] for row in read(tmp_path / "b.xlsx")][0] is not None


def test_rows_below_a_title_are_told_as_excel_counts_them(tmp_path: Path, score: Score) -> None:
    book = openpyxl.Workbook()
    for row in (["滿意度調查"], [], ["評論", "NPS"], ["味道很好", 9], ["快递太慢", "x"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    score(tmp_path / "a.xlsx", tmp_path / "b.xlsx", named={"score": "NPS"})
    about = [(row["项目"], row["内容"]) for row in read_sheet(tmp_path / "b.xlsx", "说明")]
    assert [row["Excel行号"] - row["行号"] for row in read_sheet(tmp_path / "b.xlsx", "标签明细")] == [3] * 2
    assert {("表头上方", "滿意度調查"), ("表头所在行", 3), ("Excel 第 5 行", "NPS = x")} <= set(about)


def test_rows_of_a_csv_are_told_as_data_rows(tmp_path: Path, score: Score) -> None:
    source = write_csv(tmp_path / "a.csv", [{"评论": "味道很好", "NPS": "9"}, {"评论": "快递太慢", "NPS": "x"}])
    score(source, tmp_path / "b.xlsx", named={"score": "NPS"})
    about = [(row["项目"], row["内容"]) for row in read_sheet(tmp_path / "b.xlsx", "说明")]
    assert about[-1] == ("数据第 2 行", "NPS = x")


# The workbook's sheets


@pytest.fixture
def survey(tmp_path: Path, score: Score) -> Path:
    """A workbook made from twelve good rows and four with something to mend."""
    cells: list[dict[str, Any]] = rows(12)
    for number, (text, answer) in enumerate([("味道太咸", 11), ("排队太久", "十分"), ("无", ""), ("", 3)], 13):
        cells.append({**cells[0], "编号": f"A{number:05d}", "评论": text, "推荐分": answer, "触点": "", "渠道": "门店"})
    score(write_xlsx(tmp_path / "a.xlsx", cells), tmp_path / "b.xlsx", named={"score": "推荐分"})
    return tmp_path / "b.xlsx"


def test_the_workbook_has_five_sheets(survey: Path) -> None:
    assert openpyxl.load_workbook(survey).sheetnames == ["标注结果", "标签明细", "码表统计", "阶段NPS", "说明"]


def test_tag_details_are_one_row_a_tag_with_its_department(survey: Path, tagger: Tagger) -> None:
    details, texts = read_sheet(survey, "标签明细"), [row["评论"] or "" for row in read(survey)]
    predictions = tagger.tag(texts)
    expected = [
        (number, text, tag.code, SHOWN[tag.polarity], text[tag.start : tag.end], tagger.codeframe[tag.code].owner)
        for number, (text, prediction) in enumerate(zip(texts, predictions, strict=True), 1)
        for tag in prediction.tags
    ]
    given = [tuple(row[k] for k in ("行号", "评论", "编码", "极性", "证据", "责任部门")) for row in details]
    assert given == expected
    assert {row["来源"] for row in details} <= {"模型", "关键词规则"}
    assert details[0]["编号"] == "A00001"
    assert details[0]["一级"] == tagger.codeframe.path(details[0]["编码"])[0].name


def test_noise_rows_are_marked_and_carry_no_sentiment(survey: Path) -> None:
    last = read(survey)[-2:]
    assert [row["噪声"] for row in last] == ["无意见", "空白"]
    assert [row["情感"] for row in last] == [None, None]
    assert [row["标签"] for row in last] == [None, None]


def test_code_figures_count_what_the_details_list(survey: Path) -> None:
    details, figures = read_sheet(survey, "标签明细"), read_sheet(survey, "码表统计")
    leaf = {row["编码"]: row for row in figures}
    for code in {row["编码"] for row in details}:
        said = [row["极性"] for row in details if row["编码"] == code]
        counted = (leaf[code]["提及数"], leaf[code]["正面"], leaf[code]["中性"], leaf[code]["负面"])
        assert counted == (len(said), said.count("正面"), said.count("中性"), said.count("负面"))


def test_nps_by_group_counts_the_usable_answers(survey: Path) -> None:
    figures = {(row["维度"], row["分组"]): row for row in read_sheet(survey, "阶段NPS")}
    answers = [row["推荐分"] for row in rows(12)] + [3]
    total = figures["全部", "全部"]
    noise = [row["噪声"] for row in read_sheet(survey, "标注结果") if row["噪声"]]
    assert (total["记录数"], total["有效评论"], len(noise)) == (16, 14, 2)
    negative = sum(row["情感"] == "负面" for row in read_sheet(survey, "标注结果"))
    assert total["负面%"] == round(100 * negative / total["有效评论"], 1)
    assert total["有效评分数"] == 13
    assert total["推荐者"] == sum(answer >= 9 for answer in answers)
    assert total["贬损者"] == sum(answer <= 6 for answer in answers)
    assert total["NPS"] == round(100 * (total["推荐者"] - total["贬损者"]) / 13, 1)
    assert {group for dimension, group in figures if dimension == "渠道"} == {"小程序", "门店", "电话"}
    assert {dimension for dimension, _ in figures} == {"全部", "旅程阶段", "渠道", "月份"}


def test_how_the_file_was_made_is_written_down(survey: Path, tagger: Tagger) -> None:
    about = {row["项目"]: (row["内容"], row["备注"]) for row in read_sheet(survey, "说明")}
    assert about["输入文件"] == ("a.xlsx", "工作表 答卷")
    assert about["模型"] == (tagger.bundle.label, f"摘要 {tagger.bundle.digest}")
    assert about["码框"] == ("corner-shop 0.1.0", f"摘要 {tagger.codeframe.digest}")
    assert about["总行数"][0] == 16
    assert about["有效评论"][0] == 14
    assert about["噪声行：空白"][0] == 1
    assert about["列：评论"] == ("评论", "按列名")
    assert about["列：推荐分"] == ("推荐分", "由用户指定")
    assert about["列：客群"][0] is None


def test_cells_that_cannot_be_used_are_counted_and_listed_in_chinese(survey: Path) -> None:
    about = [(row["项目"], row["内容"], row["备注"]) for row in read_sheet(survey, "说明")]
    at = next(number for number, row in enumerate(about) if row[0] == "行错误")
    assert about[at:] == [
        ("行错误", 2, "行已保留，单元格按空值处理"),
        ("行错误合计：推荐分", 1, "不在0-10之间"),
        ("行错误合计：推荐分", 1, "不是数字"),
        ("Excel 第 14 行", "推荐分 = 11", "不在0-10之间"),
        ("Excel 第 15 行", "推荐分 = 十分", "不是数字"),
    ]
    assert [row["推荐分"] for row in read(survey)][12:14] == [11, "十分"]


def test_problems_of_any_output_are_in_the_result(tmp_path: Path, score: Score) -> None:
    cells = [
        {"评论": text, "NPS": answer} for text, answer in zip(comments(6), [9, 11, "十分", 10, 8, 12], strict=True)
    ]
    scored = score(write_csv(tmp_path / "a.csv", cells), tmp_path / "b.csv", named={"score": "NPS"})
    assert scored.finished.problems == {("NPS", "outside 0-10"): 2, ("NPS", "not a number"): 1}
    assert [(p.row, p.value) for p in scored.finished.listed] == [(2, "11"), (3, "十分"), (6, "12")]
    assert [row["NPS"] for row in read_csv(tmp_path / "b.csv")] == ["9", "11", "十分", "10", "8", "12"]


# Formulas

RISKY = ["=1+1味道很好", "+1 支持", "-x 太差", "@a 店长", "\t味道一般"]


@pytest.mark.parametrize("before", [".csv", ".jsonl"])
def test_formula_cells_are_texts_in_a_workbook(tmp_path: Path, score: Score, before: str) -> None:
    source = write(tmp_path / f"a{before}", [{"评论": text, "序": str(n)} for n, text in enumerate(RISKY)])
    scored = score(source, tmp_path / "b.xlsx", named={"text": "评论"})
    for name, column in (("标注结果", "评论"), ("标签明细", "评论"), ("标签明细", "证据"), ("标注结果", "证据")):
        lines = list(openpyxl.load_workbook(tmp_path / "b.xlsx")[name].iter_rows())
        at = [cell.value for cell in lines[0]].index(column)
        cells = [line[at] for line in lines[1:] if line[at].value is not None]
        assert {cell.data_type for cell in cells} <= {"s"}
        if (name, column) == ("标注结果", "评论"):
            assert [cell.value for cell in cells] == RISKY
    assert scored.finished.guarded == 0


def test_formula_cells_get_an_apostrophe_in_csv_unless_verbatim(tmp_path: Path, score: Score) -> None:
    source = write(tmp_path / "a.jsonl", [{"评论": text} for text in RISKY])
    scored = score(source, tmp_path / "b.csv", named={"text": "评论"})
    guarded = read_csv(tmp_path / "b.csv")
    assert [row["评论"] for row in guarded] == ["'" + text for text in RISKY]
    assert all(not cell.startswith(("=", "+", "-", "@", "\t")) for row in guarded for cell in row.values())
    assert scored.finished.guarded >= len(RISKY)
    scored = score(source, tmp_path / "c.csv", named={"text": "评论"}, verbatim=True)
    assert [row["评论"] for row in read_csv(tmp_path / "c.csv")] == RISKY
    assert scored.finished.guarded == 0


# Names that are taken


def test_a_column_of_the_customer_named_like_ours_stays_in_a_workbook(tmp_path: Path, score: Score) -> None:
    cells = [
        {"评论": "价格太贵", "情感": "人工：差", "编码": "P-1"},
        {"评论": "快递很快", "情感": "人工：好", "编码": "D-1"},
    ]
    score(write_xlsx(tmp_path / "a.xlsx", cells), tmp_path / "b.xlsx")
    tagged = read(tmp_path / "b.xlsx")
    assert [(row["情感"], row["编码"]) for row in tagged] == [("人工：差", "P-1"), ("人工：好", "D-1")]
    assert [row["情感（vocnlp）"] for row in tagged] == ["负面", "正面"]
    assert list(tagged[0])[3:] == ["情感（vocnlp）", *CHINESE[1:6], "编码（vocnlp）", "噪声"]


@pytest.mark.parametrize("name", ["voc_tags", "voc_codes", "voc_bundle"])
def test_a_column_with_a_name_kept_for_tags_is_refused_not_lost(tmp_path: Path, score: Score, name: str) -> None:
    source = write_csv(tmp_path / "a.csv", [{"评论": "价格太贵", name: "手工标签"}])
    with pytest.raises(InputError, match=f"a.csv, column '{name}': the name of this column is kept for tags") as caught:
        score(source, tmp_path / "b.csv")
    assert caught.value.hint.startswith("rename or delete it")
    assert list(names_in(tmp_path)) == ["a.csv"]


@pytest.mark.parametrize(("before", "after"), [(".csv", ".csv"), (".jsonl", ".csv"), (".parquet", ".parquet")])
def test_scoring_an_output_again_replaces_its_tags(tmp_path: Path, score: Score, before: str, after: str) -> None:
    score(write(tmp_path / f"a{before}", rows(7)), tmp_path / f"b{after}")
    again = score(tmp_path / f"b{after}", tmp_path / f"c{after}")
    assert read(tmp_path / f"c{after}") == read(tmp_path / f"b{after}")
    assert again.columns.text == "评论"


def test_scoring_a_workbook_again_replaces_its_tags_and_keeps_the_customers(tmp_path: Path, score: Score) -> None:
    cells = [{"评论": text, "情感": "人工"} for text in comments(5)]
    score(write_xlsx(tmp_path / "a.xlsx", cells), tmp_path / "b.xlsx")
    score(tmp_path / "b.xlsx", tmp_path / "c.xlsx")
    assert read(tmp_path / "c.xlsx") == read(tmp_path / "b.xlsx")
    score(tmp_path / "c.xlsx", tmp_path / "d.csv")
    assert list(read(tmp_path / "d.csv")[0]) == ["评论", "情感", *FLAT]


def test_tag_columns_that_were_moved_are_the_customers_from_then_on(tmp_path: Path, score: Score) -> None:
    score(write_csv(tmp_path / "a.csv", [{"评论": "味道很好"}]), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    book["标注结果"].move_range("B1:B2", cols=12)
    book.save(tmp_path / "c.xlsx")
    score(tmp_path / "c.xlsx", tmp_path / "d.xlsx")
    (row,) = read(tmp_path / "d.xlsx")
    assert (row["情感"], row["情感（vocnlp）"]) == ("正面", "正面")
    score(tmp_path / "d.xlsx", tmp_path / "e.xlsx")
    assert read(tmp_path / "e.xlsx") == read(tmp_path / "d.xlsx")


def test_a_workbook_whose_rows_go_on_in_a_second_sheet_is_not_half_scored(tmp_path: Path, score: Score) -> None:
    score(write_csv(tmp_path / "a.csv", rows(3)), tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    book.copy_worksheet(book["标注结果"]).title = "标注结果 (2)"
    book.save(tmp_path / "c.xlsx")
    with pytest.raises(InputError, match=r"the rows go on in the sheet '标注结果 \(2\)'"):
        score(tmp_path / "c.xlsx", tmp_path / "d.xlsx")
    assert score(tmp_path / "c.xlsx", tmp_path / "d.xlsx", sheet="标注结果 (2)").rows == 3


# Sizes and odd texts


@pytest.mark.parametrize("after", [".csv", ".xlsx", ".jsonl", ".parquet"])
@pytest.mark.parametrize("count", [0, 1])
def test_no_rows_and_one_row(tmp_path: Path, score: Score, count: int, after: str) -> None:
    source = write_csv(tmp_path / "a.csv", rows(count))
    scored = score(source, tmp_path / f"b{after}")
    assert (scored.rows, scored.figures.totals.rows) == (count, count)
    assert len(read(tmp_path / f"b{after}")) == count
    again = score(tmp_path / f"b{after}", tmp_path / "c.parquet") if after != ".jsonl" or count else scored
    assert again.rows == count
    assert sorted(names_in(tmp_path))[:1] == ["a.csv"]


def test_a_text_of_a_megabyte(tmp_path: Path, score: Score) -> None:
    long = "味道很好，排队太久。" * 35_000
    source = write_csv(tmp_path / "a.csv", [{"评论": "快递太慢"}, {"评论": long}])
    score(source, tmp_path / "b.csv")
    assert [row["评论"] for row in read_csv(tmp_path / "b.csv")] == ["快递太慢", long]
    scored = score(source, tmp_path / "b.xlsx")
    cell = read(tmp_path / "b.xlsx")[1]["评论"]
    assert cell == long[: len(cell) - 6] + "…（已截断）"
    assert len(cell) == 32_767
    assert scored.finished.cut >= 1


def test_characters_that_no_file_can_hold_are_counted(tmp_path: Path, score: Score) -> None:
    (tmp_path / "a.jsonl").write_text('{"评论":"味道\\ud83d很好"}\n{"评论":"快递\\u0000太慢"}\n', encoding="utf-8")
    scored = score(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert [row["评论"] for row in read_jsonl(tmp_path / "b.jsonl")] == ["味道\ufffd很好", "快递\x00太慢"]
    assert scored.replaced == 1
    scored = score(tmp_path / "a.jsonl", tmp_path / "b.xlsx")
    assert [row["评论"] for row in read(tmp_path / "b.xlsx")] == ["味道\ufffd很好", "快递\ufffd太慢"]
    assert scored.replaced > 1


def test_nested_columns_of_a_jsonl_come_back_nested(tmp_path: Path, score: Score) -> None:
    cells = [{"评论": "价格太贵", "客户": {"级": "金", "号": [1, 2]}}, {"评论": "味道很好", "客户": None}]
    score(write(tmp_path / "a.jsonl", cells), tmp_path / "b.jsonl")
    assert [row["客户"] for row in read_jsonl(tmp_path / "b.jsonl")] == [{"级": "金", "号": [1, 2]}, None]


def test_a_parquet_keeps_its_types_and_metadata(tmp_path: Path, score: Score) -> None:
    schema = pa.schema(
        [("评论", pa.large_string()), ("组", pa.dictionary(pa.int8(), pa.string())), ("额", pa.decimal128(9, 2))]
    )
    table = pa.table({"评论": comments(5), "组": list("甲乙甲乙甲"), "额": [1, None, 3, 4, 5]}, schema=schema)
    pq.write_table(table.replace_schema_metadata({"made": "by hand"}), tmp_path / "a.parquet")
    score(tmp_path / "a.parquet", tmp_path / "b.parquet")
    back = pq.read_table(tmp_path / "b.parquet")
    assert back.select(schema.names).equals(table)
    assert back.schema.metadata[b"made"] == b"by hand"
    assert back.schema.field("voc_tags").type == VERDICT.field("voc_tags").type


def test_gb18030_stays_gb18030(tmp_path: Path, score: Score) -> None:
    source = write_csv(tmp_path / "a.csv", rows(60), encoding="gb18030")
    score(source, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes().decode("gb18030").splitlines()[1].startswith("A00001,头一回来，店里态度")


def test_too_many_columns_for_a_workbook_are_refused_not_lost(tmp_path: Path, score: Score) -> None:
    source = write_csv(tmp_path / "a.csv", [{"评论": "味道很好", **{f"题{n}": "1" for n in range(16_380)}}])
    with pytest.raises(OutputError, match=r"b.xlsx: 16,389 columns, but a sheet of Excel has no more than 16,384"):
        score(source, tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()


def test_a_workbook_needs_no_room_in_the_systems_temporary_folder(
    tmp_path: Path, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    score(write_csv(tmp_path / "a.csv", rows(3)), tmp_path / "b.xlsx")
    assert len(read(tmp_path / "b.xlsx")) == 3


def test_relative_paths_and_a_long_name(tmp_path: Path, score: Score, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("a.csv"), rows(3))
    name = "客户之声" * 20 + ".csv"  # 244 bytes
    score(Path("a.csv"), Path(name))
    assert sorted(names_in(tmp_path)) == sorted(["a.csv", name])


def test_an_input_in_a_folder_that_takes_no_file(tmp_path: Path, score: Score) -> None:
    folder = tmp_path / "只读"
    folder.mkdir()
    source = write_csv(folder / "a.csv", rows(3))
    folder.chmod(0o555)
    try:
        score(source, tmp_path / "b.csv")
    finally:
        folder.chmod(0o755)
    assert list(names_in(folder)) == ["a.csv"]
    assert len(read_csv(tmp_path / "b.csv")) == 3
