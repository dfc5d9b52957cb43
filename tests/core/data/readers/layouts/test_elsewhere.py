"""Sources that are not read: each names what it is and the line that converts it; a missing one is told at once."""

import numpy as np
import pytest
import rasterio
import scipy.io

from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.readers.archives.unpack import unpacked
from core.errors import DataError, FormatError
from core.progress import drain
from tests.command_line import core_error

pytestmark = pytest.mark.usefixtures("jobs_here")


def zarr(root):
    (root / "a.zarr" / "images").mkdir(parents=True)
    (root / "a.zarr" / ".zgroup").write_text("{}")
    (root / "a.zarr" / "images" / "0.0").write_bytes(b"x")


def matlab5(root):
    scipy.io.savemat(root / "v5.mat", {"images": np.zeros((4, 8, 8, 3))})


def netcdf3(root):
    (root / "a.nc").write_bytes(b"CDF\x01" + bytes(99))


def scene(root, ending="tif"):
    for band in ("B02", "B03", "B04", "B08"):
        path = root / f"T32_2020_{band}.{ending}"
        if ending != "tif":
            path.write_bytes(b"x")
            continue
        options = {"count": 1, "height": 8, "width": 8, "dtype": "uint16", "crs": "EPSG:4326"}
        with rasterio.open(path, "w", driver="GTiff", **options) as file:
            file.write(np.ones((1, 8, 8), np.uint16))


CASES = {
    zarr: "Zarr store.* line converts it: python -c .*zarr.open\\('a.zarr'\\)",
    matlab5: "MATLAB file of version 5.* python -c .*scipy.io.loadmat\\('v5.mat'\\)",
    netcdf3: "netCDF file of version 3.* nccopy -k nc4 a.nc",
    scene: "one file a band: 1 scenes .* gdal_merge.py -separate -o T32_2020.tif .* --bands blue,green,red,nir",
    lambda root: scene(root, "jp2"): "one file a band.* gdal_merge.py",
    lambda root: (root / "a.pt").write_bytes(b"x"): "PyTorch file, which can run code.* numpy.savez",
    lambda root: np.savez(root / "a.npz", x=1): "Each .npz is a source by itself.* numpy.stack",
    lambda root: (root / "a.docx").write_bytes(b"x"): "Its files end in .docx",
    lambda root: None: "It holds no files",
}


READS = (
    recognise,
    iterate_patches,
    lambda source: drain(ingest(None, source, source.parent / "o.h5", ReaderOptions())),
)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_each_names_the_line(tmp_path, make):
    root = tmp_path / "src"
    root.mkdir()
    make(root)
    for read in READS:
        with pytest.raises(FormatError, match=CASES[make]):
            read(root)


ARCHIVES = [
    ("a.7z", "7z x a.7z"),
    ("a.rar", "unrar x a.rar"),
    ("a.tar.bz2", "tar -xjf"),
    ("a.tar.xz", "tar -xJf"),
    ("a.gz", "gunzip"),
]


@pytest.mark.parametrize(("name", "command"), ARCHIVES)
def test_other_archives_name_their_command(tmp_path, name, command):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FormatError, match=f"not unpacked here.* {command}"), unpacked(tmp_path / name):
        pass
    with pytest.raises(FormatError, match=command):
        recognise(tmp_path / name)


def test_a_missing_source_is_told_before_anything_else(tmp_path):
    for source in (tmp_path / "no" / "such", tmp_path / "x.zip", tmp_path / "x.npy"):
        for read in READS:
            with pytest.raises(DataError, match=f"no folder or file {source}. {tmp_path} exists"):
                read(source)
    here = ("--checkpoints", tmp_path / "c")
    assert "no folder or file" in core_error("ingest", "auto", tmp_path / "x", "--out", tmp_path / "o.h5", *here)
    assert not (tmp_path / "c").exists()


def test_files_that_only_look_like_bands_are_patches(tmp_path):
    (tmp_path / "src" / "landslide").mkdir(parents=True)
    for name in ("site_B2", "site_A1", "site_C3", "other_B2"):
        np.save(tmp_path / "src" / "landslide" / f"{name}.npy", np.ones((8, 8, 3)))
    assert recognise(tmp_path / "src") == "folders"
