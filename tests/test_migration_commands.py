"""``vocnlp codeframe migrate``: a frame is changed, and labelled rows, a store and the history go with it."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
import yaml
from command_line import CommandLine, command_line
from migrating import AFTER, CHANGES, shop_rows
from tagged_shop import FRAME

from vocnlp.codeframe import Codeframe
from vocnlp.codeframe_writing import write_frame
from vocnlp.review_merge import read_answers
from vocnlp.review_rows import Mark
from vocnlp.store import Store

__all__ = ["command_line"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_frame(FRAME, tmp_path / "shop.yaml")
    (tmp_path / "m.yaml").write_text(CHANGES, encoding="utf-8")
    row = {"id": "x", "text": "等到月底", "tags": [{"code": "speed", "polarity": "negative"}]}
    (tmp_path / "old.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    Store.open(tmp_path / "feedback", create=True).put(shop_rows())
    return tmp_path


def words(shop: Path) -> list[object]:
    data = ["--data", shop / "old.jsonl", "--data-out", shop / "new.jsonl", "--store", shop / "feedback"]
    return [
        "codeframe",
        "migrate",
        shop / "shop.yaml",
        "--changes",
        shop / "m.yaml",
        "--out",
        shop / "next.yaml",
        *data,
    ]


def test_everything_is_carried_in_one_command(shop: Path, vocnlp: CommandLine) -> None:
    ended = vocnlp(*words(shop), "--review", shop / "todo.xlsx")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == "shop-test 0.3.0 -> shop-test 0.4.0"
    assert ended.out.splitlines()[8:] == [
        f"frame: {shop / 'next.yaml'} (without comments); history: next.history.yaml",
        "data: 1 rows, 1 with other tags, 0 tags dropped",
        "  rename price: name 贵不贵: 0 tags",
        "  move courier: parent service: 0 tags",
        "  add delay: 0 tags",
        "  add tracking: 0 tags",
        "  merge look, smell -> look: 0 tags",
        "  split speed -> delay, tracking: 1 tags",
        "  retire ads: 不再投广告: 0 tags",
        "store: 6 of 8 rows carried, 1 were; 1 of other codeframes stay",
        "1 rows of the data and 2 rows of the store carry a code that was split: a person has to read them again",
        f"  3 are listed in {shop / 'todo.xlsx'}; take the answers back: vocnlp review import",
        "  the store's rows: vocnlp store rescore, with a bundle that knows the parts",
    ]
    new = Codeframe.load(shop / "next.yaml")
    assert (new.version, "smell" in new) == ("0.4.0", False)
    assert yaml.safe_load((shop / "next.history.yaml").read_text("utf-8"))["history"][0]["version"] == "0.4.0"


def test_a_run_that_was_stopped_before_the_frame_stood_is_run_again(
    shop: Path, vocnlp: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vocnlp.codeframe_writing.write_frame", stop)
        assert vocnlp(*words(shop)).code == 130
    assert not (shop / "next.yaml").exists()
    told = json.loads(vocnlp(*words(shop), "--json").out)
    assert told["store"] == {"rows": 8, "before": 7, "now": 0, "changed": 0, "others": 1, "opened": 2}
    assert told["data"]["opened"] == 1
    assert Codeframe.load(shop / "next.yaml").digest == told["digest"]
    assert len(yaml.safe_load((shop / "next.history.yaml").read_text("utf-8"))["history"]) == 1
    assert vocnlp(*words(shop)).code == 0


@pytest.mark.parametrize("name", ["todo.xlsx", "todo.jsonl"])
def test_a_list_that_a_stopped_run_left_is_kept_with_its_answers(
    shop: Path, vocnlp: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vocnlp.migration_files.write_history", stop)
        assert vocnlp(*words(shop), "--review", shop / name).code == 130
    before = (shop / name).read_bytes()
    ended = vocnlp(*words(shop), "--review", shop / name)
    assert (ended.code, ended.err, (shop / name).read_bytes()) == (0, "", before)
    assert Codeframe.load(shop / "next.yaml").version == "0.4.0"


def test_polarities_of_any_spelling_come_back_from_the_list(shop: Path, vocnlp: CommandLine) -> None:
    row = {"id": "y", "text": "等到月底，图片好看", "tags": [
        {"code": "speed", "polarity": "负面", "start": 0, "end": 4}, {"code": "look", "polarity": "好评", "start": 5, "end": 9}
    ]}  # fmt: skip
    (shop / "old.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert vocnlp(*words(shop), "--review", shop / "todo.xlsx").code == 0
    book = openpyxl.load_workbook(shop / "todo.xlsx")
    place = {cell.value: cell.column for cell in book["评审"][1]}
    assert [book["评审"].cell(2, place[name]).value for name in ("编号", "标签1", "极性1", "证据1")] == [
        "y", "外观颜色", "正面", "图片好看"
    ]  # fmt: skip
    for name, value in (("处理", "确认"), ("评审人", "阿敏")):
        book["评审"].cell(2, place[name]).value = value
    book.save(shop / "todo.xlsx")
    ended = vocnlp(
        "review", "import", shop / "todo.xlsx", "--into", shop / "a.jsonl", "--codeframe", shop / "next.yaml"
    )
    assert ended.code == 0
    assert [answer.tags for answer in read_answers(shop / "a.jsonl")] == [(Mark("look", "positive", 5, 9),)]


def test_nothing_is_touched_where_the_command_cannot_end_well(shop: Path, vocnlp: CommandLine) -> None:
    (shop / "next.yaml").write_text("mine", encoding="utf-8")
    ended = vocnlp(*words(shop))
    assert (ended.code, "already exists" in ended.err) == (2, True)
    wrong = CHANGES.replace("code: ads", "code: adverts")
    (shop / "m.yaml").write_text(wrong, encoding="utf-8")
    ended = vocnlp(*words(shop))
    assert ended.code == 2
    assert "m.yaml, line 14, key 'retire': the frame has no code 'adverts' at this point" in ended.err
    assert ended.err.endswith("next step: vocnlp codeframe show lists the codes; one that is new is added first\n")
    assert AFTER + "+open" not in Store.open(shop / "feedback").info().codeframes
    assert not (shop / "new.jsonl").exists()


def test_options_that_deriving_would_pass_over_are_refused_by_name(shop: Path, vocnlp: CommandLine) -> None:
    before = sorted(shop.iterdir())
    call = ("codeframe", "migrate", shop / "shop.yaml", "--derive", shop / "shop.yaml", "--changes", shop / "d.yaml")
    ended = vocnlp(*call, "--out", shop / "zz.yaml", "--data", shop / "old.jsonl", "--json")
    told = "error: --derive only proposes changes; --out, --data, --json would be passed over"
    assert (ended.code, ended.err.splitlines()[0], sorted(shop.iterdir())) == (2, told, before)


def test_changes_are_derived_from_two_frames(shop: Path, vocnlp: CommandLine) -> None:
    edited = FRAME.to_dict()
    edited["version"] = "0.4.0"
    edited["codes"][1]["name"] = "质量"
    write_frame(Codeframe.from_dict(edited), shop / "edited.yaml")
    path = shop / "proposed.yaml"
    base = ["codeframe", "migrate", shop / "shop.yaml", "--changes", path]
    ended = vocnlp(*base, "--derive", shop / "edited.yaml")
    assert ended.out == f"{path}: 1 changes, 0 of them guessed; read it before it is used\n"
    assert yaml.safe_load(path.read_text("utf-8"))["changes"] == [{"rename": {"code": "quality", "name": "质量"}}]
    ended = vocnlp(*base, "--to", shop / "edited.yaml")
    assert ended.out.splitlines()[1] == "  ~ quality: name 做工质量 -> 质量"


ALERTS = """\
schema: 1
name: 店里的预警   # 谁都看得到
owner: 客服部
rules:
  - {id: looks, kind: comment, title: 外观, severity: high, when: {codes: [smell, look, price], polarities: [negative]}}
  - {id: slow, kind: comment, title: 慢, severity: low, when: {codes: [speed]}}
  - {id: gone, kind: comment, title: 广告, severity: low, when: {codes: [ads]}}
  - {id: talk, kind: comment, title: 扬言, severity: high, when: {word_list: threat}}
  - {id: share, kind: threshold, title: 慢的占比, severity: high, figure: share, days: 7, code: speed, above: 0.2}
  - {id: scent, kind: threshold, title: 气味, severity: low, figure: count, days: 7, code: smell, above: 3}
  - {id: jump, kind: spike, title: 突增, severity: high, every: day, codes: [speed, ads]}
  - {id: any, kind: spike, title: 任何突增, severity: high, every: week}
