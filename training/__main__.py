"""``python -m training``: configures NumPy and OpenMP, then runs the command."""

import os
import sys

# before NumPy loads: there are as many processes as cores, each with one thread; before OpenMP
# loads: threads that wait leave the core to the processes that make mixtures
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}

if __name__ == "__main__":
    for _name, _value in _ENVIRONMENT.items():
        os.environ.setdefault(_name, _value)

    try:
        import torch  # noqa: F401
    except ImportError:
        sys.exit("Error: the training requires PyTorch; install it with: pip install '.[training]'")
    from training.command import main

    main(prog_name="python -m training")
