"""``python -m core ingest`` as scripts call it: every option reaches the reader, answers and exits are as agreed."""

import shutil
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from core.data.store import open_dataset
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.fixture
def source(tmp_path):
    """Two pictures of 20 x 40 pixels; the mask of one marks 8 pixels of its first half, its second half is white."""
    rng = np.random.default_rng(0)
    for name in "ab":
        pixels = rng.integers(0, 255, (20, 40, 3), np.uint8)
        mask = np.zeros((20, 40), np.uint8)
        if name == "a":
            mask[0, :8], pixels[:, 20:] = 255, 255
        for folder, values in (("src", pixels), ("src/masks", mask)):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(tmp_path / folder / f"{name}.png")
    return tmp_path / "src"


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    """Where the jobs of these tests lie."""
    monkeypatch.setattr(sys.modules[__name__], "CHECKPOINTS", ["--checkpoints", tmp_path / "checkpoints"])
    return tmp_path / "checkpoints"


CHECKPOINTS: list = []


def answer(*arguments):
    return core_json("ingest", *arguments, *CHECKPOINTS)


def test_tiles_masks_and_nodata_are_asked_for_by_name(source, tmp_path):
    out = tmp_path / "x.h5"
    options = ["--masks", "masks", "--tile", 20, "--mask-threshold", 0.05, "--between", "negative"]
    value = answer("folders", source, "--out", out, *options, "--nodata", 255, "--max-nodata", 0.5)
    assert (value["n"], value["n_positive"], value["n_unlabelled"], value["dataset"]) == (3, 0, 0, str(out))
    assert open_dataset(out).nodata == 255
    value = answer(
        "folders", source, "--out", out, "--masks", "masks", "--tile", 16, "--stride", 8, "--edge", "drop", "--replace"
    )
    assert value["n"] == 2 * 4 and open_dataset(out).facts["patches_from_masks"]["stride"] == 8
    assert answer("folders", source, "--out", out, "--resize", 10, "--replace")["n_unlabelled"] == 2
    assert open_dataset(out).shape == (3, 10, 10)


def test_an_archive_and_a_format_to_be_found(source, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "packed"), "gztar", source)
    assert answer("auto", packed, "--out", tmp_path / "x.h5")["n"] == 2


def test_people_are_told_in_lines(source, tmp_path):
    (source / "broken.png").write_bytes(b"no picture")
    text = core("ingest", "folders", source, "--out", tmp_path / "x.h5", *CHECKPOINTS).stdout
    assert "\n2 patches (0 landslides, 2 unlabelled) in " in text and "\nSet aside: broken.png: " in text


def test_mistakes_are_told(source, tmp_path):
    assert "no format 'geo'" in core_error("ingest", "geo", source, "--out", tmp_path / "x.h5", *CHECKPOINTS)
    (source / "broken.png").write_bytes(b"no picture")
    arguments = ["folders", source, "--out", tmp_path / "x.h5", *CHECKPOINTS]
    assert "Stopped at this first" in failure("ingest", *arguments, "--strict")
    assert core("ingest", "folders", source, check=False).returncode == 2


def test_an_hdf5_files_arrays_and_axes_are_said(tmp_path):
    values = np.random.default_rng(0).uniform(1, 9, (4, 5, 5, 5)).astype(np.float32)
    masks = np.zeros((4, 5, 5))
    masks[0], masks[1] = 1, 2
    with h5py.File(tmp_path / "any.h5", "w") as file:
        file["mine"], file["theirs"], file["truth"] = values, values + 1, masks
    keys = ["--keys", "images=mine, masks=truth"]
    options = ["--layout", "NHWC", "--mask-value", 1, "--bands", "a,b,c,d,e"]
    assert answer("hdf5", tmp_path / "any.h5", "--out", tmp_path / "x.h5", *keys, *options)["n_positive"] == 1
    np.testing.assert_array_equal(open_dataset(tmp_path / "x.h5").images(), values.transpose(0, 3, 1, 2))
    said = core_error("ingest", "hdf5", tmp_path / "any.h5", "--out", tmp_path / "y.h5", "--keys", "mine", *CHECKPOINTS)
    assert "write it as images=NAME" in said


def test_what_means_landslide_in_masks_is_said(tmp_path):
    slide = np.zeros((16, 16), bool)
    slide[2:9, 3:9] = True
    for folder in ("src", "coloured", "shares"):
        (tmp_path / folder).mkdir()
    for i in range(2):
        pixels = np.random.default_rng(i).integers(1, 255, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"src/p{i}.png")
        colours = np.where((slide * i)[..., None] > 0, (255, 0, 0), (0, 120, 0)).astype(np.uint8)
        Image.fromarray(colours).save(tmp_path / f"coloured/p{i}.png")
        np.save(tmp_path / f"shares/p{i}.npy", np.linspace(0, 0.4, 256).reshape(16, 16) + 0.4 * slide * i)
    given = ["folders", tmp_path / "src", "--out", tmp_path / "x.h5", "--replace", "--masks"]
    assert "--mask-value" in failure("ingest", *given, tmp_path / "coloured", *CHECKPOINTS)
    for red in ("red", "#ff0000", "255,0,0"):
        assert answer(*given, tmp_path / "coloured", "--mask-value", red)["n_positive"] == 1
    assert "--mask-at-least" in failure("ingest", *given, tmp_path / "shares", *CHECKPOINTS)
    assert answer(*given, tmp_path / "shares", "--mask-at-least", 0.41)["n_positive"] == 1


def failure(*arguments):
    """What a job's failure says on standard error."""
    ended = core(*arguments, check=False)
    assert ended.returncode == 1
    return ended.stderr


def test_relative_paths_are_of_the_working_directory_or_of_the_source(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert answer("folders", "src", "--out", "x.h5", "--masks", "masks")["dataset"] == str(tmp_path / "x.h5")
    assert open_dataset(tmp_path / "x.h5").has_masks
    assert answer("folders", "src", "--out", "y.h5", "--masks", "src/masks")["n"] == 2


@pytest.mark.fault(36)
def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(source, tmp_path):
    out = tmp_path / "x.h5"
    out.write_text("somebody's notes")
    said = core_error("ingest", "folders", source, "--out", out, *CHECKPOINTS)
    assert str(out) in said and "--replace" in said and out.read_text() == "somebody's notes"
    assert not core_json("jobs", "list", *CHECKPOINTS)["jobs"], "nothing was queued"
    assert answer("folders", source, "--out", out, "--replace")["n"] == 2
    assert "is there already" in core_error("ingest", "folders", source, "--out", out, *CHECKPOINTS)


def test_an_ingest_is_a_job_in_the_list(source, tmp_path):
    answer("folders", source, "--out", tmp_path / "x.h5")
    (job,) = core_json("jobs", "list", *CHECKPOINTS)["jobs"]
    assert job["name"].startswith("datasets/import_dataset-") and job["state"] == "succeeded"


def test_a_preview_says_what_would_be_imported_and_writes_nothing(source, tmp_path):
    found = core_json("ingest", "auto", source, "--preview", *CHECKPOINTS)
    assert (found["n"], found["labels"]["n_positive"], found["shape"]) == (2, 1, [3, 20, 40])
    assert "pictures" not in found and not list(tmp_path.glob("*.h5"))
    done = core("ingest", "auto", source, "--preview", *CHECKPOINTS)
    assert "Classes: 1 landslide, 1 non_landslide" in done.stdout and "[--masks masks]" in done.stdout


def test_an_ingest_without_a_file_to_write_is_a_wrong_usage(source):
    assert core("ingest", "auto", source, *CHECKPOINTS, check=False).returncode == 2
