# What a developer types. Every target sets up what it needs inside the checkout; `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= auto
PYTEST_ARGS ?=
DEMO_ARGS ?=

PROJECTS  := polystore_core $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
MANIFESTS := pyproject.toml $(addsuffix /pyproject.toml,$(PROJECTS))
SOURCES   := polystore $(addsuffix /src,$(PROJECTS))
CHECKED   := $(sort $(dir $(wildcard benchmarks/*.py tests/*.py $(addsuffix /tests/*.py,$(PROJECTS)))))
UNTYPED   := --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls --allow-untyped-decorators --no-check-untyped-defs
EDITABLE  := $(foreach project,$(PROJECTS),-e ./$(project)) -e '.[all]'

# What tests need that pip does not bring: a compiler, file systems, a screen, Qt's libraries, ImageJ and its Java.
SYSTEM := gcc libc6-dev e2fsprogs mount xvfb xauth libegl1 libgl1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 \
    libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libfontconfig1 libglib2.0-0 libij-java openjdk-17-jre

# In a process of their own: once jax has computed something, it forbids the forks that other tests make.
FRAMEWORKS := polystore_core/tests/frameworks

.PHONY: help setup system demo test stress lint format docs bench build install-check constraints clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

setup: $(VENV)/.tools  ## everything for development, in .venv

system:  ## system packages that tests need, through apt-get
	@! command -v dpkg >/dev/null || dpkg -s $(SYSTEM) >/dev/null 2>&1 || { \
	    test "$$(id -u)" = 0 || { echo "type: sudo apt-get install $(SYSTEM)" >&2; exit 1; }; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends $(SYSTEM) >/dev/null; }

demo: $(VENV)/.installed  ## images from disk through memory and back; DEMO_ARGS="FOLDER --pattern P"
	$(BIN)/polystore demo $(DEMO_ARGS)

test: system $(VENV)/.tools  ## all tests and all examples of README, docs and docstrings
	$(BIN)/python -m pytest $(FRAMEWORKS) $(PYTEST_ARGS)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --ignore $(FRAMEWORKS) $(PYTEST_ARGS)

stress: system $(VENV)/.tools  ## the tests whose counts take minutes, in full
	$(BIN)/python -m pytest -m stress --ignore $(FRAMEWORKS) -s $(PYTEST_ARGS)

lint: $(VENV)/.tools  ## ruff and mypy --strict; tests may leave out annotations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/mypy conftest.py docs/conf.py
	for folder in $(CHECKED); do $(BIN)/mypy $(UNTYPED) $$folder || exit 1; done

format: $(VENV)/.tools  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.tools  ## the site, in docs/_build/html; warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.tools  ## side by side with bare numpy, tifffile and os.walk
	$(BIN)/python -m benchmarks

build: $(VENV)/.tools  ## wheel and sdist of every distribution, in dist/
	rm -rf dist
	for project in $(PROJECTS) .; do $(BIN)/python -m build --no-isolation --outdir dist $$project || exit 1; done

# The second install sees two folders and no index, so what it takes from us can only be the wheels of `dist`.
install-check: build  ## the wheels, installed into an empty environment, run the demo
	rm -rf build/check build/third-party
	$(MAKE) VENV=build/check build/check/bin/python
	$(PIP) download -q -c constraints.txt -d build/third-party "$$(ls dist/polystore-*.whl)[all]" dist/polystore_*.whl
	rm build/third-party/polystore*
	build/check/bin/python -m pip install -q --no-index --find-links dist --find-links build/third-party 'polystore[all]'
	build/check/bin/python -m pip check
	cd build/check && bin/polystore demo

constraints: | $(BIN)/python  ## compile constraints.txt anew: names and versions of the tested set
	$(PIP) install -q 'pip>=25.1'
	$(PIP) install -q --group lock
	$(BIN)/uv pip compile -q --universal --upgrade --python-version 3.11 \
	    --no-header --no-annotate \
	    $(foreach project,polystore $(notdir $(PROJECTS)),--no-emit-package $(subst _,-,$(project))) \
	    --all-extras $(foreach group,dev frameworks lock,--group $(group)) -o constraints.txt $(MANIFESTS)

clean:  ## remove everything that make made
	rm -rf $(VENV) build dist docs/_build docs/reference/generated .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Debian ships `venv` without `ensurepip`; its pip can still install a pip into the new environment.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no python3.11 and no python3 on PATH; apt-get install python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	    rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
	    $(PYTHON) -m pip --python $(VENV)/bin/python install -q pip; }

$(VENV)/.installed: $(MANIFESTS) constraints.txt | $(BIN)/python
	$(PIP) install -q 'pip>=25.1'
	$(PIP) install -q -c constraints.txt --group build
	$(PIP) install -q -c constraints.txt --no-build-isolation $(EDITABLE)
	@touch $@

$(VENV)/.tools: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt --group dev --group frameworks
	@touch $@
