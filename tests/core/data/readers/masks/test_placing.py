"""A mask lies on its image by place: resampled where that is certain, refused where not, at any size (issue 13, K1)."""

import html
import math

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from core.data.readers import ReaderOptions, ingest
from core.data.readers.geo.placement import Placement
from core.data.readers.masks import understood
from core.data.readers.masks.placing import Fit, Grid, fit, turned
from core.data.store import open_dataset
from core.errors import DataError, FormatError
from tests.builders import returned
from tests.core.data.readers.geo.test_raster import UTM46, at, numbers, write

SIDE = 64
X, Y = 500_000, 2_500_000
TRUTH = np.zeros((SIDE, SIDE), np.uint8)  # on the ground of the image: in its north-west
TRUTH[4:28, 4:24] = 1
EXIF = 0x0112


def run(source, **options):
    report = returned(ingest("geotiff", source, source.parent / "out.h5", ReaderOptions(**options)))
    return report, open_dataset(report.dataset)


NORTH_UP = at(X, Y)


def pair(root, mask, transform, image=NORTH_UP, crs=UTM46, image_crs=UTM46, **profile):
    """A folder of one image and one mask."""
    write(root / "images/a.tif", numbers(3, SIDE, SIDE), transform=image, crs=image_crs)
    write(root / "masks/a.tif", mask[None], transform=transform, crs=crs, **profile)
    return root


def mask_of(dataset):
    """(64, 64) of the one image, put together from its tiles of 32."""
    found = np.zeros((SIDE, SIDE), np.uint8)
    rows, cols = dataset.columns["row"].astype(int), dataset.columns["col"].astype(int)
    for row, col, mask in zip(rows, cols, dataset.masks(), strict=True):
        found[row : row + 32, col : col + 32] = mask
    return found


@pytest.fixture(params=["whole", "window by window"])
def any_size(request, monkeypatch):
    """The two ways in which masks are read: small files whole, large ones by windows."""
    if request.param != "whole":
        monkeypatch.setattr(understood, "LARGE", 0)


# Each: the mask as it is stored, its transform. All show the same ground.
SAME_GROUND = {
    "as it is": (TRUTH, at(X, Y)),
    "south-up": (TRUTH[::-1], Affine(10, 0, X, 0, 10, Y - 640)),
    "east to west": (TRUTH[:, ::-1], Affine(-10, 0, X + 640, 0, -10, Y)),
    "a quarter turned": (TRUTH.T, Affine(0, 10, X, -10, 0, Y)),
    "half the pixel size": (TRUTH.repeat(2, 0).repeat(2, 1), at(X, Y, 5)),
    "twice the pixel size": (TRUTH[::2, ::2], at(X, Y, 20)),
    "as many pixels of twice the size": (np.pad(TRUTH[::2, ::2], ((0, 32), (0, 32))), at(X, Y, 20)),
    "a larger extent": (np.pad(TRUTH, 7), at(X - 70, Y + 70)),
}


@pytest.mark.parametrize("kind", SAME_GROUND)
def test_the_same_ground_gives_the_same_mask_whatever_the_grid(tmp_path, any_size, kind):
    mask, transform = SAME_GROUND[kind]
    report, dataset = run(pair(tmp_path / "s", np.ascontiguousarray(mask), transform), tile=32)
    np.testing.assert_array_equal(mask_of(dataset), TRUTH)
    assert dataset.labels.tolist() == [1, 0, 0, 0]
    told = [text for text in report.warnings if "resampled by place" in text]
    assert told == ([] if kind == "as it is" else told) and len(told) == (kind != "as it is")


def test_another_coordinate_system_is_followed(tmp_path, any_size):
    west, south, east, north = transform_bounds(UTM46, "EPSG:4326", X, Y - 640, X + 640, Y)
    step = (east - west) / 300
    transform = Affine(step, 0, west, 0, -step, north)
    n_rows = math.ceil((north - south) / step)
    rows, cols = np.mgrid[:n_rows, :300] + 0.5
    x, y = transform_points("EPSG:4326", UTM46, (west + cols * step).ravel(), (north - rows * step).ravel())
    there = (Y - np.reshape(y, rows.shape)) // 10, (np.reshape(x, rows.shape) - X) // 10
    inside = (np.array(there) >= 0).all(0) & (np.array(there) < SIDE).all(0)
    degrees = np.zeros(rows.shape, np.uint8)
    degrees[inside] = TRUTH[there[0][inside].astype(int), there[1][inside].astype(int)]
    report, dataset = run(pair(tmp_path / "s", degrees, transform, crs="EPSG:4326"), tile=32)
    assert (mask_of(dataset) != TRUTH).mean() < 0.005
    assert any("resampled by place" in text for text in report.warnings)


