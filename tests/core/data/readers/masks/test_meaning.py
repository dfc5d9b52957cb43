"""What in masks means landslide: read where it is certain, refused or told of where it is not (issue 13, K2)."""

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from core.data.readers import ReaderOptions, ingest
from core.data.readers.base import Aside
from core.data.readers.masks.files import FileMask
from core.data.readers.masks.meaning import Meaning, decide
from core.data.readers.masks.raw import Raw, from_array
from core.data.readers.masks.survey import Found
from core.data.store import open_dataset
from core.errors import ConfigError, DataError, FormatError
from tests.builders import returned
from tests.core.data.readers.geo.test_raster import UTM46, at, numbers, opened, write

TRUTH = np.zeros((32, 32), bool)
TRUTH[4:20, 6:22] = True
GREEN, RED, BLACK, WHITE = (0, 120, 0), (255, 0, 0), (0, 0, 0), (255, 255, 255)


class Stored:
    """A mask in memory, as a reader would find it."""

    windowed = False

    def __init__(self, raw, file="masks/a"):
        self.file, self._raw = file, raw

    def shape(self):
        return self._raw.values.shape

    def raw(self, part=None):
        return self._raw

    def stamp(self):
        return ""


def meaning_of(*raws, **options):
    """(meaning, warnings) of masks, arrays or Raw."""
    found, aside = Found(), Aside()
    for raw in raws:
        found.add(Stored(raw if isinstance(raw, Raw) else from_array(np.asarray(raw), "masks/a")))
    return decide(found, ReaderOptions(**options), aside), aside.warnings


def painted(slide, rest):
    """(32, 32, 3) of two colours."""
    return np.where(TRUTH[..., None], np.uint8(slide), np.uint8(rest))


# ------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("slide", [True, 1, 255, 65_535, -1, 0.7])
def test_0_and_one_other_value_are_certain_whatever_their_type(slide):
    kind = bool if slide is True else np.float32 if slide == 0.7 else np.int32
    mask = np.where(TRUTH, slide, 0).astype(kind)
    meaning, warnings = meaning_of(mask, np.zeros((32, 32), kind))
    assert warnings == []
    np.testing.assert_array_equal(meaning.read(from_array(mask, "m")), TRUTH)


@pytest.mark.parametrize("tag", [255, 2])
def test_a_nodata_tag_is_unknown_and_never_landslide(tag):
    values = np.where(TRUTH, 1, 0).astype(np.uint8)
    values[:, :3] = tag
    raw = Raw(values, unseen=values == tag)
    meaning, warnings = meaning_of(raw)
    read = meaning.read(raw)
    assert warnings == [] and (read[:, :3] == 255).all()
    np.testing.assert_array_equal(read[:, 3:], TRUTH[:, 3:])


def test_nan_is_the_background_where_nothing_else_is_and_otherwise_unknown():
    alone, beside = np.where(TRUTH, 1.0, np.nan), np.where(TRUTH, 1.0, 0.0)
    meaning, warnings = meaning_of(alone, np.full((32, 32), np.nan))
    assert warnings == []
    np.testing.assert_array_equal(meaning.read(from_array(alone, "m")), TRUTH)
    beside[0] = np.nan
    meaning, warnings = meaning_of(beside)
    assert warnings == [] and (meaning.read(from_array(beside, "m"))[0] == 255).all()


def test_a_tag_is_the_background_where_no_mask_says_no_landslide_and_it_is_told():
    raw = Raw(np.where(TRUTH, 1, 15).astype(np.uint8), unseen=~TRUTH)
    meaning, warnings = meaning_of(raw)
    np.testing.assert_array_equal(meaning.read(raw), TRUTH)
    assert len(warnings) == 1 and "nodata" in warnings[0]


def test_several_classes_are_listed_once_with_their_shares():
    mask = np.where(TRUTH, 1.0, np.nan)
    mask[0], mask[1] = 0, 2
    _, warnings = meaning_of(mask, mask)
    shares = [n / (256 + 64) for n in (256, 32)]
    assert warnings[0] == (
        f"Masks hold the values 1 ({shares[0]:.1%}), 2 ({shares[1]:.1%}); all of them were taken for landslide. Say "
        "--mask-value V if only one is."
    )
    assert meaning_of(mask, mask_value=2)[0] == Meaning(equals=2.0)


