"""Arrays of all patches in .npy and .npz: roles and splits by name, labels or masks by shape, nothing of the rest."""

import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.errors import DataError, FormatError
from core.progress import drain

N, SIDE = 6, 12


def pixels(n=N, bands=4, seed=0):
    return np.random.default_rng(seed).uniform(1, 3000, (n, SIDE, SIDE, bands)).astype(np.float32)


def run(source, format=None, **options):
    out = source.parent / "out" / "x.h5"
    out.parent.mkdir(exist_ok=True)
    report = drain(ingest(format, source, out, ReaderOptions(**options)))
    return report, open_dataset(out)


def save(folder, **arrays):
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in arrays.items():
        np.save(folder / f"{name.replace('__', '/')}.npy", values)
    return folder


PAIRS = [("images", "labels"), ("X", "y"), ("patches", "targets"), ("imgs", "label"), ("site_x", "site_y")]


@pytest.mark.parametrize(("images", "labels"), PAIRS)
def test_images_and_labels_by_their_usual_names(tmp_path, images, labels):
    source = save(tmp_path / "src", **{images: pixels(), labels: np.arange(N) % 2 == 1})
    assert recognise(source) == "npy"
    _, dataset = run(source)
    np.testing.assert_array_equal(dataset.images(), pixels().transpose(0, 3, 1, 2))
    assert dataset.labels.tolist() == [0, 1] * 3 and dataset.split is None


@pytest.mark.parametrize("form", ["x_{}", "{}_X", "{}X", "{}_images", "X{}"])
def test_names_are_the_split(tmp_path, form):
    source = tmp_path / "src"
    label = {"x": "y", "X": "Y", "i": "labels"}
    for split, n in (("train", 4), ("val", 2), ("test", 2)):
        name = form.format(split)
        other = name.replace("images", label["i"]) if "images" in name else name.replace("X", "Y").replace("x_", "y_")
        save(source, **{name: pixels(n, seed=n), other: np.arange(n) % 2})
    _, dataset = run(source)
    assert sorted(zip(dataset.split, dataset.labels.tolist(), strict=True)) == [
        ("test", 0), ("test", 1), *[("train", 0)] * 2, *[("train", 1)] * 2, ("validation", 0), ("validation", 1),
    ]  # fmt: skip
    assert len(set(dataset.ids)) == 8


def test_one_value_a_pixel_is_a_mask(tmp_path):
    masks = np.zeros((N, SIDE, SIDE, 1), np.float32)
    masks[1, :4] = 1
    report, dataset = run(save(tmp_path / "src", trainX=pixels(), trainY=masks))
    assert dataset.labels.tolist() == [0, 1, 0, 0, 0, 0] and any("shape of masks" in text for text in report.warnings)
    np.testing.assert_array_equal(dataset.masks()[1], masks[1, :, :, 0])


def test_a_table_beside_them_goes_by_its_numbers_or_its_order(tmp_path):
    source = save(tmp_path / "src", patches=pixels(4))
    (source / "labels.csv").write_text("id,label\n2,1\n0,0\n3,1\n1,0\n")
    report, dataset = run(source)
    assert dataset.labels.tolist() == [0, 0, 1, 1] and not any("in their order" in text for text in report.warnings)
    (source / "labels.csv").write_text("scene,label\na,1\na,0\nb,1\nb,0\n")
    report, dataset = run(source)
    assert dataset.labels.tolist() == [1, 0, 1, 0] and any("in their order" in text for text in report.warnings)
    (source / "labels.csv").write_text("scene,label\na,1\n")
    with pytest.raises(FormatError, match="has 1 rows, and patches.npy 4 patches"):
        run(source)


def test_an_npz_is_unpacked_and_objects_in_it_are_not_read(tmp_path):
    masks = np.zeros((400, 64, 64), np.uint8)  # packs a thousand times smaller, as masks do
    images = np.random.default_rng(0).integers(0, 255, (400, 64, 64, 3)).astype(np.uint8)
    facts = {"meta": np.array({"a": 1}, dtype=object), "names": np.array([f"p{i}" for i in range(400)])}
    np.savez_compressed(tmp_path / "x.npz", X=images, masks=masks, **facts)
    report, dataset = run(tmp_path / "x.npz")
    assert len(dataset) == 400 and dataset.ids[7] == "p7" and (dataset.labels == 0).all()
    assert any("meta.npy hold no plain numbers" in text for text in report.warnings)
    np.savez(tmp_path / "y.npz", notes=np.array(["a"]))
    with pytest.raises(DataError):
        run(tmp_path / "y.npz")


def test_patches_to_predict_and_what_does_not_fit(tmp_path):
    source = save(tmp_path / "src", images=pixels(), labels=np.arange(N - 1))
    with pytest.raises(FormatError, match=r"6 images, but 'labels' \(5,\) of another length"):
        run(source)
    bands, batches = iterate_patches(source / "images.npy", bands=("B2", "B3", "B4", "B8"))
    ids, images = next(batches)
    assert len(ids) == N and [band.name for band in bands] == ["blue", "green", "red", "nir"]
    np.testing.assert_array_equal(images, pixels().transpose(0, 3, 1, 2))


def test_single_patches_under_such_names_are_no_stacks(tmp_path):
    save(
        tmp_path / "a",
        image_1=pixels()[0],
        mask_1=np.ones((SIDE, SIDE)),
        image_2=pixels()[1],
        mask_2=np.ones((SIDE, SIDE)),
    )
    save(tmp_path / "b", image=pixels()[0, :, :, :1], mask=np.ones((SIDE, SIDE, 1)))
    assert [recognise(tmp_path / name) for name in "ab"] == ["folders", "folders"]
    _, dataset = run(save(tmp_path / "c", images=pixels()[..., 0], labels=np.arange(N) % 2))
    assert len(dataset) == N and dataset.shape == (1, SIDE, SIDE)
    for kind in ("landslide", "stable"):  # each with an axis of one patch
        save(tmp_path / "d" / kind, **{f"{kind}_{i}": pixels(1, seed=i) for i in range(3)})
    assert recognise(tmp_path / "d") == "folders"
    assert recognise(tmp_path / "d" / "stable" / "stable_0.npy") == "folders"
    _, dataset = run(tmp_path / "d", positive="landslide")
    assert dataset.shape == (4, SIDE, SIDE) and sorted(dataset.labels.tolist()) == [0, 0, 0, 1, 1, 1]


def test_masks_that_leave_their_meaning_open_are_asked_for_as_everywhere(tmp_path):
    masks = np.zeros((N, SIDE, SIDE, 1), np.uint8)
    masks[0, 0], masks[1, :2] = 1, 2
    source = save(tmp_path / "a", images=pixels(), masks=masks)
    report, dataset = run(source)
    assert dataset.labels.tolist() == [1, 1, 0, 0, 0, 0] and any(
        "Masks hold the values" in text for text in report.warnings
    )
    assert run(source, mask_value=2)[1].labels.tolist() == [0, 1, 0, 0, 0, 0]
    np.save(source / "masks.npy", masks / 3)
    with pytest.raises(FormatError, match="--mask-at-least"):
        run(source)
