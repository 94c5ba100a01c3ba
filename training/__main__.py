"""``python -m training``: sets the stage for NumPy and OpenMP, then runs the command."""

import os
import sys

# Before NumPy loads: there are as many processes as cores, each works on one. Before OpenMP does:
# who waits for another thread leaves the core to the processes that make mixtures.
_STAGE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

if __name__ == "__main__":
    for _name, _value in _STAGE.items():
        os.environ.setdefault(_name, _value)

    try:
        import torch  # noqa: F401
    except ImportError:
        sys.exit("Error: the training needs PyTorch; install it with: pip install '.[training]'")
    from training.command import main

    main(prog_name="python -m training")
