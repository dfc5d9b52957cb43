"""The Embedding page: the held-out part of a fold, colours, the selection, and what is missing in words."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from dashboard.embedding import controls, fidelity, map_panel, points, projections
from tests.dashboard.embedding.conftest import charts, held_out, ids


def test_one_map_shows_the_held_out_part_of_the_fold_without_axes(run, open_page):
    at = open_page("embedding")
    assert not at.exception and not at.error
    (drawn,) = charts(at)
    assert ids(drawn) == held_out(run) and drawn["layout"]["height"] == 600
    assert not drawn["layout"]["xaxis"]["visible"] and not drawn["layout"]["yaxis"]["visible"]
    assert len(drawn["layout"]["images"]) == 1 and {trace["type"] for trace in drawn["data"]} == {"scatter"}


def test_the_map_is_described_in_words(run, open_page):
    (drawn,) = open_page("embedding").get("plotly_chart")
    words = drawn.proto.alt
    oof, head = run.oof().query("fold == 0"), run.summary()["head"]
    wrong = int((oof[f"pred_{head}"] != oof["label"]).sum())
    assert words.startswith(f"Map of {len(oof)} held-out patches of fold 1") and f"wrong on {wrong} of them" in words
    assert "agrees with this head on 91.0%" in words


def test_the_patch_whose_neighbours_are_shown_is_in_the_link(run, open_page):
    patch_id = sorted(held_out(run))[3]
    at = open_page("embedding", embedding_more="near", embedding_near=patch_id)
    assert not at.exception and at.selectbox(key="embedding_near").value == patch_id


def test_the_switch_above_the_map_and_the_sidebar_hold_one_choice_of_the_head(run, open_page):
    at = open_page("embedding")
    heads, first = at.button_group(key="embedding_switch").options, at.button_group(key="embedding_switch").value
    assert len(heads) >= 2 and first == run.summary()["head"] != "fc"
    at.button_group(key="embedding_switch").set_value("fc").run()
    assert not at.exception and at.query_params["head"] == "fc" and at.selectbox(key="head").value == "fc"
    at.selectbox(key="head").select(first).run()
    assert at.button_group(key="embedding_switch").value == first and "head" not in at.query_params
    at = open_page("embedding", head="fc")
    assert at.button_group(key="embedding_switch").value == "fc"


def test_a_boundary_far_from_all_patches_is_said_to_show_no_line(run, open_page):
    words = fidelity.NO_LINE
    assert not any(words in m.value for m in open_page("embedding").markdown)
    path = run.path / "fold_0" / "umap.safetensors"
    arrays = dict(load_file(path))
    arrays |= {name: np.abs(values) + 1 for name, values in arrays.items() if name.startswith("values_")}
    save_file(arrays, path)
    assert any(words in m.value for m in open_page("embedding").markdown)


def test_several_heads_are_compared_on_request(run, open_page):
    at = open_page("embedding", embedding_view="heads")
    assert not at.exception and not at.error
    drawn = charts(at)
    assert len(drawn) >= 2 and all(ids(chart) == held_out(run) for chart in drawn)
    at.multiselect(key="embedding_heads").set_value([]).run()
    assert not at.exception and not charts(at)


def test_the_map_is_sent_before_what_takes_long(run, open_page, monkeypatch):
    """Hashes of the network's file, columns, forms: nothing of it comes before the map."""
    order = []
    for module, name in ((map_panel, "draw"), (projections, "changes"), (controls, "facts"), (projections, "controls")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, n=name, f=real, **k: (order.append(n), f(*a, **k))[1])
    at = open_page("embedding")
    assert not at.exception and order[0] == "draw" and {"changes", "facts", "controls"} <= set(order)


def test_another_fold_shows_its_own_patches_and_training_can_be_added(run, open_page):
    at = open_page("embedding")
    at.button_group(key="embedding_fold").set_value(1).run()
    assert ids(charts(at)[0]) == held_out(run, 1)
    at.button_group(key="embedding_part").set_value("all").run()
    assert not at.exception and len(ids(charts(at)[0])) == 60


@pytest.mark.parametrize("colour", [name for name in points.COLOURS if name != "label"])
def test_every_colouring_is_drawn(run, open_page, colour):
    at = open_page("embedding")
    at.selectbox(key="embedding_colour").select(colour).run()
    assert not at.exception and not at.error and ids(charts(at)[0]) == held_out(run)


def test_synthetic_patches_are_drawn_with_their_parents(complete, pca_key, open_page):
    at = open_page("embedding")
    assert at.toggle(key="embedding_synthetic").disabled  # the run's own projection is of an earlier version
    at.selectbox(key="embedding_projection").select(pca_key).run()
    at.toggle(key="embedding_synthetic").set_value(True).run()
    assert not at.exception
    names = [trace.get("name") for trace in charts(at)[0]["data"]]
    assert "synthetic, joined to its parents" in names


def test_a_missing_projection_is_a_sentence(run, open_page):
    (run.path / "fold_0" / "umap.json").unlink()
    at = open_page("embedding")
    assert not at.exception and at.error


def test_the_url_opens_a_patch_here_too(run, open_page):
    at = open_page("embedding", run=run.name, patch="ID_0004")
    assert not at.exception and any("ID\\_0004" in m.value for m in at.markdown)


def test_names_that_try_to_become_markup_are_shown_as_they_are(studio, open_page):
    run = studio.add_hostile()
    at = open_page("embedding", run=run.name)
    assert not at.exception
    text = json.dumps(charts(at)[0]["data"])
    assert "&lt;img" in text and '"customdata[0]"' not in text
    assert not any(re.search(r"(?<!\\)<img", m.value) for m in (*at.markdown, *at.caption))
