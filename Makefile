# `make run` serves the seeds, `make test` proves everything, `make lint` reads the code.

PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
BENCH := $(VENV)/.bench-installed
SYSTEM := $(VENV)/.system-checked
VAR := var

.DELETE_ON_ERROR:
.PHONY: run setup test soak bench lint style types layers feeds lock clean

# ---- install: a stamp per lock, so that the second time costs nothing -----------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "timeline needs Python 3.11 or newer: name one with make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "no virtual environment: install python3-venv and make again" >&2; exit 1; }

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what the service needs into $(VENV)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# After the runtime, so that `make -j` never has two installers in one environment.
$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

# What we are measured against, beside what the tests need.
$(BENCH): requirements-bench.lock $(DEV) $(SYSTEM)
	@echo "installing what the benchmark needs into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@

$(SYSTEM): scripts/system-packages | $(BIN)/python
	@scripts/system-packages
	@touch $@

setup: $(DEV) $(SYSTEM)

# ---- use -----------------------------------------------------------------------------------------------------------

run: export TIMELINE_DATABASE_URL ?= sqlite:///$(VAR)/timeline.db
run: export TIMELINE_FEEDS_DIR ?= $(VAR)/feeds
run: $(RUNTIME)
	@mkdir -p $(VAR)
	@echo "database and feeds are in $(VAR)/"
	@$(BIN)/timeline import seeds
	@exec $(BIN)/timeline serve

test: setup
	@$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# An evening of trying to lose an announcement: so many seconds for each law that kills processes.
soak: setup
	@TIMELINE_SOAK=$${TIMELINE_SOAK:-600} $(BIN)/python -m pytest -n $(JOBS) tests/test_faults.py $(ARGS)

bench: $(BENCH)
	@$(BIN)/python -m bench.run $(ARGS)

lint: style types layers

style: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(DEV)
	@$(BIN)/mypy

layers: $(DEV)
	@$(BIN)/lint-imports --no-logo

# ---- upkeep --------------------------------------------------------------------------------------------------------

# The committed feeds are what the seeds give on a fixed day; a test compares them.
feeds: $(DEV)
	@$(BIN)/python -m tests.committed_feeds

# Universal (one lock for every platform), hashed, and silent about where the packages were found.
LOCKER := $(VENV)-lock
COMPILE := $(LOCKER)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --all-extras --group build

$(LOCKER)/bin/uv:
	@$(PYTHON) -m venv $(LOCKER)
	@$(LOCKER)/bin/python -m pip --disable-pip-version-check --quiet install 'uv>=0.13,<0.14'

# `make lock ARGS=--upgrade` takes the newest versions; without it only what pyproject.toml demands moves.
lock: $(LOCKER)/bin/uv
	@$(COMPILE) $(ARGS) pyproject.toml --output-file requirements.lock
	@$(COMPILE) $(ARGS) --group dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock
	@$(COMPILE) $(ARGS) --group dev --group bench --constraint requirements-dev.lock pyproject.toml --output-file requirements-bench.lock

clean:
	rm -rf $(VENV) $(LOCKER) $(VAR) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache \
	  .coverage
