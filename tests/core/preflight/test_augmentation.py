import json

import numpy as np
import pytest

from core.config import preset
from core.data.store import open_dataset
from core.errors import DataError
from core.preflight.augmentation import Preview, preview
from core.runs.plain_files import to_json_value
from tests.builders import make_tiny


@pytest.fixture
def config():
    return preset("demo")


def test_nothing_set_gives_the_patches_back_in_their_units(tiny_dataset, config):
    config = config.with_overrides(["augment.flips=false", "augment.quarter_turns=false", "augment.mix_prob=0"])
    found = preview(tiny_dataset, config, n=6, draws=2)
    data = open_dataset(tiny_dataset)
    rows = data.index_of(found.ids)
    assert np.array_equal(found.images, data.images(rows)) and found.labels.tolist() == [1, 0] * 3
    assert np.abs(found.drawn - found.images).max() < 1e-3 and (found.share == found.labels).all()


def test_draws_differ_and_a_seed_repeats_them(tiny_dataset, config):
    one, again, other = (preview(tiny_dataset, config, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.drawn, again.drawn) and one.ids.tolist() == again.ids.tolist()
    assert not np.array_equal(one.drawn[0], one.drawn[1]) and one.ids.tolist() != other.ids.tolist()


def test_the_label_of_a_mixed_patch_is_the_share_of_its_pixels(tiny_dataset, config):
    config = config.with_overrides(
        ["augment.flips=false", "augment.quarter_turns=false", "augment.mix_prob=1", "augment.mixup_alpha=0"]
    )
    found = preview(tiny_dataset, config, n=4, draws=6)
    for drawn, share in zip(found.drawn, found.share, strict=True):
        for i in range(4):
            own = np.isclose(drawn[i], found.images[i], atol=1e-3).all(axis=0)
            other = np.isclose(drawn[i], found.images[i - 1], atol=1e-3).all(axis=0)
            assert (own | other).all()
            expected = own.mean() * found.labels[i] + other.mean() * found.labels[i - 1]
            assert share[i] == pytest.approx(expected, abs=1e-5)


def test_patches_normalised_each_by_itself_are_shown_so(tiny_dataset, config):
    found = preview(tiny_dataset, config.with_overrides(["normalise.method=minmax"]))
    assert not found.in_units and found.images.min() >= -1.01 and found.images.max() <= 1.01


def test_a_preview_is_the_same_after_a_file(tiny_dataset, config, tmp_path):
    made = preview(tiny_dataset, config)
    values = json.loads(json.dumps(to_json_value(made.save(tmp_path / "p.safetensors"))))
    read = Preview.load(tmp_path / "p.safetensors", values)
    for name, value in vars(made).items():
        assert np.array_equal(getattr(read, name), value), name


def test_a_single_labelled_patch_is_too_few(tmp_path, config):
    path = make_tiny(tmp_path / "two.h5", n=2)
    with pytest.raises(DataError, match="1 labelled patches; a preview needs 2"):
        preview(path, config.with_overrides(["data.exclude=p001"]))
