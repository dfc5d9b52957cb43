"""The rows of every kind, looked at without training anything."""

from pathlib import Path

import pytest

from core.config import preset
from core.config.learning_rate import lr_at
from core.data.store import open_dataset
from core.errors import ConfigError
from core.experiments.base import Asked, Kind, Row, planned
from core.experiments.kinds import grid
from core.experiments.registry import kind, kinds
from tests.builders import make_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "made.h5")


def asked(data, budget="full", **more):
    return Asked(data, Path("nowhere"), budget, **more)


def of(name, data, budget="full", **more):
    return {row.name: row for row in planned(kind(name), asked(data, budget, **more))}


def changes(row, base):
    """What differs between two configurations, as section.key."""
    one, other = row.config.model_dump(), base.config.model_dump()
    return {f"{s}.{k}" for s, values in one.items() if isinstance(values, dict)
            for k, value in values.items() if value != other[s][k]}  # fmt: skip


@pytest.mark.parametrize("budget", ["full", "small"])
@pytest.mark.parametrize("name", [one.name for one in kinds().values() if not one.needs])
def test_rows_are_told_apart_and_the_baseline_is_trained_first(name, budget, data):
    rows = planned(kind(name), asked(data, budget))
    assert len({row.name for row in rows}) == len({row.title for row in rows}) == len(rows) >= 2
    assert rows[0].name == (kind(name).baseline or rows[0].name)
    assert kind(name).summary.endswith(".") and kind(name).title


def test_unfreeze_opens_from_the_head_to_everything_and_changes_nothing_else(data):
    rows = of("unfreeze", data)
    assert list(rows)[:8] == ["head", "layers-10", "layers-15", "layers-20", "layers-40", "blocks-2", "blocks-6", "all"]
    opening = {"train.trainable", "train.top_layers", "train.top_blocks"}
    assert all(changes(rows[name], rows["head"]) <= opening for name in list(rows)[:8])
    assert {rows[f"layers-{n}"].config.train.top_layers for n in (10, 15, 20, 40)} == {10, 15, 20, 40}
    model = rows["head"].config.model
    assert (model.backbone, model.pretrained) == ("tf_efficientnet_lite0", "packaged")
    assert changes(rows["all-no-class-weights"], rows["all"]) == {"train.class_weight"}
    assert changes(rows["all-random-weights"], rows["all"]) == {"model.pretrained"}
    plain = rows["layers-20-no-augmentation"].config.augment
    assert not plain.flips and not plain.moves_pixels and not plain.needs_units
    assert "augment.crop" in changes(rows["layers-20-no-augmentation"], rows["layers-20"])


def test_unfreeze_takes_another_preset_as_it_is(data):
    assert of("unfreeze", data, preset="uva-finetune-20")["head"].config.model.backbone == "tf_efficientnet_b3.aa_in1k"


def test_table2_has_the_papers_eight_rows_on_any_preset(data):
    rows = of("table2", data)
    assert len(rows) == 8 and rows["baseline"].config == preset("table2-baseline")
    assert rows["smote"].facts["printed_f1"] == 0.8915
    other = of("table2", data, preset="small")
    assert {row.config.model.backbone for row in other.values()} == {"resnet18"}
    assert changes(other["robust"], other["cosine"]) == {"normalise.method"}
    schedules = {name: row.config.train.schedule for name, row in other.items()}
    assert (schedules["baseline"], schedules["step"], schedules["cosine"]) == ("none", "step", "cosine")
    assert other["384-mixup"].config.model.image_size == 24  # half as much again as the patches' 16
    assert other["baseline"].config.model.image_size is None


def test_a_small_budget_keeps_the_sides_of_another_preset(data):
    """Its larger row had a quarter of its side, while the others kept the patches' own: the larger was the smaller."""
    found = of("table2", data, "small", preset="demo")
    sides = {name: row.config.model.image_size for name, row in found.items()}
    assert found["384-mixup"].title == "24 pixels and MixUp" and "Baseline: 16 pixels" in found["baseline"].title
    assert of("table2", data)["384-mixup"].title == "384 pixels and MixUp"
    assert of("table2", data, "small")["384-mixup"].title == "96 pixels and MixUp"
    assert sides.pop("384-mixup") == 24 and set(sides.values()) == {None}  # the patches have 16
    assert found["baseline"].config.model.backbone == "resnet18d"


