# Each target runs on whatever `python` is active. PYTEST holds more arguments for pytest:
# make test PYTEST=tests/yamkit/audio

LIGHT = not slow and not ray and not tensorflow and not torch

# The tests that need no large engine and little time: pip install '.[test]' && make test
.PHONY: test
test:
	pytest -n auto -m "$(LIGHT) and not long" $(PYTEST)

# The same, with those that take seconds each: CI runs them on a second Python.
.PHONY: light
light:
	pytest -n auto -m "$(LIGHT)" $(PYTEST)

# Everything that must pass: pip install '.[all,dev,training]' && make check
.PHONY: check lint suite
check: lint suite

lint:
	ruff check .
	ruff format --check .
	mypy
	lint-imports

suite:
	pytest -n auto --dist loadgroup --cov $(PYTEST)

# Every parser of files from strangers is fed with changed files, for an hour with a fresh seed, or
# with the same few thousand every time. What is found is in fuzz-findings/.
.PHONY: fuzz fuzz-smoke
fuzz:
	python -m tests.fuzz --seconds 3600

fuzz-smoke:
	python -m tests.fuzz --inputs 2500 --seed 1
