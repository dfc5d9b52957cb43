import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TrainingError
from core.train.batches import batch_indices, place


@given(st.integers(2, 300), st.integers(2, 64))
def test_an_epoch_holds_every_patch_once_in_batches_that_normalisation_can_bear(n, batch_size):
    batches = batch_indices(n, batch_size, np.random.default_rng(0))
    sizes = [len(batch) for batch in batches]
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert min(sizes) >= 2 and max(sizes) <= batch_size + 1 and max(sizes) - min(sizes) <= 1


def test_one_patch_is_too_few():
    with pytest.raises(TrainingError, match="1 patches"):
        batch_indices(1, 8, np.random.default_rng(0))


@pytest.mark.parametrize("writeable", [True, False])  # a memory map is not
def test_patches_on_a_cpu_are_used_in_place(writeable):
    images = np.arange(12, dtype=np.float32).reshape(3, 1, 2, 2)
    images.flags.writeable = writeable
    placed = place(images, np.eye(2, dtype=np.float32)[[0, 1, 1]], torch.device("cpu"))
    x, y = placed.take(np.array([2, 0]))
    assert placed.placement == "device" and np.shares_memory(placed.images, images) and len(placed) == 3
    assert x[:, 0, 0, 0].tolist() == [8, 0] and y[:, 1].tolist() == [1, 0]
