"""How surely foreign data is told, on the Results page."""

import pytest

from core.analyses.novelty import NAME
from dashboard.results.safety import novelty
from tests.dashboard.results.made import words_of


def share(value, n=50):
    return {"share": value, "lo": max(0.0, value - 0.1), "hi": min(1.0, value + 0.1), "n": n}


def report():
    def fault(title, sets, patches, named=0, refused=0):
        rates = {"title": title, "sets": {"both": share(sets)}, "patches": {"both": share(patches)}}
        return rates | {"named": named, "refused": refused, "causes": []}

    return {
        "run": "r", "made": "2026-11-29T12:00:00+00:00", "level": 0.01, "n": 60, "n_folds": 3, "n_calibrated": 120,
        "n_groups": 140, "grouped": True, "evidence": "both", "notes": ["A note <b>."],
        "false_alarms": {"sets": share(0.007), "patches": share(0.004), "named": 0, "refused": 0},
        "faults": {
            "upside_down": fault("upside down", 0.0, 0.0),
            "red_nir": fault("red and nir swapped", 1.0, 0.9, named=3, refused=2),
        },
    }  # fmt: skip


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def test_before_it_was_measured_there_is_one_button(run, open_page):
    at = open_page("results", run=run.name, results_view="external", external_which="novelty")
    assert "before a map is believed" in words_of(at) and "Measure it" in [one.label for one in at.button]


def test_the_rates_are_told_shown_and_explained(run, open_page):
    run.results(NAME).write_json("report.json", report())
    at = open_page("results", run=run.name, results_view="novelty")
    words = words_of(at)
    assert "1 of 2 planted faults are found in at least 95% of places; 0.7% of places without a fault" in words
    assert "Hardly ever found: upside down." in words and "1 in 100" in words and "A note" in words
    table = novelty.rates(report())
    assert table["key"].tolist() == ["none", "red_nir", "upside_down"] and table["sets"].tolist() == [0.007, 1.0, 0.0]
    assert len(novelty.figure(table, 0.01).data) == 6
