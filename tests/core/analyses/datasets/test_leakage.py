import numpy as np
import pandas as pd
import pytest

from core.analyses.datasets import inflation, leakage, split_pairs
from core.analyses.datasets.state import is_current
from core.config import FoldsConfig, RunConfig
from core.data.bands import RGB_BANDS
from core.data.exclusions import add
from core.data.leakage.split_audit import COLUMNS, leaks_of
from core.data.store import DatasetWriter
from core.errors import DataError, FoldError
from core.flow.run_context import prepare
from core.progress import drain
from core.runs.store import create_run
from core.runs.targets import DatasetTarget
from tests.command_line import core, core_error, core_json

pytestmark = pytest.mark.usefixtures("jobs_here")

SIDE = 24


def made(path, copies=4, places=40, signal=0.6, groups=False, split=None, seed=0):
    """Textures of ``places``, each seen ``copies`` times with little noise; the label is hardly visible."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(places), copies)
    labels = rng.permutation(places)[place] % 2
    ground = rng.normal(size=(places, 3, SIDE, SIDE)) + rng.normal(0, 1, size=(places, 3, 1, 1))
    ground[:, 0] += signal * (labels[::copies] * 2 - 1)[:, None, None]
    images = (ground[place] + 0.02 * rng.normal(size=(len(place), 3, SIDE, SIDE))).astype(np.float32)
    with DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(SIDE, SIDE), class_names=("a", "b"), source=""
    ) as writer:  # fmt: skip
        names = [f"g{k}" for k in place] if groups else None
        writer.append(100 + 10 * images, labels, [f"p{k:03d}" for k in range(len(place))], names, split=split)
        return writer.finish()


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """40 places, each four times, in no groups: any split that ignores places divides them."""
    split = np.tile(["train", "train", "train", "test"], 40)
    return made(tmp_path_factory.mktemp("leaking") / "x.h5", split=split)


def test_a_planted_leak_inflates_the_score_and_the_interval_says_so(leaking):
    pairs = drain(leaks_of(leaking)).pairs
    found = {(one.head, one.metric): one for one in drain(inflation.inflation(leaking, pairs))}
    assert {head for head, _ in found} == set(inflation.PROBES) and {metric for _, metric in found} == {"f1", "auc"}
    nearest = found["stats_nearest", "f1"]
    assert nearest.leaking > 0.95 and nearest.difference > 0.2 and nearest.lo > 0.0
    for one in found.values():
        assert one.difference == pytest.approx(one.leaking - one.honest) and one.lo <= one.difference <= one.hi
        assert (one.n, one.n_groups) == (160, 40)


def test_without_a_leak_the_interval_holds_zero(tmp_path):
    data = made(tmp_path / "x.h5", copies=1, places=160, signal=0.6)
    with pytest.raises(DataError, match="nothing that folds could keep together"):
        drain(inflation.inflation(data, drain(leaks_of(data)).pairs))
    pairs = pd.DataFrame([{"a": "p000", "b": "p001", "kind": "near"}], columns=list(COLUMNS))
    for one in drain(inflation.inflation(data, pairs)):
        assert one.lo <= 0.0 <= one.hi, one


def test_pairs_are_counted_by_what_divides_them(leaking):
    pairs = drain(leaks_of(leaking)).pairs
    divided = split_pairs.split_pairs(leaking, pairs, FoldsConfig())
    assert set(divided) == {"split", "ungrouped_folds", "folds"}
    assert len(divided["split"]) >= 40 and len(divided["ungrouped_folds"]) > 100 and divided["folds"].empty


def run_of(tmp_path, data, *settings):
    return create_run(tmp_path, RunConfig().with_overrides(["device=cpu", *settings]), data.path, "spec")


def test_a_run_keeps_the_same_ground_in_one_fold(tmp_path, leaking):
    run = run_of(tmp_path, leaking, "folds.use_split=false")
    plan = prepare(run)
    place = np.arange(160) // 4
    assert all(len(set(plan.fold_of[place == k])) == 1 for k in range(40))
    assert "lay in different groups; the groups were joined" in plan.notes[0]
    assert len(run.leaks()) >= 120 and set(run.leaks()["kind"]) == {"near"}
    again = prepare(run)
    np.testing.assert_array_equal(plan.fold_of, again.fold_of)


def test_a_run_is_refused_or_left_apart_where_asked(tmp_path, leaking):
    with pytest.raises(FoldError, match="would lie in different folds"):
        prepare(run_of(tmp_path, leaking, "folds.on_leak=refuse"))
    for setting in ("folds.on_leak=ignore", "folds.grouped=false"):
        plan = prepare(run_of(tmp_path, leaking, setting, "folds.use_split=false"))
        assert len(set(plan.fold_of[:4])) > 1 or len(set(plan.fold_of[4:8])) > 1


def test_parents_in_the_fold_that_judges_are_named(tmp_path, leaking):
    run = run_of(tmp_path, leaking)
    run.write_oof(pd.DataFrame({"id": ["p000", "p001", "p004", "p008"], "fold": [0, 0, 1, 1], "label": 1, "group": ""}))
    row = {"fold": 0, "anchor_weight": 0.5, "ssim": 0.9, "seed": 0}
    lineage = [
        {**row, "synthetic": "inside", "anchor": "p004", "neighbour": "p008"},
        {**row, "synthetic": "torn", "anchor": "p000", "neighbour": "p004"},
        {**row, "synthetic": "alike", "anchor": "p002", "neighbour": "p004"},
    ]
    run.write_smote(0, pd.DataFrame(lineage))
    pairs = pd.DataFrame([{"a": "p001", "b": "p002", "kind": "shifted"}], columns=list(COLUMNS))
    found = split_pairs.lineage_leaks(run, pairs)
    assert found[["synthetic", "parent", "judged", "why"]].to_numpy().tolist() == [
        ["torn", "p000", "p000", "itself"], ["alike", "p002", "p001", "shifted"],
    ]  # fmt: skip


def oof_of(run, pred, labels):
    table = {"id": [f"p{k:03d}" for k in range(len(labels))], "label": labels, "fold": 0, "group": None}
    run.write_oof(pd.DataFrame(table | {"pred_fc": pred, "prob_fc": 0.2 + 0.6 * pred}))
    run.write_json("summary.json", {"head": "fc"})


def test_two_runs_are_compared_on_the_patches_both_judged(tmp_path, leaking):
    labels = np.tile([0, 1], 60)
    worse = np.where(np.arange(120) % 5 == 0, 1 - labels, labels)
    runs = [run_of(tmp_path, leaking), run_of(tmp_path, leaking)]
    oof_of(runs[0], labels, labels)
    oof_of(runs[1], worse, labels)
    f1 = next(one for one in inflation.inflation_of_runs(*runs) if one.metric == "f1")
    assert f1.leaking == 1.0 and f1.honest == pytest.approx(0.8) and f1.lo > 0.05 and f1.n == 120


def test_the_command_prints_one_json_object(tmp_path, leaking):
    value = core_json("audit", "splits", leaking.path, "--checkpoints", tmp_path)
    assert value["n"] == 160 and value["by_kind"] == {"near": value["n_pairs"]} and value["torn_apart"]["split"] >= 40
    assert value["pairs"][0]["kind"] == "near" and {one["head"] for one in value["inflation"]} == set(inflation.PROBES)
    said = core("audit", "splits", leaking.path, "--no-scores", "--checkpoints", tmp_path).stdout
    assert "Pairs divided by the source's split" in said


def test_a_run_to_compare_with_needs_another(tmp_path, leaking):
    said = core_error("audit", "splits", leaking.path, "--leaking-run", "x", "--checkpoints", tmp_path)
    assert "Name both" in said and not (tmp_path / "queue.sqlite").exists()
    assert "no-such" in core_error("audit", "splits", leaking.path, "--run", "no-such", "--checkpoints", tmp_path)


def test_the_result_says_what_it_was_asked_and_of_which_state(tmp_path, leaking):
    target = DatasetTarget(leaking.path, tmp_path)
    assert leakage.read(target) is None
    result = drain(leakage.ANALYSIS.start(target, {"scores": False, "n_splits": 3}))
    found = leakage.read(target)
    assert result["n_pairs"] == len(found.pairs) >= 120 and found.scores.empty
    assert found.report["options"]["n_splits"] == 3 and is_current(found.report, leaking)
    pd.testing.assert_frame_equal(found.pairs, drain(leaks_of(leaking)).pairs)
    drain(leakage.ANALYSIS.start(target))
    scores = leakage.read(target).scores
    assert set(scores["head"]) == set(inflation.PROBES) and scores["difference"].dtype == float


def test_a_dataset_with_nothing_to_keep_together_says_so(tmp_path):
    data = made(tmp_path / "x.h5", copies=1, places=30)
    target = DatasetTarget(data.path, tmp_path)
    drain(leakage.ANALYSIS.start(target))
    assert "nothing that folds could keep together" in leakage.read(target).report["inflation_note"]


def test_check_prints_every_patch_concerned(tmp_path, leaking):
    value = core_json("check", leaking.path, "--checkpoints", tmp_path)
    row = next(row for row in value["rows"] if row["what"] == "Patches are nearly identical")
    assert value["ok"] and len(row["ids"]) == 160 and len(row["pairs"]) >= 120 and ["p000", "p001"] in row["pairs"]


def test_excluded_patches_are_in_no_fold(tmp_path):
    from core.data.exclusions import without_excluded

    data = made(tmp_path / "x.h5", copies=1, places=60)
    add(data.path, ["p003", "p010"], "looked at")
    config, note = without_excluded(RunConfig().with_overrides(["device=cpu"]), data)
    plan = prepare(create_run(tmp_path, config, data.path, "spec"))
    assert plan.fold_of[[3, 10]].tolist() == [-1, -1] and (plan.fold_of >= 0).sum() == 58
    assert "2 patches of x.exclude.csv are left out." in note
