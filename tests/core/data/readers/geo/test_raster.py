"""GeoTIFFs read safely: judged from the header, without network, sidecars or other drivers (FAULTS 15)."""

import json
import shutil
import socket
import threading
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import rasterio
import tifffile
from affine import Affine
from PIL import Image
from rasterio.shutil import copy

from core.data.readers.files import patch_shape, read_patch
from core.data.readers.geo.raster import patch_header, raster_header, read_raster
from core.data.readers.geo.raster_values import separate_nodata
from core.errors import FormatError, UnsafeFileError

UTM46 = "EPSG:32646"


def at(x, y, pixel=10.0):
    """A transform whose upper left corner is (x, y)."""
    return Affine(pixel, 0, x, 0, -pixel, y)


@contextmanager
def opened(path, mode="r", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, mode, **options) as raster:
            yield raster


def write(path, pixels, names=(), **profile):
    """A GeoTIFF of (C, H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels)
    profile = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], **profile}
    with opened(path, "w", driver="GTiff", dtype=pixels.dtype, **profile) as raster:
        raster.write(pixels)
        for number, name in enumerate(names, 1):
            raster.set_band_description(number, name)
    return pixels


def numbers(n_bands=5, height=6, width=8, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).uniform(1, 200, (n_bands, height, width)).astype(dtype)


@contextmanager
def listening():
    """A server that counts who connects."""
    server, visits = socket.socket(), []
    server.bind(("127.0.0.1", 0))
    server.listen(8)

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            visits.append(1)
            connection.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], visits
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


# ------------------------------------------------------------------------------------------------ what is read


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("tiled", [False, True])
def test_pixels_and_windows_are_exact_in_every_type(tmp_path, dtype, tiled):
    options = {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"} if tiled else {}
    pixels = write(tmp_path / "x.tif", numbers(6, 40, 50, dtype), **options)
    header = raster_header(tmp_path / "x.tif")
    assert (header.shape, header.dtype, header.nodata, header.names) == (
        (6, 40, 50),
        np.dtype(dtype),
        None,
        (None,) * 6,
    )
    np.testing.assert_array_equal(read_raster(tmp_path / "x.tif"), pixels)
    part = read_raster(tmp_path / "x.tif", (13, 20, 17, 30))
    np.testing.assert_array_equal(part, pixels[:, 13:30, 20:50])
    assert part.dtype == dtype


def test_the_header_tells_place_system_nodata_and_names(tmp_path):
    write(
        tmp_path / "x.tif",
        numbers(3),
        ("red", "", "DEM"),
        crs=UTM46,
        transform=at(500_000, 2_500_000),
        nodata=-9999,
    )
    header = raster_header(tmp_path / "x.tif")
    assert header.transform == (10, 0, 500_000, 0, -10, 2_500_000) and "UTM zone 46N" in header.crs
    assert header.nodata == -9999 and header.names == ("red", None, "DEM") and not header.is_picture


def test_colours_name_bands_and_pictures_are_known_as_such(tmp_path):
    write(tmp_path / "rgb.tif", numbers(3, dtype=np.uint8))
    write(tmp_path / "rgba.tif", numbers(4, dtype=np.uint8))
    write(tmp_path / "five.tif", numbers(5, dtype=np.uint8), photometric="minisblack")
    assert raster_header(tmp_path / "rgb.tif").names == ("red", "green", "blue")
    rgba = raster_header(tmp_path / "rgba.tif")  # alpha is a mask and no band
    assert (rgba.names, rgba.shape[0], rgba.alpha, rgba.has_mask) == (("red", "green", "blue"), 3, 3, True)
    assert [raster_header(tmp_path / f"{n}.tif").is_picture for n in ("rgb", "rgba", "five")] == [True, True, False]


def test_a_mask_inside_the_file_hides_pixels(tmp_path):
    pixels = write(tmp_path / "x.tif", numbers(3))
    hidden = np.zeros((6, 8), bool)
    hidden[2:4, 3] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), opened(tmp_path / "x.tif", "r+") as raster:
        raster.write_mask(~hidden)
    assert raster_header(tmp_path / "x.tif").has_mask
    np.testing.assert_array_equal(read_raster(tmp_path / "x.tif"), np.where(hidden, 0, pixels))


def test_overviews_inside_the_file_are_not_pages(tmp_path):
    pixels = write(tmp_path / "x.tif", numbers(3, 64, 64, np.uint8), tiled=True, blockxsize=16, blockysize=16)
    with opened(tmp_path / "x.tif", "r+") as raster:
        raster.build_overviews([2, 4])
    with Image.open(tmp_path / "x.tif") as image:
        assert image.n_frames > 1  # what the reader of pictures sees
    assert patch_shape(tmp_path / "x.tif") == ((3, 64, 64), True)
    np.testing.assert_array_equal(read_patch(tmp_path / "x.tif"), pixels)


# ------------------------------------------------------------------------------------- axes spread over pages


def stack(path, array, description=None):
    """As tifffile writes a (pages, rows, columns) array: one page after the other, the shape as JSON in the first."""
    pages = [Image.fromarray(np.ascontiguousarray(page)) for page in array]
    text = json.dumps({"shape": list(array.shape)}) if description is None else description
    pages[0].save(path, save_all=True, append_images=pages[1:], description=text)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32"])
def test_pages_that_are_rows_or_bands_become_one_patch(tmp_path, dtype):
    pixels = numbers(5, 12, 10, dtype)
    stack(tmp_path / "hwc.tif", pixels.transpose(1, 2, 0))
    stack(tmp_path / "chw.tif", pixels)
    for name in ("hwc", "chw"):
        header = raster_header(tmp_path / f"{name}.tif")
        assert header.shape == (5, 12, 10) and header.stack is not None and header.dtype == dtype
        np.testing.assert_array_equal(read_raster(tmp_path / f"{name}.tif"), pixels)
        np.testing.assert_array_equal(read_raster(tmp_path / f"{name}.tif", (2, 3, 4, 5)), pixels[:, 2:6, 3:8])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"shape": [3, 9, 9]}', '{"shape": "x"}', "null"])
def test_pages_without_a_stated_shape_are_refused(tmp_path, text):
    stack(tmp_path / "x.tif", numbers(5, 6, 8), text)
    with pytest.raises(FormatError, match="x.tif has 5 pages and does not say that they are one patch"):
        raster_header(tmp_path / "x.tif")


def test_a_shape_that_may_be_either_order_is_refused(tmp_path):
    stack(tmp_path / "x.tif", numbers(5, 6, 5))
    with pytest.raises(FormatError, match=r"does not tell the bands"):
        raster_header(tmp_path / "x.tif")


@pytest.mark.parametrize("page", [np.zeros((6, 8), np.uint8), np.zeros((60, 80), np.float32)])
def test_a_page_of_another_kind_or_size_is_refused(tmp_path, page):
    first, later = (Image.fromarray(values) for values in (np.zeros((6, 8), np.float32), page))
    first.save(tmp_path / "x.tif", save_all=True, append_images=[later] * 2, description='{"shape": [3, 6, 8]}')
    with pytest.raises(FormatError, match="x.tif has pages of other shapes or kinds"):
        read_raster(tmp_path / "x.tif")


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.fault(15)
def test_a_vrt_renamed_tif_is_not_followed(tmp_path):
    write(tmp_path / "secret.tif", numbers(1))
    with opened(tmp_path / "secret.tif") as raster:
        copy(raster, tmp_path / "x.vrt", driver="VRT")
    shutil.move(tmp_path / "x.vrt", tmp_path / "x.tif")
    with opened(tmp_path / "x.tif") as raster:
        assert raster.driver == "VRT"  # it would be followed where no driver is named
    with pytest.raises(FormatError, match="x.tif cannot be read as a GeoTIFF"):
        raster_header(tmp_path / "x.tif")


@pytest.mark.fault(15)
@pytest.mark.parametrize("form", ["/vsicurl/http://127.0.0.1:{}/x.tif", "http://127.0.0.1:{}/x.tif", "/vsimem/{}.tif"])
def test_a_remote_path_is_refused_without_a_call(form):
    with listening() as (port, visits):
        for read in (raster_header, patch_header, read_raster):
            with pytest.raises(FormatError, match="from this machine's disks only"):
                read(form.format(port))
    assert not visits


@pytest.mark.fault(15)
def test_a_file_that_names_an_overview_elsewhere_makes_no_call(tmp_path):
    pixels = write(tmp_path / "x.tif", numbers(3, 64, 64))
    with listening() as (port, visits):
        with opened(tmp_path / "x.tif", "r+") as raster:
            raster.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/http://127.0.0.1:{port}/o.tif")
        assert b"/vsicurl/" in (tmp_path / "x.tif").read_bytes()
        assert raster_header(tmp_path / "x.tif").shape == (3, 64, 64)
        np.testing.assert_array_equal(read_raster(tmp_path / "x.tif"), pixels)
        assert not visits
        # The same file does call where nothing shuts GDAL off: the test can fail.
        with rasterio.Env(GDAL_HTTP_TIMEOUT=1, GDAL_HTTP_MAX_RETRY=0), opened(tmp_path / "x.tif") as raster:
            raster.overviews(1)
        assert visits


def test_statistics_masks_and_overviews_beside_the_file_change_nothing(tmp_path):
    pixels = write(tmp_path / "x.tif", numbers(1, 64, 64), crs=UTM46, transform=at(0, 0))
    (tmp_path / "x.tif.aux.xml").write_text(
        '<PAMDataset><SRS>EPSG:4326</SRS><PAMRasterBand band="1"><NoDataValue>7</NoDataValue></PAMRasterBand>'
        "</PAMDataset>"
    )
    write(tmp_path / "x.tif.ovr", np.zeros((1, 32, 32), np.float32))
    write(tmp_path / "x.tif.msk", np.zeros((1, 64, 64), np.uint8))
    header = raster_header(tmp_path / "x.tif")
    assert header.nodata is None and "UTM" in header.crs and not header.has_mask
    np.testing.assert_array_equal(read_raster(tmp_path / "x.tif"), pixels)


@pytest.mark.fault(15)
def test_65_000_pixels_wide_is_refused_as_a_patch_and_read_by_windows(tmp_path):
    path = tmp_path / "wide.tif"
    with opened(path, "w", driver="GTiff", width=65_000, height=300, count=1, dtype="uint8") as raster:
        raster.write(np.full((1, 10, 20), 9, np.uint8), window=((100, 110), (60_000, 60_020)))
    with pytest.raises(
        UnsafeFileError, match="wide.tif is 65000 pixels wide .* Cut the scene into tiles: ingest it with --tile"
    ):
        patch_header(path)
    assert raster_header(path).shape == (1, 300, 65_000)
    assert (read_raster(path, (100, 60_000, 10, 20)) == 9).all()


def test_a_claim_far_beyond_the_file_is_refused(tmp_path):
    path = tmp_path / "bomb.tif"
    options = dict(width=65_000, height=65_000, count=4, dtype="float64", tiled=True, sparse_ok=True)
    with opened(path, "w", driver="GTiff", blockxsize=4096, blockysize=4096, **options):
        pass
    assert path.stat().st_size < 100_000
    with pytest.raises(UnsafeFileError, match=r"claims 125.9 GiB \(65000 pixels wide, 65000 high"):
        raster_header(path)


def test_a_huge_block_is_refused(tmp_path):
    path = tmp_path / "block.tif"
    options = dict(width=9000, height=9000, count=5, dtype="uint8", tiled=True, sparse_ok=True, interleave="pixel")
    with opened(path, "w", driver="GTiff", blockxsize=8192, blockysize=8192, **options):
        pass
    with open(path, "ab") as file:
        file.write(bytes(500_000))  # so that its claim alone is believed
    with pytest.raises(UnsafeFileError, match="stored in blocks of 320 MiB"):
        raster_header(path)


@pytest.mark.parametrize("content", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"GIF89a", b"MM\0*" + b"\xff" * 60])
def test_what_is_no_tiff_is_told(tmp_path, content):
    (tmp_path / "x.tif").write_bytes(content)
    with pytest.raises(FormatError, match="x.tif (is empty|cannot be read as a GeoTIFF)"):
        raster_header(tmp_path / "x.tif")


@pytest.mark.fault(15)
def test_a_corrupt_tile_is_an_error_and_its_neighbours_are_read(tmp_path):
    pixels = write(tmp_path / "x.tif", numbers(1, 64, 64), tiled=True, blockxsize=32, blockysize=32, compress="deflate")
    content = bytearray((tmp_path / "x.tif").read_bytes())
    with opened(tmp_path / "x.tif") as raster:
        offset = int(raster.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    content[offset : offset + 200] = b"\xa5" * 200
    (tmp_path / "x.tif").write_bytes(content)
    with pytest.raises(FormatError, match="x.tif cannot be read as a GeoTIFF"):
        read_raster(tmp_path / "x.tif")
    np.testing.assert_array_equal(read_raster(tmp_path / "x.tif", (0, 0, 32, 32)), pixels[:, :32, :32])


def test_a_file_cut_short_is_an_error(tmp_path):
    write(tmp_path / "x.tif", numbers(3, 64, 64))
    (tmp_path / "x.tif").write_bytes((tmp_path / "x.tif").read_bytes()[:20_000])
    with pytest.raises(FormatError, match="x.tif cannot be read as a GeoTIFF"):
        read_raster(tmp_path / "x.tif")


def test_complex_numbers_and_windows_outside_are_told(tmp_path):
    write(tmp_path / "c.tif", np.zeros((1, 4, 4), np.complex64))
    with pytest.raises(FormatError, match="c.tif holds complex64; accepted: one type of integers or floats"):
        raster_header(tmp_path / "c.tif")
    write(tmp_path / "x.tif", numbers())
    for window in ((0, 0, 7, 8), (-1, 0, 2, 2), (0, 7, 2, 2), (0, 0, 0, 1)):
        with pytest.raises(FormatError, match="6x8 pixels and has no window"):
            read_raster(tmp_path / "x.tif", window)


# -------------------------------------------------------------------------------------------------------- nodata


def test_nodata_in_all_bands_and_in_some():
    pixels = np.array([[[1, -9, -9]], [[2, -9, 3]]], np.int16)  # the third pixel lacks one band only
    found = separate_nodata(pixels, -9, 0)
    np.testing.assert_array_equal(found, np.array([[[1, 0, np.nan]], [[2, 0, 3]]], np.float32))
    np.testing.assert_array_equal(separate_nodata(pixels, None, 0), pixels)
    np.testing.assert_array_equal(separate_nodata(np.maximum(pixels, 0), 0, 0), np.maximum(pixels, 0))
    np.testing.assert_array_equal(separate_nodata(pixels, -9, np.nan)[:, 0, 1], [np.nan, np.nan])
    assert pixels.min() == -9  # what came in is as it was


def test_a_tag_is_met_in_the_files_own_precision():
    lowest = np.finfo(np.float32).min
    pixels = np.array([[[lowest, 1]], [[lowest, 2]]], np.float32)
    assert (separate_nodata(pixels, float(f"{lowest:.8g}"), 0)[:, 0, 0] == 0).all()
    holes = np.array([[[np.nan, 1]], [[np.nan, np.nan]]], np.float32)
    np.testing.assert_array_equal(separate_nodata(holes, np.nan, 5), [[[5, 1]], [[5, np.nan]]])


def test_bytes_stay_bytes():
    pixels = np.array([[[255, 255]], [[255, 7]]], np.uint8)
    for fill in (255, np.nan):
        found = separate_nodata(pixels, 255, fill)
        assert found.dtype == np.uint8 and (found == pixels).all()


# ------------------------------------------------------------------------------------------------ the common door


def test_folders_take_numbers_from_tiffs_and_pictures_as_before(tmp_path):
    pixels = numbers(7)
    pixels[:, 0, 0] = -1
    write(tmp_path / "n.tif", pixels, nodata=-1)
    assert patch_shape(tmp_path / "n.tif") == ((7, 6, 8), False)
    found = read_patch(tmp_path / "n.tif")
    assert np.isnan(found[:, 0, 0]).all()
    np.testing.assert_array_equal(found[:, 1:], pixels[:, 1:])
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).convert("CMYK").save(tmp_path / "cmyk.tif")
    with pytest.raises(FormatError, match="CMYK"):
        patch_shape(tmp_path / "cmyk.tif")
    clear = np.full((4, 6, 8), 9, np.uint8)
    clear[3] = 0
    write(tmp_path / "clear.tif", clear)
    with pytest.raises(FormatError, match="transparent"):
        read_patch(tmp_path / "clear.tif")


def test_channels_of_imagej_are_bands(tmp_path):
    pixels = numbers(4, 6, 8)
    for name, options in (
        ("i.tif", {"imagej": True, "metadata": {"axes": "CYX"}}),
        ("t.tif", {"photometric": "minisblack"}),
    ):
        tifffile.imwrite(tmp_path / name, pixels, **options)
        assert patch_shape(tmp_path / name) == ((4, 6, 8), False)
        np.testing.assert_array_equal(read_patch(tmp_path / name), pixels)
    tifffile.imwrite(tmp_path / "time.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(FormatError, match="4 frames|4 pages"):
        patch_shape(tmp_path / "time.tif")
