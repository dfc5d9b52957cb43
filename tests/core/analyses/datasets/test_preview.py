"""A look before an import: what it says is what the import makes; what is open is asked; nothing is written."""

import json

import h5py
import numpy as np
import pytest
from PIL import Image

from core.analyses.datasets import importing
from core.analyses.datasets.preview import ANALYSIS, KEPT, read, text
from core.data.readers import files
from core.data.readers.preview import sample
from core.data.store import open_dataset
from core.errors import LandslideLensError
from core.progress import drain
from core.runs.targets import CheckpointsTarget


def pictures(folder, names=("landslide", "other"), n=10, side=16):
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for i in range(n):
            Image.fromarray(rng.integers(0, 255, (side, side, 3), np.uint8)).save(folder / name / f"{name}_{i}.png")
    return folder


def looked(tmp_path, source, **options):
    return drain(ANALYSIS.start(CheckpointsTarget(tmp_path), {"source": source, **options}))


def imported(tmp_path, source, **options):
    out = tmp_path / "datasets" / "mine.h5"
    result = drain(importing.ANALYSIS.start(CheckpointsTarget(tmp_path), {"source": source, "out": out, **options}))
    return open_dataset(result["dataset"])


def question(facts, option):
    return next((one for one in facts["questions"] if one["option"] == option), None)


def test_what_is_understood_is_what_the_import_makes(tmp_path):
    source = pictures(tmp_path / "source")
    (source / "other" / "broken.png").write_bytes(b"no picture")
    facts = looked(tmp_path, source)
    assert json.loads(json.dumps(facts))["bands"] == facts["bands"]
    labels = facts["labels"]
    assert (labels["positive"], labels["n_positive"], labels["negative"]) == ("landslide", 10, "other")
    assert facts["format"] == "folders" and facts["shape"] == [3, 16, 16] and facts["questions"] == []
    assert [one["file"] for one in facts["rejected"]] == ["other/broken.png"]
    assert not (tmp_path / "datasets" / "mine.h5").exists()
    data = imported(tmp_path, source)
    assert [band["name"] for band in facts["bands"]] == [band.name for band in data.bands]
    assert (data.labels == 1).sum() == labels["n_positive"] and data.class_names[1] == "landslide"
    assert "10 landslide" in text(facts) and "broken.png" in text(facts)


def test_twelve_patches_are_kept_half_of_them_landslides(tmp_path):
    facts = looked(tmp_path, pictures(tmp_path / "source"))
    found = read(CheckpointsTarget(tmp_path), facts["pictures"])
    assert found.images.shape == (12, 3, 16, 16) and found.masks is None
    assert [patch["label"] for patch in facts["patches"]] == [1] * 6 + [0] * 6
    data = imported(tmp_path, tmp_path / "source")
    for image, patch in zip(found.images, facts["patches"], strict=True):
        np.testing.assert_array_equal(image, data.images(data.index_of([patch["id"]]))[0])


def test_a_bounded_number_of_files_is_read(tmp_path, monkeypatch):
    source = pictures(tmp_path / "source", n=40)
    read_files, original = [], files.read_image
    monkeypatch.setattr(files, "read_image", lambda path: read_files.append(path) or original(path))
    looked(tmp_path, source)
    assert 12 <= len(read_files) <= sample.READ


def test_an_unknown_positive_class_is_asked_and_both_classes_are_shown(tmp_path):
    source = pictures(tmp_path / "source", ("slides", "stable"))
    facts = looked(tmp_path, source)
    asked = question(facts, "positive")
    assert asked["must"] and asked["answer"] is None and asked["counts"] == {"slides": 10, "stable": 10}
    assert {patch["class"] for patch in facts["patches"]} == {"slides", "stable"}
    assert question(looked(tmp_path, source, positive="slides"), "positive") is None


def test_a_table_masks_and_groups_beside_the_images_are_taken_and_told(tmp_path):
    source = pictures(tmp_path / "source" / "images").parent
    (source / "masks").mkdir()
    rows = ["id,label,scene"]
    for path in sorted((source / "images").rglob("*.png")):
        positive = path.parent.name == "landslide"
        rows.append(f"{path.stem},{int(positive)},s{path.stem[-1]}")
        if positive:
            Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(source / "masks" / path.name)
    (source / "labels.csv").write_text("\n".join(rows))
    facts = looked(tmp_path, source)
    answers = {one["option"]: one["answer"] for one in facts["questions"]}
    assert answers == {"labels": "labels.csv", "masks": "masks", "group_column": "scene"}
    assert (facts["groups"], facts["n_masks"]) == (10, 10)
    assert read(CheckpointsTarget(tmp_path), facts["pictures"]).masks[:6].any(axis=(1, 2)).all()
    data = imported(tmp_path, source, **answers)
    assert len(set(data.groups.tolist())) == 10 and data.has_masks


def test_a_table_that_does_not_fit_is_not_taken(tmp_path):
    source = pictures(tmp_path / "source")
    (source / "notes.csv").write_text("when,what\n2020,rain\n")
    facts = looked(tmp_path, source)
    asked = question(facts, "labels")
    assert asked["answer"] is None and "does not fit" in asked["text"] and facts["labels"]["n_positive"] == 10


def test_what_was_declined_is_asked_again_but_not_tried(tmp_path):
    source = pictures(tmp_path / "source")
    rows = [f"{path.stem},s{path.stem[-1]}" for path in sorted(source.rglob("*.png"))]
    (source / "scenes.csv").write_text("\n".join(["id,scene", *rows]))
    assert question(looked(tmp_path, source), "labels")["answer"] == "scenes.csv"
    facts = looked(tmp_path, source, declined=("labels",))
    asked = question(facts, "labels")
    assert (asked["answer"], asked["choices"], facts["groups"]) == (None, ("scenes.csv",), 0)


