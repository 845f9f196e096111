"""Schemathesis over the OpenAPI document: whatever the document allows or forbids is answered as the document says."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import AcceptedNegativeData, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.openapi.checks import RejectedPositiveData
from served import serving

from vocnlp.api.keys import ADMIN, make


def spoilt_no_more(case: schemathesis.Case, failure: BaseException) -> bool:
    """Whether what was wrong with a request is right again when it is sent: a key that it lacked is added by the test, and
    a form without its file gets what stands there instead as the file."""
    told = str(getattr(failure, "message", failure))
    form = case.operation.label == "POST /jobs" and "was file" in told
    days = case.query or {}  # each is allowed, and together they may run backwards, which no document can say
    if isinstance(failure, RejectedPositiveData) and {"from", "to"} <= set(days):
        return str(days["from"]) > str(days["to"])
    return isinstance(failure, AcceptedNegativeData) and (form or "was Authorization" in told)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
def test_the_service_keeps_to_its_document(tiny_bundle: Path, tmp_path: Path, mode: GenerationMode) -> None:
    opening = {"Authorization": f"Bearer {make(tmp_path / 'keys.json', name='测试', role=ADMIN)}"}
    folders = {"jobs": tmp_path / "jobs", "store": tmp_path / "store", "jobs_waiting": 10_000}
    with serving(tmp_path, tiny_bundle, keys=tmp_path / "keys.json", **folders) as served:
        document = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
        checked = set[str]()
        for result in document.get_all_operations():
            operation = result.ok()

            @settings(max_examples=15, deadline=None, derandomize=True, database=None,
                      suppress_health_check=list(HealthCheck))  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                try:
                    case.call_and_validate(headers=opening)
                except FailureGroup as found:
                    if not all(spoilt_no_more(case, one) for one in found.exceptions):
                        raise

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