def test_a_mask_without_a_coordinate_system_takes_that_of_its_image(tmp_path, any_size):
    report, dataset = run(pair(tmp_path / "s", TRUTH, at(X, Y), crs=None), tile=32)
    np.testing.assert_array_equal(mask_of(dataset), TRUTH)
    assert not any("mask" in text for text in report.warnings)  # the same numbers: certain
    report, dataset = run(pair(tmp_path / "t", *SAME_GROUND["south-up"], crs=None), tile=32)
    np.testing.assert_array_equal(mask_of(dataset), TRUTH)
    assert any("no coordinate system; taken as that of the other" in text for text in report.warnings)
    with pytest.raises(DataError, match="shows no ground of its image.*states no coordinate system"):
        run(pair(tmp_path / "u", TRUTH, at(93.0, 22.6, 0.0001), crs=None), tile=32)


@pytest.mark.parametrize("transform", [at(X + 5000, Y), at(X, Y - 640), at(X + 640, Y, 0.1)])
def test_a_mask_of_other_ground_is_refused(tmp_path, any_size, transform):
    with pytest.raises(DataError, match="masks/a.tif lies elsewhere: it shows no ground of its image"):
        run(pair(tmp_path / "s", TRUTH, transform), tile=32)


def test_what_a_mask_does_not_reach_is_unknown(tmp_path, any_size):
    report, dataset = run(pair(tmp_path / "s", TRUTH[:32], at(X, Y)), tile=32)
    assert dataset.labels.tolist() == [1, 0, -1, -1]
    assert any(text.startswith("1 masks do not reach all of their images") for text in report.warnings)
    assert dataset.columns["mask_unknown_fraction"].tolist()[2:] == [1.0, 1.0]


def test_half_a_pixel_apart_is_nearest_by_place(tmp_path, any_size):
    _, dataset = run(pair(tmp_path / "s", TRUTH, at(X + 5, Y - 5)), tile=32)
    np.testing.assert_array_equal(mask_of(dataset), TRUTH)  # a centre on an edge belongs to the pixel that begins there
    report, dataset = run(pair(tmp_path / "t", TRUTH, at(X + 0.1, Y)), tile=32)
    np.testing.assert_array_equal(mask_of(dataset), TRUTH)
    assert not any("mask" in text for text in report.warnings)  # rounding of one grid


@pytest.mark.parametrize("beside", ["a.tfw", "a.tif.aux.xml"])
def test_files_beside_a_mask_say_where_it_is(tmp_path, any_size, beside):
    mask, transform = SAME_GROUND["south-up"]
    source = pair(tmp_path / "s", mask, None, crs=None)
    a, b, c, d, e, f = tuple(transform)[:6]
    text = f"{a}\n{d}\n{b}\n{e}\n{c + (a + b) / 2}\n{f + (d + e) / 2}\n"
    if beside.endswith("xml"):
        system = html.escape(CRS.from_string(UTM46).to_wkt())
        numbers = f"{c}, {a}, {b}, {f}, {d}, {e}"
        text = f"<PAMDataset><SRS>{system}</SRS>\n<GeoTransform> {numbers}</GeoTransform></PAMDataset>"
    (source / "masks" / beside).write_text(text)
    report, dataset = run(source, tile=32)
    np.testing.assert_array_equal(mask_of(dataset), TRUTH)
    assert any("no coordinate system" in text for text in report.warnings) == beside.endswith("tfw")


def test_a_mask_without_a_place_beside_an_image_that_is_not_north_up_is_refused(tmp_path):
    for name, transform in (("south", Affine(10, 0, X, 0, 10, Y)), ("turned", Affine(7, 7, X, 7, -7, Y))):
        with pytest.raises(DataError, match="masks/a.tif cannot be laid on .* the image does not have north up"):
            run(pair(tmp_path / name, TRUTH, None, transform, crs=None), tile=32)


# ---------------------------------------------------------------------------------------------------- the arithmetic


@st.composite
def grids(draw):
    """A grid of up to 12 x 12 pixels anywhere, in any direction."""
    turn, pixel = draw(st.floats(0, 360)), draw(st.floats(0.5, 3))
    flip = draw(st.sampled_from([1, -1]))
    place = Affine.translation(draw(st.floats(-20, 20)), draw(st.floats(-20, 20))) @ Affine.rotation(turn)
    transform = tuple(place @ Affine.scale(pixel, flip * pixel))[:6]
    return Grid(draw(st.integers(1, 12)), draw(st.integers(1, 12)), Placement(transform, None))


