# Everything a newcomer needs: `make demo` and `make test`.
VENV := .venv
PYTHON ?= python3
ROUNDS ?= 10
SEED ?= 1
SCHEDULES ?= 1000
REPORT ?= $@.json
SCREENSHOTS ?= screenshots
BROWSERS ?= $(if $(QUANZU_QUIET),0,3)
QUIX := tests/tools/bench/peers
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMP := $(VENV)/.installed
# The time that is written into what is built: that of the last commit.
EPOCH = $(shell git log -1 --format=%ct)
# Most tests wait for servers most of the time: more of them run at once than there are cores.
AT_ONCE ?= $(shell expr 2 '*' `nproc`)
# Hundreds of Python processes are started: none should compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo check pure test long again browser pictures docs simulation chaos bench bench-full bench-kept lint lock sbom audit release images up down clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/quanzu demo

test: setup
	$(BIN)/python -m pytest -n $(AT_ONCE) -m "not long"

# The longest tests: a second round of chaos and its mutations, every page of the console for every role, ...
long: setup
	QUANZU_SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest -n $(AT_ONCE) -m long tests tests/browser

# What failed in the last run, once more and one at a time: beside others, a wait for a real server may be too short.
again: setup
	$(BIN)/python -m tests.tools.runs.again

# While one works: lint, types and the pure tests, which need no server.
check: setup
	$(MAKE) --jobs 2 --output-sync=target --no-print-directory lint pure

pure: setup
	$(BIN)/python -m pytest -n `nproc` -m "not long" tests/domain tests/schemas

# The console in a real browser; pictures of every page go to SCREENSHOTS.
browser: setup
	QUANZU_SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest -n $(BROWSERS) -m "not long" tests/browser

# The pictures of docs/console/pictures.md, from a demo that stands still: Chromium and some minutes.
pictures: setup
	$(BIN)/python -m tests.browser.pictures docs/console/pictures

# The documentation as a site, in site/. What of it is generated, `quanzu admin documents` writes; a test compares.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# SCHEDULES orders of faults, drawn by seeds from SEED on, on the real code in one deterministic loop. A report that is
# there is added to. `python -m tests.simulation --seed …` tells one of them, `--mutation all` finds what is worse.
simulation: setup
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation --schedules $(SCHEDULES) --seed $(SEED) --report $(REPORT) $(if $(SECONDS),--seconds $(SECONDS))

# ROUNDS rounds of a province whose workers, servers, carriers and networks fail; `make chaos SEED=… ROUNDS=1` replays one.
# A report that is there is added to.
chaos: setup
	$(BIN)/python -m tests.tools.chaos --rounds $(ROUNDS) --seed $(SEED) --report $(REPORT) $(if $(filter 1,$(ROUNDS)),,--mutations)

# What the line costs, and whether each bar is met: `make bench REPORT=bench.json` in ten minutes, all of it in hours.
bench: setup
	$(BIN)/python -m tests.tools.bench --short --report $(REPORT)

bench-full: setup
	$(BIN)/python -m tests.tools.bench --report $(REPORT)

# Whether core and screening cost at most 1.3 times what was kept (tests/tools/bench/kept.toml), in CPU time by a yardstick's.
bench-kept: setup
	$(BIN)/python -m tests.tools.bench.kept

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.tools.structure
	$(BIN)/python -m deploy.supply.licences

# The lock names no registry: hashes say what a package is, wherever it comes from.
lock:
	$(UV) pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file requirements.lock
	$(UV) pip compile pyproject.toml --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file deploy/requirements.lock
	printf 'hatchling\n' | $(UV) pip compile - --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file deploy/build.lock
	$(UV) pip compile $(QUIX)/quix.in --override $(QUIX)/quix-overrides.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --output-file $(QUIX)/quix.lock

# What Quanzu is made of, in CycloneDX.
sbom: setup
	SOURCE_DATE_EPOCH=$(EPOCH) $(BIN)/python -m deploy.supply.sbom quanzu.cdx.json

# Whether a package of the image is known to be vulnerable. It needs pip-audit and a network, and fails without.
audit: setup
	$(BIN)/python -m deploy.supply.audit

# A signed release in dist/: `make release KEY=~/.ssh/release`. docs/how-to/release.md. Where there is no network, AUDITED says
# who ran `make audit` on this lock elsewhere, and when.
release: setup $(if $(AUDITED),,audit)
	rm -rf dist && mkdir dist
	SOURCE_DATE_EPOCH=$(EPOCH) $(BIN)/python -m hatchling build --target wheel --directory dist
	SOURCE_DATE_EPOCH=$(EPOCH) $(BIN)/python -m deploy.supply.sbom dist/quanzu.cdx.json
	cp deploy/requirements.lock deploy/build.lock dist
	echo "$(or $(AUDITED),make audit found no known vulnerability)" >dist/AUDIT
	deploy/release.sh sign dist $(KEY)

# The images of deploy/compose.yaml, with stand-ins for those of others, where no registry can be reached; with one:
# docs/deploying.md, "Images". Needs root, podman, buildah, mmdebstrap and maven.
images: setup
	deploy/images/build.sh

# The installation of deploy/compose.yaml on this machine: returns once it is ready. ARGUMENTS=--volumes: down with its data.
up: setup
	deploy/stack.sh up

down:
	deploy/stack.sh down $(ARGUMENTS)

clean:
	rm -rf $(VENV) data site dist quanzu.cdx.json .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
