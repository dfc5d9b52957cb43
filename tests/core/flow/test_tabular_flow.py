"""A whole run with tabular inputs, a size class to answer, three branches and full statistics; what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from core.config import preset
from core.data.bands import ZINDI_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError
from core.flow.run_context import prepare
from core.pipeline import train_run
from core.predict.patches import Ensemble, answer
from core.predict.sources import batches_of
from core.runs.store import create_run
from tests.builders import TINY, returned
from tests.command_line import core

pytestmark = pytest.mark.usefixtures("jobs_here")

QUICK = (
    *TINY, "embed.method=pca", "heads.svm_C=[0.1]", "heads.head=fc", "heads.lgbm=false", "heads.logreg=false",
    "model.branches=optical_sar_indices", "model.indices=ndvi", "model.modality_dropout=0.2", "train.loss=bce_f1",
    "heads.full=true",
)  # fmt: skip
N = 48


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    rng = np.random.default_rng(0)
    labels = (np.arange(N) % 3 == 0).astype(np.int8)
    slope = np.where(rng.random(N) < 0.2, np.nan, 15 + 5 * labels + rng.normal(0, 6, N))
    size = np.where(labels == 1, rng.choice(["large", "small"], N), "unknown")
    columns = {"slope": slope, "cover": rng.choice(["forest", "rock", "unknown"], N), "size": size}
    path = tmp_path_factory.mktemp("data") / "told.h5"
    writer = DatasetWriter(
        path, bands=ZINDI_BANDS, shape_hw=(16, 16), class_names=("other", "landslide"), source="made in a test"
    )
    images = rng.normal(size=(N, 12, 16, 16)).astype(np.float32) + 2 * labels[:, None, None, None]
    with writer:
        writer.append(images, labels, [f"p{i:03d}" for i in range(N)], columns=columns)
        writer.finish()
    return path


@pytest.fixture(scope="module")
def done(dataset, tmp_path_factory):
    settings = (*QUICK, "model.columns=slope,cover", "model.second_column=size")
    run = create_run(tmp_path_factory.mktemp("runs"), preset("demo").with_overrides(settings), dataset, "run")
    for _ in train_run(run):
        pass
    run.write_status(state="succeeded")
    return run


def test_the_run_says_what_the_columns_gave_and_how_sizes_are_told(done):
    summary = json.loads((done.path / "summary.json").read_text())
    columns, size = summary["columns"], summary["second"]
    assert columns["names"] == ["slope", "cover"] and columns["known"]["n"] == columns["unknown"]["n"] == N
    assert {"f1", "intervals"} <= set(columns["unknown"]) and columns["difference"]
    assert size["column"] == "size" and size["n"] == 16 and 0 <= size["accuracy"] <= 1 and size["majority"] >= 0.5
    assert size["chance"] == 0.5 and size["balanced_accuracy_interval"][0] <= size["balanced_accuracy"]
    assert [row["fold"] for row in size["folds"]] == [0, 1] and sum(row["n"] for row in size["folds"]) == 16
    answers = done.tabular(0)
    assert answers["second_prob"].between(0.5, 1).all() and set(answers["second"]) == {"", "large", "small"}
    assert any("reads tabular inputs (slope, cover)" in text for text in summary["warnings"])
    assert [one["name"] for one in done.provenance()["columns"]] == ["slope", "cover"]


def test_what_is_learnt_of_columns_comes_from_the_folds_training_part(done, dataset):
    slope, data = open_dataset(dataset).columns["slope"], open_dataset(dataset)
    for fold in range(2):
        card = json.loads((done.fold_path(fold) / "model.json").read_text())
        oof = done.oof()
        train = data.index_of(oof.loc[oof["fold"] != fold, "id"].tolist())
        assert card["columns"][0]["center"] == pytest.approx(np.nanmean(slope[train]))
        assert card["second_classes"] == ["large", "small"]


def test_asked_with_its_columns_it_answers_as_out_of_fold_and_without_them_as_unknown(done, dataset):
    data, oof = open_dataset(dataset), done.oof()
    for fold in range(2):
        rows = data.index_of(oof.loc[oof["fold"] == fold, "id"].tolist())
        model = Ensemble.of_folds(done, [fold])
        images = data.images(rows)
        columns = {name: values[rows] for name, values in data.columns.items()}
        known = oof.loc[oof["fold"] == fold, "prob_fc"].to_numpy()
        assert np.allclose(model.probs(images, columns), known, atol=1e-5)
        odds = pd.read_parquet(done.fold_path(fold) / "tabular.parquet").set_index("id").loc[data.ids[rows]]
        unknown = model.models[0].log_odds(images, ["fc"], model.rules)["fc"]
        assert np.allclose(unknown, odds["log_odds_unknown"], atol=1e-4)
        trees = model.models[0].log_odds(images, ["full_boost"], model.rules)["full_boost"]
        own = oof.loc[oof["fold"] == fold, "prob_full_boost"].to_numpy()
        assert np.allclose(1 / (1 + np.exp(-trees)), own, atol=1e-5), "the full set, as it was learnt from"


def test_patches_of_a_dataset_that_has_the_columns_are_answered_with_them(done, dataset, tmp_path):
    data, ensemble = open_dataset(dataset), Ensemble.of_folds(done, range(2))
    batches = lambda: batches_of(data, np.arange(N))  # noqa: E731
    with_them = returned(answer(done, batches(), data.bands, ensemble, data))
    assert np.allclose(with_them.probs, ensemble.probs(data.images(), data.columns), atol=1e-6)
    out = tmp_path / "p.csv"
    core("predict", done.name, dataset, "--out", out, "--checkpoints", done.path.parent)
    oof = done.oof().set_index("id")[f"prob_{with_them.head}"]  # its own patches: the fold that did not learn from them
    assert np.allclose(pd.read_csv(out)["prob"], oof.loc[data.ids], atol=1e-4)
    without = returned(answer(done, batches(), data.bands, ensemble))
    assert np.allclose(without.probs, ensemble.probs(data.images()), atol=1e-6)
    assert not np.allclose(with_them.probs, without.probs)


def test_a_column_whose_being_unknown_is_the_answer_is_refused_before_anything_is_trained(dataset, tmp_path):
    config = preset("demo").with_overrides((*QUICK, "model.columns=slope,size"))
    with pytest.raises(ConfigError, match="Whether 'size' is unknown.*model.columns_leak=allow"):
        prepare(create_run(tmp_path, config, dataset, "refused"))
    allowed = create_run(tmp_path, config.with_overrides(["model.columns_leak=allow"]), dataset, "allowed")
    assert prepare(allowed).run.provenance()["columns"][1]["reason"]
    absent = preset("demo").with_overrides((*QUICK, "model.second_column=area"))
    with pytest.raises(ConfigError, match="model.second_column names 'area'"):
        prepare(create_run(tmp_path, absent, dataset, "absent"))
