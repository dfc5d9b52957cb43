"""Overview: the best run in a sentence, numbers and pictures; what to do next; every run and dataset."""

from __future__ import annotations

import pytest

from core.jobs import queue
from core.runs import labels
from core.runs.labels import title_of
from core.runs.prevalence import state_prevalence
from tests.builders import make_run


def metrics(at) -> dict[str, str]:
    return {m.label: m.value for m in at.metric}


def test_without_a_dataset_the_demo_is_offered(studio, open_page):
    at = open_page("overview")
    assert not at.exception and at.title[0].value == "Overview"
    assert "Make the demo dataset" in [b.label for b in at.button]
    assert not (studio.checkpoints / "queue.sqlite").exists(), "looking writes nothing"


def test_with_a_dataset_alone_training_is_offered(studio, open_page):
    studio.add_dataset()
    at = open_page("overview")
    assert not at.exception and any(m.value.startswith("60 patches, 15 landslide") for m in at.markdown)
    assert "`None`" not in [m.value for m in at.markdown], "the value of an expression is no part of a page"
    at.button(key="overview_train").click().run()
    assert at.title[0].value == "Train" and not at.exception


@pytest.mark.parametrize("state", ["queued", "running", "failed", "interrupted", "succeeded"])
def test_every_state_of_a_run_is_drawn(studio, open_page, state):
    run = studio.add_run(studio.add_dataset(), state)
    at = open_page("overview")
    assert not at.exception and not at.error
    table = at.dataframe[0].value
    assert table["Run"].tolist() == [title_of(run)] and table["State"].tolist() == [[state]]


def counts_of(run) -> tuple[int, int, int, int]:
    cells = run.summary()["oof"]["confusion"]
    return cells["tp"], cells["fn"], cells["fp"], cells["tn"]


def test_the_best_run_is_told_in_a_sentence_three_numbers_and_pictures(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("overview")
    tp, fn, fp, tn = counts_of(run)
    found, false = round(100 * tp / (tp + fn)), round(100 * fp / (tp + fp))
    words = f"Of 100 landslide patches it finds {found} and misses {100 - found}. Of 100 alarms, {false} "
    assert any(s.value.startswith(words) for s in at.header)
    assert metrics(at)["Found (TP)"] == f"{tp / (tp + fn):.0%}"
    assert metrics(at)["Correct alarms"] == f"{tp / (tp + fp):.0%}"
    assert metrics(at)["Alarms per 1,000"] == f"{1000 * (tp + fp) / (tp + fn + fp + tn):.0f}"
    assert all("–" in m.delta for m in at.metric)
    told = next(c for c in at.caption if "finished run" in c.value)
    assert "250 landslide patches per 1,000, as in these patches" in told.value
    assert "60 patches" in told.proto.help and "3-fold cross-validation" in told.proto.help


def test_a_stated_prevalence_changes_alarms_but_not_what_is_found(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    before = metrics(open_page("overview"))
    state_prevalence(run, 0.02)
    at = open_page("overview")
    after, (tp, fn, fp, tn) = metrics(at), counts_of(run)
    alarms = 0.02 * tp / (tp + fn) + 0.98 * fp / (fp + tn)
    assert after["Found (TP)"] == before["Found (TP)"]
    assert after["Correct alarms"] == f"{0.02 * tp / (tp + fn) / alarms:.0%}"
    assert after["Alarms per 1,000"] == f"{1000 * alarms:.0f}"
    assert any("20 landslide patches per 1,000, as stated" in c.value for c in at.caption)
    assert "next_prevalence" not in [b.key for b in at.button]


def test_data_that_are_not_simulated_do_not_say_so(studio, open_page):
    studio.add_run(studio.add_dataset())
    assert not any("Simulated data" in m.value for m in open_page("overview").markdown)


def test_the_best_of_several_runs_is_shown_and_archived_ones_do_not_count(studio, open_page):
    data = studio.add_dataset()
    first, second = studio.add_run(data), make_run(studio.checkpoints, data)
    summary = second.summary()
    summary["oof"]["f1"] = 0.001
    second.write_json("summary.json", summary)
    at = open_page("overview", run=second.name)
    assert any("best F1 of 2 finished runs" in c.value for c in at.caption)
    at.button(key="overview_choose_best").click().run()
    assert not at.exception and at.session_state["run"] == first.name
    labels.write_label(first, archived=True)
    at = open_page("overview")
    assert any("the only finished run" in c.value for c in at.caption) and at.session_state["run"] == second.name


@pytest.mark.parametrize(
    ("key", "page"),
    [
        ("next_errors", "Review"),
        ("next_safety", "Results"),
        ("next_prevalence", "Results"),
        ("next_predict", "Predict"),
    ],
)
def test_each_next_step_leads_somewhere(studio, open_page, key, page):
    run = studio.add_run(studio.add_dataset())
    oof = run.oof()
    head = run.summary()["head"]
    oof.loc[oof["label"] == 1, [f"prob_{head}", f"pred_{head}"]] = [0.001, 0]
    run.write_oof(oof)
    at = open_page("overview")
    at.button(key=key).click().run()
    assert not at.exception and at.title[0].value == page


def test_nothing_ticked_offers_nothing_that_needs_a_run(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("overview")
    assert all(at.button(key=f"overview_{name}").disabled for name in ("open_run", "duplicate", "compare"))


def test_a_deleted_run_is_brought_back_from_the_list(studio, open_page):
    data = studio.add_dataset()
    kept, gone = studio.add_run(data), make_run(studio.checkpoints, data)
    labels.delete(gone)
    at = open_page("overview", run=kept.name)
    at.button(key=f"restore_{gone.name}").click().run()
    assert not at.exception and at.session_state["run"] == gone.name
    labels.delete(gone)
    at = open_page("overview")
    at.button(key="empty_deleted").click().run()
    assert not at.exception and not labels.deleted_runs(studio.checkpoints)


def test_a_failed_run_tells_its_reason(studio, open_page):
    studio.add_run(studio.add_dataset(), "failed")
    at = open_page("overview")
    assert any("diverged" in code.value for code in at.code)


def test_a_running_run_shows_progress_and_time_left(studio, open_page):
    studio.add_run(studio.add_dataset(), "running")
    at = open_page("overview")
    assert any("about 1–2 min left" in p.text for p in at.get("progress"))


def test_a_damaged_summary_is_a_sentence(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    run.write_text("summary.json", "{")
    at = open_page("overview")
    assert not at.exception and any("cannot be read" in w.value for w in at.warning)


def test_a_damaged_dataset_is_a_sentence(studio, open_page):
    studio.add_dataset().write_bytes(b"not an HDF5 file")
    at = open_page("overview")
    assert not at.exception and at.error


def test_a_job_that_waits_is_listed_by_its_title_and_leads_to_its_page(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    studio.busy_lane(run.dataset_path())
    job = queue.submit_analysis(run, "band_importance")
    at = open_page("overview")
    assert not at.exception and any("Band importance of" in p.text for p in at.get("progress"))
    at.button(key=f"follow_{job.name}").click().run()
    assert not at.exception and at.session_state["explain_view"] == "bands"
    queue.cancel(studio.checkpoints, job.name)
