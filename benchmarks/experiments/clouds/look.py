"""What the cloud network of ukis-csmask says of real patches and scenes, as figures and as a picture.

    python -m benchmarks.experiments.clouds.look DATA --picture docs/clouds.jpg --out benchmarks/results/clouds.json

DATA: the folder of real data. The 20 real Landslide4Sense patches, in DN by their authors' means, as Level-1C; the 16
real Sentinel-2 tiles of Chittagong as Level-2A; each at 30 m and at 10 m. The scene of Hokkaido has no near infrared,
so that the program refuses it: here it is looked at with two stand-ins, the red band itself (as over bare ground, snow
and cloud) and a reflectance of at least 0.22 (as over forest).
"""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import numpy as np
import rasterio
from PIL import Image

from benchmarks.report import circumstances, keep, parser
from core.data.bands import LANDSLIDE4SENSE_BANDS
from core.data.clouds.network import CLOUD, SHADOW, UNSEEN, CloudNetwork
from core.data.clouds.reflectance import NEEDED, coarser, factors

COLOURS = {CLOUD: (255, 70, 70), SHADOW: (70, 120, 255)}
SHOWN = ("img/image_2", "img/image_1")  # a patch with clouds, and one with bare landslides and roofs


def answered(network: CloudNetwork, image: np.ndarray, step: int) -> np.ndarray:
    """(4, H, W) reflectance -> (H, W) classes, asked in pixels of ``step`` times the size."""
    classes = network.classes(coarser(image, step)[0])
    fine = classes.repeat(step, 0).repeat(step, 1)[: image.shape[1], : image.shape[2]]
    return np.where(np.isfinite(image).all(axis=0), fine, UNSEEN)


def shares(classes: np.ndarray, on: np.ndarray | None = None) -> dict[str, float | None]:
    """Shares of cloud and shadow of what was seen; on: (H, W) bool, only there."""
    seen = classes[(classes != UNSEEN) if on is None else on & (classes != UNSEEN)]
    return {word: round(float((seen == kind).mean()), 4) if seen.size else None
            for word, kind in (("cloud", CLOUD), ("shadow", SHADOW))}  # fmt: skip


def landslide4sense(root: Path) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Name -> (4, 128, 128) reflectance, and the mask of landslides where there is one."""
    names = [band.name for band in LANDSLIDE4SENSE_BANDS]
    scale, rows = factors(LANDSLIDE4SENSE_BANDS, "")[:, None, None], [names.index(name) for name in NEEDED]
    found = {}
    labelled = root / "landslide4sense-h5-labelled-2"
    for path in [*sorted((root / "landslide4sense-h5-samples").glob("*.h5")), *sorted(labelled.glob("[iu]*/*.h5"))]:
        with h5py.File(path) as file:
            image = file["img"][()].transpose(2, 0, 1)[rows] * scale
        mask, beside = None, labelled / "mask" / path.name.replace("image", "mask")
        if path.parent.name == "img" and beside.exists():
            with h5py.File(beside) as file:
                mask = file["mask"][()].astype(bool)
        found[f"{path.parent.name}/{path.stem}"] = (image.astype(np.float32), mask)
    return found


def rgb(image: np.ndarray, white: float = 0.3) -> np.ndarray:
    """(4, H, W) reflectance -> (H, W, 3) bytes."""
    return (np.clip(np.nan_to_num(image[[2, 1, 0]]) / white, 0, 1) ** 0.7 * 255).astype(np.uint8).transpose(1, 2, 0)


def over(image: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The picture with clouds in red and shadows in blue."""
    out = rgb(image).astype(float)
    for kind, colour in COLOURS.items():
        out[classes == kind] = 0.45 * out[classes == kind] + 0.55 * np.array(colour)
    return out.astype(np.uint8)


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("data", type=Path)
    options.add_argument("--picture", type=Path)
    given = options.parse_args()
    level_1, level_2 = CloudNetwork("l1c"), CloudNetwork("l2a")
    patches, strips = {}, []
    began, n = time.monotonic(), 0
    for name, (image, mask) in landslide4sense(given.data).items():
        coarse, fine = answered(level_1, image, 3), answered(level_1, image, 1)
        n += 2
        patches[name] = {"at_30_m": shares(coarse), "at_10_m": shares(fine)}
        if mask is not None:
            patches[name]["on_the_landslides_at_30_m"] = shares(coarse, mask)
            patches[name]["on_the_landslides_at_10_m"] = shares(fine, mask)
        if name in SHOWN:
            strips.append(np.hstack([rgb(image), over(image, coarse), over(image, fine)]))
    each = (time.monotonic() - began) / n
    tiles = {}
    for path in sorted((given.data / "chittagong-s2-4band" / "raw" / "images").glob("*.tif")):
        with rasterio.open(path) as file:
            image = file.read().astype(np.float32)[[2, 1, 0, 3]] / 1e4
        image[:, (image == 0).all(axis=0)] = np.nan
        tiles[path.stem] = shares(answered(level_2, image, 3))
    scenes, wide = {}, []
    for when in ("pre", "post"):
        with rasterio.open(given.data / "hokkaido-2018-s2-scene" / f"{when}_event_rgb.tif") as file:
            image = file.read().astype(np.float32)
        image[:, (image == -9999).any(axis=0)] = np.nan
        image = image[[2, 1, 0]] / 1e4
        for what, nir in (("red", image[2]), ("at least 0.22", np.maximum(image[2], 0.22))):
            whole = np.concatenate([image, nir[None]])
            classes = answered(level_2, whole, 3)
            scenes[f"{when}-event, near infrared as {what}"] = shares(classes)
            if what == "red":
                wide.append(np.hstack([rgb(whole), over(whole, classes)]))
    if given.picture:
        _picture(given.picture, strips, wide)
    result = {
        "benchmark": "ukis-csmask on real Sentinel-2 patches and scenes",
        "landslide4sense_level_1c": patches, "chittagong_level_2a": tiles, "hokkaido_without_near_infrared": scenes,
        "seconds_per_input": round(each, 2), **circumstances("numpy", "onnxruntime", "ukis-csmask"),
    }  # fmt: skip
    keep(result, given.out)


def _picture(path: Path, strips: list[np.ndarray], wide: list[np.ndarray]) -> None:
    """Two patches in rows (as it is, at 30 m, at 10 m), beneath them the scene before and after."""
    width = 1152
    small = [Image.fromarray(row).resize((width, width // 3), Image.Resampling.LANCZOS) for row in strips]
    large = [Image.fromarray(row) for row in wide]
    large = [one.resize((width, one.height * width // one.width), Image.Resampling.LANCZOS) for one in large]
    whole = Image.new("RGB", (width, sum(one.height + 4 for one in (*small, *large)) - 4), "white")
    top = 0
    for one in (*small, *large):
        whole.paste(one, (0, top))
        top += one.height + 4
    whole.save(path, quality=85)


if __name__ == "__main__":
    main()
