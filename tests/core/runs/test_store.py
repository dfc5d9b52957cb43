import json
import shutil

import numpy as np
import pandas as pd
import pytest

from core.config import RunConfig, preset
from core.data.store import open_dataset
from core.errors import RunError, UnsafeFileError
from core.runs import compare
from core.runs.store import RunFolder, create_run, datasets_path, list_runs, open_run
from tests.builders import make_tiny


@pytest.fixture
def run(tmp_path):
    return create_run(tmp_path, preset("demo"), tmp_path / "d.h5", "spec")


def test_a_new_run_is_complete_and_queued(run, tmp_path):
    assert run.config() == preset("demo")
    assert run.status()["state"] == "queued"
    assert run.job() == {"dataset": str((tmp_path / "d.h5").resolve()), "spec": "spec"}
    assert preset("demo").model.backbone in run.name
    assert list_runs(tmp_path) == [run] and open_run(tmp_path, run.name) == run


def test_runs_made_in_the_same_second_have_different_names(tmp_path):
    assert len({create_run(tmp_path, RunConfig(), tmp_path, "s").name for _ in range(5)}) == 5


def test_equal_tables_and_arrays_are_equal_bytes(tmp_path):
    folders = [create_run(tmp_path, RunConfig(), tmp_path, "s") for _ in range(2)]
    table = pd.DataFrame({"id": ["a"], "label": [1], "fold": [0], "group": [""]})
    array = {"embeddings": np.arange(6.0).reshape(2, 3), "logits": np.zeros((2, 2))}
    for folder in folders:
        folder.write_oof(table)
        folder.write_embeddings(0, array)
    for name in ("oof.parquet", "fold_0/embeddings.safetensors"):
        assert (folders[0].path / name).read_bytes() == (folders[1].path / name).read_bytes()
    pd.testing.assert_frame_equal(folders[0].oof(), table)
    np.testing.assert_array_equal(folders[0].embeddings(0)["embeddings"], array["embeddings"])


def test_what_is_not_there_yet_is_said_plainly(run):
    for read in (run.oof, run.summary, run.occlusion, run.cams, lambda: run.umap(0), lambda: run.embeddings(1)):
        with pytest.raises(RunError, match="did not get that far"):
            read()
    assert run.history().empty and run.smote().empty and run.events() == ([], 0) and run.log() == ""


def test_damaged_files_are_said_plainly(run):
    (run.path / "oof.parquet").write_bytes(b"PAR1 nothing")
    (run.path / "summary.json").write_text("{")
    (run.fold_path(0)).mkdir()
    (run.fold_path(0) / "embeddings.safetensors").write_bytes(b"\xff" * 40)
    for read in (run.oof, run.summary, lambda: run.embeddings(0)):
        with pytest.raises(RunError, match="damaged|cannot be read"):
            read()


def test_nan_becomes_null_in_json(run):
    run.write_json("summary.json", {"auc": float("nan"), "n": np.int64(3), "x": np.array([1.0, np.inf])})
    assert run.summary() == {"auc": None, "n": 3, "x": [1.0, None]}


@pytest.mark.fault(31)
def test_events_are_read_once_and_a_torn_line_waits(run):
    run.add_event("epoch", epoch=1)
    first, offset = run.events()
    assert [event["epoch"] for event in first] == [1]
    line = json.dumps({"event": "epoch", "epoch": 2}).encode()
    with (run.path / "events.jsonl").open("ab") as file:
        file.write(line[:10])
    assert run.events(offset) == ([], offset)
    with (run.path / "events.jsonl").open("ab") as file:
        file.write(line[10:] + b"\n\xff\xfe not json\n")
    later, offset = run.events(offset)
    assert [event["epoch"] for event in later] == [2]
    assert run.events(offset) == ([], offset)


def test_status_is_merged(run):
    run.write_status(stage="training", epoch=3)
    run.write_status(epoch=4)
    assert (run.status()["stage"], run.status()["epoch"], run.status()["state"]) == ("training", 4, "queued")


def test_a_run_that_has_not_finished_is_named_with_its_state(run):
    for state in ("queued", "running", "failed", "cancelled"):
        run.write_status(state=state)
        with pytest.raises(RunError, match=f"'{run.name}' has not finished .{state}"):
            run.require_finished()
    run.write_status(state="succeeded")
    run.require_finished()


def test_history_of_folds_is_joined_in_order(run):
    for fold in (10, 2):
        run.write_history(fold, pd.DataFrame({"epoch": [1, 2]}))
    assert run.history()["fold"].tolist() == [2, 2, 10, 10]


@pytest.mark.fault(23)
@pytest.mark.parametrize("name", ["../elsewhere", "..", "/etc", "a\0b", "x" * 300])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises((RunError, UnsafeFileError)):
        open_run(tmp_path, name)


def test_an_unknown_run_names_the_newest(run, tmp_path):
    with pytest.raises(RunError, match=run.name):
        open_run(tmp_path, "nothing")


def test_comparing_shows_numbers_where_there_are_any(run, tmp_path):
    oof = {"n": 10, "f1": 0.5, "f1_interval": [0.2, 0.8], "auc": 0.6, "recall": 0.5, "precision": 0.5}
    run.write_json("summary.json", {"dataset_name": "d", "head": "fc", "oof": oof, "seconds": 3.0})
    other = create_run(tmp_path, RunConfig(), tmp_path, "s")
    found = compare.table([run, other])
    assert found["f1"].tolist()[0] == 0.5 and np.isnan(found["f1"].tolist()[1])


def test_a_copied_checkpoints_folder_brings_its_own_datasets(run, tmp_path):
    assert run.dataset_path() == tmp_path / "d.h5"  # gone, but named until a copy is found
    copied = tmp_path / "datasets" / "d.h5"
    copied.parent.mkdir()
    copied.touch()
    assert run.dataset_path() == copied
    (tmp_path / "d.h5").touch()
    assert run.dataset_path() == tmp_path / "d.h5"


def copied_run(tmp_path, dataset):
    """A run of checkpoints ``old`` on this dataset, and its copy, and that of all of ``old``, in ``new``."""
    old, new = tmp_path / "old", tmp_path / "new"
    run = create_run(old, RunConfig(), make_tiny(dataset), "s")
    run.write_json("provenance.json", {"dataset": {"content_hash": open_dataset(dataset).content_hash}})
    shutil.copytree(old, new)
    return run, RunFolder(new / run.name), new


def test_a_copied_run_opens_the_copied_dataset_though_the_old_one_is_still_there(tmp_path):
    own = datasets_path(tmp_path / "old") / "d.h5"
    run, copied, new = copied_run(tmp_path, own)
    assert run.dataset_path() == own and copied.dataset_path() == datasets_path(new) / "d.h5"
    make_tiny(datasets_path(new) / "d.h5", seed=7)  # another dataset of that name
    assert copied.dataset_path() == own
    own.unlink()
    assert copied.dataset_path() == datasets_path(new) / "d.h5"  # what reads it says that it has changed


def test_a_run_that_was_copied_without_its_dataset_finds_the_old_one_or_one_laid_beside_it(tmp_path):
    _, copied, new = copied_run(tmp_path, tmp_path / "d.h5")
    assert copied.dataset_path() == tmp_path / "d.h5"
    make_tiny(new / "d.h5")
    assert copied.dataset_path() == new / "d.h5"
