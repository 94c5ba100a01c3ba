# Everything that must pass, on whatever `python` is active:
# pip install '.[all,dev,training]' && make check

.PHONY: check
check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest -n auto --cov
