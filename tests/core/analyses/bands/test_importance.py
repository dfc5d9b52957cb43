"""Occlusion and the drill over a whole tiny run with optical and radar bands: what is kept, printed and refused."""

import numpy as np
import pandas as pd
import pytest

from core.analyses.bands.importance import OcclusionOptions, occlude_patch, study_occlusion
from core.analyses.bands.robustness import RobustnessOptions, run_robustness
from core.analyses.bands.robustness_retrained import against_retrained, flipped
from core.config import RunConfig
from core.data.bands import bands_named
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError, RunError
from core.explain.bands.tables import band_table, band_table_by, group_table, groups_by_id
from core.pipeline import train_run
from core.runs.store import create_run
from tests.builders import TINY
from tests.command_line import core, core_json

BANDS = ("red", "nir", "desc_vv", "desc_dvv", "asc_vv")
ONLY = "desc_dvv"  # the band that alone carries the signal


def make_dataset(path, n=48, side=32):
    rng = np.random.default_rng(0)
    labels = (np.arange(n) % 3 == 0).astype(np.int8)
    images = rng.normal(size=(n, len(BANDS), side, side)).astype(np.float32)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, side - 12, size=2)
        images[i, BANDS.index(ONLY), y : y + 12, x : x + 12] += 6
    images = images * np.array([300, 300, 2, 2, 2], np.float32)[:, None, None]
    images += np.array([1500, 3000, -10, 1, -12], np.float32)[:, None, None]
    writer = DatasetWriter(
        path, bands=bands_named(BANDS), shape_hw=(side, side), class_names=("other", "landslide"), source="made"
    )
    with writer:
        writer.append(images, labels, [f"p{i:03d}" for i in range(n)], groups=[f"g{i // 3}" for i in range(n)])
        return writer.finish().path


def trained(home, dataset, name, *settings):
    settings = [*TINY, "embed.method=pca", "train.epochs=10", "heads.svm_C=[0.1]", *settings]
    folder = create_run(home, RunConfig().with_overrides(settings), dataset, name)
    for _ in train_run(folder):
        pass
    folder.write_status(state="succeeded")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("bands")


@pytest.fixture(scope="module")
def run(home):
    return trained(home, make_dataset(home / "five.h5"), "whole")


@pytest.fixture(scope="module")
def study(run):
    assert run.band_study() is None and run.window_drops() is None
    steps = list(study_occlusion(run, OcclusionOptions(patches="all", spatial=4, window=8)))
    return steps, *run.band_study()


@pytest.fixture(scope="module")
def drill(run):
    assert run.drill() is None
    return list(run_robustness(run, RobustnessOptions(coverages=(0.5,)))), *run.drill()


def test_a_run_keeps_the_shares_of_groups_of_its_landslides(run):
    table = pd.read_parquet(run.path / "band_groups.parquet")
    assert set(table["baseline"]) == {"mean"} and (table["label"] == 1).all()
    assert list(dict.fromkeys(table["group"])) == ["optical", "descending post", "descending change", "ascending post"]
    by = table.groupby(["id", "head"])
    total = by["p0"].first() - by["p_none"].first()
    assert (by["shapley"].sum() - total).abs().max() < 1e-5
    assert table["id"].nunique() == 16


def test_the_study_has_every_replacement_and_agrees_with_the_run(run, study):
    _, tables, report = study
    assert set(tables["bands"]["baseline"]) == {"mean", "zero_raw", "shuffle", "swap"}
    assert report["same"] == ["zero"]  # after standardisation 0 is the mean
    assert report["n_subsets"] == 16 and report["n"] == 48
    keys = ["id", "head", "baseline", "band"]
    both = run.occlusion().merge(tables["bands"], on=keys, suffixes=("", "_study"))
    assert len(both) == 48 * 5 * 2 * 2  # patches, bands, heads, and the replacements that the run itself has
    np.testing.assert_allclose(both["p_b"], both["p_b_study"], atol=1e-5)
    oof = run.oof().set_index("id")
    head = run.summary()["head"]
    mine = tables["bands"].query("head == @head").drop_duplicates("id").set_index("id")["p0"]
    np.testing.assert_allclose(mine, oof.loc[mine.index, f"prob_{head}"], atol=1e-5)  # out of fold, as judged


def test_the_only_band_with_signal_is_first_under_every_replacement(run, study):
    _, tables, report = study
    groups = groups_by_id(run.oof())
    for baseline in ("mean", "zero_raw", "shuffle", "swap"):
        found = band_table(tables["bands"], report["head"], baseline, groups).set_index("band")
        assert found["first"].idxmax() == ONLY, baseline
    shares = group_table(tables["groups"], report["head"], "mean", groups).set_index("group")
    assert shares["shapley"].idxmax() == "descending change"
    by = band_table_by(tables["bands"], report["head"], "mean", {"p000": "one", "p003": "one", "p001": "other"})
    assert by.groupby("part")["n"].first().to_dict() == {"one": 2, "other": 1}


