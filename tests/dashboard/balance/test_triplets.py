"""Synthetic patches beside their parents: one scale, order, paging, the difference, the way to the interpolation."""

import numpy as np
import pytest

from core.data.bands import composites
from core.data.store import open_dataset
from dashboard.balance import interpolation, triplets
from dashboard.patches import render


def test_a_triplet_is_drawn_on_one_scale(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row = run.smote().head(1)
    way = composites(data.bands)[-1]
    drawn = triplets.pictures(data, row, way, "dataset")[0]
    alone = render.picture(
        data.images(data.index_of(row["anchor"].tolist()))[0], data.band_names, way,
        render.dataset_limits(data.statistics),
    )  # fmt: skip
    assert len(drawn) == 4 and np.array_equal(drawn[0], alone)


def test_order_fold_and_composite_can_be_chosen(studio, open_page):
    studio.add_run(studio.add_dataset())
    at = open_page("balance")
    at.selectbox(key="balance_order").select("Lowest anchor weight first")
    at.selectbox(key="balance_composite").select_index(5)
    at.session_state["balance_fold"] = 2
    at.run()
    assert not at.exception and not at.error


def test_the_difference_is_dark_where_nothing_changed():
    limits = np.array([[0.0, 0.5, 1.0]])
    anchor = np.zeros((1, 8, 8))
    made = anchor.copy()
    made[0, :4] = 0.5
    rgb = triplets.difference(anchor, made, limits)
    assert rgb[-1].max() <= 4 and rgb[0].min() > 100


def test_a_triplet_leads_to_its_interpolation(answering, open_page):
    at = open_page("balance")
    button = next(b for b in at.button if b.label == "Interpolate")
    button.click().run()
    assert not at.exception and at.session_state["balance_view"] == "interpolation"
    assert at.session_state[interpolation.SYNTHETIC] == button.key.removeprefix("balance_interpolate_")


@pytest.mark.parametrize(("gap", "words"), [(0.0, "the same"), (3e-9, "the same"), (0.0123, "at most 0.0123 away")])
def test_a_gap_is_a_number_that_can_be_read(gap, words):
    assert words in interpolation._away(gap) and "e+" not in interpolation._away(gap)
