# make train   set up, train the default classifier, show who stands where in an example article
#              (goes on with an unfinished run; make train TRAIN=--overwrite starts anew)
# make test    set up, lint, check types, run the tests
# make data-check   check and describe the labelled corpus and the challenge sets, then the baselines it must not be solved by

PYTHON ?= python3
TRAIN ?= --resume
BIN := .venv/bin
CORPUS := data/corpus/train.jsonl data/corpus/validation.jsonl data/corpus/test.jsonl
CHALLENGE := $(wildcard data/challenge/*.jsonl)

.PHONY: train test data-check clean

train: .venv/.installed
	$(BIN)/python scripts/train.py configs/default.yaml $(TRAIN)
	@echo
	@echo "Who stands where in data/examples/guarantee-talks.txt:"
	@$(BIN)/python scripts/analyze.py runs/default data/examples/guarantee-talks.txt

test: .venv/.installed build/types/actorstance
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=build/types $(BIN)/mypy -p actorstance
	HF_HUB_OFFLINE=1 $(BIN)/pytest

data-check: .venv/.installed
	$(BIN)/python scripts/check_data.py $(CORPUS) --challenge $(CHALLENGE) --adjudicated data/adjudicated.jsonl
	$(BIN)/python scripts/baselines.py configs/default.yaml --only majority 'actor alone' 'target alone' 'query alone' 'text alone'

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "actorstance needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Name one: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[offline,dev]'
	@touch $@

# mypy can't follow setuptools' package-dir mapping: show it the folders under the names they are imported by
build/types/actorstance: Makefile
	mkdir -p $@
	for part in data models training configs; do ln -sfn ../../../$$part $@/$$part; done

clean:
	rm -rf .venv build dist *.egg-info