@pytest.mark.parametrize("values", [(1, 2), (-1, 1), (-9999, 0, 1)])
def test_values_that_leave_it_open_are_refused_naming_the_option(values):
    mask = np.resize(np.array(values), (8, 8))
    with pytest.raises(FormatError, match="--mask-value"):
        meaning_of(mask)
    assert meaning_of(mask, mask_value=1)[0].read(from_array(mask, "m")).sum() == (mask == 1).sum()


def test_probabilities_are_refused_until_a_bound_is_said():
    shares = np.linspace(0, 0.98, 1024).reshape(32, 32)
    for scale, options in ((1, {}), (100, {"told": "share of 100"}), (255, {"told": "share of 255"})):
        mask = (shares * scale).astype(np.float32)
        with pytest.raises(FormatError, match="different values from 0 to .*--mask-at-least"):
            meaning_of(mask)
        meaning, warnings = meaning_of(mask, mask_at_least=0.5)
        np.testing.assert_array_equal(meaning.read(from_array(mask, "m")), mask >= 0.5 * scale)
        assert [options["told"] in text for text in warnings] == ([True] if options else [])
    assert meaning_of(np.uint8(100 * shares), mask_at_least=50)[0] == Meaning(at_least=50.0)
    assert meaning_of(shares * 1.0205, mask_at_least=0.5)[0] == Meaning(at_least=0.5)  # up to 1.0001


def test_shades_at_edges_only_are_cut_in_the_middle_and_told():
    small = Image.fromarray(np.uint8(255 * TRUTH))
    mask = np.asarray(small.resize((128, 128), Image.Resampling.BICUBIC))
    meaning, warnings = meaning_of(mask)
    assert meaning.at_least == 127.5 and "shades between 0 and 255" in warnings[0]
    assert abs(meaning.read(from_array(mask, "m")).mean() - TRUTH.mean()) < 0.005


def test_numbers_of_single_landslides_are_one_bound_away():
    mask = np.arange(1024).reshape(32, 32) // 20
    with pytest.raises(FormatError, match="a number of its own, --mask-at-least 1"):
        meaning_of(mask)
    np.testing.assert_array_equal(meaning_of(mask, mask_at_least=1)[0].read(from_array(mask, "m")), mask >= 1)


def test_inverted_masks_and_empty_ones_are_told_of():
    inverted = np.uint8(255 * ~TRUTH)
    _, warnings = meaning_of(inverted)
    assert warnings == [
        "The 1 masks call 75.0% of all their pixels landslide. If they are inverted, say --mask-value 0."
    ]
    np.testing.assert_array_equal(meaning_of(inverted, mask_value=0)[0].read(from_array(inverted, "m")), TRUTH)
    assert "2 masks are empty" in meaning_of(np.zeros((4, 4)), np.zeros((4, 4)))[1][0]
    with pytest.raises(FormatError, match=r"No mask holds 3.*they hold 0 \(25.0%\), 255 \(75.0%\)"):
        meaning_of(inverted, mask_value=3)


# ------------------------------------------------------------------------------------------------------- colours


def test_one_colour_on_black_is_certain_and_others_are_asked_for():
    black = from_array(painted(RED, BLACK), "m")
    meaning, warnings = meaning_of(black, np.zeros((32, 32, 3), np.uint8))
    np.testing.assert_array_equal(meaning.read(black), TRUTH)
    assert warnings == []
    for rest in (GREEN, WHITE):
        coloured = from_array(painted(RED, rest), "m")
        with pytest.raises(FormatError, match=r"colours #.*75.0%.*#ff0000 \(25.0%\).*--mask-value '#"):
            meaning_of(coloured)
        for name in ("#ff0000", "255,0,0", "red", "(255, 0, 0)"):
            np.testing.assert_array_equal(meaning_of(coloured, mask_value=name)[0].read(coloured), TRUTH)
        with pytest.raises(FormatError, match="in colours .*--mask-value 1 is a number"):
            meaning_of(coloured, mask_value=1)
    three = painted(RED, BLACK)
    three[0] = GREEN
    with pytest.raises(FormatError, match="#00.*Say which one is landslide"):
        meaning_of(from_array(three, "m"))


