# Everything starts here: `make demo` and `make test` set up a fresh machine by themselves.
#
# One pip resolution with pinned versions: installing torch first and another package that
# needs torchvision later would replace torch. The constraints are written into the virtual
# environment too, so that a later `.venv/bin/pip install ...` keeps to them.

PYTHON ?= python3
PYTEST_ARGS ?= --numprocesses auto --dist loadfile

VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo test check pytest lint types claims docs docs-serve pictures format install dev clean

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(INSTALLED) ## Set up, then select from real images and say why
	$(BIN)/selectlab demo

test: lint types pytest ## Set up, then run everything that CI runs: lint, types, tests
check: test ## The same

pytest: $(INSTALLED_DEV) ## Only the tests, such as: make pytest PYTEST_ARGS="-m 'not slow'"
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(INSTALLED_DEV) ## ruff, format and rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED_DEV) ## mypy --strict
	$(BIN)/mypy

claims: $(INSTALLED_DEV) ## Measure every claim at its smallest size, without outside data
	$(BIN)/python -m benchmarks run --size small --check

docs: $(INSTALLED_DEV) ## Build the documentation into ./site; open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

docs-serve: $(INSTALLED_DEV) ## Serve the documentation, and build it anew as it changes
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

pictures: $(INSTALLED_DEV) ## Take the pictures of the documentation anew
	SELECTLAB_PICTURES=docs/pictures $(BIN)/python -m pytest tests/test_docs_pictures.py -k taken

format: $(INSTALLED_DEV) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(INSTALLED) ## Only set up, to use it
dev: $(INSTALLED_DEV) ## Only set up, to work on it

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	$(call environment)
	$(call pip_install,.)
	@touch $@

$(INSTALLED_DEV): pyproject.toml $(CONSTRAINTS)
	$(call environment)
	$(call pip_install,.[dev])
	@touch $(INSTALLED) $@

# pip splits the option at spaces, so a path with spaces cannot be written down.
define environment
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@case "$(CURDIR)" in *" "*) ;; *) \
	  $(BIN)/pip --quiet config --site set install.constraint "$(CURDIR)/$(CONSTRAINTS)" ;; esac
endef

define pip_install
	@echo "installing selectlab into $(VENV), once; a minute or two"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint $(CONSTRAINTS) --editable '$(1)'
endef

clean: ## Remove the virtual environment, caches and what builds leave behind
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
