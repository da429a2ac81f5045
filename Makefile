# make demo   score, prune and show the sample data; make test   lint, types and tests;
# make fuzz   the tests with damaged files, with a new seed and more damage;
# make docs   the documentation site in site/. Each creates the environment in .venv on its first
# run and works alone in a fresh clone; the site needs no PyTorch.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test fuzz docs format clean

demo: .venv/user
	rm -rf demo
	$(BIN)/noisefind score sample_data/digits -o demo/run
	$(BIN)/noisefind prune demo/run -o demo/pruned
	$(BIN)/noisefind report demo/run
	@echo
	@echo "Open demo/run/report.html in a browser. The injected errors are in sample_data/truth.csv."

test: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

fuzz: .venv/dev
	@seed=$${NOISEFIND_FUZZ_SEED:-$$(date +%s)}; number=$${NOISEFIND_FUZZ_MUTATIONS:-2000}; \
	echo "NOISEFIND_FUZZ_SEED=$$seed NOISEFIND_FUZZ_MUTATIONS=$$number make fuzz repeats this run."; \
	NOISEFIND_FUZZ_SEED=$$seed NOISEFIND_FUZZ_MUTATIONS=$$number $(BIN)/pytest -m fuzz --timeout 1800

docs: .venv/docs
	$(BIN)/python docs/llms_txt.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo
	@echo "Open site/index.html in a browser."

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv demo site

.venv/user: pyproject.toml
	@echo "Installing into .venv; PyTorch is large, so this takes some minutes."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/dev: .venv/user
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

.venv/docs: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*p['project']['optional-dependencies']['docs'], sep='\n')" > .venv/docs.txt
	$(BIN)/python -m pip install --quiet -r .venv/docs.txt
	touch $@
