"""The landslides of a fold as SMOTE saw them, and the synthetic patches between them."""

import numpy as np
import pytest

from core.analyses.smote.fold_minority import FoldLandslides
from core.errors import RunError
from core.predict.training_dataset import training_dataset


@pytest.fixture(scope="module")
def landslides(balanced_run):
    return FoldLandslides.of(balanced_run, training_dataset(balanced_run), 0)


def test_synthetic_patches_are_recomputed_to_the_pixel(balanced_run, landslides):
    lineage = balanced_run.smote()
    mine = lineage[lineage["fold"] == 0]
    a, b = landslides.at(mine["anchor"].tolist()), landslides.at(mine["neighbour"].tolist())
    w = mine["anchor_weight"].to_numpy(np.float64)[:, None, None, None]
    expected = w * landslides.patches[a].astype(np.float64) + (1 - w) * landslides.patches[b]
    made = landslides.between(a, b, mine["anchor_weight"].to_numpy(np.float32))
    assert np.abs(made - expected).max() < 1e-6


def test_they_are_those_of_the_training_part(balanced_run, landslides):
    validation = {str(name) for name in balanced_run.folds()["folds"][0]}
    assert len(landslides.ids) and not validation & set(landslides.ids.tolist())
    with pytest.raises(RunError, match="not among the"):
        landslides.at([next(iter(validation))])
