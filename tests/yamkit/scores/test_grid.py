"""The time grid: the scores of cells, from those of the patches that cover them."""

from __future__ import annotations

import numpy as np

from yamkit.scores.grid import Cells, Grid

YAMNET = Grid(hop_samples=7680, window_samples=15600, sample_rate_hz=16000)


def test_cells_of_yamnet_are_the_mean_of_two_patches() -> None:
    cells = Cells(YAMNET)
    scores = np.array([[0.0], [1.0], [0.5]], np.float32)
    found = [*cells.update(scores), *cells.finish(15600 + 2 * 7680)]
    assert [float(each[0]) for each in found] == [0.0, 0.5, 0.75, 0.5, 0.5]
