# Everything that must pass, on whatever `python` is active:
# pip install '.[all,dev,training]' && make check

.PHONY: check
check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -n auto --cov

# The tests that need no large engine and take no minutes:
# pip install '.[calibrate,mic,parquet,plots,remote,resampy,test]' && make fast
.PHONY: fast
fast:
	pytest -n auto -m "not matrix and not ray and not tensorflow and not torch"
