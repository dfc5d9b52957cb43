"""A run is followed in every state: figures, what can be done, events and log."""

from __future__ import annotations

import json

import pytest

from core.config import PRESETS, preset
from core.jobs import queue
from dashboard.train.prefill import settings_of


def labels(at) -> set[str]:
    return {b.label for b in at.button}


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("queued", {"Cancel the run"}),
        ("running", {"Cancel the run"}),
        ("failed", {"Resume", "Run again"}),
        ("interrupted", {"Resume", "Run again"}),
    ],
)
def test_an_unfinished_run_is_followed_with_what_can_be_done(studio, open_page, state, offered):
    studio.add_run(studio.add_dataset(), state)
    at = open_page("train")
    assert not at.exception and offered <= labels(at)


def test_a_finished_run_can_be_looked_at(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("train")
    assert "Start training" in labels(at)
    at.session_state["train_view"] = "follow"
    at.run()
    assert not at.exception and {"Open the results", "Run again"} <= labels(at)
    assert any("3 folds of 4 epochs" in m.value for m in at.markdown)


def test_progress_names_fold_epoch_and_time_left(studio, open_page):
    studio.add_run(studio.add_dataset(), "running")
    at = open_page("train")
    assert any("Fold 2 of 3, epoch 2 of 4 · **about 2 min left**" in m.value for m in at.markdown)


def test_a_waiting_run_can_be_cancelled(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    waiting = queue.submit(studio.checkpoints, dataset, preset("demo"))
    at = open_page("train", run=waiting.name)
    at.button(key="job_cancel").click().run()
    assert not at.exception and waiting.status()["state"] == "cancelled"


def test_what_cannot_be_resumed_is_told_in_words(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    stopped = queue.submit(studio.checkpoints, dataset, preset("demo"))
    queue.cancel(studio.checkpoints, stopped.name)
    queue.retry(studio.checkpoints, stopped.name)
    at = open_page("train", run=stopped.name)
    at.button(key="job_resume").click().run()
    assert not at.exception and "same specification" in at.error[0].value


def test_text_of_a_log_is_shown_literally(studio, open_page):
    run = studio.add_run(studio.add_dataset(), "failed")
    (run.path / "log.txt").write_text("<img onerror=alert(1)> [x](javascript:1)\n")
    run.add_event("note", text="<b>x</b>")
    at = open_page("train")
    assert not at.exception and any("<img onerror" in c.value for c in at.code)


def test_a_failed_run_shows_the_reason_and_leads_to_its_settings(studio, open_page):
    """Resuming repeats the failure, so the first button is the one that can help."""
    run = studio.add_run(studio.add_dataset(), "failed")
    config = preset("small").with_overrides(["train.lr=0.017", "model.backbone=densenet121", 'data.bands=["red"]'])
    run.write_text("config.json", config.to_json())
    run.write_status(state="failed", error="The loss is not finite.")
    at = open_page("train", run=run.name)
    assert not at.exception and any("The loss is not finite" in e.value for e in at.error)
    assert [b.key for b in at.button if b.proto.type == "primary"] == ["job_duplicate"]
    at.button(key="job_duplicate").click().run()
    assert not at.exception and any("Copied from" in c.value for c in at.caption)
    draft = at.session_state["train_changes"]["small"]
    assert {"train.lr": 0.017, "model.backbone": "densenet121", "data.bands": ["red"]} == draft


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_settings_are_told_as_a_preset_and_what_differs(name):
    config = preset(name).with_overrides(["seed=7", "train.lr=0.017", "folds.n_splits=3"])
    nearest, changes = settings_of(config)
    written = [f"{path}={json.dumps(value)}" for path, value in changes.items()]
    assert preset(nearest).with_overrides(written) == config
    assert settings_of(preset(name))[1] == {}
