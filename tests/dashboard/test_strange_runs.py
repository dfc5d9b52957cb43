"""Pages on a run folder that somebody damaged or made up: a sentence, never a traceback, and no other run is lost."""

from __future__ import annotations

import json
import random

import pytest

from tests.faults.mutations import INSTEAD, STRANGE, Mutation, mutated

PAGES = (
    "overview",
    "runs",
    "train",
    "balance",
    "results",
    "review",
    "embedding",
    "explain",
    "predict",
    "report",
    "tour",
)
CHANGED = (
    ("status.json", Mutation("json value", (0.0,), 3)),
    ("status.json", Mutation("folder")),
    ("config.json", Mutation("link to a device")),
    ("job.json", Mutation("json value", (0.0,), "/dev/zero")),
    ("summary.json", Mutation("json delete", (0.4,))),
    ("oof.parquet", Mutation("cut", (0.6,))),
    ("log.txt", Mutation("pipe")),
)


@pytest.fixture
def strange(studio):
    """The folder of a finished run, the one that pages open; beside it is another one that is fine."""
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    studio.add_run(studio.add_dataset("second"), "failed")
    (run.path / "log.txt").write_text("Trained.\n")
    return run.path


def _hold(open_page, page, run, path, mutation, others):
    with mutated(path, mutation, others):
        at = open_page(page, run=run.name)
        assert not at.exception, f"{page}: {path.name} {mutation}: {at.exception[0].message}"
        assert at.title


@pytest.mark.parametrize(("file", "mutation"), CHANGED, ids=[f"{file} {m.how}" for file, m in CHANGED])
def test_the_list_of_runs_survives_any_of_them(strange, open_page, file, mutation):
    _hold(open_page, "overview", strange, strange / file, mutation, [strange / "oof.parquet"])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_page_survives_what_is_done_to_a_file(strange, open_page, page):
    rng = random.Random(page)
    files = sorted(path for path in strange.rglob("*") if path.is_file())
    for _ in range(12):
        path = rng.choice(files)
        where = (rng.random(), rng.random())
        if path.suffix == ".json" and rng.random() < 0.7:
            mutation = Mutation(rng.choice(["json value", "json delete", "json swap"]), where, rng.choice(STRANGE))
        else:
            mutation = Mutation(rng.choice([*INSTEAD, "cut", "double"]), where)
        _hold(open_page, page, strange, path, mutation, files)
    assert json.loads((strange / "status.json").read_text())
