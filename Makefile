# Everything that must pass, on whatever `python` is active:
# pip install '.[all,dev,training]' && make check

.PHONY: check
check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -n auto --cov

# Every parser of strangers' files is fed with changed ones, for an hour with a fresh seed, and for
# two minutes with the same one. What is found is in fuzz-findings/.
.PHONY: fuzz fuzz-smoke
fuzz:
	python -m tests.fuzz --seconds 3600

fuzz-smoke:
	python -m tests.fuzz --seconds 120 --seed 1

# The tests that need no large engine and take no minutes:
# pip install '.[calibrate,mic,parquet,plots,remote,resampy,test]' && make fast
.PHONY: fast
fast:
	pytest -n auto -m "not matrix and not ray and not tensorflow and not torch"
