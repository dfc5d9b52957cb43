"""The sheet of pictures that hovering shows: the right patch in its place, bounded, drawn as everywhere else."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.data.bands import composites
from core.data.store import open_dataset
from dashboard.embedding import hover_pictures
from dashboard.patches import gallery


@pytest.fixture
def data(run):
    return open_dataset(run.job()["dataset"])


@pytest.fixture
def sent(monkeypatch) -> list[dict]:
    """What the component is given."""
    found = []
    monkeypatch.setattr(hover_pictures, "_component", lambda **given: found.append(given["data"]))
    return found


def table_of(data, rows) -> pd.DataFrame:
    rows = np.array(rows)
    return pd.DataFrame(
        {
            "x": 0.0,
            "y": 0.0,
            "prob": 0.5,
            "training": False,
            "row": rows,
            "id": data.ids[rows].astype(str),
            "label": data.labels[rows],
            "outcome": "TN",
            "loss": 0.1,
        }
    )


def pieces(given: dict) -> dict[str, np.ndarray]:
    kind, _, text = given["sheet"].partition(",")
    assert kind == "data:image/jpeg;base64"
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))), float)
    side, columns = hover_pictures.SIDE, given["columns"]
    return {
        name: sheet[at // columns * side :, at % columns * side :][:side, :side] for name, at in given["places"].items()
    }


def test_every_patch_has_its_own_picture(data, sent):
    table, way = table_of(data, [3, 50, 7, 21, 40]), composites(data.bands)[0]
    hover_pictures.show(data, table, way)
    found = pieces(sent[0])
    assert set(found) == set(table["id"])
    for patch_id, got in found.items():
        (shown,) = gallery.pictures(data, [patch_id], gallery.Look(way), side=hover_pictures.SIDE)
        others = gallery.pictures(
            data, [i for i in found if i != patch_id], gallery.Look(way), side=hover_pictures.SIDE
        )
        error = np.abs(got - shown).mean()
        assert error < 25 and error < min(np.abs(got - other).mean() for other in others)


def test_of_too_many_the_wrong_and_the_doubtful_have_pictures(data, sent, monkeypatch):
    monkeypatch.setattr(hover_pictures, "MOST", 3)
    table = table_of(data, range(10))
    table.loc[[8, 9], "outcome"] = ["FN", "FP"]
    table["loss"] = [0.1, 0.2, 0.9, 0.3, 0.1, np.nan, 0.1, 0.1, 3.0, 2.0]
    hover_pictures.show(data, table, composites(data.bands)[0])
    assert set(sent[0]["places"]) == set(table["id"].iloc[[2, 8, 9]])
    place = sent[0]["places"][table["id"].iloc[8]]
    assert "Missed (FN)" in sent[0]["words"][place]


def test_the_page_sends_the_sheet_with_the_map(run, open_page, sent):
    at = open_page("embedding")
    assert not at.exception and len(sent[-1]["places"]) == sent[-1]["count"] > 0


def test_nothing_a_user_wrote_is_read_as_html():
    assert "innerHTML" not in hover_pictures.JS and "textContent" in hover_pictures.JS
