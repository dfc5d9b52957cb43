"""An analysis on a page: the form that its options make, the job it queues, and the job's place in the list."""

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import rows
from core.jobs.analysis_folder import create, list_for
from tests import made_up_analysis
from tests.builders import make_dataset, make_run

FORM = """
import sys
from dashboard import cache
from dashboard.jobs import analyses
analyses.follow(cache.run({path!r}), "nap")
analyses.options_form(cache.run({path!r}), "nap", "Sleep", hidden=("dreams",))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDSLIDE_ANALYSES", made_up_analysis.__name__)
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)  # nothing is started here
    return make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path)


def form(run):
    page = AppTest.from_string(FORM.format(path=str(run.path)), default_timeout=20).run()
    assert not page.exception
    return page


def test_the_form_is_made_of_the_options_with_their_bounds_and_help(run):
    page = form(run)
    (seconds,) = page.number_input
    assert (seconds.label, seconds.value, seconds.min, seconds.max) == ("Seconds", 0.0, 0.0, 600.0)
    assert page.selectbox[0].options == ["bed", "sofa"] and page.toggle[0].label == "Nightmare"
    assert not page.text_input, "dreams are hidden"


def test_the_form_queues_what_was_chosen_and_its_progress_is_shown(run):
    page = form(run)
    page.number_input[0].set_value(12.0)
    page.selectbox[0].set_value("sofa")
    page.button[0].click().run()
    (job,) = list_for(run, "nap")
    assert job.options() == {"seconds": 12.0, "where": "sofa", "dreams": [], "nightmare": False}
    page = form(run)
    assert [button.label for button in page.button] == ["Cancel", "Sleep"] and page.button[1].disabled
    assert "A nap. It continues" in page.caption[0].value


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": "failed", "error": "A bad <b>dream</b>."}, r"A bad \<b\>dream\<\/b\>\."),
        ({"state": "cancelled"}, "A nap: cancelled. Earlier results are unchanged."),
        ({"state": "interrupted", "message": "The process stopped."}, r"A nap: The process stopped"),
    ],
)
def test_a_job_without_a_result_says_why_and_can_be_tried_again_or_cleared(run, state, words):
    job = create(run, "nap", {"seconds": 3.0})
    job.write_status(**state)
    page = form(run)
    shown = [*page.error, *page.warning]
    assert len(shown) == 1 and words in shown[0].value
    assert [button.label for button in page.button] == ["Try again", "Clear", "Sleep"]
    page.button[1].click().run()
    assert not form(run).error and not form(run).warning
