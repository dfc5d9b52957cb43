"""Overview: what is chosen with its number, and everything there is to open."""

from __future__ import annotations

import pytest

from core.jobs import queue


def metrics(at) -> dict[str, str]:
    return {m.label: m.value for m in at.metric}


def test_without_a_dataset_the_demo_is_offered(studio, open_page):
    at = open_page("overview")
    assert not at.exception and at.title[0].value == "Landslide Lens"
    assert "Make the demo dataset" in [b.label for b in at.button]


def test_with_a_dataset_alone_training_is_offered(studio, open_page):
    studio.add_dataset()
    at = open_page("overview")
    assert not at.exception and metrics(at)["Patches"] == "60"
    at.button(key="overview_train").click().run()
    assert at.title[0].value == "Train" and not at.exception


@pytest.mark.parametrize("state", ["queued", "running", "failed", "interrupted", "succeeded"])
def test_every_state_of_a_run_is_drawn(studio, open_page, state):
    run = studio.add_run(studio.add_dataset(), state)
    at = open_page("overview")
    assert not at.exception and not at.error
    table = at.dataframe[0].value
    assert table["Run"].tolist() == [run.name] and table["State"].tolist() == [[state]]


def test_the_headline_comes_with_interval_and_sentence(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("overview")
    oof = run.summary()["oof"]
    f1 = next(m for m in at.metric if m.label == "F1")
    assert f1.value == f"{oof['f1']:.3f}"
    low, high = oof["f1_interval"]
    assert f1.delta == f"{low:.2f}–{high:.2f}"
    sentence = next(c.value for c in at.caption if c.value.startswith("Out of fold over 3 folds"))
    assert "60 patches (15 landslide)" in sentence and "groups kept together" in sentence


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
    assert not at.exception and any("Band importance of" in m.value for m in at.markdown)
    at.button(key=f"follow_{job.name}").click().run()
    assert not at.exception and at.session_state["explain_view"] == "bands"
    queue.cancel(studio.checkpoints, job.name)
