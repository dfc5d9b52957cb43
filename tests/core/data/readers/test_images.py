"""Pictures: read rightly or refused with the reason (FAULTS 16)."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from core.data.readers import images
from core.data.readers.images import image_shape, picture_size, read_image
from core.errors import FormatError, UnsafeFileError

RGB = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width, height, depth, colour, rows):
    start = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return start + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.TIFF", "x.PNG"])
def test_lossless_pictures_are_read_exactly(tmp_path, name):
    Image.fromarray(RGB).save(tmp_path / name)
    np.testing.assert_array_equal(read_image(tmp_path / name), RGB.transpose(2, 0, 1))
    assert image_shape(tmp_path / name) == (3, 4, 6)


def test_jpeg_is_read_as_pillow_reads_it(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "x.jpg", quality=95)
    expected = np.asarray(Image.open(tmp_path / "x.jpg")).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_image(tmp_path / "x.jpg"), expected)


def test_palettes_become_their_colours(tmp_path):
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(tmp_path / "p.png")
    palette.save(tmp_path / "p.gif")
    for name in ("p.png", "p.gif"):
        np.testing.assert_array_equal(
            read_image(tmp_path / name), np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
        )
        assert image_shape(tmp_path / name)[0] == 3


def test_grey_and_black_and_white_are_one_band(tmp_path):
    Image.fromarray(RGB[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(RGB[..., 0] > 99).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), RGB[None, ..., 0])
    np.testing.assert_array_equal(read_image(tmp_path / "bits.png"), (RGB[None, ..., 0] > 99) * 255)


@pytest.mark.fault(16)
def test_an_opaque_alpha_is_dropped_and_a_transparent_one_refused(tmp_path):
    rgba = np.dstack([RGB, np.full((4, 6), 255, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "opaque.png")
    rgba[0, 0, 3] = 254
    Image.fromarray(rgba).save(tmp_path / "clear.png")
    Image.fromarray(RGB).save(tmp_path / "key.png", transparency=tuple(RGB[0, 0].tolist()))
    np.testing.assert_array_equal(read_image(tmp_path / "opaque.png"), RGB.transpose(2, 0, 1))
    for name in ("clear.png", "key.png"):
        with pytest.raises(FormatError, match="transparent pixels"):
            read_image(tmp_path / name)


@pytest.mark.fault(16)
@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_exif_rotation_is_applied(tmp_path, name, orientation):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8] = 255  # a white corner at the top left
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored(upright))).save(tmp_path / name, exif=exif)
    assert image_shape(tmp_path / name) == (3, 16, 32)
    found = read_image(tmp_path / name).transpose(1, 2, 0)
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() < 60


@pytest.mark.fault(16)
def test_what_has_no_certain_meaning_is_refused(tmp_path):
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.jpg")
    Image.fromarray(np.full((4, 6), 40_000, np.uint16)).save(tmp_path / "deep_grey.png")
    deep = b"".join(b"\0" + bytes(6 * 3 * 2) for _ in range(4))
    (tmp_path / "deep_rgb.png").write_bytes(raw_png(6, 4, 16, 2, deep))
    Image.fromarray(np.ones((4, 6), np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(RGB).convert("LAB").save(tmp_path / "lab.tif")
    frames = [Image.fromarray(np.roll(RGB, k, axis=0)) for k in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "pages.tif", save_all=True, append_images=frames[1:])
    for name, reason in [
        ("cmyk.jpg", "CMYK"),
        ("deep_grey.png", "16 bits"),
        ("deep_rgb.png", "16 bits"),
        ("float.tif", "floating point"),
        ("lab.tif", "colour mode LAB"),
        ("moving.gif", "3 frames"),
        ("pages.tif", "3 frames"),
    ]:
        for read in (image_shape, read_image):
            with pytest.raises(FormatError, match=reason) as caught:
                read(tmp_path / name)
            assert name in str(caught.value)


@pytest.mark.fault(16)
@pytest.mark.parametrize("side", [5_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_from_its_header(tmp_path, side):
    (tmp_path / "bomb.png").write_bytes(raw_png(side, side, 1, 0, bytes(100)))
    for read in (image_shape, read_image, picture_size):
        with pytest.raises(UnsafeFileError, match="bomb.png has more than 17 million pixels"):
            read(tmp_path / "bomb.png")


@pytest.mark.parametrize("content", [b"", b"not a picture", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(FormatError, match="x.png cannot be read as a picture"):
        read_image(tmp_path / "x.png")


def test_a_picture_cut_short_is_refused(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(
        tmp_path / "whole.png"
    )
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-3000])
    with pytest.raises(FormatError, match="cut.png cannot be read"):
        read_image(tmp_path / "cut.png")


def test_only_the_stated_decoders_are_tried():
    assert set(images.FORMATS) == {"PNG", "JPEG", "BMP", "GIF", "TIFF"}
