import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import TrainingError
from core.train.targets import soft_kl, soft_targets


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.floats(0, 1)), min_size=1, max_size=6))
def test_the_loss_is_cross_entropy_minus_the_targets_entropy(rows):
    logits = torch.tensor([row[:2] for row in rows], dtype=torch.float32)
    targets = torch.tensor([[1 - row[2], row[2]] for row in rows], dtype=torch.float32)
    cross = -(targets * logits.log_softmax(1)).sum(1)
    entropy = -torch.xlogy(targets, targets).sum(1)
    assert soft_kl(logits, targets) == pytest.approx(float((cross - entropy).mean()), abs=1e-5)


def test_the_loss_is_zero_where_the_answer_is_the_target():
    targets = torch.tensor([[0.3, 0.7], [0.9, 0.1]])
    assert soft_kl(targets.log() + 4, targets) == pytest.approx(0, abs=1e-6)


def test_soft_labels_are_taken_as_they_are():
    assert soft_targets(np.array([1, 0])).tolist() == [[0, 1], [1, 0]]
    soft = np.array([[0.2, 0.8], [1, 0]])
    assert np.allclose(soft_targets(soft), soft)
    with pytest.raises(TrainingError, match="0 or 1"):
        soft_targets(np.array([0, 1, -1]))


def test_the_loss_is_torchs_kl_divergence():
    logits, targets = torch.randn(9, 2), torch.rand(9, 2).softmax(1)
    expected = torch.nn.KLDivLoss(reduction="none")(logits.log_softmax(1), targets).sum() / 9
    assert soft_kl(logits, targets) == pytest.approx(float(expected), abs=1e-6)
