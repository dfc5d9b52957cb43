"""The look at published sets as they are, where ``LANDSLIDE_REAL_DATA`` names their folder."""

import os
from pathlib import Path

import pytest

from core.analyses.datasets.preview import ANALYSIS
from core.data.readers.preview import sample
from core.progress import drain
from core.runs.targets import CheckpointsTarget

REAL = os.environ.get("LANDSLIDE_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="LANDSLIDE_REAL_DATA names no folder of real data")


@pytest.mark.parametrize(
    ("name", "n", "positive", "n_bands", "answers"),
    [
        (
            "landslide4sense-rgb",
            2800,
            1400,
            3,
            {"labels": "labels.csv", "masks": "masks", "group_column": "source_image"},
        ),
        ("bijie-rgb-64", 2218, 616, 3, {"labels": "labels.csv", "masks": "masks"}),
        ("cas-landslide-samples", 8, 0, 3, {}),
        ("chittagong-s2-4band/patches64", 329, 120, 4, {"labels": "../labels.csv", "group_column": "row_block"}),
        ("landslide4sense-h5-labelled-2", 6, 2, 14, {}),
        ("marsls-7band", 50, 50, 7, {"labels": None}),
    ],
)
def test_a_published_set_is_understood(tmp_path, name, n, positive, n_bands, answers):
    facts = drain(ANALYSIS.start(CheckpointsTarget(tmp_path), {"source": Path(REAL) / name}))
    assert (facts["n"], facts["labels"]["n_positive"], len(facts["bands"])) == (n, positive, n_bands)
    said = {one["option"]: one["answer"] for one in facts["questions"]}
    assert {option: said[option] for option in answers} == answers
    assert len(facts["patches"]) == min(n, sample.SHOWN) and not any(band["note"] for band in facts["bands"])
