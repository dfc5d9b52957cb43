"""Planted shortcuts are told, honest files are not, and the sentence says what to do."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.data.check.files import file_rows
from core.data.readers import ReaderOptions, ingest
from core.data.shortcuts import betrayed as module
from core.data.shortcuts.betrayed import ALL, Betrayals, betrayed
from core.data.store import open_dataset
from core.progress import drain

REAL = os.environ.get("LANDSLIDE_REAL_DATA")
N = 300
RNG = np.random.default_rng(0)
LABELS = (np.arange(N) % 3 == 0).astype(np.int8)


def made(groups=None, columns=None, **files):
    kept = {name: np.asarray(values) for name, values in files.items()}
    return SimpleNamespace(files=kept, columns=columns or {}, groups=groups, positive="landslide")


def of(found, name):
    (row,) = [row for row in found.rows if row.name == name]
    return row


def test_a_planted_size_is_told_with_what_to_do():
    width = np.where(LABELS == 1, 300, 200) + RNG.normal(0, 40, N)
    found = betrayed(made(width=width, height=np.full(N, 100.0), order=RNG.random(N)), LABELS)
    row = of(found, "size")
    assert row.tells and 0.9 < row.lo < row.auc < row.hi <= 1 and not of(found, "order").tells
    warning, *_ = file_rows(found, "landslide")
    assert warning.severity == "warning" and "Picture size alone tells landslide with AUC 0.9" in warning.sentence()
    assert "A network can cheat" in warning.advice and "--tile" in warning.advice


def test_chance_is_told_as_chance_and_what_is_the_same_is_not_tested():
    found = betrayed(made(width=RNG.integers(90, 200, N), height=RNG.integers(90, 200, N), format=["PNG"] * N), LABELS)
    assert [row.tells for row in found.rows] == [False] and found.same == ("file format",)
    (row,) = file_rows(found, "landslide")
    assert (
        row.severity == "ok" and "Nothing that a network can see" in row.what and "file format (the same" in row.where
    )


@pytest.mark.parametrize("seed", range(3))
def test_groups_keep_their_size_from_being_learnt_by_heart(seed):
    """A size of each scene, whatever its label, tells nothing of other scenes."""
    rng = np.random.default_rng(seed)
    groups = np.array([f"g{i // 10}" for i in range(N)])
    labels = np.repeat(rng.permutation(np.arange(30) % 2), 10).astype(np.int8)
    width = np.repeat(rng.permutation(30) * 10.0, 10)
    found = betrayed(made(groups, width=width, height=width), labels)
    assert not of(found, "size").tells and found.n_groups == 30


def test_names_are_told_apart_from_what_a_network_sees():
    names = np.where(LABELS == 1, "ls_#.png", "n_#.png")
    found = betrayed(made(name_pattern=names, order=np.argsort(np.argsort(-LABELS)) / N), LABELS)
    assert of(found, "name").tells and ALL not in {row.name for row in found.rows}
    named, nothing = file_rows(found, "landslide")
    assert named.severity == nothing.severity == "ok" and "No network sees a name" in named.advice


def test_width_and_height_of_a_table_are_the_size_that_was_resized():
    columns = {"Width": np.where(LABELS == 1, 300, 200) + RNG.integers(0, 90, N), "height": RNG.integers(90, 99, N)}
    found = betrayed(made(columns=columns), LABELS)
    assert of(found, "noted_size").tells and "from a column" in file_rows(found, "landslide")[0].what


def test_what_cannot_be_told_is_said():
    for data, labels, why in (
        (made(), LABELS, "Import the source again"),
        (made(width=RNG.random(N)), np.ones(N, np.int8), "both classes"),
        (made(width=RNG.random(N)), -np.ones(N, np.int8), "both classes"),
        (made(np.array(["one"] * N), width=RNG.random(N)), LABELS, "cannot be tested"),
    ):
        found = betrayed(data, labels)
        (row,) = file_rows(found, "landslide")
        assert not found.rows and row.severity == "ok" and "is not known" in row.what and why in row.advice


def test_resampled_areas_are_scikit_learns_and_the_record_outlives_json():
    scores = RNG.integers(0, 9, N) / 9 + 0.3 * LABELS
    samples, worth = module._resampled(LABELS, scores, None, 0)
    weights = np.bincount(np.random.default_rng(0).integers(N, size=(100, N))[0], minlength=N)
    assert samples[0] == pytest.approx(roc_auc_score(LABELS, scores, sample_weight=weights)) and worth == 100
    found = betrayed(made(width=RNG.random(N), height=RNG.random(N)), LABELS)
    assert Betrayals.from_dict(found.to_dict()) == found


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="LANDSLIDE_REAL_DATA is not set: no real data here")
def test_bijie_is_caught(tmp_path):
    source = Path(REAL) / "bijie-rgb-64"
    options = ReaderOptions(labels=source / "labels.csv")
    data = open_dataset(drain(ingest("folders", source, tmp_path / "b.h5", options)).dataset)
    found = betrayed(data, data.labels)
    assert of(found, "noted_size").tells and 0.79 < of(found, "noted_size").auc < 0.87
    assert not of(found, "bytes").tells and found.same[0] == "picture size"
