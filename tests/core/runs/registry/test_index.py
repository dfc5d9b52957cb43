"""Every run as a row, read once and again where a file changed; copies, damage, and what tells runs apart."""

import json
import shutil
import time

import pytest

from core.errors import RunError
from core.runs import labels
from core.runs.registry import index
from core.runs.registry.differences import from_others, from_preset, in_words, seed_spread
from core.runs.registry.entry import Entry
from core.runs.registry.index import FILE, entries
from core.runs.store import RunFolder
from tests.builders import make_dataset, make_run


@pytest.fixture
def checkpoints(tmp_path):
    return tmp_path / "checkpoints"


@pytest.fixture
def run(checkpoints):
    return make_run(checkpoints, make_dataset(checkpoints / "datasets" / "tiny.h5").path)


@pytest.fixture
def reads(monkeypatch):
    """Names of the runs that were read from their own files."""
    seen, read = [], index.read
    monkeypatch.setattr(index, "read", lambda run: seen.append(run.name) or read(run))
    return seen


def forget(monkeypatch):
    """As a server that starts."""
    monkeypatch.setattr(index, "_held", {})


def test_a_row_says_what_the_run_says(run, checkpoints):
    (entry,), summary = entries(checkpoints), run.summary()
    assert (entry.name, entry.title, entry.state) == (run.name, labels.title_of(run), "succeeded")
    assert (entry.f1, entry.f1_low, entry.f1_high) == (summary["oof"]["f1"], *summary["oof"]["f1_interval"])
    own = [fold["f1"] for fold in summary["folds"]]
    mean = sum(own) / len(own)
    assert entry.fold_sd == pytest.approx((sum((f1 - mean) ** 2 for f1 in own) / (len(own) - 1)) ** 0.5)
    assert run.provenance()["dataset"]["content_hash"].startswith(entry.data) and entry.dataset == "tiny"
    assert entry.settings["train.epochs"] == 4 and "train.batch_size" in entry.settings
    assert Entry.from_dict(json.loads(json.dumps(entry.to_dict()))) == entry


def test_nothing_is_read_twice_and_a_new_server_reads_the_index(run, checkpoints, reads, monkeypatch):
    first = entries(checkpoints)
    assert entries(checkpoints) == first and reads == [run.name]
    forget(monkeypatch)
    assert entries(checkpoints) == first and reads == [run.name]


def test_a_label_a_state_and_a_result_are_seen_at_once(run, checkpoints):
    entries(checkpoints)
    labels.write_label(run, title="Mine", tags=("final",), starred=True)
    (entry,) = entries(checkpoints)
    assert (entry.title, entry.tags, entry.starred) == ("Mine", ("final",), True)
    summary = run.summary()
    summary["oof"]["f1"] = 0.123
    run.write_json("summary.json", summary)
    assert entries(checkpoints)[0].f1 == 0.123
    run.write_status(state="failed")
    (entry,) = entries(checkpoints)
    assert (entry.state, entry.f1) == ("failed", None)


def test_a_run_that_is_copied_here_is_there_at_once_and_a_deleted_one_is_not(run, checkpoints, tmp_path):
    entries(checkpoints)
    elsewhere = make_run(tmp_path / "other", make_dataset(tmp_path / "other" / "datasets" / "far.h5").path)
    shutil.copytree(elsewhere.path, checkpoints / elsewhere.name)
    assert {entry.name for entry in entries(checkpoints)} == {run.name, elsewhere.name}
    labels.delete(RunFolder(checkpoints / elsewhere.name))
    assert [entry.name for entry in entries(checkpoints)] == [run.name]
    labels.restore(checkpoints, elsewhere.name)
    assert len(entries(checkpoints)) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 0, "runs": []}', '{"format": "x", "runs": 3}', '{"runs": [[[], {}]]}']
)
def test_a_damaged_index_is_read_again_from_the_folders(run, checkpoints, text, monkeypatch):
    first = entries(checkpoints)
    (checkpoints / FILE).write_text(text)
    forget(monkeypatch)
    assert entries(checkpoints) == first
    assert json.loads((checkpoints / FILE).read_text())["runs"], "it is whole again"


