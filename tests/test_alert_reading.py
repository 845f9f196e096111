"""Files of rules: what is read, and what is refused with file, line, rule, value and the next step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alert_rules_file import rules_of, write_rules
from tagged_shop import FRAME

from vocnlp.alert_reading import read_rules
from vocnlp.alert_rules import CommentRule, SpikeRule, ThresholdRule, Webhook, When
from vocnlp.codeframe import Codeframe
from vocnlp.errors import InputError

ROOT = Path(__file__).parents[1]
COMMENT = {"id": "safe", "kind": "comment", "when": {"codes": ["product"]}}
NPS = {"id": "low", "kind": "threshold", "figure": "nps", "days": 7, "below": 0}
SPIKE = {"id": "up", "kind": "spike", "every": "day"}
HOOK = {"id": "crm", "form": "json", "url_env": "CRM_URL"}


def test_the_example_is_sound_on_the_shipped_frame():
    rules = read_rules(ROOT / "examples" / "alerts.yaml", Codeframe.load(ROOT / "vocnlp/frames/voc-zh-general.yaml"))
    assert [(rule.id, rule.kind) for rule in rules.rules] == [
        ("safety_detractor", "comment"),
        ("threat", "comment"),
        ("refund_of_members", "comment"),
        ("nps_low", "threshold"),
        ("delivery_pain", "threshold"),
        ("surge_of_a_day", "spike"),
    ]
    assert [(hook.id, hook.form) for hook in rules.webhooks] == [
        ("crm", "json"),
        ("quality_group", "wecom"),
        ("service_group", "dingtalk"),
        ("press_group", "feishu"),
    ]


def test_a_code_stands_for_all_below_it_and_a_stage_for_its_id(tmp_path):
    when = {"codes": ["product"], "detractor": True, "stages": ["退换货"]}
    read = rules_of(tmp_path, {**COMMENT, "when": when}, dedupe_hours=6, fresh_days=9).rules[0]
    assert read == CommentRule(
        "safe",
        "试验",
        "high",
        When(
            codes=frozenset({"product", "quality", "look", "smell", "size"}),
            score_at_most=6.0,
            stages=frozenset({"after"}),
        ),
        dedupe_hours=6.0,
        fresh_days=9,
    )


def test_figures_and_spikes_have_their_defaults(tmp_path):
    assert rules_of(tmp_path, NPS, SPIKE).rules == (
        ThresholdRule("low", "试验", "high", figure="nps", days=7, at_least=30, below=0.0),
        SpikeRule("up", "试验", "high", days=1, past_days=28, at_least=5),
    )


def test_alerts_go_where_their_rule_says_or_where_owner_and_severity_are_taken(tmp_path):
    hooks = [HOOK, {**HOOK, "id": "team", "owners": ["品质部"]}, {**HOOK, "id": "boss", "severity": "critical"}]
    rules = rules_of(tmp_path, COMMENT, {**COMMENT, "id": "sent", "send_to": ["boss"]}, webhooks=hooks)
    assert rules.webhooks[0] == Webhook("crm", "json", "CRM_URL")
    assert rules.webhooks_of("safe", owner="品质部", severity="high") == ("crm", "team")
    assert rules.webhooks_of("safe", owner="物流部", severity="critical") == ("crm", "boss")
    assert rules.webhooks_of("sent", owner="品质部", severity="low") == ("boss",)


@pytest.mark.parametrize(
    ("rule", "told", "hint"),
    [
        ({**COMMENT, "when": {"codes": ["qualty"]}}, "no such code: 'qualty' (rule 'safe')", "known here: quality"),
        ({**COMMENT, "when": {"stages": ["直播"]}}, "no such stage: '直播' (rule 'safe')", "known here: learn, order"),
        ({**COMMENT, "when": {"code": ["quality"]}}, "key 'code': unknown key (rule 'safe')", "known keys here: codes"),
        (
            {**COMMENT, "when": {"words": [12315]}},
            "key 'words': must be a list of texts (rule 'safe')",
            "quote entries",
        ),
        ({**COMMENT, "when": {"score_at_most": 11}}, "must lie in 0..10 (rule 'safe') (value: '11')", ""),
        ({**COMMENT, "when": {"score_at_most": True}}, "must be a number, not bool (rule 'safe')", ""),
        ({**COMMENT, "when": {}}, "asks nothing (rule 'safe')", "name a condition"),
        ({**COMMENT, "severity": "urgent"}, "no such severity: 'urgent' (rule 'safe')", "known here: low, medium"),
        ({**COMMENT, "send_to": ["crn"]}, "no such send_to: 'crn' (rule 'safe')", "known here: none"),
        ({**NPS, "code": "quality"}, "nps takes no code (rule 'low')", ""),
        ({**NPS, "figure": "share"}, "share needs a code (rule 'low')", ""),
        ({**NPS, "above": 5}, "one of below and above is needed, and not both (rule 'low')", ""),
        ({**NPS, "days": 2.5}, "must be a whole number, not float (rule 'low') (value: '2.5')", ""),
        ({**NPS, "at_least": float("inf")}, "must lie in 1..1e+09 (rule 'low')", ""),
        ({**SPIKE, "every": "month"}, "no such every: 'month' (rule 'up')", "known here: day, week"),
        ({**SPIKE, "alpha": float("nan")}, "must lie in 1e-12..0.2 (rule 'up')", ""),
    ],
)
def test_a_wrong_rule_is_named_with_file_line_value_and_next_step(
    tmp_path: Path, rule: dict[str, Any], told: str, hint: str
):
    path = write_rules(tmp_path, rule)
    with pytest.raises(InputError) as caught:
        read_rules(path, FRAME)
    assert str(caught.value).startswith(f"{path}, line ")
    assert told in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"schema": 2}, "key 'schema': must be 1"),
        ({"journey": "general2"}, "no such journey: 'general2'"),
        ({"timezone": "Asia/Shanghia"}, "no such time zone (rules) (value: 'Asia/Shanghia')"),
        ({"webhooks": [HOOK, {**HOOK}]}, "duplicate id 'crm'"),
        ({"webhooks": [{**HOOK, "owners": ["品控部"]}]}, "no such owners: '品控部' (webhook 'crm')"),
        ({"webhooks": [{**HOOK, "form": "slack"}]}, "no such form: 'slack' (webhook 'crm')"),
        ({"webhooks": [{**HOOK, "allow": ["10.0.0/8"]}]}, "'10.0.0/8' is no network (webhook 'crm')"),
        ({"delivery": {"attempts": 0}}, "must lie in 1..50 (delivery) (value: '0')"),
    ],
)
def test_a_wrong_head_is_named_too(tmp_path: Path, head: dict[str, Any], told: str):
    with pytest.raises(InputError) as caught:
        rules_of(tmp_path, COMMENT, **head)
    assert told in str(caught.value)


def test_an_address_or_key_written_into_the_file_is_refused_and_never_shown(tmp_path):
    for key in ("url_env", "secret_env", "url"):
        with pytest.raises(InputError) as caught:
            rules_of(tmp_path, COMMENT, webhooks=[{**HOOK, key: "https://example.com/send?key=geheim"}])
        assert "geheim" not in f"{caught.value} {caught.value.hint}"
        assert "webhook 'crm'" in str(caught.value)


def test_a_file_that_is_not_there_or_no_yaml_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_rules(tmp_path / "none.yaml", FRAME)
    broken = tmp_path / "broken.yaml"
    broken.write_text("rules: [", encoding="utf-8")
    with pytest.raises(InputError, match="not valid YAML"):
        read_rules(broken, FRAME)
