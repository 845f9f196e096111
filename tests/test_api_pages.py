"""Where no keys are set up, a web page from elsewhere may not use the browser of somebody here to come in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import Served, serving

from vocnlp.api import keys
from vocnlp.api.keys import SCORE
from vocnlp.api.settings import Settings
from vocnlp.errors import InputError

ASK = {"input": "包间太吵，说话都听不清"}
FORM = {"file": ("a.csv", "评价\n茶凉了\n".encode())}


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, tiny_bundle, jobs=folder / "jobs", origins="https://cem.example, http://crm.example/") as one:
        yield one


def classify(served: Served, **headers: str) -> httpx.Response:
    return httpx.post(f"{served.url}/classify", json=ASK, headers=headers, timeout=60)


def refused(answer: httpx.Response, param: str) -> bool:
    error: dict[str, Any] = answer.json()["error"]
    return (answer.status_code, error["type"], error["param"]) == (403, "not_allowed", param)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]", "[::1]:8000", "127.0.0.1:1"])
def test_the_names_of_this_machine_are_served(served: Served, host: str) -> None:
    assert classify(served, host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil:80"])
def test_a_foreign_name_that_leads_here_is_refused(served: Served, host: str) -> None:
    assert refused(classify(served, host=host), "host")
    for path in ("/jobs", "/model", "/metrics"):
        assert refused(httpx.get(served.url + path, headers={"host": host}), "host")
    assert httpx.get(f"{served.url}/health/ready", headers={"host": host}).status_code == 200  # for probes


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "https://cem.example:444"])
def test_a_page_of_another_origin_uploads_nothing(served: Served, origin: str) -> None:
    answer = httpx.post(f"{served.url}/jobs", files=FORM, headers={"origin": origin}, timeout=60)
    assert refused(answer, "origin") and refused(classify(served, origin=origin), "origin")
    assert httpx.get(f"{served.url}/jobs").json()["data"] == []


def test_its_own_origin_and_the_named_ones_are_served(served: Served) -> None:
    for origin in (served.url, "https://cem.example", "http://crm.example"):
        assert classify(served, origin=origin).status_code == 200


def test_the_address_that_was_set_is_a_name_too(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle, ready=False, host="127.0.0.2") as served:
        served.url = served.url.replace("127.0.0.1", "127.0.0.2")
        served.wait_ready()
        assert classify(served).status_code == 200


def test_with_keys_any_name_will_do(tiny_bundle: Path, tmp_path: Path) -> None:
    token = keys.make(tmp_path / "keys.json", name="店", role=SCORE)
    with serving(tmp_path, tiny_bundle, keys=tmp_path / "keys.json") as served:
        bearer = {"authorization": f"Bearer {token}", "origin": "https://evil.example"}
        assert classify(served, host="voc.example", **bearer).status_code == 200


@pytest.mark.parametrize("given", ["https://cem.example", '["https://cem.example"]', " https://CEM.example/ ,"])
def test_origins_are_written_with_commas_or_as_a_list(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("VOCNLP_ORIGINS", given)
    assert Settings.read().origins == ("https://cem.example",)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("cem.example", "cem.example is no origin; write it as https://a.example, without a path"),
        (
            "https://cem.example/店",
            "https://cem.example/店 is no origin; write it as https://a.example, without a path",
        ),
        ('["https://cem.example"', "is no JSON list; write https://a.example,https://b.example"),
    ],
)
def test_what_is_no_origin_is_named(monkeypatch: pytest.MonkeyPatch, given: str, told: str) -> None:
    monkeypatch.setenv("VOCNLP_ORIGINS", given)
    with pytest.raises(InputError, match="setting origins: ") as caught:
        Settings.read()
    assert caught.value.message.endswith(told)


def test_a_service_that_cannot_start_says_why_without_a_traceback(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as told, serving(tmp_path, tiny_bundle, origins="cem.example"):
        pass
    assert "setting origins: " in str(told.value) and "Traceback" not in str(told.value)