def test_an_index_of_other_rows_does_not_hide_what_a_run_says(run, checkpoints, monkeypatch):
    """Somebody's index that names this run with another version of its files, or with strange keys."""
    entries(checkpoints)
    value = json.loads((checkpoints / FILE).read_text())
    value["runs"][0][0][0][1] += 1
    value["runs"][0][1]["f1"] = 0.999
    (checkpoints / FILE).write_text(json.dumps(value))
    forget(monkeypatch)
    assert entries(checkpoints)[0].f1 == run.summary()["oof"]["f1"]
    value["runs"][0][1]["strange"] = 1
    (checkpoints / FILE).write_text(json.dumps(value))
    forget(monkeypatch)
    assert entries(checkpoints)[0].f1 == run.summary()["oof"]["f1"]


def test_a_folder_that_cannot_be_written_to_is_listed_all_the_same(run, checkpoints, monkeypatch):
    def refused(path, text):
        raise OSError("read-only")

    monkeypatch.setattr(index.atomic, "write_text", refused)
    assert [entry.name for entry in entries(checkpoints)] == [run.name] and not (checkpoints / FILE).exists()


@pytest.mark.parametrize("name", ["config.json", "summary.json", "provenance.json", "job.json", "status.json"])
def test_a_damaged_run_has_a_row(run, checkpoints, name):
    (run.path / name).write_text("{")
    (entry,) = entries(checkpoints)
    assert entry.name == run.name and entry.title


def test_an_experiments_name_is_one_of_the_tags(run, checkpoints):
    run.write_json("job.json", {**run.job(), "experiment": "unfreeze-1a2b3c4d", "row": "top10"})
    labels.write_label(run, tags=("final", " final ", ""))
    (entry,) = entries(checkpoints)
    assert entry.all_tags == ("final", "unfreeze-1a2b3c4d")


def test_too_many_or_too_long_tags_are_refused(run):
    with pytest.raises(RunError, match="at most 40 characters"):
        labels.write_label(run, tags=("x" * 41,))
    with pytest.raises(RunError, match="at most 20 tags"):
        labels.write_label(run, tags=tuple(f"t{i}" for i in range(21)))


def entry(name, f1=0.8, recipe="", seed=0, preset="demo", **settings):
    paths = {path.replace("__", "."): value for path, value in settings.items()}
    return Entry(name, name, "succeeded", f1=f1, recipe=recipe, seed=seed, fold_seed=0, preset=preset, settings=paths)


def test_runs_differ_in_what_most_of_the_others_have_not():
    found = from_others([entry("a", train__epochs=5), entry("b", train__epochs=5), entry("c", train__epochs=9, seed=1)])
    assert found == [{}, {}, {"train.epochs": 9}]
    defaults = from_others([entry("a"), entry("b"), entry("c", smote__enabled=False)])
    assert defaults == [{}, {}, {"smote.enabled": False}] and in_words(defaults[2]) == "enabled off"
    alike = entry("a", train__epochs=5, device="cpu"), entry("b", train__epochs=5, device="cuda")
    assert from_others(alike) == [{}, {}], "where it was computed is no difference"


def test_a_run_differs_from_its_preset_by_what_was_set(run, checkpoints):
    (own,) = entries(checkpoints)
    assert from_preset(own) == {"folds.n_splits": 3, "train.epochs": 4}
    assert from_preset(entry("x", preset="nobody", train__epochs=7)) == {"train.epochs": 7}


def test_names_of_two_sections_keep_their_section():
    words = in_words({"train.seed": 1, "folds.seed": 2, "model.backbone": "resnet18", "a.b": None, "c.d": [1, 2]}, 4)
    assert words == "train.seed 1, folds.seed 2, backbone resnet18, b none, 1 more"


def test_the_spread_over_seeds_is_that_of_one_recipe():
    runs = [entry("a", 0.8, "r", 0), entry("b", 0.9, "r", 1), entry("c", 0.5, "q", 0), entry("d", 0.9, "r", 1)]
    spread = seed_spread(runs)
    assert set(spread) == {"a", "b", "d"} and spread["a"] == (2, pytest.approx(0.05 * 2**0.5))


def test_a_hundred_more_runs_cost_a_moment(run, checkpoints):
    """A thousand are measured in benchmarks/registry.py."""
    for i in range(100):
        shutil.copytree(
            run.path, checkpoints / f"2026{i:04d}-000000_copy_0000", ignore=shutil.ignore_patterns("fold_*")
        )
    assert len(entries(checkpoints)) == 101
    began = time.process_time()
    entries(checkpoints)
    assert time.process_time() - began < 0.2