def test_a_table_above_patches_without_labels_is_taken(tmp_path):
    folder = pictures(tmp_path / "source" / "patches", ("all",)).parent
    rows = [f"all_{i},{i % 2}" for i in range(10)]
    (folder / "labels.csv").write_text("\n".join(["id,label", *rows]))
    facts = looked(tmp_path, folder / "patches")
    assert question(facts, "labels")["answer"] == "../labels.csv" and facts["labels"]["n_positive"] == 5
    assert (imported(tmp_path, folder / "patches", labels="../labels.csv").labels == 1).sum() == 5


def test_images_of_many_sizes_are_shown_in_one(tmp_path):
    source = tmp_path / "source"
    for name in ("landslide", "other"):
        (source / name).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(np.full((20 + 9 * i, 20 + 9 * i, 3), i, np.uint8)).save(source / name / f"{name}{i}.png")
    facts = looked(tmp_path, source)
    asked = question(facts, "resize")
    assert asked["answer"] == facts["shape"][1] == 32 and len(imported(tmp_path, source, resize=32)) == 12


def test_bands_without_names_are_asked(tmp_path):
    for name in ("landslide", "other"):
        (tmp_path / "source" / name).mkdir(parents=True)
        for i in range(3):
            np.save(tmp_path / "source" / name / f"{name}{i}.npy", np.full((16, 16, 4), 1000.0 + i, np.float32))
    asked = question(looked(tmp_path, tmp_path / "source"), "bands")
    assert asked["answer"] == "red,green,blue,nir" and not asked["must"]
    assert question(looked(tmp_path, tmp_path / "source", bands="a,b,c,d"), "bands") is None


def test_masks_of_several_colours_are_asked(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / "source" / name).mkdir(parents=True)
    mask = np.zeros((16, 16, 3), np.uint8)
    mask[:4], mask[4:6] = (255, 0, 0), (0, 255, 0)
    for i in range(4):
        Image.fromarray(np.full((16, 16, 3), 9 * i, np.uint8)).save(tmp_path / "source" / "images" / f"p{i}.png")
        Image.fromarray(mask).save(tmp_path / "source" / "masks" / f"p{i}.png")
    facts = looked(tmp_path, tmp_path / "source")
    asked = question(facts, "mask_value")
    assert asked["must"] and {"#ff0000", "#00ff00"} <= set(asked["choices"])
    assert asked["meanwhile"] == asked["choices"][0] and f"Shown here with {asked['meanwhile']}" in text(facts)
    assert question(looked(tmp_path, tmp_path / "source", mask_value="#ff0000"), "mask_value") is None


@pytest.mark.parametrize(("rows", "asked"), [((0, 8), False), ((0, 1, 8), True), ((1,), True)])
def test_the_share_of_a_mask_is_asked_only_where_patches_depend_on_it(tmp_path, rows, asked):
    for name in ("images", "masks"):
        (tmp_path / "source" / name).mkdir(parents=True)
    for i in range(6):
        mask = np.zeros((16, 16), np.uint8)
        mask[: rows[i % len(rows)], :2] = 255  # one row: 2 of 256 pixels, below 1 %
        Image.fromarray(np.full((16, 16, 3), 9 * i, np.uint8)).save(tmp_path / "source" / "images" / f"p{i}.png")
        Image.fromarray(mask).save(tmp_path / "source" / "masks" / f"p{i}.png")
    facts = looked(tmp_path, tmp_path / "source")
    found = question(facts, "mask_threshold")
    assert (found is not None) == asked
    if rows == (1,):  # all would be dropped: shown with a smaller share, which somebody has to confirm
        assert found["must"] and found["meanwhile"] == "0.001" and "No patch is left" in found["text"]
    elif asked:
        assert (found["answer"], question(facts, "between")["answer"]) == (0.01, "drop")


def test_labels_of_an_array_that_are_open_are_asked(tmp_path):
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["images"] = np.random.default_rng(0).integers(1, 3000, (6, 8, 8, 4)).astype(np.float32)
        file["labels"] = np.array([0, 255, 0, 255, 0, 255], np.uint8)
    asked = question(looked(tmp_path, tmp_path / "in.h5"), "positive")
    assert asked["must"] and asked["choices"] == ("0", "255")


def test_an_array_whose_axes_are_open_is_asked_before_anything_is_shown(tmp_path):
    for name in ("landslide", "other"):
        (tmp_path / "source" / name).mkdir(parents=True)
        np.save(tmp_path / "source" / name / f"{name}.npy", np.zeros((8, 8, 8), np.float32))
    facts = looked(tmp_path, tmp_path / "source")
    asked = question(facts, "layout")
    assert asked["must"] and asked["choices"] == ("NCHW", "NHWC") and facts["n"] is None and facts["pictures"]
    assert "To be answered [--layout]" in text(facts)
    assert looked(tmp_path, tmp_path / "source", layout="NHWC")["shape"] == [8, 8, 8]


def test_sources_that_cannot_be_used_end_in_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"nothing")
    for source, words in (
        ("empty", "no known format"),
        ("nowhere", "no folder or file"),
        ("broken", "None of 1 files"),
    ):
        with pytest.raises(LandslideLensError, match=words):
            looked(tmp_path, tmp_path / source)


def test_the_newest_looks_are_kept(tmp_path):
    source = pictures(tmp_path / "source", n=2)
    names = [looked(tmp_path, source, licence=f"L{i}")["pictures"] for i in range(KEPT + 2)]
    kept = [read(CheckpointsTarget(tmp_path), name) is not None for name in names]
    assert kept == [False] * 2 + [True] * KEPT
