"""What other programs write into HDF5: dimension scales, text of any length, enumerations, names of bands, MATLAB."""

import h5py
import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest
from core.data.readers.hdf5 import facts
from core.data.store import open_dataset
from core.data.store.hdf5 import open_safely
from core.errors import FormatError, UnsafeFileError
from core.progress import drain

N, C, SIDE = 6, 4, 10


def pixels():
    return np.random.default_rng(0).uniform(1, 200, (N, C, SIDE, SIDE)).astype(np.float32)


def run(source, **options):
    report = drain(ingest("hdf5", source, source.parent / "out.h5", ReaderOptions(**options)))
    return report, open_dataset(source.parent / "out.h5")


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["images"], file["labels"] = pixels(), np.arange(N) % 2
    return tmp_path / "x.h5"


@pytest.mark.parametrize("as_text", [False, True])
def test_dimension_scales_are_passed_over(path, as_text):
    with h5py.File(path, "r+") as file:
        file["band"] = ["B2", "B3", "B4", "B8"] if as_text else np.arange(C)
        for axis, name in enumerate(("sample", "band", "y", "x")):
            if name not in file:
                file[name] = np.arange(file["images"].shape[axis])
            file[name].make_scale(name)
            file["images"].dims[axis].attach_scale(file[name])
    _, dataset = run(path)
    np.testing.assert_array_equal(dataset.images(), pixels())
    assert dataset.labels.tolist() == [0, 1] * 3
    assert dataset.band_names == (("blue", "green", "red", "nir") if as_text else ("red", "green", "blue", "nir"))


def test_text_of_any_length_is_read_where_asked_for_and_passed_over_elsewhere(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file["labels"] = ["landslide", "stable"] * 3
        file["ids"], file["notes"] = [f"p{i}" for i in range(N)], ["long text " * 50] * N
    _, dataset = run(path)
    assert dataset.labels.tolist() == [1, 0] * 3 and dataset.ids.tolist() == [f"p{i}" for i in range(N)]
    with pytest.raises(UnsafeFileError, match="holds objects"), open_safely(path):
        pass  # a dataset file of ours holds none


def test_much_text_from_few_bytes_is_refused(path, monkeypatch):
    monkeypatch.setattr(facts, "TEXT_BYTES", 1000)
    with h5py.File(path, "r+") as file:
        file["ids"] = [f"{i}" * 300 for i in range(N)]
    with pytest.raises(UnsafeFileError, match="MiB of text"):
        run(path)


def test_booleans_and_enumerations_are_labels(path):
    with h5py.File(path, "r+") as file:
        del file["labels"]
        file["labels"] = np.array([True, False] * 3)
    assert run(path)[1].labels.tolist() == [1, 0] * 3
    with h5py.File(path, "r+") as file:
        del file["labels"]
        kind = h5py.enum_dtype({"landslide": 3, "rock": 7}, basetype="i1")
        file.create_dataset("labels", data=np.array([3, 7] * 3, "i1"), dtype=kind)
    assert run(path)[1].labels.tolist() == [1, 0] * 3


@pytest.mark.parametrize("names", [["B2", "B3", "B4", "VV"], "B2,B3,B4,VV", np.array(["B2", "B3", "B4", "VV"], "S")])
@pytest.mark.parametrize("on_file", [True, False])
def test_an_attribute_names_the_bands(path, names, on_file):
    with h5py.File(path, "r+") as file:
        (file if on_file else file["images"]).attrs["bands"] = names
    report, dataset = run(path)
    assert dataset.band_names == ("blue", "green", "red", "vv") and dataset.bands[3].unit == "dB"
    _, dataset = run(path, bands="vv,red")
    np.testing.assert_array_equal(dataset.images(), pixels()[:, [3, 2]])
    with pytest.raises(Exception, match="nir is not among them"):
        run(path, bands="red,green,blue,nir")


def matlab(path, **arrays):
    """As MATLAB's save -v7.3: a block of 512 bytes before HDF5, and axes in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in arrays.items():
            file[name] = np.ascontiguousarray(np.asarray(values).T)
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512))
    return path


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("column", [True, False])
def test_matlab_files_are_read_with_matlabs_axes(tmp_path, last, column):
    images = np.random.default_rng(0).uniform(1, 9, (N, 8, 11, 3))  # (N, H, W, C)
    masks = np.random.default_rng(1).integers(0, 2, (N, 8, 11))
    labels = np.arange(N) % 2
    _, dataset = run(
        matlab(
            tmp_path / "x.mat",
            images=np.moveaxis(images, 0, -1) if last else images,
            masks=np.moveaxis(masks, 0, -1) if last else masks,
            labels=labels[:, None] if column else labels[None],
        )
    )
    np.testing.assert_allclose(dataset.images(), images.transpose(0, 3, 1, 2), rtol=1e-6)
    np.testing.assert_array_equal(dataset.masks(), masks)
    assert dataset.labels.tolist() == labels.tolist()


def test_a_matlab_file_that_does_not_show_its_patches_is_refused_with_the_line(tmp_path):
    with pytest.raises(FormatError, match="which axis of its images .* Convert it: python -c"):
        run(matlab(tmp_path / "x.mat", images=np.zeros((5, 8, 8, 5)), labels=np.zeros((5, 1))))
