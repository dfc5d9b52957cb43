import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from sklearn.utils.class_weight import compute_class_weight
from torchvision.ops import sigmoid_focal_loss

from core.config import TrainConfig
from core.train.optimisation.losses import (
    class_weights,
    loss_of,
    smooth_f1_loss,
    soft_bce,
    soft_focal,
    weighted_kl,
)
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


def of_probs(*probs):
    """Logits with these probabilities of landslide."""
    p = torch.tensor(probs, dtype=torch.float64)
    return torch.stack([torch.zeros_like(p), torch.logit(p)], 1)


def soft(*shares):
    t = torch.tensor(shares)
    return torch.stack([1 - t, t], 1)


def test_smooth_f1_by_hand():
    # TP 0.8 + 0.6, FN 0.2 + 0.4, FP 0.4: F1 = 2.8 / (2.8 + 0.6 + 0.4)
    assert float(smooth_f1_loss(of_probs(0.8, 0.6, 0.4), soft(1.0, 1.0, 0.0))) == pytest.approx(1 - 2.8 / 3.8)
    # A mixed label of 0.25 answered with 0.5: |p - t| = 0.2 + 0.25, p + t = 1.8 + 0.75
    assert float(smooth_f1_loss(of_probs(0.8, 0.5), soft(1.0, 0.25))) == pytest.approx(0.45 / 2.55)
    assert float(smooth_f1_loss(of_probs(0.5, 0.5), soft(0.0, 0.0))) == pytest.approx(1.0), "no landslide in the batch"
    assert float(smooth_f1_loss(of_probs(0.25, 0.7), soft(0.25, 0.7))) == pytest.approx(0.0, abs=1e-6)


def test_with_answers_that_are_certain_smooth_f1_is_scikit_learns():
    labels, answers = np.array([1, 1, 0, 0, 1, 0, 1]), np.array([1, 0, 0, 1, 1, 0, 1])
    z = torch.from_numpy(np.eye(2)[answers] * 60)
    assert float(smooth_f1_loss(z, torch.eye(2)[labels])) == pytest.approx(1 - f1_score(labels, answers), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_the_gradient_of_the_mean_of_bce_and_f1_is_that_of_finite_differences(rows):
    logits, targets = made(rows)
    z = logits.double()
    assume(((z[:, 1] - z[:, 0]).sigmoid() - targets[:, 1]).abs().min() > 1e-3)  # |p - t| has a corner at p = t
    loss, step = loss_of(TrainConfig(loss="bce_f1"), np.full((1, 2), 0.5), torch.device("cpu")), 1e-2
    one = z.clone().requires_grad_()
    loss(one, targets).backward()
    for i in range(len(z)):
        moved = torch.zeros_like(z)
        moved[i, 1] = step
        numeric = (float(loss(z + moved, targets)) - float(loss(z - moved, targets))) / (2 * step)
        assert float(one.grad[i, 1]) == pytest.approx(numeric, abs=2e-3)
        assert float(one.grad[i, 0]) == pytest.approx(-float(one.grad[i, 1]), abs=1e-6)


def test_mixed_labels_pull_towards_themselves():
    z = of_probs(0.5, 0.5).float().requires_grad_()
    smooth_f1_loss(z, soft(0.7, 0.3)).backward()
    assert z.grad[0, 1] < 0 < z.grad[1, 1], "the first answer rises, the second falls"


@pytest.mark.parametrize("loss", ["bce", "focal", "bce_f1"])
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
    both = (soft_bce(z, targets, weights) + smooth_f1_loss(z, targets)) / 2
    assert found(loss="bce_f1", class_weight="balanced") == pytest.approx(float(both))
    assert found(loss="focal", focal_gamma=3) == pytest.approx(float(soft_focal(z, targets, 3.0)))
