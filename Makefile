# rollbot: everything a person or a machine does with this checkout.
# Needs Debian's python3 (>= 3.11) with venv, make and git; each target sets up the rest itself.

PYTHON ?= python3
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
UV := .cache/uv/bin/uv
SYNCED := $(VENV)/.synced
WHEELS ?= wheels
# Test files side by side: most of their time is waiting for engines and windows, not computing.
JOBS ?= 3
# Files in the order of the folders: the long ones first, so that none is left alone at the end.
PYTEST = $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

# uv must use the machine's Python and never fetch another one.
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)

.DEFAULT_GOAL := help
.PHONY: help setup demo test long lint engines cards bench faults wheels image

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SYNCED) ## Make .venv from uv.lock

$(UV):
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# The stamp is older than the lock when somebody changed the dependencies: sync again.
$(SYNCED): $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --python $(PYTHON)
	@touch $@

demo: $(SYNCED) ## Play a rollback on embedded parts
	$(BIN)/rollbot demo $(ARGS)

test: $(SYNCED) ## Run the tests that the engines on this machine allow
	$(PYTEST) -m "not long" $(ARGS)

long: $(SYNCED) ## Run the tests that tell again, in other combinations, what one of `test` tells
	$(PYTEST) -m long $(ARGS)

lint: $(SYNCED) ## Style, types, import directions, dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

engines: ## Install and start the real engines (as root, on Debian)
	scripts/engines

cards: $(SYNCED) ## Draw every card in both languages into docs/img
	$(BIN)/python -m tests.cards docs/img

bench: $(SYNCED) ## Measure against the bare runbook
	$(BIN)/python -m tests.bench $(ARGS)

faults: $(SYNCED) ## Kill things at random: SEED=, N= (200 is the long campaign)
	$(BIN)/python -m tests.faults.campaign $(if $(SEED),--seed $(SEED)) $(if $(N),--points $(N)) $(ARGS)

wheels: $(UV) ## The project and all it needs as wheels, for an image built without a network
	scripts/wheels $(WHEELS)

image: wheels ## One image for bot, worker and observer
	docker build --build-arg COMPOSE_VERSION="$$(cat wheels/bin/compose-version)" \
	    --tag rollbot:dev $(ARGS) .
