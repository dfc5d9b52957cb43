"""An estimate against what the run then took, on the tiny dataset."""

import json
import time

import numpy as np
import pytest

from core.config import preset
from core.errors import ConfigError, DataError
from core.flow.fold import train_fold
from core.flow.run_context import prepare
from core.preflight import trial_steps
from core.preflight.estimate import estimate
from core.preflight.trial_steps import Sizes
from core.progress import drain
from core.runs.store import create_run
from tests.builders import TINY, make_tiny

QUICK = (*TINY, "train.epochs=3", "heads.lgbm=false", "heads.logreg=false", "heads.svm_C=[0.1]", "heads.head=fc")


def finished(steps):
    reported = []
    return drain(steps, reported.append), reported


@pytest.fixture(scope="module")
def config():
    return preset("demo").with_overrides(QUICK)


@pytest.fixture(scope="module", autouse=True)
def short_measurements():
    kept = trial_steps.MEASURE_S
    trial_steps.MEASURE_S = 0.5
    yield
    trial_steps.MEASURE_S = kept


def on_disk(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_estimate_is_within_a_factor_of_what_the_run_took(tiny_dataset, config, tmp_path):
    estimated, steps = finished(estimate(tiny_dataset, config))
    assert steps[0].share == 0 and steps[-1].share == 1
    run = create_run(tmp_path, config, tiny_dataset, "run")
    plan = prepare(run)
    began, fullest = time.monotonic(), 0
    for fold in range(2):
        for _ in train_fold(plan, fold):  # its checkpoints go when the fold is done
            fullest = max(fullest, on_disk(run.path))
    took = time.monotonic() - began
    expected = sum(estimated.seconds[part] for part in ("training", "balancing", "embedding", "heads"))
    print(f"training two folds: expected {expected:.2f} s, took {took:.2f} s")
    assert took / 6 < expected < took * 6, (expected, took)
    sizes = [run.fold_card(fold) for fold in range(2)]
    assert estimated.n_train == pytest.approx(sizes[0]["n_train"], abs=3)
    assert estimated.n_synthetic == pytest.approx(sizes[0]["n_synthetic"], abs=4)
    fullest = max(fullest, on_disk(run.path))
    assert fullest / 3 < estimated.disk_bytes < fullest * 3, (fullest, estimated.disk_bytes)


def test_what_is_said_is_what_was_measured(tiny_dataset, config):
    estimated, _ = finished(estimate(tiny_dataset, config))
    text = " ".join(estimated.sentences())
    assert f"{estimated.steps_measured} training steps" in text and "cpu (float32)" in text and "extrapolated" in text
    assert estimated.device_bytes is None and "Device memory" not in text and estimated.fits
    assert set(estimated.measured_parts) < set(estimated.seconds)
    assert estimated.total_seconds == sum(estimated.seconds.values())
    assert estimated.seconds_per_step * estimated.images_per_second == pytest.approx(config.train.batch_size)
    assert json.loads(json.dumps(estimated.to_dict()))["sentences"] == estimated.sentences()


def test_every_recipe_of_training_can_be_estimated(tiny_dataset, config):
    settings = ["train.select=inner", "train.patience=2", "train.judge_steps=2", "train.accumulate=2", "train.tta=true",
                "train.head_epochs=1", "train.top_epochs=1", "train.ema_decay=0.9", "augment.rotation=20"]  # fmt: skip
    estimated, _ = finished(estimate(tiny_dataset, config.with_overrides(settings)))
    plain = Sizes.of((np.arange(48) % 3 == 0).astype(int), config)
    assert estimated.pieces == 1 and estimated.n_train < plain.learnt == 24


def test_more_of_everything_takes_longer(config, tiny_dataset):
    one, _ = finished(estimate(tiny_dataset, config))
    twice, _ = finished(estimate(tiny_dataset, config.with_overrides(["train.epochs=300"])))
    assert twice.seconds["training"] > 5 * one.seconds["training"]


def test_settings_that_cannot_be_trained_with_are_refused_as_the_run_would(tiny_dataset, config, tmp_path):
    with pytest.raises(ConfigError, match="no backbone 'nothing'"):
        finished(estimate(tiny_dataset, config.with_overrides(["model.backbone=nothing"])))
    one_class = make_tiny(tmp_path / "one.h5", n=12, positive_every=100)
    with pytest.raises(DataError, match="patches of both classes"):
        finished(estimate(one_class, config.with_overrides(["data.exclude=p000"])))


def test_a_frozen_backbone_reads_its_patches_once_whatever_the_number_of_epochs(tiny_dataset, config):
    wide = [*QUICK, 'model.arguments={"channels": [32, 64, 64, 64]}', "train.epochs=12"]
    phased = ["train.head_epochs=8", "train.top_epochs=2", "train.top_layers=10", "train.frozen_views=2"]
    config = preset("demo").with_overrides([*wide, *phased])
    estimated, _ = finished(estimate(tiny_dataset, config))
    last, top, rest = estimated.phases
    assert [one.epochs for one in estimated.phases] == [8, 2, 2]
    assert estimated.seconds["training"] == pytest.approx(2 * sum(one.seconds for one in estimated.phases))
    assert last.once_s > 0 == top.once_s == rest.once_s and rest.seconds_per_epoch == estimated.seconds_per_epoch
    assert last.seconds_per_epoch < 0.7 * rest.seconds_per_epoch, "a step of the last layer is a matrix product"
    everything_open = 2 * 12 * rest.seconds_per_epoch
    assert estimated.seconds["training"] < everything_open, "what the estimate said before phases were measured"
    assert "Phases of a fold: last layer 8 epochs" in estimated.sentences()[1]


def test_a_network_whose_last_layer_alone_learns_is_read_once_in_its_only_phase(tiny_dataset, config):
    estimated, _ = finished(estimate(tiny_dataset, config.with_overrides(["train.trainable=head"])))
    assert [one.once_s for one in estimated.phases] == [0.0], "every batch is read anew"
    kept, _ = finished(estimate(tiny_dataset, config.with_overrides(["train.trainable=head", "train.frozen_views=1"])))
    assert kept.phases[0].once_s > 0 and "Phases of a fold" not in " ".join(kept.sentences())
