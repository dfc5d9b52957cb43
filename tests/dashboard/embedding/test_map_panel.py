"""A map is made once, and anew when anything that it shows has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.data.bands import composites
from core.data.store import open_dataset
from core.runs.plain_files import write_table
from dashboard import cache
from dashboard.charts.embedding_map import Marked
from dashboard.embedding import map_panel, projections
from dashboard.embedding.controls import Look
from dashboard.ui import downloads


@pytest.fixture
def data(run):
    return open_dataset(run.job()["dataset"])


@pytest.fixture
def drawn(run):
    return projections.read(cache.run(run.path), 0)


@pytest.fixture
def sent(monkeypatch) -> list:
    """The figures that the page is given."""
    found = []
    monkeypatch.setattr(downloads, "show", lambda figure, **options: found.append(figure))
    return found


def draw(drawn, data, by="label", training=True, head="fc", **more):
    look = Look(by, training, False, composites(data.bands)[0])
    map_panel.draw(drawn, head, data, look, map_panel.table_of(drawn, head, data, look), **more)


def test_the_same_map_is_made_once_and_another_is_another(drawn, data, sent):
    star = Marked("new", drawn.arrays["xy"][:1], ["one"])
    moved = Marked("new", drawn.arrays["xy"][1:2], ["one"])
    for more in (
        {}, {"by": "outcome"}, {"training": False}, {"head": "svm_c0.1"}, {"height": 300}, {"legend": False},
        {"marked": [star]}, {"marked": [moved]},
    ):  # fmt: skip
        draw(drawn, data, **more)
        draw(drawn, data, **more)
    first, second = sent[::2], sent[1::2]
    assert [a is b for a, b in zip(first, second, strict=True)] == [True] * len(first)
    assert len({id(figure) for figure in first}) == len(first)
    assert len({figure.to_json() for figure in first}) == len(first)


def test_a_table_that_is_changed_by_its_reader_is_whole_for_the_next(drawn, data):
    look = Look("label", True, False, composites(data.bands)[0])
    before = map_panel.table_of(drawn, "fc", data, look)
    before["prob"], before["more"] = 0.0, 1
    after = map_panel.table_of(drawn, "fc", data, look)
    assert "more" not in after and after["prob"].gt(0).any()


def test_a_run_whose_files_have_changed_has_another_map(run, drawn, data, sent):
    draw(drawn, data)
    oof = run.oof()
    write_table(run.path / "oof.parquet", oof.assign(prob_fc=1 - oof["prob_fc"], pred_fc=1 - oof["pred_fc"]))
    draw(drawn, data)
    look = Look("label", True, False, composites(data.bands)[0])
    table = map_panel.table_of(drawn, "fc", data, look).set_index("id")
    assert (table["pred"] == 1 - oof.set_index("id")["pred_fc"].reindex(table.index)).all()
    assert sent[0] is not sent[1] and sent[0].to_json() != sent[1].to_json()


def test_another_version_of_the_labels_has_another_map(run, drawn, data, sent):
    oof = run.oof()
    write_table(run.path / "oof.parquet", oof[oof["fold"] == 0])  # one split: training patches are in no fold
    for labels in (data.labels, 1 - data.labels):
        draw(drawn, replace(data, labels=labels))
        look = Look("label", True, False, composites(data.bands)[0])
        table = map_panel.table_of(drawn, "fc", replace(data, labels=labels), look)
        part = table[table["training"]]
        assert len(part) and (part["label"].to_numpy() == labels[part["row"]]).all()
    assert sent[0].to_json() != sent[1].to_json()
