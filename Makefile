# make demo | make test | make test-slow | make bench | make sbom | make lint | make clean.  Needs Python 3.11 or 3.12 and make, nothing else.
# The first that starts and is 3.11 or 3.12: a version manager may leave names behind that do not start.
SUITS := 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))'
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python; do $$p -c $(SUITS) 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

.PHONY: demo test test-slow bench lint clean dashboard sbom

demo: $(VENV)/.run
	$(BIN)/python -m core demo --detach
	$(BIN)/python -m streamlit run dashboard/server.py --server.port $(PORT)

dashboard: $(VENV)/.run
	$(BIN)/python -m streamlit run dashboard/server.py --server.port $(PORT)

test: lint
	$(BIN)/python -m pytest

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

sbom: $(VENV)/.dev
	$(BIN)/python -m tests.supply.licences sbom.json

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# --no-compile: modules are compiled when they are first imported, most never; that takes half the time of all.
$(VENV)/.run: requirements.txt constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c $(SUITS) || \
		{ echo "Landslide Lens needs Python 3.11 or 3.12; name one: make PYTHON=/path/to/python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): half a minute to a few minutes."
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -r requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt requirements-cluster.txt
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -r requirements-dev.txt -r requirements-cluster.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis .numba_cache
