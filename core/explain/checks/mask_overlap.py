"""Do attention maps lie on the landslides that were outlined? Pointing game, energy inside, overlap; against chance.

Raw maps and the masks of the same patches give one row a patch, and each measure's mean with its interval beside what
chance would give.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.explain.cam.overlay import constant_maps, dead_maps, scale_maps, upsample_maps
from core.stats.grouped_means import Mean, greater_than_zero, mean_of

THRESHOLD = 0.5  # of a map's own peak: what lies above is "where it looks" for the overlap
MEASURES = ("pointing", "energy", "iou")
SHARE = (0.0, 1.0)


def mask_agreement(maps: np.ndarray, masks: np.ndarray, threshold: float = THRESHOLD) -> pd.DataFrame:
    """One row a patch: pointing, energy, iou, each with chance_; mask_share; maps (N, h, w) raw, masks (N, H, W) 0/1.

    pointing: 1 where the centre of the map's highest cell lies in the mask; chance: the mask's share of the patch,
    which is what a random point hits. energy: share of the map inside the mask; chance: the same share. iou: of the
    mask and the pixels at ``threshold`` of the map's peak or above; chance: what as many random pixels would have. A
    dead or constant map points nowhere: 0 everywhere. Rows without any mask are nan.
    """
    size = masks.shape[1:]
    inside = np.asarray(masks) > 0
    silent = dead_maps(maps) | constant_maps(maps)
    drawn = upsample_maps(scale_maps(maps), size)  # (N, H, W)
    drawn[silent] = 0.0
    n, pixels = len(drawn), size[0] * size[1]
    flat, flat_inside = drawn.reshape(n, -1), inside.reshape(n, -1)
    peak = flat.max(axis=1, initial=0.0)
    share = flat_inside.mean(axis=1) if n else np.empty(0)
    hot = (flat >= threshold * peak[:, None]) & (peak > 0)[:, None]
    both, hot_share = (hot & flat_inside).sum(axis=1), hot.sum(axis=1) / pixels
    total = flat.sum(axis=1)
    expected = hot_share * share
    table = pd.DataFrame(
        {
            "pointing": inside[(np.arange(n), *_points(maps, size))] & ~silent,
            "energy": np.divide((flat * flat_inside).sum(axis=1), total, out=np.zeros(n), where=total > 0),
            "iou": both / np.maximum((hot | flat_inside).sum(axis=1), 1),
            "chance_pointing": share,
            "chance_energy": share,
            "chance_iou": expected / np.maximum(hot_share + share - expected, 1e-12),
            "mask_share": share,
            "silent": silent,
        }
    ).astype({"pointing": float})
    table.loc[share == 0, [*MEASURES, *(f"chance_{name}" for name in MEASURES)]] = np.nan
    return table


def _points(maps: np.ndarray, size_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column in pixels of the centre of each map's highest cell.

    Not of the highest pixel of the drawn map: drawing lowers a peak inside the patch, but not one at its border.
    """
    cells = np.unravel_index(np.nan_to_num(maps).reshape(len(maps), -1).argmax(axis=1), maps.shape[1:])
    rows, columns = (
        ((cell + 0.5) * side / n).astype(int) for cell, side, n in zip(cells, size_hw, maps.shape[1:], strict=True)
    )
    return rows, columns


def summarise_agreement(table: pd.DataFrame, groups: np.ndarray | None = None) -> dict[str, dict]:
    """By measure: ``found``, ``chance`` and ``gain`` (their difference), each with interval, and p of the gain."""
    summary: dict[str, dict] = {}
    for name in MEASURES:
        found, chance = table[name].to_numpy(float), table[f"chance_{name}"].to_numpy(float)
        means: dict[str, Mean] = {
            "found": mean_of(found, groups, SHARE),
            "chance": mean_of(chance, groups, SHARE),
            "gain": mean_of(found - chance, groups),
        }
        summary[name] = {key: mean.to_dict() for key, mean in means.items()}
        summary[name]["p"] = greater_than_zero(found - chance, groups)
    return summary
