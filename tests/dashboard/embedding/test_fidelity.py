"""The words below a projection say what its card says, and no more."""

from __future__ import annotations

import math

import pytest

from dashboard.embedding import fidelity

CARD = {"agreement": 0.91, "majority": 0.75, "refit_agreement": 0.88, "n_heldout": 200, "n_near": 180}
CARD |= {"near_agreement": 0.95, "map_agreement": 0.99}


@pytest.mark.parametrize(
    "changes, grade, words",
    [
        ({}, "good", "91.0% of held-out patches: 25% fewer disagreements than a 2-D SVM."),
        ({"agreement": 0.97, "refit_agreement": 0.975}, "good", "97.0% of held-out patches."),
        ({"agreement": 0.89}, "fair", "only 8% fewer disagreements"),
        ({"agreement": 0.85}, "fair", "no more than a 2-D SVM"),
        ({"agreement": 0.85, "map_agreement": 0.8}, "fair", "same decision only 80.0% of the time"),
        ({"refit_agreement": math.nan}, "fair", "no 2-D SVM to compare"),
        ({"agreement": 0.75}, "poor", "Do not rely on it"),
        ({"agreement": math.nan}, "poor", "No patches were held out"),
    ],
)
def test_the_verdict_compares_with_the_commoner_answer_and_a_boundary_of_the_plane(changes, grade, words):
    found = fidelity.verdict(CARD | changes)
    assert found[0] == grade and words in found[1]


def test_the_figures_stand_below_with_what_lies_on_hatched_ground():
    text = fidelity.measured(CARD)
    for part in ("200 held-out patches", "91.0%", "75.0%", "88.0%", "the 20 in hatched areas", "95.0%"):
        assert part in text
    assert "hatched" not in fidelity.measured(CARD | {"n_near": 200}) and "undefined" in fidelity.measured({})


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
    assert text.startswith("t-SNE of fold 2's embeddings") and "40 training patches" in text
    assert "Trustworthiness 0.930, 0.900 among the held-out ones" in text and "A \\*note\\*" in text
