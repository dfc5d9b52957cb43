"""The process that answers at once: what stays loaded, what is refused, and the lines that it reads and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from core.data.pictures.background import request_for
from core.data.pictures.kept import KeptPictures
from core.data.pictures.thumbnails import Style
from core.jobs.processes import ROOT
from core.workers.model_server import HANDLERS, ModelCache, reply, serve
from tests.builders import make_dataset


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


def test_what_is_left_is_done_while_nobody_asks_and_never_holds_up_a_question_or_the_end(tmp_path, monkeypatch):
    done = []

    def endless(run, request, models):
        models.rest = iter(lambda: done.append(time.sleep(0.001)), 1)
        return {}

    monkeypatch.setitem(HANDLERS, "endless", endless)
    read, write = os.pipe()
    with os.fdopen(read, "rb") as requests, (tmp_path / "replies").open("w") as replies:
        with os.fdopen(write, "wb") as client:
            client.write(b'{"do": "endless"}\n')
            client.flush()
            server = threading.Thread(target=serve, args=(requests, replies, 0.01))
            server.start()
            wait_for(lambda: len(done) > 20)
            client.write(b'{"do": "dance"}\n')
            client.flush()
            wait_for(lambda: len((tmp_path / "replies").read_text().splitlines()) == 2)
            so_far = len(done)
            wait_for(lambda: len(done) > so_far)
        server.join(timeout=20)
        assert not server.is_alive(), "its input has ended"


def wait_for(what):
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_thumbnails_of_the_pages_ahead_are_kept_and_the_others_go_on_where_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr("core.data.pictures.kept.LEAST_FREE", 0)
    data, kept = make_dataset(tmp_path / "tiny.h5", n=20), KeptPictures(tmp_path)
    style = Style(("red", "green", "blue"), None)
    models = ModelCache()
    ask = [request_for(data.path, data.ids[rows].tolist(), style, kept) for rows in ([3], [4, 5])]
    assert reply(ask[0], models) == {"answer": {"drawn": 1}}
    rest = models.rest
    next(rest)
    assert reply(ask[1], models) == {"answer": {"drawn": 2}} and models.rest is rest
    other = ask[1] | {"style": replace(style, smooth=True).to_json()}
    assert reply(other, models) == {"answer": {"drawn": 2}} and models.rest is not rest
    assert "No such file" in reply(ask[1] | {"dataset": str(tmp_path / "gone.h5")}, models)["error"]
