"""The whole way through on chosen bands: stacks, subsets, patches left out, every normalisation."""

import dataclasses
import json

import numpy as np
import pytest

from core.commands.train import report
from core.config import RunConfig, preset
from core.data.bands import ZINDI_BANDS, bands_named, subsets_of
from core.data.normalise import METHODS
from core.data.stacks import manifest
from core.data.store import open_dataset
from core.errors import ConfigError, FormatError, TrainingError
from core.flow.run_context import check_memory
from core.pipeline import train_run
from core.predict.patches import answer
from core.predict.sources import batches_of
from core.runs.store import create_run
from tests.builders import TINY, returned, write_demo

QUICK = (
    *TINY, "train.epochs=1", "embed.method=pca", "heads.svm_C=[0.1]", "heads.head=svm_c0.1", "heads.lgbm=false",
    "heads.logreg=false",
)  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo") / "demo.h5", n=60)


def trained(folder, dataset, *settings):
    run = create_run(folder, preset("demo").with_overrides([*QUICK, *settings]), dataset.path, "run")
    for _ in train_run(run):
        pass
    run.write_status(state="succeeded")
    return run


def answers(run, dataset):
    found = returned(answer(run, batches_of(dataset, np.arange(10)), dataset.bands))
    assert found.probs.shape == (10,) and ((found.probs >= 0) & (found.probs <= 1)).all()
    return found


@pytest.mark.parametrize("stack", ["stack20", "stack28"])
def test_a_run_on_a_stack_goes_all_the_way_and_answers(stack, demo, tmp_path):
    run = trained(tmp_path, demo, f"model.indices={stack}")
    card = json.loads((run.fold_path(0) / "model.json").read_text())
    names = [channel.name for channel in manifest(stack)]
    assert [band["name"] for band in card["bands"]] + card["indices"] == names
    assert list(run.fold_card(0)["weights"]["mapping"]) == names
    oof = run.oof()
    assert sorted(oof["id"]) == sorted(demo.ids[demo.labels >= 0])
    assert np.isfinite(oof[[name for name in oof if name.startswith("prob_")]]).all().all()
    assert set(run.occlusion()["band"]) == set(demo.band_names)  # a lost band takes its indices with it
    answers(run, demo)


@pytest.mark.parametrize("subset", ["optical", "sar", "descending"])
def test_a_run_on_a_subset_uses_its_bands_and_no_other(subset, demo, tmp_path):
    run = trained(tmp_path, demo, f"data.bands={subset}")
    members = subsets_of(ZINDI_BANDS)[subset]
    assert run.summary()["selection"]["bands"] == list(members) == run.provenance()["selection"]["bands"]
    assert tuple(json.loads(run.normaliser_text(0))["band_names"]) == members
    assert set(run.occlusion()["band"]) == set(members)
    answers(run, demo)


def test_patches_left_out_are_never_trained_on_nor_scored_and_are_counted(demo, tmp_path, capsys):
    gone = [str(name) for name in demo.ids[np.flatnonzero(demo.labels == 1)[:2]]]
    limit = float(np.quantile(demo.columns["cloud_share"], 0.9))
    run = trained(tmp_path, demo, f"data.exclude={json.dumps(gone)}", f"data.max_cloud={limit}", "data.bands=rgb")
    cloudy = {str(name) for name in demo.ids[demo.columns["cloud_share"] > limit]}
    left_out = {*gone, *cloudy}
    assert len(cloudy) > 0
    assert set(run.oof()["id"]) == {str(name) for name in demo.ids[demo.labels >= 0]} - left_out
    assert not left_out & {*run.smote()["anchor"], *run.smote()["neighbour"]}
    assert not left_out & {name for fold in run.folds()["folds"] for name in fold}
    selection = run.summary()["selection"]
    assert selection["n_left_out"] == len(left_out) and selection["n_excluded"] == 2
    warnings = " ".join(run.summary()["warnings"])
    assert "left out by the exclusion list: 2 (2 labelled, 2 of them" in warnings
    assert "left out with cloud_share above" in warnings
    report(run, as_json=True)  # what `train` ends with
    told = capsys.readouterr()
    assert "Warning: Patches left out by the exclusion list: 2" in told.err and json.loads(told.out)["run"] == run.name


@pytest.mark.parametrize("method", METHODS)
def test_every_normalisation_carries_smote_occlusion_and_prediction(method, tiny_dataset, tmp_path):
    dataset = open_dataset(tiny_dataset)
    indices = [] if method == "minmax" else ["model.indices=redr,canny"]
    run = trained(tmp_path, dataset, f"normalise.method={method}", *indices)
    assert len(run.smote()) > 0 and np.isfinite(run.smote()["ssim"]).all()
    occlusion = run.occlusion()
    assert set(occlusion["baseline"]) == {"mean", "zero_raw"} and np.isfinite(occlusion[["p0", "p_b"]]).all().all()
    told = any("scaled by its own" in text for text in run.summary()["warnings"])
    assert told == (method == "minmax")
    answers(run, dataset)


def test_patches_in_another_unit_are_refused_naming_the_bands(tiny_dataset, tmp_path):
    dataset = open_dataset(tiny_dataset)
    run = trained(tmp_path, dataset)
    in_dn = bands_named(dataset.band_names)
    with pytest.raises(FormatError, match="red in 'DN' instead of '0-255', green in 'DN'.*Convert"):
        returned(answer(run, batches_of(dataset, np.arange(4)), in_dn))
    without = [dataclasses.replace(band, unit="") for band in in_dn]
    assert len(returned(answer(run, batches_of(dataset, np.arange(4)), without)).ids) == 4


def test_indices_without_units_are_refused_before_anything_runs():
    for indices in ("auto", "stack20", '["ndvi"]'):
        with pytest.raises(ConfigError, match="minmax scales every patch by itself"):
            RunConfig().with_overrides(["normalise.method=minmax", f"model.indices={indices}"])
    assert RunConfig().with_overrides(["normalise.method=minmax", "model.indices=none"]).model.indices == ()


def test_a_stack_on_bands_that_lack_some_is_refused_with_what_is_missing(tiny_dataset, tmp_path):
    with pytest.raises(ConfigError, match="Zindi's 12 bands; nir, desc_vv"):
        trained(tmp_path, open_dataset(tiny_dataset), "model.indices=stack20")


def test_a_dataset_that_memory_cannot_hold_is_refused_before_it_is_read(tiny_dataset):
    dataset = open_dataset(tiny_dataset)
    check_memory(dataset, 3)
    with pytest.raises(TrainingError, match="48 patches of 3 bands and 1000000x1000000 pixels need about .* GiB"):
        check_memory(dataclasses.replace(dataset, shape=(3, 10**6, 10**6)), 3)
