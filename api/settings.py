"""Settings of the service, and the one place that reads the environment: ``VOCNLP_PORT=8080`` sets ``port``."""

from __future__ import annotations

import json
import re
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from vocnlp.errors import InputError

_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s]+")


def _listed(value: object) -> object:
    """Origins as people write them in an environment: with commas between them, or as a JSON list."""
    if not isinstance(value, str):
        return value
    try:
        words = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
    except ValueError:
        raise ValueError("is no JSON list; write https://a.example,https://b.example") from None
    origins = tuple(str(word).strip().removesuffix("/").lower() for word in words if str(word).strip())
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin} is no origin; write it as https://a.example, without a path")
    return origins


class Settings(BaseSettings):
    """Where to listen, what to load, and how much one caller and all of them may ask for."""

    model_config = SettingsConfigDict(env_prefix="VOCNLP_", frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    bundle: Path | None = None
    bundles: Path | None = Field(None, description="folder of the bundles that may take over; default: that of bundle")
    codeframe: Path | None = None
    keys: Path | None = Field(None, description="JSON file of API keys; needed beyond loopback")
    audit: Path | None = Field(None, description="file of audit lines: who asked for what, and how much of it")
    origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="origins that browsers may call from (CORS), with commas or as a JSON list; none by default"
    )

    body_bytes: int = Field(2 * 2**20, ge=1024)
    body_seconds: float = Field(10.0, gt=0, description="for a request to arrive, and for its body")
    texts_per_call: int = Field(1000, ge=1)
    text_characters: int = Field(20_000, ge=1)
    calls_at_once: int = Field(256, ge=1, description="requests with a body that are in the house together")
    calls_per_minute: int = Field(0, ge=0, description="of one key; 0: as many as there is room for")

    jobs: Path | None = Field(None, description="folder of the jobs; without it there are none")
    upload_bytes: int = Field(100 * 2**20, ge=1024)
    upload_seconds: float = Field(300.0, gt=0, description="for an upload to arrive")
    upload_rows: int = Field(1_000_000, ge=1)
    jobs_waiting: int = Field(100, ge=1, description="jobs that are not done, all callers together")
    jobs_hours: float = Field(24 * 7, gt=0, description="after so long a job that ended is removed with its files")

    store: str | None = Field(None, description="folder or address of the store; without it there is no feedback")
    alerts: Path | None = Field(None, description="YAML file of rules that look at every row of feedback")
    alerts_state: Path = Field(Path("alerts.sqlite"), description="where alerts wait to be sent: vocnlp alerts run")

    queue_texts: int = Field(2000, ge=1, description="texts that wait, all callers together")
    queue_tokens: int = Field(250_000, ge=1, description="their tokens, as estimated: two thirds of the characters")
    batch_tokens: int = Field(4096, ge=1, description="what is scored together, at most (one text always fits)")
    scorers: int = Field(0, ge=0, description="threads that score, each a batch of its own; 0: one a core")
    deadline_seconds: float = Field(10.0, gt=0)
    drain_seconds: float = Field(0.5, ge=0, description="between not ready and no new connections, on SIGTERM")

    @model_validator(mode="after")
    def _one_call_fits(self) -> Self:
        if self.texts_per_call > self.queue_texts or self.text_characters > self.queue_tokens:
            raise ValueError("what one call may carry must fit into the queue: raise queue_texts and queue_tokens")
        return self

    @classmethod
    def read(cls, **given: object) -> Settings:
        """From the environment, what is ``given`` (and not None) going first. InputError names what is wrong."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = "_".join(str(part) for part in first["loc"])
            hint = "give it on the command line or in the environment, as VOCNLP_PORT=8000"
            raise InputError(f"setting {name}: {first['msg']}" if name else first["msg"], hint=hint) from error
        except SettingsError as error:
            raise InputError(str(error), hint="lists and tables are written as JSON in the environment") from error

    @cached_property
    def names(self) -> frozenset[str]:
        """What this machine is called by its own callers, as in the header Host."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset({"127.0.0.1", "[::1]", "localhost", own.lower()})

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Tracing(BaseSettings):
    """The standard variables of OpenTelemetry that say whether there is anything to send, and where to."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", frozen=True, extra="ignore")

    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    sdk_disabled: bool = False

    @property
    def on(self) -> bool:
        return not self.sdk_disabled and bool(self.exporter_otlp_endpoint or self.exporter_otlp_traces_endpoint)
