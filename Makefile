# Each target makes .venv itself, with pip and constraints.txt. PYTHON=... names another interpreter to make it with.
BIN := .venv/bin
STAMP := .venv/installed
BENCH := .venv/bench
SPECS := specs/22.7
NODE_MODULES := explorer/web/node_modules/.package-lock.json
BUNDLE := explorer/digirm_explorer/static/index.html
PAGE := $(shell find explorer/web/src -type f) $(wildcard explorer/web/index.html explorer/web/*.ts explorer/web/*.json)
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser web check generate screenshots bench bench-soak clean

help:
	@echo "make demo        the whole chain on the embedded simulator: crawl, generate, check, call"
	@echo "make test        the tests (ARGS='-k crawl' is passed to pytest)"
	@echo "make web         the page of digirm explore: npm ci, its bundle, its tests"
	@echo "make test-browser  the explorer in Chromium, which it installs where there is none and it may"
	@echo "make check       format, lint, types, layers, generated files, specs"
	@echo "make generate    write generated/, docs/reference/ and the tables of docs/simulator.md anew"
	@echo "make screenshots the explorer's pictures in docs/images/"
	@echo "make bench       the benchmarks, as ratios to their peers (ARGS=--quick leaves out what takes minutes)"
	@echo "make bench-soak  three minutes of the simulator at its limits: memory, and no failure"
	@echo "make clean       remove .venv, caches and scratch folders"

$(STAMP): pyproject.toml constraints.txt scripts/venv.sh
	@sh scripts/venv.sh

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

$(NODE_MODULES): explorer/web/package.json explorer/web/package-lock.json | $(STAMP)
	@sh scripts/npm.sh ci --loglevel=error
	@touch $(NODE_MODULES)

$(BUNDLE): $(NODE_MODULES) $(PAGE)
	@sh scripts/npm.sh run --silent build

web: $(BUNDLE)
	@sh scripts/npm.sh test --silent

test-browser: $(BUNDLE)
	@sh scripts/chromium.sh
	$(BIN)/python -m pytest tests/browser -n 2 --dist loadfile $(ARGS)

screenshots: $(BUNDLE)
	@sh scripts/chromium.sh
	$(BIN)/python scripts/screenshots.py docs/images

check: $(STAMP) $(NODE_MODULES)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	@sh scripts/npm.sh run --silent check
	$(BIN)/digirm generate --specs $(SPECS) --out generated --check
	$(BIN)/digirm export-spec --specs $(SPECS) --format markdown --out docs/reference --check
	$(BIN)/python -m digirm_simulator.fidelity docs/simulator.md --check
	$(BIN)/digirm crawl sim:22.7 --out $(SPECS) --api-version 22.7 --check
	$(BIN)/digirm crawl sim:docs-2023 --out specs/docs-2023 --api-version docs-2023 --check
	@! grep -rnE 'pytest\.(skip|xfail|importorskip)|mark\.(skip|xfail)|unittest\.skip' tests || { echo "tests are skipped" >&2; exit 1; }

generate: $(STAMP)
	$(BIN)/digirm generate --specs $(SPECS) --out generated
	$(BIN)/digirm export-spec --specs $(SPECS) --format markdown --out docs/reference
	$(BIN)/python -m digirm_simulator.fidelity docs/simulator.md

# The compiled sqlglot would replace the pure one, so it goes into a folder of its own; not every platform has it.
$(BENCH): $(STAMP)
	@echo "installing the peers of the benchmarks into .venv"
	@PIP_CONSTRAINT="$(CURDIR)/constraints.txt" $(BIN)/python -m pip install --quiet --no-input \
	    --disable-pip-version-check -e '.[bench]'
	@PIP_CONSTRAINT="$(CURDIR)/constraints.txt" $(BIN)/python -m pip install --quiet --no-input \
	    --disable-pip-version-check --only-binary :all: --upgrade --target .venv/sqlglot-compiled 'sqlglot[c]' \
	    || echo "there is no compiled sqlglot for this platform: its rows are left out" >&2
	@touch $(BENCH)

bench: $(BENCH)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-soak: $(STAMP)
	@$(BIN)/python -m benchmarks.soak $(ARGS)

clean:
	rm -rf explorer/web/node_modules explorer/digirm_explorer/static
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
