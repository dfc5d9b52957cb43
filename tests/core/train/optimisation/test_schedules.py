import math

import pytest
import torch

from core.config import TrainConfig
from core.config.learning_rate import lr_at
from core.train.optimisation.schedules import ema_decay_at


def rates(**settings):
    config = TrainConfig(lr=0.1, **settings)
    return [lr_at(step, 10, config) for step in range(10 * config.epochs)]


def test_without_schedule_the_rate_is_constant():
    assert set(rates(epochs=3, schedule="none")) == {0.1}


def test_cosine_starts_at_the_rate_passes_half_of_it_midway_and_ends_near_zero():
    found = rates(epochs=4)
    assert found[0] == 0.1
    assert found[20] == pytest.approx(0.05)
    assert found[-1] == pytest.approx(0.05 * (1 + math.cos(math.pi * 39 / 40)))
    assert all(a > b for a, b in zip(found, found[1:], strict=False))


def test_warm_up_is_linear_and_meets_the_schedule():
    found = rates(epochs=4, warmup_epochs=1)
    assert found[:10] == pytest.approx([0.01 * (i + 1) for i in range(10)])
    assert found[10] == pytest.approx(0.1)


def test_warm_up_longer_than_the_run_only_warms_up():
    found = rates(epochs=2, warmup_epochs=5)
    assert found[-1] == pytest.approx(0.1)
    assert all(a < b for a, b in zip(found, found[1:], strict=False))


def test_the_average_forgets_quickly_at_first_and_then_as_it_was_told():
    assert ema_decay_at(0, 0.99) == pytest.approx(0.1)
    assert ema_decay_at(10_000, 0.99) == 0.99


def test_steps_are_torchs_and_begin_after_the_warm_up():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    peer, expected = torch.optim.lr_scheduler.StepLR(optimiser, step_size=2, gamma=0.3), []
    for _ in range(5):
        expected += [peer.get_last_lr()[0]] * 10
        optimiser.step()
        peer.step()
    assert rates(epochs=5, schedule="step", step_epochs=2, step_factor=0.3) == pytest.approx(expected)
    warmed = rates(epochs=6, schedule="step", step_epochs=2, step_factor=0.3, warmup_epochs=1)
    assert warmed[10:] == pytest.approx(expected) and warmed[9] == 0.1
