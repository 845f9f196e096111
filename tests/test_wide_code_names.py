"""Wide tables whose codes are named as columns often are (渠道, 环节, 时间): every command that knows the frame reads them as codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from command_line import CommandLine, command_line

from vocnlp.codeframe import Codeframe
from vocnlp.registry import CHAMPION, Registry
from vocnlp.training.labelled import read_file, read_labelled

__all__ = ["command_line"]

CODES = {"channel": "渠道", "step": "环节", "hours": "时间", "member": "会员", "price": "价格"}
SAID = {
    "channel": ("只有门店能退，网上退不了", "小程序里也能买到"),
    "step": ("付款那一步总是卡住", "下单三步就完了"),
    "hours": ("九点就关门，下班赶不上", "通宵开着，半夜也能去"),
    "member": ("积分一过年就清零", "生日那天送了双倍积分"),
    "price": ("涨了三块钱，肉疼", "比对面便宜一截"),
}
MARK = ("负面", "正面")


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    rule = {"when": "积分", "effect": "add"}
    codes = [{"id": code, "name": name, "definition": f"说到{name}", **({"rules": [rule]} if code == "member" else {})}
             for code, name in CODES.items()]  # fmt: skip
    content = {"schema": 1, "name": "store", "version": "1.0.0", "codes": codes}
    (tmp_path / "frame.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path / "frame.yaml"


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Thirty comments of one code each, six of each code."""
    rows = []
    for copy in ("第一回", "昨天", "这周"):
        for at, sentences in enumerate(SAID.values()):
            for mark, sentence in zip(MARK, sentences, strict=True):
                cells = [mark if place == at else "" for place in range(len(CODES))]
                rows.append(",".join([str(len(rows) + 1), f"{copy}来，{sentence}".replace(",", "，"), *cells]))
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([",".join(["编号", "评论", *CODES.values()]), *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def bundle(frame: Path, wide: Path, tmp_path: Path, vocnlp: CommandLine) -> Path:
    out = tmp_path / "store"
    ended = vocnlp("train", "--linear", "--data", wide, "--codeframe", frame, "--dev-parts", 0, "--out", out)
    assert ended.code == 0, ended.err
    return out


def test_codes_of_the_frames_are_columns_whatever_they_are_called(frame: Path, wide: Path) -> None:
    assert sum(len(row.tags) for row in read_labelled(wide, Codeframe.load(frame))) == 30
    assert sum(len(row.tags) for row in read_labelled(wide, Codeframe.from_labels("a"), Codeframe.load(frame))) == 30
    assert read_file(wide).left == ("渠道", "环节", "时间", "会员")


def test_evaluate_measures_all_codes(bundle: Path, wide: Path, vocnlp: CommandLine) -> None:
    ended = vocnlp("evaluate", "--bundle", bundle, "--data", wide, "--samples", 0, "--json")
    figures = json.loads(ended.out)
    assert figures["codes"]["support"] == 30
    assert {code: one["right"] + one["missed"] for code, one in figures["per_code"].items()} == dict.fromkeys(CODES, 6)


def test_compare_compares_all_codes(bundle: Path, wide: Path, vocnlp: CommandLine) -> None:
    ended = vocnlp("compare", bundle, bundle, "--data", wide, "--samples", 10, "--json")
    assert {code: one["support"] for code, one in json.loads(ended.out)["per_code"].items()} == dict.fromkeys(CODES, 6)


def test_promote_compares_all_codes(bundle: Path, wide: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    registry = tmp_path / "registry"
    later = tmp_path / "later"
    given = ("train", "--linear", "--data", wide, "--codeframe", tmp_path / "frame.yaml", "--dev-parts", 6, "--out")
    assert vocnlp(*given, later).code == 0
    for path, alias in ((bundle, "first"), (later, "challenger")):
        ended = vocnlp("models", "add", path, "--registry", registry, "--as", alias)
        assert ended.code == 0, ended.err
    given = ("--registry", registry, "--force", "--reason", "试")
    assert vocnlp("models", "promote", "first", *given).code == 0
    ended = vocnlp("models", "promote", "challenger", "--data", wide, *given)
    assert ended.code == 0, ended.err
    assert "codes.micro_f1       1.000 -> 1.000  difference +0.000 (+0.000 to +0.000), n = 30" in ended.out
    assert Registry.open(registry).state().label(CHAMPION).startswith("later@")


def test_rules_report_judges_the_rules_of_all_codes(bundle: Path, frame: Path, wide: Path, vocnlp: CommandLine) -> None:
    given = ("--codeframe", frame, "--bundle", bundle, "--data", wide, "--labelled", "--json")
    (one,) = json.loads(vocnlp("rules", "report", *given).out)["rules"]
    assert (one["code"], one["held"], one["right"], one["judged"]) == ("member", 6, 6, 6)


def test_migrate_keeps_all_tags(frame: Path, wide: Path, tmp_path: Path, vocnlp: CommandLine) -> None:
    changes, carried = tmp_path / "m.yaml", tmp_path / "new.jsonl"
    changes.write_text(
        'from: {name: store, version: "1.0.0"}\nto: {version: "1.1.0"}\n'
        "changes:\n  - rename: {code: channel, name: 购买渠道}\n",
        encoding="utf-8",
    )
    given = ("--changes", changes, "--out", tmp_path / "next.yaml", "--data", wide, "--data-out", carried)
    ended = vocnlp("codeframe", "migrate", frame, *given)
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in carried.read_text(encoding="utf-8").splitlines()]
    tags = [(tag["code"], tag["polarity"]) for row in rows for tag in row["tags"]]
    assert len(tags) == 30
    assert {code: tags.count((code, "negative")) for code in CODES} == dict.fromkeys(CODES, 3)
