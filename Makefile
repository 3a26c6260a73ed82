# Everything runs from .venv, made on first use; stamps in it keep a second run from doing anything twice.
#
# The install is editable, so that an edit counts without another step; the compiled kernels are rebuilt by the same
# rule when native/src changes.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP_INSTALL := $(PY) -m pip install -qq --disable-pip-version-check
BUILT_FROM := pyproject.toml setup.py native/build_kernels.py $(wildcard native/src/*.[ch])
STRICT_C := -std=c99 -Wall -Wextra -Wconversion -Werror

.PHONY: demo reproduce test check lint lint-c sanitize bench wheel docs clean
.DELETE_ON_ERROR:

demo: $(VENV)/.run  ## AlexNet's CONV layers beside the published silicon figures; a small network pruned
	@$(VENV)/bin/picojoule demo

reproduce: $(VENV)/.run  ## every published table and figure beside ours; fails if one is outside its limit
	@$(VENV)/bin/picojoule reproduce

test: $(VENV)/.dev
	$(PY) -m pytest

check: lint test

lint: $(VENV)/.dev lint-c
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

lint-c:
	$(CC) $(STRICT_C) -fsyntax-only native/src/*.c

sanitize: $(VENV)/.dev
	native/sanitize.sh $(PY)

bench: $(VENV)/.dev
	$(PY) -m pytest tests/benchmarks -m benchmark --benchmark-columns=min,median,stddev,rounds

# An earlier egg-info lists files of its own, which setuptools would ship whatever MANIFEST.in says.
wheel: $(VENV)/.dev  ## dist/: the sdist, and one wheel for every CPython from 3.11 on, on every Linux of this machine's kind
	rm -rf build/dist dist *.egg-info
	$(PY) -m build --outdir build/dist .
	PATH="$(abspath $(dir $(PY))):$$PATH" $(PY) -m auditwheel repair --wheel-dir dist build/dist/*.whl
	mv build/dist/*.tar.gz dist

docs: $(VENV)/.docs  ## build/site/index.html: the documentation
	$(PY) -m sphinx -W -n -q --keep-going -c docs . build/site

clean:
	rm -rf $(VENV) build dist *.egg-info native/_kernels*.so .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache

# What it takes to run, and that plus what it takes to develop. --no-build-isolation: the build tools are in the
# environment, so rebuilding the kernels is quick and needs no network.
$(VENV)/.run: $(VENV)/.created $(BUILT_FROM)
	@rm -f native/_kernels*.so
	$(PIP_INSTALL) --no-build-isolation --editable '.[onnx,demo]'
	@touch $@

$(VENV)/.dev: $(VENV)/.created $(BUILT_FROM)
	@rm -f native/_kernels*.so
	$(PIP_INSTALL) --no-build-isolation --editable '.[dev]'
	@touch $(VENV)/.run $@

$(VENV)/.docs: $(VENV)/.dev
	$(PIP_INSTALL) --no-build-isolation --editable '.[docs]'
	@touch $@

$(VENV)/.created:
	@PYTHON='$(PYTHON)' sh native/preflight.sh
	@echo 'making $(VENV) (first run only)'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) $$($(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')
	@touch $@
