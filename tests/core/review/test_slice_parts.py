"""What slices are made of, and what they are called."""

import numpy as np
import pytest

from core.data.bands import BYTES
from core.data.tabular.picture_facts import Fact
from core.review.slice_parts import cliffs_delta, parts_of_clusters, parts_of_facts


def test_quarters_and_values_have_names_with_the_numbers_behind_them():
    facts = {
        "ndvi": Fact("NDVI", np.linspace(0, 0.8, 81)),
        "red": Fact("red", np.linspace(0, 200, 81), BYTES),
        "row": Fact("row", np.arange(81) % 2),
        "month": Fact("month", np.arange(81) % 12 + 1.0, ends=None),
        "source": Fact("source", np.where(np.arange(81) < 40, "A", "B")),
        "flat": Fact("flat", np.zeros(81)),
    }
    parts = parts_of_facts(facts)
    names = [part.name for part in parts]
    assert names[:2] == ["low NDVI (0 to 0.2)", "rather low NDVI (0.2 to 0.4)"]
    assert names[2:4] == ["rather high NDVI (0.4 to 0.6)", "high NDVI (0.6 to 0.8)"]
    assert names[4] == "low red (0 to 50 of 255)" and [part.place for part in parts[:4]] == [0, 1, 2, 3]
    assert names[8:10] == ["row 0", "row 1"] and names[10].startswith("month 1 to ")
    assert names[-2:] == ["source A", "source B"] and [part.place for part in parts[-2:]] == [-1, -1]
    assert parts[-2].member.sum() == 40 and not [name for name in names if "flat" in name]
    assert (parts[0].clauses[0].words, parts[0].clauses[0].numbers) == ("low NDVI", "0 to 0.2")


def test_what_is_unknown_is_in_no_part():
    values = np.where(np.arange(40) < 10, np.nan, np.arange(40.0))
    parts = parts_of_facts({"scar": Fact("scars", values, "% of the patch", ("small", "large"))})
    assert parts[0].name.startswith("small scars (10 to ") and parts[0].name.endswith("% of the patch)")
    assert sum(part.member for part in parts)[:10].sum() == 0 and sum(part.member.sum() for part in parts) == 30


def test_a_cluster_is_called_by_what_tells_it_from_the_rest_of_its_fold():
    rng = np.random.default_rng(0)
    n, fold_of = 200, np.arange(200) % 2
    cluster = np.where(np.arange(n) < 60, 0, 1)
    bright = rng.normal(size=n) + 4 * (cluster == 0) + 100 * fold_of  # the other fold is brighter, which says nothing
    facts = {
        "brightness": Fact("brightness", bright),
        "red": Fact("red", bright + 0.1 * rng.normal(size=n)),  # the same again
        "noise": Fact("noise", rng.normal(size=n)),
        "ground": Fact("ground", np.where(cluster == 0, "river", "forest")),
        "month": Fact("month", 5.0 + (cluster == 0), ends=None),
    }
    parts = parts_of_clusters(cluster, fold_of, facts)
    assert [part.member.sum() for part in parts] == [30, 70, 30, 70]
    assert parts[0].name.startswith("alike patches, fold 1 group 1: ") and parts[2].name.count("fold 2 group 1") == 1
    words = {clause.words: clause.numbers for clause in parts[0].clauses}
    assert set(words) == {"mostly ground river", "high brightness"} or set(words) == {"mostly ground river", "high red"}
    assert words["mostly ground river"] == "100%, 0% in the rest of the fold"


def test_a_cluster_that_nothing_tells_apart_has_no_clause():
    noise = Fact("noise", np.random.default_rng(0).normal(size=80))
    (one, _) = parts_of_clusters(np.arange(80) % 2, np.zeros(80, int), {"noise": noise})
    assert one.name == "alike patches, fold 1 group 1" and one.clauses == ()


def test_cliffs_delta_by_hand():
    assert cliffs_delta(np.arange(10.0), np.arange(10.0) + 10) == -1
    assert cliffs_delta(np.ones(10), np.ones(12)) == 0
    assert cliffs_delta(np.array([1.0, np.nan]), np.arange(20.0)) == 0  # too few
    half = cliffs_delta(np.r_[np.zeros(10), np.ones(10)], np.zeros(10))
    assert half == pytest.approx(0.5)
