# Needs Python >= 3.11 and make; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test lit pytest types lint stubs bench clean

demo: $(INSTALLED)
	$(BIN)/python -m examples.digits.demo

test: lit pytest types lint

lit: $(INSTALLED)
	$(BIN)/lit -sv test

pytest: $(INSTALLED)
	$(BIN)/python -m pytest -q

types: $(INSTALLED)
	$(BIN)/basedpyright
	$(BIN)/python -m edgeir.dialects.operation_stubs --check

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

stubs: $(INSTALLED)
	$(BIN)/python -m edgeir.dialects.operation_stubs

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "edgeir needs Python 3.11 or newer; try make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build
