# Everything runs in .venv, which the first target makes; it needs Python 3.11 or later and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup test test-slow lint
setup: .venv/.done

.venv/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup lint
	$(BIN)/pytest -q

test-slow: setup
	$(BIN)/pytest -q -m slow
