"""Maps, Grad-CAM and band occlusion of a trained run, fold by fold."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.evaluate.judge import Rule
from core.explain.bands.replacements import choose_donors
from core.explain.cam.gradcam import gradcam, suited_method
from core.explain.cam.group_means import silence
from core.flow.embedding_map import draw_fold
from core.flow.fold_part import prepared_elsewhere
from core.flow.run_context import RunContext
from core.parts import Part, together
from core.predict.fold_model import FoldModel
from core.predict.perturbed_model import Patches, PerturbedModel, occlude_patches
from core.progress import Progress, Steps
from core.runs.store import RunFolder

SHARED_OUT = "mean"  # what replaces groups of bands whose drop is shared out in every run
MAPS, EXPLAIN = "core.flow.explaining:draw_maps", "core.flow.explaining:explain"


def draw_and_explain(context: RunContext) -> Steps[None]:
    """Maps of all folds, and Grad-CAM and band occlusion of every patch, each by the network that has not seen it.

    Of a run that is judged. All maps are one part: loading umap-learn takes longer than drawing them.
    """
    needs = (context.run.path.resolve(), context.run.dataset_path().resolve())
    folder = {"run": str(needs[0])}
    parts = [Part("Maps of all folds", partial(draw_maps, **folder), MAPS, folder, needs)]
    folds = range(context.folds.n_splits) if context.config.explain.enabled else range(0)
    for fold in folds:
        name, here = f"Explanations of fold {fold + 1}", partial(explain_fold, context, fold)
        parts.append(Part(name, here, EXPLAIN, folder | {"fold": fold}, needs))
    yield from together(parts)
    if folds:
        _save(context)
    for fold in folds:
        context.run.forget_explained(fold)


def draw_maps(run: str) -> Steps[None]:
    """The map of each fold, learnt on its training part, with each head's boundary and how faithful it is."""
    folder = RunFolder(Path(run))
    config = folder.config()
    n_folds = config.folds.n_splits
    for fold in range(n_folds):
        at = {"stage": "mapping", "fold": fold, "n_folds": n_folds}
        yield Progress(fold / n_folds, f"Drawing the map of fold {fold + 1} of {n_folds}.", fields=at)
        folder.write_umap(fold, *draw_fold(folder, fold, config.embed, config.seed))


def explain(run: str, fold: int) -> Steps[None]:
    """:func:`explain_fold` for a run that was prepared elsewhere. Raises TrainingError as ``prepared_elsewhere``."""
    yield from explain_fold(prepared_elsewhere(RunFolder(Path(run))), fold)


def explain_fold(context: RunContext, fold: int) -> Steps[None]:
    """Grad-CAM and band occlusion of the patches that this fold's network has not seen, kept for :func:`_save`."""
    n_folds = context.folds.n_splits
    text = f"Attention maps and band occlusion of fold {fold + 1} of {n_folds}."
    yield Progress(0.0, text, "explaining", {"stage": "explaining", "fold": fold, "n_folds": n_folds})
    val = context.folds.val(fold)
    model = FoldModel.load(context.run, fold, context.device)
    arrays: dict[str, np.ndarray] = {}
    card: dict[str, Any] = {}
    if context.dataset.has_pictures:  # a table of columns has nowhere to look
        patches, explain = model.normaliser.transform(context.images[val]), context.config.explain
        method = explain.method
        if method == "auto":
            method = suited_method(model.network, patches, context.device, explain.min_map)
        maps, layer = gradcam(model.network, patches, context.device, explain.min_map, method=method)
        arrays, card = {"cams": maps}, {"layer": layer, "method": method}
    context.run.write_explained(fold, arrays, card, *_occlusion(context, model, val))


def _save(context: RunContext) -> None:
    """Write what :func:`explain_fold` found, all folds together."""
    folds = [context.run.explained(fold) for fold in range(context.folds.n_splits)]
    arrays, cards, occlusions, groups = zip(*folds, strict=True)
    if context.dataset.has_pictures:
        ids = [context.dataset.ids[context.folds.val(fold)] for fold in range(len(folds))]
        index = pd.concat([pd.DataFrame({"id": own, "fold": k}) for k, own in enumerate(ids)], ignore_index=True)
        maps = np.concatenate([one["cams"] for one in arrays])
        card = {"layer": cards[0]["layer"], "target": context.dataset.positive, "head": "fc"}
        card |= {"size": list(maps.shape[1:]), "method": cards[0]["method"], "silent": silence(maps)}
        context.run.write_cams(index.assign(row=np.arange(len(index))), maps, card)
    context.run.write_occlusion(pd.concat(occlusions, ignore_index=True))
    if some := [one for one in groups if len(one)]:
        context.run.write_band_groups(pd.concat(some, ignore_index=True))


def _occlusion(context: RunContext, model: FoldModel, val: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every patch without each band, and the Shapley values of the groups of bands on landslides."""
    rules = {name: Rule.from_dict(values) for name, values in context.run.rules().items()}
    view = PerturbedModel.of(model, rules, context.config.heads.headline(rules))
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
