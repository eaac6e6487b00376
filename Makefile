# `make help` lists what there is. Everything sets up what it needs in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCENARIO ?= products-outage

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("cqrs-lab needs Python 3.11 or newer; set PYTHON=... to one") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

.PHONY: setup
setup: $(READY) ## make the virtual environment

.PHONY: demo
demo: $(READY) ## run a failure scenario in virtual time (SCENARIO=products-outage)
	$(BIN)/cqrs-lab run $(SCENARIO)

.PHONY: test
test: $(READY) ## run all tests: real SQLite, real PostgreSQL, real HTTP, real Locust, both clocks
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not truth and not soak and not browser"

.PHONY: test-browser
test-browser: $(READY) ## open the pages in headless Chromium (needs chromium and chromedriver)
	$(BIN)/python -m pytest -m browser tests/browser

.PHONY: truth
truth: $(READY) ## the long comparisons with closed forms (about forty minutes)
	$(BIN)/python -m pytest -n 2 -m truth

.PHONY: soak
soak: $(READY) ## a thousand seeds under random faults, and 20 kills of a server (about 15 minutes)
	$(BIN)/python -m pytest -m soak

.PHONY: notebooks
notebooks: $(READY) ## open the notebooks in Jupyter
	$(BIN)/jupyter lab --notebook-dir notebooks

.PHONY: lint
lint: $(READY) ## ruff, mypy, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(READY) ## benchmarks: ratios against a reference in the same run
	$(BIN)/python tests/benchmarks/bench_virtual_time.py
	$(BIN)/python tests/benchmarks/bench_sweep.py
	$(BIN)/python tests/benchmarks/bench_report.py
	$(BIN)/python tests/benchmarks/bench_facade.py
	$(BIN)/python tests/benchmarks/bench_load.py
	PYTHONPATH=tests/stores $(BIN)/python tests/benchmarks/bench_log_positions.py

.PHONY: versions
versions: ## the golden trace on every Python from 3.11 on that is installed
	@for minor in 11 12 13 14; do \
	  python3.$$minor --version >/dev/null 2>&1 || continue; \
	  $(MAKE) --no-print-directory VENV=.venv-3.$$minor PYTHON=python3.$$minor golden || exit 1; \
	done

.PHONY: golden
golden: $(READY)
	$(BIN)/python -m pytest -q tests/simulation/test_determinism.py

.PHONY: clean
clean: ## remove the virtual environments and caches; runs/ stays
	rm -rf .venv .venv-3.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
