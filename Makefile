# Everything from a fresh clone: Python 3.11 or newer, git and make are all it needs.
PYTHON ?= python3
IN_VENV = @exec $(PYTHON) scripts/bootstrap.py
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test check bench coverage screenshots lock upgrade clean

help: ## this list
	@sed -n 's/^\([a-z]*\): ## /  make \1\t/p' Makefile | expand -t 20

run: ## install, migrate, load the demo and serve on 127.0.0.1 (PORT=8000)
	$(IN_VENV) base -- -m chatadmin.serve

test: ## install what the tests need and run them all, twice: SQLite, then PostgreSQL and Redis (ARGS="tests/users -x")
	$(IN_VENV) base test -- -m scripts.run_tests $(ARGS)

check: ## lint, types, import rules, templates, migrations, deployment settings, house rules
	$(IN_VENV) base test -- -m scripts.check $(ARGS)

bench: ## measure search, the live part, exports and erasures on both databases (BENCH_SCALE=small|medium|full ARGS="messages live --markdown")
	$(IN_VENV) base -- -m bench $(ARGS)

coverage: ## the SQLite half of the tests, and which lines they leave out
	$(IN_VENV) base test -- -m scripts.run_tests --coverage $(ARGS)

screenshots: ## take the pictures in the documentation again
	$(IN_VENV) base test -- -m scripts.screenshots

lock: ## requirements/*.lock from pyproject.toml, keeping the versions that still fit
	$(IN_VENV) -- -m scripts.lock

upgrade: ## requirements/*.lock from pyproject.toml, with the newest versions
	$(IN_VENV) -- -m scripts.lock --upgrade

clean: ## remove .venv and all caches; var/ with its data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