"""


def test_rules_of_alerts_go_on_watching_what_they_watched(shop: Path, vocnlp: CommandLine) -> None:
    (shop / "alerts.yaml").write_text(ALERTS, encoding="utf-8")
    command = [*words(shop), "--alerts", shop / "alerts.yaml", "--alerts-out", shop / "next_alerts.yaml"]
    ended = vocnlp(*command)
    assert (ended.code, ended.err) == (0, "")
    at = ended.out.splitlines().index("alerts: 7 rules, 5 of them with other codes (without comments)")
    assert ended.out.splitlines()[at + 1] == "  left out gone: ads is retired; write one for what comes instead"
    rules = {one["id"]: one for one in yaml.safe_load((shop / "next_alerts.yaml").read_text("utf-8"))["rules"]}
    assert list(rules) == ["looks", "slow", "talk", "share", "scent", "jump", "any"]
    assert rules["looks"]["when"] == {"codes": ["look", "price"], "polarities": ["negative"]}
    assert rules["slow"]["when"]["codes"] == rules["jump"]["codes"] == ["delay", "tracking"]
    assert (rules["share"]["code"], rules["scent"]["code"]) == ("logistics", "look")
    assert rules["talk"] == yaml.safe_load(ALERTS)["rules"][3]
    assert vocnlp("alerts", "check", shop / "next_alerts.yaml", "--codeframe", shop / "next.yaml").code == 0
    assert vocnlp(*command).code == 0  # what stands is what would be written
    assert json.loads(vocnlp(*command, "--json").out)["alerts"] == {
        "rules": 7, "changed": 5, "left_out": {"gone": "ads is retired"}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "more", "told"),
    [
        (ALERTS.replace("[ads]}}", "[adz]}}"), [], "adz"),
        (ALERTS[: ALERTS.index("  - {id: looks")] + ALERTS.splitlines()[6] + "\n", [], "no rule watches a code that goes on"),
        (ALERTS, ["--alerts-out"], "go together"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_carried_stop_the_migration_before_it_begins(
    shop: Path, vocnlp: CommandLine, rules: str, more: list[str], told: str
) -> None:
    (shop / "alerts.yaml").write_text(rules, encoding="utf-8")
    out = [] if more else ["--alerts-out", shop / "next_alerts.yaml"]
    ended = vocnlp(*words(shop), "--alerts", shop / "alerts.yaml", *out)
    assert (ended.code, told in ended.err) == (2, True)
    assert not (shop / "next.yaml").exists() and not (shop / "next_alerts.yaml").exists()
    assert AFTER + "+open" not in Store.open(shop / "feedback").info().codeframes


def test_rules_somebody_has_written_are_not_replaced(shop: Path, vocnlp: CommandLine) -> None:
    (shop / "alerts.yaml").write_text(ALERTS, encoding="utf-8")
    (shop / "next_alerts.yaml").write_text("mine", encoding="utf-8")
    command = [*words(shop), "--alerts", shop / "alerts.yaml", "--alerts-out", shop / "next_alerts.yaml"]
    assert "already exists" in vocnlp(*command).err
    assert (shop / "next_alerts.yaml").read_text(encoding="utf-8") == "mine"
    assert vocnlp(*command, "--force").code == 0
