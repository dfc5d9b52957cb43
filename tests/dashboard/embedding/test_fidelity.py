"""The sentence above a map says what its card says, and no more; the method stands at the end."""

from __future__ import annotations

import math

import pytest

from dashboard.embedding import fidelity

CARD = {"agreement": 0.91, "majority": 0.75, "refit_agreement": 0.88, "n_heldout": 200, "n_near": 180}
CARD |= {"near_agreement": 0.95, "map_agreement": 0.99}


def test_the_sentence_names_head_share_number_fold_interval_and_majority():
    assert fidelity.sentence(CARD, "svm_c0.1", 1) == (
        "The drawn boundary agrees with the SVM \\(C 0\\.1\\) head on **91.0%** of 200 held-out patches of fold 2 "
        "(95% interval 86.2–94.2%; always the majority class: 75.0%)."
    )
    everything = fidelity.sentence(CARD | {"agreement": 1.0}, "fc", 0)
    assert "the fully connected head on **100.0%**" in everything and "–100.0%" in everything


def test_it_warns_of_a_boundary_that_knows_no_more_than_the_majority():
    assert "Do not rely on it" in fidelity.sentence(CARD | {"agreement": 0.75}, "fc", 0)
    assert "Do not rely on it" not in fidelity.sentence(CARD, "fc", 0)
    assert "majority" not in fidelity.sentence(CARD | {"majority": math.nan}, "fc", 0)


@pytest.mark.parametrize("changes", [{"agreement": math.nan}, {"n_heldout": 0}, {"agreement": None}])
def test_without_held_out_patches_nothing_is_claimed(changes):
    assert fidelity.sentence(CARD | changes, "fc", 0).startswith("No patches were held out")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, "the drawn boundary has 25% fewer disagreements."),
        ({"agreement": 0.97, "refit_agreement": 0.975}, "any sensible boundary comes close"),
        ({"agreement": 0.89}, "only 8% fewer disagreements"),
        ({"agreement": 0.85}, "no better"),
        ({"agreement": 0.85, "map_agreement": 0.8}, "same decision only 80.0% of the time"),
        ({"refit_agreement": math.nan}, "no 2-D SVM to compare"),
    ],
)
def test_it_is_compared_with_a_boundary_of_the_plane(changes, words):
    assert words in fidelity.compared(CARD | changes)


def test_what_lies_on_hatched_ground_is_told_apart():
    text = fidelity.measured(CARD)
    for part in ("Wilson", "20 of 200 held-out patches lie in hatched areas", "95.0%"):
        assert part in text
    assert "hatched" not in fidelity.measured(CARD | {"n_near": 200}) and fidelity.compared({}) == ""


def test_a_title_names_the_settings_that_matter_to_the_method():
    settings = {"n_neighbors": 15, "min_dist": 0.1, "perplexity": 30.0, "metric": "cosine"}
    titles = [
        fidelity.projection_title({"method": m, "settings": settings, "seed": 3}) for m in ("umap", "tsne", "pca")
    ]
    assert titles == [
        "UMAP, cosine, 15 neighbours, minimum distance 0.1, seed 3",
        "t-SNE, cosine, perplexity 30, seed 3",
        "PCA, cosine, seed 3",
    ]
    assert fidelity.projection_title({"method": "pca"}) == "PCA"  # an earlier version's


def test_the_story_names_fold_method_and_trustworthiness():
    text = fidelity.story(40, {"method": "tsne", "note": "A *note*.", "trustworthiness": 0.93, "placed": 0.9}, 1)
    assert text.startswith("t-SNE of the embeddings of fold 2's network") and "40 training patches" in text
    assert "Trustworthiness 0.930, 0.900 among the held-out patches" in text and "A \\*note\\*" in text
