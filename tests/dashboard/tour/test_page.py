"""The tour: each stop says one thing with a number, or what is one click away; stakeholders press nothing."""

import pytest

from core.analyses.tour import cheat
from core.data.demo import demo_steps
from core.jobs import rows
from core.jobs.analysis_folder import list_for
from core.progress import drain
from core.runs.store import RunFolder
from dashboard.tour import satellite
from dashboard.tour.page import STOPS
from tests.builders import make_run


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A small simulated demo dataset and a finished run on it."""
    home = tmp_path_factory.mktemp("demo")
    path = home / "datasets" / "demo.h5"
    path.parent.mkdir()
    drain(demo_steps(path, 120))
    make_run(home, path)
    return home


@pytest.fixture
def run(demo, monkeypatch):
    """The run, in a studio of its own; no job begins."""
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    return RunFolder(next(path for path in demo.iterdir() if (path / "config.json").is_file()))


def words(at):
    return " ".join(one.value for one in [*at.markdown, *at.caption, *at.header, *at.title, *at.info])


def keys(at):
    return {button.key for button in at.button}


def test_without_the_demo_it_is_one_click(studio, open_page):
    at = open_page("tour")
    assert not at.exception and "The tour needs the demo" in words(at)
    assert "Make the demo" in [button.label for button in at.button]


@pytest.mark.parametrize("name", STOPS)
def test_every_stop_draws_its_number_or_what_is_one_click_away(run, studio, open_page, name, monkeypatch, demo):
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    at = open_page("tour", tour_view=name)
    assert not at.exception and not at.error, name
    assert at.session_state["tour_view"] == name
    if name in ("dial", "alike"):
        assert at.header or "cannot be promised" in words(at)
        assert at.metric and "95% interval" in at.metric[0].delta or "cannot be promised" in words(at)
    else:
        assert "Compute it" in [button.label for button in at.button]
    assert ("tour_next" in keys(at)) == (name != list(STOPS)[-1])


def test_computing_is_a_job_of_the_one_queue(run, studio, open_page, monkeypatch, demo):
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    at = open_page("tour", tour_view="earthquake")
    at.button(key="tour_tour_earthquake").click().run()
    assert not at.exception
    job = list_for(run, "tour_earthquake")[0]
    assert job.status()["state"] == "queued" and job.options()["seed"] > 0


def row(scenario, f1, recall, policy="mean", **more):
    facts = {"title": scenario, "lo": f1 - 0.1, "hi": f1 + 0.1, "n": 60, "n_missed": 3, "n_found": 1, "n_alarms": 2,
             "n_cleared": 1, "difference": -0.1, "diff_lo": -0.2, "diff_hi": 0.0, "precision": 0.8}  # fmt: skip
    return {"scenario": scenario, "f1": f1, "recall": recall, "policy": policy, **facts, **more}


def test_of_several_ways_to_fill_what_is_missing_the_best_is_shown_and_intact_first():
    found = satellite.best_of(
        [row("sar_lost", 0.5, 0.4), row("intact", 0.9, 0.9, "as_is"), row("sar_lost", 0.6, 0.5, "regression")]
    )
    assert [(one["scenario"], one["policy"]) for one in found] == [("intact", "as_is"), ("sar_lost", "regression")]
    assert "Without the radar satellite" in satellite.figure(found, "sar_lost").data[0].y


def test_a_taken_away_satellite_is_a_sentence_a_number_and_a_figure(run, studio, open_page, monkeypatch, demo):
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    made = {"rows": [row("intact", 0.9, 0.9, "as_is"), row("optical_lost", 0.6, 0.5)], "options": {}, "scenarios": []}
    monkeypatch.setattr(type(satellite.robustness.ANALYSIS), "read", property(lambda self: lambda run: Found(made)))
    at = open_page("tour", tour_view="satellite")
    assert not at.exception
    assert "Without the optical satellite, 50 of 100 landslides are still found instead of 90." in words(at)
    assert at.metric[0].value == "0.60" and "0.50–0.70" in at.metric[0].delta


class Found:
    def __init__(self, report):
        self.report = report


def test_stakeholders_see_the_result_and_the_tour_and_can_change_nothing(run, studio, open_page, monkeypatch, demo):
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    at = open_page("overview", mode="stakeholder")
    assert not at.exception and at.title[0].value == "The result"
    assert keys(at) == {"stakeholder_tour"} and not at.selectbox and not at.text_input and not at.dataframe
    for jargon in ("F1", "AUC", "out of fold", "head", "bootstrap"):
        assert jargon not in words(at), jargon
    at.button(key="stakeholder_tour").click().run()
    assert not at.exception and at.title[0].value == "Tour"
    assert not [key for key in keys(at) if key.startswith(("tour_tour", "job_"))], "nothing to compute"


def test_the_overview_leads_to_every_stop_and_to_the_view_of_stakeholders(run, studio, open_page, monkeypatch, demo):
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    at = open_page("overview")
    assert not at.exception and {f"overview_tour_{name}" for name in STOPS} <= keys(at)
    at.button(key="overview_tour_cheat").click().run()
    assert not at.exception and at.title[0].value == "Tour" and at.session_state["tour_view"] == "cheat"


def test_both_cheats_are_drawn(run, studio, open_page, monkeypatch, demo):
    from core.runs.targets import CheckpointsTarget

    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(demo))
    drain(cheat.ANALYSIS.start(CheckpointsTarget(demo), {"draws": 2, "n": 200}))
    at = open_page("tour", tour_view="cheat")
    assert not at.exception and len(at.metric) == 2
    assert "a careless test gives a model" in words(at)
