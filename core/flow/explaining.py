"""Maps, Grad-CAM and band occlusion of a trained run, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluate.judge import HeadJudgement
from core.explain.bands.replacements import choose_donors
from core.explain.cam.gradcam import gradcam, suited_method
from core.explain.cam.group_means import silence
from core.flow.embedding_map import draw_fold
from core.flow.plan import Plan
from core.predict.fold_model import FoldModel
from core.predict.perturbed_model import FoldBands, Patches, occlude_patches

SHARED_OUT = "mean"  # what replaces groups of bands whose drop is shared out in every run


def draw_map(plan: Plan, fold: int) -> None:
    """The map of one fold, learnt on its training part, with each head's boundary and how faithful it is."""
    plan.run.write_umap(fold, *draw_fold(plan.run, fold, plan.config.embed, plan.config.seed))


@dataclass(frozen=True)
class Explained:
    """Grad-CAM and occlusion of one fold's validation part: ids and fold, maps (n, h, w), layer, method, occlusion."""

    index: pd.DataFrame
    maps: np.ndarray
    layer: str
    method: str
    occlusion: pd.DataFrame
    band_groups: pd.DataFrame


def explain_fold(plan: Plan, judged: dict[str, HeadJudgement], fold: int) -> Explained:
    """Grad-CAM and band occlusion of the patches that this fold's network has not seen."""
    val = plan.folds.val(fold)
    model = FoldModel.load(plan.run, fold, plan.device)
    patches = model.normaliser.transform(plan.images[val])
    explain = plan.config.explain
    method = explain.method
    if method == "auto":
        method = suited_method(model.network, patches, plan.device, explain.min_map)
    maps, layer = gradcam(model.network, patches, plan.device, explain.min_map, method=method)
    index = pd.DataFrame({"id": plan.dataset.ids[val], "fold": fold})
    return Explained(index, maps, layer, method, *_occlusion(plan, judged, model, val))


def save_explanations(plan: Plan, folds: Sequence[Explained]) -> None:
    """Write what :func:`explain_fold` found, all folds together."""
    index = pd.concat([one.index for one in folds], ignore_index=True).assign(row=lambda t: np.arange(len(t)))
    maps = np.concatenate([one.maps for one in folds])
    card = {"layer": folds[0].layer, "target": plan.dataset.positive, "head": "fc", "size": list(maps.shape[1:])}
    card |= {"method": folds[0].method, "silent": silence(maps)}
    plan.run.write_cams(index, maps, card)
    plan.run.write_occlusion(pd.concat([one.occlusion for one in folds], ignore_index=True))
    groups = [one.band_groups for one in folds if len(one.band_groups)]
    if groups:
        plan.run.write_band_groups(pd.concat(groups, ignore_index=True))


def _occlusion(
    plan: Plan, judged: dict[str, HeadJudgement], model: FoldModel, val: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every patch without each band, and the Shapley values of the groups of bands on landslides."""
    rules = {name: head.rule for name, head in judged.items()}
    view = FoldBands.of(model, rules, plan.config.heads.headline(judged))
    facts = pd.DataFrame({"id": plan.dataset.ids[val], "label": plan.labels[val], "fold": model.fold})
    images, baselines = plan.images[val], plan.config.explain.occlusion_baselines
    donors = (
        images[choose_donors(plan.labels[val], plan.labels[val], plan.config.seed)] if "swap" in baselines else images
    )
    patches = Patches(facts, images, donors, plan.config.seed)
    bands = [occlude_patches(view, patches, baseline)[0] for baseline in baselines]
    landslides = patches.at(np.flatnonzero(plan.labels[val] == 1))
    groups = occlude_patches(view, landslides, SHARED_OUT, view.groups if len(landslides.facts) else (), bands=False)
    return pd.concat(bands, ignore_index=True), groups[1]
