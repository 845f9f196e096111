"""POST /feedback keeps what was answered beside the NPS question, on scales of its own."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from served import serving

from vocnlp.client import Client
from vocnlp.store import Store

pytest.importorskip("deltalake")


def test_satisfaction_and_effort_are_stored_and_others_than_on_the_scale_refused(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, tiny_bundle, store=tmp_path / "store") as served, Client(served.url) as client:
        client.feedback(
            [{"id": "1", "text": "味道很好", "csat": 4, "ces": 6.0}, {"id": "2", "text": "排队太久", "score": 3}]
        )
        for answer in ({"csat": 6}, {"csat": 0}, {"ces": 8}):
            refused = httpx.post(f"{served.url}/feedback", json={"rows": [{"text": "好", **answer}]}, timeout=60)
            assert (refused.status_code, next(iter(answer)) in refused.text) == (422, True)
    rows = Store.open(tmp_path / "store").read(["id", "score", "csat", "ces"]).to_table().sort_by("id").to_pylist()
    assert [tuple(one.values()) for one in rows] == [("1", None, 4.0, 6.0), ("2", 3.0, None, None)]
