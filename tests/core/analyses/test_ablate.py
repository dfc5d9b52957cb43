"""An experiment from the question to its table: rows are ordinary runs, and what is finished is kept."""

import os
import signal
import time

import pytest

from core.analyses import ablate
from core.errors import ConfigError, JobError, LandslideLensError
from core.experiments import running
from core.jobs import queue
from core.pipeline import train_run
from core.progress import drain
from core.runs.labels import title_of
from core.runs.store import create_run, list_runs
from core.runs.targets import DatasetTarget
from tests.builders import TINY, make_tiny

SETTINGS = (
    *TINY, "train.epochs=1", "embed.method=pca", "heads.svm_C=[0.1]", "heads.lgbm=false", "heads.logreg=false",
    "explain.enabled=false", "smote.n_syn=1", "heads.threshold=half",
)  # fmt: skip


def asking(vary="train.lr=0.003,0.01", *more):
    """Options of a grid on a tiny recipe."""
    settings = [*(item for item in SETTINGS if item.partition("=")[0] != vary.partition("=")[0]), *more]
    return {"kind": "grid", "preset": "demo", "vary": vary, "settings": "; ".join(settings)}


def target_in(home):
    path = make_tiny(home / "tiny.h5")
    return DatasetTarget(path, home / "ck")


def done(target, *asked):
    return drain(ablate.ANALYSIS.start(target, asking(*asked)))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    target = target_in(tmp_path_factory.mktemp("home"))
    target.checkpoints.mkdir()
    return target, done(target)


def test_rows_are_ordinary_runs_with_the_experiments_name(finished):
    target, table = finished
    runs = {run.name: run for run in list_runs(target.checkpoints)}
    assert [row["state"] for row in table["rows"]] == ["succeeded"] * 2 and len(runs) == 2
    for row in table["rows"]:
        run = runs[row["runs"][0]]
        assert run.status()["state"] == "succeeded" and run.config().train.lr in (0.003, 0.01)
        assert run.job()["experiment"] == table["experiment"] and title_of(run) == f"{row['title']} (grid)"
        assert row["oof"]["f1"] == pytest.approx(run.summary()["oof"]["f1"])
        assert row["train"]["f1"] is not None and row["minutes"] > 0
        assert row["parameters"] == row["opened"] > 1000
    assert sorted(ablate.runs_of(target, table["experiment"])) == sorted(runs)
    assert all(one.state == "succeeded" for one in queue.jobs(target.checkpoints) if not one.analysis)


def test_the_second_row_says_how_it_differs_and_the_page_reads_the_same(finished):
    target, table = finished
    assert "difference" not in table["rows"][0] and table["baseline"] == table["rows"][0]["name"]
    assert set(table["rows"][1]["difference"]["f1"]) >= {"difference", "lo", "hi", "p", "p_holm", "settled"}
    read = ablate.read(target, table["experiment"])
    assert read["rows"] == table["rows"] and table["experiment"] in ablate.names(target)
    assert ablate.read(target, "grid-elsewhere") is None


def test_seeds_train_each_row_again_and_a_difference_must_outlast_them(finished):
    target, table = finished
    seeded = drain(ablate.ANALYSIS.start(target, asking() | {"seeds": 2}))
    for one, row in zip(table["rows"], seeded["rows"], strict=True):
        assert row["runs"][0] == one["runs"][0] and len(row["runs"]) == 2  # the first training is there already
        spread = row["oof"]["f1_seeds"]
        assert row["oof"]["f1"] == pytest.approx(sum(spread["values"]) / 2)
        assert spread["values"][0] == pytest.approx(one["oof"]["f1"])
    assert seeded["rows"][1]["difference"]["auc"]["over"] == "patches and trainings"


def test_asked_again_nothing_is_trained_and_a_wider_grid_trains_what_is_missing(finished, monkeypatch):
    target, table = finished
    trained = []
    monkeypatch.setattr(running, "train_here", lambda run, *_: trained.append(run.config().train.lr) or iter(()))
    assert done(target)["rows"] == table["rows"] and trained == []
    with pytest.raises(LandslideLensError):  # the third row's run is empty: nothing was trained here
        done(target, "train.lr=0.02,0.03")
    assert trained == [0.02, 0.03]


def test_patches_are_read_once_for_all_rows(finished, monkeypatch):
    from core.data.store.dataset import Dataset

    target, _ = finished
    reads, images = [], Dataset.images
    monkeypatch.setattr(Dataset, "images", lambda self, *a, **k: reads.append(1) or images(self, *a, **k))
    done(target, "train.weight_decay=0.1,0.2,0.3")
    assert len(reads) < 6, f"{len(reads)} reads for three rows"


