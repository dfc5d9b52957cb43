"""One fold's patches as its network sees them, and what the sanity checks measure on their maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core.data.store import Dataset
from core.explain.checks import group_tests, position
from core.explain.checks.mask_overlap import mask_agreement

if TYPE_CHECKING:
    from core.predict.fold_model import FoldModel


class FoldMaps:
    """One fold's patches as its network sees them: ``facts`` (their rows), ``images`` normalised, ``maps`` raw."""

    def __init__(
        self,
        model: FoldModel,
        dataset: Dataset,
        facts: pd.DataFrame,
        method: str,
        layer: str,
        min_map: int,
        device: Any,
    ):
        self.model, self.facts, self.method, self.min_map, self.device = model, facts, method, min_map, device
        self.rows = dataset.index_of(facts["id"])
        raw = dataset.images(self.rows, bands=model.normaliser.band_names)
        self.images = model.normaliser.transform(raw)
        self.layer = layer
        self.maps = self.maps_of(self.images)

    def maps_of(self, images: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w) of normalised patches."""
        from core.explain.cam.gradcam import gradcam

        maps, _ = gradcam(self.model.network, images, self.device, self.min_map, method=self.method, layer=self.layer)
        return maps


def sample(facts: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """Rows of at most n patches that are labelled or predicted landslide, drawn at random, in their order."""
    able = np.flatnonzero(facts["outcome"] != "tn")
    return np.sort(np.random.default_rng(seed).permutation(able)[:n])


def measure_all(view: FoldMaps, dataset: Dataset) -> pd.DataFrame:
    """The cheap measures, of every patch: attention by place, and on its mask where it has one."""
    table = view.facts[["id", "fold", "group", "label", "outcome"]].reset_index(drop=True)
    table = table.join(position.place_shares(view.maps).add_prefix("place_"))
    marked = np.flatnonzero(table["label"] == 1)
    if dataset.has_masks and len(marked):
        overlap = mask_agreement(view.maps[marked], dataset.masks(view.rows[marked]))
        table = table.join(overlap.set_index(marked).add_prefix("mask_"))
    return table


def measure_sample(
    view: FoldMaps, rows: np.ndarray, seed: int, curves: list[tuple[pd.DataFrame, dict]]
) -> pd.DataFrame:
    """The costly measures, of some patches: faithfulness, and where attention goes when they are moved; by row.

    Adds to ``curves`` the patches' facts with the probabilities that the curves are means of.
    """
    from core.explain.checks.faithfulness import by_rival, faithfulness, mean_of_others

    images, maps = view.images[rows], view.maps[rows]
    scored = faithfulness(view.model.network, images, maps, mean_of_others(view.maps)[rows], view.device, seed)
    curves.append((view.facts.iloc[rows], {"before": scored.before, **scored.after}))
    columns = {"p0": scored.before}
    for name, values in scored.scores().items():  # (rivals, n)
        columns |= {f"{name}_{rival}": of for rival, of in by_rival(values).items()}
    moved = group_tests.movement(view.maps_of, images, maps)
    return pd.DataFrame(columns).join(moved).set_index(rows)


def measure_randomised(view: FoldMaps, rows: np.ndarray, seeds: int, seed: int) -> list[pd.DataFrame]:
    """Likeness of maps by stage of randomisation: one row a patch, seed and stage.

    other_ssim, other_spearman: likeness of the patch's map to those of other patches by the same, trained network.
    """
    from core.explain.checks.randomisation import cascade, likeness_to_others

    tables = []
    if not len(rows):
        return []
    other = likeness_to_others(view.maps[rows], seed)
    for draw in range(seeds):
        stages = cascade(
            view.model.network, view.images[rows], view.maps[rows], view.device, view.layer, view.min_map,
            view.method, seed=seed + draw,
        )  # fmt: skip
        for one in stages:
            facts = {"fold": view.model.fold, "seed": one.seed, "stage": one.stage, "layers": one.layers}
            values = {"id": view.facts["id"].to_numpy()[rows], "group": view.facts["group"].to_numpy()[rows]}
            tables.append(
                pd.DataFrame(
                    values
                    | {"ssim": one.ssim, "spearman": one.spearman, "other_ssim": other[0], "other_spearman": other[1]}
                ).assign(**facts)
            )
    return tables
