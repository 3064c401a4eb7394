# Rollcall's few commands. They make their own virtual environment in .venv and need python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run demo test bench lint

run: .venv/ready
	$(BIN)/python app.py

demo: .venv/ready
	$(BIN)/python app.py demo $(ARGS)

test: .venv/ready-to-test
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

bench: .venv/ready-to-test
	$(BIN)/python -m bench.run $(ARGS)

lint: .venv/ready-to-test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest -q tests/test_house.py

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Rollcall needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/ready-to-test: requirements-dev.txt .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
