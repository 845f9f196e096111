"""The client against the real server: order, parts, retries, the server's words in errors; sync and async alike."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from served import Served, serving

from vocnlp.client import AsyncClient, Client, Retry, ServiceError, UnreachableError
from vocnlp.codeframe import Codeframe
from vocnlp.tagger import Tagger

TEXTS = [f"味道不错，就是等了{n}分钟" for n in range(57)]
QUICK = Retry(times=3, first=0.001, longest=0.002)


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    limits = {"texts_per_call": 10, "body_bytes": 4096}
    with serving(folder, tiny_bundle, jobs=folder / "jobs", **limits) as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.url) as made:
        yield made


def test_a_long_list_goes_in_parts_and_comes_back_in_order(client: Client, tagger: Tagger) -> None:
    answer = client.classify(TEXTS, evidence=False)
    expected = [[round(p, 6) for p in one.probabilities] for one in tagger.tag(TEXTS)]
    assert [entry["probs"] for entry in answer["data"]] == expected
    assert [entry["index"] for entry in answer["data"]] == list(range(57))
    assert (answer["model"], answer["models"]) == (tagger.bundle.label, [tagger.bundle.label])
    assert answer["usage"]["texts"] == 57 and answer["usage"]["total_tokens"] == sum(map(len, TEXTS))


def test_parts_are_cut_by_bytes_too(client: Client) -> None:
    texts = ["\x01" * 300, "好" * 900, '"' * 900, "b", "长" * 1000]  # 1,800 and 2,700 bytes, 1,800, 1 and 3,000
    assert [entry["index"] for entry in client.classify(texts)["data"]] == [0, 1, 2, 3, 4]
    with pytest.raises(ServiceError) as refused:
        client.classify(["好", "大" * 3000])
    assert (refused.value.status, refused.value.type, refused.value.param) == (413, "too_large", "body")


def test_no_texts_are_answered_by_the_server_too(client: Client) -> None:
    with pytest.raises(ServiceError, match="must hold at least one text"):
        client.classify([])


def test_half_an_emoji_is_sent_as_a_mark(client: Client) -> None:
    (entry,) = client.classify(["味道不错\ud83d，价格太贵"])["data"]
    assert [tag["quote"] for tag in entry["tags"] if tag["code"] == "taste"] == ["味道不错\ufffd"]


def test_predict_gives_a_list_for_every_text(client: Client, tagger: Tagger) -> None:
    for found, one in zip(client.predict(TEXTS[:12]), tagger.tag(TEXTS[:12]), strict=True):
        assert {entry["label"]: entry["score"] for entry in found} == {
            f"{tag.code}:{tag.polarity}": round(tag.confidence, 6) for tag in one.tags
        }


def test_what_is_served(client: Client, tagger: Tagger, tiny_frame: Codeframe) -> None:
    assert client.model()["label"] == tagger.bundle.label
    assert client.codeframe()["digest"] == tiny_frame.digest
    assert [code["id"] for code in client.codes(under="people")["data"]] == ["people", "attitude", "waiting", "parking"]


def test_a_refusal_is_told_in_the_words_of_the_server(client: Client) -> None:
    with pytest.raises(ServiceError) as refused:
        client.classify(["好"], under="nowhere")
    told = refused.value
    assert (told.status, told.type, told.param) == (404, "not_found", "under")
    assert "no such code in the codeframe" in str(told) and told.request_id in str(told)


def test_a_file_is_uploaded_scored_and_downloaded(client: Client, tmp_path: Path) -> None:
    table = tmp_path / "评价.csv"
    table.write_text("编号,评价\n1,味道很好\n2,快递太慢\n", encoding="utf-8")
    job = client.upload(table, text="评价", out="jsonl")
    assert (job["name"], job["state"]) == ("评价.csv", "queued")
    assert client.wait(job["id"])["state"] == "done"
    assert job["id"] in [one["id"] for one in client.jobs()["data"]]
    out = client.download(job["id"], tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(row["编号"], row["voc_sentiment"]) for row in rows] == [("1", "positive"), ("2", "negative")]
    assert client.cancel(job["id"]) == {"id": job["id"], "state": "removed"}
    with pytest.raises(ServiceError) as gone:
        client.download(job["id"], tmp_path / "again.jsonl")
    assert gone.value.status == 404 and not (tmp_path / "again.jsonl").exists()


def test_the_async_client_says_the_same(served: Served, client: Client, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("评价\n味道很好\n", encoding="utf-8")

    async def all_at_once() -> tuple[Any, Any, Any]:
        async with AsyncClient(served.url) as other:
            answers = await asyncio.gather(*(other.classify([text]) for text in TEXTS))
            job = await other.upload(table)
            await other.wait(job["id"])
            return answers, await other.predict(TEXTS[:3]), await other.download(job["id"], tmp_path / "b.csv")

    answers, labels, out = asyncio.run(all_at_once())
    whole = client.classify(TEXTS)["data"]
    assert [{**answer["data"][0], "index": n} for n, answer in enumerate(answers)] == whole
    assert labels == client.predict(TEXTS[:3])
    assert "positive" in out.read_text(encoding="utf-8-sig")


# --- what a server does that the real one does only under load: one that answers by a list ---

Script = list[tuple[int, dict[str, str], bytes] | None]
BUSY = (429, {"retry-after": "0"}, b'{"error": {"type": "busy", "message": "full", "param": null, "request_id": "r1"}}')
FINE = (200, {}, b'{"label": "a"}')


@contextmanager
def scripted(script: Script) -> Iterator[tuple[str, list[str]]]:
    """A server that answers with the script's next line; None hangs up. And what was asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append(f"{self.command} {self.path}")
            if (line := script.pop(0)) is None:
                self.close_connection = True
                return
            self.send_response(line[0])
            for name, value in {"content-length": str(len(line[2])), **line[1]}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(line[2])

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_full_server_is_asked_again() -> None:
    with scripted([BUSY, (503, {}, BUSY[2]), FINE]) as (url, asked), Client(url, retry=QUICK) as client:
        assert client.model() == {"label": "a"}
        assert asked == ["GET /model"] * 3