@pytest.mark.parametrize(("name", "budget"), [("demo", "full"), ("demo", "small"), ("small", "small"), ("", "small")])
def test_the_rate_steps_within_a_short_training_too(data, name, budget):
    """On presets of few epochs the step never came: the row was that of the constant rate once more."""
    found = of("table2", data, budget, preset=name)
    train = found["step"].config.train
    assert 1 <= train.step_epochs < train.epochs
    rates = [lr_at(step, 10, train) for step in range(10 * train.epochs)]
    assert min(rates) < max(rates[10 * train.warmup_epochs :]) == train.lr
    assert changes(found["step"], found["mixup-cutmix"]) <= {"train.schedule", "train.step_epochs"}


def test_table3_is_one_run_with_many_heads(data):
    rows = of("table3", data, "small")
    assert list(rows) == ["fc", "lgbm", "svm_c1", "svm_c0.75", "svm_c0.5", "svm_c0.1"]
    assert len({row.config.hash() for row in rows.values()}) == 1
    config = rows["fc"].config
    assert [row.head for row in rows.values()] == list(rows) and config.heads.svm_C == (1.0, 0.75, 0.5, 0.1)
    assert rows["svm_c0.5"].facts["C"] == 0.5 and config.heads.lgbm


def test_backbones_have_one_recipe(data):
    for budget in ("full", "small"):
        rows = list(of("backbones", data, budget).values())
        assert all(changes(row, rows[0]) <= {"model.backbone", "model.image_size"} for row in rows)
    assert not any(row.config.model.pretrained for row in rows)


def test_a_small_budget_is_small_honest_and_keeps_the_users_settings(data):
    config = of("table2", data, "small", settings=("train.epochs=3", "folds.n_splits=4"))["smote"].config
    assert (config.train.epochs, config.folds.n_splits, config.train.select) == (3, 4, "last")
    assert not config.explain.enabled and config.model.image_size == 64
    assert of("grid", data, "small", vary=("train.lr=0.1,0.2",))["train.lr=0.1"].config.heads.head == "blend"


def test_a_grid_is_every_combination_and_json_lists_are_values():
    assert grid.values_of("heads.svm_C=[[1],[0.1,1]]") == ("heads.svm_C", ["[1]", "[0.1, 1]"])
    assert grid.values_of(" train.lr = 0.1, 0.2") == ("train.lr", ["0.1", "0.2"])


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("grid", {}, "needs something to vary"),
        ("grid", {"vary": ("train.lr=0.1",)}, "names no values to compare"),
        ("grid", {"vary": ("train.pace=1,2",)}, "There is no setting 'train.pace'"),
        ("grid", {"vary": ("train.epochs=" + ",".join(map(str, range(1, 66))),)}, "65 rows; 64 are the most"),
        ("grid", {"vary": ("train.lr=0.1,0.10",)}, "would be the same run"),
        ("table2", {"vary": ("train.lr=0.1,0.2",)}, "belongs to the experiment grid"),
        ("table2", {"others": (Path("b.h5"),)}, "uses one dataset"),
        ("unfreeze", {"settings": ("train.trainable=all",)}, "would be the same run"),
        ("table2", {"preset": "huge"}, "There is no preset 'huge'"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(name, more, says, data):
    with pytest.raises(ConfigError, match=says):
        planned(kind(name), asked(data, **more))


def test_one_row_is_no_comparison_and_unknown_kinds_are_named(data):
    lonely = Kind("alone", "Alone", "One row.", lambda asked: [Row("a", "A", preset("demo"))])
    with pytest.raises(ConfigError, match="one row only"):
        planned(lonely, asked(data))
    with pytest.raises(ConfigError, match="There is no experiment 'table9'. Known: .*unfreeze"):
        kind("table9")


def test_the_dataset_opens(data):
    assert open_dataset(data.path).content_hash == data.content_hash
