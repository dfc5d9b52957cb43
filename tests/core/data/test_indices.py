import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.data.indices import INDICES, compute, indices_named, possible
from core.errors import ConfigError

RGB = ("red", "green", "blue")


def test_known_values():
    found = compute(
        indices_named(list(INDICES), RGB),
        {"red": np.array([60.0]), "green": np.array([30.0]), "blue": np.array([10.0])},
    )
    np.testing.assert_allclose(np.ravel(found), [0.6, 0.3, -1 / 3, 5 / 7], rtol=1e-12)


@given(st.lists(st.floats(0, 30000, width=32), min_size=3, max_size=3))
def test_indices_are_finite_in_range_and_blind_to_brightness(values):
    bands = {name: np.array([value], np.float64) for name, value in zip(RGB, values, strict=True)}
    for index, value in zip(INDICES.values(), compute(tuple(INDICES.values()), bands), strict=True):
        assert index.usual[0] - 1e-9 <= value[0] <= index.usual[1] + 1e-9
        brighter = index.formula(*(7.0 * bands[name] for name in index.needs))
        np.testing.assert_allclose(value, brighter, atol=1e-6)


def test_tensors_and_arrays_give_the_same():
    values = np.random.default_rng(0).uniform(0, 255, size=(3, 4, 5)).astype(np.float32)
    values[:, 0, 0] = 0
    arrays, tensors = dict(zip(RGB, values, strict=True)), dict(zip(RGB, torch.from_numpy(values), strict=True))
    for a, t in zip(compute(tuple(INDICES.values()), arrays), compute(tuple(INDICES.values()), tensors), strict=True):
        np.testing.assert_allclose(a, t.numpy(), rtol=1e-6)
        assert a[0, 0] == 0


def test_an_index_whose_bands_are_missing_is_refused_by_name():
    with pytest.raises(ConfigError, match="needs the band blue"):
        indices_named(["redr"], ("red", "green"))
    with pytest.raises(ConfigError, match="no index ndxi"):
        indices_named(["ndxi"], RGB)
    assert possible(("red", "green", "nir")) == ("ngrdi",)