def test_windows_are_kept_with_their_patches(run, study):
    index, drops = run.window_drops()
    assert len(index) == len(drops) == 4 and drops.shape[1:] == (4, 4)
    assert index["row"].tolist() == [0, 1, 2, 3] and np.isfinite(drops).all()


def test_progress_is_told_and_ends_with_the_verdict(study, drill):
    for steps, report in ((study[0], study[2]), (drill[0], drill[2])):
        assert all(0 <= a.progress <= b.progress <= 1 for a, b in zip(steps, steps[1:], strict=False))
        assert steps[-1].stage == "done" and steps[-1].message
        assert report["seconds"] > 0
    assert drill[0][-1].message == drill[2]["sentence"]


def test_one_patch_is_answered_as_the_study_answered(run, study):
    _, tables, report = study
    found = occlude_patch(run, "p003", OcclusionOptions(baselines=("mean", "swap"), spatial=1, window=8))
    mine = tables["bands"].query("id == 'p003' and baseline == 'mean' and head == @report['head']")
    own = found.bands[found.bands["baseline"] == "mean"]
    np.testing.assert_allclose(own["p_b"], mine["p_b"], atol=1e-5)
    assert found.cells.shape == (32, 32) and found.drops.shape == (4, 4) and len(found.groups) == 2 * 4
    with pytest.raises(RunError, match="has not judged a patch named 'x'"):
        occlude_patch(run, "x")


def test_intact_is_the_runs_own_score_and_losing_the_band_costs_it(run, drill):
    _, table, report = drill
    rows = {(row["scenario"], row["policy"]): row for row in report["rows"]}
    oof, head = run.oof().set_index("id"), run.summary()["head"]
    intact = table[table["scenario"] == "intact"].set_index("id")
    np.testing.assert_allclose(intact["prob"], oof.loc[intact.index, f"prob_{head}"], atol=1e-5)
    assert rows["intact", "as_is"]["f1"] == pytest.approx(run.summary()["oof"]["f1"])
    assert rows["intact", "as_is"]["n_flipped"] == 0 and rows["intact", "as_is"]["difference"] == 0
    assert rows["descending_lost", "mean"]["f1"] < rows["intact", "as_is"]["f1"]
    for key, row in rows.items():
        assert row["n_flipped"] == row["n_missed"] + row["n_found"] + row["n_alarms"] + row["n_cleared"]
        assert len(flipped(table, *key)) == row["n_flipped"]
    lost = flipped(table, "descending_lost", "mean")
    assert (lost["pred"] != lost["pred_after"]).all() and set(lost["change"]) <= {
        "missed", "found", "new alarm", "alarm gone",
    }  # fmt: skip
    assert {row["scenario"] for row in report["retrained"]} == {
        "optical_lost", "sar_lost", "descending_lost", "ascending_lost",
    }  # fmt: skip


def test_a_run_trained_on_the_rest_is_paired_by_id(home, run, drill):
    other = trained(home, home / "five.h5", "sar", "data.bands=sar", "train.epochs=1")
    found = against_retrained(run, other, "optical_lost")
    assert found["n"] == 48 and found["retrained"] == pytest.approx(other.summary()["oof"]["f1"])
    assert found["intact"] == pytest.approx(run.summary()["oof"]["f1"])
    for row in found["rows"]:
        assert row["difference"] == pytest.approx(found["retrained"] - row["f1"])
        assert row["within"] == (row["lo"] <= 0 <= row["hi"])
    with pytest.raises(ConfigError, match="data.bands=red,nir,asc_vv"):
        against_retrained(run, other, "descending_lost")
    with pytest.raises(RunError, match="has not been drilled"):
        against_retrained(other, run, "optical_lost")


def test_the_command_prints_what_is_there(home, run, study, drill):
    asked = ("explain", run.name, "--checkpoints", home)
    text, value = core(*asked).stdout, core_json(*asked)
    assert {row["group"] for row in value["band_groups"]} == {group["name"] for group in study[2]["groups"]}
    assert value["band_verdict"]["fc"]["question"] == "SAR matters more than optical?"
    assert value["drill"]["sentence"] in text and "share of the drop" in text


def test_what_cannot_be_done_is_said(run):
    with pytest.raises(ConfigError, match="cannot be replaced by 'noise'"):
        next(study_occlusion(run, OcclusionOptions(baselines=("noise",))))
    with pytest.raises(ConfigError, match="allow no scenario 'flood'"):
        next(run_robustness(run, RobustnessOptions(names=("flood",))))
    with pytest.raises(ConfigError, match="names no patches"):
        next(study_occlusion(run, OcclusionOptions(patches="some")))


def test_a_changed_dataset_or_an_unfinished_run_is_refused(home, run, tmp_path):
    run.write_status(state="running")
    try:
        with pytest.raises(RunError, match="has not finished"):
            next(run_robustness(run))
    finally:
        run.write_status(state="succeeded")
    assert open_dataset(run.job()["dataset"]).content_hash == run.provenance()["dataset"]["content_hash"]
