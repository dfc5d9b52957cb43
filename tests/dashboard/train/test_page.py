"""Train: a form that is the configuration, and a run that can be followed in every state."""

from __future__ import annotations

import pytest

from core.config import preset
from core.jobs import queue
from core.runs.store import list_runs


def labels(at) -> set[str]:
    return {b.label for b in at.button}


def test_without_a_dataset_the_next_step_is_a_button(studio, open_page):
    at = open_page("train")
    assert not at.exception and at.title[0].value == "Train" and "Make the demo dataset" in labels(at)


@pytest.mark.parametrize("name", ["demo", "small", "table2-smote", "uva-baseline-bce", "uva-finetune-20"])
def test_the_form_of_every_preset_is_drawn(studio, open_page, name):
    studio.add_dataset()
    at = open_page("train")
    at.selectbox(key="train_preset").select(name).run()
    assert not at.exception and not at.error and "Start training" in labels(at)


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
    run = studio.add_run(studio.add_dataset())
    at = open_page("train")
    assert "Start training" in labels(at)
    at.session_state[f"train_view_{run.name}"] = "follow"
    at.run()
    assert not at.exception and {"Open the results", "Run again"} <= labels(at)


def test_progress_names_fold_epoch_and_time_left(studio, open_page):
    studio.add_run(studio.add_dataset(), "running")
    at = open_page("train")
    shown = {m.label: m.value for m in at.metric}
    assert shown["Fold"] == "2 of 3" and shown["Epoch"] == "2 of 4" and shown["Time left"] == "1 min 35 s"
    assert shown["Patches per second"] == "322"


def newest(studio):
    return list_runs(studio.checkpoints)[0]


