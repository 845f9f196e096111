"""API keys: made, checked, revoked, expired; what each role may do; and that no key means no other machine."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import CommandLine, command_line
from served import Served, serving, until

from vocnlp.api import keys
from vocnlp.api.keys import ADMIN, EDIT, READ, ROLES, SCORE, Pace, Ring
from vocnlp.errors import InputError

__all__ = ["command_line"]


def test_a_key_is_known_by_its_secret_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    token = keys.make(path, name="客服系统", role=SCORE)
    key = Ring(path).check(token)
    assert key is not None
    assert (key.name, key.role, key.expires, key.revoked) == ("客服系统", SCORE, "", "")
    assert token == f"voc_{key.id}_{token.split('_', 2)[2]}"
    assert token.split("_", 2)[2] not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_hash_is_blake2b_keyed_with_the_salt(tmp_path: Path) -> None:
    from hashlib import blake2b

    token = keys.make(tmp_path / "keys.json", name="a", role=READ)
    (row,) = json.loads((tmp_path / "keys.json").read_text(encoding="utf-8"))["keys"]
    secret = token.removeprefix(f"voc_{row['id']}_").encode()
    assert row["hash"] == blake2b(secret, key=bytes.fromhex(row["salt"]), digest_size=32).hexdigest()


def test_what_is_no_key_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    token, other = keys.make(path, name="a", role=READ), keys.make(path, name="b", role=ADMIN)
    ring = Ring(path)
    mixed = "_".join([*token.split("_", 2)[:2], other.split("_", 2)[2]])
    for guess in (
        "",
        "voc",
        "voc_",
        "voc__",
        token[:-1],
        token + "a",
        token[4:],
        mixed,
        "voc_00000000_x",
        "好",
        "\ud800",
    ):
        assert ring.check(guess) is None, guess
    assert ring.check(token) is not None and len(ring) == 2


def test_a_revoked_and_an_expired_key_open_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    kept = keys.make(path, name="a", role=SCORE, days=1)
    past = keys.make(path, name="b", role=SCORE, days=-1)
    gone = keys.make(path, name="c", role=SCORE)
    revoked = keys.revoke(path, gone.split("_")[1])
    assert datetime.fromisoformat(revoked.revoked) <= datetime.now(UTC)
    ring = Ring(path)
    assert [ring.check(token) is not None for token in (kept, past, gone)] == [True, False, False]
    assert len(ring) == 1


def test_each_role_may_do_what_those_before_it_may(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for role in ROLES:
        keys.make(path, name=role, role=role)
    made = list(keys.read(path).values())
    assert [[role for role in ROLES if key.may(role)] for key in made] == [
        [READ], [READ, SCORE], [READ, SCORE, EDIT], [READ, SCORE, EDIT, ADMIN],
    ]  # fmt: skip


def test_what_cannot_be_made_or_revoked_says_why(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(InputError, match="no such role: 'root'"):
        keys.make(path, name="a", role="root")
    with pytest.raises(InputError, match="a key needs a name"):
        keys.make(path, name=" ", role=READ)
    with pytest.raises(InputError, match="the keys cannot be read"):
        keys.revoke(path, "00000000")
    keys.make(path, name="a", role=READ)
    with pytest.raises(InputError, match="no key has the id '00000000'"):
        keys.revoke(path, "00000000")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": [{"id": "a"}]}', '{"keys": 7}', "[" * 9999])
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="is no file of API keys"):
        Ring(path)


def test_a_caller_makes_so_many_calls_a_minute() -> None:
    pace = Pace()
    assert [pace.wait("crm", 3) for _ in range(3)] == [0, 0, 0]
    assert 19 < pace.wait("crm", 3) <= 20  # a third of a minute, when one of three is free again
    assert pace.wait("app", 3) == 0
    assert [pace.wait("cem", 0) for _ in range(100)] == [0] * 100


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    made = {role: keys.make(path, name=f"测试 {role}", role=role) for role in ROLES}
    expired = keys.make(path, name="旧的", role=ADMIN, days=-1)
    return {**made, "expired": expired, "path": str(path)}


@pytest.fixture(scope="module")
def served(tiny_bundle: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    more = {"audit": folder / "audit.jsonl", "jobs": folder / "jobs"}
    with serving(folder, tiny_bundle, keys=tokens["path"], host="0.0.0.0", **more) as running:
        yield running


def call(served: Served, method: str, path: str, token: str | None) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    bodies: dict[str, Any] = {"/predict": {"inputs": "味道很好"}, "/admin/bundle": {"path": "没有这个"}}
    content = bodies.get(path, {"input": "味道很好"})
    return httpx.request(method, served.url + path, headers=headers, json=content if method == "POST" else None)


#: A path and the lowest role that may use it.
DOORS = [
    ("POST", "/classify", SCORE),
    ("POST", "/v1/classify", SCORE),
    ("POST", "/predict", SCORE),
    ("GET", "/model", READ),
    ("GET", "/codeframe", READ),
    ("GET", "/codes", READ),
    ("GET", "/metrics", READ),
    ("POST", "/codeframe/check", EDIT),
    ("POST", "/admin/bundle", ADMIN),
    ("POST", "/jobs", SCORE),
    ("GET", "/jobs", SCORE),
    ("GET", "/jobs/{number}", SCORE),
    ("GET", "/jobs/{number}/result", SCORE),
    ("DELETE", "/jobs/{number}", SCORE),
    ("POST", "/feedback", SCORE),
    ("GET", "/nps", READ),
    ("GET", "/journey", READ),
]
#: What a door says behind which there is nothing: the role is looked at first.
NOTHING = {
    "/jobs/{number}": 404,
    "/jobs/{number}/result": 404,
    "/jobs": 415,
    "/admin/bundle": 404,
    "/feedback": 404,
    "/nps": 404,
    "/journey": 404,
}


@pytest.mark.parametrize(("method", "path", "role"), DOORS)
def test_a_door_opens_to_its_role_and_those_above(
    served: Served, tokens: dict[str, str], method: str, path: str, role: str
) -> None:
    got = {name: call(served, method, path, tokens[name]).status_code for name in (*ROLES, "expired")}
    inside = 200 if (method, path) == ("GET", "/jobs") else NOTHING.get(path, 200)
    expected = {name: inside if ROLES.index(name) >= ROLES.index(role) else 403 for name in ROLES}
    assert got == {**expected, "expired": 401}


@pytest.mark.parametrize(("method", "path", "role"), DOORS)
def test_without_a_key_a_door_says_how_to_open_it(served: Served, method: str, path: str, role: str) -> None:
    for token in (None, "voc_00000000_wrong", "x" * 4000):
        answer = call(served, method, path, token)
        assert (answer.status_code, answer.json()["error"]["type"]) == (401, "no_key")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_path_that_needs_a_key_is_in_the_table(served: Served) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    guarded = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("security")
    }
    assert guarded == {(method, path) for method, path, _ in DOORS}


def test_probes_need_no_key(served: Served) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/v2", "/v2/health/live", "/v2/health/ready"):
        assert httpx.get(served.url + path).status_code == 200


def test_a_bad_key_is_refused_before_the_body_is_looked_at(served: Served) -> None:
    assert httpx.post(f"{served.url}/classify", content=b"no json").status_code == 401


def test_a_key_that_is_revoked_while_serving_is_refused_soon(served: Served, tokens: dict[str, str]) -> None:
    path = Path(tokens["path"])
    token = keys.make(path, name="临时", role=READ)
    until(lambda: call(served, "GET", "/model", token).status_code == 200)
    keys.revoke(path, token.split("_")[1])
    until(lambda: call(served, "GET", "/model", token).status_code == 401)
    assert call(served, "GET", "/model", token).json()["error"]["type"] == "no_key"


def test_the_audit_says_who_what_and_how_much(served: Served, tokens: dict[str, str]) -> None:
    answer = call(served, "POST", "/classify", tokens[SCORE])
    asked, audit = answer.headers["x-request-id"], served.log.parent / "audit.jsonl"
    until(lambda: f'"{asked}"' in audit.read_text(encoding="utf-8"))  # written when the answer has gone out
    lines = [json.loads(line) for line in audit.read_text(encoding="utf-8").splitlines()]
    (line,) = [line for line in lines if line["request_id"] == asked]
    assert line == {
        "at": line["at"],
        "level": "info",
        "log": "vocnlp.audit",
        "event": "audit",
        "request_id": line["request_id"],
        "route": "/classify",
        "method": "POST",
        "status": 200,
        "key": tokens[SCORE].split("_")[1],
        "texts": 1,
        "characters": 4,
        "name": "测试 score",
    }
    for token in tokens.values():
        assert token not in served.log.read_text(encoding="utf-8")


def test_a_key_makes_no_more_calls_than_allowed(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    one, other = (keys.make(path, name=name, role=SCORE) for name in ("一", "二"))
    with serving(tmp_path, tiny_bundle, keys=path, calls_per_minute=2) as served:
        answers = [call(served, "POST", "/classify", token) for token in (one, one, one, other)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
        assert 0 < int(answers[2].headers["retry-after"]) <= 31
        assert call(served, "GET", "/model", one).status_code == 429  # every path counts


def test_a_key_may_have_a_limit_of_its_own(tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    slow = keys.make(path, name="慢", role=READ, calls_per_minute=1)
    free = keys.make(path, name="快", role=READ)
    with serving(tmp_path, tiny_bundle, keys=path) as served:
        assert [call(served, "GET", "/model", slow).status_code for _ in range(3)] == [200, 429, 429]
        assert [call(served, "GET", "/model", free).status_code for _ in range(9)] == [200] * 9
    with pytest.raises(InputError, match="a key cannot make -1 calls a minute"):
        keys.make(path, name="a", role=READ, calls_per_minute=-1)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_beyond_loopback_nothing_is_served_without_keys(vocnlp: CommandLine, tiny_bundle: Path, host: str) -> None:
    ended = vocnlp("serve", "--bundle", tiny_bundle, "--host", host, "--port", "0")
    assert (ended.code, ended.out) == (2, "")
    assert f"{host} can be reached by other machines, and no API keys are set up" in ended.err
    assert "name a file of keys with --keys, or listen on 127.0.0.1" in ended.err


def test_a_file_of_dead_keys_is_as_good_as_none(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys.make(path, name="旧的", role=SCORE, days=-1)
    ended = vocnlp("serve", "--bundle", tiny_bundle, "--host", "0.0.0.0", "--port", "0", "--keys", path)
    assert ended.code == 2 and "holds no key that is alive" in ended.err


def test_what_cannot_be_served_is_said(vocnlp: CommandLine, tiny_bundle: Path, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = vocnlp("serve", "--bundle", tiny_bundle, "--port", port)
    assert ended.code == 2 and f"cannot listen on 127.0.0.1:{port}" in ended.err
    ended = vocnlp("serve", "--bundle", tmp_path / "nothing")
    assert ended.code == 2 and "no such bundle folder" in ended.err
    ended = vocnlp("serve", "--port", "70000")
    assert ended.code == 2 and "setting port: Input should be less than or equal to 65535" in ended.err
