"""The network in PyTorch is the network that yamkit's backends run."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.small_recipe import CHANGES, RECIPE
from training.recipe import read_recipe
from yamkit.models.bundle import ModelBundle
from yamkit.networks import mobilenet_v1, parameter_count, weight_shapes
from yamkit.plugin import BackendOptions

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize("shape", [(24, 20), (96, 64), (25, 33)])
def test_canonical_weights_give_the_same_scores(shape, tiny: ModelBundle) -> None:
    from training.network import BATCH_NORM_EPSILON, Student
    from yamkit_numpy._backend import NumpyBackend

    torch.manual_seed(0)
    student = Student(0.25, 6)
    student.train()
    for _ in range(20):  # statistics of batch normalisation that are not those of the beginning
        student(torch.randn(8, *shape) * 2 + 1)
    with torch.no_grad():
        for parameter in student.parameters():
            if parameter.ndim == 1 and parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        student.classifier.weight.mul_(30)
        student.classifier.bias.add_(6)
    student.eval()
    weights = student.canonical_weights()
    layers = mobilenet_v1(0.25)
    assert {name: value.shape for name, value in weights.items()} == weight_shapes(layers, 6)

    class Model:
        name = "student"
        network = tiny.network
        classes = tiny.classes

        @staticmethod
        def load_weights():
            return weights

    assert tiny.network.batch_norm_epsilon == BATCH_NORM_EPSILON
    patches = np.random.default_rng(1).normal(0, 2, (5, *shape)).astype(np.float32)
    scores, _ = NumpyBackend(Model, BackendOptions(threads=1)).predict(patches)
    with torch.inference_mode():
        found = torch.sigmoid(student(torch.from_numpy(patches))).numpy()
    assert np.ptp(found) > 0.1
    np.testing.assert_allclose(found, scores, atol=1e-5)

    other = Student(0.25, 6)
    other.load_canonical_weights(weights)
    for name, value in other.canonical_weights().items():
        np.testing.assert_array_equal(value, weights[name], err_msg=name)
    other.eval()
    with torch.inference_mode():
        np.testing.assert_array_equal(torch.sigmoid(other(torch.from_numpy(patches))), found)


def test_what_is_trained_is_what_yamkit_counts() -> None:
    from training.network import Student

    student = Student(0.5, 521)
    trained = sum(p.numel() for p in student.parameters() if p.requires_grad)
    assert trained == parameter_count(mobilenet_v1(0.5), 521)


def test_the_loss_is_least_where_the_student_agrees() -> None:
    from training.losses import loss
    from training.stream import Examples

    plan = read_recipe(RECIPE, CHANGES).training
    wanted = Examples(torch.zeros(2, 24, 20), torch.tensor([[2.0, -3.0, 0.5], [-6.0, 1.0, -1.0]]))
    logits = wanted.logits.clone().requires_grad_()
    least = loss(logits, wanted, plan)
    least.backward()
    np.testing.assert_allclose(logits.grad, 0, atol=1e-6)
    for step in (-0.3, 0.3):
        for row in range(2):
            for column in range(3):
                other = wanted.logits.clone()
                other[row, column] += step
                assert loss(other, wanted, plan) > least


def test_the_loss_by_hand() -> None:
    import dataclasses

    from training.losses import loss
    from training.stream import Examples

    plan = dataclasses.replace(read_recipe(RECIPE).training, ranks_weight=0.0)
    wanted = Examples(torch.zeros(1, 1, 1), torch.tensor([[0.0, 0.0]]))
    logits = torch.tensor([[np.log(3.0), 0.0]])
    each = -0.5 * (np.log(3 / 4) + np.log(1 / 4)) + np.log(2)
    assert float(loss(logits, wanted, plan)) == pytest.approx(each)
    # softmax at temperature 2: the student's odds are the square root of 3 to 1
    odds = np.array([np.sqrt(3.0), 1.0]) / (1 + np.sqrt(3.0))
    divergence = float(np.sum(0.5 * np.log(0.5 / odds)))
    plan = dataclasses.replace(plan, ranks_weight=1.5, temperature=2.0)
    assert float(loss(logits, wanted, plan)) == pytest.approx(each + 1.5 * 4 * divergence)


def test_the_learning_rate_rises_and_falls() -> None:
    from training.run import learning_rate

    plan = read_recipe(RECIPE).training
    rates = [learning_rate(step, plan) for step in range(plan.steps)]
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(plan.learning_rate)
    assert peak == pytest.approx(plan.steps * plan.warmup_share, abs=2)
    assert np.all(np.diff(rates[: peak + 1]) > 0)
    assert np.all(np.diff(rates[peak + 1 :]) < 0)
    assert rates[-1] < plan.learning_rate * 1e-6
