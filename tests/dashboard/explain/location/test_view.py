"""The Location view: before it was measured, what was measured, one patch, and datasets without masks."""

from __future__ import annotations

import json

import numpy as np

from core.analyses import where
from core.jobs.analysis_folder import list_for
from dashboard.explain.location.view import measured, ways_table
from tests.dashboard.explain.shown import figures, harmless, labels
from tests.trained_runs import copied


def words(at):
    return " ".join(one.value for kind in (at.markdown, at.caption) for one in kind).replace("\\", "")


def test_before_it_was_measured_a_click_away(run, studio, open_page):
    studio.busy_lane(run.dataset_path())
    at = open_page("explain", run=run.name, explain_view="location")
    assert not at.exception and "Measure" in labels(at)
    at.button(key="empty_Measure").click().run()
    assert list_for(run, where.ANALYSIS.name)


def test_every_way_stands_beside_its_rivals(explained_run, open_page):
    at = open_page("explain", run=explained_run.name, explain_view="location")
    harmless(at)
    report = where.read(explained_run).report
    (figure,) = figures(at)
    names = json.dumps(figure)
    assert all(one["title"] in names for one in [*report["ways"].values(), *report["rivals"].values()])
    assert f"{report['n']} held-out" in words(at) and "masks cover" in words(at)
    table = at.dataframe[0].value
    assert list(table["Way"]) == [one["title"] for one in report["ways"].values()]
    offered = [one["title"] for one in report["ways"].values() if one["offered"]]
    assert all(f"**{title}**" in words(at) for title in offered)


def test_the_tables_say_what_is_offered_and_how_coarse_it_is():
    mean = {"value": 0.8, "lo": 0.7, "hi": 0.9, "n": 50}
    one = {"title": "Outline head", "pointing": mean, "iou": mean | {"lo": None, "hi": None}, "cell_px": 2.0,
           "within_px": 4.2, "threshold": 0.4, "offered": True, "why_not": ""}  # fmt: skip
    other = one | {"title": "Attention map", "offered": False, "why_not": "Its sanity checks did not pass."}
    report = {"ways": {"outline": one, "attention": other}, "rivals": {"random": one | {"title": "Random point"}},
              "pixel_m": 10.0}  # fmt: skip
    table = ways_table(report)
    assert table["One value stands for"][0] == "2 pixels (20 m)" and table["Offered"].tolist() == [
        "yes", "no. Its sanity checks did not pass.",
    ]  # fmt: skip
    assert table["9 in 10 highest points are within"][0] == "4 pixels (42 m)"
    rows = measured(report)
    assert len(rows) == 6 and np.isnan(rows["lo"]).sum() == 3


def test_a_dataset_without_masks_says_so(studio, trained_run, open_page):
    run = copied(trained_run, studio.checkpoints)
    at = open_page("explain", run=run.name, explain_view="location")
    assert not at.exception and "has no masks of its landslides" in words(at)
