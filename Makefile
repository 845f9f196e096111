# One virtual environment, made with the plain tools of Python. Every verb sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint bench train clean

demo: $(VENV)/core  ## score the sample export, report on it, say what would be an alert; leaves all of it in demo/
	@mkdir -p demo
	$(BIN)/vocnlp score examples/nps_survey.xlsx -o demo/tagged.xlsx --store demo/feedback --force
	$(BIN)/vocnlp report demo/feedback -o demo/report.html --tables demo/tables.xlsx --since 2026-04-01 \
		--title "禾光生活 2026 上半年 NPS 问卷" --force
	$(BIN)/vocnlp alerts run --rules examples/alerts.yaml --data demo/feedback --now 2026-06-28T18:00 --dry-run
	@echo "open demo/tagged.xlsx in a spreadsheet and demo/report.html in a browser"

test: $(VENV)/dev  ## the whole test suite, on all cores; a file's tests stay together, because they share what they have trained
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

lint: $(VENV)/dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/dev  ## quality and speed beside peers; DATA is the folder of the labelled sets
	$(BIN)/python -m benchmarks --data "$(DATA)"

train: $(VENV)/dev  ## train the shipped bundles again; DATA is the folder of the sets, WORK one for checkpoints; the encoder wants a CUDA GPU
	$(BIN)/python -m vocnlp.training.distil --data-root "$(DATA)" --work "$(WORK)" --init models/voc-zh-small
	$(BIN)/vocnlp train --recipe training/voc-zh-small.toml --data-root "$(DATA)" --encoder "$(WORK)/encoder" --out models/voc-zh-small --force
	$(BIN)/vocnlp train --recipe training/voc-zh-linear.toml --data-root "$(DATA)" --linear --out models/voc-zh-linear --force

$(VENV)/core: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[alerts,analysis,store]"
	@touch $@

$(VENV)/dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@ $(VENV)/core

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
