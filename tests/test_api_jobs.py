"""POST /jobs: a file is scored in the background, survives a restart, belongs to its key, and can be stopped."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from served import Served, serving, until
from test_api_protocol import connected, heard

from vocnlp.api import keys
from vocnlp.api.job_files import Job, Shelf, State, clean_name, ending_of, now
from vocnlp.api.keys import ADMIN, SCORE
from vocnlp.tagger import Tagger

TEXTS = ["味道不错，但是价格太贵", "快递太慢", "服务员态度热情"]
CSV = "评价,打分\n" + "".join(f"{text},{n}\n" for n, text in enumerate(TEXTS))


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    limits = {"upload_bytes": 50_000, "upload_rows": 1000, "upload_seconds": 5}
    with serving(folder, tiny_bundle, jobs=folder / "jobs", **limits) as running:
        yield running
        assert "味道不错" not in running.log.read_text(encoding="utf-8")


def upload(
    served: Served, content: str | bytes, name: str = "评价.csv", token: str = "", **query: str
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    files = {"file": (name, content.encode() if isinstance(content, str) else content)}
    return httpx.post(f"{served.url}/jobs", files=files, params=query, headers=headers, timeout=60)


def finished(served: Served, job: str, **more: Any) -> dict[str, Any]:
    def told() -> dict[str, Any]:
        content: dict[str, Any] = httpx.get(f"{served.url}/jobs/{job}", timeout=60, **more).json()
        return content

    until(lambda: told()["state"] in ("done", "failed"))
    return told()


def test_a_file_comes_back_tagged(served: Served, tagger: Tagger, tmp_path: Path) -> None:
    made = upload(served, CSV, out="parquet")
    assert (made.status_code, made.json()["state"], made.json()["name"]) == (202, "queued", "评价.csv")
    number = made.json()["id"]
    job = finished(served, number)
    assert (job["state"], job["rows"], job["of"], job["model"]) == ("done", 3, 3, tagger.bundle.label)
    result = httpx.get(f"{served.url}/jobs/{number}/result")
    assert result.headers["content-disposition"] == (
        f"attachment; filename=\"job-{number[:8]}.tagged.parquet\"; filename*=UTF-8''%E8%AF%84%E4%BB%B7.tagged.parquet"
    )
    (tmp_path / "out.parquet").write_bytes(result.content)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["评价"] for row in rows] == TEXTS
    assert [row["voc_sentiment"] for row in rows] == [one.sentiment for one in tagger.tag(TEXTS)]
    assert [[tag["code"] for tag in row["voc_tags"]] for row in rows] == [
        [tag.code for tag in one.tags] for one in tagger.tag(TEXTS)
    ]


def test_what_cannot_be_scored_says_why(served: Served) -> None:
    many = "评价\n" + "好吃\n" * 1001
    told = {
        name: finished(served, upload(served, content, name, **query).json()["id"])
        for name, content, query in (
            ("a.xlsx", "no workbook", {}), ("b.csv", "评价\n好\n", {"text": "没有"}), ("c.csv", many, {}),
        )
    }  # fmt: skip
    assert {job["state"] for job in told.values()} == {"failed"}
    assert "没有" in told["b.csv"]["error"] and "has more than 1,000 rows" in told["c.csv"]["error"]
    assert all("/jobs/" not in job["error"] for job in told.values())
    refused = httpx.get(f"{served.url}/jobs/{told['a.xlsx']['id']}/result")
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "conflict")


def test_a_result_has_a_name_for_those_who_read_ascii_alone(served: Served) -> None:
    number = upload(served, CSV, "June 50%.csv").json()["id"]
    finished(served, number)
    told = httpx.get(f"{served.url}/jobs/{number}/result").headers["content-disposition"]
    assert told == ("attachment; filename=\"June 50_.tagged.csv\"; filename*=UTF-8''June%2050%25.tagged.csv")


def test_what_is_wrong_is_told_in_the_words_of_the_caller(served: Served) -> None:
    told = [
        finished(served, upload(served, content, "六月.csv", **query).json()["id"])["error"]
        for content, query in (
            ("评价,评价内容\n茶太淡了,杯子有缺口\n面太软了,盘子很烫\n", {}),
            ("甲,乙\n1,2\n", {}),
            (CSV, {"text": "无"}),
        )
    ]
    assert "?text=" in told[0] and "?text=" in told[1]
    assert all("--" not in error and "input.csv" not in error and "六月.csv" in error for error in told)


def test_an_upload_under_way_is_refused_when_the_service_goes_down(tiny_bundle: Path, tmp_path: Path) -> None:
    head = b"POST /jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\n"
    form = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n评价\n等位太久\n'.encode()
    with serving(tmp_path, tiny_bundle, jobs=tmp_path / "jobs", jobs_waiting=1) as served, connected(served) as line:
        line.sendall(head + b"content-length: 9000\r\n\r\n" + form)
        until(lambda: upload(served, CSV).status_code == 429)  # there is room for one, and this one is coming
        served.process.send_signal(signal.SIGTERM)
        words, _, body = heard(line).partition(b"\r\n\r\n")
        assert words.startswith(b"HTTP/1.1 503 ") and json.loads(body)["error"]["type"] == "not_ready"
        assert b"content-type: application/json" in words and b"retry-after: 1" in words
        assert served.process.wait(20) == 0
        assert [line["event"] for line in served.lines() if line["level"] == "error"] == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "word"),
    [
        (b"x" * 200_000, "multipart/form-data; boundary=b", 413, "too_large"),
        (b"{}", "application/json", 415, "wrong_media_type"),
        (b"--b\r\n", "multipart/form-data", 400, "malformed"),
        (b"no form", "multipart/form-data; boundary=b", 400, "malformed"),
        (b'--b\r\ncontent-disposition: form-data; name="fil"; filename="a"\r\n\r\nx\r\n--b--\r\n',
         "multipart/form-data; boundary=b", 422, "invalid"),
        (b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
         "multipart/form-data; boundary=b", 400, "malformed"),
        (b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\ncut off',
         "multipart/form-data; boundary=b", 422, "invalid"),
    ],
    ids=["too large", "no form", "no boundary", "not a form", "another field", "no file", "half a form"],
)  # fmt: skip
def test_a_bad_upload_is_refused(served: Served, content: bytes, kind: str, status: int, word: str) -> None:
    answer = httpx.post(f"{served.url}/jobs", content=content, headers={"content-type": kind}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, word)


def test_a_job_that_is_not_there(served: Served) -> None:
    for number in ("0" * 32, "..%2f..%2fetc%2fpasswd", "lock", "%00"):
        for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
            assert httpx.request(method, f"{served.url}/jobs/{number}{path}").status_code == 404
    assert upload(served, CSV, journey="没有").status_code == 404
    assert upload(served, CSV, out="exe").status_code == 422


def test_a_removed_job_leaves_nothing(served: Served) -> None:
    number = upload(served, CSV).json()["id"]
    folder = served.log.parent / "jobs" / number
    assert folder.is_dir()
    finished(served, number)
    assert httpx.delete(f"{served.url}/jobs/{number}").json() == {"id": number, "state": "removed"}
    assert not folder.exists() and httpx.get(f"{served.url}/jobs/{number}").status_code == 404


def test_names_are_shown_and_never_opened(served: Served) -> None:
    names = {
        "../../etc/passwd": "passwd", "C:\\Users\\a.csv": "a.csv", "a\x00\r\nb\u202e.csv": "a___b_.csv", "..": "upload",
        "": "upload", "  x.csv ": "x.csv", "长" * 300 + ".csv": "长" * 96 + ".csv", 'a"b.csv': "a_b.csv",
    }  # fmt: skip
    assert {given: clean_name(given) for given in names} == names
    job = upload(served, CSV, "../../../evil.csv").json()
    assert job["name"] == "evil.csv"
    stored = sorted(path.name for path in (served.log.parent / "jobs" / job["id"]).iterdir())
    assert "input.csv" in stored and not any("evil" in name for name in stored)


def test_the_kind_is_told_by_the_name_or_else_by_the_content() -> None:
    heads = {b"PK\x03\x04..": ".xlsx", b"PAR1": ".parquet", b'\xef\xbb\xbf {"a"': ".jsonl", b"a,b": ".csv", b"": ".csv"}
    assert {head: ending_of("upload", head) for head in heads} == heads
    assert ending_of("A.TSV", b"PK\x03\x04") == ".tsv"


def test_without_a_folder_there_are_no_jobs(tiny_bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, tiny_bundle) as served:
        answer = upload(served, CSV)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found")
        assert "VOCNLP_JOBS" in answer.json()["error"]["message"]


def test_a_job_belongs_to_its_key(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    one, other = (keys.make(path, name=name, role=SCORE) for name in ("一", "二"))
    admin = keys.make(path, name="管", role=ADMIN)
    with serving(tmp_path, tiny_bundle, keys=path, jobs=tmp_path / "jobs", audit=tmp_path / "audit.jsonl") as served:
        number = upload(served, CSV, token=one).json()["id"]

        def seen(token: str, path: str = f"/jobs/{number}") -> httpx.Response:
            return httpx.get(served.url + path, headers={"authorization": f"Bearer {token}"})

        assert [seen(token).status_code for token in (one, other, admin)] == [200, 404, 200]
        assert [len(seen(token, "/jobs").json()["data"]) for token in (one, other, admin)] == [1, 0, 1]
    # Read when the server has ended: a line is written when its answer has gone out.
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["name"], line["act"]) for line in lines if "act" in line] == [("一", f"job {number}")]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["told to end", "killed"])
def test_a_job_goes_on_after_a_restart(tiny_bundle: Path, tmp_path: Path, how: signal.Signals) -> None:
    rows = 30_000  # four segments
    table = "评价\n" + "".join(f"等了{n}分钟\n" for n in range(rows))
    jobs = tmp_path / "jobs"
    with serving(tmp_path, tiny_bundle, jobs=jobs) as served:
        number = upload(served, table, out="parquet").json()["id"]
        until(lambda: any((jobs / number).glob(".*.vocnlp-work/segment-*.arrow")))
        served.process.send_signal(how)
        assert served.process.wait(60) == (0 if how == signal.SIGTERM else -9)
        assert Shelf(jobs).state(number).state == "running"
    with serving(tmp_path, tiny_bundle, jobs=jobs) as served:
        job = finished(served, number)
        assert (job["state"], job["rows"], job["of"]) == ("done", rows, rows)
        result = httpx.get(f"{served.url}/jobs/{number}/result", timeout=60)
    (tmp_path / "out.parquet").write_bytes(result.content)
    texts = pq.read_table(tmp_path / "out.parquet", columns=["评价"])["评价"].to_pylist()
    assert texts == table.splitlines()[1:]


def test_a_job_at_work_can_be_stopped(tiny_bundle: Path, tmp_path: Path) -> None:
    table = "评价\n" + "".join(f"味道不错，就是等了{n}分钟\n" for n in range(80_000))
    with serving(tmp_path, tiny_bundle, jobs=tmp_path / "jobs", jobs_waiting=2) as served:
        number = upload(served, table).json()["id"]
        behind = upload(served, CSV).json()["id"]
        full = upload(served, CSV)
        assert (full.status_code, full.json()["error"]["type"]) == (429, "busy")
        until(lambda: httpx.get(f"{served.url}/jobs/{number}").json()["state"] == "running")
        assert httpx.delete(f"{served.url}/jobs/{number}").json() == {"id": number, "state": "cancelled"}
        assert finished(served, behind)["state"] == "done"
        until(lambda: sorted(path.name for path in (tmp_path / "jobs").iterdir()) == sorted([behind, "lock"]))


def test_old_jobs_and_broken_uploads_are_swept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "jobs")
    for number, state in (
        ("a" * 32, State("done", ended="2020-01-01T00:00:00+00:00")),
        ("b" * 32, State("done", ended=now())),
        ("c" * 32, State("running")),
    ):
        shelf.of(number).mkdir()
        shelf.add(Job(number, "a.csv", ".csv", "-", now(), 1, ".csv"))
        shelf.put(number, state)
    shelf.of("d" * 32).mkdir()
    assert shelf.sweep(1.0) == ["a" * 32]
    shelf.sweep_broken()
    assert sorted(path.name[0] for path in shelf.folder.iterdir()) == ["b", "c"]


def test_one_folder_one_server(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    refused = pytest.raises(AssertionError, match="another server")
    with serving(tmp_path, tiny_bundle, jobs=folder), refused, serving(tmp_path, tiny_bundle, jobs=folder):
        pass
