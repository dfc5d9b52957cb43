"""One large synthetic patch beside its parents: one scale, order, link, strip, the difference, the interpolation."""

import numpy as np
import pytest

from core.data.bands import Composite, composites
from core.data.store import open_dataset
from dashboard.balance import interpolation, pictures, triplets
from dashboard.patches import render
from tests.dashboard import galleries


def large(at):
    """Id of the synthetic patch that is large."""
    (button,) = (b for b in at.button if b.label == "Interpolate")
    return button.key.removeprefix("balance_interpolate_")


def ordered(run, by="ssim", ascending=False, fold=0):
    table = run.smote().query("fold == @fold").sort_values([by, "synthetic"], ascending=[ascending, True])
    return table["synthetic"].tolist()


def test_a_triplet_is_drawn_on_one_scale(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row, way = run.smote().iloc[0], composites(data.bands)[-1]
    drawn = pictures.of_triplet(data, row, way, "dataset", 256)
    alone = render.picture(
        data.images(data.index_of([row["anchor"]]))[0], data.band_names, way, render.dataset_limits(data.statistics),
    )  # fmt: skip
    assert len(drawn) == 3 and np.array_equal(drawn[0], alone)


def test_the_difference_is_synthetic_minus_anchor_in_the_bands_unit(studio):
    dataset = studio.add_dataset()
    run, data = studio.add_run(dataset), open_dataset(dataset)
    row = run.smote().iloc[0]
    anchor, neighbour = data.images(data.index_of([row["anchor"], row["neighbour"]]))
    band = data.bands[0]
    values, unit = pictures.difference(data, row, Composite("one", (band.name,)))
    np.testing.assert_allclose(values, (1 - row["anchor_weight"]) * (neighbour[0] - anchor[0]), rtol=1e-3, atol=1e-3)
    assert unit == band.unit
    other = next(b for b in data.bands if b.unit != band.unit)
    assert pictures.difference(data, row, Composite("two", (band.name, other.name)))[1].startswith("%")


def test_the_first_of_the_order_is_large_and_the_buttons_go_on(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    names = ordered(run)
    at = open_page("balance")
    assert not at.exception and not at.error and large(at) == names[0]
    assert at.button(key="balance_previous").disabled
    at.button(key="balance_next").click().run()
    assert not at.exception and large(at) == names[1] and at.query_params["balance_synthetic"] == names[1]


def test_a_click_in_the_strip_makes_another_one_large(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    names = ordered(run)
    at = open_page("balance")
    assert galleries.shown(at, "balance_strip") == names[: triplets.PER_PAGE]
    sent = galleries.sent(at, "balance_strip")
    assert sent["current"] == names[0] and not sent["choose"] and "SSIM" in sent["tiles"][0]["alt"]
    galleries.click(at, "balance_strip", names[2])
    assert not at.exception and large(at) == names[2] and at.query_params["balance_synthetic"] == names[2]
    assert galleries.sent(at, "balance_strip")["current"] == names[2]


def test_a_link_opens_a_patch_in_its_fold_and_order_on_its_page(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    names = ordered(run, "anchor_weight", True, fold=1)
    name = names[min(triplets.PER_PAGE, len(names) - 1)]
    link = {"balance_order": "Lowest anchor weight first", "balance_fold": "1", "balance_synthetic": name}
    at = open_page("balance", **link)
    assert not at.exception and not at.error and large(at) == name
    assert at.session_state["balance_page"] == names.index(name) // triplets.PER_PAGE + 1


def test_a_link_to_what_is_not_there_opens_the_first(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance", balance_synthetic="<b>nothing</b>")
    assert not at.exception and not at.error and large(at) == ordered(run)[0]


def test_another_order_fold_or_composite_can_be_chosen(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance")
    at.button(key="balance_next").click().run()
    at.selectbox(key="balance_order").select("Lowest anchor weight first").run()
    assert large(at) == ordered(run, "anchor_weight", True)[0], "another order begins with its first"
    at.selectbox(key="balance_composite").select_index(5)
    at.selectbox(key="balance_fold").select(2).run()
    assert not at.exception and not at.error and large(at) == ordered(run, "anchor_weight", True, fold=2)[0]


def test_a_triplet_leads_to_its_interpolation(answering, open_page):
    at = open_page("balance")
    name = large(at)
    at.button(key=f"balance_interpolate_{name}").click().run()
    assert not at.exception and at.session_state["balance_view"] == "interpolation"
    assert at.session_state[pictures.CHOSEN] == name


@pytest.mark.parametrize(("gap", "words"), [(0.0, "the same"), (3e-9, "the same"), (0.0123, "at most 0.0123 away")])
def test_a_gap_is_a_number_that_can_be_read(gap, words):
    assert words in interpolation._away(gap) and "e+" not in interpolation._away(gap)
