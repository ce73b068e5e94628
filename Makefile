# Every command that this project has. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python
# What deploying and its checks need is kept apart: tests need neither, and checkov wants older versions of the same.
AWS_VENV := .venv-aws
CHECKOV_VENV := .venv-checkov
WORKFLOW_VENV := .venv-workflows

FUNCTIONS := ingest aggregate alert digest

# Which commit is built, with -dirty behind it where files differ from it; nothing where there is no Git. Only recipes for
# what is released pass it on: with it every commit would build everything again.
COMMIT = $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)
# What the command line is built for: with musl it is one static file, which runs on any Linux.
CLI_TARGETS := x86_64-unknown-linux-musl aarch64-unknown-linux-musl

# Most of what is built here is built once: bookkeeping for building again makes that a good deal slower.
export CARGO_INCREMENTAL ?= 0
# Which stack to deploy, destroy or show the logs of.
STACK ?= bedrock-ledger
SAM := SAM_CLI_TELEMETRY=0 $(AWS_VENV)/bin/sam
SHA256 := $(shell command -v sha256sum || echo shasum -a 256)

.PHONY: help demo check test fmt lint doc unit simulate simulate-faults facts-check forecast-table bench bench-memory age load e2e e2e-release page-check host-release size template-check infra-check workflow-lint deny fuzz mutants build dist command-line release sums deploy destroy logs lock clean

help: ## List the commands.
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## Write a sample export, run everything on it, and show what comes out (no AWS account needed).
	@cargo run --quiet --locked --profile demo -p bedrock-ledger -- demo

check: lint ## Formatting, lints, and the tests of what has changed since `main` (ALL=1: the tests of all crates).
	python3 tests/changed.py $(if $(ALL),--all)

# Side by side, because each part has stretches that keep one core busy alone.
test: ## Everything that must hold: formatting, lints, docs, tests, and other programs' sums (some minutes without a word).
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target lint doc unit facts-check e2e template-check

# Outside the workspace, because what it compares with takes minutes to build: formatted and linted by itself.
BESIDE_AUGURS := --manifest-path tests/forecast/beside_augurs/Cargo.toml

fmt: ## Format the code.
	cargo fmt --all
	cargo fmt $(BESIDE_AUGURS)

# In a folder of their own, lints and documentation are not waited for by what is built.
APART := --target-dir target/lint

lint: ## Check formatting and lints; a warning is an error.
	cargo fmt --all --check
	cargo fmt $(BESIDE_AUGURS) --check
	cargo clippy --locked --workspace --all-targets $(APART) -- -D warnings

doc: ## Check the documentation of public and private items.
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items $(APART)

unit: ## Unit, property, golden and workspace tests.
	cargo test --locked --workspace

# Seeds of `make simulate`, and the first of them.
SEEDS ?= 1000
START ?= 0

simulate: ## Simulate the whole system from SEEDS seeds from START on, and print the shortest history that goes wrong (TELL=1: each call; EACH_CALL=1: let each call fail once).
	cargo run --quiet --locked --profile simulate -p spend-simulation -- --seeds $(SEEDS) --start $(START) $(if $(TELL),--tell) $(if $(EACH_CALL),--each-call)

simulate-faults: ## Put faults into a copy of the program, one at a time, and say whether the simulation finds each.
	python3 tests/simulation/faults.py

forecast-table: ## Print how far forecasts are off on generated histories, beside a library's and the run-rate's.
	cargo clippy --locked $(BESIDE_AUGURS) --target-dir target/forecast-table -- -D warnings
	cargo run --locked $(BESIDE_AUGURS) --target-dir target/forecast-table

bench: $(VENV)/installed ## Compare speed and memory with DuckDB and with reading the bytes alone (QUICK=1: small files, BEFORE=binary: another build too).
	cargo build --release --locked -p bedrock-ledger
	cargo bench --locked -p spend-cur --bench reading --no-run
	$(PYTHON) tests/bench/run.py target/release/bedrock-ledger $(if $(QUICK),--quick) $(if $(BEFORE),--before $(BEFORE)) $(ARGS)

bench-memory: ## Print what alerts cost 5,000 people over 90 days, by day, and how much memory very many callers take (some minutes).
	cargo bench --locked -p spend-ledger --bench alerts
	cargo bench --locked -p spend-pipeline --bench memory

