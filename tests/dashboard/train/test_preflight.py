"""Below the form: the estimate, whose form keeps its settings however it ends, and the augmentation preview."""

from __future__ import annotations

import pytest

from core.jobs.analysis_folder import list_for
from core.runs.store import list_runs

SMALL = "train.epochs=2\ntrain.batch_size=8\nheads.lgbm=false\ndevice=cpu"
HEADING = "Time and memory"


@pytest.fixture
def target(studio):
    return studio.dataset_target(studio.add_dataset())


def asked(at, overrides):
    at.text_area(key="train_demo_overrides").set_value(overrides)
    at.button(key="train_estimate").click().run()
    assert not at.exception and HEADING in [heading.value for heading in at.header]
    return at


def kept(at):
    return at.text_area(key="train_demo_overrides").value


def test_an_estimate_is_measured_below_the_form(target, studio, open_page):
    at = asked(open_page("train", timeout=90), SMALL)
    status = studio.answered(target, "estimate")
    assert status["state"] == "succeeded", status
    at.run()
    assert not at.exception and not at.error and kept(at) == SMALL
    shown = {metric.label: metric.value for metric in at.metric}
    assert {"Whole run", "One epoch", "One step", "Patches per second", "Memory", "Disk"} <= set(shown)
    assert any("Measured on" in caption.value and "training steps" in caption.value for caption in at.caption)
    changed = "Preset demo with device=cpu, train.epochs=2, train.batch_size=8, heads.lgbm=false."
    assert any(changed in caption.value.replace("\\", "") for caption in at.caption), "which settings it is for"
    assert not list_runs(studio.checkpoints), "no run is created"
    other = open_page("train", timeout=90)
    assert "Whole run" in {metric.label for metric in other.metric}, "it is there after a reload"


def test_an_estimate_that_cannot_be_made_says_why_and_keeps_the_form(target, studio, open_page):
    at = asked(open_page("train", timeout=90), "model.backbone=no_such_network")
    assert studio.answered(target, "estimate")["state"] == "failed"
    at.run()
    assert not at.exception and any("no backbone 'no\\_such\\_network'" in error.value for error in at.error)
    assert kept(at) == "model.backbone=no_such_network" and not at.metric
    next(button for button in at.button if button.label == "Clear").click().run()
    assert not at.error and HEADING not in [heading.value for heading in at.header]
    assert kept(at) == "model.backbone=no_such_network"


def test_an_estimate_that_is_cancelled_keeps_the_form(target, studio, open_page):
    studio.busy_lane(target.path)
    at = asked(open_page("train", timeout=90, train_view="new"), SMALL)
    (job,) = list_for(target, "estimate")
    assert job.status()["state"] == "queued", "it waits for the device"
    at.button(key=f"job_cancel_{job.name}").click().run()
    assert not at.exception and job.status()["state"] == "cancelled" and kept(at) == SMALL
    assert any("cancelled" in warning.value for warning in at.warning)


def test_augmentation_is_previewed_with_the_label_of_each_draw(target, open_page):
    at = open_page("train", timeout=90)
    at.text_area(key="train_demo_overrides").set_value("augment.mix_prob=1\naugment.brightness=0.4")
    at.button(key="train_preview").click().run()
    assert not at.exception and not at.error
    captions = [caption.value for caption in at.caption]
    assert sum("% landslide" in text for text in captions) == 4 * 4, "each patch in each draw has its label"
    assert any(", with" in text for text in captions) and any("the original patch" in text for text in captions)
    at.selectbox(key="preview_n").select(2).run()
    assert sum("% landslide" in caption.value for caption in at.caption) == 2 * 4
    composites = at.selectbox(key="preview_composite").options
    at.selectbox(key="preview_composite").select(composites[-1]).run()
    assert not at.exception


def test_a_preview_that_cannot_be_made_says_why(target, open_page):
    at = open_page("train", timeout=90)
    excluded = ",".join(f"ID_{i:04d}" for i in range(1, 60))
    at.text_area(key="train_demo_overrides").set_value(f"data.exclude={excluded}")
    at.button(key="train_preview").click().run()
    assert not at.exception and any("a preview needs 2" in error.value for error in at.error)
