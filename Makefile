# Rollcall's commands. They create a virtual environment in .venv and need python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--no-header $(UPGRADE)

.PHONY: run demo test test-fast test-postgres fuzz mutants bench growth peers walk lint audit lock

run: .venv/ready
	$(BIN)/python app.py

demo: .venv/ready
	$(BIN)/python app.py demo $(ARGS)

# Two workers more than there are processors: many tests wait for a browser or a server.
WORKERS = $(shell echo $$(($$(nproc) + 2)))

# A whole run gives a worker one module after the other, in the order of tests/conftest.py, so that what the tests of a
# module share is made once. Pictures of the pages are taken only where a part is named: nobody looks at those of a whole run.
WHOLE = --dist loadfile --no-loadscope-reorder
test: .venv/ready-to-test
	$(if $(ARGS),,ROLLCALL_TEST_PICTURES=no )$(BIN)/python -m pytest -n $(WORKERS) $(or $(and $(ARGS),--dist worksteal $(ARGS)),$(WHOLE))

# For daily work: the core, the pages and the rules of the house. No browser, no other servers, and none of the modules
# that take longest.
SLOW = _properties _machine _rows assigned_loss assignments below_a_path compare conditions counted_losses known_items listed \
	migrated_addresses named_states permissions planned quick_words role_changes several_roles twins scim_*
test-fast: .venv/ready-to-test
	$(BIN)/python -m pytest -q -n auto --dist worksteal $(SLOW:%=--ignore-glob='*%.py') \
		tests/test_house.py tests/test_plain_english.py tests/security/test_core_by_rank.py tests/connectors/test_levels.py \
		tests/sync tests/web $(ARGS)

# All that uses the database, on a private PostgreSQL. ARGS names a part of it.
ON_POSTGRES = tests/cli tests/demo tests/faults tests/fuzz tests/security tests/sync tests/web
test-postgres: .venv/ready-to-test
	ROLLCALL_TEST_DATABASE=postgresql ROLLCALL_TEST_PICTURES=no $(BIN)/python -m pytest -n $(WORKERS) $(WHOLE) $(or $(ARGS),$(ON_POSTGRES))

fuzz: .venv/ready-to-test
	$(BIN)/python -m tests.fuzz.run $(or $(MINUTES),10)

# One module or package, or several: MODULES="sync/safety sync/tasks/perform.py". How many of each: SAMPLE=40. SEED=2.
# AGAIN=1 tries only those that survived the last time, SECONDS=300 with more of the tests that reach them.
mutants: .venv/ready-to-test
	$(BIN)/python -m tests.mutants.run $(if $(MODULES),--modules $(MODULES)) $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(AGAIN),--again)

bench: .venv/ready-to-test peers
	$(BIN)/python -m bench.run $(ARGS)

# Up to 1,000,000 accounts, which takes about half an hour, and the picture of it in bench/README.md.
growth: .venv/ready-to-test peers
	$(BIN)/python -m bench.growth $(ARGS)

# The libraries that Rollcall is compared with. Where they can't be installed, the rest is measured.
peers:
	@$(MAKE) --silent --no-print-directory .venv-bench/ready || echo "The peers of bench/ can't be installed, so they aren't measured."

walk: .venv/ready-to-test
	$(BIN)/python -m bench.walk $(ARGS)

lint: .venv/ready-to-test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest -q tests/test_house.py
	$(BIN)/python -m tests.audit

audit: .venv/ready-to-test
	$(BIN)/python -m tests.audit

# Run it after changing requirements.txt, requirements-dev.txt or requirements-bench.txt. It keeps locked versions; UPGRADE=--upgrade renews them.
lock: .venv/uv
	$(LOCK) requirements.txt --output-file requirements.lock
	$(LOCK) requirements-dev.txt --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) requirements-bench.txt --constraint requirements.lock --output-file requirements-bench.lock

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Rollcall needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/ready: requirements.lock .venv/made
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# uv installs the tests' packages in a fifth of pip's time. pip installs uv. Both check every package by its hash.
# If uv doesn't work, for example because only pip knows the mirror of the packages, pip installs all of them.
BOTH = --require-hashes -r requirements.lock -r requirements-dev.lock
UV_ALONE = sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.lock

.venv/ready-to-test: requirements.lock requirements-dev.lock .venv/made
	@{ $(UV_ALONE) | $(PIP) install --require-hashes -r /dev/stdin && $(BIN)/uv pip install -q -p $(BIN)/python $(BOTH); } \
		2>/dev/null || $(PIP) install $(BOTH)
	@touch .venv/ready $@

.venv-bench/ready: requirements-bench.lock .venv/made
	$(BIN)/python -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements-bench.lock
	@touch $@

# Installed by its line in requirements-dev.txt, because the lock doesn't exist before uv has written it.
.venv/uv: requirements-dev.txt .venv/made
	$(PIP) install "$$(grep -o '^uv==[^ ]*' requirements-dev.txt)"
	@touch $@
