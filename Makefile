# make demo      real clips -> shards -> a model fitted here -> a video; two to five minutes after installation
# make test      the fast tests, ruff, mypy and import-linter: under 5 minutes;   make test-all    all tests
# make check     ruff, mypy and import-linter alone;   make docs    the site, into site/
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

# The full model makes its lips move after some ten minutes on two cores; by its pixel loss alone it does so in three.
PIXELS_ALONE := --l-corr 0 --l-perc 0 --l-gen 0 --flow-steps 1 --autoencoder-steps 1

.PHONY: demo test test-all check docs clean

demo: $(INSTALLED)
	rm -rf demo
	$(BIN)/lipdata demo demo
	$(BIN)/lipdata ingest demo/grid --manifest demo/grid/manifest.csv -o demo/shards
	$(BIN)/lipdata show demo/shards s1/bbaf2n -o demo/s1-bbaf2n.png
	$(BIN)/lipmodel fit demo/shards -o demo/run --preset tiny $(PIXELS_ALONE)
	$(BIN)/lipmodel generate demo/run --image demo/grid/faces/s1.png --audio demo/grid/s23/lrwp9a.mpg -o demo/lips.mp4
	@echo "demo/lips.mp4: s1 says \"lay red with p nine again\" after the voice of s23, which the model never heard"

test: check
	$(BIN)/pytest -m "not slow"

test-all: check
	$(BIN)/pytest --cov=lipdata --cov=lipmodel --cov-report=term:skip-covered

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(INSTALLED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(INSTALLED): setup.cfg constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,dev,docs]'
	touch $@

clean:
	rm -rf .venv demo site
