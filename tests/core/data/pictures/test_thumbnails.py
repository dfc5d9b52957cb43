"""A thumbnail is the picture that was always drawn, encoded once, and never that of anything else."""

import io
import json
import os
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image

from core.data.bands import RGB_BANDS, Composite, composites
from core.data.indices import INDICES, possible
from core.data.pictures import background, drawing, thumbnails
from core.data.pictures import kept as kept_module
from core.data.pictures.computed import with_computed
from core.data.pictures.kept import KeptPictures
from core.data.pictures.thumbnails import Style
from core.data.store import DatasetWriter, open_dataset
from core.errors import DataError
from tests.builders import make_dataset


@pytest.fixture
def data(tmp_path):
    return make_dataset(tmp_path / "tiny.h5", n=12)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_module, "LEAST_FREE", 0)
    return KeptPictures(tmp_path)


def style(data, way=None, **look):
    way = way or composites(data.bands)[0]
    known = drawing.dataset_limits(data.statistics)
    return Style(way.bands, tuple(tuple(known[data.band_names.index(name)].tolist()) for name in way.bands), **look)


def in_bytes(path, missing=False):
    """Patches of 10 x 14 pixels: bytes, or float32 with missing pixels."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (5, 3, 10, 14))
    images = images.astype(np.float32 if missing else np.uint8)
    if missing:
        images[1, 0, 3:6] = np.nan
        images[2] = np.nan
        images[3, 1] = 7.0
    writer = DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(10, 14), class_names=("other", "landslide"), source="made in a test",
        dtype=str(images.dtype),
    )  # fmt: skip
    with writer:
        writer.append(images, np.arange(5) % 2, [f"p{i}" for i in range(5)])
        return writer.finish()


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("side", [64, 9])
def test_bytes_and_missing_pixels_are_drawn_as_one_patch_is(tmp_path, missing, side):
    data = in_bytes(tmp_path / "b.h5", missing)
    way = Composite("True colour", ("red", "green", "blue"))
    limits = drawing.dataset_limits(data.statistics)
    for each in (False, True):
        wanted = style(data, way, side=side)
        drawn = thumbnails.draw(data, range(5), replace(wanted, limits=None) if each else wanted)
        for image, rgb in zip(data.images(), drawn, strict=True):
            own = drawing.patch_limits(image) if each else limits
            assert (rgb == drawing.picture(image, data.band_names, way, own, side)).all()
    assert rgb.shape == (side, round(side * 1.4), 3)
    if missing:
        assert (drawn[2] == drawing.NO_DATA_RGB).all()


def test_every_composite_also_of_computed_bands_is_drawn_as_one_patch_is(data):
    bands = (*data.bands, *(INDICES[name].band for name in possible(data.bands)))
    images = data.images()
    for way in composites(bands):
        extended, names = with_computed(images, data.bands, way.bands)
        for smooth in (False, True):
            drawn = thumbnails.draw(data, range(3), Style(way.bands, None, 40, smooth))
            for image, rgb in zip(extended[:3], drawn, strict=True):
                expected = drawing.picture(image, names, way, drawing.patch_limits(image), 40, smooth)
                assert (rgb == expected).all(), way.name


def test_masks_are_outlined_where_there_are_any(data, tmp_path):
    plain, outlined = (thumbnails.draw(data, [0], style(data, mask=mask))[0] for mask in (False, True))
    assert (outlined == drawing.outline(plain, data.masks([0])[0])).all() and (outlined != plain).any()
    without = in_bytes(tmp_path / "b.h5")
    a, b = (thumbnails.draw(without, [0], style(without, mask=mask))[0] for mask in (False, True))
    assert (a == b).all()


def test_it_is_drawn_once(data, kept, monkeypatch):
    ids = data.ids[[3, 1]].tolist()
    first = thumbnails.thumbnails(data, ids, style(data), kept)
    seen = np.asarray(Image.open(io.BytesIO(first[0])).convert("RGB"), int)
    drawn = thumbnails.draw(data, [3], style(data))[0]
    assert seen.shape == drawn.shape and np.abs(seen - drawn).mean() < 4  # WebP is lossy
    monkeypatch.setattr(thumbnails, "draw", lambda *_: pytest.fail("drawn twice"))
    assert thumbnails.thumbnails(data, ids[::-1], style(data), kept) == first[::-1]
    assert thumbnails.thumbnails(data, [], style(data), kept) == []
    with pytest.raises(DataError, match="no patch named"):
        thumbnails.thumbnails(data, ["nobody"], style(data), kept)


def test_without_a_place_to_keep_them_they_are_drawn(data, tmp_path):
    nowhere = KeptPictures(tmp_path / "nowhere")
    files = [thumbnails.thumbnails(data, data.ids[:2].tolist(), style(data), nowhere) for _ in range(2)]
    assert files[0] == files[1] and not nowhere.folder.exists()


def test_every_choice_and_every_change_of_the_file_has_keys_of_its_own(data):
    plain = style(data)
    looks = [
        plain, replace(plain, bands=plain.bands[::-1]), replace(plain, limits=None), replace(plain, side=128),
        replace(plain, smooth=True), replace(plain, mask=True),
        replace(plain, limits=((0.0, 1.0, 2.5), *plain.limits[1:])),
    ]  # fmt: skip
    names = {key for look in looks for key in thumbnails.keys(data, ["a", "b"], look)}
    assert len(names) == 2 * len(looks)
    before = data.path.stat()
    with h5py.File(data.path, "r+") as file:
        file["images"][0] += 1
    os.utime(data.path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nothing had happened
    assert not names & set(thumbnails.keys(open_dataset(data.path), ["a", "b"], plain))


def test_a_style_comes_back_from_json_with_the_same_keys(data):
    for look in (style(data), replace(style(data), limits=None, mask=True, side=100)):
        again = Style.from_json(json.loads(json.dumps(look.to_json())))
        assert again == look and thumbnails.keys(data, ["a"], again) == thumbnails.keys(data, ["a"], look)


@pytest.mark.parametrize(
    "said",
    [{}, {"bands": []}, {"side": 0}, {"side": 10**6}, {"limits": [[1, 2]]}, {"limits": [[1, 2, 3]]}, {"side": "big"}],
)
def test_anything_else_is_refused(data, said):
    with pytest.raises(DataError):
        Style.from_json(said and style(data).to_json() | said)


# ------------------------------------------------------------------------------------------------ in the background


def wanted(data, kept, ids=()):
    return background.Wanted.of(background.request_for(data.path, ids, style(data), kept))


def test_the_pages_ahead_come_first_and_then_all_others(data, kept):
    asked = wanted(data, kept, ["ID_0005", "nobody", "ID_0002"])
    assert sum(asked.first()) == 2
    names = thumbnails.keys(data, data.ids.tolist(), style(data))
    assert kept.known(names) == {names[5], names[2]}
    assert sum(asked.others()) == 10 and kept.known(names) == set(names)
    assert sum(wanted(data, kept).others()) == 0, "nothing twice"


def test_the_others_are_left_where_they_would_push_out_what_is_looked_at(data, kept, monkeypatch):
    monkeypatch.setattr(thumbnails, "AT_ONCE", 2)
    monkeypatch.setattr(KeptPictures, "has_room", lambda self: False)
    assert sum(wanted(data, kept).others()) == 2
    monkeypatch.setattr(kept_module, "LEAST_FREE", 2**62)
    assert sum(wanted(data, kept).others()) == 0


def test_a_request_that_cannot_be_is_refused(data, kept):
    good = background.request_for(data.path, [], style(data), kept)
    for said in ({}, good | {"style": {}}, good | {"dataset": str(data.path) + "x"}):
        with pytest.raises((DataError, OSError)):
            background.Wanted.of(said)
