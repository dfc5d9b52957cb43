from pathlib import Path

import numpy as np
import pytest

from core.data.bands import RGB_BANDS, ZINDI_BANDS, composites
from core.data.stacks import STACKS, choose_indices, extended, manifest, markdown, table
from core.errors import ConfigError

TWELVE = [
    "red", "green", "blue", "nir", "desc_vv", "desc_vh", "desc_dvv", "desc_dvh", "asc_vv", "asc_vh", "asc_dvv",
    "asc_dvh",
]  # fmt: skip
TWENTY = [*TWELVE, "ndvi", "evi2", "vari", "redr", "sobel", "canny", "desc_vv_minus_vh", "asc_vv_minus_vh"]
TWENTY_EIGHT = [
    *TWENTY, "desc_vv_pre", "desc_vh_pre", "asc_vv_pre", "asc_vh_pre", "desc_vv_sobel", "asc_vv_sobel", "gndvi", "ndwi",
]  # fmt: skip


@pytest.mark.parametrize(("stack", "names"), [("stack12", TWELVE), ("stack20", TWENTY), ("stack28", TWENTY_EIGHT)])
def test_a_stack_is_exactly_this_list(stack, names):
    channels = manifest(stack)
    assert [channel.name for channel in channels] == names and len(names) == int(stack.removeprefix("stack"))
    assert [index.name for index in choose_indices(stack, ZINDI_BANDS)] == names[12:]
    for channel in channels:
        assert channel.title and channel.source and channel.modality in ("optical", "sar")
        assert set(channel.needs) <= set(TWELVE)
        assert (channel.formula == "") == (channel.name in TWELVE)
        assert (channel.orbit != "") == (channel.modality == "sar")


def test_the_table_is_text_a_row_a_channel():
    rows = table("stack28")
    assert len(rows) == 28 and all(isinstance(value, str) for row in rows for value in row.values())
    assert rows[12] == {
        "channel": "13", "name": "ndvi", "title": "NDVI", "formula": "(N - R) / (N + R)", "unit": "",
        "modality": "optical", "orbit": "", "needs": "nir, red", "source": "Rouse et al. 1974",
    }  # fmt: skip
    assert rows[20]["needs"] == "desc_vv, desc_dvv" and rows[20]["unit"] == "dB" and rows[20]["orbit"] == "descending"


def test_the_document_holds_the_table_as_it_is():
    text = (Path(__file__).resolve().parents[3] / "docs" / "bands.md").read_text(encoding="utf-8")
    assert markdown("stack28") in text and len(markdown("stack28").splitlines()) == 30


def test_a_stack_without_all_of_its_bands_is_refused_by_name():
    with pytest.raises(ConfigError, match="'stack20' begins with Zindi's 12 bands; nir, desc_vv.* are not among"):
        choose_indices("stack20", RGB_BANDS)
    with pytest.raises(ConfigError, match="no stack 'stack13'. Known: stack12, stack20, stack28"):
        manifest("stack13")


def test_indices_are_chosen_by_name_by_themselves_or_not_at_all():
    assert choose_indices((), RGB_BANDS) == () and choose_indices("stack12", ZINDI_BANDS) == ()
    assert [index.name for index in choose_indices(["canny", "vari"], RGB_BANDS)] == ["canny", "vari"]
    assert [index.name for index in choose_indices("auto", RGB_BANDS)] == ["redr", "greenr", "ngrdi", "nrbdi"]


def test_images_get_the_computed_bands_behind_their_own():
    rng = np.random.default_rng(0)
    images = np.concatenate([rng.uniform(0, 4000, (5, 4, 16, 16)), rng.normal(-10, 5, (5, 8, 16, 16))], axis=1)
    images = images.astype(np.float32)
    images[0, 0, 3, 3] = np.nan
    images[1] = 0
    stacked, bands = extended(images, ZINDI_BANDS, STACKS["stack28"])
    assert stacked.shape == (5, 28, 16, 16) and [band.name for band in bands] == TWENTY_EIGHT
    np.testing.assert_array_equal(stacked[:, :12], images)
    pre = stacked[:, TWENTY_EIGHT.index("asc_vh_pre")]
    np.testing.assert_allclose(images[:, 9] - pre, images[:, 11], atol=1e-5)  # post - pre is the difference
    ndvi = stacked[:, TWENTY_EIGHT.index("ndvi")]
    assert np.isnan(ndvi[0, 3, 3]) and np.isfinite(np.delete(ndvi.ravel(), 3 * 16 + 3)).all()
    assert np.isfinite(stacked[1:]).all() and np.isfinite(stacked[0, TWENTY_EIGHT.index("canny")]).all()
    known = {composite.name: composite.bands for composite in composites(bands)}
    assert known["SAR before, ascending (VV, VH, VV)"] == ("asc_vv_pre", "asc_vh_pre", "asc_vv_pre")
    assert {band.name: band.modality for band in bands}["desc_vv_sobel"] == "sar"
