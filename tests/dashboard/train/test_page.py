"""Train: without a dataset, and from the form to a run that is queued once."""

from __future__ import annotations

from core.config import preset
from core.jobs import queue
from core.runs.store import list_runs


def labels(at) -> set[str]:
    return {b.label for b in at.button}


def newest(studio):
    return list_runs(studio.checkpoints)[0]


def test_without_a_dataset_the_next_step_is_a_button(studio, open_page):
    at = open_page("train")
    assert not at.exception and at.title[0].value == "Train" and "Make the demo dataset" in labels(at)


def test_starting_submits_what_the_form_says_and_shows_its_place(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    at = open_page("train", run="", dataset="tiny", train_view="new")
    at.number_input(key="train_demo_train.epochs").set_value(3)
    at.toggle(key="train_demo_smote.enabled").set_value(False)
    at.text_area(key="train_demo_overrides").set_value("embed.n_neighbors=9\n\nseed=4")
    at.button(key="train_start").click().run()
    assert not at.exception and not at.error
    run = newest(studio)
    config = run.config()
    assert run.job()["dataset"] == str(dataset.resolve()) and at.query_params["run"] == run.name
    assert (config.preset, config.train.epochs, config.smote.enabled) == ("demo", 3, False)
    assert (config.embed.n_neighbors, config.seed, config.model.backbone) == (9, 4, preset("demo").model.backbone)
    assert "Cancel the run" in labels(at) and any("Queued, next to start" in m.value for m in at.markdown)


def test_the_same_settings_twice_are_one_run(studio, open_page):
    dataset = studio.add_dataset()
    studio.busy_lane(dataset)
    first = queue.submit(studio.checkpoints, dataset, preset("demo"))
    at = open_page("train", run=first.name, train_view="new")
    at.button(key="train_start").click().run()
    assert at.query_params["run"] == first.name and len(list_runs(studio.checkpoints)) == 2
