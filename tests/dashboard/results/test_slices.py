"""Slices of the Results page: where the run is weak, in words, in units and beyond luck."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluate.slices import slice_report
from dashboard.results import slices


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def report(weak: float, n: int = 400):
    """Two sites of ``n`` / 2 patches; in the second, this share of the decisions is wrong, in the first a tenth."""
    rng = np.random.default_rng(0)
    labels, site = np.arange(n) % 2, np.where(np.arange(n) < n // 2, "a_1", "b_2")
    wrong = rng.random(n) < np.where(site == "a_1", 0.1, weak)
    return slice_report(labels, np.where(wrong, 1 - labels, labels), {"site": site}, n_boot=200)


@pytest.mark.parametrize(("weak", "words"), [(0.6, "is significant"), (0.12, "is not significant")])
def test_the_weakest_slice_is_named_with_what_the_test_says(weak, words):
    found = report(weak)
    text = slices.sentence(found, "f1")
    assert text.startswith("Weakest slice: site b\\_2, with F1 ") and words in text
    assert "Holm" in slices.details(found, "f1") and "n = 200, 100 positive" in slices.details(found, "f1")


def test_a_weaker_slice_that_is_beyond_luck_is_named_beside_the_weakest():
    labels, site = np.arange(840) % 2, np.repeat(["good", "weak", "few"], [400, 400, 40])
    wrong = np.zeros(840, bool)
    wrong[0:400:20], wrong[400:800:5], wrong[800:840:4] = True, True, True  # 5%, 20% and 25%
    found = slice_report(labels, np.where(wrong, 1 - labels, labels), {"site": site}, metric="accuracy", n_boot=300)
    assert found.worst["slice"] == "few" and found.worst["p_holm"] > 0.05
    assert slices.sentence(found, "accuracy").endswith(
        "Its difference is not significant, that of site weak (0.800) is."
    )


def test_units_and_names_are_for_people():
    assert slices.slice_title("scar_share", "6.7 to 9.5") == "scar size 6.7 to 9.5%"
    assert slices.slice_title("season", "winter") == "season winter" and slices.slice_title("Site_A", "x") == "Site_A x"
    assert slices.kind_title("scar_share", "no landslide") == "no landslide"
    assert sorted(["10 to 20", "2 to 10", "winter", "1,000 to 2,000"], key=slices.slice_order) == [
        "2 to 10", "10 to 20", "1,000 to 2,000", "winter",
    ]  # fmt: skip


def test_one_fact_can_be_looked_at_alone(run, open_page):
    at = open_page("results", run=run.name, results_view="slices", metrics_slice_metric="accuracy")
    assert not at.exception and at.selectbox(key="metrics_slice_metric").value == "accuracy"


def test_with_many_patches_their_images_are_read_only_when_asked(run, open_page, monkeypatch):
    from dashboard.results import slices

    monkeypatch.setattr(slices, "READ_UNASKED", 10)
    at = open_page("results", run=run.name, results_view="slices")
    assert not at.exception and at.toggle(key="metrics_images").value is False
    before = sliced_by(at)
    at.toggle(key="metrics_images").set_value(True).run()
    assert not at.exception
    assert sliced_by(at) - before >= {"Brightness"}


def sliced_by(at) -> set[str]:
    """What the slices with too few patches are of: of 60 patches all of brightness's are."""
    return {by for table in at.dataframe if "Reason" in table.value for by in table.value["By"]}