def test_grey_in_colours_is_numbers_also_beside_masks_of_bytes():
    grey, plain = from_array(painted(WHITE, BLACK), "m"), from_array(np.uint8(255 * TRUTH), "m")
    for raws in ((grey,), (grey, plain)):
        meaning, warnings = meaning_of(*raws)
        assert warnings == [] and all(np.array_equal(meaning.read(raw), TRUTH) for raw in raws)
    mixed = meaning_of(from_array(painted(RED, BLACK), "m"), np.zeros((32, 32), np.uint8))[0]
    assert mixed.colour == 0xFF0000 and not mixed.read(from_array(np.zeros((4, 4), np.uint8), "m")).any()


@pytest.mark.parametrize("value", ["reddish", "300,0,0", "1,2"])
def test_what_is_neither_a_value_nor_a_colour_is_told(value):
    with pytest.raises(ConfigError, match="mask_value|--mask-value"):
        ReaderOptions(mask_value=value)
    with pytest.raises(ConfigError, match="exclude each other"):
        ReaderOptions(mask_value=1, mask_at_least=0.5)


# --------------------------------------------------------------------------------------------------------- files


def read(path, **options):
    found, aside, mask = Found(), Aside(), FileMask(path, f"masks/{path.name}")
    found.add(mask)
    meaning = decide(found, ReaderOptions(**options), aside)
    return meaning.read(mask.raw()), aside.warnings


def saved(tmp_path, name, pixels, **how):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(tmp_path / name, **how)
    return tmp_path / name


def test_pictures_of_every_kind_are_masks(tmp_path):
    bits, grey = TRUTH.astype(np.uint8), np.uint8(255 * TRUTH)
    files = {
        "bits.png": TRUTH, "bits.tif": TRUTH, "ones.png": bits, "ones.bmp": grey, "deep.png": np.uint16(700 * TRUTH),
        "float.tif": TRUTH.astype(np.float32), "rgb.png": painted(WHITE, BLACK), "rgb.tif": painted(RED, BLACK),
        "rgba.png": np.dstack([painted(WHITE, BLACK), np.full((32, 32), 255, np.uint8)]),
    }  # fmt: skip
    for name, pixels in files.items():
        found, warnings = read(saved(tmp_path, name, pixels))
        np.testing.assert_array_equal(found, TRUTH, err_msg=name)
        assert warnings == [], name


@pytest.mark.parametrize("bits", [1, 8])
def test_numbers_count_in_a_file_whose_0_is_white_and_it_is_told(tmp_path, bits):
    write(tmp_path / "w.tif", (TRUTH * np.uint8(1 if bits == 1 else 255))[None], photometric="MINISWHITE", nbits=bits)
    found, warnings = read(tmp_path / "w.tif")
    np.testing.assert_array_equal(found, TRUTH)
    assert warnings[0].startswith("1 masks say that their 0 is shown white (masks/w.tif)")
    found, warnings = read(tmp_path / "w.tif", mask_value=0)
    np.testing.assert_array_equal(found, ~TRUTH)
    tifffile.imwrite(tmp_path / "t.tif", TRUTH)  # which writes booleans so
    np.testing.assert_array_equal(read(tmp_path / "t.tif")[0], TRUTH)


