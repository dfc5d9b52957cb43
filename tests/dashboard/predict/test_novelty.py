"""The warning above an answer, and the layer of the picture."""

import numpy as np
import pytest

from dashboard.predict import novelty


def test_the_layer_is_dense_where_hardly_any_held_out_patch_is_as_far_out():
    found = novelty.strangeness(np.array([[1.0, 0.1, 0.01, 0.001, np.nan]]))
    assert found[0, :4] == pytest.approx([0, 0.5, 1, 1]) and np.isnan(found[0, 4])


def test_only_what_is_off_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(novelty.st, "warning", lambda text, icon: told.append(text))
    monkeypatch.setattr(novelty.st, "button", lambda *_, **__: False)
    off = {"is_off": True, "sentence": "red_nir look swapped.", "n_new": 3, "n": 10, "level": 0.01}
    for facts in ({}, {"novelty": None}, {"novelty": off | {"is_off": False}}, {"novelty": off}):
        novelty.notice("a-run", facts)
    assert len(told) == 1 and "look swapped" in told[0]
    assert novelty.basis({"novelty": off}) == "30.0% unlike training (expected: 1.0%)" and novelty.basis({}) == ""
