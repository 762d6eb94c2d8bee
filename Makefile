# `make help` explains the targets.
PYTHON ?= python3.11
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true
# Keep the order of the test files, so that the slowest do not come last. One process more than there are cores, because
# some tests mostly wait for a command.
DEALT = -n $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() + 1))') --dist loadfile --no-loadscope-reorder
LOCKS = $(wildcard requirements.txt requirements/*.txt infra/emr/bootstrap/*.txt)

# There are more processes than cores: NumPy's threads would compete for them.
test test-all: export OPENBLAS_NUM_THREADS := 1
# Write compiled modules: otherwise every process, and all that they start, compiles every module again.
demo test test-all: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format test-all faults tables lock audit docs notebook screenshot bench clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1|/' | column -t -s '|'

setup: ## install everything into .venv and node_modules; requires Python 3.11
	@$(PYTHON) -c '' 2>/dev/null || { printf 'error: The project requires Python 3.11, found no '\''%s'\''. [ORC-002]\nInstall Python 3.11 and name it: make PYTHON=/path/to/python3.11\n' '$(PYTHON)' >&2; exit 1; }
	@$(PYTHON) tools/set_up.py

demo: setup ## run the whole pipeline on a local cloud with sample photos; WEIGHTS=FILE uses your weights
	@python -m infra.cli demo $(if $(WEIGHTS),--weights $(WEIGHTS))

test: setup check ## lint, check types and run all tests except slow ones
	@python -m pytest $(DEALT)

check: setup ## lint, check format and types
	@ruff check .
	@ruff format --check .
	@mypy

format: setup ## format every Python file
	@ruff check --fix-only --quiet .
	@ruff format --quiet .

test-all: setup check ## like test, with slow tests
	@python -m pytest $(DEALT) -m 'slow or not slow'

faults: setup ## cause every fault, and write the table of outcomes in docs/reliability.md
	@python -m pytest tests/faults -m 'slow or not slow' --write-faults

tables: setup ## rewrite the tables of docs/security.md from the calls that tests make
	@ORCHARD_WRITE_TABLES=1 python -m pytest -q tests/localcloud/iam/test_rights.py

lock: setup ## rewrite the locked requirements from requirements/*.in
	@python tools/lock.py

# To accept a finding, add `--ignore-vuln ID` with a comment that gives the reason and the date.
# --strict: a package that the service does not know has not passed.
audit: setup .audit ## look up locked packages among known vulnerabilities; needs PyPI's and npm's advisory services
	@status=0; .audit/bin/pip-audit --strict --disable-pip --progress-spinner off $(LOCKS:%=-r %) || status=1; npm audit || status=1; exit $$status

.audit: requirements/audit.txt
	@$(PYTHON) -m venv --clear $@
	@$@/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $< && touch $@

# The kernel is .venv, so Jupyter's own packages stay out of it.
notebook: setup .jupyter ## open notebooks/orchard.ipynb in JupyterLab, with .venv as its kernel
	@.jupyter/bin/jupyter lab notebooks/orchard.ipynb

.jupyter: requirements/notebook.txt
	@uv venv --quiet --clear --python $(PYTHON) $@
	@uv pip install --quiet --python $@ --no-deps --require-hashes -r $<
	@JUPYTER_PATH=$@/share/jupyter python -m ipykernel install --prefix $@ --name python3 --display-name Orchard >/dev/null && touch $@

docs: setup ## generate docs/troubleshooting.md and the index of decisions
	@python -m tools.documents

screenshot: demo ## take the README's screenshot of the demo's report; needs Chromium
	@python tools/screenshot.py

bench: setup ## measure the job: PHOTOS=FOLDER WEIGHTS=FILE; see bench/README.md
	@python -m bench.speed --photos '$(PHOTOS)' --weights '$(or $(WEIGHTS),random)' --page $(BENCH)

clean: ## delete what set-up and the demo created
	@rm -rf .venv .audit .jupyter node_modules cdk.out demo