def test_in_the_end_it_is_a_refusal() -> None:
    with scripted([BUSY] * 4) as (url, asked), Client(url, retry=QUICK) as client:
        with pytest.raises(ServiceError) as refused:
            client.model()
        assert (refused.value.status, refused.value.type, refused.value.request_id, len(asked)) == (
            429,
            "busy",
            "r1",
            4,
        )


def test_a_broken_connection_is_tried_again_only_where_twice_is_as_good_as_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("评价\n好\n", encoding="utf-8")
    with scripted([None, FINE, None, BUSY, FINE]) as (url, asked), Client(url, retry=QUICK) as client:
        assert client.model() == {"label": "a"}
        with pytest.raises(UnreachableError, match="POST /jobs: no answer"):
            client.upload(tmp_path / "a.csv")
        assert client.upload(tmp_path / "a.csv") == {"label": "a"}
    assert asked == ["GET /model", "GET /model", "POST /jobs", "POST /jobs", "POST /jobs"]


def test_half_a_download_leaves_no_file(tmp_path: Path) -> None:
    half = (200, {"content-length": "9"}, b"half")
    with scripted([half] * 4) as (url, _), Client(url, retry=QUICK) as client, pytest.raises(UnreachableError):
        client.download("0" * 32, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_words_of_somebody_else_are_not_taken_for_the_service() -> None:
    page = (502, {"content-type": "text/html"}, b"<html>proxy</html>")
    with scripted([page, (200, {}, b"<html>")]) as (url, _), Client(url, retry=QUICK) as client:
        with pytest.raises(UnreachableError, match="answered 502 in words that are not the service's"):
            client.model()
        with pytest.raises(UnreachableError, match="/model did not answer in JSON"):
            client.model()


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9", retry=QUICK) as client, pytest.raises(UnreachableError) as told:
        client.model()
    assert "GET /model: no answer (ConnectError)" in str(told.value) and "vocnlp serve" in told.value.hint


def test_pauses_double_and_keep_to_what_the_server_asks_for() -> None:
    retry = Retry(times=4, first=1, longest=3)
    bounds = [(0.5, 1), (1, 2), (1.5, 3), (1.5, 3)]
    for attempt, (low, high) in enumerate(bounds):
        pause = retry.pause(attempt)
        assert pause is not None and low <= pause <= high
    assert retry.pause(0, "7") == 7 and retry.pause(4) is None and retry.pause(4, "7") is None
    assert 0.5 <= (retry.pause(0, "soon") or 0) <= 1


def test_without_httpx_the_pip_line_is_named() -> None:
    told = "import sys; sys.modules['httpx'] = None\ntry:\n import vocnlp.client\nexcept Exception as e: print(type(e).__name__, e.hint)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, encoding="utf-8", check=True)
    assert ran.stdout == 'MissingExtraError pip install "vocnlp[client]"\n'
