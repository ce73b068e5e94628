# Every command that this project has. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python

.PHONY: help demo test fmt lint doc unit facts-check forecast-table clean

help: ## List the commands.
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## Write a sample export, run everything on it, and show what comes out (no AWS account needed).
	@cargo run --quiet --locked --profile demo -p bedrock-ledger -- demo

test: lint doc unit facts-check ## Everything that must hold: formatting, lints, docs, tests, and other programs' sums.

fmt: ## Format the code.
	cargo fmt --all

lint: ## Check formatting and lints; a warning is an error.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## Check the documentation of public and private items.
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

unit: ## Unit, property, golden and end-to-end tests.
	cargo test --locked --workspace

forecast-table: ## Print how far forecasts are off on generated histories, beside the run-rate.
	cargo test --locked -p spend-tests --test forecast_table -- --nocapture

# Built with all targets, so that dependencies have the features that the tests have built them with.
facts-check: $(VENV)/installed ## Let DuckDB, pyarrow and Python's decimals check what the command line says.
	cargo build --locked --workspace --all-targets
	$(PYTHON) tests/other_programs.py target/debug/bedrock-ledger target/facts-check

$(VENV)/installed: tests/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	touch $@

clean: ## Remove what was built, installed and written by the demo.
	rm -rf target $(VENV) .demo
