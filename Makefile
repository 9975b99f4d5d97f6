# Everything a person does here. `make help` lists it. Needs Python >= 3.11, make and git; the rest is set up.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo mlflow test test-slow test-containers images image image-sizes lint format compile readmes lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything at the locked versions

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --no-deps --requirements requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --editable .
	$(BIN)/python -m leftright.data.detector_weights
	@touch $@

demo: setup ## the whole chain on the simulated world, up to the report; run again, only what changed
	$(BIN)/dvc repro
	@$(BIN)/leftright summary

mlflow: setup ## the tracking UI, to compare runs side by side: http://127.0.0.1:5000
	$(BIN)/mlflow ui --backend-store-uri sqlite:///mlflow.db

test: setup ## the fast tests
	$(BIN)/python -m pytest -m "not slow and not containers" -n 2 -q

test-slow: setup ## the tests that take longer
	$(BIN)/python -m pytest -m "slow and not containers" -q

test-containers: setup ## the tests that run the images, after `make images`
	$(BIN)/python -m pytest -m containers -q tests/containers

images: ## build all container images (docs/containers.md)
	$(PYTHON) containers/build

image: ## build one, and what it stands on: make image STAGE=filter
	$(PYTHON) containers/build $(or $(STAGE),$(error say which: make image STAGE=filter))

image-sizes: ## how large the images are, as a table
	@$(PYTHON) containers/build --sizes

lint: setup ## style, types, the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## mend the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compile: setup ## packages of the pipelines and components, for `kfp run create`: build/default, build/paper
	$(BIN)/python -m pipelines.compile build/default
	LEFTRIGHT_PARAMS=configs/paper.yaml LEFTRIGHT_RESOURCES=pipelines/resources/paper.yaml $(BIN)/python -m pipelines.compile build/paper

readmes: setup ## write the tables of parameters in the components' READMEs anew
	$(BIN)/python -m tests.contract.readme_tables

lock: setup ## choose versions anew, within pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-emit-index-url --output-file requirements.lock pyproject.toml

clean: ## remove results, caches and the environment; the DVC cache in .dvc/cache stays
	rm -rf .venv data metrics mlflow.db mlartifacts dvc_plots build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
