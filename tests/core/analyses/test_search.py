"""A search on a tiny dataset, really trained: broken off and resumed, asked for more, judged on what no trial saw."""

import os
import subprocess
import sys
from collections import Counter

import pytest
import torch

from core.analyses import search
from core.commands.experiments.search import lines
from core.data.folds import all_ids
from core.data.store import open_dataset
from core.errors import ConfigError, FoldError
from core.experiments.search.record import trials_of
from core.jobs.analysis_folder import create
from core.jobs.processes import ROOT
from core.progress import drain
from core.runs.results import ResultFolder
from core.runs.store import RunFolder, list_runs
from core.runs.targets import DatasetTarget
from tests.builders import TINY, make_tiny

SETTINGS = "; ".join(
    (*TINY, "train.epochs=1", "heads.head=fc", "smote.enabled=false", "train.select=last", "data.bands=red,green")
)
OPTIONS = {"preset": "demo", "settings": SETTINGS, "vary": "train.lr=log:0.001..0.1; augment.mix_prob=0..1",
           "metric": "auc", "trials": 6, "sampler": "pso"}  # fmt: skip


def started(home, checkpoints="ck", **options):
    return search.ANALYSIS.start(DatasetTarget(home / "tiny.h5", home / checkpoints), OPTIONS | options)