def test_palettes_are_read_where_index_and_colour_agree_and_asked_for_where_not(tmp_path):
    picture = Image.fromarray(TRUTH.astype(np.uint8))
    picture = picture.convert("P")
    picture.putpalette([*BLACK, 128, 0, 0])
    np.testing.assert_array_equal(read(saved(tmp_path, "voc.png", picture))[0], TRUTH)
    picture.putpalette([*GREEN, *RED])
    path = saved(tmp_path, "green.png", picture)
    with pytest.raises(FormatError, match="colours"):
        read(path)
    for value in ("1", "red"):
        np.testing.assert_array_equal(read(path, mask_value=value)[0], TRUTH)
    picture.putpalette([*RED, *BLACK])  # the index says the one, the colour the other
    with pytest.raises(FormatError, match="--mask-value"):
        read(saved(tmp_path, "odd.png", picture))


def test_a_raster_with_a_palette_is_read_by_its_numbers_or_by_a_colour(tmp_path):
    with opened(
        tmp_path / "m.tif", "w", driver="GTiff", count=1, height=32, width=32, dtype="uint8", photometric="palette"
    ) as raster:
        raster.write(TRUTH.astype(np.uint8), 1)
        raster.write_colormap(1, {0: (*GREEN, 255), 1: (*RED, 255)})
    for options in ({}, {"mask_value": 1}, {"mask_value": "red"}):
        np.testing.assert_array_equal(read(tmp_path / "m.tif", **options)[0], TRUTH)
    with pytest.raises(FormatError, match="No mask holds blue.*#007800"):
        read(tmp_path / "m.tif", mask_value="blue")


def test_transparency_is_the_mask_where_one_colour_is_left(tmp_path):
    red = np.dstack([painted(RED, RED), np.uint8(255 * TRUTH)])
    found, warnings = read(saved(tmp_path, "a.png", red))
    np.testing.assert_array_equal(found, TRUTH)
    assert "transparent but for #ff0000" in warnings[0]
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[0] = 0
    two = saved(tmp_path, "b.png", np.dstack([painted(RED, GREEN), alpha]))
    with pytest.raises(FormatError, match="transparent"):
        read(two)


def test_jpeg_is_cut_in_the_middle_and_told(tmp_path):
    for name, pixels in (("grey.jpg", np.uint8(255 * TRUTH)), ("rgb.jpg", painted(WHITE, BLACK))):
        found, warnings = read(saved(tmp_path, name, pixels, quality=60))
        np.testing.assert_array_equal(found, TRUTH)
        assert f"(masks/{name}): a pixel is landslide from 128 on" in warnings[0]
    with pytest.raises(FormatError, match="saved with a loss.*Save masks as PNG"):
        read(saved(tmp_path, "faint.jpg", np.uint8(40 * TRUTH)))
    coloured = saved(tmp_path, "red.jpg", painted(RED, GREEN), quality=95, subsampling=0)
    with pytest.raises(FormatError, match="--mask-value '#ff0000'"):
        read(coloured)
    found, warnings = read(coloured, mask_value="red")
    assert "within 64" in warnings[0] and (found != TRUTH).mean() < 0.01


def test_messages_name_the_path_of_the_mask(tmp_path):
    write(tmp_path / "two.tif", numbers(2, 8, 8))
    tifffile.imwrite(tmp_path / "pages.tif", np.zeros((2, 8, 8), np.uint8))
    np.save(tmp_path / "cube.npy", np.zeros((8, 8, 5)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    for name in ("two.tif", "pages.tif", "cube.npy", "bad.png"):
        with pytest.raises(FormatError, match=f"masks/{name}"):
            read(tmp_path / name)


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 1), (1, 32, 32), (1, 32, 32, 1)])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32])
def test_arrays_of_a_mask_in_every_shape_and_type(tmp_path, shape, kind):
    np.save(tmp_path / "m.npy", TRUTH.reshape(shape).astype(kind))
    mask = FileMask(tmp_path / "m.npy", "m.npy")
    assert mask.shape() == (32, 32)
    np.testing.assert_array_equal(read(tmp_path / "m.npy")[0], TRUTH)


# ------------------------------------------------------------------------------------- through every reader


def run(format, source, **options):
    report = returned(ingest(format, source, source.parent / "out.h5", ReaderOptions(**options)))
    return report, open_dataset(report.dataset)


