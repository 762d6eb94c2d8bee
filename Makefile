# The only commands to remember. `make help` explains them.
PYTHON ?= python3.11
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true
# The test files are dealt to processes in their order, so that those that take longest do not come last: to one process
# more than there are cores, because some of them mostly wait for a command.
DEALT = -n $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() + 1))') --dist loadfile --no-loadscope-reorder
LOCKS = $(wildcard requirements.txt requirements/*.txt infra/emr/bootstrap/*.txt)

# There are more processes than cores: threads of NumPy's would fight for them.
test test-all: export OPENBLAS_NUM_THREADS := 1
# Without compiled modules each of the processes, and all that they start, would compile every module anew.
test test-all: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format test-all faults tables lock audit docs screenshot bench clean

help: ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

setup: ## everything the project needs, in .venv and node_modules; needs only Python 3.11
	@$(PYTHON) -c '' 2>/dev/null || { printf 'error: The project requires Python 3.11, found no '\''%s'\''. [ORC-002]\nInstall Python 3.11 and name it: make PYTHON=/path/to/python3.11\n' '$(PYTHON)' >&2; exit 1; }
	@$(PYTHON) tools/set_up.py

demo: setup ## the whole way on a cloud on this machine, with drawn photos; WEIGHTS=FILE for your own weights
	@python -m infra.cli demo $(if $(WEIGHTS),--weights $(WEIGHTS))

test: setup check ## lint, types and the whole test suite but the slow campaigns
	@python -m pytest $(DEALT)

check: setup ## lint, format and types
	@ruff check .
	@ruff format --check .
	@mypy

format: setup ## put every file into the project's format
	@ruff check --fix-only --quiet .
	@ruff format --quiet .

test-all: setup check ## make test, and the slow campaigns
	@python -m pytest $(DEALT) -m 'slow or not slow'

faults: setup ## make every fault happen, and write the table of what became of each into docs/reliability.md
	@python -m pytest tests/faults -m 'slow or not slow' --write-faults

tables: setup ## write the tables of docs/security.md anew, from the calls that the tests make
	@ORCHARD_WRITE_TABLES=1 python -m pytest -q tests/localcloud/iam/test_rights.py

lock: setup ## write the locked requirements anew from requirements/*.in
	@python tools/lock.py

# To accept a finding, add `--ignore-vuln ID` with a comment that gives the reason and the date.
# --strict: a package that the service does not know has not passed.
audit: setup .audit ## look up every locked package among known vulnerabilities; needs PyPI's and npm's advisory services
	@status=0; .audit/bin/pip-audit --strict --disable-pip --progress-spinner off $(LOCKS:%=-r %) || status=1; npm audit || status=1; exit $$status

.audit: requirements/audit.txt
	@$(PYTHON) -m venv --clear $@
	@$@/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $< && touch $@

docs: setup ## write what the documentation takes from the code: error codes, index of decisions
	@python -m tools.documents

screenshot: demo ## photograph the demo's report for README; needs Chromium
	@python tools/screenshot.py

bench: setup ## measure the job on PHOTOS with WEIGHTS; bench/README.md says what and how
	@python -m bench.speed --photos '$(PHOTOS)' --weights '$(or $(WEIGHTS),random)' --page $(BENCH)

clean: ## remove what set-up and the demo made
	@rm -rf .venv .audit node_modules cdk.out demo
