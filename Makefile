# make demo    a video of lips saying a sentence, made by a model fitted here; about 5 minutes after installation
# make test    all tests;   make check    ruff and mypy
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

# The full model makes its lips move after some ten minutes on two cores; by its pixel loss alone it does so in three.
PIXELS_ALONE := --l-corr 0 --l-perc 0 --l-gen 0 --flow-steps 1 --autoencoder-steps 1

.PHONY: demo test check clean

demo: $(INSTALLED)
	rm -rf demo
	$(BIN)/lipdata demo demo/corpus
	$(BIN)/lipdata ingest demo/corpus -o demo/shards
	$(BIN)/lipmodel fit demo/shards -o demo/run --preset tiny $(PIXELS_ALONE)
	$(BIN)/lipmodel generate demo/run --image demo/corpus/faces/s1.png --audio demo/corpus/s33/brad5n.mpg -o demo/lips.mp4
	@echo "demo/lips.mp4: s1 says \"bin red at d five now\" after the voice of s33, which the model never heard"

test: check
	$(BIN)/pytest --cov=lipdata --cov=lipmodel --cov-report=term:skip-covered

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): setup.cfg constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,dev]'
	touch $@

clean:
	rm -rf .venv demo
