# The commands of this project; `make` lists them. Everything else is in scripts/ and in `nmt`.

.DEFAULT_GOAL := help

ARGS ?=
FIRST_RUN := --set training.epochs=5
IMAGE ?= attention-nmt:latest
# A worker for each processor, of which each loads TFX: 2 GB.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile
OUR_PACKAGES := pipeline components trainer serving text scripts benchmarks

.PHONY: help run test test-fast test-long test-flink test-serving lint format setup notebook docs audit pictures screenshots lock image clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: setup ## train, gate and push a first model, of 5 epochs; ARGS="--config multi30k" goes to `nmt run` instead
	.venv/bin/nmt run $(or $(ARGS),$(FIRST_RUN))

test: lint ## lint, types, and all tests but the long ones; ARGS="-k gate" goes to pytest
	.venv/bin/python -m pytest $(SIDE_BY_SIDE) -m "not long" $(ARGS)

test-fast: setup ## the tests that load neither TFX nor TensorFlow, in a minute
	.venv/bin/python -m pytest $(SIDE_BY_SIDE) --fast -m "not slow and not long" $(ARGS)

test-long: setup ## what is long and rare: the pipeline on Kubeflow's own runner, the notebook
	.venv/bin/python -m pytest $(SIDE_BY_SIDE) -m long $(ARGS)

test-flink: setup ## Beam's work on a Flink cluster of this machine, against DirectRunner's; needs Java and Maven
	.venv/bin/python scripts/fetch_flink.py
	scripts/loopback_only.sh .venv/bin/python -m pytest -m flink tests/end_to_end $(ARGS)

test-serving: setup ## our export and client with the real TensorFlow Serving, which TENSORFLOW_MODEL_SERVER names
	scripts/loopback_only.sh .venv/bin/python -m pytest tests/serving/test_tensorflow_serving.py \
	    tests/serving/test_differences.py $(ARGS)

lint: setup ## ruff (lint and format) and mypy, changing nothing
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(OUR_PACKAGES)

format: setup ## let ruff fix and format the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

setup: ## make .venv from requirements.lock; PYTHON=/path/to/python3.11 names the interpreter
	@scripts/bootstrap.sh

notebook: setup ## run notebooks/attention.py and write attention.ipynb with its outputs
	.venv/bin/python scripts/make_notebook.py

docs: ## build README and docs as a site in build/docs; a broken link fails
	@scripts/build_docs.sh

audit: ## list the locked packages in build/bom.json (CycloneDX) and ask for known vulnerabilities
	@scripts/audit.sh

pictures: setup ## draw the pictures of docs/ again, from the code
	.venv/bin/python -m scripts.draw_architecture
	.venv/bin/python -m scripts.draw_sentence_path
	.venv/bin/python -m scripts.draw_heatmap

screenshots: setup ## train a model of Multi30k, unless it is there, and take the screenshots of docs/ again
	.venv/bin/python -m scripts.take_screenshots --config multi30k $(FIRST_RUN) --set evaluation.min_bleu=30

lock: ## resolve pyproject.toml into requirements.lock; ARGS="--upgrade" takes newer versions
	@scripts/bootstrap.sh lock $(ARGS)

image: ## build the image for Kubeflow Pipelines, or print the commands; IMAGE=name:tag, GPU=1 adds NVIDIA's libraries, EXTRA=serve leaves out TFX
	@scripts/build_image.sh $(IMAGE) $(if $(GPU),--gpu) $(if $(EXTRA),--extra=$(EXTRA))

clean: ## remove .venv, tools and caches; the workspace stays
	rm -rf .venv .venv-audit .venv-docs .tools build scripts/farmhash/build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name .git -prune -o -name workspace -prune \
	    -o \( -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} +
