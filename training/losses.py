"""The loss of the student.

G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015: soft targets,
and a temperature that emphasises the classes with low scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812

if TYPE_CHECKING:
    from training.recipe import Training
    from training.stream import Examples

__all__ = ["loss"]


def loss(logits: torch.Tensor, expected: Examples, plan: Training) -> torch.Tensor:
    """Return the loss of a batch against the teacher.

    The sum of the binary cross-entropy of the scores over all classes and, weighted by the plan,
    the Kullback-Leibler divergence of the softmax of the logits at a temperature. The scores
    compare each class separately; the softmax compares the order of the classes, including those
    with low scores.

    Parameters
    ----------
    logits : Tensor [B, C]
    expected : Examples
    plan : Training
    """
    scores = torch.sigmoid(expected.logits)
    temperature = plan.temperature
    each = F.binary_cross_entropy_with_logits(logits, scores, reduction="sum") / len(logits)
    ranks = F.kl_div(
        F.log_softmax(logits / temperature, 1),
        F.log_softmax(expected.logits / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )
    # the gradient of a softmax falls with the square of its temperature
    return each + plan.ranks_weight * temperature**2 * ranks
