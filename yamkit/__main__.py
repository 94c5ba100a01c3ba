"""``python -m yamkit`` is ``yamkit``."""

from yamkit.cli import main

if __name__ == "__main__":
    main()
