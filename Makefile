# make demo    a video of lips saying a sentence, made by a model fitted here; about 5 minutes after installation
# make test    all tests;   make check    ruff and mypy
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test check clean

demo: $(INSTALLED)
	rm -rf demo
	$(BIN)/lipdata demo demo/corpus
	$(BIN)/lipdata ingest demo/corpus -o demo/shards
	$(BIN)/lipmodel fit demo/shards -o demo/run --preset tiny
	$(BIN)/lipmodel generate demo/run --image demo/corpus/s33/*.mpg --audio demo/corpus/s33/*.mpg -o demo/lips.mp4

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
