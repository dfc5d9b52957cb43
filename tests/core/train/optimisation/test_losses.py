import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torchvision.ops import sigmoid_focal_loss

from core.config import TrainConfig
from core.train.optimisation.losses import class_weights, loss_of, soft_bce, soft_focal, weighted_kl
from core.train.targets import soft_kl

HARD = torch.eye(2)[[0, 1, 1, 0, 1]]
ROWS = st.lists(st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.floats(0, 1)), min_size=1, max_size=6)


def made(rows):
    logits = torch.tensor([row[:2] for row in rows], dtype=torch.float32)
    return logits, torch.tensor([[1 - row[2], row[2]] for row in rows], dtype=torch.float32)


def logits(seed=0):
    return torch.randn(5, 2, generator=torch.Generator().manual_seed(seed)) * 3


def test_class_weights_are_scikit_learns_balanced_ones():
    labels = np.array([0] * 30 + [1] * 10)
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=labels)
    assert np.allclose(class_weights(np.eye(2)[labels]), expected)
    assert class_weights(np.full((7, 2), 0.5)).tolist() == [1, 1]


def test_binary_cross_entropy_is_torchs_on_the_log_odds():
    z, soft = logits(), torch.tensor([0.1, 0.9, 1.0, 0.0, 0.4])
    expected = F.binary_cross_entropy_with_logits(z[:, 1] - z[:, 0], soft)
    assert soft_bce(z, torch.stack([1 - soft, soft], 1)) == pytest.approx(float(expected), rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_binary_cross_entropy_and_soft_kl_have_one_gradient(rows):
    z, targets = made(rows)
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    soft_bce(one, targets).backward()
    soft_kl(two, targets).backward()
    assert torch.allclose(one.grad, two.grad, atol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_the_focal_loss_is_torchvisions_on_hard_labels(gamma):
    z = logits()
    expected = sigmoid_focal_loss(z[:, 1] - z[:, 0], HARD[:, 1], alpha=-1, gamma=gamma, reduction="mean")
    assert soft_focal(z, HARD, gamma) == pytest.approx(float(expected), rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(ROWS, st.floats(0.1, 5), st.floats(0.1, 5))
def test_class_weights_are_torchs_in_every_loss(rows, w0, w1):
    z, targets = made(rows)
    weights = torch.tensor([w0, w1])
    cross = F.cross_entropy(z, targets, weight=weights)
    entropy = (-torch.xlogy(targets, targets) * weights).sum() / len(z)
    assert soft_bce(z, targets, weights) == pytest.approx(float(cross), rel=1e-4, abs=1e-5)
    assert soft_focal(z, targets, 0.0, weights) == pytest.approx(float(cross), rel=1e-4, abs=1e-5)
    assert weighted_kl(z, targets, weights) == pytest.approx(float(cross - entropy), rel=1e-4, abs=2e-5)


@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_losses_are_finite_with_a_finite_gradient_where_the_answer_is_certain(loss):
    z = torch.tensor([[-200.0, 200.0], [200.0, -200.0]]).requires_grad_()
    value = loss_of(TrainConfig(loss=loss), HARD.numpy(), torch.device("cpu"))(z, torch.tensor([[0.0, 1.0]] * 2))
    value.backward()
    assert value.isfinite() and z.grad.isfinite().all()


def test_the_settings_choose_the_loss_and_its_weights():
    z, targets, device = logits(), torch.eye(2)[[0, 0, 0, 1, 1]], torch.device("cpu")
    weights = torch.tensor([5 / 6, 5 / 4])

    def found(**more):
        return float(loss_of(TrainConfig(**more), targets.numpy(), device)(z, targets))

    assert loss_of(TrainConfig(), targets.numpy(), device) is soft_kl
    assert found(class_weight="balanced") == pytest.approx(float(weighted_kl(z, targets, weights)))
    assert found(loss="bce", class_weight="balanced") == pytest.approx(float(soft_bce(z, targets, weights)))
    assert found(loss="focal", focal_gamma=3) == pytest.approx(float(soft_focal(z, targets, 3.0)))
