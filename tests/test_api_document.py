"""Schemathesis over the OpenAPI document: whatever the document allows or forbids is answered as the document says."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection
from served import serving

from vocnlp.api.keys import ADMIN, make


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_the_service_keeps_to_its_document(tiny_bundle: Path, tmp_path: Path, mode: GenerationMode) -> None:
    opening = {"Authorization": f"Bearer {make(tmp_path / 'keys.json', name='测试', role=ADMIN)}"}
    folders = {"jobs": tmp_path / "jobs", "store": tmp_path / "store", "jobs_waiting": 10_000}
    with serving(tmp_path, tiny_bundle, keys=tmp_path / "keys.json", **folders) as served:
        document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
        checked = set[str]()
        for result in document.get_all_operations():
            operation = result.ok()

            @settings(max_examples=25, deadline=None, derandomize=True, database=None,
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                # Of a form it makes one wrong by leaving out the file, and then sends the wrong one as the file.
                form = [negative_data_rejection] if case.operation.label == "POST /jobs" else []
                case.call_and_validate(headers=opening, excluded_checks=form)

            try:
                check()
                checked.add(operation.label)
            except Unsatisfiable:  # a path that asks for nothing has nothing that could be wrong
                assert mode is GenerationMode.NEGATIVE
        assert checked >= {
            "POST /classify", "POST /v1/classify", "POST /predict", "GET /codes", "GET /model", "POST /admin/bundle",
            "POST /jobs", "GET /jobs/{number}", "GET /jobs/{number}/result", "DELETE /jobs/{number}",
            "POST /feedback", "GET /nps", "GET /journey", "POST /codeframe/check",
        }  # fmt: skip
        assert [line for line in served.lines() if line["level"] == "error"] == []
