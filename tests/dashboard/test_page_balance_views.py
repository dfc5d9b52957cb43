"""Balance: counts by group, the path, the graph of neighbours, how realistic synthetics are."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

from core.data.bands import composites
from core.data.store import open_dataset
from dashboard import theme
from dashboard.balance import charts, counts, interpolation, model_queries, neighbours, pictures

KIN = {
    "id": "a", "fold": 0, "nearest": ["b", "c", "<b>d</b>"], "ssim": [0.9, 0.5, 0.1], "n": 9, "seconds": 0.1,
    "further": [["b", "c", 0.4], ["b", "e", 0.3], ["c", "e", 0.2], ["<b>d</b>", "f", 0.1]],
}  # fmt: skip


def path_of(data, ids, also=(0.3,)):
    position = np.unique([0, 0.5, 1, 1.5, 2, *also])
    n = len(position)
    return {
        "fold": 0, "ids": ids, "labels": [1, 1, 0], "seen": [True, True, True], "position": position.tolist(),
        "probs": {"fc": np.linspace(0.9, 0.1, n).tolist(), "svm_c0.1": np.linspace(0.8, 0.2, n).tolist()},
        "thresholds": {"fc": 0.5, "svm_c0.1": 0.4}, "headline": "svm_c0.1", "margin_head": "svm_c0.1",
        "margin": np.linspace(1, -1, n).tolist(), "embeddings": np.zeros((n, 8)).tolist(),
        "maps": np.ones((n, 4, 4)).tolist(), "layer": "blocks.3", "method": "gradcam", "largest_gap": 1e-8,
        "stored": {"fc": [0.9, 0.5, 0.1]}, "ssim": [0.4, 0.1], "distance": 0.2, "metric": "cosine", "seconds": 0.1,
    }  # fmt: skip


@pytest.fixture
def answering(studio, monkeypatch):
    """A run whose fold answers at once: what the process would say, without a network."""
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row = run.smote().iloc[0]
    other = str(data.ids[np.flatnonzero(data.labels == 0)[0]])
    asked = []

    def walked(folder, way):
        asked.append(way)
        return path_of(data, [way.neighbour, way.anchor, other], way.also)

    def places(folder, way, embeddings):
        return {"xy": np.zeros((len(path_of(data, [], way.also)["position"]), 2)).tolist(), "note": "Projected."}

    def kin(folder, fold, patch_id, k, second=0):
        others = [i for i in pictures.landslides_of(folder, fold) if i != patch_id][:k]
        ssim = np.linspace(0.9, 0.1, len(others)).tolist()
        further = [[others[0], name, 0.2] for name in others[1 : 1 + second]]
        return {"id": patch_id, "fold": fold, "nearest": others, "ssim": ssim, "further": further, "n": 9}

    for name, answer in (("walked", walked), ("places", places), ("kin", kin)):
        monkeypatch.setattr(model_queries, name, answer)
    monkeypatch.setattr("dashboard.jobs.model_client.Warm.prepare", lambda *_: None)
    return run, row, asked


# --------------------------------------------------------------------------------------------------------- counts


def test_groups_add_up_to_the_fold(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    whole = counts.fold_counts(data, run.folds(), run.smote()).iloc[1]
    table = counts.group_counts(data, run.folds(), run.smote(), 1)
    assert table["synthetic"].sum() == whole["synthetic"] and table["other"].sum() == whole["other"]
    assert table["landslide"].sum() == whole["landslide"] and table["synthetic"].is_monotonic_decreasing
    mine = set(run.folds()["folds"][1])
    held = {str(group) for group, name in zip(data.groups, data.ids, strict=True) if name in mine}
    assert not held & set(table["group"])  # groups stay together, and the lineage stays inside
    one = table.iloc[0]
    assert one["after"] == pytest.approx(
        (one["landslide"] + one["synthetic"]) / (one["landslide"] + one["synthetic"] + one["other"])
    )


def test_counts_by_group_are_on_the_page(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("balance")
    assert not at.exception and any("groups in the training part of fold 1" in c.value for c in at.caption)


# ----------------------------------------------------------------------------------------------------------- path


def test_a_stop_says_which_mixture_it_is():
    words = [interpolation.stop_words(t, (0.3,)) for t in (0.0, 0.3, 1.0, 1.75, 2.0)]
    assert words == ["neighbour", "anchor × 0.30 (the synthetic patch)", "anchor", "anchor × 0.25, other", "other"]


def test_pictures_along_the_path_begin_turn_and_end_at_the_real_patches(studio):
    data = open_dataset(studio.add_dataset())
    ids, way = data.ids[[0, 4, 1]].tolist(), composites(data.bands)[0]
    path = path_of(data, ids)
    seen = pictures.along(data, path, way, "dataset")
    for at, name in ((0.0, ids[0]), (1.0, ids[1]), (2.0, ids[2])):
        alone = pictures.along(data, path_of(data, [name] * 3, ()), way, "dataset")[0]
        assert np.array_equal(seen[path["position"].index(at)], alone)


def test_the_path_is_asked_once_and_the_slider_asks_nothing(answering, open_page):
    run, row, asked = answering
    at = open_page("balance", balance_view="path")
    assert not at.exception and not at.error
    n, slider = len(asked), at.select_slider[0]
    assert asked[-1].anchor == row["anchor"] and asked[-1].neighbour == row["neighbour"]
    assert asked[-1].also == (pytest.approx(float(row["anchor_weight"]), abs=1e-6),)
    slider.set_value(0).run()
    assert not at.exception and len(asked) - n <= 1  # AppTest draws the whole page; the answer is kept by the cache
    assert any("By the network of fold 1, which learnt from all three" in c.value for c in at.caption)


def test_places_are_asked_for_once_and_wait_for_nobody():
    placed, go = model_queries.Placed(), threading.Event()
    asked = []

    def slow():
        asked.append(1)
        go.wait(10)
        return {"xy": [[0.0, 0.0]]}

    first = placed.asked(("a",), slow)
    assert placed.asked(("a",), slow) is first and not first.done()
    go.set()
    assert first.result(10) == {"xy": [[0.0, 0.0]]} and asked == [1]
    for i in range(model_queries.MOST_PLACED + 5):
        placed.asked((i,), dict).result(10)
    assert len(placed.answers) == model_queries.MOST_PLACED
    placed.close()


def test_while_the_places_are_on_their_way_the_path_is_there(answering, open_page, monkeypatch):
    monkeypatch.setattr(model_queries, "places", lambda *_: None)
    at = open_page("balance", balance_view="path")
    assert not at.exception and not at.error and at.select_slider
    assert any("being placed on the map" in i.value for i in at.info)


def test_a_landslide_and_any_neighbour_can_be_walked(answering, open_page):
    *_, asked = answering
    at = open_page("balance", balance_view="path")
    at.session_state["balance_path_from"] = "landslide"
    at.run()
    assert not at.exception and not at.error and asked[-1].also == ()
    assert asked[-1].neighbour == at.selectbox(key="balance_path_neighbour").value != asked[-1].anchor


def test_a_triplet_leads_to_its_path(answering, open_page):
    at = open_page("balance")
    button = next(b for b in at.button if b.label == "Walk its path")
    button.click().run()
    assert not at.exception and at.session_state["balance_view"] == "path"
    assert at.session_state[interpolation.SYNTHETIC] == button.key.removeprefix("balance_walk_")


def test_curves_mark_the_stop_the_threshold_and_what_is_stored(studio):
    data = open_dataset(studio.add_dataset())
    figure = charts.path_curves(path_of(data, ["a", "b", "c"]), 1.5, "<b>slide</b>")
    lines = [shape.x0 for shape in figure.layout.shapes if shape.line.color == charts.STOP]
    assert set(lines) == {1.5} and "&lt;b&gt;" in figure.layout.yaxis.title.text
    diamonds = next(t for t in figure.data if t.marker.symbol == "diamond-open")
    assert list(diamonds.y) == [0.9, 0.5, 0.1]
    assert 0.4 in [shape.y0 for shape in figure.layout.shapes]


@pytest.mark.parametrize("state", ["running", "failed"])
def test_what_asks_the_networks_is_offered_for_finished_runs_only(studio, open_page, state):
    studio.add_run(studio.add_dataset(), state)
    at = open_page("balance", balance_view="path")
    assert not at.exception and not at.error and not at.select_slider


# ---------------------------------------------------------------------------------------------------------- graph


def test_the_more_similar_stand_nearer_and_every_patch_once():
    places, further = charts.kin_places(KIN)
    radius = {name: np.hypot(*place) for name, place in places.items()}
    assert radius["a"] == 0 and radius["b"] < radius["c"] < radius["<b>d</b>"] < radius["e"]
    assert set(places) == {"a", "b", "c", "<b>d</b>", "e", "f"} and sorted(further) == ["e", "f"]
    figure = charts.kin_graph(KIN, {("a", "b"): 2, ("c", "a"): 1}, {})
    said = [t.text[0] for t in figure.data if t.mode == "lines"]
    assert "SSIM 0.900, 2 synthetics between them" in said and "SSIM 0.500, 1 synthetic between them" in said
    clicks = [row[0] for t in figure.data if t.customdata is not None for row in t.customdata]
    assert sorted(clicks) == sorted(places)
    assert not any("<b>" in a.text for a in figure.layout.annotations)


def test_edges_count_synthetics_either_way_round():
    made = neighbours.between(pd.DataFrame({"anchor": ["a", "a", "c"], "neighbour": ["b", "b", "a"]}))
    table = neighbours.edges(KIN, made).set_index(["from", "to"])
    assert table.loc[("a", "b"), "synthetics"] == 2 and table.loc[("a", "c"), "synthetics"] == 1
    assert len(table) == 7 and table["degree"].tolist() == [1, 1, 1, 2, 2, 2, 2]


def test_the_graph_is_drawn_with_its_table(answering, open_page):
    at = open_page("balance", balance_view="kin")
    assert not at.exception and not at.error
    assert at.dataframe[0].value["degree"].value_counts().to_dict() == {1: 5, 2: 3}


# -------------------------------------------------------------------------------------------------------- realism


def test_realism_is_offered_then_shown(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance", balance_view="real")
    assert "Measure how realistic they are" in [b.label for b in at.button]
    one = {"auc": 0.82, "lo": 0.78, "hi": 0.86, "p": 1e-9, "n": [40, 30], "n_groups": 12}
    judged = {"n": 40, "share": 0.25, "interval": [0.1, 0.4], "groups": 9}
    distance = {"any": 0.3, "others": 0.7, "anchor": 0.8, "ratio": {"value": 0.9, "interval": [0.8, 1.0]}, "n": 90}
    report = {
        "verdict": {"level": "plain", "sentence": "Plainly unlike.", "reasons": []}, "folds": 3, "halvings": 4, "n": 90,
        "two_sample": {"statistics": one, "detail": one, "real_against_real": one | {"auc": None, "lo": None}},
        "judged": {"head": "svm_c0.1", "neither parent": judged, "one parent": judged | {"n": 0}, "real": judged},
        "detail": {"kept": {"value": 0.6, "interval": [0.5, 0.7]}, "q05": 0.4, "q95": 0.9, "n": 90},
        "distance": {"pixels": distance, "embedding": None},
    }  # fmt: skip
    lineage = run.smote().head(9)
    values = {f"pixels_{name}": np.linspace(0.1, 1, 9) for name in ("any", "others", "anchor")}
    run.write_smote_realism(report, lineage.assign(detail_kept=0.6, **values))
    at = open_page("balance", balance_view="real")
    assert not at.exception and not at.error and at.warning[0].value == "Plainly unlike\\."
    assert at.dataframe[0].value["share"].tolist() == ["25% (10% to 40%)"] * 2
    run.write_smote_realism(report | {"judged": None}, lineage.assign(detail_kept=0.6, **values))
    at = open_page("balance", balance_view="real")
    assert not at.exception and any("none can judge" in i.value for i in at.info)


def test_colours_tell_real_against_real_from_the_tests():
    one = {"auc": 0.8, "lo": 0.7, "hi": 0.9, "n": [9, 9]}
    figure = charts.two_samples({"statistics": one, "real_against_real": one, "embedding": one | {"auc": None}})
    assert list(figure.data[0].marker.color) == [theme.POSITIVE, theme.INK]
