# Everything runs in .venv, which the first target makes; it needs Python 3.11 or later and make.
PYTHON ?= python3
BIN := .venv/bin
# -qq: of pip's messages the errors alone.
PIP := $(BIN)/pip install -qq --constraint constraints.txt

.PHONY: setup chat demo test test-slow lint
setup: .venv/.done

.venv/.done: pyproject.toml constraints.txt
	@echo "Installing into .venv (this takes some minutes once)."
	$(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) --editable '.[dev]'
	@touch $@

# The chat page, for this machine alone; its address is printed.
chat: setup
	$(BIN)/bimedix2 serve

# Four questions, two in Arabic and two in English, on real scans.
demo: setup
	$(BIN)/bimedix2 demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup lint
	$(BIN)/pytest -q

test-slow: setup
	$(BIN)/pytest -q -m slow
