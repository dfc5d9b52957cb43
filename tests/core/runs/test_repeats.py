"""Trainings of one recipe: other seeds on the same folds, found among runs, nothing else taken for one."""

import json

import numpy as np
import pytest

from core.config import preset
from core.runs.repeats import recipe_of, repeated, repeats_of, spread
from core.runs.store import RunFolder

BASE = preset("demo")


def made(path, config, content="abc", state="succeeded", f1=0.8):
    path.mkdir()
    run = RunFolder(path)
    run.write_text("config.json", config.to_json())
    run.write_json("provenance.json", {"dataset": {"content_hash": content}})
    run.write_json("summary.json", {"head": "fc", "heads": {"fc": {"f1": f1, "auc": 0.9}}})
    run.write_status(state=state)
    return run


def test_repeats_have_other_weights_on_the_same_folds():
    configs = repeated(BASE, 3)
    assert configs[0] == BASE and [one.seed for one in configs] == [0, 1, 2]
    assert [one.fold_seed for one in configs] == [0, 0, 0] and len({one.hash() for one in configs}) == 3
    assert [one.fold_seed for one in repeated(BASE, 3, new_folds=True)] == [0, 1, 2]
    own = BASE.with_overrides(["folds.seed=7"])
    assert [one.fold_seed for one in repeated(own, 2)] == [7, 7]


def test_the_finished_runs_of_a_recipe_are_found_and_no_others(tmp_path):
    first, second, third = repeated(BASE, 3)
    run = made(tmp_path / "a", first)
    others = [
        made(tmp_path / "b", second),
        made(tmp_path / "c", third, state="failed"),
        made(tmp_path / "d", second),  # the same training once more
        made(tmp_path / "e", third, content="other data"),
        made(tmp_path / "f", BASE.with_overrides(["train.epochs=3", "seed=5"])),
        made(tmp_path / "g", third.with_overrides(["device=cpu"])),
    ]
    broken = made(tmp_path / "h", third)
    broken.write_text("config.json", "{")
    found = repeats_of(run, [run, *others, broken])
    assert [one.name for one in found] == ["a", "b", "g"] and recipe_of(run) == recipe_of(found[1])


def test_the_spread_is_that_of_the_headline(tmp_path):
    runs = [made(tmp_path / name, BASE, f1=f1) for name, f1 in (("a", 0.8), ("b", 0.84), ("c", 0.82))]
    found = spread(runs)
    assert found["n"] == 3 and found["f1"]["mean"] == pytest.approx(0.82)
    assert found["f1"]["sd"] == pytest.approx(0.02) and found["auc"]["sd"] == pytest.approx(0)
    assert np.isnan(spread(runs[:1])["f1"]["sd"]) and json.dumps(found)
