"""The commands of alerts: a run from a tagged file to a webhook, its case to the end, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command_line import CommandLine, command_line
from receiver import receiving
from tagged_shop import row, tag, tagged

__all__ = ["command_line"]

BUNDLE = Path(__file__).parents[1] / "models" / "voc-zh-linear"
RULES = """
schema: 1
name: 试验
webhooks:
  - {id: crm, form: json, url_env: CRM_URL, secret_env: CRM_KEY, allow: [127.0.0.0/8]}
rules:
  - {id: safe, kind: comment, title: 安全投诉, severity: critical, when: {codes: [safety], detractor: true}}
  - {id: low, kind: threshold, title: NPS 偏低, severity: high, figure: nps, days: 7, below: 0}
"""


@pytest.fixture
def files(tmp_path):
    hurt = tag("safety", "negative", 0, "充电时冒烟")
    text = "充电时冒烟,电话13812345678"
    rows = [
        row(1, text=text, score=1, voc_sentiment="negative", voc_tags=[hurt]),
        row(2, text="挺好", score=9, voc_sentiment="positive"),
    ]
    pq.write_table(tagged(rows), tmp_path / "rows.parquet")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def words(folder: Path, *more: object) -> list[object]:
    data = ["--rules", folder / "rules.yaml", "--data", folder / "rows.parquet", "--bundle", BUNDLE]
    return ["alerts", "run", *data, "--state", folder / "a.sqlite", *more]


def test_from_a_file_to_a_webhook_and_a_case_to_its_end(vocnlp: CommandLine, files: Path, monkeypatch):
    state = ["--state", files / "a.sqlite"]
    with receiving() as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        monkeypatch.setenv("CRM_KEY", "钥匙geheim")
        first = vocnlp(*words(files, "--json"))
        again = vocnlp(*words(files, "--json"))
    quiet = [{"rule": "low", "why": "only 0 to go by, 30 are needed"}]
    counts = {"new": 1, "known": 0, "repeats": 0, "unrouted": 0, "quiet": quiet}
    assert json.loads(first.out) == {**counts, "sent": 1, "failed": 0, "dead": 0, "waiting": 0, "unknown": {}}
    nothing = {"sent": 0, "failed": 0, "dead": 0, "waiting": 0, "unknown": {}}
    assert json.loads(again.out) == {**counts, "new": 0, "known": 1, **nothing}
    (number,) = receiver.ids
    assert json.loads(receiver.got[0].body)["data"]["text"] == "充电时冒烟,电话电**********"

    assert (
        vocnlp("alerts", "assign", number[:6], "--to", "小李", "--by", "班长", *state).out
        == f"{number}: assigned 已分派 小李\n"
    )
    assert vocnlp("alerts", "start", number, *state).code == 0
    assert vocnlp("alerts", "resolve", number, "--note", "已召回", *state).code == 0
    (listed,) = json.loads(vocnlp("alerts", "list", "--json", *state).out)
    assert (listed["id"], listed["state"], listed["assignee"]) == (number, "resolved", "小李")
    assert listed["deliveries"] == [{"webhook": "crm", "state": "sent", "attempts": 1, "error": ""}]
    shown = vocnlp("alerts", "show", number, *state).out
    assert "【紧急】安全投诉 · 安全 · 使用体验" in shown and "已召回" in shown
    assert "geheim" not in "".join(each.out + each.err for each in (first, again)) + shown
    assert b"geheim" not in b"".join(path.read_bytes() for path in files.glob("a.*"))


def test_a_dry_run_tells_and_touches_nothing(vocnlp: CommandLine, files: Path):
    ended = vocnlp(*words(files, "--dry-run"))
    assert ended.code == 0
    assert "【紧急】安全投诉 · 安全 · 使用体验" in ended.out and "-> crm" in ended.out
    assert ended.out.endswith("1 alerts; nothing recorded, nothing sent\n")
    assert not (files / "a.sqlite").exists()


def test_dead_letters_are_sent_again_when_asked_to(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k")
    rules = files / "rules.yaml"
    rules.write_text(RULES + "delivery: {attempts: 1}\n", encoding="utf-8")
    with receiving(lambda number: (500 if number == 1 else 204, b"", {})) as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        assert json.loads(vocnlp(*words(files, "--json")).out)["dead"] == 1
        assert len((files / "a.dead.jsonl").read_text(encoding="utf-8").splitlines()) == 1
        assert vocnlp("alerts", "retry", "--state", files / "a.sqlite").out.startswith("1 deliveries wait again")
        assert json.loads(vocnlp(*words(files, "--json")).out)["sent"] == 1


def test_a_run_that_gives_a_delivery_up_does_not_end_well(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k")
    (files / "rules.yaml").write_text(RULES + "delivery: {attempts: 1}\n", encoding="utf-8")
    with receiving(lambda _: (500, b"", {})) as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        assert (ended := vocnlp(*words(files))).code == 1
        assert "1 given up; see the file of dead letters, and vocnlp alerts retry" in " ".join(ended.out.split())
        assert vocnlp(*words(files)).code == 0  # nothing was given up by this one


def test_a_delivery_to_a_webhook_that_the_rules_lost_is_named(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k")
    with receiving(lambda _: (500, b"", {})) as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        assert json.loads(vocnlp(*words(files, "--json", "--wait", "0")).out)["waiting"] == 1
        (files / "rules.yaml").write_text(RULES.replace("id: crm", "id: erp"), encoding="utf-8")
        ended = vocnlp(*words(files, "--json", "--wait", "0"))
    assert (ended.code, json.loads(ended.out)["unknown"]) == (0, {"crm": 1})
    told = "deliveries wait for webhooks that the rules do not name: crm (1); next step: put them back into the rules"
    assert f"{told}, or give them up with vocnlp alerts drop WEBHOOK" in " ".join(ended.err.split())


def test_what_waits_for_a_webhook_that_is_gone_can_be_given_up(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k")
    state = ["--state", files / "a.sqlite"]
    with receiving(lambda _: (500, b"", {})) as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        vocnlp(*words(files, "--json", "--wait", "0"))
        ended = vocnlp("alerts", "drop", "erp", *state)
        told = "nothing waits for this webhook (value: 'erp')\n  next step: deliveries wait for: crm"
        assert (ended.code, " ".join(told.split()) in " ".join(ended.err.split())) == (2, True)
        ended = vocnlp("alerts", "drop", "crm", *state)
        assert ended.out == "1 deliveries to crm given up; vocnlp alerts retry lets them wait again\n"
        (listed,) = json.loads(vocnlp("alerts", "list", "--json", *state).out)
        assert listed["deliveries"] == [{"webhook": "crm", "state": "dead", "attempts": 1, "error": "dropped"}]
        assert listed["state"] == "open"
        again = json.loads(vocnlp(*words(files, "--json", "--wait", "0")).out)
        assert (again["waiting"], again["unknown"], len(receiver.ids)) == (0, {}, 1)
        assert vocnlp("alerts", "drop", "crm", *state).err.rstrip().endswith("deliveries wait for: none")


def test_a_resolved_case_says_when_its_rule_is_heard_again(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k")
    state = ["--state", files / "a.sqlite"]
    with receiving() as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        vocnlp(*words(files))
    (number,) = receiver.ids
    vocnlp("alerts", "resolve", number, "--note", "换货", *state)
    ended = vocnlp("alerts", "start", number, *state)
    told = "what comes up again opens a case of its own: another comment at once, a figure from the next day on"
    assert (ended.code, told in " ".join(ended.err.split())) == (2, True)


def test_a_customer_is_erased_and_the_next_run_finds_nothing_new(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k")
    state = ["--state", files / "a.sqlite"]
    (files / "rules.yaml").write_text(RULES + "delivery: {attempts: 1}\n", encoding="utf-8")
    hurt = [tag("safety", "negative", 0, "充电时冒烟")]
    pq.write_table(tagged([row(1, text="充电时冒烟", score=1, customer="K-7", voc_tags=hurt)]), files / "rows.parquet")
    with receiving(lambda _: (500, b"", {})) as receiver:
        monkeypatch.setenv("CRM_URL", receiver.url)
        assert json.loads(vocnlp(*words(files, "--json")).out)["dead"] == 1
        lines = vocnlp("alerts", "forget", "--customer", "K-7", *state).out.splitlines()
        assert lines[:3] == [
            "1 alerts and their cases erased, 1 deliveries of them",
            "1 dead letters and 0 quotes in alerts on figures",
            "not reached:",
        ]
        assert json.loads(vocnlp(*words(files, "--json")).out)["known"] == 1
    assert (vocnlp("alerts", "list", "--json", *state).out, len(receiver.got)) == ("[]\n", 1)
    assert (files / "a.dead.jsonl").read_text(encoding="utf-8") == ""


def test_a_missing_variable_and_a_wrong_rule_end_with_a_next_step(vocnlp: CommandLine, files: Path, monkeypatch):
    monkeypatch.delenv("CRM_URL", raising=False)
    ended = vocnlp(*words(files))
    assert (ended.code, "CRM_URL is not set" in ended.err, "next step" in ended.err) == (2, True, True)
    assert not (files / "a.sqlite").exists()
    (files / "rules.yaml").write_text(RULES.replace("safety", "safty"), encoding="utf-8")
    ended = vocnlp("alerts", "check", files / "rules.yaml")
    assert ended.code == 2
    assert "no such code: 'safty' (rule 'safe')" in ended.err and "known here: safety" in ended.err


def test_cases_of_a_state_that_is_not_there_are_an_error(vocnlp: CommandLine, tmp_path: Path):
    ended = vocnlp("alerts", "list", "--state", tmp_path / "none.sqlite")
    assert (ended.code, "no such file" in ended.err) == (2, True)