def test_starting_submits_what_the_form_says_and_shows_its_place(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", run="", dataset="tiny")
    at.session_state[f"train_view_{newest(studio).name}"] = "new"
    at.run()
    at.number_input(key="train_demo_train.epochs").set_value(3)
    at.toggle(key="train_demo_smote.enabled").set_value(False)
    at.text_area(key="train_demo_overrides").set_value("embed.n_neighbors=9\n\nseed=4")
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and not at.error
    run = newest(studio)
    config = run.config()
    assert run.job()["dataset"] == str(dataset.resolve()) and at.query_params["run"] == run.name
    assert (config.preset, config.train.epochs, config.smote.enabled) == ("demo", 3, False)
    assert (config.embed.n_neighbors, config.seed, config.model.backbone) == (9, 4, preset("demo").model.backbone)
    assert "Cancel the run" in labels(at) and "number 1 in its lane" in at.get("progress")[0].text


def test_what_learns_and_how_patches_are_changed_is_chosen_in_the_form(studio, open_page):
    dataset = studio.add_dataset()
    busy = studio.busy_lane(dataset)
    at = open_page("train")
    at.session_state[f"train_view_{busy.name}"] = "new"
    at.run()
    at.selectbox(key="train_demo_train.trainable").set_value("layers")
    at.selectbox(key="train_demo_train.select").set_value("inner")
    at.selectbox(key="train_demo_train.class_weight").set_value("balanced")
    at.number_input(key="train_demo_train.patience").set_value(3)
    at.number_input(key="train_demo_augment.rotation").set_value(20.0)
    at.number_input(key="train_demo_augment.speckle_looks").set_value(4)
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and not at.error
    config = newest(studio).config()
    assert (config.train.trainable, config.train.select, config.train.patience) == ("layers", "inner", 3)
    assert (config.train.class_weight, config.augment.rotation, config.augment.speckle_looks) == ("balanced", 20, 4)


def test_bands_indices_and_normalisation_are_chosen_in_the_form(studio, open_page):
    dataset = studio.add_dataset()
    busy = studio.busy_lane(dataset)
    at = open_page("train")
    at.session_state[f"train_view_{busy.name}"] = "new"
    at.run()
    assert {"optical (4 bands)", "sar_change (4 bands)", "nir - Near infrared"} <= set(
        at.multiselect(key="train_demo_bands").options
    )
    assert {"none", "auto", "stack20", "stack28"} <= set(at.selectbox(key="train_demo_indices").options)
    at.multiselect(key="train_demo_bands").set_value(["optical", "desc_vv"])
    at.selectbox(key="train_demo_indices").set_value("auto")
    at.selectbox(key="train_demo_normalise.method").set_value("robust_iqr")
    assert {"groups", "duplicates"} <= set(at.selectbox(key="train_demo_folds.group_by").options)
    at.selectbox(key="train_demo_folds.group_by").set_value("duplicates")
    at.selectbox(key="train_demo_folds.on_leak").set_value("refuse")
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and not at.error
    config = newest(studio).config()
    assert config.data.bands == ("optical", "desc_vv") and config.model.indices == "auto"
    assert config.normalise.method == "robust_iqr"
    assert (config.folds.group_by, config.folds.on_leak) == ("duplicates", "refuse")


def test_settings_that_contradict_each_other_are_told_in_words(studio, open_page):
    dataset = studio.add_dataset()
    busy = studio.busy_lane(dataset)
    at = open_page("train")
    at.session_state[f"train_view_{busy.name}"] = "new"
    at.run()
    at.selectbox(key="train_demo_indices").set_value("auto")
    at.selectbox(key="train_demo_normalise.method").set_value("minmax")
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and "scales every patch by itself" in at.error[0].value


def test_an_untouched_form_is_the_preset(studio, open_page):
    dataset = studio.add_dataset()
    busy = studio.busy_lane(dataset)
    at = open_page("train")
    at.session_state[f"train_view_{busy.name}"] = "new"
    at.run()
    at.selectbox(key="train_preset").select("small").run()
    at.button(key="FormSubmitter:train_small_form-Start training").click().run()
    assert newest(studio).config() == preset("small")


def test_the_same_settings_twice_are_one_run(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    first = queue.submit(studio.checkpoints, dataset, preset("demo"))
    at = open_page("train", run=first.name)
    at.session_state[f"train_view_{first.name}"] = "new"
    at.run()
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert at.query_params["run"] == first.name and len(list_runs(studio.checkpoints)) == 2


def test_a_setting_that_cannot_work_is_told_in_words(studio, open_page):
    studio.add_dataset()
    at = open_page("train")
    at.text_area(key="train_demo_overrides").set_value("train.epoch=3")
    at.button(key="FormSubmitter:train_demo_form-Start training").click().run()
    assert not at.exception and "There is no setting" in at.error[0].value.replace("\\", "")


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


FORM = "FormSubmitter:train_demo_form-"
SMALL = ("train.epochs=2", "train.batch_size=8", "heads.lgbm=false", "device=cpu")


def test_an_estimate_is_measured_beside_the_form(studio, open_page):
    studio.add_dataset()
    at = open_page("train", timeout=90)
    at.text_area(key="train_demo_overrides").set_value("\n".join(SMALL))
    at.button(key=f"{FORM}Estimate").click().run()
    assert not at.exception and "What it would take" in [s.value for s in at.subheader]
    task = studio.ended("estimate tiny")
    assert not task.error, task.error
    at.run()
    assert not at.exception and not at.error
    shown = {m.label: m.value for m in at.metric}
    assert {"Whole run", "One epoch", "One step", "Patches per second", "Memory", "Disk"} <= set(shown)
    assert any("Measured on" in c.value and "training steps" in c.value for c in at.caption)
    assert not list_runs(studio.checkpoints), "nothing is kept"


def test_an_estimate_that_cannot_be_made_says_why(studio, open_page):
    studio.add_dataset()
    at = open_page("train", timeout=90)
    at.text_area(key="train_demo_overrides").set_value("model.backbone=no_such_network")
    at.button(key=f"{FORM}Estimate").click().run()
    studio.ended("estimate tiny")
    at.run()
    assert not at.exception and any("no backbone 'no\\_such\\_network'" in e.value for e in at.error)


def test_augmentation_is_previewed_with_the_label_of_each_draw(studio, open_page):
    studio.add_dataset()
    at = open_page("train", timeout=90)
    at.text_area(key="train_demo_overrides").set_value("augment.mix_prob=1\naugment.brightness=0.4")
    at.button(key=f"{FORM}Preview augmentation").click().run()
    assert not at.exception and not at.error
    said = [c.value for c in at.caption]
    assert sum("% landslide" in text for text in said) == 4 * 4, "each patch in each draw has its label"
    assert any(", with" in text for text in said) and any("as it is" in text for text in said)
    at.selectbox(key="preview_n").select(2).run()
    assert sum("% landslide" in c.value for c in at.caption) == 2 * 4
    ways = at.selectbox(key="preview_composite").options
    at.selectbox(key="preview_composite").select(ways[-1]).run()
    assert not at.exception


def test_a_running_run_shows_the_answers_that_change(studio, open_page):
    studio.add_run(studio.add_dataset(), "running")
    at = open_page("train")
    assert not at.exception and "Answers that change" in [s.value for s in at.subheader]
    said = [c.value for c in at.caption if ", now p " in c.value]
    assert len(said) == 8 and any("✓" in text for text in said)
    shown = {m.label: m.value for m in at.metric}
    assert {"Learning rate", "Memory"} <= set(shown)


def test_a_run_of_an_older_program_has_its_curves(studio, open_page):
    run = studio.add_run(studio.add_dataset(), "running")
    for fold in run.path.glob("fold_*"):
        (fold / "samples.parquet").unlink(missing_ok=True)
        run.write_history(int(fold.name[5:]), run.fold_history(int(fold.name[5:])).drop(columns="memory_mib"))
    at = open_page("train")
    assert not at.exception and "Learning curves" in [s.value for s in at.subheader]
    assert "Answers that change" not in [s.value for s in at.subheader]
