"""Datasets joined: what each patch keeps, what is refused, and what is held out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import exclusions
from core.data.bands import RGB_BANDS, ZINDI_BANDS
from core.data.store import DatasetWriter
from core.data.store.joining import HELD, held_path, join, plan_join
from core.errors import ConfigError, FormatError
from core.progress import drain

RNG = np.random.default_rng(0)
PICTURE = RGB_BANDS
SENTINEL = tuple(band for band in ZINDI_BANDS if band.name in ("nir", "blue", "green", "red"))


def made(path, bands=PICTURE, n=6, side=4, high=255, positive="landslide", dtype="uint8", **parts):
    images = RNG.integers(0, high, (n, len(bands), side, side)).astype(dtype)
    options = dict(bands=bands, shape_hw=(side, side), class_names=("other", positive), source="", dtype=dtype)
    with DatasetWriter(path, **options) as writer:
        writer.append(images, np.arange(n) % 2, [f"p{i}" for i in range(n)], **parts)
        return writer.finish()


def test_every_patch_keeps_its_pixels_label_group_and_says_where_it_came_from(tmp_path):
    a = made(tmp_path / "a.h5", groups=["g"] * 6, columns={"slope": np.arange(6.0)}, files={"width": np.arange(6.0)})
    b = made(tmp_path / "b.h5", columns={"kind": list("uvwxyz")})
    exclusions.add(b.path, ["p1"], "blurred")
    (joined,) = drain(join(plan_join([a, b]), tmp_path / "j.h5"))
    assert joined.dtype == np.uint8 and joined.columns["source"].tolist() == ["a"] * 6 + ["b"] * 6
    np.testing.assert_array_equal(joined.images(), np.concatenate([a.images(), b.images()]))
    assert joined.ids.tolist()[:2] == ["a:p0", "a:p1"] and joined.groups.tolist()[5:8] == ["a:g", "b:p0", "b:p1"]
    assert joined.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, -1, 0, 1, 0, 1]  # what was excluded counts no more
    assert np.isnan(joined.columns["slope"][6:]).all() and joined.columns["kind"].tolist()[:7] == [""] * 6 + ["u"]
    assert joined.files["width"][:2].tolist() == [0, 1] and joined.facts["joined"][1]["name"] == "b"


def test_bands_are_matched_by_name_and_units_brought_together_when_asked(tmp_path):
    a, b = made(tmp_path / "a.h5"), made(tmp_path / "b.h5", SENTINEL, high=9000, dtype="float32")
    with pytest.raises(FormatError, match="'red' is in different units: a '0-255', b 'DN'.*--unit 0-255"):
        plan_join([a, b])
    plan = plan_join([a, b], unit="0-255")
    assert "nir" in plan.notes[0]
    (joined,) = drain(join(plan, tmp_path / "j.h5"))
    assert joined.band_names == a.band_names and {band.unit for band in joined.bands} == {"0-255"}
    own = b.images(bands=joined.band_names)
    np.testing.assert_allclose(joined.images()[6:], np.clip(own * 255 / 4000, 0, 255), rtol=1e-6)
    np.testing.assert_array_equal(joined.images()[:6], a.images())


@pytest.mark.parametrize(
    ("other", "asked", "words"),
    [
        ({"side": 5}, {}, "one size; these have a 4x4, b 5x5"),
        ({"positive": "slide"}, {}, "must be the same; it is a 'landslide', b 'slide'"),
        ({}, {"bands": ["red", "swir"]}, "has no band 'swir'. In all: red, green, blue"),
        ({"bands": SENTINEL[3:]}, {}, "no band of one name"),
        ({}, {"names": ["x", "x"]}, "a name of its own"),
        ({}, {"unit": "dB"}, "brought to the unit 0-255"),
        ({}, {"hold_out": 1.0}, "below 1"),
        ({"groups": ["g"] * 6}, {"hold_out": 0.1}, "leaves nothing of b to learn from: it has 1 groups"),
    ],
)
def test_what_does_not_fit_is_a_sentence(tmp_path, other, asked, words):
    a, b = made(tmp_path / "a.h5"), made(tmp_path / "b.h5", **other)
    with pytest.raises((FormatError, ConfigError), match=words.replace("(", r"\(")):
        plan_join([a, b], **asked)


def test_masks_are_kept_only_where_all_have_them(tmp_path):
    masks = np.ones((6, 4, 4), np.uint8)
    a, b = made(tmp_path / "a.h5", masks=masks), made(tmp_path / "b.h5")
    plan = plan_join([a, b])
    assert plan.notes == ("Masks were left out: b has none.",)
    assert not drain(join(plan, tmp_path / "j.h5"))[0].has_masks
    assert drain(join(plan_join([a]), tmp_path / "k.h5"))[0].masks().all()


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0.05, 0.7), most=st.one_of(st.none(), st.integers(2, 40)), seed=st.integers(0, 9))
def test_what_is_held_out_shares_no_group_with_what_is_kept(tmp_path_factory, share, most, seed):
    folder = tmp_path_factory.mktemp("held")
    groups = [f"g{i}" for i in np.random.default_rng(seed).integers(0, 9, 40)]
    data = made(folder / "a.h5", n=40, groups=groups)
    plan = plan_join([data], hold_out=share, most=most, seed=seed)
    (kept,), (held,) = plan.parts[""], plan.parts[HELD]
    assert not set(data.groups[kept]) & set(data.groups[held]) and len(held) >= share * 40 - 1e-9
    largest = np.unique(groups, return_counts=True)[1].max()
    assert len(held) <= share * 40 + largest and len(kept) <= (40 if most is None else most - 1 + largest)


def test_the_held_out_file_is_written_beside(tmp_path):
    data = made(tmp_path / "a.h5", n=20)
    kept, held = drain(join(plan_join([data], hold_out=0.25), tmp_path / "j.h5"))
    assert held.path == held_path(kept.path) == tmp_path / "j-held.h5" and (len(kept), len(held)) == (15, 5)
    assert not set(kept.ids) & set(held.ids)
