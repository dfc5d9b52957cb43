"""The experiment that trains one network under every way of splitting."""

import pytest

from core.config import preset
from core.data.bands import RGB_BANDS
from core.data.regions.ways import NO_REGIONS
from core.data.store import DatasetWriter
from core.errors import ConfigError
from core.experiments.base import Asked, planned
from core.experiments.kinds.splits import KIND, options_of
from tests.builders import make_patches


def made(path, groups=True, sources=("a", "b", "c")):
    images, labels = make_patches(24)
    with DatasetWriter(
        path / "x.h5", bands=RGB_BANDS, shape_hw=images.shape[2:], class_names=("a", "b"), source=""
    ) as writer:  # fmt: skip
        writer.append(
            images, labels, [f"p{k}" for k in range(24)], [f"g{k // 2}" for k in range(24)] if groups else None,
            columns={"source": [sources[k * len(sources) // 24] for k in range(24)]},
        )  # fmt: skip
        return writer.finish()


def rows_of(data, *settings, **more):
    return {row.name: row.config for row in planned(KIND, Asked(data, data.path.parent, settings=settings, **more))}


def test_the_rows_differ_in_their_folds_alone_and_the_users_settings_are_in_each(tmp_path):
    rows = rows_of(made(tmp_path), "train.epochs=3", "folds.n_splits=4", "folds.buffer_m=50")
    assert list(rows) == ["random", "grouped", "region"]  # no places, no blocks
    assert not rows["random"].folds.grouped and rows["region"].folds.region == "source"
    assert rows["grouped"].folds == preset("small").folds.model_copy(update={"n_splits": 4})
    plain = {name: config.model_copy(update={"folds": preset("small").folds}).hash() for name, config in rows.items()}
    assert len(set(plain.values())) == 1 and rows["random"].train.epochs == 3


def test_a_runs_own_settings_come_back_so_that_it_is_not_trained_again(tmp_path):
    config = preset("small").with_overrides(["train.epochs=3", "model.columns=[]", "data.bands=red,green,blue"])
    options = options_of(config)
    assert (options["kind"], options["preset"]) == ("splits", "small")
    settings = tuple(options["settings"].split("; "))
    rows = rows_of(made(tmp_path), *settings, preset=options["preset"])
    assert rows["grouped"].model_copy(update={"preset": ""}) == config.model_copy(update={"preset": ""})
    assert options_of(config.model_copy(update={"preset": "custom"}))["preset"] == "small"


def test_where_only_one_way_is_possible_the_reasons_are_told(tmp_path):
    with pytest.raises(ConfigError, match="in one way only.*no places.*No column names"):
        rows_of(made(tmp_path, groups=False, sources=("a",)))
    assert NO_REGIONS.startswith("No column names")
