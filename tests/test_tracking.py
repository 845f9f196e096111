"""A bundle's parameters and figures go to MLflow, into a real folder of it; what MLflow refuses is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from command_line import CommandLine, command_line

from vocnlp.bundle import Bundle
from vocnlp.errors import MissingExtraError, OutputError
from vocnlp.training.labelled import Labelled
from vocnlp.training.tracking import log_training, metrics, parameters

__all__ = ["command_line"]


@pytest.fixture
def measured(tiny_bundle: Path, tmp_path: Path) -> Path:
    figures = {
        "店里": {"rows": 63, "codes": {"micro_f1": 0.75}},
        "odd": {"sentiment": {"accuracy": 0.5, "macro_f1": None}},
    }
    training = {"rows": 63, "sets": [{"name": "voices"}], "seconds": 0.5, "teacher": None}
    bundle = replace(
        Bundle.load(tiny_bundle), figures=figures, training=training, thresholds={"taste": 0.25}, digest=""
    )
    return Path(str(bundle.save(tmp_path / "measured", card="# 街角\n").path))


def test_names_are_flat_and_such_as_mlflow_takes(measured: Path) -> None:
    bundle = Bundle.load(measured)
    assert metrics(bundle) == {
        "u5e97u91cc.rows": 63.0, "u5e97u91cc.codes.micro_f1": 0.75, "odd.sentiment.accuracy": 0.5, "threshold.taste": 0.25,
    }  # fmt: skip
    assert parameters(bundle) == {
        "name": "corner-shop", "version": "0.1.0", "kind": "linear", "codes.learnt": "6", "codes.taggable": "7",
        "training.rows": "63", "training.sets.0.name": "voices", "training.seconds": "0.5",
    }  # fmt: skip


def test_a_run_is_written_to_a_folder_and_read_back(measured: Path, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    bundle, folder = Bundle.load(measured), tmp_path / "runs"
    ids = [log_training(bundle, str(folder), "月度 训练") for _ in range(2)]
    client = mlflow.MlflowClient(tracking_uri=folder.as_uri())
    run = client.get_run(ids[1])
    assert (run.info.status, run.info.run_name) == ("FINISHED", bundle.label)
    assert (run.data.params, run.data.metrics) == (parameters(bundle), metrics(bundle))
    assert {name: value for name, value in run.data.tags.items() if name.startswith("vocnlp.")} == {
        "vocnlp.label": bundle.label, "vocnlp.digest": bundle.digest,
        "vocnlp.codeframe": "corner-shop@0.1.0", "vocnlp.codeframe_digest": bundle.codeframe.digest,
    }  # fmt: skip
    assert [file.path for file in client.list_artifacts(ids[1])] == ["README.md"]
    experiment = client.get_experiment_by_name("月度 训练")
    assert {run.info.run_id for run in client.search_runs([experiment.experiment_id])} == set(ids)


def test_mlflow_tells_its_makers_nothing(measured: Path, tmp_path: Path) -> None:
    telemetry = pytest.importorskip("mlflow.telemetry")
    log_training(Bundle.load(measured), str(tmp_path / "runs"))
    assert telemetry.get_telemetry_client() is None


def test_the_command_names_the_run(vocnlp: CommandLine, measured: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    ended = vocnlp("models", "log", measured, "--mlflow", tmp_path / "runs", "--experiment", "june")
    assert ended.code == 0
    assert ended.out.startswith(f"{Bundle.load(measured).label}: run ") and " of june at " in ended.out


def test_a_place_that_cannot_be_written_is_told(measured: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="MLflow does not take it"):
        log_training(Bundle.load(measured), str(file / "runs"))


def test_without_the_extra_the_pip_line_is_told(measured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(MissingExtraError) as missing:
        log_training(Bundle.load(measured), "runs")
    assert missing.value.hint == 'pip install "vocnlp[mlflow]"'


def test_training_leaves_a_run_with_the_figures_of_its_bundle(
    vocnlp: CommandLine, tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    mlflow = pytest.importorskip("mlflow")
    out, runs = tmp_path / "b", tmp_path / "runs"
    data = written(tmp_path / "rows.jsonl", tiny_rows)
    ended = vocnlp("train", "--data", data, "--linear", "--out", out, "--mlflow", runs, "--experiment", "june")
    assert ended.code == 0
    (told,) = [line for line in ended.out.splitlines() if line.startswith("run: ")]
    run = mlflow.MlflowClient(tracking_uri=runs.as_uri()).get_run(told.split()[1])
    assert (run.data.params, run.data.metrics) == (parameters(Bundle.load(out)), metrics(Bundle.load(out)))


def test_a_wrong_place_is_told_before_anything_is_trained(
    vocnlp: CommandLine, tiny_rows: list[Labelled], tmp_path: Path
) -> None:
    pytest.importorskip("mlflow")
    data = written(tmp_path / "rows.jsonl", tiny_rows)
    ended = vocnlp("train", "--data", data, "--linear", "--out", tmp_path / "b", "--mlflow", data / "runs")
    assert (ended.code, (tmp_path / "b").exists()) == (2, False)
    assert "MLflow does not take it" in ended.err


def written(path: Path, rows: list[Labelled]) -> Path:
    lines = [
        {"text": row.text, "tags": [{"code": tag.code, "polarity": tag.polarity} for tag in row.tags]} for row in rows
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path
