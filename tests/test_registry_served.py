"""A service that serves a registry serves its champion, and takes the next one over on SIGHUP."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import httpx
from served import serving, until

from vocnlp.bundle import Bundle
from vocnlp.registry import Registry


def test_a_promotion_and_a_signal_change_what_is_served(tiny_bundle: Path, tmp_path: Path) -> None:
    registry = Registry.open(tmp_path / "registry", create=True)
    second = replace(Bundle.load(tiny_bundle), version="0.2.0", digest="", path=None).save(
        tmp_path / "two", card="# two\n"
    )
    (tmp_path / "two" / "canary.jsonl").write_text('{"text": "快递太慢", "codes": ["delivery"]}\n', encoding="utf-8")
    labels = [registry.add(path, who="li") for path in (tiny_bundle, second.path)]
    registry.promote(labels[0], who="li", over=None)
    with serving(tmp_path, registry.folder) as served:

        def live() -> str:
            return str(httpx.get(f"{served.url}/model", timeout=60).json()["label"])

        assert live() == labels[0]
        registry.promote(labels[1], who="li", over=labels[0])
        served.process.send_signal(signal.SIGHUP)
        until(lambda: live() == labels[1])
        swapped = [line for line in served.lines() if line.get("event") == "bundle"]
        assert [(line["model"], line["canaries"]) for line in swapped] == [(labels[1], 1)]  # the bundle's own canary
        registry.rollback(who="li")
        back = httpx.post(f"{served.url}/admin/bundle", json={"path": None}, timeout=60)
        assert (back.status_code, back.json()["model"]) == (200, labels[0])
