"""Training, explanations and prediction where every patch lacks some band, some hold nothing and one is wild."""

import json

import numpy as np
import pytest

from core.config import preset
from core.data.bands import ZINDI_BANDS
from core.data.store import DatasetWriter
from core.errors import ConfigError
from core.pipeline import train_run
from core.predict.patches import answer
from core.predict.perturbed_model import PerturbedModel, occlude_patches
from core.predict.sources import batches_of
from core.runs.store import create_run
from tests.builders import TINY, make_dataset, returned

QUICK = (*TINY, "train.epochs=1", "embed.method=pca", "heads.svm_C=[0.1]", "heads.blend=true", "heads.head=blend")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Zindi's bands of one orbit a place; two patches without data, one with -3.4e38 in a corner."""
    folder = tmp_path_factory.mktemp("missing")
    source = make_dataset(folder / "whole.h5", n=48)
    images = source.images()
    images[::2, 8:], images[1::2, 4:8] = np.nan, np.nan
    images[[4, 5]], images[7, :4, :3, :3] = np.nan, -3.4e38
    writer = DatasetWriter(
        folder / "x.h5", bands=ZINDI_BANDS, shape_hw=(16, 16), class_names=("other", "landslide"), source="made"
    )
    with writer:
        writer.append(images, source.labels, source.ids, groups=source.groups)
        dataset = writer.finish()
    run = create_run(folder / "ck", preset("demo").with_overrides(QUICK), dataset.path, "run")
    for _ in train_run(run):
        pass
    run.write_status(state="succeeded")
    return run, dataset


def test_it_trains_and_tells(made):
    run, dataset = made
    oof, warnings = run.oof(), " ".join(run.summary()["warnings"])
    assert len(oof) == 46 and not {"ID_0004", "ID_0005"} & set(oof["id"])
    assert np.isfinite(oof.filter(like="prob_").to_numpy()).all()
    assert "hold no data in the chosen bands: 2" in warnings
    for told in ("Patches lack bands", "Values far outside everything else", "Patches without any data"):
        assert told in warnings
    assert run.provenance()["selection"]["n_labelled"] == 46
    # One wild corner leaves the scale of every other patch as it is.
    clean = dataset.images(np.delete(np.arange(48), 7), ["red"])
    card = json.loads(run.normaliser_text(0))
    assert card["scale"][0] < 3 * np.nanstd(clean)


def test_synthetic_patches_are_missing_where_a_parent_is(made):
    from core.analyses.smote.fold_minority import FoldLandslides

    run, dataset = made
    fold = FoldLandslides.of(run, dataset, 0)
    without = ~np.isfinite(dataset.images(fold.rows)).any(axis=(2, 3))
    images = fold.between(np.array([0, 1]), np.array([1, 0]), np.array([0.5, 0.3], np.float32))
    lost = without[0] | without[1]
    assert lost.any() and (images[:, lost] == 0).all() and np.isfinite(images).all()


def test_prediction_and_occlusion_go_the_same_way(made):
    run, dataset = made
    answered = returned(answer(run, batches_of(dataset, np.arange(48)), dataset.bands))
    assert answered.has_answer.sum() == 46 and (answered.pred[~answered.has_answer] == -1).all()
    view = PerturbedModel.open(run, 0)
    oof = run.oof().query("fold == 0").reset_index(drop=True)
    patches = view.read(dataset, oof, np.arange(4), 0)
    for baseline in ("mean", "zero_raw", "shuffle", "swap"):
        by_band, _ = occlude_patches(view, patches, baseline)
        assert np.isfinite(by_band[["p0", "p_b"]].to_numpy()).all()


@pytest.mark.parametrize("setting", ["train.lr=nan", "train.lr=inf", "smote.alpha=nan", "data.max_cloud=nan"])
def test_a_setting_that_is_no_number_is_refused_in_words(setting):
    with pytest.raises(ConfigError, match=setting.partition("=")[0]):
        preset("demo").with_overrides([setting])
