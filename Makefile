# make run    serve the app on http://localhost:8501 (PORT changes it)
# make test   everything that the tests need, with Chromium, PostgreSQL and HAProxy, then the tests
# make quick  lint, types and the tests that start no process and go over few networks
# make check  lint, types, import layers, translatable strings
# make fuzz   a minute of random changes to the kept inputs of everything that reads strangers' files
# make bench  the figures of the README, beside their peers
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

MAKEFLAGS += --jobs=2  # Chromium and the Python packages are installed side by side, tests and checks run so
# Nothing is compiled while it is installed: what is imported is, once.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test quick check fuzz bench clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# make/make/p' Makefile

run: .venv/app
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

test: .venv/tests chromium servers
	$(BIN)/pytest -n 3 --dist worksteal -q tests/unit tests/pages
	$(BIN)/pytest -n 2 --dist worksteal -q tests/browser

quick: .venv/tests
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist worksteal -q -m "not exhaustive and not process" tests/unit

check: .venv/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.checks.translatable explorer pages

fuzz: .venv/tests
	$(BIN)/python -m tests.fuzz 60 --seed 1

bench: .venv/bench chromium
	$(BIN)/python -m benchmarks.analysis
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.sessions
	$(BIN)/python -m benchmarks.classroom
	$(BIN)/python -m benchmarks.learn
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.precision
	$(BIN)/python -m benchmarks.submit
	$(BIN)/python -m benchmarks.ray_submit
	$(BIN)/python -m benchmarks.runs
	$(BIN)/python -m benchmarks.weights
	$(BIN)/python -m benchmarks.prediction
	$(BIN)/python -m benchmarks.drawing
	$(BIN)/python -m benchmarks.store

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Stamps: a second call installs nothing unless a requirements file has changed.
.venv/app: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, not " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements.txt
	touch $@

.venv/tests: .venv/app tests/requirements.txt
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r tests/requirements.txt
	touch $@

.venv/bench: .venv/app benchmarks/requirements.txt
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r benchmarks/requirements.txt
	touch $@

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "The browser tests need Chromium: install it and put 'chromium' on the PATH."; exit 1; }; \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }

# Without them, the tests of the job store on a server, and of two app servers behind a proxy, are skipped: nothing here fails.
# It waits for Chromium, because apt-get works for one at a time.
.PHONY: servers
servers: chromium
	@missing=; command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing=postgresql; \
	command -v haproxy >/dev/null || test -x /usr/sbin/haproxy || missing="$$missing haproxy"; \
	test -z "$$missing" || { \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); command -v apt-get >/dev/null && $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } || \
	  echo "Can't be installed:" $$missing"; the tests that need them are skipped."
