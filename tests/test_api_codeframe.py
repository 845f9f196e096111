"""POST /codeframe/check: what would be said of a codeframe; nothing is changed by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from conftest import FRAME
from served import Served, serving

from vocnlp.api.keys import EDIT, SCORE, make
from vocnlp.codeframe import Codeframe


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), tiny_bundle) as running:
        yield running


def ask(served: Served, body: str | bytes, kind: str = "application/yaml", **headers: str) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    headers["content-type"] = kind
    return httpx.post(f"{served.url}/codeframe/check", content=content, headers=headers, timeout=60)


def changed() -> dict[str, Any]:
    """The served frame with a code more, one less, one renamed, one moved."""
    frame: dict[str, Any] = deepcopy(FRAME)
    codes = {code["id"]: code for code in frame["codes"]}
    codes["price"]["name"] = "价钱"
    codes["parking"] |= {"parent": "goods", "keywords": ["停车"]}
    del codes["waiting"]
    codes["queue"] = {"id": "queue", "name": "叫号", "definition": "叫号准不准", "keywords": ["叫号"]}
    codes["smell"] = {"id": "smell", "name": "气味", "definition": "店里有没有异味"}
    return {**frame, "version": "0.2.0", "codes": list(codes.values())}


@pytest.mark.parametrize("kind", ["application/json", "application/yaml", "text/yaml; charset=utf-8"])
def test_a_frame_is_compared_with_the_served_one(served: Served, kind: str) -> None:
    write = json.dumps if kind == "application/json" else yaml.safe_dump
    told = ask(
        served, write(changed(), allow_unicode=True) if write is yaml.safe_dump else write(changed()), kind
    ).json()
    new, old = Codeframe.from_dict(changed()), Codeframe.from_dict(FRAME)
    assert told == {
        "fit": True,
        "served": {"name": "corner-shop", "version": "0.1.0", "digest": old.digest, "codes": 9},
        "error": None,
        "frame": {"name": "corner-shop", "version": "0.2.0", "digest": new.digest, "codes": 10},
        "same": False,
        "warnings": list(new.warnings()),
        "changes": {
            "added": ["queue", "smell"],
            "removed": ["waiting"],
            "renamed": {"price": ["价格", "价钱"]},
            "moved": {"parking": ["people", "goods"]},
            "changed": {"parking": ["keywords"]},
            "synonyms": [],
        },
        "by_words_alone": ["parking", "queue"],
        "never_found": ["smell"],
    }
    assert httpx.get(f"{served.url}/codeframe").json()["digest"] == old.digest


def test_the_served_frame_itself_is_the_same(served: Served) -> None:
    told = ask(served, json.dumps(FRAME), "application/json").json()
    assert (told["fit"], told["same"], told["changes"]["added"]) == (True, True, [])


def test_a_frame_that_breaks_the_rules_is_not_fit_and_says_where(served: Served) -> None:
    body = "schema: 1\nname: 店\nversion: '1'\ncodes:\n- {id: a, name: 甲, definition: 一}\n- {id: a, name: 乙, definition: 二}\n"
    told = ask(served, body).json()
    assert (told["fit"], told["frame"], told["changes"]) == (False, None, None)
    assert told["error"] == {
        "message": "codeframe.yaml, line 6, key 'id': duplicate id 'a', first used in line 5",
        "line": 6,
        "key": "id",
        "hint": "",
    }


@pytest.mark.parametrize(
    ("body", "kind", "status", "word"),
    [
        ("[1]", "application/json", 422, "invalid"),
        ("{", "application/json", 400, "malformed"),
        ('{"schema": 1, "schema": 1}', "application/json", 400, "malformed"),
        ("- 1", "application/yaml", 422, "codeframe"),
        ("", "application/yaml", 422, "codeframe"),
        ("a: [", "application/yaml", 422, "codeframe"),
        ("[" * 100_000, "application/yaml", 422, "codeframe"),
        (b"name: \xff", "application/yaml", 400, "malformed"),
        ("schema: 1", "text/plain", 415, "wrong_media_type"),
        ("#" * (2 * 2**20 + 1), "application/yaml", 413, "too_large"),
    ],
)
def test_what_is_no_frame_is_refused(served: Served, body: str | bytes, kind: str, status: int, word: str) -> None:
    answer = ask(served, body, kind)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, word)


def test_it_needs_the_role_edit(tiny_bundle: Path, tmp_path: Path) -> None:
    keys = {role: make(tmp_path / "keys.json", name=role, role=role) for role in (SCORE, EDIT)}
    with serving(tmp_path, tiny_bundle, keys=tmp_path / "keys.json") as served:
        body = json.dumps(FRAME)
        told = {
            role: ask(served, body, "application/json", authorization=f"Bearer {key}") for role, key in keys.items()
        }
        assert {role: answer.status_code for role, answer in told.items()} == {SCORE: 403, EDIT: 200}


def test_the_document_has_a_chinese_example_that_is_fit(served: Served) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    content = document["paths"]["/codeframe/check"]["post"]["requestBody"]["content"]
    for kind, told in content.items():
        example = told["example"]
        answer = ask(served, example if isinstance(example, str) else json.dumps(example), kind).json()
        assert (answer["fit"], answer["frame"]["name"]) == (True, "餐饮门店")
