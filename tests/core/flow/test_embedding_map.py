"""The embedding map of a fold holds every head's boundary, at the threshold that the run decided by."""

import numpy as np
import pytest

from core.config import EmbedConfig
from core.data.store import open_dataset
from core.flow.embedding_map import draw_fold, heads_of, margins
from core.flow.fold_rows import fold_rows
from core.flow.refitted_heads import write_refit
from tests.builders import make_dataset, make_run

HEADS = ("fc", "svm_c0.1", "lgbm")
PCA = EmbedConfig(method="pca", grid=12)


@pytest.fixture
def run(tmp_path):
    """A finished run whose heads' scores are those of its out-of-fold table."""
    run = make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5").path)
    oof = run.oof().set_index("id").loc[open_dataset(run.dataset_path()).ids]
    for fold in range(3):
        run.write_scores(fold, {head: oof[f"score_{head}"].to_numpy() for head in HEADS})
    return run


def test_a_margin_is_positive_where_the_run_called_a_held_out_patch_a_landslide(run):
    oof = run.oof().set_index("id").loc[open_dataset(run.dataset_path()).ids]
    for fold in range(3):
        held = np.flatnonzero(oof["fold"].to_numpy() == fold)
        found = margins(run, fold)
        assert set(found) == set(HEADS)
        for head, margin in found.items():
            np.testing.assert_array_equal(margin[held] >= 0, oof[f"pred_{head}"].to_numpy()[held] == 1)


def test_heads_that_were_fitted_later_come_last_and_have_a_threshold_of_their_own(run):
    labels = open_dataset(run.dataset_path()).labels
    for fold in range(3):
        write_refit(run, fold, {"svm_c9": np.linspace(-1, 1, 60) + 4.0 * labels}, {"svm_c9": {}})
    assert heads_of(run)[-1] == "svm_c9" and "stats_svm" not in heads_of(run)
    margin = margins(run, 0, ["svm_c9"])["svm_c9"]
    held = fold_rows(run, 0).val
    np.testing.assert_array_equal(margin[held] >= 0, labels[held] == 1)


def test_a_fold_is_drawn_with_its_heads_and_what_it_was_made_from(run):
    run.write_head_rows(0, np.arange(40), np.arange(40, 60), np.arange(60) % 2, np.ones((3, 8), np.float32))
    arrays, card = draw_fold(run, 0, PCA, seed=3)
    assert arrays["xy"].shape == (60, 2) and arrays["synthetic"].shape == (3, 2)
    assert arrays["train"].tolist() == [1] * 40 + [0] * 20
    assert {name for name in arrays if name.startswith("values_")} == {f"values_{head}" for head in HEADS}
    assert arrays["values_fc"].shape == arrays["near"].shape == (12, 12)
    assert (card["method"], card["seed"], card["made_from"]) == ("pca", 3, run.made_from(0))
    assert EmbedConfig(**card["settings"]) == PCA and card["heads"]["fc"]["n_heldout"] == 20


def test_a_run_without_synthetic_patches_is_drawn_without_them(run):
    assert "synthetic" not in draw_fold(run, 1, PCA, seed=0)[0]
