"""Each way's map on models that can be seen through: they point at what the answer hangs on."""

import numpy as np
import pytest

from core.predict.inside.ways import Inside, centre_map, comparable, stride_of
from core.predict.perturbed_model import PerturbedModel


class SumOf:
    """A stand-in for a fold's model: the log-odds are the mean brightness of the first band; unseen pixels are 0."""

    draws_outlines = False

    def log_odds(self, images, names, rules, tta=None):
        return {names[0]: np.nan_to_num(images[:, 0]).mean(axis=(1, 2))}


def bright(row, col, hw=(32, 32), side=6):
    image = np.zeros((1, 2, *hw), np.float32)
    image[0, 0, row : row + side, col : col + side] = 5.0
    return image


@pytest.mark.parametrize("way", ["windows", "crops", "occlusion"])
@pytest.mark.parametrize(("row", "col"), [(2, 3), (20, 4), (13, 24)])
def test_the_highest_point_is_near_what_decides(way, row, col):
    inside = Inside(SumOf(), {}, "fc", (32, 32), stride=4)
    found = inside.maps(way, bright(row, col))
    assert found.shape == (1, 32, 32) and np.isfinite(found).all()
    top = np.argwhere(found[0] == found[0].max()).mean(axis=0)
    assert np.abs(top - (row + 2.5, col + 2.5)).max() <= {"occlusion": 4, "crops": 8, "windows": 16}[way]
    assert inside.cell(way) == {"occlusion": 8, "crops": 16, "windows": 32}[way]


def test_a_hidden_square_costs_what_it_held():
    inside = Inside(SumOf(), {}, "fc", (32, 32), stride=8)
    found = inside.maps("occlusion", bright(8, 16, side=8))[0]
    assert found.max() == pytest.approx(5.0 * 64 / 1024, rel=1e-5)  # one hidden square is the bright one
    assert found[8:16, 16:24].min() == pytest.approx(found.max())


def test_maps_are_put_on_one_scale_and_those_that_say_nothing_are_empty():
    maps = np.array([[[-2.0, 0.0], [2.0, -2.0]], [[3.0, 3.0], [3.0, 3.0]]])
    assert comparable("crops", maps).tolist() == [[[0, 0.5], [1, 0]], [[0, 0], [0, 0]]]
    assert comparable("windows", np.full((1, 2, 2), 0.7))[0, 0, 0] == np.float32(0.7)
    assert (comparable("attention", np.zeros((1, 2, 2))) == 0).all()


def test_the_middle_is_the_middle():
    assert np.unravel_index(centre_map((5, 7)).argmax(), (5, 7)) == (2, 3)
    assert 0 <= centre_map((4, 6)).min() and centre_map((4, 6)).max() <= 1


def test_strides_fit_the_smallest_square():
    assert (stride_of((64, 64), None), stride_of((64, 64), 100), stride_of((4, 4), None)) == (8, 16, 1)


def test_a_trained_run_has_its_ways(outlined_run, trained_run):
    from core.predict.training_dataset import training_dataset

    for run, first in ((outlined_run, "outline"), (trained_run, "attention")):
        view, (_, _, card) = PerturbedModel.open(run, 0), run.cams()
        inside = Inside(view.model, view.rules, "fc", (32, 32), 16, (card["method"], card["layer"]), 4)
        assert inside.ways[0] == first and inside.ways[-3:] == ("occlusion", "crops", "windows")
        images = training_dataset(run).images(slice(0, 2))
        assert all(inside.maps(way, images).shape == (2, 32, 32) for way in inside.ways)
        assert inside.cell("attention") >= 2
