"""What the student is measured by while it learns.

G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015: soft targets,
and the temperature that brings out what a network thinks of the classes it does not choose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812

if TYPE_CHECKING:
    from training.recipe import Training
    from training.stream import Examples

__all__ = ["loss"]


def loss(logits: torch.Tensor, wanted: Examples, plan: Training) -> torch.Tensor:
    """Compare a batch with what the teacher says.

    The sum of the binary cross-entropy of the scores, over all classes, and, weighted by the plan,
    the Kullback-Leibler divergence of the softmax of the logits at a temperature. A score says how
    sure the teacher is of a class by itself; the softmax says which class comes before which, down
    to those it hardly hears.

    Parameters
    ----------
    logits : Tensor [B, C]
    wanted : Examples
    plan : Training
    """
    scores = torch.sigmoid(wanted.logits)
    temperature = plan.temperature
    each = F.binary_cross_entropy_with_logits(logits, scores, reduction="sum") / len(logits)
    ranks = F.kl_div(
        F.log_softmax(logits / temperature, 1),
        F.log_softmax(wanted.logits / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    # the gradient of a softmax falls with the square of its temperature
    return each + plan.ranks_weight * temperature**2 * ranks