@settings(max_examples=80, deadline=None)
@given(grids(), grids(), st.integers(0, 2**32 - 1))
def test_each_image_pixel_takes_the_mask_pixel_that_holds_its_centre(image, mask, seed):
    values = np.random.default_rng(seed).integers(0, 2, mask.shape).astype(np.uint8)
    lies = Fit(image, mask, "place", assumed=True)
    found = lies.sample(lambda p: values[p[0] : p[0] + p[2], p[1] : p[1] + p[3]])
    back = ~Affine(*mask.place.transform) @ Affine(*image.place.transform)
    for row in range(image.height):
        for col in range(image.width):
            x, y = back @ (col + 0.5, row + 0.5)
            if min(abs(x - round(x)), abs(y - round(y))) < 1e-4:
                continue  # on an edge, by rounding
            inside = 0 <= x < mask.width and 0 <= y < mask.height
            assert found[row, col] == (values[math.floor(y), math.floor(x)] if inside else 255)
    part = (image.height // 2, image.width // 3, image.height - image.height // 2, image.width - image.width // 3)
    window = lies.sample(lambda p: values[p[0] : p[0] + p[2], p[1] : p[1] + p[3]], part)
    np.testing.assert_array_equal(window, found[part[0] :, part[1] :])


def test_a_large_mask_is_read_in_parts(monkeypatch):
    from core.data.readers.masks import placing

    values = np.random.default_rng(0).integers(0, 2, (90, 120)).astype(np.uint8)
    lies = fit(
        Grid(30, 40, Placement(tuple(at(X, Y, 3))[:6], None)),
        Grid(90, 120, Placement(tuple(at(X, Y, 1))[:6], None)),
        "m",
    )
    whole = lies.sample(lambda p: values[p[0] : p[0] + p[2], p[1] : p[1] + p[3]])
    monkeypatch.setattr(placing, "MOST_AT_ONCE", 200)
    sizes = []

    def read(part):
        sizes.append(part[2] * part[3])
        return values[part[0] : part[0] + part[2], part[1] : part[1] + part[3]]

    np.testing.assert_array_equal(lies.sample(read), whole)
    np.testing.assert_array_equal(whole, values[1::3, 1::3])
    assert max(sizes) <= 200 and len(sizes) > 30


# -------------------------------------------------------------------------------------------- pictures without a place


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_pillow_does(orientation):
    values = np.arange(24, dtype=np.uint8).reshape(4, 6)
    exif = Image.Exif()
    exif[EXIF] = orientation
    image = Image.fromarray(values)
    image.getexif()[EXIF] = orientation
    np.testing.assert_array_equal(turned(values, orientation), np.asarray(ImageOps.exif_transpose(image)))


def pictures(root, image, mask, image_turn=1, mask_turn=1):
    """A folder of one picture and its mask, each stored with an EXIF orientation."""
    for folder, pixels, turn in (("img", image, image_turn), ("m", mask, mask_turn)):
        (root / folder).mkdir(parents=True)
        exif = Image.Exif()
        exif[EXIF] = turn
        Image.fromarray(pixels).save(root / folder / "a.png", exif=exif)
    report = returned(ingest("folders", root / "img", root / "o.h5", ReaderOptions(masks=root / "m")))
    return report, open_dataset(report.dataset)


def test_exif_turns_of_image_and_mask(tmp_path):
    image = np.random.default_rng(0).integers(1, 255, (24, 40, 3)).astype(np.uint8)
    truth = np.zeros((24, 40), np.uint8)
    truth[2:9, 3:20] = 255
    seen = turned(truth, 6) > 0  # as the turned picture shows it
    for name, mask, mask_turn in (("both", truth, 6), ("as seen", np.ascontiguousarray(turned(truth, 6)), 1)):
        report, dataset = pictures(tmp_path / name, image, mask, 6, mask_turn)
        assert dataset.shape == (3, 40, 24) and not any("EXIF" in text for text in report.warnings)
        np.testing.assert_array_equal(dataset.masks()[0], seen)
    report, dataset = pictures(tmp_path / "as stored", image, truth, 6)
    np.testing.assert_array_equal(dataset.masks()[0], seen)
    assert any("were turned as that of their images says" in text for text in report.warnings)
    for turn, side in ((3, 40), (6, 24)):  # a half turn, or a square: both ways fit
        with pytest.raises(DataError, match=f"mask m/a.png cannot be laid.*orientation {turn}.*both ways fit"):
            pictures(tmp_path / f"open {turn}", image[:, :side], truth[:, :side], turn)


def test_sides_without_a_place_must_be_whole_multiples():
    image = Grid(32, 48)
    values = np.arange(32 * 48).reshape(32, 48) % 2 + np.zeros((32, 48), np.uint8)
    assert fit(image, Grid(32, 48), "m").how == "same"
    double = values.repeat(2, 0).repeat(2, 1).astype(np.uint8)
    lies = fit(image, Grid(64, 96), "m")
    found = lies.sample(lambda p: double[p[0] : p[0] + p[2], p[1] : p[1] + p[3]])
    np.testing.assert_array_equal(found, values)
    half = fit(image, Grid(16, 24), "m")
    small = np.random.default_rng(0).integers(0, 2, (16, 24)).astype(np.uint8)
    found = half.sample(lambda p: small[p[0] : p[0] + p[2], p[1] : p[1] + p[3]])
    np.testing.assert_array_equal(found, small.repeat(2, 0).repeat(2, 1))
    for other in (Grid(31, 48), Grid(64, 48), Grid(48, 32), Grid(33, 49)):
        with pytest.raises(FormatError, match="The mask m has .*whole multiple.*") as told:
            fit(image, other, "m")
        assert ("may be exchanged" in str(told.value)) == (other.shape == (48, 32))
