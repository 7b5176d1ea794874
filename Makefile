# The commands of this project; `make` alone lists them.
#
# Everything is installed into .venv from the locked, hashed lists in requirements/. A stamp named
# after the checksum of a list says that it is installed, so repeated runs install nothing.

.DEFAULT_GOAL := help
.PHONY: help serve test check format soak bench docs lock clean

PYTHON ?=
MINUTES ?= 30
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
checksum = $(shell cat $(1) | cksum | cut -d' ' -f1)

BASE := .venv/.base-$(call checksum,requirements/build.txt requirements/base.txt pyproject.toml)
TEST := .venv/.test-$(call checksum,requirements/test.txt requirements/check.txt)
BENCH := .venv/.bench-$(call checksum,requirements/bench.txt)
LOCK := .venv/.lock-$(call checksum,requirements/uv.txt)

NODES := $(patsubst %/package-lock.json,%,$(wildcard tests/*/node/package-lock.json))
NODE_MODULES := $(foreach node,$(NODES),$(node)/node_modules/.installed-$(call checksum,$(node)/package-lock.json))

help: ## list the commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

serve: $(BASE) ## start a server for trying out, on http://127.0.0.1:8400
	@mkdir -p var
	@exec $(BIN)/registrary serve --dev --store sqlite:///var/registrary.db $(ARGS)

test: check $(NODE_MODULES) ## install what the tests need, then run the checks and every test
	@scripts/nginx.sh
	@scripts/postgres.sh
	@scripts/compiler.sh
	@scripts/chromium.sh
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest --quiet --numprocesses auto --dist worksteal $(ARGS)
	@echo "All checks and tests passed."

check: $(BASE) $(TEST) ## judge form, types and imports
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .venv/imports.log || { cat .venv/imports.log; exit 1; }
	@echo "Form, types and imports are in order."

format: $(BASE) $(TEST) ## bring the form in order
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

soak: $(BASE) $(TEST) ## let everything fail for half an hour (MINUTES=30) and count what is lost
	@scripts/postgres.sh
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

bench: $(BASE) $(BENCH) ## measure against the peers, side by side
	@$(BIN)/python -m bench $(ARGS)

docs: $(BASE) ## write the pages that are generated from the code (docs/reference/)
	@$(BIN)/python -m scripts.reference

lock: $(LOCK) ## renew requirements/ from pyproject.toml (UPGRADE=1 takes newer versions)
	@BIN=$(BIN) UPGRADE=$(UPGRADE) scripts/lock.sh

clean: ## remove what these commands installed and cached; var/ stays
	rm -rf .venv tests/*/node/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/python:
	@PYTHON="$(PYTHON)" scripts/venv.sh

$(BASE): | $(BIN)/python
	@echo "Installing the locked dependencies into .venv ..."
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@rm -f .venv/.base-* && touch $@

$(TEST): | $(BIN)/python
	@echo "Installing the tools of the tests into .venv ..."
	@$(PIP) install --require-hashes -r requirements/test.txt -r requirements/check.txt
	@rm -f .venv/.test-* && touch $@

$(BENCH): | $(BIN)/python
	@echo "Installing the peers of the bench into .venv ..."
	@$(PIP) install --require-hashes -r requirements/bench.txt
	@rm -f .venv/.bench-* && touch $@

$(LOCK): | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements/uv.txt
	@rm -f .venv/.lock-* && touch $@

$(NODE_MODULES): node = $(patsubst %/node_modules/,%,$(dir $@))
$(NODE_MODULES): | $(BASE)
	@scripts/node.sh
	@echo "Installing the locked npm packages of $(node) ..."
	@cd $(node) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error --no-audit --no-fund > /dev/null
	@touch $@
