"""One patch from a picture file (PNG, JPEG, BMP, GIF, TIFF), its header judged before it is decoded.

Pixels are (C, H, W) uint8, rotated as the EXIF tag says. Refused is what has no certain meaning as reflectance: CMYK,
transparency, more than 8 bits, several frames.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from core.errors import DataError, FormatError, UnsafeFileError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF")  # no other decoder of Pillow's is ever tried
MAX_PIXELS = 4096 * 4096  # of a patch; Pillow alone would decode eleven times that
_ORIENTATION = 0x0112  # EXIF tag
TURNED = (5, 6, 7, 8)  # its values that exchange width and height
_BANDS = {"1": 1, "L": 1, "LA": 1, "P": 3, "PA": 3, "RGB": 3, "RGBA": 3, "RGBX": 3}
_REFUSED = {
    "CMYK": "is in CMYK, a printer's colours, which have no certain red, green and blue. Save it as RGB.",
    "I;16": "has 16 bits a channel. Save it with 8 bits, or the numbers as .npy (H, W, C).",
    "F": "holds floating point values. Save them as .npy (H, W, C).",
}


def image_shape(path: Path) -> tuple[int, int, int]:
    """(C, H, W) that :func:`read_image` will give, from the file's header.

    Raises UnsafeFileError for a picture of too many pixels, FormatError for what cannot be read rightly.
    """
    with opened(path) as image:
        return _BANDS[image.mode], *_seen_size(image)


def read_image(path: Path) -> np.ndarray:
    """(C, H, W) uint8: red, green, blue, or one grey band. Raises as ``image_shape``, and for transparent pixels."""
    with opened(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode in ("P", "PA") or "transparency" in image.info:
            image = image.convert("LA" if image.mode in ("1", "L") else "RGBA")
        if image.mode in ("RGBA", "LA"):
            if np.asarray(image.getchannel("A")).min() < 255:
                raise FormatError(f"{path.name} has transparent pixels, whose values mean nothing. Save it without.")
            image = image.convert(image.mode[:-1])
        pixels = np.asarray(image.convert("L" if image.mode == "1" else image.mode), np.uint8)
        if image.mode == "RGBX":
            pixels = pixels[..., :3]
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def picture_size(path: Path) -> tuple[int, int]:
    """(H, W) of a picture, also of a mask, as it is seen. Raises as ``image_shape``."""
    with opened(path, also=("I;16", "I;16B", "I", "F")) as image:
        return _seen_size(image)


def orientation(path: Path) -> int:
    """How the EXIF tag of a picture turns it, 1 to 8; 1: not at all, also where there is no such tag."""
    try:
        with opened(path, also=("I;16", "I;16B", "I", "F")) as image:
            found = image.getexif().get(_ORIENTATION, 1)
    except DataError:
        return 1  # told where it is read
    return found if found in range(1, 9) else 1


def _seen_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    # Pillow turns TIFFs by itself, and gives their size as turned.
    if image.format != "TIFF" and image.getexif().get(_ORIENTATION) in TURNED:
        width, height = height, width
    return height, width


@contextmanager
def opened(path: Path, also: tuple[str, ...] = ()) -> Iterator[Image.Image]:
    """The picture, its header judged; ``also`` are modes to accept besides. Raises as ``image_shape``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of big pictures and odd tags; we judge the size ourselves
            # A file and no name: Pillow maps a named TIFF into memory with the sides it has after its turn.
            with open(path, "rb") as file, Image.open(file, formats=FORMATS) as image:
                _check(image, path, also)
                yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise UnsafeFileError(_too_large(path)) from error
    except Exception as error:  # decoders of strangers' files fail in many ways; each means: cannot be read
        raise FormatError(f"{path.name} cannot be read as a picture ({_plain(error, path)}).") from error


def _check(image: Image.Image, path: Path, also: tuple[str, ...]) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnsafeFileError(_too_large(path))
    if (n_frames := getattr(image, "n_frames", 1)) > 1:
        raise FormatError(f"{path.name} has {n_frames} frames; a patch has one. Save the right one by itself.")
    if image.mode in also:
        return
    reason = _REFUSED.get("I;16" if image.mode.startswith("I") or _is_deep_png(path, image) else image.mode)
    if reason or image.mode not in _BANDS:
        raise FormatError(f"{path.name} {reason or f'has the colour mode {image.mode}. Save it as RGB.'}")


def _is_deep_png(path: Path, image: Image.Image) -> bool:
    """Whether a PNG has 16 bits a channel, which Pillow cuts to 8 in colour pictures without saying so."""
    if image.format != "PNG":
        return False
    with open(path, "rb") as file:
        return file.read(25)[-1:] == b"\x10"  # signature 8, length 4, IHDR 4, width 4, height 4, then the bit depth


def _too_large(path: Path) -> str:
    return f"{path.name} has more than {MAX_PIXELS / 1e6:.0f} million pixels. Cut the scene into patches first."


def _plain(error: Exception, path: Path) -> str:
    text = " ".join(str(error).replace(str(path), path.name).split())
    return text[:120].rstrip(". ") or type(error).__name__
