"""Parameters and figures of a bundle for MLflow, which is a place to look at them; nothing here reads them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vocnlp.bundle import CARD, Bundle
from vocnlp.errors import MissingExtraError, OutputError

_LONGEST = 500  # characters of a parameter that every MLflow store takes


def log_training(bundle: Bundle, uri: str, experiment: str = "vocnlp") -> str:
    """Write one finished run to the MLflow at ``uri`` and return its id.

    ``uri`` is a tracking server (``http://...``) or a folder. Parameters: what the bundle is and was trained with;
    metrics: its figures, a set's as ``set.codes.micro_f1``; tags: label, digests, codeframe; and its card as an artifact.
    No text of a comment leaves the house, and MLflow's own telemetry is off. MissingExtraError without mlflow-skinny;
    OutputError where the place cannot be written, and then nothing else is changed by it.
    """
    with _client(uri) as client:
        run: str = client.create_run(_home(client, experiment), tags=_tags(bundle), run_name=bundle.label).info.run_id
        for name, value in parameters(bundle).items():
            client.log_param(run, name, value)
        for name, number in metrics(bundle).items():
            client.log_metric(run, name, number)
        if bundle.path is not None:
            client.log_artifact(run, str(bundle.path / CARD))
        client.set_terminated(run)
    return run


def check_tracking(uri: str, experiment: str = "vocnlp") -> None:
    """What ``log_training`` would stumble over, known before minutes of training: it raises the same errors."""
    with _client(uri) as client:
        _home(client, experiment)


def _home(client: Any, experiment: str) -> Any:
    """The id of the experiment, which is created where there is none."""
    found = client.get_experiment_by_name(experiment)
    return found.experiment_id if found else client.create_experiment(experiment)


@contextmanager
def _client(uri: str) -> Iterator[Any]:
    """A client of MLflow; what it refuses is an OutputError."""
    exceptions, client_of = _mlflow()
    try:
        yield client_of(uri)
    except (exceptions.MlflowException, OSError) as error:
        told = " ".join(str(error).split())[:300]
        hint = "give the address of a tracking server (http://...), or a folder that can be written"
        raise OutputError(f"MLflow does not take it: {told}", path=uri, hint=hint) from error


def parameters(bundle: Bundle) -> dict[str, str]:
    """What the bundle is and was trained with, nested names joined by dots; long values are cut."""
    codes = {"learnt": len(bundle.classifier.codes), "taggable": len(bundle.codeframe.taggable)}
    told = {
        "name": bundle.name,
        "version": bundle.version,
        "kind": type(bundle.classifier).__name__.lower(),
        "codes": codes,
    }
    given = {**told, "training": bundle.training}
    return {name: str(value)[:_LONGEST] for name, value in _leaves(given) if value is not None}


def metrics(bundle: Bundle) -> dict[str, float]:
    """The figures it was measured at, nested names joined by dots, and the threshold of every code."""
    given = {**bundle.figures, "threshold": bundle.thresholds}
    numbers = ((name, value) for name, value in _leaves(given) if isinstance(value, int | float))
    return {name: float(value) for name, value in numbers if not isinstance(value, bool)}


def _tags(bundle: Bundle) -> dict[str, str]:
    frame = bundle.codeframe
    tags = {"label": bundle.label, "digest": bundle.digest, "codeframe": f"{frame.name}@{frame.version}"}
    return {f"vocnlp.{name}": value for name, value in {**tags, "codeframe_digest": frame.digest}.items()}


def _leaves(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Pairs of a dotted name and a value; of a list that holds mappings, those have numbers for names."""
    for key, each in value.items():
        name = f"{before}{_plain(str(key))}"
        if isinstance(each, Mapping):
            yield from _leaves(each, f"{name}.")
        elif isinstance(each, list | tuple) and any(isinstance(one, Mapping) for one in each):
            yield from _leaves({str(number): one for number, one in enumerate(each)}, f"{name}.")
        else:
            yield name, each


def _plain(name: str) -> str:
    """MLflow's names hold letters, digits and _-./ and blanks; others become their code point."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in "_- " else f"u{ord(c):x}" for c in name)


def _mlflow() -> tuple[Any, Any]:
    """MLflow's exceptions, and what makes a client for a URI; it is told to send nothing to its makers."""
    try:
        from mlflow import MlflowClient, environment_variables, exceptions, telemetry
    except ImportError as error:
        raise MissingExtraError("mlflow-skinny", extra="mlflow") from error
    switches: Any = environment_variables  # both are without types
    reporting: Any = telemetry
    switches.MLFLOW_DISABLE_TELEMETRY.set(True)
    reporting.set_telemetry_client()  # looks at the switch again
    switches.MLFLOW_ALLOW_FILE_STORE.set(True)  # who names a folder wants a folder

    def client_of(uri: str) -> Any:
        return MlflowClient(tracking_uri=uri if "://" in uri else Path(uri).resolve().as_uri())

    return exceptions, client_of
