PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFIG ?= firmware_configs/econt_48bit.yaml
QUICK ?=

.PHONY: demo test test-all bench lint docs packages venv clean

demo: venv
	$(BIN)/qcompress run $(CONFIG) $(if $(QUICK),--quick)

test: venv
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all: venv
	$(BIN)/python -m pytest -m "campaign or not campaign"

bench: venv
	for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

packages: venv
	BIN=$(BIN) .ci/pythons

venv: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis site build dist
