"""What the service says of itself: model, codeframe, codes, its document, its meters, its log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving, until

from vocnlp.codeframe import Codeframe
from vocnlp.tagger import Tagger
from vocnlp.training.labelled import Labelled

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), tiny_bundle) as running:
        yield running


def got(served: Served, path: str) -> Any:
    return httpx.get(served.url + path).raise_for_status().json()


def test_the_model_says_which_bundle_answers(
    served: Served, tagger: Tagger, tiny_frame: Codeframe, tiny_rows: list[Labelled]
) -> None:
    from vocnlp import __version__

    told = got(served, "/model")
    since = datetime.fromisoformat(told.pop("since"))
    assert since.tzinfo is not None and since <= datetime.now(UTC)
    assert told == {
        "name": "corner-shop",
        "version": "0.1.0",
        "label": tagger.bundle.label,
        "digest": tagger.bundle.digest,
        "kind": "linear",
        "codeframe": {"name": "corner-shop", "version": "0.1.0", "digest": tiny_frame.digest, "codes": 9},
        "learnt_codes": ["quality", "taste", "attitude", "waiting", "delivery", "price"],
        "labels": ["negative", "neutral", "positive"],
        "figures": {"rows": len(tiny_rows)},
        "limits": {
            "body_bytes": 2097152,
            "texts_per_call": 1000,
            "text_characters": 20000,
            "calls_per_minute": 0,
            "queue_texts": 2000,
            "queue_tokens": 250000,
            "deadline_seconds": 10.0,
        },
        "vocnlp": __version__,
    }


def test_the_codeframe_is_the_frame_itself(served: Served, tiny_frame: Codeframe) -> None:
    content = got(served, "/codeframe")
    assert content.pop("digest") == tiny_frame.digest
    assert Codeframe.from_dict(content) == tiny_frame


def test_a_codeframe_that_is_known_is_not_sent_again(served: Served, tiny_frame: Codeframe) -> None:
    known = {"if-none-match": f'"{tiny_frame.digest}"'}
    answer = httpx.get(f"{served.url}/codeframe", headers=known)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", known["if-none-match"])
    other = httpx.get(f"{served.url}/codeframe", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


def test_codes_come_with_their_path_and_how_they_are_found(served: Served) -> None:
    content = got(served, "/codes?under=people")
    assert [code["id"] for code in content["data"]] == ["people", "attitude", "waiting", "parking"]
    assert content["codeframe"] == "corner-shop@0.1.0"
    assert content["data"][3] == {
        "id": "parking",
        "name": "停车",
        "path": ["服务", "停车"],
        "parent": "people",
        "definition": "停车方不方便；没有标注数据，只靠关键词",
        "keywords": ["停车位", "停车场", "泊车"],
        "stage": {"general": "order", "catering": "queue"},
        "industries": [],
        "owner": "物业部",
        "learnt": False,
    }
    assert len(got(served, "/codes")["data"]) == 9
    assert [code["id"] for code in got(served, "/codes?under=goods&industry=餐饮")["data"]] == [
        "goods",
        "quality",
        "taste",
    ]


def test_every_answer_has_its_id_and_keeps_browsers_out(served: Served) -> None:
    for path in ("/health", "/model", "/nowhere"):
        answer = httpx.get(served.url + path, headers={"x-request-id": "crm-2024.07:1"})
        assert answer.headers["x-request-id"] == "crm-2024.07:1"
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers


def test_an_id_that_could_harm_a_log_is_replaced(served: Served) -> None:
    for given in ("a b", "x" * 129, '"}{"', ""):
        answered = httpx.get(f"{served.url}/health", headers={"x-request-id": given}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", answered)


def test_other_origins_may_call_only_when_named(served: Served, tiny_bundle: Path, tmp_path: Path) -> None:
    asked = {"origin": "https://cem.example", "access-control-request-method": "POST"}
    assert httpx.options(f"{served.url}/classify", headers=asked).status_code == 405
    with serving(tmp_path, tiny_bundle, origins='["https://cem.example"]') as open_to_one:
        answer = httpx.options(f"{open_to_one.url}/classify", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://cem.example"
        other = httpx.options(f"{open_to_one.url}/classify", headers={**asked, "origin": "https://other.example"})
        assert "access-control-allow-origin" not in other.headers


def test_the_document_has_chinese_examples_and_every_refusal(served: Served) -> None:
    document = got(served, "/openapi.json")
    classify = document["paths"]["/classify"]["post"]
    assert classify["requestBody"]["content"]["application/json"]["schema"]["examples"] == [
        {"input": ["送餐慢得离谱，但味道不错", "客服也耐心"], "minimum_confidence": 0.5}
    ]
    statuses = {"200", "400", "401", "403", "404", "408", "413", "415", "422", "429", "503", "504"}
    assert set(classify["responses"]) == statuses
    shapes = {
        classify["responses"][status]["content"]["application/json"]["schema"]["$ref"] for status in statuses - {"200"}
    }
    assert shapes == {"#/components/schemas/Problem"}


def meters(served: Served) -> dict[str, float]:
    page = httpx.get(f"{served.url}/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    lines = [line.rsplit(" ", 1) for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_meters_count_what_was_asked_and_found(tiny_bundle: Path, tmp_path: Path, tagger: Tagger) -> None:
    texts = ["味道很好", "排队太久，味道还很差", ""]
    found = [(tag.code, tag.polarity) for one in tagger.tag(texts) for tag in one.tags]
    with serving(tmp_path, tiny_bundle, scorers=1) as served:
        before = meters(served)
        httpx.post(f"{served.url}/classify", json={"input": texts}).raise_for_status()
        httpx.post(f"{served.url}/classify", content=b"{")
        httpx.get(f"{served.url}/somewhere/else")
        after = meters(served)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert ("taste", "positive") in found and ("waiting", "negative") in found
    for code, polarity in found:
        assert grown[f'vocnlp_tags_total{{code="{code}",polarity="{polarity}"}}'] == found.count((code, polarity))
    assert grown['vocnlp_requests_total{method="POST",route="/classify",status="200"}'] == 1
    assert grown['vocnlp_requests_total{method="POST",route="/classify",status="415"}'] == 1
    assert grown['vocnlp_requests_total{method="GET",route="(none)",status="404"}'] == 1
    assert grown['vocnlp_failures_total{type="wrong_media_type"}'] == 1
    assert grown['vocnlp_noise_total{kind="empty"}'] == 1
    assert grown["vocnlp_batch_texts_sum"] == 3 and grown["vocnlp_batch_texts_count"] == 1
    assert grown["vocnlp_queue_seconds_count"] == grown["vocnlp_score_seconds_count"] == 1
    assert grown['vocnlp_request_seconds_count{route="/classify"}'] == 2
    assert (after["vocnlp_ready"], after["vocnlp_queue_texts"]) == (1, 0)
    digest = tagger.bundle.digest[:16]
    label = f'codeframe="corner-shop@0.1.0",digest="{digest}",name="corner-shop",version="0.1.0"'
    assert after[f"vocnlp_model{{{label}}}"] == 1


def test_a_line_of_the_log_says_all_but_the_text(served: Served) -> None:
    answer = httpx.post(f"{served.url}/classify", json={"input": ["收银台的王小姐态度很好", "味道好"]})
    asked = answer.headers["x-request-id"]
    # It is written when the answer has gone out.
    until(lambda: any(line.get("request_id") == asked for line in served.lines()))
    (line,) = [line for line in served.lines() if line.get("request_id") == asked]
    assert line == {
        "at": line["at"],
        "level": "info",
        "log": "vocnlp.api",
        "event": "request",
        "request_id": line["request_id"],
        "route": "/classify",
        "method": "POST",
        "status": 200,
        "key": "-",
        "texts": 2,
        "characters": 14,
        "seconds": line["seconds"],
    }
    assert "王小姐" not in served.log.read_text(encoding="utf-8")
