"""Errors by kind: every patch is counted once, with links to the patches of one kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.store import DatasetWriter, open_dataset
from dashboard.results import errors_by_kind
from tests.builders import make_run
from tests.dashboard.results.made import words_of


@pytest.fixture
def placed(studio):
    """A finished run on patches with masks, groups and a column."""
    like = open_dataset(studio.add_dataset())
    rows = np.arange(len(like))
    path = studio.checkpoints / "datasets" / "columned.h5"
    with DatasetWriter(
        path, bands=like.bands, shape_hw=like.shape[1:], class_names=like.class_names, source="Made in a test."
    ) as writer:
        writer.append(
            like.images(rows), like.labels[rows], like.ids[rows].tolist(), masks=like.masks(rows),
            groups=[f"g{i // 12}" for i in rows], columns={"sensor": [f"S{i % 3}" for i in rows]},
        )  # fmt: skip
        writer.finish()
    return make_run(studio.checkpoints, path)


def made_table():
    return pd.DataFrame(
        {
            "kind": ["small"] * 12 + ["large"] * 12 + ["no landslide"] * 6,
            "label": [1] * 24 + [0] * 6,
            "outcome": ["FN"] * 6 + ["TP"] * 6 + ["FN"] * 2 + ["TP"] * 10 + ["FP"] * 3 + ["TN"] * 3,
        }
    )


def test_kinds_are_counted_with_the_most_errors_first():
    found = errors_by_kind.error_counts(made_table())
    assert found["kind"].tolist() == ["small", "no landslide", "large"]
    assert found[["fn", "fp", "n_positive", "n_negative"]].to_numpy().tolist() == [
        [6, 0, 12, 0], [0, 3, 0, 6], [2, 0, 12, 0],
    ]  # fmt: skip
    assert errors_by_kind.sentence(made_table(), found, "scar_share") == (
        "8 landslides missed, 3 false alarms. Missed most often: scar size small (6 of 12)."
    )


def test_few_landslides_of_a_kind_are_not_called_the_most_missed():
    table = made_table().assign(kind=lambda t: np.where(t.index < 4, "rare", t["kind"]))
    assert "rare" not in errors_by_kind.sentence(table, errors_by_kind.error_counts(table), "site")


@pytest.mark.parametrize("by", ["fold", "group", "source", "brightness", "scar_share"])
def test_every_patch_is_of_one_kind(placed, open_page, by):
    at = open_page("results", run=placed.name, results_view="errors", errors_by=by)
    assert not at.exception and at.selectbox(key="errors_by").value == by
    assert "landslides missed" in words_of(at)


def test_pictures_of_one_kind_lead_to_these_patches(placed, open_page):
    at = open_page("results", run=placed.name, results_view="errors", errors_by="source", errors_slice="S1")
    assert not at.exception and at.selectbox(key="errors_slice").value == "S1"
    oof, data = placed.oof(), open_dataset(placed.dataset_path())
    sensor = dict(zip(data.ids.tolist(), data.columns["sensor"].tolist(), strict=True))
    missed = oof[(oof["label"] == 1) & (oof["pred_svm_c0.1"] == 0)]
    missed = [name for name in missed["id"] if sensor[name] == "S1"]
    button = next((b for b in at.button if b.key == "kind_open_FN"), None)
    assert (button is not None) == bool(missed)
    button = button or next(b for b in at.button if b.key == "kind_open_FP")
    button.click().run()
    assert not at.exception and at.title[0].value == "Review"
    assert (at.query_params["errors_column"], at.query_params["errors_value"]) == ("sensor", "S1")


def test_links_filter_by_what_the_errors_page_can_filter_by(studio):
    data = open_dataset(studio.add_placed())
    assert errors_by_kind.link_filters("sensor", "S1", data) == {"errors_column": "sensor", "errors_value": "S1"}
    assert errors_by_kind.link_filters("source", "S1", data) == {"errors_column": "sensor", "errors_value": "S1"}
    assert errors_by_kind.link_filters("fold", "3", data) == {"errors_folds": "2"}
    assert errors_by_kind.link_filters("brightness", "10 to 20", data) is None
    assert errors_by_kind.link_filters("sensor", errors_by_kind.ALL, data) == {}
