# `make` alone prints the targets. Each target works on a fresh clone.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
EXE := .exe
else
PYTHON ?= python3
BIN := .venv/bin
endif
VENV := .venv
# uv takes a fifth of the time that pip takes; where it cannot be had, or finds less than pip is told of, pip it is.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/python -m uv pip install --quiet --python $(BIN)/python$(EXE)
install = $(UV) --constraint constraints.txt --editable $(1) || $(PIP) --constraint constraints.txt --editable $(1)
# Compiled once, on all cores: uv would leave it to the first command, and where PYTHONDONTWRITEBYTECODE is set (as in many
# containers) to every command, which takes three to four times as long. Some packages hold templates that are no Python.
compile = $(BIN)/python -m compileall -qq -j 0 $(VENV) src || true
export PIP_NO_COMPILE ?= 1
export UV_NATIVE_TLS ?= 1
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
endif
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

.DEFAULT_GOAL := help
.PHONY: demo test setup bits check bench bench-check docs formats smoke oldest help

demo: $(VENV)/.core  ## Simulate a small painting, segment it, say how well it agrees with the truth
	$(BIN)/spaxel demo --overwrite

WORKERS ?= 2
test: export OMP_NUM_THREADS := 1  # a worker for each core: their threads would wait for each other
test: $(VENV)/.test  ## Run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q

setup: $(VENV)/.test  ## The virtual environment with everything that tests and benchmarks need

bits: $(VENV)/.test  ## The tests of "same bits" on each kernel of OpenBLAS
	PYTHON=$(BIN)/python .ci/same_bits

check: $(VENV)/.test  ## Lint, import contracts and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/.test  ## Accuracy and memory, with every baseline (minutes); results go to benchmarks/results
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/memory.py

bench-check: $(VENV)/.test  ## A part of each benchmark again: fails if a documented figure is off (ten minutes)
	$(BIN)/python benchmarks/bench_check.py

docs: $(VENV)/.docs  ## The documentation as a web site in site/
	$(BIN)/mkdocs build --strict

formats: $(VENV)/.core  ## Write the table of docs/formats.md as the readers say it
	$(BIN)/python docs/formats_page.py

smoke:  ## Wheel and sdist: built, installed without extras, used (minutes)
	$(PYTHON) .ci/smoke

oldest:  ## The oldest versions that pyproject.toml allows: installed, used, tested (Python 3.11; many minutes)
	$(PYTHON) .ci/lower_bounds

$(BIN)/python$(EXE):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "spaxel needs Python >= 3.11; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	-$(PIP) uv

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(call install,.)
	$(compile)
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(call install,'.[test]')
	$(compile)
	touch $@ $(VENV)/.core

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python$(EXE)
	$(call install,'.[docs]')
	$(compile)
	touch $@

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
