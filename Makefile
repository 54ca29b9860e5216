# `make run` and `make test` start from nothing but a checkout; see README.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080

.PHONY: run test check bench clean lock

$(VENV): $(VENV)/.installed

$(VENV)/.installed: requirements.lock deploy/python-check
	@deploy/python-check $(PYTHON)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	@deploy/install-command $(VENV)
	@touch $@

run: $(VENV)
	$(BIN)/loa demo --port $(PORT)

test: $(VENV)
	@deploy/test-groups
	$(BIN)/pytest -n auto --dist worksteal $(TESTS)

check: $(VENV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/structure/test_wording.py

bench: $(VENV)
	$(BIN)/python -m benchmarks

lock:
	uv pip compile --universal --generate-hashes --no-header --no-annotate --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
