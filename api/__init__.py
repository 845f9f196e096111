"""The thin HTTP face: POST /classify and what stands around it. Needs the extra ``[api]``."""

from __future__ import annotations

from importlib.util import find_spec

from vocnlp.errors import MissingExtraError

for _module in ("fastapi", "uvicorn", "httptools", "pydantic_settings", "prometheus_client", "python_multipart"):
    if find_spec(_module) is None:
        raise MissingExtraError(_module, extra="api")
