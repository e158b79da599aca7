# `make up` on a fresh machine installs everything and starts it; `make test` installs everything and tests it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := service,dashboard,oidc,embedded,train,onnx,openvino,prune,pictures,photographs,figures,search,docs,dev
# Of clients of the API; in a folder of its own, since it wants another typer.
GENERATOR := openapi-python-client==0.29.1
# A file stays in one process, so that what it starts is started once: tests/order.py.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# What is compiled is kept beside its source, or each of the many processes that tests start would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

GPU_DEVICE := cuda
GPU_BUDGET := 6m
GPU_OUT := gpu
GPU_NEEDS := numpy pydantic safetensors scikit-learn scipy timm typer

.DEFAULT_GOAL := help
.PHONY: help setup up quick test test-all nemesis check docs bench gpu compose-check clean

help:
	@echo "make setup   create $(VENV) and install into it"
	@echo "make up      the service and its pages, until Ctrl-C"
	@echo "make quick   the tests that start nothing and train nothing, after each edit"
	@echo "make test    every behaviour, as the CI does"
	@echo "make test-all  these, and more cases of the same"
	@echo "make nemesis MINUTES=3 SEED=1  all faults at once, on both databases; no SEED: another one each time"
	@echo "make check   formatting, lint, types, import contracts"
	@echo "make docs    the documentation as a site, in site/"
	@echo "make bench   how fast and how large it is here"
	@echo "make gpu     what only a GPU can show: checks, and a benchmark of 6 minutes"
	@echo "make compose-check  each command of docker/README.md in real containers, where an engine can run"
	@echo "make clean   remove $(VENV) and caches; results in .mgic stay"

setup: $(STAMP)

# torch and torchvision stand in one requirement list, so that pip chooses builds that fit each other.
$(STAMP): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "MGIC Lab needs Python 3.11 or newer" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --upgrade --target $(VENV)/share/client-generator $(GENERATOR)
	@touch $@

# exec: signals reach the service itself, no shell stands between.
up: setup
	@exec $(BIN)/mgic up

quick: setup
	@exec $(PYTEST) --quick

test: setup
	@exec $(PYTEST)

test-all: setup
	@exec $(PYTEST) -m ""

MINUTES := 3
nemesis: setup
	@exec $(BIN)/python -m tests.faults.nemesis --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup
	$(BIN)/python -m mkdocs build --strict --clean

bench: setup
	@exec $(BIN)/python -m tests.bench

# With the python of a machine that has a GPU and torch for it, whatever else is in it; WHEELS: a folder with what is missing.
gpu:
	@[ -z "$(WHEELS)" ] || $(PYTHON) -m pip install --quiet --no-index --find-links "$(WHEELS)" $(GPU_NEEDS)
	$(PYTHON) -m tests.gpu --device $(GPU_DEVICE) --out $(GPU_OUT)
	$(PYTHON) -m mgic benchmark --device $(GPU_DEVICE) --budget $(GPU_BUDGET) --out $(GPU_OUT)

# FOLDER keeps what an engine of its own has built, for the next time.
compose-check: setup
	@exec $(BIN)/python -m tests.containers $(FOLDER)

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
