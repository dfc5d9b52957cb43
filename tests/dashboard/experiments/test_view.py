"""Experiments on the Train page: empty, waiting, running, finished, failed."""

import pytest

from core.analyses import ablate
from core.data.store import open_dataset
from core.jobs import queue
from core.jobs.analysis_folder import list_for
from dashboard.experiments import figures, tables
from tests.dashboard.experiments.made import NAMES, experiment, table
from tests.dashboard.results.made import words_of


@pytest.fixture
def path(studio):
    return studio.add_dataset()


def opened(open_page, **query):
    at = open_page("train", dataset="tiny", train_view="experiments", **query)
    assert not at.exception, at.exception
    return at


def test_without_any_it_says_what_an_experiment_is_and_starts_one(path, studio, open_page):
    studio.busy_lane(path)
    at = opened(open_page)
    assert "No experiment on this dataset yet" in [one.value for one in at.header]
    assert at.selectbox(key="experiment_kind").value == "unfreeze"
    at.selectbox(key="experiment_kind").select("grid").run()
    at.text_input(key="experiment_vary").set_value("train.lr=0.1,0.2").run()
    at.button(key="experiment_start").click().run()
    assert not at.exception
    job = list_for(studio.dataset_target(path), "ablate")[0]
    asked = job.options()
    assert (asked["kind"], asked["budget"], asked["vary"]) == ("grid", "small", "train.lr=0.1,0.2")
    assert queue.job(studio.checkpoints, job.name).state == "queued"


def test_what_cannot_be_asked_is_said_at_once_and_nothing_waits(path, studio, open_page):
    at = opened(open_page, experiment_kind="grid")
    at.text_input(key="experiment_vary").set_value("train.pace=1,2").run()
    at.button(key="experiment_start").click().run()
    assert "There is no setting 'train.pace'" in " ".join(one.value for one in at.error).replace("\\", "")
    assert list_for(studio.dataset_target(path), "ablate") == []


def test_while_it_runs_finished_rows_are_there_and_it_can_be_cancelled(path, studio, open_page):
    experiment(studio, path, "running", table(waiting=2))
    at = opened(open_page)
    words = words_of(at)
    assert "Highest F1 so far: Top 10 layers" in words and "of whole groups" in words
    shown = at.dataframe[0].value
    assert shown["Out-of-fold F1"].tolist()[2:] == ["waiting", "waiting"]
    assert "Cancel" in [one.label for one in at.button]
    assert at.button(key="experiment_start").disabled


def test_a_finished_one_is_a_sentence_a_figure_and_a_table(path, studio, open_page):
    experiment(studio, path, "succeeded", table())
    at = opened(open_page)
    words = words_of(at)
    assert "Of 3 compared with Head only: 3 better for other patches (Holm). Other trainings are not known" in words
    assert "n = 60 patches, 25.0% landslide, out of fold over 2 folds" in words
    assert "Small budget: folds 2 instead of 5." in words and "about 2 h 00 min" in words
    shown = at.dataframe[0].value
    assert shown["To baseline"].tolist()[:2] == ["baseline", "+0.100 (0.050–0.150)"]
    assert len(at.get("plotly_chart")) == 1
    assert "Table (CSV)" in [one.label for one in at.get("download_button")]
    assert not at.button(key="experiment_start").disabled


def test_a_failed_one_says_why_and_keeps_what_is_finished(path, studio, open_page):
    experiment(studio, path, "failed", table("rows", waiting=1, failed=1))
    at = opened(open_page)
    assert "The disk is full" in " ".join(one.value for one in at.error)
    assert "was not trained" in " ".join(one.value for one in at.warning)
    assert {"Try again", "Log"} & {one.label for one in at.button}
    assert at.dataframe[0].value["Out-of-fold F1"].tolist()[1:] == ["failed", "waiting"]


def test_several_are_chosen_from_and_the_link_says_which(path, studio, open_page):
    first = experiment(studio, path, "succeeded", table())
    experiment(studio, path, "succeeded", table("rows", title="Another"), seeds=2)
    at = opened(open_page, experiment=first)
    assert at.selectbox(key="experiment").value == first and len(at.selectbox(key="experiment").options) == 2


def test_one_of_a_kind_that_is_not_known_here_takes_nothing_along(path, studio, open_page):
    name = experiment(studio, path, "succeeded", table())
    job = list_for(studio.dataset_target(path), "ablate")[0]
    job.write_json("job.json", {**job.job(), "options": {**job.options(), "kind": "of-tomorrow"}})
    at = opened(open_page)
    assert name and "Highest F1" in words_of(at)


@pytest.mark.parametrize("figure", NAMES)
def test_every_figure_draws_its_rows_and_escapes_their_names(figure):
    drawn = figures.drawn(table(figure))
    assert len(drawn.data) >= 2 and "<b>" not in str(drawn.to_dict())
    assert figures.drawn(table(figure, waiting=len(NAMES[figure]) - 1)).data


def test_rows_that_are_judged_on_another_set_say_so_and_not_out_of_fold():
    own, elsewhere = (tables.shown(table(judged_on=one)).columns for one in ("", "tiny"))
    assert "Out-of-fold F1" in own and "F1 on tiny" not in own
    assert "F1 on tiny" in elsewhere and "Out-of-fold F1" not in elsewhere


def test_the_csv_holds_every_number():
    flat = tables.flat(table())
    assert flat["f1_difference"].tolist()[1:] == pytest.approx([0.1, 0.2, 0.3])
    assert {"f1_interval_low", "auc_interval_high", "train_f1", "gap_f1", "f1_p_holm", "fact_opened"} <= set(flat)


def test_the_page_and_the_command_call_it_the_same(path):
    assert (
        open_dataset(path).name == "tiny" and ablate.ANALYSIS.page == "train" and ablate.ANALYSIS.view == "experiments"
    )
