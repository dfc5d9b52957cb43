"""Maps, Grad-CAM and band occlusion of a trained run, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.evaluate.judge import HeadJudgement
from core.explain.bands.replacements import choose_donors
from core.explain.cam.gradcam import gradcam, suited_method
from core.explain.cam.group_means import silence
from core.flow.embedding_map import draw_fold
from core.flow.run_context import RunContext
from core.predict.fold_model import FoldModel
from core.predict.perturbed_model import Patches, PerturbedModel, occlude_patches

SHARED_OUT = "mean"  # what replaces groups of bands whose drop is shared out in every run


def draw_map(context: RunContext, fold: int) -> None:
    """The map of one fold, learnt on its training part, with each head's boundary and how faithful it is."""
    context.run.write_umap(fold, *draw_fold(context.run, fold, context.config.embed, context.config.seed))


@dataclass(frozen=True)
class Explained:
    """Grad-CAM and occlusion of one fold's validation part: ids and fold, maps (n, h, w), layer, method, occlusion.

    maps, layer and method are None for a table of columns, which has nowhere to look.
    """

    index: pd.DataFrame
    maps: np.ndarray | None
    layer: str | None
    method: str | None
    occlusion: pd.DataFrame
    band_groups: pd.DataFrame


def explain_fold(context: RunContext, judged: dict[str, HeadJudgement], fold: int) -> Explained:
    """Grad-CAM and band occlusion of the patches that this fold's network has not seen."""
    val = context.folds.val(fold)
    model = FoldModel.load(context.run, fold, context.device)
    patches = model.normaliser.transform(context.images[val])
    explain = context.config.explain
    index = pd.DataFrame({"id": context.dataset.ids[val], "fold": fold})
    if not context.dataset.has_pictures:
        return Explained(index, None, None, None, *_occlusion(context, judged, model, val))
    method = explain.method
    if method == "auto":
        method = suited_method(model.network, patches, context.device, explain.min_map)
    maps, layer = gradcam(model.network, patches, context.device, explain.min_map, method=method)
    return Explained(index, maps, layer, method, *_occlusion(context, judged, model, val))


def save_explanations(context: RunContext, folds: Sequence[Explained]) -> None:
    """Write what :func:`explain_fold` found, all folds together."""
    if context.dataset.has_pictures:
        _save_maps(context, folds)
    context.run.write_occlusion(pd.concat([one.occlusion for one in folds], ignore_index=True))
    groups = [one.band_groups for one in folds if len(one.band_groups)]
    if groups:
        context.run.write_band_groups(pd.concat(groups, ignore_index=True))


def _save_maps(context: RunContext, folds: Sequence[Explained]) -> None:
    index = pd.concat([one.index for one in folds], ignore_index=True).assign(row=lambda t: np.arange(len(t)))
    maps = np.concatenate([one.maps for one in folds])
    first, size = folds[0], list(maps.shape[1:])
    card: dict[str, Any] = {"layer": first.layer, "target": context.dataset.positive, "head": "fc", "size": size}
    card |= {"method": first.method, "silent": silence(maps)}
    context.run.write_cams(index, maps, card)


def _occlusion(
    context: RunContext, judged: dict[str, HeadJudgement], model: FoldModel, val: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every patch without each band, and the Shapley values of the groups of bands on landslides."""
    rules = {name: head.rule for name, head in judged.items()}
    view = PerturbedModel.of(model, rules, context.config.heads.headline(judged))
    facts = pd.DataFrame({"id": context.dataset.ids[val], "label": context.labels[val], "fold": model.fold})
    images, baselines = context.images[val], context.config.explain.occlusion_baselines
    donors = (
        images[choose_donors(context.labels[val], context.labels[val], context.config.seed)]
        if "swap" in baselines
        else images
    )
    patches = Patches(facts, images, donors, context.config.seed)
    bands = [occlude_patches(view, patches, baseline)[0] for baseline in baselines]
    landslides = patches.at(np.flatnonzero(context.labels[val] == 1))
    groups = occlude_patches(view, landslides, SHARED_OUT, view.groups if len(landslides.facts) else (), bands=False)
    return pd.concat(bands, ignore_index=True), groups[1]
