"""A whole run with a mask head: what it is taught of each patch, what it keeps, and what it refuses to begin."""

import numpy as np
import pytest

from core.config import RunConfig
from core.data.check.masks import require_masks
from core.data.store import DatasetWriter, open_dataset
from core.errors import ConfigError
from core.flow import fold as flow_fold
from core.flow.run_context import prepare
from core.predict.fold_model import FoldModel
from core.predict.training_dataset import training_dataset
from core.runs.store import create_run
from core.train.outlines import UNKNOWN
from tests.builders import TINY, make_tiny
from tests.command_line import core_error

MASKED = (*TINY, "model.backbone=unet_test_resnet", "model.masks=true")


def test_the_folds_keep_their_mask_head_and_draw_what_they_have_not_seen(outlined_run):
    dataset, oof = training_dataset(outlined_run), outlined_run.oof()
    for fold in range(2):
        model = FoldModel.load(outlined_run, fold, "cpu")
        own = oof[(oof["fold"] == fold) & (oof["label"] == 1)]["id"].to_numpy()
        rows = dataset.index_of(own)
        drawn, masks = model.outlines(dataset.images(rows)), dataset.masks(rows)
        assert drawn.shape == masks.shape and drawn[masks == 1].mean() > 2 * drawn[masks == 0].mean()


def test_a_run_without_a_mask_head_says_so(trained_run):
    model = FoldModel.load(trained_run, 0, "cpu")
    assert not model.draws_outlines
    with pytest.raises(ConfigError, match="has no mask head.*model.masks=true"):
        model.outlines(np.zeros((1, 3, 32, 32), np.float32))


@pytest.mark.parametrize("method", ["ssim", "random"])
def test_synthetic_patches_have_the_mask_of_their_only_parent_or_none(tmp_path, method):
    dataset = make_tiny(tmp_path / "t.h5", masks=True)
    settings = (*MASKED, f"smote.method={method}", "smote.n_syn=1", "smote.k_neighbors=3")
    run = create_run(tmp_path, RunConfig().with_overrides(settings), dataset, "t")
    context = prepare(run)
    train = context.folds.train(0)
    made, parents = flow_fold.balance(context, context.images, train)
    masks = flow_fold._masks(context, train, made, parents)
    real, synthetic = masks[: len(train)], masks[len(train) :]
    assert np.array_equal(real, context.dataset.masks(train)) and len(synthetic) == len(made.images) > 0
    if method == "ssim":
        assert (synthetic == UNKNOWN).all()
    else:
        assert np.array_equal(synthetic, context.dataset.masks(parents[made.anchor]))


def test_a_dataset_without_masks_or_with_empty_ones_is_refused_before_anything_is_trained(tmp_path):
    plain = make_tiny(tmp_path / "plain.h5")
    run = create_run(tmp_path, RunConfig().with_overrides(MASKED), plain, "p")
    with pytest.raises(ConfigError, match="learns outlines from masks, and 'plain' has none.*--masks DIR"):
        prepare(run)
    source, empty = open_dataset(plain), tmp_path / "empty.h5"
    with DatasetWriter(
        empty, bands=source.bands, shape_hw=source.shape[1:], class_names=source.class_names, source="made"
    ) as writer:
        writer.append(source.images(), source.labels, source.ids, masks=np.zeros((len(source), 32, 32), np.uint8))
        writer.finish()
    with pytest.raises(ConfigError, match="all masks of 'landslide' are empty"):
        require_masks(open_dataset(empty))


def test_the_command_refuses_before_a_job_is_made(tmp_path):
    plain = make_tiny(tmp_path / "plain.h5")
    asked = ("train", plain, "--checkpoints", tmp_path / "ck", "--set", "model.masks=true")
    said = core_error(*asked, "--set", "model.backbone=unet_resnet18")
    assert "'plain' has none" in said and "model.masks=false" in said
    assert "masks needs a U-Net" in core_error(*asked, "--set", "model.backbone=resnet18")
    assert not list((tmp_path / "ck").glob("2*"))
