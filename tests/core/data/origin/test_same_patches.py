"""Whose patches are these: copies are recognised whatever was done to them, and others are not."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.data.bands import RGB_BANDS
from core.data.origin.facts import PatchFacts, facts_of, nowhere, without_places
from core.data.origin.fingerprints import Fingerprints, fingerprints, joined_hashes
from core.data.origin.match import GROUP, IDENTICAL, KINDS, NEAR, PLACE, Link, same_patches
from core.data.origin.trained_on import Part, TrainedOn, held_out, known_to, of_runs
from core.data.store import DatasetWriter, open_dataset
from core.data.store.missing import as_missing
from core.progress import drain

BANDS = ("red", "green", "blue")
SIDE, N = 48, 14


def ground(n=N, side=SIDE, seed=0):
    """(n, 3, side, side) 0-255: rough terrain with texture, in three bands that are alike but not equal."""
    rng = np.random.default_rng(seed)
    rough = [gaussian_filter(rng.normal(size=(n, side, side)), (0, s, s)) * s for s in (1, 2, 5)]
    bands = sum(rough)[:, None] + 0.3 * rng.normal(size=(n, 3, side, side))
    return np.clip(np.rint(128 + 35 * bands), 0, 255).astype(np.float32)


def facts(images, ids=None, bands=BANDS, **more):
    ids = [f"p{i}" for i in range(len(images))] if ids is None else ids
    found = without_places(ids, fingerprints(images, bands))
    return PatchFacts(found.ids, found.prints, more.get("ground", found.ground), more.get("groups", found.groups))


def kinds(known, new, counts=None, **options):
    counts = np.ones(len(known), bool) if counts is None else counts
    return drain(same_patches(known, new, **options)).known(counts)


def jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).transpose(2, 0, 1).astype(np.float32)


WHOLE = ground(side=SIDE + 16)  # patches are cut from it, so that a shifted one shows new ground at its rim
KNOWN = WHOLE[:, :, 8 : 8 + SIDE, 8 : 8 + SIDE]
CHANGES = {
    "as it is": (lambda x, rng: x, IDENTICAL),
    "noise": (lambda x, rng: x + rng.normal(0, 3, x.shape), NEAR),
    "JPEG": (lambda x, rng: np.stack([jpeg(one, 90) for one in x]), NEAR),
    "other gain and offset": (lambda x, rng: x * 0.0001 + 0.02, NEAR),
    "gamma": (lambda x, rng: 255 * (x / 255) ** 0.8, NEAR),
    "flipped": (lambda x, rng: x[..., ::-1], NEAR),
    "turned": (lambda x, rng: np.rot90(x, 1, (-2, -1)), NEAR),
    "enlarged": (lambda x, rng: x.repeat(2, axis=2).repeat(2, axis=3), NEAR),
}


@pytest.mark.parametrize("name", CHANGES)
@given(order=st.permutations(range(N)), n=st.integers(1, N), seed=st.integers(0, 999))
@settings(max_examples=4, deadline=None)
def test_a_subset_in_another_order_is_recognised_patch_by_patch(name, order, n, seed):
    change, kind = CHANGES[name]
    rows = np.array(order[:n])
    new = change(KNOWN[rows], np.random.default_rng(seed)).astype(np.float32)
    found, partner = kinds(facts(KNOWN), facts(new, [f"q{i}" for i in range(n)]))
    assert (found == kind).all() and (partner == rows).all()


@given(dy=st.integers(-8, 8), dx=st.integers(-8, 8))
@settings(max_examples=12, deadline=None)
def test_shifted_crops_are_recognised(dy, dx):
    new = WHOLE[:, :, 8 + dy : 8 + dy + SIDE, 8 + dx : 8 + dx + SIDE]
    found, partner = kinds(facts(KNOWN), facts(new, [f"q{i}" for i in range(N)]))
    seen = partner >= 0  # over all shifts, 4 of 1,000 of these patches are missed
    assert seen.sum() >= N - 1 and (partner == np.arange(N))[seen].all()
    assert set(found[seen]) == {IDENTICAL if (dy, dx) == (0, 0) else NEAR}


@given(seed=st.integers(1, 9999))
@settings(max_examples=10, deadline=None)
def test_other_ground_is_not_called_known(seed):
    assert not kinds(facts(KNOWN), facts(ground(seed=seed)))[0].any()


def test_only_what_counts_is_known():
    counts = np.arange(N) % 2 == 0
    found, partner = kinds(facts(KNOWN), facts(KNOWN, [f"q{i}" for i in range(N)]), counts)
    assert ((found == IDENTICAL) == counts).all() and (partner[counts] == np.flatnonzero(counts)).all()


def test_bands_are_compared_by_name_and_a_subset_is_enough():
    fewer = facts(KNOWN[:, [2, 0]], [f"q{i}" for i in range(N)], ("blue", "red"))
    assert (kinds(facts(KNOWN), fewer)[0] == IDENTICAL).all()
    changed = KNOWN.copy()
    changed[:, 1] = 255 - changed[:, 1]
    assert not (kinds(facts(KNOWN), facts(changed))[0] == IDENTICAL).any()


def test_patches_of_one_value_are_alike_in_nothing():
    flat = np.zeros((3, 3, SIDE, SIDE), np.float32)
    assert not kinds(facts(flat), facts(flat))[0].any()
    flat[:, :, 0, 0] = np.nan
    assert not kinds(facts(flat), facts(flat))[0].any()


def test_no_data_is_the_same_however_it_is_written():
    written = {}
    for name, value in (("nan", np.nan), ("-9999", -9999.0), ("0", 0.0)):
        images = KNOWN.copy() + 1
        images[:, :, :10, :10] = value
        as_missing(images, None if name == "nan" else value)
        written[name] = fingerprints(images, BANDS)
    for other in written.values():
        assert (other.hashes == written["nan"].hashes).all() and (other.planes == written["nan"].planes).all()
    assert (written["nan"].planes[:, 2, 2] == 0).all() and (written["nan"].planes[:, 20:, 20:] > 0).all()


def test_minus_zero_is_zero():
    images = KNOWN.copy()
    images[:, :, 0, 0] = 0.0
    negative = np.where(images == 0, np.float32(-0.0), images)
    assert (fingerprints(images, BANDS).hashes == fingerprints(negative, BANDS).hashes).all()


def placed(tmp_path, name, lonlat, images, groups=None):
    with DatasetWriter(
        tmp_path / f"{name}.h5",
        bands=RGB_BANDS,
        shape_hw=images.shape[2:],
        class_names=("other", "landslide"),
        source="t",
    ) as writer:
        ids = [f"{name}{i}" for i in range(len(images))]
        labels = (np.arange(len(images)) % 2).astype(np.int8)
        writer.append(images, labels, ids, groups=groups, lonlat=lonlat)
        writer.finish()
    data = open_dataset(tmp_path / f"{name}.h5")
    return drain(facts_of(data, np.arange(len(data)), BANDS))


def test_the_same_place_with_other_pixels_is_known(tmp_path):
    step = SIDE * 10 / 111_132  # degrees of latitude of one patch of 10 m pixels
    here = np.array([[30.0, 1 + 3 * i * step] for i in range(4)])
    there = here + [[0, 0.5 * step], [0, 1.5 * step], [0, -0.9 * step], [0, 0]]
    found, partner = kinds(placed(tmp_path, "a", here, ground(4)), placed(tmp_path, "b", there, ground(4, seed=5)))
    assert found.tolist() == [PLACE, "", PLACE, PLACE] and partner.tolist() == [0, -1, 2, 3]


def test_groups_of_one_name_are_the_same_unless_something_speaks_against_it(tmp_path):
    names, far = np.array(["s1", "s1", "s2"]), np.array(["s1", "s3", ""])
    known, new = facts(ground(3), groups=names), facts(ground(3, seed=5), ["x", "y", "z"], groups=far)
    assert kinds(known, new)[0].tolist() == [GROUP, "", ""]
    assert not kinds(known, new, group_names=False)[0].any()
    twice = facts(ground(3, seed=5), groups=far)  # the ids are used twice too, for other pixels
    assert not kinds(known, twice)[0].any()
    europe, asia = np.full((3, 2), (10.0, 45.0)), np.full((3, 2), (90.0, 25.0))
    apart = [placed(tmp_path, n, at, ground(3, seed=s), names) for n, at, s in (("a", europe, 1), ("b", asia, 2))]
    assert not kinds(*apart)[0].any()


def test_a_group_is_known_when_one_of_its_patches_is_whatever_it_is_called():
    new = np.concatenate([KNOWN[:1], ground(3, seed=5)])
    found, _ = kinds(facts(KNOWN), facts(new, list("abcd"), groups=np.array(["g", "g", "h", ""])))
    assert found.tolist() == [IDENTICAL, GROUP, "", ""]


def test_a_card_keeps_one_hash_a_patch_and_that_is_enough_for_equal_ones():
    prints = fingerprints(KNOWN, BANDS)
    card = Fingerprints(BANDS, joined_hashes(prints.hashes)[:, None], np.zeros((N, 0, 0), np.uint8), joined=True)
    known = PatchFacts(np.arange(N).astype(str), card, nowhere(N), np.full(N, ""))
    reordered = facts(KNOWN[:, ::-1], [f"q{i}" for i in range(N)], BANDS[::-1])
    assert (kinds(known, reordered)[1] == np.arange(N)).all()
    assert not kinds(known, facts(KNOWN[:, :2], bands=BANDS[:2]))[0].any()


def test_a_link_leads_to_a_patch_that_counts():
    link = Link(IDENTICAL, np.array([0, 0, 1, -1]), np.array([1, 0, -1, 2]), np.array([[0, 0], [1, 1]]))
    assert link.partner(np.ones(4, bool)).tolist() == [2, 0, -1, -1]
    assert link.partner(np.array([False, True, False, True])).tolist() == [-1, 1, -1, -1]


def trained(images, judged, excluded=None, n_folds=3):
    n = len(images)
    seen = (judged >= 0) & (judged != np.arange(n_folds)[:, None])
    excluded = np.zeros(n, bool) if excluded is None else excluded
    return TrainedOn("run", n_folds, (Part(facts(images), seen, excluded, judged.astype(np.int16), "run", "d"),))


def test_the_folds_that_learnt_from_a_patch_are_told_apart():
    judged = np.arange(N) % 3
    judged[-1] = -1
    excluded = judged < 0
    known = drain(known_to(trained(KNOWN, judged, excluded), facts(KNOWN + 0.0, [f"q{i}" for i in range(N)])))
    assert (known.seen[:, :-1] == (judged[:-1] != np.arange(3)[:, None])).all() and not known.seen[:, -1].any()
    assert known.any[:-1].all() and not known.any[-1] and known.excluded.tolist() == excluded.tolist()
    assert known.counts() == {IDENTICAL: N - 1}
    assert "13 identical; for example 'q0', known from 'p0'" in known.words()


def test_the_fold_that_did_not_learn_from_it_answers_and_all_where_each_did_or_none():
    judged = np.arange(N) % 3
    new = np.concatenate([KNOWN[:4], ground(2, seed=9)])
    folds = held_out(trained(KNOWN, judged), facts(new))
    assert folds.tolist() == [[True, False, False, True, True, True], [False, True, False, False, True, True],
                              [False, False, True, False, True, True]]  # fmt: skip
    everywhere = trained(KNOWN, np.full(N, 5))
    assert held_out(everywhere, facts(KNOWN)).all()


def test_an_ensemble_of_runs_knows_what_any_of_them_learnt_from():
    judged = np.arange(N // 2) % 3
    both = of_runs([trained(KNOWN[: N // 2], judged), trained(KNOWN[N // 2 :], judged)])
    new = facts(np.concatenate([KNOWN, ground(1, seed=9)]), [f"q{i}" for i in range(N + 1)])
    known, folds = drain(known_to(both, new)), held_out(both, new)
    assert known.any.tolist() == [True] * N + [False] and known.seen.shape == (6, N + 1)
    assert (folds[3:, : N // 2]).all() and (folds[:3, : N // 2].sum(axis=0) == 1).all() and folds[:, N].all()


def test_the_kinds_have_an_order():
    assert KINDS == (IDENTICAL, NEAR, PLACE, GROUP)
