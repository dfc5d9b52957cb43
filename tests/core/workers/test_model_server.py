"""The process that answers at once: what stays loaded, what is refused, and the lines that it reads and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from core.jobs.processes import ROOT
from core.workers.model_server import ModelCache, reply, serve


@pytest.fixture(scope="module")
def run(trained_run):
    return trained_run


def answer(run, what, **more):
    return reply({"do": what, "run": str(run.path), **more}, ModelCache())["answer"]


def test_layers_and_bands_of_a_patch_come_as_plain_values(run):
    layers = answer(run, "layers")["layers"]
    assert run.cams()[2]["layer"] in [one["name"] for one in layers if one["alive"]]
    patch = str(run.oof()["id"].iloc[0])
    options = {"spatial": 1, "window": 8, "stride": 8}
    bands = answer(run, "band_importance", patch=patch, options=options)
    assert np.shape(bands["cells"]) == (32, 32) and len(bands["windows"]["rows"]) == 4
    shares = [s for s, b in zip(bands["groups"]["shapley"], bands["groups"]["baseline"], strict=True) if b == "mean"]
    assert np.isfinite(shares).all()


def test_loading_a_fold_before_it_is_needed_loads_the_library_too(run):
    models = ModelCache()
    loaded = reply({"do": "load", "run": str(run.path), "fold": 1}, models)
    assert loaded == {"answer": {"library": True}} and [key[1] for key in models.views] == [1]


def test_networks_stay_loaded_and_the_oldest_are_let_go(run, monkeypatch):
    monkeypatch.setattr("core.workers.model_server.LOADED", 1)
    models = ModelCache()
    first = models.view(run, 0)
    assert models.view(run, 0) is first
    models.view(run, 1)
    assert list(models.views)[0][1] == 1 and models.view(run, 0) is not first


@pytest.mark.parametrize(
    ("request_", "words"),
    [({"do": "dance"}, "Known: load"), ({}, "Known: load"), ({"do": "load", "run": "/nowhere"}, "It stopped")],
)
def test_what_cannot_be_answered_is_a_sentence(request_, words):
    assert words in reply(request_, ModelCache())["error"]


def test_an_analysis_that_does_not_answer_for_single_patches_says_what_does(run):
    error = reply({"do": "robustness", "run": str(run.path), "patch": "x"}, ModelCache())["error"]
    assert "'robustness'" in error and "band_importance" in error and "attention_maps" in error


def test_it_ends_when_nobody_asks_and_survives_a_line_that_is_not_json(tmp_path):
    read, write = os.pipe()
    with (
        os.fdopen(read, "rb") as requests,
        os.fdopen(write, "wb") as client,
        (tmp_path / "replies").open("w") as replies,
    ):
        client.write(b"no json\n")
        client.flush()
        serve(requests, replies, idle_s=0.2)
    assert "error" in json.loads((tmp_path / "replies").read_text())


def test_the_process_replies_in_lines_and_writes_nothing_else_on_its_output(run):
    patch = str(run.oof()["id"].iloc[0])
    asked = {"id": 7, "do": "attention_maps", "run": str(run.path), "patch": patch, "methods": ["gradcam"]}
    done = subprocess.run(
        [sys.executable, "-m", "core.workers.model_server"],
        input=json.dumps(asked) + "\n", capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(replies) == 1 and replies[0]["id"] == 7 and set(replies[0]["answer"]["maps"]) == {"gradcam"}
