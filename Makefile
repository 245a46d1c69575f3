# Each target makes .venv itself, with pip and constraints.txt. PYTHON=... names another interpreter to make it with.
BIN := .venv/bin
STAMP := .venv/installed
SPECS := specs/22.7
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help demo test check generate bench clean

help:
	@echo "make demo      the whole chain on the embedded simulator: crawl, generate, check, call"
	@echo "make test      the tests (ARGS='-k crawl' is passed to pytest)"
	@echo "make check     format, lint, types, layers, generated files, specs"
	@echo "make generate  write generated/ and docs/reference/ anew from specs/"
	@echo "make bench     the benchmarks, as ratios to their peers"
	@echo "make clean     remove .venv, caches and scratch folders"

$(STAMP): pyproject.toml constraints.txt scripts/venv.sh
	@sh scripts/venv.sh

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -n auto $(ARGS)

check: $(STAMP)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/digirm generate --specs $(SPECS) --out generated --check
	$(BIN)/python -m digirm_codegen.reference $(SPECS) docs/reference/operations.md --check
	$(BIN)/digirm crawl sim:22.7 --out $(SPECS) --api-version 22.7 --check
	@! grep -rnE 'pytest\.(skip|xfail|importorskip)|mark\.(skip|xfail)|unittest\.skip' tests || { echo "tests are skipped" >&2; exit 1; }

generate: $(STAMP)
	$(BIN)/digirm generate --specs $(SPECS) --out generated
	$(BIN)/python -m digirm_codegen.reference $(SPECS) docs/reference/operations.md

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
