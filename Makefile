# One virtual environment, .venv, made on first need; nothing here asks you to activate it.
# PYTHON=/path/to/python chooses the interpreter (3.11 or newer).

BIN := .venv/bin
PYTHON ?=
NOTEBOOK := notebooks/quickstart.ipynb
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
FRONTEND := $(shell find jupyter_agent/frontend -name node_modules -prune -o -name lib -prune -o -type f -print)

# Files of tests run side by side, and in their order, so that the long ones are not the last ones. Tests that
# compare how long things take (marked `alone`) come after them, one by one.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
FAST := tests/unit tests/contract tests/fold tests/packaging/test_house.py tests/packaging/test_imports.py tests/docs/test_site.py tests/captured/test_table.py

# What those tests need beside the package. The extra `test` has JupyterLab, which wants newer dependencies.
TEST_TOOLS := alive-progress apprise hypothesis joblib matplotlib nest-asyncio pandas plotly progressbar2 psutil pytest pytest-asyncio pytest-timeout pytest-xdist tqdm trio~=0.25.0 uvloop

# `make test-all PART="--keep --python 3.13 tests/unit"` runs a part of it; see tools/test_all.py.
PART ?=

# Seconds after which `make test-in-turn` stops its tests, which is no failure.
IN_TURN_SECONDS ?= 200

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo lab test test-fast test-all test-in-turn check hooks dist frontend lower-bounds bench faults soak fuzz pictures docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

demo: .venv/frontend.stamp ## Run a task in a real kernel and watch it from this terminal
	$(BIN)/jupyter agent demo

lab: .venv/frontend.stamp ## Open the same notebook in JupyterLab
	$(BIN)/jupyter lab $(AS_ROOT) $(NOTEBOOK)

test: .venv/dev.stamp .venv/frontend.stamp ## Run every test: unit, contract, integration, faults, browser, notebooks, docs
	@sh tools/ensure-chromium.sh
	@$(BIN)/python tools/hub_proxy.py ensure
	$(BIN)/python -m pytest -m "not alone" $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest -m alone

test-fast: .venv/dev.stamp .venv/frontend.stamp ## Run the tests that need no server and no browser, in one or two minutes
	$(BIN)/python -m pytest -m "not alone" $(SIDE_BY_SIDE) $(FAST)

test-all: .venv/frontend.stamp ## Run tests on each Python of this machine, with the newest and the lowest dependencies
	$(BIN)/python tools/test_all.py --tools "$(TEST_TOOLS) nbval scikit-learn" $(PART)

test-in-turn: .venv/frontend.stamp ## Run unit and contract tests on one more Python, chosen by the commit
	$(BIN)/python tools/test_all.py --tools "$(TEST_TOOLS)" --in-turn $(IN_TURN_SECONDS) tests/unit tests/contract

check: .venv/dev.stamp ## Lint, formatting, types, the direction of imports, and the front-end's types and unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy --strict
	$(BIN)/python tools/frontend.py check

hooks: .venv/dev.stamp ## Run what `make check` runs before each commit, too (.pre-commit-config.yaml)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[hooks]'
	$(BIN)/pre-commit install

frontend: .venv/run.stamp ## Build the front-end, print its sizes, and bring it to the JupyterLab in .venv
	$(BIN)/python tools/frontend.py build
	@touch .venv/frontend.stamp

lower-bounds: .lower-bounds/made.stamp ## Run the demo and the tests with every dependency at exactly its lower bound
	.lower-bounds/bin/python tools/lower_bounds.py --check
	.lower-bounds/bin/jupyter agent demo
	.lower-bounds/bin/python -m pytest -m "not alone" $(SIDE_BY_SIDE) tests/unit tests/contract tests/integration

dist: .venv/made.stamp ## Build the wheel and the sdist into dist/, and check what a package index would
	rm -rf dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build twine
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

bench: .venv/bench.stamp ## Measure speed beside what a user would pick instead, and write the table and the plots
	$(BIN)/python -m tests.benchmarks

faults: .venv/dev.stamp ## Kill, stop and cut real processes thousands of times, and write the report
	$(BIN)/python -m tests.faults

soak: .venv/dev.stamp ## Run everything for half an hour and look for what grows (SOAK_SECONDS=1800)
	$(BIN)/python -m tests.soak

fuzz: .venv/fuzz.stamp ## Feed 100,000 broken frames, requests and files to every endpoint
	$(BIN)/python -m tests.fuzz

pictures: .venv/dev.stamp .venv/frontend.stamp ## Take the pictures of README and docs again, from the real product
	@sh tools/ensure-chromium.sh
	$(BIN)/python -m tests.browser.pictures
	$(BIN)/python -m tests.browser.page_pictures
	$(BIN)/python -m tests.browser.run_pictures
	$(BIN)/python -m tests.browser.moving_picture

docs: .venv/dev.stamp ## Build the documentation into docs/_build/html (warnings are errors)
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

clean: ## Remove everything that make made
	rm -rf .venv .lower-bounds .test-all build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf jupyter_agent/static jupyter_agent/labextension jupyter_agent/frontend/lib jupyter_agent/frontend/node_modules
	rm -rf tests/hub_proxy/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/made.stamp:
	@sh tools/make-venv.sh .venv $(PYTHON)
	@touch $@

.venv/run.stamp: .venv/made.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lab]'
	@touch $@

.venv/dev.stamp: .venv/made.stamp pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lab,test,docs]'
	@touch $@ .venv/run.stamp

.lower-bounds/made.stamp: .venv/frontend.stamp pyproject.toml tools/lower_bounds.py
	@sh tools/make-venv.sh .lower-bounds $(PYTHON)
	.lower-bounds/bin/python tools/lower_bounds.py > .lower-bounds/constraints.txt
	.lower-bounds/bin/python -m pip install --quiet --disable-pip-version-check -c .lower-bounds/constraints.txt \
		-e . $(TEST_TOOLS)
	@touch $@

.venv/frontend.stamp: .venv/run.stamp tools/frontend.py tools/node.py $(FRONTEND)
	@$(BIN)/python tools/frontend.py ensure
	@touch $@

.venv/bench.stamp: .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@

.venv/fuzz.stamp: .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@touch $@