def sources(root, mask):
    """The same four patches, two with a landslide, for each reader of masks. mask: what is saved of (32, 32)."""
    empty = np.zeros_like(TRUTH)
    truths = [TRUTH, empty, TRUTH, empty]
    rng = np.random.default_rng(0)
    for i, truth in enumerate(truths):
        picture, bands = rng.integers(1, 255, (32, 32, 3)).astype(np.uint8), numbers(4, 32, 32, seed=i)
        for folder in ("folders/img", "folders/m", "cas/P/img", "cas/P/mask", "npy/img", "npy/m"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(root / f"folders/img/P{i}.png")
        Image.fromarray(picture).save(root / f"cas/P/img/P{i}.png")
        Image.fromarray(mask(truth)).save(root / f"folders/m/P{i}.png")
        Image.fromarray(mask(truth)).save(root / f"cas/P/mask/P{i}.png")
        np.save(root / f"npy/img/P{i}.npy", bands.transpose(1, 2, 0))
        np.save(root / f"npy/m/P{i}.npy", mask(truth))
        write(root / f"geotiff/images/P{i}.tif", bands, crs=UTM46, transform=at(500_000 + 1000 * i, 2_500_000))
        (root / "geotiff/masks").mkdir(exist_ok=True)
        Image.fromarray(mask(truth)).save(root / f"geotiff/masks/P{i}.tif")
        for folder, key, values in (("img", "img", numbers(14, 32, 32, seed=i)), ("mask", "mask", mask(truth)[None])):
            path = root / f"l4s/{folder}/{'image' if folder == 'img' else 'mask'}_{i}.h5"
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(path, "w") as file:
                file[key] = values.transpose(1, 2, 0) if folder == "img" else values[0]
    with h5py.File(root / "all.h5", "w") as file:
        file["images"] = np.stack([numbers(4, 32, 32, seed=i) for i in range(4)])
        file["masks"] = np.stack([mask(truth) for truth in truths])
    return {
        "folders": ("folders", root / "folders/img", {"masks": root / "folders/m"}),
        "npy": ("folders", root / "npy/img", {"masks": root / "npy/m"}),
        "cas": ("cas", root / "cas", {}),
        "geotiff": ("geotiff", root / "geotiff", {}),
        "landslide4sense": ("landslide4sense", root / "l4s", {}),
        "hdf5": ("hdf5", root / "all.h5", {}),
    }


def test_one_meaning_in_every_reader(tmp_path):
    for name, (format, source, options) in sources(tmp_path, lambda truth: np.uint8(100 * truth + 50)).items():
        with pytest.raises(DataError, match=r"values 50 \(87.5%\), 150 \(12.5%\), among them no 0.*--mask-value"):
            run(format, source, **options)
        for said in ({"mask_value": 150}, {"mask_at_least": 150}):
            _, dataset = run(format, source, **options, **said)
            assert sorted(dataset.labels.tolist()) == [0, 0, 1, 1], name
            for label, mask in zip(dataset.labels, dataset.masks(), strict=True):
                np.testing.assert_array_equal(mask, TRUTH if label else 0 * TRUTH, err_msg=name)


def test_a_patch_whose_mask_is_mostly_unknown_is_unlabelled_and_counted(tmp_path):
    for i, n_unseen in enumerate((0, 3, 16)):  # columns of 32
        mask = np.zeros((1, 32, 32), np.uint8)
        mask[..., :n_unseen] = 255
        place = dict(crs=UTM46, transform=at(500_000 + 1000 * i, 2_500_000))
        write(tmp_path / f"s/images/a{i}.tif", numbers(4, 32, 32, seed=i), **place)
        write(tmp_path / f"s/masks/a{i}.tif", mask, nodata=255, **place)
    report, dataset = run("geotiff", tmp_path / "s")
    assert dataset.labels.tolist() == [0, 0, -1] and not dataset.masks().any()
    assert any(text.startswith("1 patch is unlabelled: a mask that does not say") for text in report.warnings)
    np.testing.assert_allclose(dataset.columns["mask_unknown_fraction"], [np.nan, 3 / 32, 0.5], rtol=1e-4)
