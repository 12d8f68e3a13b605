# Two commands matter: `make demo` (try it) and `make test` (check it). Both set everything up themselves in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Not compiled beforehand: of twenty thousand modules a few thousand are ever imported, and those are then.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
JOBS ?= 2

.DEFAULT_GOAL := install
.PHONY: install demo test pytest lint browser desktop bench clean

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, found $$($(PYTHON) --version). Set it with: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	# What Python brings may be years old, and take a quarter of an hour to find out which versions fit together.
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV): about three minutes, and 6 GB of disk with PyTorch for GPUs ..."
	$(INSTALL) -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV), with what the tests need ..."
	$(INSTALL) -e '.[all,dev]'
	@touch $(VENV)/.installed $@

install: $(VENV)/.installed

# Ends by itself where nobody looks: without a terminal, or with WORKBENCH_NO_BROWSER.
demo: install
	$(BIN)/workbench demo
	@if [ -t 1 ] && [ -z "$$WORKBENCH_NO_BROWSER" ]; then $(BIN)/workbench serve --project demo; fi

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The tests of the pages drive the system's own Chromium.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } || \
		{ echo "The tests need Chromium. Install it, on Debian or Ubuntu: sudo apt-get install chromium"; exit 2; }

# Those of labelme work the program itself, on a virtual screen.
DESKTOP := xvfb xdotool libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-xinerama0 \
	libxkbcommon-x11-0 libxcb-shape0 libxcb-randr0 libxcb-util1 libgl1
desktop: | browser  # two apt-get at once would fight for one lock
	@{ command -v Xvfb && command -v xdotool && ldconfig -p | grep -q libxcb-icccm; } >/dev/null || \
		{ command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(DESKTOP); } || \
		{ echo "The tests of labelme need a virtual screen. On Debian or Ubuntu: sudo apt-get install $(DESKTOP)"; exit 2; }

# What waits for the network and what waits for a core go side by side.
test:
	@$(MAKE) --no-print-directory --jobs=2 lint pytest

pytest: $(VENV)/.installed-dev browser desktop
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

bench: $(VENV)/.installed-dev
	$(INSTALL) -e '.[bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
