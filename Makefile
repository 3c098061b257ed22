# One virtual environment, .venv, made on first need; nothing here asks you to activate it.
# PYTHON=/path/to/python chooses the interpreter (3.11 or newer).

BIN := .venv/bin
PYTHON ?=
NOTEBOOK := notebooks/quickstart.ipynb
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
FRONTEND := $(wildcard frontend/package.json)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lab test check bench faults soak fuzz docs clean frontend-check

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: .venv/run.stamp ## Run a task in a real kernel and watch it from this terminal
	$(BIN)/jupyter agent demo

lab: .venv/run.stamp ## Open the same notebook in JupyterLab
	$(BIN)/jupyter lab $(AS_ROOT) $(NOTEBOOK)

test: .venv/dev.stamp ## Run every test: unit, contract, integration, faults, browser, notebooks, docs
	@sh tools/ensure-chromium.sh
	$(BIN)/python -m pytest

check: .venv/dev.stamp frontend-check ## Lint, formatting, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

frontend-check:
ifneq ($(FRONTEND),)
	cd frontend && npm ci --no-audit --no-fund && npm run check
endif

bench: .venv/bench.stamp ## Measure speed beside what a user would pick instead, and write the table and the plots
	$(BIN)/python -m tests.benchmarks

faults: .venv/dev.stamp ## Kill, stop and cut real processes thousands of times, and write the report
	$(BIN)/python -m tests.faults

soak: .venv/dev.stamp ## Run everything for half an hour and look for what grows (SOAK_SECONDS=1800)
	$(BIN)/python -m tests.soak

fuzz: .venv/fuzz.stamp ## Feed 100,000 broken frames, requests and files to every door
	$(BIN)/python -m tests.fuzz

docs: .venv/dev.stamp ## Build the documentation into docs/_build/html (warnings are errors)
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean: ## Remove everything that make made
	rm -rf .venv build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './frontend/node_modules/*' -prune -exec rm -rf {} +

.venv/made.stamp:
	@sh tools/make-venv.sh .venv $(PYTHON)
	@touch $@

.venv/run.stamp: .venv/made.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lab]'
	@touch $@

.venv/dev.stamp: .venv/made.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lab,test,docs]'
	@touch $@ .venv/run.stamp

.venv/bench.stamp: .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

.venv/fuzz.stamp: .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@touch $@