def test_rows_with_one_frozen_backbone_compute_its_features_once_and_end_as_by_themselves(tmp_path, monkeypatch):
    from core.train.networks.network import Network

    target, read, inner = target_in(tmp_path), [], Network.embed_with_map
    target.checkpoints.mkdir()
    monkeypatch.setattr(Network, "embed_with_map", lambda self, x, *a: read.append(len(x)) or inner(self, x, *a))
    frozen = ("train.trainable=head", "train.frozen_views=2", "train.tta=true")
    table = done(target, "train.lr=0.003,0.01", *frozen)
    assert [row["state"] for row in table["rows"]] == ["succeeded"] * 2
    both = sum(read)
    second = next(run for run in list_runs(target.checkpoints) if run.config().train.lr == 0.01)
    alone = create_run(tmp_path / "alone", second.config(), target.path, "alone")
    read.clear()
    drain(train_run(alone))
    assert both == sum(read) > 100, f"{both} patches read for two rows, {sum(read)} for one"
    files = [
        path.relative_to(alone.path) for path in alone.path.rglob("*") if path.suffix in (".safetensors", ".parquet")
    ]
    assert len(files) > 8
    for name in files:
        if name.name != "history.parquet":  # it has the seconds
            assert (alone.path / name).read_bytes() == (second.path / name).read_bytes(), name


def test_a_row_that_cannot_be_trained_says_why_and_the_others_go_on(tmp_path):
    target = target_in(tmp_path)
    target.checkpoints.mkdir()
    table = done(target, "folds.n_splits=20,2")
    assert [row["state"] for row in table["rows"]] == ["failed", "succeeded"]
    assert "folds" in table["rows"][0]["reason"] and "Not trained: n_splits 20." in table["message"]
    failed = [run for run in list_runs(target.checkpoints) if run.status()["state"] == "failed"]
    assert [run.config().folds.n_splits for run in failed] == [20]


def test_what_cannot_be_asked_is_refused_before_it_waits(finished):
    target, _ = finished
    with pytest.raises(ConfigError, match="would be the same run"):
        ablate.check(target, ablate.AblateOptions(**asking("train.lr=0.1,0.10")))
    with pytest.raises(ConfigError, match="There is no experiment 'tabel2'"):
        ablate.ANALYSIS.options({"kind": "tabel2"})
    assert ablate.AblateOptions(**asking()).device == "cpu" and ablate.AblateOptions(kind="grid").device == "auto"


@pytest.mark.slow
def test_a_killed_experiment_goes_on_with_the_row_that_was_broken_off(tmp_path):
    target = target_in(tmp_path)
    target.checkpoints.mkdir()
    options = ablate.ANALYSIS.options(asking("train.lr=0.003,0.01", "train.epochs=6"))
    job = queue.submit_analysis(target, "ablate", options.model_dump())
    until(lambda: len(list_runs(target.checkpoints)) == 2 and _epochs(_running(target)))
    row = _running(target)
    assert queue.job(target.checkpoints, row.name).state == "running"
    with pytest.raises(JobError, match="row of an experiment that is running. Cancel the experiment"):
        queue.cancel(target.checkpoints, row.name)
    os.killpg(job.status()["pid"], signal.SIGKILL)
    until(lambda: queue.job(target.checkpoints, job.name).state == "interrupted")
    states = {one.name: one.state for one in queue.jobs(target.checkpoints)}
    assert sorted(states.values()) == ["interrupted", "interrupted", "succeeded"]
    table = drain(ablate.ANALYSIS.start(target, options.model_dump()))
    assert [row["state"] for row in table["rows"]] == ["succeeded"] * 2 and len(list_runs(target.checkpoints)) == 2
    assert any(event["event"] == "resumed" for event in row.events()[0])


@pytest.mark.slow
def test_a_cancelled_experiment_keeps_its_finished_rows(tmp_path):
    target = target_in(tmp_path)
    target.checkpoints.mkdir()
    job = queue.submit_analysis(target, "ablate", asking("train.lr=0.003,0.01", "train.epochs=40"))
    until(lambda: len(list_runs(target.checkpoints)) == 1 and _epochs(list_runs(target.checkpoints)[0]))
    queue.cancel(target.checkpoints, job.name)
    assert job.status()["state"] == "cancelled"
    assert list_runs(target.checkpoints)[0].status()["state"] == "cancelled"
    name = ablate.name_of(job.options())
    assert {row["state"] for row in ablate.read(target, name)["rows"]} == {"waiting"}


def _running(target):
    return next((run for run in list_runs(target.checkpoints) if run.status()["state"] == "running"), None)


def _epochs(run):
    return run is not None and any(event["event"] == "epoch" for event in run.events()[0])


def until(holds, seconds=240):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
