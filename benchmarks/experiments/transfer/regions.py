"""What a score is worth in another region: the same recipe with random, grouped, block and leave-one-region-out folds.

    python -m benchmarks.experiments.transfer.regions join L4S.h5 BIJIE.h5 CHITTAGONG.h5 --joined REGIONS.h5
    python -m benchmarks.experiments.transfer.regions sen12 s1dsc_patches.csv.gz --joined SEN12.h5
    python -m benchmarks.experiments.transfer.regions judge REGIONS.h5 SEN12.h5 \\
        --joined-of L4S.h5 BIJIE.h5 CHITTAGONG.h5 --out benchmarks/results/regions.json

join: red, green and blue of three sets as one dataset of 8-bit pictures with a column ``source``. Pictures that are
8-bit already stay as they are; DN are stretched by one range a band for the whole set, from its 2nd to its 98th
percentile. sen12: the Sentinel-1 and elevation statistics of Sen12Landslides' patches as a dataset of columns, with
places and the column ``inventory``; a landslide is any annotated pixel.

judge: an RBF-SVM (C 1, standardised on the training part of its fold, not tuned) on band statistics, and for pictures
on the features of EfficientNet-Lite0 with packaged weights at 128 px (fixed numbers, nothing is learnt). Calibration
and threshold of a fold are learnt from the other folds. Intervals: 95 % bootstrap over whole groups, which says nothing
of regions that are not there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep
from core.analyses.splitting.protocols import ANALYSIS, judged, sentence
from core.config import FoldsConfig
from core.data.bands import RGB_BANDS, Band
from core.data.leakage.footprints import HEIGHT, WIDTH
from core.data.leakage.split_audit import leaks_of
from core.data.store import DatasetWriter, open_dataset
from core.data.store.dataset import Dataset
from core.progress import Progress, drain

PATCH_M = 1280.0  # of Sen12Landslides: 128 pixels of 10 m
PERCENTILES = (2.0, 98.0)
BATCH = 256
DIGITS = 4


def bytes_of(data: Dataset) -> np.ndarray:
    """(N, 3, H, W) float32 in 0-255: as they are, or stretched by one range a band for the whole set."""
    images = data.images(bands=("red", "green", "blue"))
    if all(band.unit == "0-255" for band in data.bands[:3]):
        return images
    low, high = np.nanpercentile(images, PERCENTILES, axis=(0, 2, 3))[:, :, None, None]
    return np.clip(np.rint(255 * (images - low) / (high - low)), 0, 255).astype(np.float32)


def join(paths: list[Path], to: Path) -> None:
    """Write the sets as one; ids and groups carry the name of their set."""
    sets = [open_dataset(path) for path in paths]
    with DatasetWriter(
        to, bands=RGB_BANDS, shape_hw=sets[0].shape[1:], class_names=("non_landslide", "landslide"),
        source="; ".join(data.source for data in sets),
    ) as writer:  # fmt: skip
        for data in sets:
            images, name = bytes_of(data), data.name
            groups = data.ids if data.groups is None else data.groups
            for start in range(0, len(data), BATCH):
                part = slice(start, start + BATCH)
                writer.append(
                    images[part], data.labels[part], [f"{name}/{one}" for one in data.ids[part]],
                    [f"{name}/{one}" for one in groups[part]],
                    columns={"source": [name] * len(images[part])},
                )  # fmt: skip
        writer.finish()


def sen12(path: Path, to: Path) -> None:
    """Write the patches that have statistics as a dataset of columns with places."""
    table = pd.read_csv(path).dropna(subset=["VV_mean", "VH_mean", "DEM_mean"]).reset_index(drop=True)
    names = [f"{of}_{what}" for of in ("VV", "VH", "DEM") for what in ("mean", "std", "min", "max", "p1", "p99")]
    values = table[names].to_numpy(np.float32)
    for k in range(12):  # power of VV and VH: of the order of decades
        values[:, k] = 10 * np.log10(np.maximum(values[:, k], 1e-5))
    bands = tuple(Band(name, name) for name in names)
    with DatasetWriter(
        to, bands=bands, shape_hw=(1, 1), class_names=("none", "landslide"), source="Sen12Landslides, CC BY 4.0"
    ) as writer:  # fmt: skip
        writer.append(
            values[:, :, None, None], (table["annotated_pixels"] > 0).to_numpy(np.int8), table["patch_id"].tolist(),
            lonlat=table[["lon", "lat"]].to_numpy(),
            columns={
                "inventory": table["inventory"].tolist(),
                WIDTH: np.full(len(table), PATCH_M), HEIGHT: np.full(len(table), PATCH_M),
            },
        )  # fmt: skip
        writer.finish()


def pairs_of(data: Dataset, parts: list[Path]) -> pd.DataFrame:
    """Pairs of patches of one ground; of a joined dataset those within each of its ``parts``."""
    if "source" not in data.columns or not parts:
        return drain(leaks_of(data), _tell).pairs
    found = []
    for path in parts:
        part = open_dataset(path)
        pairs = drain(leaks_of(part), _tell).pairs
        found.append(pairs.assign(**{key: f"{part.name}/" + pairs[key].astype(str) for key in ("a", "b")}))
    return pd.concat(found, ignore_index=True)


def judge(data: Dataset, recipe: str, draws: int, parts: list[Path]) -> dict:
    """The report on a dataset with one recipe."""
    began = time.monotonic()
    pairs = pairs_of(data, parts)
    options = ANALYSIS.options({"recipe": recipe, "draws": draws})
    report = drain(judged(data, data.labels, data.bands, FoldsConfig(), pairs, options), _tell)
    report |= {"dataset": data.name, "content_hash": data.content_hash, "positive": data.positive}
    report |= {"sentence": sentence(report), "sentence_f1": sentence(report, "f1")}
    return report | {"options": options.model_dump(mode="json"), "seconds": round(time.monotonic() - began, 1)}


def _tell(progress: Progress) -> None:
    print(f"{progress.share:.0%} {progress.message}", flush=True)


def _by_name(report: dict) -> dict:
    """Ways and their regions by their names."""
    ways = [row | {"regions": {one["name"]: one for one in row.get("regions", [])}} for row in report["ways"]]
    return report | {"ways": {row["name"]: row for row in ways}}


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    if isinstance(value, float | np.floating):
        return round(float(value), DIGITS) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("what", choices=("join", "sen12", "judge"))
    made.add_argument("files", type=Path, nargs="+")
    made.add_argument("--joined", type=Path, help="the dataset file that is written")
    made.add_argument("--out", type=Path, help="where to write the result as JSON")
    made.add_argument("--joined-of", type=Path, nargs="*", default=[], help="the sets that a joined one is made of")
    made.add_argument("--recipes", nargs="*", default=["statistics", "packaged"])
    made.add_argument("--draws", type=int, default=1, help="of random, grouped and block folds")
    given = made.parse_args()
    if given.what == "join":
        join(given.files, given.joined)
    elif given.what == "sen12":
        sen12(given.files[0], given.joined)
    else:
        sets, reports = [open_dataset(path) for path in given.files], {}
        for recipe in given.recipes:
            for data in sets:
                if recipe == "packaged" and not data.has_pictures:
                    continue
                reports[f"{data.name}, {recipe}"] = _rounded(
                    _by_name(judge(data, recipe, given.draws, given.joined_of))
                )
                result = {
                    "benchmark": "ways of splitting", "reports": reports,
                    **circumstances("numpy", "scikit-learn", "torch", "timm"),
                }  # fmt: skip
                keep(result, given.out)


if __name__ == "__main__":
    main()