# As a release, without LTO, which takes most of the time of a build.
PERF := --config 'profile.perf.inherits="release"' --config 'profile.perf.lto="off"' \
	--config 'profile.perf.codegen-units=16' --config 'profile.perf.strip="none"' \
	--config 'profile.perf.debug="line-tables-only"' --config 'profile.perf.opt-level=2' --profile perf

age: ## Let a ledger of 5,000 identities grow three years old: what it keeps and what steps cost, by year; fails where a bound is passed (AGE="--months 6 …").
	cargo run --quiet --locked $(PERF) -p spend-age -- $(AGE)

load: $(VENV)/installed ## Let one delivery of 1,000 chunks come at once to the functions on stand-ins for AWS (LOAD="--chunks 100 --sandboxes 4").
	$(BUILD)
	rm -rf target/load
	$(PYTHON) tests/e2e/load.py target/debug target/debug/bedrock-ledger target/load $(LOAD)

# With the tests, so that dependencies have the features that these have built them with.
BUILD := cargo build --locked --workspace --bins --tests

facts-check: $(VENV)/installed ## Let DuckDB, pyarrow and Python's decimals check what the command line says.
	$(BUILD)
	$(PYTHON) tests/other_programs.py target/debug/bedrock-ledger target/facts-check

e2e: $(VENV)/installed ## Run the functions on stand-ins for AWS, and compare what comes out with the command line (OLDER=DIR: upgrade them from an older build's too).
	$(BUILD)
	$(PYTHON) tests/e2e/run.py target/debug target/debug/bedrock-ledger target/e2e $(if $(OLDER),--older $(OLDER))

e2e-release: $(VENV)/installed host-release ## The same with release binaries.
	cargo build --release --locked --manifest-path tests/e2e/panicking/Cargo.toml
	$(BUILD)
	$(PYTHON) tests/e2e/run.py target/release target/debug/bedrock-ledger target/e2e-release

page-check: ## Look at pages with headless Chromium: sizes, colours, paper, labels, accessibility (needs chromium, pdftotext and npm).
	@command -v chromium >/dev/null || { echo "there is no chromium: sudo apt-get install chromium (Debian, Ubuntu)" >&2; exit 1; }
	@command -v pdftotext >/dev/null || { echo "there is no pdftotext: sudo apt-get install poppler-utils (Debian, Ubuntu)" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "there is no npm: sudo apt-get install npm (Debian, Ubuntu)" >&2; exit 1; }
	rm -rf target/page-check
	mkdir -p target/page-check/npm && cp tests/page/package.json tests/page/package-lock.json target/page-check/npm/
	npm ci --silent --no-audit --no-fund --ignore-scripts --prefix target/page-check/npm
	PAGE_CHECK_DIR=$(CURDIR)/target/page-check/pages cargo test --locked --workspace --lib page::
	python3 tests/page/check.py chromium target/page-check/npm/node_modules/axe-core/axe.min.js \
		target/page-check/pages target/page-check/screenshots

# Each by itself, so that none is built with features that only another needs; by its manifest, because one bears the
# name of a dependency.
host-release:
	for function in $(FUNCTIONS); do \
		cargo build --release --locked --manifest-path functions/$$function/Cargo.toml; \
	done

size: $(VENV)/installed host-release ## Starts, memory and zips of the functions (of dist/, if it is there), beside one that does nothing.
	cargo build --release --locked --manifest-path tests/e2e/empty/Cargo.toml
	$(PYTHON) tests/e2e/size.py target/release dist

template-check: $(VENV)/installed facts-check e2e ## Check the template: cfn-lint, and what it says against what the code does.
	$(VENV)/bin/cfn-lint infra/template.yaml infra/forward.yaml
	FACTS='target/facts-check/**/facts.parquet' FUNCTIONS_DIR=target/debug ACTIONS=target/e2e/actions.json \
		$(PYTHON) -m unittest discover --start-directory tests/template

infra-check: $(AWS_VENV)/installed $(CHECKOV_VENV)/installed $(VENV)/installed ## Check the template with SAM's and checkov's rules too.
	$(VENV)/bin/cfn-lint infra/template.yaml infra/forward.yaml
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template infra/template.yaml
	$(CHECKOV_VENV)/bin/checkov --file infra/template.yaml infra/forward.yaml --framework cloudformation \
		--skip-download --compact --quiet

