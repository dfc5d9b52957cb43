"""Two folders of patches that the tests of folders start from."""

import pytest

from tests.core.data.readers.folders.patch_folders import array, picture


@pytest.fixture
def classes(tmp_path):
    """Two class folders whose alphabetical order puts the landslides first."""
    for name in ("a1", "a2", "a3"):
        picture(tmp_path / "src" / "landslide" / f"{name}.png")
    for name in ("b1", "b2"):
        picture(tmp_path / "src" / "stable" / f"{name}.png")
    return tmp_path / "src"


@pytest.fixture
def flat(tmp_path):
    for name in ("a1", "a2", "b1", "b2"):
        array(tmp_path / "src" / "patches" / f"{name}.npy")
    return tmp_path / "src"
