"""The guided path: the stops of the simulated demo run, with numbers from its results; the whole demo in one click."""

import re

import pytest

from core.analyses import showcase
from core.data.demo import demo_steps
from core.data.store import Dataset
from core.jobs import processes, queue, rows
from core.jobs.analysis_folder import list_for
from core.progress import drain
from core.runs.store import list_runs
from core.runs.targets import CheckpointsTarget
from tests.builders import make_run


@pytest.fixture
def run(studio, monkeypatch):
    """A finished run on a small simulated demo; no job begins."""
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    path = studio.checkpoints / "datasets" / "demo.h5"
    path.parent.mkdir()
    drain(demo_steps(path, 60))
    return make_run(studio.checkpoints, path)


def keys(at) -> set[str]:
    return {button.key for button in at.button}


def test_every_stop_of_the_simulated_demo_is_there_with_its_number_or_what_computes_it(run, open_page):
    at = open_page("overview")
    assert not at.exception and not at.error
    texts = [m.value.replace("\\", "") for m in at.markdown]
    for number, stop in enumerate(showcase.stops(run), 1):
        assert at.button(key=f"guided_{stop.name}").label == f"{number}. {stop.title}"
        if (finding := stop.finding(run)) is None:
            assert f"guided_compute_{stop.name}" in keys(at)
        else:
            assert any(finding.short in text for text in texts), stop.name
    shown = next(m for m in at.markdown if "patches" in m.value and m.help and "missed" in m.help)
    assert str(run.summary()["oof"]["confusion"]["fn"]) in shown.help


def test_other_datasets_and_unfinished_runs_have_no_path(studio, open_page):
    studio.add_run(studio.add_dataset())
    assert not [key for key in keys(open_page("overview")) if key.startswith("guided")]


def test_a_stop_leads_to_its_view_and_is_ticked_afterwards(run, open_page):
    at = open_page("overview")
    at.button(key="guided_noise").click().run()
    assert not at.exception and at.title[0].value.startswith("Balance")
    assert at.query_params["run"] in (run.name, [run.name])
    at.switch_page("../pages/overview.py").run()
    assert any("1 of 7 visited" in m.value for m in at.markdown)
    assert "check_circle" in at.button(key="guided_noise").icon


def test_what_is_missing_is_asked_for_alone_or_altogether(run, studio, open_page):
    at = open_page("overview")
    at.button(key="guided_compute_heads").click().run()
    assert not at.exception and [job.analysis for job in queue.active(studio.checkpoints)] == ["heads"]
    assert "guided_compute_heads" not in keys(at) and any("In progress" in c.value for c in at.caption)
    at.button(key="guided_path_all").click().run()
    assert {job.analysis for job in queue.active(studio.checkpoints)} == {
        stop.analysis for stop in showcase.stops(run) if stop.analysis
    }
    assert "guided_path_all" not in keys(at)


def test_a_result_that_is_there_has_its_number_and_a_reduced_one_says_so(run, open_page):
    heads = [
        {"head": name, "oof": {"f1": f1, "interval": [0.1, 0.9], "n": 60}} for name, f1 in (("a", 0.4), ("b", 0.6))
    ]
    run.results("heads").write_json("report.json", {"run": "", "rows": heads, "left_out": {}, "notes": []})
    report = {"rows": [], "options": {"coverages": [0.5], "names": None}}
    rows_ = [
        {"scenario": name, "title": title, "policy": "mean", "f1": f1, "lo": f1 - 0.1, "hi": f1 + 0.1, "n": 60}
        for name, title, f1 in (("intact", "Nothing happens", 0.8), ("cloud_50", "Clouds over 50%", 0.5))
    ]
    run.results("robustness").write_json("report.json", report | {"rows": rows_})
    run.results("robustness").write_table("patches", run.oof())
    at = open_page("overview")
    assert not at.exception
    assert any("F1 0.40–0.60, 2 heads" in m.value.replace("\\", "") for m in at.markdown)
    assert any("0.50, clouds over 50%" in m.value.replace("\\", "") for m in at.markdown)
    quick = next(m for m in at.markdown if "quick" in m.value)
    assert "Cloud cover: 0.5 instead of 0.25, 0.5, 0.75" in quick.help.replace("\\", "")


def test_it_can_be_closed_and_opened_again(run, open_page):
    at = open_page("overview")
    at.button(key="guided_path_close").click().run()
    assert "guided_results" not in keys(at)
    at.button(key="guided_path_open").click().run()
    assert "guided_results" in keys(at) and not at.exception


def test_one_click_asks_for_the_whole_demo(studio, open_page, monkeypatch):
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)
    monkeypatch.setattr(processes, "spawn", lambda *arguments: None)
    at = open_page("overview")
    at.button(key="empty_make_whole").click().run()
    assert not at.exception and at.title[0].value == "Dataset"
    (job,) = list_for(CheckpointsTarget(studio.checkpoints), "demo_dataset")
    assert queue.planned(job) is not None
    drain(demo_steps(studio.checkpoints / "datasets" / "demo.h5", 60))
    job.write_json("result.json", {"name": "demo"})
    queue.finish(job, "succeeded", message="Done.")
    at.run()
    assert not at.exception and at.title[0].value == "Overview", "it has gone on to the training"
    (run,) = list_runs(studio.checkpoints)
    assert run.config().preset == "demo" and queue.planned(run) is not None
    at.button(key="overview_make_demo").click().run()
    assert not at.exception and len(list_runs(studio.checkpoints)) == 1


def test_simulated_data_say_so_beside_their_numbers(run, open_page):
    at = open_page("overview", run=run.name)
    assert not at.exception and any("Simulated data" in m.value for m in at.markdown)


def test_pictures_whose_labels_are_wrong_on_purpose_are_counted_beneath_them(run, open_page, monkeypatch):
    def told() -> list[str]:
        return [c.value for c in open_page("overview").caption if "on purpose" in c.value]

    monkeypatch.setattr(Dataset, "planted_ids", property(lambda data: frozenset(map(str, data.ids))))
    (words,) = told()
    n = re.search("([2-6]) of these ([2-6]) labels are wrong on purpose", words)
    assert n and n[1] == n[2]
    monkeypatch.setattr(Dataset, "planted_ids", frozenset())
    assert not told()


def test_from_a_stop_the_next_and_all_of_them_are_a_click_away(run, open_page):
    at = open_page("overview")
    stops = showcase.stops(run)
    at.button(key="guided_results").click().run()
    assert at.title[0].value == "Results" and any(f"1 of {len(stops)}" in c.value for c in at.caption)
    at.button(key="guided_next").click().run()
    assert at.title[0].value == "Review" and any(f"2 of {len(stops)}" in c.value for c in at.caption)
    at.switch_page("../pages/train.py").run()  # not a stop of the path
    assert "guided_next" not in keys(at) and not at.exception
    at.switch_page("../pages/review.py").run()
    at.button(key="guided_back").click().run()
    assert at.title[0].value == "Overview" and "guided_next" not in keys(at)
    at.switch_page("../pages/results.py").run()
    assert "guided_next" not in keys(at), "opened from elsewhere"
    assert not at.exception


def test_the_last_stop_leads_back_only(run, open_page):
    last = showcase.stops(run)[-1]
    at = open_page("overview")
    at.button(key=f"guided_{last.name}").click().run()
    assert "guided_back" in keys(at) and "guided_next" not in keys(at) and not at.exception