# Whether the commit of an action exists, and is that of its version, only GitHub knows.
workflow-lint: $(WORKFLOW_VENV)/installed ## Check the workflows of GitHub for what an attacker could use (zizmor; with GH_TOKEN also the commits of actions).
	$(WORKFLOW_VENV)/bin/zizmor $(if $(GH_TOKEN),,--offline) --persona pedantic .github/workflows

# Built from source, which takes minutes: apart from `make test`, whose checks of dependencies need no tool.
TOOLS := .tools

deny: $(TOOLS)/bin/cargo-deny ## Check licences, bans and sources of every dependency (deny.toml); once fetched, without a network.
	cargo fetch --locked
	$(TOOLS)/bin/cargo-deny --offline --workspace --all-features check licenses bans sources

$(TOOLS)/bin/cargo-deny:
	cargo install --quiet --locked --root $(TOOLS) cargo-deny@0.20.2

# Each reader for TIME seconds, with at most the memory that `ingest` has. What it finds stays in target/fuzz; what it fails
# on lies in target/fuzz/failures. CONTRIBUTING.md says what to do with it. The stable compiler is asked for coverage.
TIME ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard tests/fuzz/fuzz_targets/*.rs)))

fuzz: $(TOOLS)/bin/cargo-fuzz ## Feed every reader with made-up input (TIME=60 seconds for each, FUZZ_TARGETS="parquet_chunk …").
	mkdir -p target/fuzz/failures
	export RUSTC_BOOTSTRAP=1 PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH"; cd tests/fuzz; \
	for target in $(FUZZ_TARGETS); do \
		mkdir -p ../../target/fuzz/corpus/$$target; \
		cargo fuzz run --fuzz-dir . --sanitizer none --target-dir ../../target/fuzz/build $$target \
			../../target/fuzz/corpus/$$target corpus/$$target -- -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=640 \
			-artifact_prefix=$(CURDIR)/target/fuzz/failures/$$target- -print_final_stats=1 -verbosity=0; \
	done

$(TOOLS)/bin/cargo-fuzz:
	cargo install --quiet --locked --root $(TOOLS) cargo-fuzz@0.13.2

# Each change is built and tested alone, in a copy of the sources: a minute or so for each. What is built of other crates
# stays in target/mutants for the next time. .cargo/mutants.toml names the changes that nobody can notice. Without FILES it
# is the modules that carry money, state and alerts.
FILES ?= shared/core/src/allocation/**/*.rs shared/core/src/bill/category.rs shared/core/src/calendar/*.rs \
	shared/core/src/facts/spend.rs shared/core/src/money/*.rs shared/core/src/rules/*.rs \
	shared/ledger/src/alert/*.rs shared/ledger/src/metrics/**/*.rs shared/ledger/src/outputs/outbox.rs \
	shared/ledger/src/state/{backfill,commit,committed,keys}.rs shared/ledger/src/store/conditional.rs \
	shared/pipeline/src/ingest/{past,pin,ready,seal}.rs \
	shared/pipeline/src/period/{aggregate,claim,claims,commit,counting,history,rebuild}.rs

mutants: $(TOOLS)/bin/cargo-mutants ## Change the code of FILES bit by bit, and say which changes no test of the same package notices (FILES="shared/core/src/money/decimal.rs …").
	mkdir -p target/mutants
	CARGO_TARGET_DIR=$(CURDIR)/target/mutants/build PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" \
		cargo mutants --output target/mutants $(foreach file,$(FILES),--file '$(file)') $(ARGS)

$(TOOLS)/bin/cargo-mutants:
	cargo install --quiet --locked --root $(TOOLS) cargo-mutants@27.1.0

# By its manifest, as above.
build: export BEDROCK_LEDGER_COMMIT = $(COMMIT)
build: $(AWS_VENV)/installed ## Build the functions for Lambda (arm64; the first time it takes long).
	rustup target add aarch64-unknown-linux-gnu
	for function in $(FUNCTIONS); do \
		PATH="$(CURDIR)/$(AWS_VENV)/bin:$$PATH" cargo lambda build --release --arm64 --locked \
			--manifest-path functions/$$function/Cargo.toml --output-format zip; \
	done