def without_clock(record):
    return [[{**one.to_dict(), "seconds": 0} for one in trials_of(part)] for part in record["parts"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A search of six trials in ``ck``."""
    home = tmp_path_factory.mktemp("search")
    make_tiny(home / "tiny.h5", n=72, side=16, signal=0.7)
    record = drain(started(home))
    assert "best AUC inside the search" in record["message"]
    return home


def read(home, checkpoints="ck", **options):
    return search.read(DatasetTarget(home / "tiny.h5", home / checkpoints), search.name_of(OPTIONS | options))


def test_each_trial_has_settings_scores_by_fold_and_an_end(home):
    record = read(home)
    (part,) = record["parts"]
    trials = trials_of(part)
    assert [one.number for one in trials] == list(range(7)) and trials[0].settings["train.lr"] == 0.003
    assert all(one.state in ("complete", "pruned") for one in trials)
    assert all(one.value == one.folds[-1] and len(one.folds) == 2 for one in trials if one.state == "complete")
    assert part["n_search"] + part["n_outer"] == 72 and part["n_outer"] == 18
    assert record["judgement"]["n"] == 18 and record["judgement"]["networks"] == 2
    inner = max(one.value for one in trials if one.value is not None)
    assert record["judgement"]["inner"] == pytest.approx(inner), "the score that it was chosen by"


def test_what_judges_the_winner_is_in_no_trial_and_no_group_is_on_both_sides(home):
    folder = DatasetTarget(home / "tiny.h5", home / "ck").results("search").part(search.name_of(OPTIONS)).path
    runs = [RunFolder(path) for path in sorted(folder.glob("part-0-*"))]
    outer = next(ResultFolder(run.path).table("outer") for run in runs if (run.path / "outer.parquet").exists())
    seen = {name for run in runs for name in all_ids(run.folds())}
    assert len(runs) >= 8 and len(seen) == 54 and not seen & set(outer["id"])
    data = open_dataset(home / "tiny.h5")
    group = dict(zip(data.ids.tolist(), data.groups.tolist(), strict=True))
    assert not {group[name] for name in seen} & {group[name] for name in outer["id"]}
    assert not list(folder.glob("part-*/fold_*")), "networks of trials are not kept"
    assert list_runs(home / "ck") == [], "a score that was chosen by is no run among the runs"


# A worker for each place named, which kills itself where a file whose path holds that is about to be put in its place;
# then one that is left alone. The libraries are loaded once.
KILLED = """
import os, signal, sys
from pathlib import Path
import core.pipeline, core.experiments.search.searching
from core.analyses import registry
from core.io import atomic
from core.jobs.analysis_folder import of_path
from core.workers import job_worker
folder, places = of_path(Path(sys.argv[1])), sys.argv[2:]
registry.analysis("search")
for place in (*places, None):
    child = os.fork()
    if not child:
        def watch(moment, path):
            if place is not None and moment == "replace" and place in path.as_posix():
                os.kill(os.getpid(), signal.SIGKILL)
        atomic.at_boundary = watch
        os._exit(job_worker.main(folder))
    print("worker", place, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
PLACES = ("trial-001/fold_1", "trial-003/fold_0", "judged-000/fold_0")


@pytest.mark.fault(1)
def test_a_worker_that_is_really_killed_three_times_leaves_a_search_that_ends_as_an_undisturbed_one(home):
    target = DatasetTarget(home / "tiny.h5", home / "dead")
    job = create(target, "search", search.ANALYSIS.options(OPTIONS).model_dump(mode="json"))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(job.path), *PLACES], capture_output=True, text=True, env=environment
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("worker ")]
    assert said == [*(f"worker {place} -9" for place in PLACES), "worker None 0"], done.stderr[-3000:]
    again, whole = read(home, "dead"), read(home)
    assert without_clock(again) == without_clock(whole) and again["judgement"] == whole["judgement"]
    ended = [event["trial"] for event in job.events()[0] if event["event"] == "trial"]
    assert ended == list(range(7)), "no trial ends twice"
    folder = target.results("search").part(again["name"]).path
    starts, epochs = Counter(), Counter()
    for path in folder.glob("part-0-*"):
        name = path.name.removeprefix("part-0-")
        for event in RunFolder(path).events()[0]:
            starts[name] += event["event"] == "started"
            if event["event"] == "epoch":
                epochs[f"{name}/fold_{event['fold']}", event["epoch"]] += 1
    assert {name: n for name, n in starts.items() if n > 1} == {place.partition("/")[0]: 2 for place in PLACES}
    assert len(epochs) >= 12 and {place for (place, _), n in epochs.items() if n > 1} <= set(PLACES), "nothing twice"
    assert not list(folder.glob("part-*/fold_*"))


def test_asked_for_more_it_goes_on_from_the_last_and_asked_again_it_does_nothing(home):
    before = without_clock(read(home))[0]
    record = drain(started(home, trials=7))
    assert without_clock(record)[0][:7] == before and len(record["parts"][0]["trials"]) == 8
    trained = [step.message for step in started(home, trials=7) if "epoch" in step.message]
    assert trained == []


def test_it_is_a_row_of_the_list_of_runs_and_lines_of_the_command(home):
    target = DatasetTarget(home / "tiny.h5", home / "ck")
    row = search.as_row(target, search.name_of(OPTIONS))
    assert row.word == "Search" and row.failed == 0 and row.rows >= 7 and row.auc is not None and row.f1 is None
    text = "\n".join(lines(read(home)))
    assert "as they are" in text and "best" in text and "outside" in text and "mix_prob" in text


def test_the_same_words_with_more_trials_are_the_same_search():
    assert search.name_of(OPTIONS) == search.name_of(OPTIONS | {"trials": 99})
    assert search.name_of(OPTIONS) != search.name_of(OPTIONS | {"seed": 1})
    assert search.ANALYSIS.options(OPTIONS).device == "cpu"


@pytest.mark.parametrize(
    "given, said",
    [
        ({"vary": "train.pace=1,2"}, "There is no setting"),
        ({"vary": "train.lr=log:0.1..7"}, "cannot be searched"),
        ({"settings": "train.epochs=none"}, "train.epochs"),
        ({"preset": "best"}, "There is no preset 'best'"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_waits(tmp_path, given, said):
    make_tiny(tmp_path / "tiny.h5", n=12)
    target = DatasetTarget(tmp_path / "tiny.h5", tmp_path)
    with pytest.raises(ConfigError, match=said):
        search.check(target, search.ANALYSIS.options(OPTIONS | given))
    search.check(target, search.ANALYSIS.options({}))


def test_too_little_to_judge_with_is_refused(tmp_path):
    make_tiny(tmp_path / "tiny.h5", n=24, side=16)
    with pytest.raises(FoldError, match="5 of each are needed"):
        drain(started(tmp_path))


@pytest.mark.slow
def test_nested_every_patch_judges_once(tmp_path):
    make_tiny(tmp_path / "tiny.h5", n=60, side=16)
    record = drain(started(tmp_path, judge="nested", outer_folds=2, trials=2, sampler="random"))
    assert len(record["parts"]) == 2 and record["judgement"]["n"] == 60 and len(record["judgement"]["best"]) == 2


@pytest.mark.slow
def test_on_noise_the_best_trial_looks_better_than_chance_and_its_judgement_does_not(tmp_path):
    """Random search over settings of labels that mean nothing: what is chosen by is too high, what judges is not."""
    make_tiny(tmp_path / "tiny.h5", n=90, side=16, signal=0.0)
    record = drain(started(tmp_path, trials=14, sampler="random", prune=False, share=0.34))
    judged = record["judgement"]
    assert judged["inner"] > 0.55, "the best of fifteen"
    assert judged["outer"]["lo"] < 0.5 < judged["outer"]["hi"]
    assert judged["inflation"]["value"] > 0
