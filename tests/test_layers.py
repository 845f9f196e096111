"""The house: imports go down only, and each heavy library has its rooms. Read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Modules by floor; a module may import from floors below its own, and on its own floor only from those before it.
FLOORS = (
    ("errors", "emoji_words", "text", "records", "processes",
     "privacy_numbers", "privacy_words", "privacy", "readings", "stopwords", "whole_files", "locks", "page_parts"),
    ("figures", "significance", "gaps", "filekinds", "column_names", "titles", "charsets", "rule_tree", "rule_syntax", "rule_negation", "rule_matching", "codeframe_reading", "features", "classifiers", "windows", "embedding"),
    ("codeframe_parts", "rule_checks", "codeframe", "codeframe_writing", "migration_changes", "migration", "migration_reading", "migration_rows", "migration_files", "migration_proposal", "rules", "rule_effects", "linear", "encoder", "pooled", "fewshot_definitions", "fewshot_heads", "fewshot", "delimited", "jsonlines", "delimited_writing", "sheets", "sheets_cells", "sheets_container", "sheets_merged", "sheets_reading",
     "tables", "column_values", "column_sample", "column_choice", "column_header", "columns"),
    ("registry_folder", "registry_writing", "registry_gate", "bundle_folder", "bundle", "registry_bundles", "registry", "folding", "journey", "counts", "store_rows", "store_failures", "store_delta", "store_known", "store_scan", "store_upkeep", "store",
     "client_rows", "client_calls", "client"),
    ("tagger", "rule_report", "quotes", "findings", "scores", "drivers", "matrix", "crosstabs", "trends", "before_after", "forecast",
     "journey_map", "peak_end",
     "alert_rules", "alert_values", "alert_reading", "alert_words", "webhook_forms", "alert_schema", "alert_outbox", "alert_comments", "alert_figures", "alerts", "cases", "webhooks"),
    ("unfinished", "output_places", "workbook_about", "workbook", "columns_taken", "tagged_files", "batch", "tagged_reading", "traffic", "shadow", "shadow_files", "drift_words", "drift_profile", "drift", "drift_page", "store_rescore", "store_migrate", "alert_run", "alert_erasure", "report_analysis", "report_findings", "report_gaps", "report_payload", "word_cloud",
     "report_sections", "report_verbatims", "report_tables", "report_drawing", "report_pictures_time", "report_pictures_places", "report_pictures", "report_page", "report",
     "topic_pieces", "topic_words", "topic_vectors", "topics", "topic_figures", "topic_proposals", "discovery", "topic_files", "topic_accept", "topic_page",
     "review_labels", "review_scores", "review_vectors", "review", "review_rows", "review_sheet", "review_studio", "review_merge",
     "review_agreement", "review_quality", "review_sample", "migration_review", "migration_alerts"),
    ("training.label_marks", "training.label_columns", "training.label_advice", "training.label_files", "training.label_words", "training.labelled", "training.relabelling", "training.profile", "training.twins", "training.checked", "training.twin_checks", "training.checks", "training.logistic", "training.calibration", "training.mapping", "training.misspelling", "training.blending", "training.reading",
     "training.steps", "training.snapshots", "training.linear_features", "training.linear_fit", "training.ranges", "training.recipe", "training.doubting", "training.own_recipe", "training.preparing", "training.surprise", "training.encoder_net", "training.encoder_batches", "training.adversarial", "training.encoder_fit", "training.narrowing", "training.staying", "training.starts", "training.encoder_source", "training.outliers", "training.export",
     "training.encoder_train", "training.pooling", "training.few_polarity", "training.few", "training.out_of_fold",
     "training.noisy", "training.tally", "training.bootstrap", "training.reliability", "training.mistakes", "training.evaluation", "training.shared_codes", "training.changes", "training.comparison", "training.evaluation_page",
     "training.card", "training.tracking",
     "training.work_folder", "training.train", "training.few_train"),
    ("training.pretrain.edge", "training.pretrain.begun", "training.pretrain.plan", "training.pretrain.corpus", "training.pretrain.vocabulary", "training.pretrain.tokens",
     "training.pretrain.skipgram", "training.pretrain.network", "training.pretrain.loop", "training.pretrain.stages",
     "training.pretrain.__main__"),
    ("training.distil.plan", "training.distil.packed", "training.distil.numbers", "training.distil.learner", "training.distil.batches",
     "training.distil.phases", "training.distil.looks", "training.distil.widening", "training.distil.prepare", "training.distil.stages", "training.distil.__main__",
     "training.soup"),
    ("api.errors", "api.priorities", "api.settings", "api.keys", "api.journal", "api.metrics", "api.reading", "api.uploading", "api.shapes", "api.edge", "api.tokens", "api.batching", "api.running", "api.doors", "api.express", "api.scoring", "api.about", "api.codeframe_check", "api.health", "api.swapping", "api.job_files", "api.job_work", "api.job_running", "api.jobs", "api.group_commit", "api.stored", "api.feedback", "api.figures", "api.tracing", "api.app", "api.protocol", "api.serve"),
    ("cli_output", "cli_options", "cli_given", "cli_models", "cli_train", "cli_evaluate_tables", "cli_evaluate", "cli_alert_tables", "cli_cases", "cli_alerts", "cli_store", "cli_codeframe", "cli_rules", "cli_registry_output", "cli_registry", "cli_drift", "cli_review_given", "cli_review_tables", "cli_review", "cli_discover", "cli_report", "cli"),
)  # fmt: skip
ROOMS = ("pretrain", "distil")  # of training, in folders of their own
PLACE = {name: (floor, at) for floor, names in enumerate(FLOORS) for at, name in enumerate(names)}

#: Libraries that only some rooms may know.
ONLY = {
    "typer": {
        "cli",
        "cli_alerts",
        "cli_cases",
        "cli_codeframe",
        "cli_discover",
        "cli_drift",
        "cli_evaluate",
        "cli_given",
        "cli_models",
        "cli_options",
        "cli_registry",
        "cli_review",
        "cli_rules",
        "cli_store",
        "cli_train",
    },
    "rich": {
        "cli",
        "cli_alert_tables",
        "cli_alerts",
        "cli_cases",
        "cli_codeframe",
        "cli_discover",
        "cli_drift",
        "cli_evaluate",
        "cli_evaluate_tables",
        "cli_models",
        "cli_options",
        "cli_output",
        "cli_registry",
        "cli_registry_output",
        "cli_report",
        "cli_review",
        "cli_review_given",
        "cli_review_tables",
        "cli_rules",
        "cli_store",
        "cli_train",
        "training.soup",
        "training.pretrain.edge",
        "training.pretrain.stages",
        "training.pretrain.__main__",
        "training.distil.prepare",
        "training.distil.__main__",
    },
    "duckdb": {"folding", "journey", "counts"},
    "statsmodels": {"before_after", "forecast"},
    "sklearn": {"topic_vectors", "topics", "training.linear_fit", "training.logistic"},
    "torch": {
        "training.adversarial",
        "training.steps",
        "training.snapshots",
        "training.linear_fit",
        "training.recipe",
        "training.encoder_net",
        "training.encoder_fit",
        "training.narrowing",
        "training.staying",
        "training.encoder_source",
        "training.encoder_train",
        "training.export",
        "training.soup",
        "training.pretrain.network",
        "training.pretrain.loop",
        "training.pretrain.stages",
        "training.distil.packed",
        "training.distil.widening",
        "training.distil.numbers",
        "training.distil.learner",
        "training.distil.batches",
        "training.distil.phases",
        "training.distil.looks",
        "training.distil.stages",
        "training.distil.__main__",
    },
    "onnxruntime": {"encoder", "training.export"},
    "httpx": {"client_calls", "webhooks"},
    "deltalake": {"store", "store_delta", "store_known", "store_upkeep"},
    "sqlite3": {"alert_erasure", "alert_outbox"},
    "mlflow": {"training.tracking"},
    "pypinyin": {"training.misspelling"},
    "emoji": {"emoji_words"},
    "jinja2": {"drift_page", "report_page", "topic_page", "training.evaluation_page"},
    "bertopic": {"topics"},
    "hdbscan": {"topics"},
    "pandas": {"topics"},
    "umap": {"topics"},
    "matplotlib": {"report_drawing", "report_pictures"},
    "pydantic": {
        "api.settings",
        "api.shapes",
        "api.scoring",
        "api.codeframe_check",
        "api.swapping",
        "api.jobs",
        "api.feedback",
        "api.figures",
    },
    "pydantic_settings": {"api.settings"},
    "prometheus_client": {"api.metrics"},
    "fastapi": {
        "api.app",
        "api.doors",
        "api.scoring",
        "api.codeframe_check",
        "api.about",
        "api.health",
        "api.swapping",
        "api.jobs",
        "api.feedback",
        "api.figures",
        "api.tracing",
    },
    "uvicorn": {"api.protocol", "api.serve"},
    "pickle": set[str](),
    "joblib": set[str](),
    "marshal": set[str](),
    "requests": set[str](),
    "urllib": set[str](),
}


def modules() -> dict[str, Path]:
    library = {path.stem: path for path in (ROOT / "vocnlp").glob("*.py") if path.stem != "__init__"}
    training = {f"training.{path.stem}": path for path in (ROOT / "training").glob("*.py") if path.stem != "__init__"}
    rooms = [path for room in ROOMS for path in (ROOT / "training" / room).glob("*.py")]
    deeper = {f"training.{path.parent.name}.{path.stem}": path for path in rooms if path.stem != "__init__"}
    api = {f"api.{path.stem}": path for path in (ROOT / "api").glob("*.py") if path.stem != "__init__"}
    return {**library, **training, **deeper, **api}


def imports(path: Path, *, package: str) -> set[str]:
    """House modules (as named in FLOORS) and top-level libraries that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {_house(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= (
                {_house(name) for name in names}
                if _house(module) in ("vocnlp", "training", "api")
                else {_house(module)}
            )
    return found


def _house(name: str) -> str:
    parts = name.split(".")
    if parts[0] != "vocnlp":
        return parts[0]
    if len(parts) == 1:
        return "vocnlp"
    if parts[1] == "training":
        return ".".join(parts[1 : 4 if parts[2:3] and parts[2] in ROOMS else 3])
    return ".".join(parts[1:3]) if parts[1] == "api" else parts[1]


def test_every_module_has_a_floor() -> None:
    assert set(modules()) == set(PLACE)


@pytest.mark.parametrize("name", sorted(PLACE))
def test_imports_go_down_only(name: str) -> None:
    package = f"vocnlp.{name}".rpartition(".")[0]
    upward = {
        other for other in imports(modules()[name], package=package) if other in PLACE and PLACE[other] >= PLACE[name]
    }
    assert upward == set()


@pytest.mark.parametrize("name", sorted(PLACE))
def test_heavy_libraries_stay_in_their_rooms(name: str) -> None:
    package = f"vocnlp.{name}".rpartition(".")[0]
    used = imports(modules()[name], package=package)
    assert {library for library, rooms in ONLY.items() if library in used and name not in rooms} == set()


def test_the_library_neither_prints_nor_exits_nor_reads_the_environment() -> None:
    told: list[str] = []
    for name, path in modules().items():
        if name in (
            "cli",
            "cli_alert_tables",
            "cli_alerts",
            "cli_cases",
            "cli_codeframe",
            "cli_drift",
            "cli_evaluate",
            "cli_evaluate_tables",
            "cli_models",
            "cli_options",
            "cli_output",
            "cli_registry",
            "cli_registry_output",
            "cli_review",
            "cli_review_given",
            "cli_review_tables",
            "cli_rules",
            "cli_store",
            "cli_train",
            "training.pretrain.edge",
            "training.pretrain.__main__",
            "training.soup",
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("print", "exit", "quit")
            ):
                told.append(f"{name}:{node.lineno} {node.func.id}")
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
                told.append(f"{name}:{node.lineno} {node.attr}")
    assert told == []