dist: build ## Collect in dist/ what a deployment needs, with checksums: whoever has it need not build.
	rm -rf dist && mkdir dist
	for function in $(FUNCTIONS); do cp target/lambda/$$function/bootstrap.zip dist/$$function.zip; done
	sed -E 's#Code: \.\./functions/([a-z]+)#Code: \1.zip#' infra/template.yaml > dist/template.yaml
	cp infra/forward.yaml infra/ledger.toml infra/deployer-policy.json infra/events/test-alert.json dist/
	$(MAKE) --no-print-directory sums

dist/SHA256SUMS:
	$(MAKE) dist

# A static program by zig's C compiler; any other target by the machine's own.
command-line: export BEDROCK_LEDGER_COMMIT = $(COMMIT)
command-line: $(if $(findstring musl,$(CLI_TARGETS)),$(AWS_VENV)/installed) ## Build the command line to be released: static, for Linux on x86-64 and arm64.
	rustup target add $(CLI_TARGETS)
	for target in $(CLI_TARGETS); do \
		case $$target in *-musl) build=zigbuild;; *) build=build;; esac; \
		PATH="$(CURDIR)/$(AWS_VENV)/bin:$$PATH" cargo $$build --release --locked --features s3 \
			--manifest-path functions/local/Cargo.toml --target $$target; \
	done

release: dist command-line ## Collect in dist/ all that a user needs: what a deployment needs, command line, INSTALL.md, SBOM, checksums.
	cp target/x86_64-unknown-linux-musl/release/bedrock-ledger dist/bedrock-ledger-linux-x86_64
	cp target/aarch64-unknown-linux-musl/release/bedrock-ledger dist/bedrock-ledger-linux-arm64
	cp -R infra/examples infra/release/INSTALL.md LICENSE dist/
	python3 infra/release/sbom.py --commit "$(COMMIT)" > dist/sbom.cdx.json
	$(MAKE) --no-print-directory sums

sums: ## Write the checksums of dist/ again, after files were added to it.
	cd dist && find . -type f ! -name 'SHA256SUMS*' | sed 's#^\./##' | LC_ALL=C sort | xargs $(SHA256) > SHA256SUMS.new
	mv dist/SHA256SUMS.new dist/SHA256SUMS

# Where answers are kept.
samconfig.toml:
	echo 'version = 0.1' > $@

deploy: $(AWS_VENV)/installed dist/SHA256SUMS samconfig.toml ## Deploy dist/, asking questions the first time (STACK=name for another stack).
	cd dist && $(SHA256) --check SHA256SUMS
	$(SAM) deploy --template-file dist/template.yaml --stack-name $(STACK) --capabilities CAPABILITY_IAM --resolve-s3 \
		--config-file $(CURDIR)/samconfig.toml --config-env $(STACK) --no-fail-on-empty-changeset \
		$(shell grep -qsF '[$(STACK).deploy' samconfig.toml || echo --guided)

destroy: $(AWS_VENV)/installed ## Delete the stack; the ledger, its key and a created export bucket stay.
	$(SAM) delete --stack-name $(STACK)

logs: $(AWS_VENV)/installed ## Follow the logs of all functions.
	$(SAM) logs --stack-name $(STACK) --tail

$(VENV)/installed: tests/requirements.txt
$(AWS_VENV)/installed: infra/requirements.txt
$(CHECKOV_VENV)/installed: infra/checkov-requirements.txt
$(WORKFLOW_VENV)/installed: infra/workflow-requirements.txt
$(VENV)/installed $(AWS_VENV)/installed $(CHECKOV_VENV)/installed $(WORKFLOW_VENV)/installed:
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	touch $@

# Files named *.in say what is wanted; the ones named *.txt which files of which packages are installed, by their hashes.
lock: ## Lock the Python packages and the npm package that checks use, after a change of their .in files or package.json.
	python3 -m venv $(TOOLS)/uv && $(TOOLS)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	for wanted in tests/requirements infra/requirements infra/checkov-requirements infra/workflow-requirements; do \
		$(TOOLS)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--no-annotate --custom-compile-command "make lock" $$wanted.in --output-file $$wanted.txt; \
	done
	cd tests/page && npm install --package-lock-only --ignore-scripts --silent

clean: ## Remove what was built, installed and written by the demo.
	rm -rf target dist $(VENV) $(AWS_VENV) $(CHECKOV_VENV) $(WORKFLOW_VENV) $(TOOLS) .demo
