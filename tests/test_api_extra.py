"""Without the extra ``[api]``: the library works, and ``vocnlp serve`` says how to get it."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules[{!r}] = None; sys.argv = ['vocnlp', 'serve']; from vocnlp.cli import main; main()"


@pytest.mark.parametrize(
    "module", ["fastapi", "uvicorn", "httptools", "pydantic_settings", "prometheus_client", "python_multipart"]
)
def test_serve_names_the_pip_line(module: str) -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT.format(module)], capture_output=True, encoding="utf-8")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"this needs the package '{module}', which is not installed" in ran.stderr
    assert 'pip install "vocnlp[api]"' in ran.stderr


def test_the_library_does_not_load_the_service() -> None:
    told = "import sys, vocnlp; print(sorted({'fastapi', 'uvicorn', 'pydantic', 'vocnlp.api'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, encoding="utf-8", check=True)
    assert ran.stdout == "[]\n"
