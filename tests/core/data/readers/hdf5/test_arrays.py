"""HDF5 files of anybody's making: keys, axes, labels, and what is refused (FAULTS 13, 14, 18)."""

import h5py
import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.readers.axes import axes_of
from core.data.store import open_dataset
from core.errors import ConfigError, DataError, FormatError, LabelError, UnsafeFileError
from core.predict.sources import patches_of
from tests.builders import write_demo

N, C, H, W = 6, 3, 8, 10


def pixels(dtype=np.float32, seed=0):
    return np.random.default_rng(seed).uniform(1, 200, (N, C, H, W)).astype(dtype)


def make(path, **arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


def run(source, out=None, **options):
    steps = ingest("hdf5", source, out or source.parent / "out" / "out.h5", ReaderOptions(**options))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, open_dataset(done.value.dataset)


# ---------------------------------------------------------------------------------------------------------- axes


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_both_orders_of_axes_give_the_same_values(tmp_path, dtype, order):
    source = make(tmp_path / "x.h5", images=pixels(dtype).transpose(order), labels=[0, 1, 0, 1, -1, 1])
    report, dataset = run(source)
    np.testing.assert_array_equal(dataset.images(), pixels(dtype).astype(np.float32))
    assert dataset.shape == (C, H, W) and dataset.dtype == (np.uint8 if dtype == "uint8" else np.float32)
    assert dataset.labels.tolist() == [0, 1, 0, 1, -1, 1] and dataset.ids.tolist() == [f"x_{i}" for i in range(N)]
    assert (report.n_positive, report.n_unlabelled) == (3, 1)


def test_axes_by_evidence():
    assert axes_of((4, 64, 64), "f") == "CHW" and axes_of((64, 64, 4), "f") == "HWC" and axes_of((8, 9), "f") == "HW"
    assert axes_of((12, 8, 10), "f", 12) == "CHW"  # more bands than pixels a side: the named bands decide
    assert axes_of((64, 64, 100), "f", 100) == "HWC"
    for shape in ((64, 64, 64), (12, 8, 10), (4, 64, 4), (10, 8, 12)):
        with pytest.raises(FormatError, match="does not tell the bands from rows and columns. Say --layout"):
            axes_of(shape, "f")
    with pytest.raises(FormatError, match="does not tell"):
        axes_of((4, 64, 4), "f", 4)


def test_what_may_be_either_is_refused_until_it_is_said(tmp_path):
    values = np.random.default_rng(0).uniform(1, 9, (4, 7, 7, 7)).astype(np.float32)
    source = make(tmp_path / "x.h5", images=values)
    with pytest.raises(FormatError, match=r"A patch of x.h5 has the shape \(7, 7, 7\)"):
        run(source)
    np.testing.assert_array_equal(run(source, layout="NCHW")[1].images(), values)
    np.testing.assert_array_equal(run(source, layout="NHWC")[1].images(), values.transpose(0, 3, 1, 2))
    with pytest.raises(FormatError, match="with --layout NHW a patch has the axes HW"):
        run(source, layout="NHW")
    with pytest.raises(ConfigError, match="layout: .*'NCHW', 'NHWC' or 'NHW'"):
        run(source, layout="CNHW")


def test_three_axes_are_single_bands_where_something_says_so(tmp_path):
    values = pixels()[:, 0]
    with pytest.raises(FormatError, match="one patch of several bands, or several of one band"):
        run(make(tmp_path / "x.h5", images=values))
    assert run(tmp_path / "x.h5", layout="NHW")[1].shape == (1, H, W)
    _, dataset = run(make(tmp_path / "y.h5", images=values, y=np.zeros(N)))
    np.testing.assert_array_equal(dataset.images()[:, 0], values)


# ---------------------------------------------------------------------------------------------------------- keys


def test_everything_is_found_by_its_usual_name_at_any_depth(tmp_path):
    masks = np.zeros((N, H, W), np.uint8)
    masks[1] = 1
    lonlat = np.random.default_rng(0).uniform(0, 80, (N, 2))
    lonlat[2] = np.nan
    facts = {"data/X": pixels(), "data/y": [[0], [1], [0], [0], [1], [0]], "Masks": masks, "lonlat": lonlat}
    facts |= {
        "names": np.array([f"p{i}" for i in range(N)], "S"),
        "scene": [7.0, 7, 8, 8, 9, 9],
        "split": np.array(["train"] * N, "S"),
    }
    report, dataset = run(make(tmp_path / "x.h5", **facts))
    assert report.warnings == (
        "The files have 3 bands without names, taken as red, green, blue. Say --bands a,b,c if not.",
        "Labels and masks contradict each other: 1 patch labelled 'landslide' with an empty mask (p4). If classes "
        "are exchanged, say --positive; if the masks are inverted, --mask-value 0.",
    )
    assert dataset.ids.tolist() == [f"p{i}" for i in range(N)] and dataset.labels.tolist() == [0, 1, 0, 0, 1, 0]
    assert dataset.groups.tolist() == ["7", "7", "8", "8", "9", "9"] and set(dataset.split) == {"train"}
    np.testing.assert_array_equal(dataset.masks(), masks)
    np.testing.assert_array_equal(dataset.lonlat, lonlat)


def test_names_of_ones_own_are_said(tmp_path):
    source = make(tmp_path / "x.h5", patches_of_mine=pixels(), truth=[0, 1] * 3, other=np.zeros(3))
    report, dataset = run(source)
    assert (dataset.labels == -1).all() and "only array of four axes" in report.warnings[0]
    _, dataset = run(source, keys={"images": "/patches_of_mine", "labels": "truth"})
    assert dataset.labels.tolist() == [0, 1] * 3
    with pytest.raises(FormatError, match=r"no array 'nowhere' for the labels. It has: other \(3,\), patches_of_mine"):
        run(source, keys={"labels": "nowhere"})
    with pytest.raises(ConfigError, match="not known: pictures"):
        run(source, keys={"pictures": "truth"})


def test_several_candidates_and_none_are_told(tmp_path):
    with pytest.raises(FormatError, match="several arrays that may be the images: images, x. Say which: --keys images"):
        run(make(tmp_path / "a.h5", images=pixels(), x=pixels()))
    with pytest.raises(FormatError, match="Which array of b.h5 holds the images"):
        run(make(tmp_path / "b.h5", one=pixels(), two=pixels()))
    with pytest.raises(FormatError, match="It has: nothing"):
        run(make(tmp_path / "c.h5"))
    with pytest.raises(FormatError, match=r"has 6 images, but 'labels' \(5,\) of another length"):
        run(make(tmp_path / "d.h5", images=pixels(), labels=np.zeros(5)))
    with pytest.raises(FormatError, match="accepted: numbers of"):
        run(make(tmp_path / "e.h5", images=np.zeros((N, 4))))


# -------------------------------------------------------------------------------------------------------- labels


def test_labels_mean_what_they_mean_in_tables(tmp_path):
    source = make(
        tmp_path / "x.h5", images=pixels(), labels=np.array(["slip", "bare", "", "slip", "bare", "bare"], "S")
    )
    assert run(source, positive="slip")[1].labels.tolist() == [1, 0, -1, 1, 0, 0]
    with pytest.raises(LabelError, match="Found: bare, slip"):
        run(source)
    make(source, images=pixels(), labels=np.array([0, 1, np.nan, 1, 0, -1]))
    assert run(source)[1].labels.tolist() == [0, 1, -1, 1, 0, -1]
    assert run(source, positive="0")[1].labels.tolist() == [1, 0, -1, 0, 1, -1]
    make(source, images=pixels(), labels=[True, False] * 3)
    assert run(source)[1].labels.tolist() == [1, 0] * 3
    make(source, images=pixels(), labels=[0, 1, 2, 0, 0, 0])
    with pytest.raises(LabelError, match="Found: 0, 1, 2. Say --positive VALUE.*Labels are 0, 1, or -1 for none"):
        run(source)
    report, dataset = run(source, positive="2")
    assert dataset.labels.tolist() == [0, 0, 1, 0, 0, 0] and "0, 1 are all taken as not" in report.warnings[0]


@pytest.mark.parametrize(("low", "high"), [(1, 2), (-1, 1), (0, 255), (0, 2), (3.0, 7.5)])
def test_two_other_numbers_need_the_positive_one_and_lose_no_class(tmp_path, low, high):
    source = make(tmp_path / "x.h5", images=pixels(), labels=np.array([high, low, low, high, low, low]))
    with pytest.raises(LabelError, match=f"Found: {low:g}, {high:g}. Say --positive"):
        run(source)
    assert run(source, positive=f"{high:g}")[1].labels.tolist() == [1, 0, 0, 1, 0, 0]
    assert run(source, positive=f"{low}")[1].labels.tolist() == [0, 1, 1, 0, 1, 1]


def test_one_hot_labels_are_their_column_and_probabilities_are_refused(tmp_path):
    source = make(tmp_path / "x.h5", images=pixels(), labels=np.eye(2)[[0, 1, 1, 0, 0, 1]])
    report, dataset = run(source)
    assert dataset.labels.tolist() == [0, 1, 1, 0, 0, 1] and "--positive 0" in report.warnings[0]
    assert run(source, positive="0")[1].labels.tolist() == [1, 0, 0, 1, 1, 0]
    make(source, images=pixels(), labels=np.eye(3)[[0, 1, 2, 0, 0, 1]])
    with pytest.raises(LabelError, match="Found: 0, 1, 2"):
        run(source)
    for wrong in (np.full((N, 2), 0.5), np.ones((N, 2), np.uint8)):
        make(source, images=pixels(), labels=wrong)
        with pytest.raises(LabelError, match="not a single 1 among zeros"):
            run(source)
    make(source, images=pixels(), labels=np.linspace(0, 1, N))
    with pytest.raises(LabelError, match="shares or probabilities"):
        run(source)


def test_labels_of_another_shape_are_told(tmp_path):
    with pytest.raises(FormatError, match="Say --keys masks=NAME if these are masks"):
        run(make(tmp_path / "x.h5", images=pixels(), labels=np.zeros((N, H, W + 1))))
    masks = np.zeros((N, H, W, 1))
    masks[1] = 1
    report, dataset = run(make(tmp_path / "x.h5", images=pixels(), labels=masks))
    assert dataset.labels.tolist() == [0, 1, 0, 0, 0, 0] and any("shape of masks" in text for text in report.warnings)


def test_without_labels_masks_give_them_by_area(tmp_path):
    masks = np.zeros((N, H, W, 1), np.uint8)
    masks[0] = 2
    masks[1, :4] = 1
    source = make(tmp_path / "x.h5", images=pixels(), masks=masks)
    assert run(source)[1].labels.tolist() == [1, 1, 0, 0, 0, 0]
    assert run(source, mask_value=1.0)[1].labels.tolist() == [0, 1, 0, 0, 0, 0]
    _, dataset = run(source, tile=4, edge="drop")
    assert len(dataset) == N * 2 * 2 and set(dataset.groups) == {f"x_{i}" for i in range(N)}


def test_ids_that_repeat_are_replaced_by_rows(tmp_path):
    report, dataset = run(make(tmp_path / "x.h5", images=pixels(), ids=[1, 1, 2, 3, 4, 5]))
    assert dataset.ids[0] == "x_0" and any("ids in the file are not all different" in text for text in report.warnings)


# ------------------------------------------------------------------------------------------------ what is refused


def external_link(file):
    file["images"] = h5py.ExternalLink("secret.h5", "/images")


def external_storage(file):
    file.create_dataset("images", (16,), np.uint8, external=[("/etc/hostname", 0, 16)])


def virtual(file):
    layout = h5py.VirtualLayout((N, C, H, W), np.float32)
    layout[:] = h5py.VirtualSource("secret.h5", "images", (N, C, H, W))
    file.create_virtual_dataset("images", layout)


def loop(file):
    file["images"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/images")


def references(file):
    file["images"] = pixels()
    file.create_dataset("ids", data=[file["images"].ref] * N, dtype=h5py.ref_dtype)


def numbers_of_any_length(file):
    file["images"] = pixels()
    file.create_dataset("ids", (N,), dtype=h5py.vlen_dtype(np.int32))


def references_in_an_attribute(file):
    file["images"] = pixels()
    file["images"].attrs["DIMENSIONS"] = file["images"].ref


def claims_64_gib(file):
    file.create_dataset("images", (2**18, 4, 64, 64), np.float32, chunks=(1, 4, 64, 64))


REFUSED = [
    external_link, external_storage, virtual, loop, references, numbers_of_any_length, references_in_an_attribute,
    claims_64_gib,
]  # fmt: skip


@pytest.mark.fault(14)
@pytest.mark.parametrize("fill", REFUSED)
def test_what_reaches_out_of_the_file_is_refused(tmp_path, fill):
    make(tmp_path / "secret.h5", images=pixels())
    with h5py.File(tmp_path / "x.h5", "w") as file:
        fill(file)
    assert recognise(tmp_path / "x.h5") == "hdf5"
    for read in (lambda: run(tmp_path / "x.h5"), lambda: iterate_patches(tmp_path / "x.h5")):
        with pytest.raises(UnsafeFileError, match="x.h5 was not read"):
            read()
    assert not (tmp_path / "out" / "out.h5").exists()


def test_a_dataset_file_of_ours_needs_no_ingest(tmp_path):
    write_demo(tmp_path / "demo.h5", n=60)
    with pytest.raises(FormatError, match="is a dataset file of this program already. Use it as it is"):
        run(tmp_path / "demo.h5")
    with pytest.raises(FormatError, match="no known format"):
        recognise(tmp_path / "demo.h5")


def test_tables_and_mask_folders_do_not_go_with_it(tmp_path):
    with pytest.raises(ConfigError, match="finds labels and masks in the HDF5 files"):
        run(make(tmp_path / "x.h5", images=pixels()), labels="l.csv")
    (tmp_path / "none").mkdir()
    with pytest.raises(FormatError, match="holds no HDF5 file"):
        run(tmp_path / "none")


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path):
    source = make(tmp_path / "x.h5", images=pixels())
    _, batches = iterate_patches(source)
    make(source, images=pixels(seed=1)[:3])
    with pytest.raises(DataError, match="x.h5 changed while it was read"):
        list(batches)


# ----------------------------------------------------------------------------------------------- one file a patch


def test_a_folder_of_single_patches_with_masks_beside_them(tmp_path):
    source = tmp_path / "src"
    for number, values in enumerate(pixels()[:3]):
        make(source / f"images/p{number}.h5", array=values)
    make(source / "masks/p1.h5", truth=np.ones((H, W)))
    report, dataset = run(source)
    np.testing.assert_array_equal(dataset.images(), pixels()[:3])
    assert dataset.ids.tolist() == ["p0", "p1", "p2"] and dataset.labels.tolist() == [-1, 1, -1]
    make(source / "images/p3.h5", one=pixels()[0], two=pixels()[0])
    report, dataset = run(source)
    assert [item.file for item in report.rejected] == ["images/p3.h5"] and "--keys images=NAME" in report.rejected[
        0
    ].reason
    report, _ = run(source, keys={"images": "two"})
    assert not report.rejected


def test_a_folder_with_one_file_of_many_is_that_file(tmp_path):
    make(tmp_path / "src" / "all.h5", images=pixels(), labels=[0, 1] * 3)
    assert run(tmp_path / "src")[1].labels.tolist() == [0, 1] * 3


# ---------------------------------------------------------------------------------------------------- prediction


def test_sources_to_predict_in_every_form(tmp_path):
    write_demo(tmp_path / "demo.h5", n=60)
    for format in (None, "hdf5"):
        bands, batches, known = patches_of(tmp_path / "demo.h5", format)
        assert known.path.name == "demo.h5"
        assert len(bands) == 12 and sum(len(ids) for ids, _ in batches) == 60
    source = make(tmp_path / "x.h5", images=pixels(), labels=[5] * N)  # labels are not looked at
    for format in (None, "hdf5"):
        bands, batches, _ = patches_of(source, format, ("a", "b", "c"))
        ids, found = next(batches)
        assert [band.name for band in bands] == ["a", "b", "c"] and ids[0] == "x_0"
        np.testing.assert_array_equal(found, pixels())
