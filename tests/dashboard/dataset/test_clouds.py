"""Clouds on the Dataset page: asked for, shown cloudiest first, or why that cannot be."""

from __future__ import annotations

import pytest

from core.analyses.datasets import clouds as analysis
from core.data.bands import ZINDI_BANDS
from core.data.clouds import network
from core.progress import drain
from tests.core.data.clouds.made_network import install
from tests.core.data.clouds.test_shares import cloudy_dataset


def opened(open_page):
    """The Dataset page at its Clouds view."""
    return open_page("dataset", dataset_view="clouds")


@pytest.fixture
def path(studio):
    folder = studio.checkpoints / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    cloudy_dataset(folder / "d.h5")
    return folder / "d.h5"


@pytest.mark.skipif(network.file_of("l2a") is not None, reason="ukis-csmask is installed")
def test_without_the_package_the_page_says_how_to_get_it(path, open_page):
    at = opened(open_page)
    assert not at.exception and "not installed" in at.info[0].value
    assert at.code[0].value == network.COMMAND


def test_bands_that_clouds_cannot_be_told_from_are_named(path, open_page):
    cloudy_dataset(path, ZINDI_BANDS[:3])
    at = opened(open_page)
    assert not at.exception and "has no nir" in at.info[0].value


def test_before_anything_is_known_there_is_a_button(path, open_page, tmp_path, monkeypatch):
    install(tmp_path / "site", monkeypatch)
    at = opened(open_page)
    assert not at.exception and at.header[0].value == "Clouds have not been looked for yet"
    assert at.button(key="empty_Look for clouds")


def test_the_cloudiest_patches_come_first_and_their_shares_can_be_filtered_by(
    studio, path, open_page, tmp_path, monkeypatch
):
    install(tmp_path / "site", monkeypatch)
    drain(analysis.ANALYSIS.start(studio.dataset_target(path), {}))
    at = opened(open_page)
    assert not at.exception
    assert "2 of 4 patches are more than 5% cloud" in at.markdown[0].value
    assert "None is left out of training" in at.markdown[0].value
    assert any("2 patches with at least 5% cloud, the largest share first: 100%" in c.value for c in at.caption)
    at.number_input(key="clouds_least").set_value(50).run()
    assert not at.exception and any("1 patch with at least 50% cloud" in c.value for c in at.caption)
    at.button_group(key="clouds_kind").set_value("shadow").run()
    assert any("1 patch with at least 50% cloud shadow" in c.value for c in at.caption)
