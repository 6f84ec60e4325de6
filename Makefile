# Homeward's commands. `make` alone lists them. Needs python3 (3.11 or later), pip and make; nothing else.

PYTHON ?= python3
PORT   ?= 8000
HOST   ?= 127.0.0.1
# Test processes side by side; 0 runs them in one.
JOBS   ?= 2
# More arguments for pytest: make test ARGS="tests/test_pay.py -k overtime"
ARGS   ?=

VENV := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run test lint format messages requirements audit clean venv venv-dev

help:  ## List these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-20s %s\n", $$1, $$2 }'

run: venv  ## Start everything and load the demo; stop with Ctrl-C (PORT=8001, HOST=0.0.0.0)
	@exec $(VENV) -m config.run --port "$(PORT)" --host "$(HOST)"

test: venv-dev  ## The whole suite, on a real PostgreSQL and Redis (JOBS=2, ARGS="-k claim")
	@HOMEWARD_ENV=test $(VENV) -m pytest -n $(JOBS) $(ARGS)

lint: venv-dev  ## ruff, mypy with django-stubs, djade: look only, change nothing
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@git ls-files -z 'templates/*.html' | xargs -0 -r .venv/bin/djade --target-version 5.2 --check

format: venv-dev  ## Let ruff and djade put files into shape
	@$(VENV) -m ruff check --fix-only --quiet .
	@$(VENV) -m ruff format .
	@git ls-files -z 'templates/*.html' | xargs -0 -r .venv/bin/djade --target-version 5.2

# Keywords: Django's lazy twins of the functions that Babel knows by itself.
BABEL := $(VENV) -m babel.messages.frontend
messages: venv-dev  ## Read the sentences of the source into locale/, and compile what is translated
	@pot=$$(mktemp) && trap 'rm -f $$pot' EXIT && \
	  $(BABEL) --quiet extract --mapping-file config/babel.cfg --keywords gettext_lazy --keywords gettext_noop \
	    --keywords ngettext_lazy:1,2 --keywords pgettext_lazy:1c,2 --sort-by-file --add-location file \
	    --output-file $$pot . && \
	  $(BABEL) --quiet update --input-file $$pot --output-dir locale --domain django --no-fuzzy-matching --ignore-obsolete \
	    --ignore-pot-creation-date --width 110 && \
	  $(BABEL) compile --directory locale --domain django --statistics

requirements: venv-dev  ## Compile requirements*.in into pins with hashes (UPGRADE=1 for newer releases)
	@for file in requirements requirements-dev; do \
	  $(VENV) -m uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url \
	    --no-emit-find-links --custom-compile-command "make requirements" $(if $(UPGRADE),--upgrade) \
	    $$file.in --output-file $$file.txt || exit 1; \
	done

audit: venv-dev  ## Known holes in what we pin
	@$(VENV) -m pip_audit --disable-pip --require-hashes -r requirements.txt -r requirements-dev.txt

clean:  ## Remove the environment and the caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# The environment is filled again only when the pins it was filled from differ. Installing with the pip outside keeps
# this working where python3 comes without ensurepip (Debian's python3-venv). Everything is pinned, so pip need not look at
# dependencies, and Python compiles what it imports when it does. Umask: others may read it (config/servers.py says why).
define fill
	@cat $(1) | cmp -s - .venv/filled-from-$(2) || { umask 022 && \
	  $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Homeward needs Python 3.11 or later; $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.11 ...")' && \
	  { test -x $(VENV) || $(PYTHON) -m venv --without-pip .venv; } && \
	  echo "Installing $(1) into .venv (half a minute) ..." && \
	  $(PYTHON) -m pip --python $(VENV) install --quiet --disable-pip-version-check --no-compile --no-deps \
	    --require-hashes $(foreach file,$(1),-r $(file)) && \
	  cat $(1) > .venv/filled-from-$(2); }
endef

# The planner's inner loops are compiled here, so that the first evening does not wait for them.
venv:
	$(call fill,requirements.txt,run)
	@test .venv/kernels-ready -nt deliveries/planner/kernels.py || { echo "Compiling the planner's inner loops ..." && \
	  $(VENV) -m deliveries.planner --warm && touch .venv/kernels-ready; }

venv-dev: venv
	$(call fill,requirements-dev.txt,dev)
