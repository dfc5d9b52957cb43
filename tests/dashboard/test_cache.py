"""Files are read once, until that very file changes."""

import numpy as np
import pytest

from core.analyses.bands import importance
from core.errors import RunError
from core.jobs.analysis_folder import create
from dashboard import cache
from tests.builders import make_dataset, make_run


@pytest.fixture
def run(tmp_path):
    return cache.run(make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path).path)


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that are really read."""
    names = []
    for kind in ("read_json", "read_table", "read_arrays"):
        real = getattr(cache, kind)
        monkeypatch.setattr(cache, kind, lambda path, real=real: names.append(path.name) or real(path))
    return names


def read_all(run):
    return run.oof(), run.summary(), run.cams(), run.history(), run.umap(0), importance.read(run)


def test_a_running_analysis_makes_no_cached_reading_miss(run, reads):
    """Its status, events and log are rewritten four times a second beside the files that pages show."""
    read_all(run)
    assert {"oof.parquet", "summary.json", "maps.safetensors", "history.parquet", "umap.safetensors"} <= set(reads)
    reads.clear()
    job = create(run, "band_importance")
    for step in range(3):
        job.write_status(state="running", progress=step / 3)
        job.add_event("step", number=step)
        (job.path / "log.txt").write_text("a line\n" * step)
        run.write_status(seen=step)
        read_all(run)
    assert reads == []


@pytest.mark.fault(32)
def test_a_file_that_changes_is_read_again_and_no_other(run, reads):
    before = run.oof()
    run.summary()
    reads.clear()
    run.write_oof(before.assign(label=1 - before["label"]))
    assert (run.oof()["label"] == 1 - before["label"]).all()
    run.summary()
    assert reads == ["oof.parquet"]


def test_what_is_not_there_is_a_sentence_and_is_seen_when_it_comes(run):
    table = run.leaks
    assert table() is None
    with pytest.raises(RunError, match=r"heads has no rows\.json"):
        run.results("heads").json("rows.json")
    run.results("heads").write_json("rows.json", [1])
    assert run.results("heads").json("rows.json") == [1]


@pytest.mark.fault(32)
def test_a_table_is_a_copy_and_arrays_are_shared(run):
    first = run.oof()
    first["label"] = 7
    assert not (run.oof()["label"] == 7).any()
    assert np.shares_memory(run.cams()[1], run.cams()[1])


def test_a_dataset_is_opened_once(run):
    path = run.dataset_path()
    assert cache.dataset(path) is cache.dataset(path)
