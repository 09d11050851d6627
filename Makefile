# make book   build the HTML book             make notebooks  re-execute every chapter in place
# make test   everything that CI runs         make pins       renew requirements.txt from pyproject.toml
# make lab    open the notebooks in JupyterLab   make benchmarks   measure the tables of the speed page
# make offline   the book as a zip of HTML and as one PDF, in dist/ (needs Chromium)
.DEFAULT_GOAL := help
.PHONY: help book offline test notebooks benchmarks pins lab clean

BIN := .venv/bin
READY := .venv/ready
# Two test workers share the machine with two chains each.
WORKERS ?= 2
# One BLAS thread: the models are small, and threads only get in each other's way.
export OMP_NUM_THREADS := 1

help:
	@sed -n 's/^# //p' Makefile | head -n 4
	@echo "make clean  remove what was built"

$(READY): requirements.txt pyproject.toml tools/venv.sh
	@sh tools/venv.sh
	@touch $@

book: $(READY)
	@start=$$(date +%s) && $(BIN)/jupyter-book build --quiet . >/dev/null && \
		echo "The book is built, in $$(($$(date +%s) - start)) s. Open it:" && \
		echo "file://$(CURDIR)/_build/html/index.html"

offline: book
	@$(BIN)/python tools/offline.py

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --nbval --numprocesses $(WORKERS) --dist loadfile --durations 10

notebooks: $(READY)
	@$(BIN)/python tools/notebooks.py

benchmarks: book
	@BHM_UTILS_PROGRESS=0 $(BIN)/python -m benchmarks

lab: $(READY)
	$(BIN)/jupyter lab book

pins: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --all-extras --upgrade \
		--custom-compile-command "make pins" pyproject.toml --output-file requirements.txt

clean:
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis
