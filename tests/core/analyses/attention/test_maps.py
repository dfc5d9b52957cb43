"""Maps on demand and the process that gives them: a whole tiny run at another layer, one patch by every method."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.analyses.attention.maps import MapOptions, draw_maps, patch_maps
from core.errors import ConfigError, RunError
from core.explain.cam.library import METHODS
from core.workers.model_server import Kept, answers, serve

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def run(trained_run_copy):
    return trained_run_copy


def test_the_runs_own_layer_method_and_class_give_its_own_maps_again(run):
    index, maps, card = run.cams()
    steps = list(draw_maps(run))
    name = steps[-1].fields["maps"]
    again, drawn, facts = run.attention_map(name)
    order = again.set_index("id").loc[index["id"], "row"].to_numpy()
    assert np.allclose(drawn[order], maps[index["row"]], atol=1e-5)
    assert (facts["layer"], facts["method"]) == (card["layer"], card["method"]) and list(run.attention_maps()) == [name]
    assert all(a.progress <= b.progress for a, b in zip(steps, steps[1:], strict=False)) and steps[-1].progress == 1


def test_another_class_gives_other_maps_under_another_name(run):
    first = list(draw_maps(run, MapOptions(target=1)))[-1].fields["maps"]
    other = list(draw_maps(run, MapOptions(target=0)))[-1].fields["maps"]
    assert first != other and not np.allclose(run.attention_map(first)[1], run.attention_map(other)[1])
    assert run.attention_map(other)[2]["target"] == "other"


def test_one_patch_has_a_map_by_every_method_and_the_runs_own_among_them(run):
    index, maps, card = run.cams()
    row = index.iloc[5]
    found = patch_maps(run, str(row["id"]), tuple(METHODS))
    assert set(found.maps) == set(METHODS) and not found.refused
    assert all(np.isfinite(cam).all() and cam.min() >= 0 for cam in found.maps.values())
    assert np.allclose(found.maps[card["method"]], maps[row["row"]], atol=1e-5)
    assert found.fold == row["fold"]


@pytest.mark.parametrize("options", [MapOptions(layer="nowhere"), MapOptions(method="magic"), MapOptions(target=7)])
def test_what_does_not_exist_is_refused_by_name(run, options):
    with pytest.raises(ConfigError):
        list(draw_maps(run, options))


def test_a_patch_that_was_not_judged_is_refused(run):
    with pytest.raises(RunError, match="has not judged"):
        patch_maps(run, "<img src=x>", ("gradcam",))


# ------------------------------------------------------------------------------------------------ the process


def asked(run, what, **more):
    return list(answers({"do": what, "run": str(run.path), **more}, Kept()))


def test_layers_and_bands_of_a_patch_come_as_plain_values(run):
    layers = asked(run, "layers")[-1]["answer"]["layers"]
    assert run.cams()[2]["layer"] in [one["name"] for one in layers if one["alive"]]
    patch = str(run.oof()["id"].iloc[0])
    found = asked(run, "patch_bands", patch=patch, options={"spatial": 1, "window": 8, "stride": 8})[-1]["answer"]
    assert np.shape(found["cells"]) == (32, 32) and len(found["windows"]["rows"]) == 4
    shares = [s for s, b in zip(found["groups"]["shapley"], found["groups"]["baseline"], strict=True) if b == "mean"]
    assert np.isfinite(shares).all()


def test_warming_loads_a_fold_and_the_library(run):
    kept = Kept()
    said = list(answers({"do": "warm", "run": str(run.path), "fold": 1}, kept))
    assert said == [{"answer": {"library": True}}] and [key[1] for key in kept.views] == [1]


def test_networks_are_kept_and_the_oldest_are_let_go(run, monkeypatch):
    monkeypatch.setattr("core.workers.model_server.KEPT", 1)
    kept = Kept()
    first = kept.view(run, 0)
    assert kept.view(run, 0) is first
    kept.view(run, 1)
    assert list(kept.views)[0][1] == 1 and kept.view(run, 0) is not first


@pytest.mark.parametrize(
    ("request_", "words"),
    [({"do": "dance"}, "Known: warm"), ({}, "Known: warm"), ({"do": "warm", "run": "/nowhere"}, "It stopped")],
)
def test_what_cannot_be_answered_is_a_sentence(request_, words):
    assert words in list(answers(request_, Kept()))[-1]["error"]


def test_it_ends_when_nobody_asks_and_survives_a_line_that_is_not_json(tmp_path):
    read, write = os.pipe()
    with os.fdopen(read) as into, os.fdopen(write, "w") as out, (tmp_path / "told").open("w") as told:
        out.write("no json\n")
        out.flush()
        serve(into, told, idle_s=0.2)
    assert "error" in json.loads((tmp_path / "told").read_text())


def test_the_process_answers_in_lines_and_nothing_else_on_its_output(run):
    patch = str(run.oof()["id"].iloc[0])
    line = json.dumps({"do": "patch_maps", "run": str(run.path), "patch": patch, "methods": ["gradcam"]})
    done = subprocess.run(
        [sys.executable, "-m", "core.workers.model_server"], input=line + "\n", capture_output=True, text=True, cwd=ROOT
    )
    said = [json.loads(one) for one in done.stdout.splitlines()]
    assert len(said) == 1 and set(said[0]["answer"]["maps"]) == {"gradcam"}
