"""External validation on the Results page."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from core.data.store import DatasetWriter, open_dataset
from core.evaluate.metrics import METRIC_NAMES
from core.predict.fit import misfit
from core.runs.prevalence import prevalence_of
from tests.builders import make_dataset
from tests.dashboard.results.made import words_of


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def evaluation(run) -> dict:
    values = dict.fromkeys(METRIC_NAMES, 0.5) | {"n": 60}
    bounds = {name: [0.4, 0.6] for name in METRIC_NAMES}
    bands = [{"band": "red", "smd": 0.9, "shifted": True}, {"band": "nir", "smd": None, "shifted": None}]
    shift = {"bands": bands, "embedding": {"separability": 0.9, "p": 0.001}}
    return values | {
        "run": run.name, "dataset_name": "=far<b>", "positive": "landslide", "made": "2026-01-01", "threshold": 0.4,
        "confusion": {"tp": 5, "fn": 5, "fp": 5, "tn": 45}, "intervals": bounds,
        "notes": ["3 of 60 patches are known."],
        "sets": {"train": None, "validation": values, "test": values}, "set_intervals": {"test": bounds},
        "shift": shift,
    }  # fmt: skip


def test_an_evaluation_stands_beside_validation_with_the_shift(run, open_page):
    table = pd.DataFrame({"id": ["a"], "label": [1], "prob": [0.5], "pred": [1]})
    results = run.results("external_validation").part("far")
    results.write_table("patches", table)
    results.write_json("report.json", evaluation(run))
    at = open_page("results", run=run.name, results_view="external")
    assert not at.exception
    words = words_of(at)
    for part in ("5 of 10 landslide patches", "3 of 60 patches are known", "AUC **0.90**", "1 of 2 bands", "red"):
        assert part in words
    sets = next(d.value for d in at.dataframe if "Training" in d.value)
    assert sets["Training"][0] == "unknown" and "0.500 (0.400–0.600)" in sets["Test, n = 60"].tolist()
    assert "Sets side by side (CSV)" in [b.label for b in at.get("download_button")]


def test_the_share_told_without_labels_is_stated_with_a_click_or_refused(run, open_page):
    share = {"share": 0.03, "lo": 0.01, "hi": 0.06, "n": 500, "counted": 0.2, "fits": True, "notes": ["Checked."]}
    share |= {"check": {"labelled": 0.04, "holds": True, "estimate": 0.03, "lo": 0.01, "hi": 0.06}}
    results = run.results("external_validation").part("far")
    groups = [f"g{i // 4}" for i in range(20)]
    table = pd.DataFrame(
        {"id": list("abcdefghijklmnopqrst"), "label": [1, 0] * 10, "prob": 0.5, "pred": [1, 0, 0, 1] * 5}
    )
    results.write_table("patches", table.assign(group=groups))
    results.write_json("report.json", evaluation(run) | {"share": share})
    at = open_page("results", run=run.name, results_view="external")
    assert "Estimated 3.0% (1.0–6.0%) landslides here" in words_of(at) and "Checked." in words_of(at)
    at.button(key="external_share_far_use").click().run()
    assert not at.exception and prevalence_of(run).share == pytest.approx(0.03)
    assert "With 30 landslides per 1,000 patches" in words_of(at)  # the decisions on the other dataset, restated
    doubted = share | {"check": share["check"] | {"holds": False}}
    results.write_json("report.json", evaluation(run) | {"share": doubted})
    at = open_page("results", run=run.name, results_view="external")
    assert any("cannot be told" in one.value for one in at.warning)
    assert not any((one.key or "").endswith("_use") for one in at.button)


def test_without_another_dataset_the_import_is_offered(run, open_page):
    at = open_page("results", run=run.name, results_view="external")
    assert "external_import" in [b.key for b in at.button]


def test_an_evaluation_that_fails_says_why(run, studio, open_page):
    studio.add_dataset("another")
    at = open_page("results", run=run.name, results_view="external")
    at.button(key="external_go").click().run()  # the made run has no networks
    error = studio.answered(run, "external_validation")["error"]
    at.run()
    assert not at.exception and error
    assert any(error[:15].replace("\\", "") in e.value.replace("\\", "") for e in at.error)


def other(studio, name, **given):
    return make_dataset(studio.checkpoints / "datasets" / f"{name}.h5", **given).path


def test_only_labelled_datasets_that_fit_are_offered_and_the_others_told_why(run, studio, open_page):
    own = open_dataset(run.dataset_path())
    other(studio, "fits")
    other(studio, "wide", bands=(replace(own.bands[0], name="odd"), *own.bands[1:]))
    unlabelled(studio, "silent", own)
    (studio.checkpoints / "datasets" / "broken.h5").write_bytes(b"no HDF5")
    at = open_page("results", run=run.name, results_view="external")
    assert not at.exception
    assert at.selectbox(key="external_dataset").options == ["fits"]
    told = next(c.value for c in at.caption if c.value.startswith("Not offered"))
    assert "silent has no labels" in told and "wide has no band" in told and "broken cannot be opened" in told
    assert "use predict" not in words_of(at) and "--" not in told


def test_where_no_other_dataset_fits_the_page_says_what_is_needed_and_offers_the_import(run, studio, open_page):
    unlabelled(studio, "silent", open_dataset(run.dataset_path()))
    at = open_page("results", run=run.name, results_view="external")
    assert not at.exception and "external_go" not in [b.key for b in at.button]
    assert any("needs labels" in i.value for i in at.info)
    at.button(key="external_import").click().run()
    assert at.title[0].value == "Dataset"


def unlabelled(studio, name, like):
    path = studio.checkpoints / "datasets" / f"{name}.h5"
    with DatasetWriter(
        path, bands=like.bands, shape_hw=like.shape[1:], class_names=like.class_names, source="Made in a test."
    ) as writer:
        rows = np.arange(6)
        writer.append(like.images(rows), np.full(6, -1), [f"U{i}" for i in rows])
        writer.finish()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"bands": 2}, "has no band"),
        ({"unit": "dB?"}, "has {name} in dB?, the run in"),
        ({"side": 8}, "has patches of 8×8 pixels, the run of"),
    ],
)
def test_what_does_not_fit_is_named(run, change, reason):
    own = open_dataset(run.dataset_path())
    bands = list(own.bands)
    trained = list(bands) if "bands" not in change else [*bands, replace(bands[0], name="another")]
    if "unit" in change:
        bands[0] = replace(bands[0], unit=change["unit"])
    side = change.get("side", own.shape[1])
    given = SimpleNamespace(bands=bands, shape=(len(bands), side, side), labels=own.labels)
    assert misfit(trained, own.shape[1:], given).startswith(reason.format(name=bands[0].name))
    assert bool(misfit(trained, own.shape[1:], given)) == bool(reason)
