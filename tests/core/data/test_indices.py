import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from core.data.bands import LANDSLIDE4SENSE_BANDS, RGB_BANDS, ZINDI_BANDS, Band, bands_named
from core.data.indices import INDICES, automatic, compute, indices_named, possible, ratio
from core.errors import ConfigError

RECORDS = {band.name: band for band in ZINDI_BANDS}
OPTICAL = ("red", "green", "blue", "nir")
PIXELWISE = tuple(index for index in INDICES.values() if index.family != "edge")


def value(name, records=RECORDS, **bands):
    return float(compute([INDICES[name]], {k: np.array([v], np.float64) for k, v in bands.items()}, records)[0][0])


# Worked out on paper from the formulas of FACTS, in DN: reflectance is DN / 10 000.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ndvi", (0.30 - 0.10) / (0.30 + 0.10)),
        ("evi2", 2.5 * 0.20 / (0.30 + 0.24 + 1)),
        ("vari", (0.08 - 0.10) / (0.08 + 0.10 - 0.06)),
        ("redr", 0.10 / 0.24),
        ("greenr", 0.08 / 0.24),
        ("gndvi", (0.30 - 0.08) / 0.38),
        ("ndwi", (0.08 - 0.30) / 0.38),
        ("ngrdi", -0.02 / 0.18),
        ("nrbdi", 0.04 / 0.16),
    ],
)
def test_known_values_of_the_optical_indices(name, expected):
    dn = {"red": 1000, "green": 800, "blue": 600, "nir": 3000}
    assert value(name, **dn) == pytest.approx(expected, abs=1e-6)
    reflectance = {name: Band(name, name, unit="reflectance") for name in OPTICAL}
    assert value(name, reflectance, **{k: v / 10_000 for k, v in dn.items()}) == pytest.approx(expected, abs=1e-6)


def test_known_values_of_the_sar_indices():
    db = {"desc_vv": -10.0, "desc_vh": -16.5, "desc_dvv": -2.0, "desc_dvh": 1.5}
    assert value("desc_vv_minus_vh", **db) == 6.5
    assert value("desc_vv_pre", **db) == -8.0 and value("desc_vh_pre", **db) == -18.0


@given(st.lists(st.floats(-60, 30, width=32), min_size=2, max_size=2))
def test_post_minus_pre_is_the_difference_that_was_measured(pair):
    post, diff = np.array(pair)
    pre = value("asc_vv_pre", asc_vv=post, asc_dvv=diff)
    assert post - pre == pytest.approx(diff, abs=1e-6)


def test_evi2_needs_reflectance_and_says_so():
    dn = {"red": 1000.0, "nir": 3000.0}
    raw = 2.5 * 2000 / (3000 + 2400 + 1)
    assert abs(value("evi2", **dn) - raw) > 0.5
    for unit in ("", "times its mean", "dB"):
        bands = [Band(name, name, unit=unit) for name in OPTICAL]
        with pytest.raises(ConfigError, match=f"'evi2' needs reflectance.*found nir in '{unit or 'no unit'}'"):
            indices_named(["evi2"], bands)
        assert "evi2" not in possible(bands) and "ndvi" in possible(bands)


def test_bands_in_two_units_that_cannot_be_reconciled_make_no_ratio():
    mixed = [Band("red", "Red", unit="DN"), Band("nir", "NIR", unit="")]
    with pytest.raises(ConfigError, match="bands in one unit; found nir in 'no unit', red in 'DN'"):
        indices_named(["ndvi"], mixed)
    both = {"red": Band("red", "Red", unit="DN"), "nir": Band("nir", "NIR", unit="reflectance")}
    assert value("ndvi", both, red=1000, nir=0.3) == pytest.approx(0.5)


@settings(max_examples=200)
@given(st.lists(st.floats(-100, 21000, width=32), min_size=4, max_size=4))
def test_indices_are_finite_and_in_range_whatever_the_bands_hold(values):
    bands = {name: np.array([v], np.float32) for name, v in zip(OPTICAL, values, strict=True)}
    for index in PIXELWISE:
        if index.modality == "optical":
            found = compute([index], bands, RECORDS)[0]
            assert np.isfinite(found).all() and index.bounds[0] <= found[0] <= index.bounds[1], index.name


@given(st.lists(st.floats(0, 30000, width=32), min_size=4, max_size=4))
def test_ratios_are_blind_to_brightness(values):
    bands = {name: np.array([v], np.float64) for name, v in zip(OPTICAL, values, strict=True)}
    for index in (INDICES[name] for name in ("redr", "greenr", "ngrdi", "nrbdi", "ndvi", "gndvi", "ndwi")):
        brighter = index.formula(*(7.0 * bands[name] for name in index.needs))
        np.testing.assert_allclose(index.formula(*(bands[name] for name in index.needs)), brighter, atol=1e-6)


