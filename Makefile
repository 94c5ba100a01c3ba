# Everything that must pass, on whatever `python` is active:
# pip install '.[all,dev,training]' && make check

.PHONY: check fuzz fuzz-smoke
check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -n auto --cov

# Every parser of strangers' files is fed with changed ones, for an hour with a fresh seed, and for
# two minutes with the same one. What is found is in fuzz-findings/.
fuzz:
	python -m tests.fuzz --seconds 3600

fuzz-smoke:
	python -m tests.fuzz --seconds 120 --seed 1
