"""Maps on request: a whole tiny run at another layer, method or class; one patch by every method."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from core.analyses.attention.maps import ANALYSIS, Method, cards, patch_maps, read
from core.errors import ConfigError, RunError
from core.explain.cam import gradcam, library
from core.progress import drain
from core.workers.model_server import ModelCache, reply
from tests.builders import returned


@pytest.fixture(scope="module")
def run(trained_run_copy):
    return trained_run_copy


def test_the_runs_own_layer_method_and_class_give_its_own_maps_again(run):
    assert read(run) is None and cards(run) == {}
    index, maps, card = run.cams()
    steps = []
    name = drain(ANALYSIS.start(run), steps.append)["maps"]
    again = read(run)
    order = again.index.set_index("id").loc[index["id"], "row"].to_numpy()
    assert np.allclose(again.maps[order], maps[index["row"]], atol=1e-5)
    assert (again.card["layer"], again.card["method"]) == (card["layer"], card["method"])
    assert again.name == name and list(cards(run)) == [name]
    assert all(0 <= a.share <= b.share <= 1 for a, b in zip(steps, steps[1:], strict=False))


def test_another_class_gives_other_maps_under_another_name(run):
    first = returned(ANALYSIS.start(run, {"evidence_for": 1}))["maps"]
    other = returned(ANALYSIS.start(run, {"evidence_for": "0"}))["maps"]  # as the command line writes it
    assert first != other and not np.allclose(read(run, first).maps, read(run, other).maps)
    assert read(run, other).card["target"] == "other"


def test_one_patch_has_a_map_by_every_method_and_the_runs_own_among_them(run):
    index, maps, card = run.cams()
    row = index.iloc[5]
    answer = patch_maps(run, str(row["id"]))
    assert set(answer.maps) == set(library.METHODS) and not answer.refused
    assert all(np.isfinite(cam).all() and cam.min() >= 0 for cam in answer.maps.values())
    assert np.allclose(answer.maps[card["method"]], maps[row["row"]], atol=1e-5)
    assert answer.fold == row["fold"]


@pytest.mark.parametrize("options", [{"layer": "nowhere"}, {"method": "magic"}, {"evidence_for": 7}])
def test_what_does_not_exist_is_refused_by_name(run, options):
    with pytest.raises(ConfigError, match=str(next(iter(options.values()))) if "layer" in options else "Input should"):
        returned(ANALYSIS.start(run, options))
    with pytest.raises(RunError, match="no attention maps named 'x'"):
        read(run, "x")


def test_the_methods_to_choose_from_are_those_of_whole_runs():
    assert set(get_args(Method)) == set(gradcam.METHODS)


def test_a_patch_that_was_not_judged_is_refused(run):
    with pytest.raises(RunError, match="has no score"):
        patch_maps(run, "<img src=x>", ("gradcam",))
    with pytest.raises(ConfigError, match="no attention method 'magic'"):
        patch_maps(run, str(run.oof()["id"].iloc[0]), ("magic",))


def test_a_patch_is_answered_at_once_as_plain_values(run):
    patch_id = str(run.oof()["id"].iloc[0])
    request = {"do": ANALYSIS.name, "run": str(run.path), "patch": patch_id, "methods": ["gradcam"]}
    answer = reply(request | {"options": {"evidence_for": 0}}, ModelCache())["answer"]
    assert set(answer["maps"]) == {"gradcam"} and answer["fold"] == run.fold_of(patch_id)
    assert "evidence_for: Input should" in reply(request | {"options": {"evidence_for": 7}}, ModelCache())["error"]