def test_a_zero_denominator_gives_zero():
    for kind in (np.asarray, torch.tensor):
        found = ratio(kind([1.0, 0.0, 3.0]), kind([0.0, 0.0, 2.0]))
        assert [float(x) for x in found] == [0.0, 0.0, 1.5]
    black = dict.fromkeys(OPTICAL, 0.0)
    for index in PIXELWISE:
        if index.modality == "optical":
            assert value(index.name, **black) == 0.0
    assert value("vari", red=500, green=700, blue=1200) == 0.0  # G + R - B crosses zero here
    assert value("vari", red=500, green=700, blue=1199) == 1.0  # and runs away beside it


@given(arrays(np.float32, (12, 3), elements=st.floats(-60, 21000, width=32)))
def test_tensors_and_arrays_agree_pixel_by_pixel(values):
    names = tuple(RECORDS)
    found = compute(PIXELWISE, dict(zip(names, values, strict=True)), RECORDS)
    tensors = compute(PIXELWISE, dict(zip(names, torch.from_numpy(values.copy()), strict=True)), RECORDS)
    for index, a, t in zip(PIXELWISE, found, tensors, strict=True):
        np.testing.assert_allclose(a, t.numpy(), rtol=1e-5, atol=1e-5, err_msg=index.name)


def test_tensors_and_arrays_give_the_same():
    rng = np.random.default_rng(0)
    values = {b.name: rng.uniform(0, 6000, (3, 16, 16)).astype(np.float32) for b in ZINDI_BANDS if b.unit == "DN"}
    values |= {b.name: rng.normal(-10, 6, (3, 16, 16)).astype(np.float32) for b in ZINDI_BANDS if b.unit == "dB"}
    for name in OPTICAL:
        values[name][0, 0] = 0
    indices = tuple(INDICES.values())
    tensors = {name: torch.from_numpy(v) for name, v in values.items()}
    for index, a, t in zip(indices, compute(indices, values, RECORDS), compute(indices, tensors, RECORDS), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, t.numpy(), rtol=1e-5, atol=1e-5, err_msg=index.name)


def test_an_index_that_cannot_be_had_is_refused_by_name():
    with pytest.raises(ConfigError, match="needs the band blue"):
        indices_named(["redr"], bands_named(("red", "green")))
    with pytest.raises(ConfigError, match="no index ndxi. Known: redr"):
        indices_named(["ndxi"], RGB_BANDS)
    with pytest.raises(ConfigError, match="has the name of a band"):
        indices_named(["ndvi"], bands_named(("red", "nir", "ndvi")))
    assert len(indices_named(["redr", "redr"], RGB_BANDS)) == 1


def test_what_is_possible_follows_bands_and_units():
    assert possible(bands_named(("red", "green"))) == ("ngrdi",)
    assert set(possible(ZINDI_BANDS)) == set(INDICES)
    assert automatic(RGB_BANDS) == ("redr", "greenr", "ngrdi", "nrbdi")
    assert set(automatic(ZINDI_BANDS)) - set(automatic(RGB_BANDS)) == {"ndvi", "evi2", "gndvi", "ndwi"}
    assert "evi2" not in possible(LANDSLIDE4SENSE_BANDS) and {"ndvi", "canny"} <= set(possible(LANDSLIDE4SENSE_BANDS))


REAL = os.environ.get("LANDSLIDE_REAL_DATA")


@pytest.mark.skipif(REAL is None, reason="LANDSLIDE_REAL_DATA is not set: no real data here")
def test_real_patches_give_finite_indices_that_look_like_ground():
    files = sorted((Path(REAL) / "chittagong-s2-4band" / "patches64").glob("*.npy"))[:60]
    images = np.stack([np.load(file) for file in files]).transpose(3, 0, 1, 2)  # (4, N, H, W) DN
    bands = bands_named(OPTICAL)
    indices = indices_named(possible(bands), bands)
    found = compute(indices, dict(zip(OPTICAL, images, strict=True)), {band.name: band for band in bands})
    for index, values in zip(indices, found, strict=True):
        assert np.isfinite(values).all(), index.name
        assert index.bounds is None or (values.min() >= index.bounds[0] and values.max() <= index.bounds[1])
    ndvi = found[[index.name for index in indices].index("ndvi")]
    assert 0.2 < np.median(ndvi) < 0.9  # hills with forest


@pytest.mark.skipif(REAL is None, reason="LANDSLIDE_REAL_DATA is not set: no real data here")
def test_real_pictures_give_finite_colours_and_edges():
    files = [f for f in sorted((Path(REAL) / "landslide4sense-rgb").rglob("*.png")) if "mask" not in f.as_posix()][:150]
    images = np.stack([np.asarray(Image.open(file)) for file in files]).transpose(3, 0, 1, 2).astype(np.float32)
    indices = indices_named(["redr", "vari", "sobel", "canny"], RGB_BANDS)
    bands = {name: torch.from_numpy(values) for name, values in zip(("red", "green", "blue"), images, strict=True)}
    for index, values in zip(indices, compute(indices, bands, {b.name: b for b in RGB_BANDS}), strict=True):
        assert torch.isfinite(values).all(), index.name
        low, high = index.bounds or (0.0, 1.0)
        assert low <= float(values.min()) and float(values.max()) <= high, index.name
