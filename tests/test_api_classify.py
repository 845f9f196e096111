"""POST /classify and /predict: what the library says, in the shapes that other systems know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving

from vocnlp.api.shapes import Answer
from vocnlp.records import POLARITIES
from vocnlp.tagger import Tagger
from vocnlp.training.labelled import Labelled

MIXED = "味道不错，但是价格太贵"


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), tiny_bundle) as running:
        yield running


def ask(served: Served, **body: Any) -> httpx.Response:
    words = json.dumps(body)  # in ASCII: httpx itself cannot send half a surrogate pair
    return httpx.post(f"{served.url}/classify", content=words, headers={"content-type": "application/json"}, timeout=60)


def told(served: Served, **body: Any) -> dict[str, Any]:
    answer = ask(served, **body)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def test_the_answer_is_what_the_tagger_says(served: Served, tagger: Tagger) -> None:
    (prediction,) = tagger.tag([MIXED])
    paths = {"taste": ["商品", "味道"], "price": ["价格"]}
    (data,) = told(served, input=MIXED)["data"]
    assert data == {
        "index": 0,
        "label": prediction.sentiment,
        "probs": [round(chance, 6) for chance in prediction.probabilities],
        "num_classes": 3,
        "sentiment": prediction.sentiment,
        "tags": [
            {
                "code": tag.code,
                "name": paths[tag.code][-1],
                "path": paths[tag.code],
                "polarity": tag.polarity,
                "confidence": round(tag.confidence, 6),
                "start": tag.start,
                "end": tag.end,
                "quote": MIXED[tag.start : tag.end],
                "source": tag.source,
            }
            for tag in prediction.tags
        ],
    }
    assert [(tag["code"], tag["polarity"], tag["quote"]) for tag in data["tags"]] == [
        ("taste", "positive", "味道不错"),
        ("price", "negative", "但是价格太贵"),
    ]


def test_the_envelope_is_that_of_vllm(served: Served, tagger: Tagger) -> None:
    answer = ask(served, input=[MIXED, "快递很快"], model="corner-shop", user="crm", priority=3)
    content = answer.json()
    assert content["id"] == f"classify-{answer.headers['x-request-id']}"
    assert (content["object"], content["model"]) == ("list", tagger.bundle.label)
    assert [entry["index"] for entry in content["data"]] == [0, 1]
    assert all(POLARITIES[entry["probs"].index(max(entry["probs"]))] == entry["label"] for entry in content["data"])
    assert content["usage"] == {"prompt_tokens": 15, "total_tokens": 15, "completion_tokens": 0, "texts": 2}


def test_both_paths_are_one(served: Served) -> None:
    one, two = (httpx.post(f"{served.url}{path}", json={"input": MIXED}) for path in ("/classify", "/v1/classify"))
    assert one.json()["data"] == two.json()["data"]


def test_an_answer_is_as_the_document_describes_it(served: Served) -> None:
    content = told(served, input=[MIXED, "", "。。。", "味道好\ud83d"])
    assert Answer.model_validate(content).model_dump(exclude_unset=True) == content


def test_noise_says_which(served: Served) -> None:
    empty = {"index": 0, "label": "neutral", "probs": [0.0, 1.0, 0.0], "num_classes": 3, "sentiment": "neutral"}
    assert told(served, input="")["data"] == [{**empty, "tags": [], "noise": "empty"}]


def test_the_confidence_asked_for_is_the_least(served: Served) -> None:
    every = told(served, input=MIXED)["data"][0]["tags"]
    bar = sorted(tag["confidence"] for tag in every)[-1]
    kept = told(served, input=MIXED, minimum_confidence=bar - 1e-6)["data"][0]["tags"]
    assert kept == [tag for tag in every if tag["confidence"] == bar] and len(kept) < len(every)


def test_codes_of_one_branch(served: Served) -> None:
    tags = told(served, input=MIXED, under="goods")["data"][0]["tags"]
    assert [tag["code"] for tag in tags] == ["taste"]


def test_codes_of_one_industry_and_of_all(served: Served) -> None:
    tags = told(served, input=MIXED, industry="餐饮")["data"][0]["tags"]
    assert [tag["code"] for tag in tags] == ["taste", "price"]


def test_a_masked_text_is_read_and_quoted_without_the_person(served: Served) -> None:
    text = "客服态度很好，打13800138000当场就修"
    (plain,) = told(served, input=text.replace("态度", "13800138000态度"))["data"]
    (masked,) = told(served, input=text.replace("态度", "13800138000态度"), mask=True)["data"]
    (before,), (after,) = ([tag for tag in one["tags"] if tag["code"] == "attitude"] for one in (plain, masked))
    assert before["quote"] == "客服13800138000态度很好"
    assert (after["quote"], after["start"], after["end"]) == ("客服电**********态度很好", 0, 17)


def test_without_evidence_no_place_and_no_quote(served: Served) -> None:
    tags = told(served, input=MIXED, evidence=False)["data"][0]["tags"]
    assert {key for tag in tags for key in tag} == {"code", "name", "path", "polarity", "confidence", "source"}


@pytest.mark.parametrize(
    ("text", "quote"),
    [("味道不错\x00，价格太贵", "味道不错\x00"), ("味道不错\ud83d，价格太贵", "味道不错\ufffd")],
    ids=["NUL", "half an emoji"],
)
def test_odd_characters_are_read_and_quoted(served: Served, text: str, quote: str) -> None:
    tags = told(served, input=text)["data"][0]["tags"]
    assert [tag["quote"] for tag in tags if tag["code"] == "taste"] == [quote]


def test_scores_do_not_depend_on_the_company(served: Served, tiny_rows: list[Labelled]) -> None:
    texts = [row.text for row in tiny_rows]
    alone = [told(served, input=text)["data"][0] for text in texts]
    together = told(served, input=texts)["data"]
    assert [{**entry, "index": 0} for entry in together] == alone


def test_many_callers_each_get_their_own_answer(served: Served, tagger: Tagger, tiny_rows: list[Labelled]) -> None:
    calls = [[f"{row.text}，第{n}回{m}" for m in range(1 + n % 7)] for n, row in enumerate(tiny_rows * 4)]
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda texts: client.post(f"{served.url}/classify", json={"input": texts}), calls))
    for texts, answer in zip(calls, answers, strict=True):
        expected = tagger.tag(texts)
        got = answer.json()["data"]
        assert [entry["probs"] for entry in got] == [[round(p, 6) for p in one.probabilities] for one in expected]
        assert [[tag["code"] for tag in entry["tags"]] for entry in got] == [[t.code for t in p.tags] for p in expected]


def test_predict_gives_every_code_its_own_score(served: Served, tagger: Tagger) -> None:
    (prediction,) = tagger.tag([MIXED])
    labels = {f"{tag.code}:{tag.polarity}": round(tag.confidence, 6) for tag in prediction.tags}
    answer = httpx.post(f"{served.url}/predict", json={"inputs": MIXED, "truncate": True}).json()
    assert {one["label"]: one["score"] for one in answer} == labels
    assert [one["score"] for one in answer] == sorted(labels.values(), reverse=True)


def test_predict_of_a_batch_is_a_list_of_lists(served: Served) -> None:
    def predict(inputs: Any) -> Any:
        return httpx.post(f"{served.url}/predict", json={"inputs": inputs, "labels": "sentiment"}).json()

    one, two = predict(MIXED), predict("快递很快")
    assert (predict([MIXED]), predict([[MIXED], ["快递很快"]])) == (one, [one, two])
    assert {entry["label"] for entry in one} == set(POLARITIES)
    assert sum(entry["score"] for entry in one) == pytest.approx(1, abs=3e-6)
