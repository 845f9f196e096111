"""The files of deploy/, as far as they can be read without running them: what they start exists, as whom, how it is probed."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import typer
import yaml

from vocnlp.api.settings import Settings
from vocnlp.cli import app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
PATHS = {"/health/live", "/health/ready"}


def is_a_command(words: list[str]) -> bool:
    """``vocnlp serve`` with nothing that the command line does not know."""
    return Path(words[0]).name == "vocnlp" and words[1] in COMMANDS and len(words) == 2


def are_settings(names: set[str]) -> bool:
    return {name.removeprefix("VOCNLP_").lower() for name in names if name.startswith("VOCNLP_")} <= set(
        Settings.model_fields
    )


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, lines joined, comments left out."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines if line.strip()]


def test_the_image_has_two_stages_no_torch_and_another_user_than_root() -> None:
    found = instructions()
    kinds = [kind for kind, _ in found]
    last = found[len(kinds) - 1 - kinds[::-1].index("FROM") :]
    assert kinds.count("FROM") == 2
    assert [rest for kind, rest in last if kind == "COPY"] == ["--from=build /opt/vocnlp /opt/vocnlp"]
    assert [rest for kind, rest in last if kind == "USER"] == ["10001"]
    assert [rest for kind, rest in last if kind == "STOPSIGNAL"] == ["SIGTERM"]
    assert is_a_command(json.loads(next(rest for kind, rest in last if kind == "CMD")))
    (probe,) = (rest for kind, rest in last if kind == "HEALTHCHECK")
    assert "/health/ready" in probe and compile(json.loads(probe.partition("CMD ")[2])[-1], "probe", "exec")
    assert not any(word in rest for _, rest in found for word in ("torch", "[train", ",train", "[dev", ",dev"))
    told = next(rest for kind, rest in last if kind == "ENV")
    assert are_settings({word.split("=")[0] for word in shlex.split(told)})


def test_what_the_image_installs_needs_no_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = re.search(r"\.whl\)\[([\w,]+)\]", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert extras is not None
    names = extras[1].split(",")
    asked = [
        *project["dependencies"],
        *(one for name in names for one in project["optional-dependencies"].get(name, [])),
    ]
    assert not any(one.startswith(("torch", "transformers", "vocnlp[train")) for one in asked)


def test_compose_builds_that_image_and_opens_loopback_alone() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["vocnlp"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_kubernetes_probes_paths_that_exist_and_bounds_what_it_takes() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
    assert [one["kind"] for one in documents] == ["PersistentVolumeClaim", "Deployment", "Service"]
    pod: dict[str, Any] = documents[1]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert is_a_command(container["args"]) and are_settings({one["name"] for one in container["env"]})
    probes = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert set(probes.values()) == PATHS and probes["readinessProbe"] == "/health/ready"
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert pod["securityContext"]["runAsNonRoot"] and container["securityContext"]["readOnlyRootFilesystem"]
    mounts = {one["name"] for one in container["volumeMounts"]}
    assert mounts == {one["name"] for one in pod["volumes"]}
    longest = Settings.model_fields["deadline_seconds"].default + Settings.model_fields["body_seconds"].default + 5
    assert pod["terminationGracePeriodSeconds"] > longest + 5  # and the five seconds of the drain
    assert documents[2]["spec"]["selector"].items() <= documents[1]["spec"]["template"]["metadata"]["labels"].items()


def test_the_unit_starts_a_command_that_exists_and_reloads_by_sighup() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "vocnlp.service", encoding="utf-8")
    service = unit["Service"]
    assert is_a_command(service["ExecStart"].split()) and service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert are_settings({word.split("=")[0] for word in service["Environment"].split()})
    hard = ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome", "RestrictSUIDSGID")
    assert {service[name] for name in hard} == {"yes"} and service["ProtectSystem"] == "strict"
