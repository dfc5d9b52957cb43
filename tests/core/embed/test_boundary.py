"""The boundary carries the head's true values, says where it may be believed and how often it is right."""

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from core.embed.boundary import Plane, interpolate
from core.errors import DataError


def plane(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Places in a 4 x 2 rectangle whose decision is their first coordinate."""
    xy = np.random.default_rng(seed).uniform([-2, -1], [2, 1], size=(n, 2))
    return xy, xy[:, 0]


def draw(**changes):
    known, decision = plane()
    heldout, truth = plane(100, seed=1)
    given = dict(
        xy_known=known,
        decision_known=decision,
        labels_known=(decision > 0).astype(int),
        xy_heldout=heldout,
        decision_heldout=truth,
        grid=21,
    )
    return draw_boundary(**(given | changes))


def draw_boundary(xy_known, decision_known, labels_known, xy_heldout, decision_heldout, grid=21, **how):
    made = Plane.of(xy_known, labels_known, xy_heldout, grid)
    return made.boundary(decision_known, decision_heldout, **how)


def test_raster_carries_the_decision_values():
    found = draw()
    assert found.values.shape == found.near.shape == (21, 21) and found.x.shape == found.y.shape == (21,)
    inside = (np.abs(found.y) < 0.8)[:, None] & (np.abs(found.x) < 1.8)[None, :]
    expected = np.broadcast_to(found.x, (21, 21))  # rows are y, columns are x
    np.testing.assert_allclose(found.values[inside], expected[inside], atol=0.25)


def test_agreement_is_high_where_the_plane_shows_what_the_head_does():
    found = draw()
    assert found.agreement >= 0.95 and found.n_heldout == 100
    truth = plane(100, seed=1)[1] >= 0
    assert found.majority == pytest.approx(max(truth.mean(), 1 - truth.mean()))
    assert found.refit_agreement >= 0.95


def test_agreement_judges_the_head_and_the_refit_its_labels():
    known, decision = plane()
    found = draw(labels_known=(decision < 0).astype(int))  # labels that say the opposite of the head
    assert found.agreement >= 0.95 and found.refit_agreement <= 0.05


def test_agreement_falls_to_chance_when_the_plane_shows_nothing():
    rng = np.random.default_rng(2)
    found = draw(decision_known=rng.normal(size=400), decision_heldout=rng.normal(size=100))
    assert 0.35 < found.agreement < 0.65


def test_near_is_where_data_are():
    two = np.concatenate([np.random.default_rng(k).normal([9 * k, 0], 0.3, size=(50, 2)) for k in (0, 1)])
    found = draw(xy_known=two, decision_known=two[:, 0], labels_known=np.zeros(100), xy_heldout=two[:5],
                 decision_heldout=two[:5, 0])  # fmt: skip
    between = (found.x > 3) & (found.x < 6)
    assert not found.near[:, between].any()
    cells = np.stack(np.meshgrid(found.x, found.y), axis=-1).reshape(-1, 2)
    distance = cKDTree(two).query(cells)[0].reshape(21, 21)
    np.testing.assert_array_equal(found.near, distance <= found.radius)
    assert found.near.any()


def test_axes_and_near_do_not_depend_on_the_head():
    first, second = draw(), draw(decision_known=-plane()[1])
    for name in ("x", "y", "near"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_interpolation_is_a_weighted_mean_of_the_nearest():
    xy = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]])
    values = np.array([2.0, 4.0, 100.0])
    middle = interpolate(cKDTree(xy), values, np.array([[0.5, 0.0]]), n_neighbors=2)
    assert middle[0] == pytest.approx(3.0)
    at_first = interpolate(cKDTree(xy), values, np.array([[0.0, 0.0]]), n_neighbors=2)
    weight = math.exp(-2.0)  # width is half the distance to the farther one
    assert at_first[0] == pytest.approx((2 + 4 * weight) / (1 + weight))


def test_patches_in_one_place_share_their_mean():
    found = draw(xy_known=np.zeros((4, 2)), decision_known=np.array([1.0, 1.0, 1.0, -1.0]),
                 labels_known=np.array([0, 1, -1, 1]), xy_heldout=np.zeros((2, 2)),
                 decision_heldout=np.array([1.0, -1.0]))  # fmt: skip
    np.testing.assert_allclose(found.values, 0.5)
    assert found.agreement == 0.5


def test_nothing_held_out_leaves_fidelity_undefined():
    found = draw(xy_heldout=np.empty((0, 2)), decision_heldout=np.empty(0))
    assert math.isnan(found.agreement) and math.isnan(found.majority) and math.isnan(found.refit_agreement)
    card = found.card()
    numbers = [card.pop(name) for name in ("n_heldout", "n_near", "n_neighbors")]
    assert numbers == [0, 0, found.n_neighbors]
    assert all(math.isnan(value) for value in card.values())


def test_one_class_has_no_refit():
    assert math.isnan(draw(labels_known=np.where(plane()[1] > 0, 1, -1)).refit_agreement)


def test_one_known_patch_is_enough_to_draw():
    found = draw(xy_known=np.zeros((1, 2)), decision_known=np.ones(1), labels_known=np.ones(1))
    assert (found.values == 1).all()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(DataError, match="No known patch"):
        draw(xy_known=np.empty((0, 2)), decision_known=np.empty(0), labels_known=np.empty(0))
    with pytest.raises(DataError, match="Decisions of the 400 known patches"):
        draw(decision_known=np.full(400, np.nan))
    with pytest.raises(DataError, match="Places of held-out patches"):
        draw(xy_heldout=np.zeros((100, 3)))


def test_a_boundary_that_bends_is_carried_where_labels_alone_are_noise():
    """The head's own rule is a ring; the labels are coins. A refit draws the coins, the carried boundary the ring."""
    rng = np.random.default_rng(3)
    known, heldout = rng.uniform(-2, 2, (900, 2)), rng.uniform(-2, 2, (300, 2))
    ring = lambda xy: np.abs(np.hypot(*xy.T) - 1.2) - 0.45  # noqa: E731
    coins = (rng.random(900) < 0.5).astype(int)
    found = draw_boundary(known, ring(known), coins, heldout, ring(heldout))
    assert found.agreement >= 0.93 > found.majority
    assert (1 - found.agreement) <= 0.8 * (1 - found.refit_agreement)


def test_agreement_near_data_is_told_apart():
    far = np.array([[50.0, 50.0], [0.1, 0.1]])
    found = draw(xy_heldout=far, decision_heldout=np.array([-1.0, 0.1]))
    assert (found.n_heldout, found.n_near) == (2, 1) and found.near_agreement in (0.0, 1.0)


def test_heads_share_a_plane_and_its_refit():
    known, decision = plane()
    shared = Plane.of(known, (decision > 0).astype(int), plane(100, seed=1)[0], 21)
    alone, together = draw(), shared.boundary(decision, plane(100, seed=1)[1])
    np.testing.assert_array_equal(alone.values, together.values)
    assert alone.card() == together.card()


def test_what_any_drawing_could_reach_is_asked_of_the_held_out_patches_themselves():
    rng = np.random.default_rng(2)
    assert draw().map_agreement > 0.9
    chance = draw(decision_heldout=rng.normal(size=100), decision_known=rng.normal(size=400)).map_agreement
    assert 0.3 < chance < 0.7
    one_place = draw(xy_heldout=np.zeros((3, 2)), decision_heldout=np.array([1.0, 1.0, -1.0]))
    assert one_place.map_agreement == pytest.approx(2 / 3)  # 1 and -1 make 0, 1 and 1 make 1: two of three are right
