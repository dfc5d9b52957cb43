"""External validation on the Results page."""

from __future__ import annotations

import pandas as pd
import pytest

from core.evaluate.metrics import METRIC_NAMES
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
    assert sets["Training"][0] == "unknown" and "0.500 (0.400 to 0.600)" in sets["Test, n = 60"].tolist()
    assert "Sets side by side (CSV)" in [b.label for b in at.get("download_button")]


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
