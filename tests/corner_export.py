"""Exports of the corner shop, made up for the tests: sentences put together from parts, so that any number differ."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

OPENINGS = ("头一回来", "跟邻居一道去的", "下了班顺路", "给老人带的", "趁着打折", "孩子点名要的", "雨天过去")
MIDDLES = (
    "店里态度挺热情",
    "排队排到门外头",
    "料子摸着就薄",
    "快递磕坏了一个角",
    "味道比上回淡",
    "价格倒是实在",
    "做工看得出用心",
    "找停车位绕了三圈",
)
CLOSINGS = ("下次还来", "不打算再买了", "凑合吧", "已经推荐给同事", "希望改一改")
HEADER = ("编号", "评论", "推荐分", "触点", "渠道", "提交时间", "备注")


def comments(count: int) -> list[str]:
    """``count`` comments in a fixed order; the first 280 all differ."""
    made = (f"{a}，{b}，{c}。" for a, b, c in product(OPENINGS, MIDDLES, CLOSINGS))
    return list(islice(cycle(list(made)), count))


def rows(count: int) -> list[dict[str, Any]]:
    """Rows of an export, as a survey tool writes them."""
    stages, channels = ("下单", "物流", "客服", "使用"), ("小程序", "门店", "电话")
    return [
        {
            "编号": f"A{number:05d}",
            "评论": text,
            "推荐分": number * 7 % 11,
            "触点": stages[number % 4],
            "渠道": channels[number % 3],
            "提交时间": f"2026-0{number % 6 + 1}-1{number % 9} 09:{number % 60:02d}:00",
            "备注": f"第{number}条,含逗号" if number % 5 == 0 else "",
        }
        for number, text in enumerate(comments(count), 1)
    ]


def write_csv(path: Path, cells: Sequence[dict[str, Any]], *, encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]) if cells else HEADER)
        writer.writeheader()
        writer.writerows(cells)
    return path


def write_xlsx(path: Path, cells: Sequence[dict[str, Any]], sheet: str = "答卷") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    page.append(list(cells[0]) if cells else list(HEADER))
    for row in cells:
        page.append(list(row.values()))
    book.save(path)
    return path


def write_jsonl(path: Path, cells: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in cells), encoding="utf-8")
    return path


def write_parquet(path: Path, cells: Sequence[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(cells)), path)
    return path


WRITERS = {".csv": write_csv, ".xlsx": write_xlsx, ".jsonl": write_jsonl, ".parquet": write_parquet}


def write(path: Path, cells: Sequence[dict[str, Any]]) -> Path:
    """An export of the kind that the name of ``path`` says."""
    return WRITERS[path.suffix](path, cells)


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_sheet(path: Path, sheet: str) -> list[dict[str, Any]]:
    """Rows of a sheet by openpyxl, which knows nothing of the code that wrote it."""
    lines = openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)
    header = [str(cell) for cell in next(lines)]
    return [dict(zip(header, line, strict=True)) for line in lines]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of any output."""
    if path.suffix == ".xlsx":
        return read_sheet(path, "标注结果")
    if path.suffix == ".jsonl":
        return read_jsonl(path)
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return read_csv(path)


def names_in(folder: Path) -> Iterator[str]:
    """All that stands in a folder, hidden things too."""
    return (path.name for path in sorted(folder.iterdir()))
