# make demo   score, prune and show the sample data; make test   lint, types and tests.
# Each creates the environment in .venv on its first run; both work alone in a fresh clone.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test format clean

demo: .venv/user
	rm -rf demo
	$(BIN)/noisefind score sample_data/digits -o demo/run
	$(BIN)/noisefind prune demo/run -o demo/pruned
	$(BIN)/noisefind report demo/run
	@echo
	@echo "Open demo/run/report.html in a browser. What was planted is in sample_data/truth.csv."

test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv demo

.venv/user: pyproject.toml
	@echo "Installing into .venv; PyTorch is large, so this takes some minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/dev: .venv/user
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
