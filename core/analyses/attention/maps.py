"""Attention maps of a finished run on demand: all its patches at another layer, method or class, or one patch at once.

Comes in: a finished run and its dataset. Goes out: maps in the run folder beside the run's own, or one patch's maps by
several methods. Every patch is looked at by the fold's network that has not seen it. It wires stages, as
``core.analyses.attention.checks`` does, and trains nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from core.device import choose_device
from core.errors import ConfigError, LandslideLensError, RunError
from core.explain.cam.gradcam import METHODS, Target, gradcam
from core.explain.cam.library import METHODS as LIBRARY
from core.explain.cam.library import library_cam
from core.predict.fold_model import FoldModel
from core.predict.perturbed_model import PerturbedModel
from core.predict.training_dataset import training_dataset
from core.progress import Progress
from core.runs.store import RunFolder

CHUNK = 256  # patches drawn between two reports of progress


@dataclass(frozen=True)
class MapOptions:
    """What is drawn. layer, method: none takes the run's own. target: 1 (the positive class), 0, or "predicted"."""

    layer: str | None = None
    method: str | None = None
    target: Target = 1


@dataclass(frozen=True)
class PatchMaps:
    """One patch's raw maps (h, w) by method, of one layer; ``refused``: method -> why it gave none; seconds it took."""

    id: str
    fold: int
    layer: str
    maps: dict[str, np.ndarray]
    refused: dict[str, str]
    seconds: float


def draw_maps(run: RunFolder, options: MapOptions | None = None, device: Any | None = None) -> Iterator[Progress]:
    """Maps of every judged patch, kept as ``RunFolder.attention_map``; the last step has their name.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for an unknown layer, method
    or class.
    """
    options, began = options or MapOptions(), time.monotonic()
    dataset, oof, config = training_dataset(run), run.oof(), run.config()
    card = run.cams()[2]
    method, layer = options.method or card.get("method", "gradcam"), options.layer or card["layer"]
    target = checked_target(options.target)
    device = choose_device(config.device) if device is None else device
    found, index = [], []
    for fold in range(config.folds.n_splits):
        model = FoldModel.load(run, fold, device)
        ids = oof.loc[oof["fold"] == fold, "id"].to_numpy()
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            share = (fold + start / len(ids)) / config.folds.n_splits
            text = f"Maps of fold {fold + 1} of {config.folds.n_splits}: {start:,} of {len(ids):,}."
            yield Progress(share, text)
            images = dataset.images(dataset.index_of(part), model.normaliser.band_names)
            maps, _ = gradcam(
                model.network, model.normaliser.transform(images), device, config.explain.min_map, target,
                method=method, layer=layer,
            )  # fmt: skip
            found.append(maps)
            index.append(pd.DataFrame({"id": part, "fold": fold}))
    maps, table = np.concatenate(found), pd.concat(index, ignore_index=True)
    words = {1: dataset.positive, 0: dataset.class_names[0]}.get(target, "the class that the network calls")
    facts = {"layer": layer, "method": method, "target": words, "size": list(maps.shape[1:])}
    facts |= {"options": asdict(options), "seconds": time.monotonic() - began}
    facts["made"] = datetime.now(UTC).isoformat(timespec="seconds")
    name = f"{method.replace('+', 'p')}_{layer}_{target}"
    name = run.write_attention_map(name, table.assign(row=np.arange(len(table))), maps, facts)
    return {"message": f"{len(maps):,} maps by {method} at {layer}."} | {"maps": name}


def patch_maps(
    run: RunFolder,
    patch_id: str,
    methods: Sequence[str] = METHODS,
    layer: str | None = None,
    target: Target = 1,
    view: PerturbedModel | None = None,
) -> PatchMaps:
    """One patch by several methods (``METHODS``, and pytorch-grad-cam's); view: of its fold, where it is loaded.

    A method that cannot be had here (no library, too many channels) is told in ``refused``. Raises RunError for a patch
    that the run has not judged, ConfigError for an unknown method, layer or class.
    """
    began, dataset, target = time.monotonic(), training_dataset(run), checked_target(target)
    if unknown := [name for name in methods if name not in LIBRARY]:
        raise ConfigError(f"There is no attention method '{unknown[0]}'. Known: {', '.join(LIBRARY)}.")
    fold = fold_of(run, patch_id)
    view = view or PerturbedModel.open(run, fold)
    model, min_map = view.model, run.config().explain.min_map
    layer = layer or run.cams()[2]["layer"]
    raw = dataset.images(dataset.index_of([patch_id]), model.normaliser.band_names)
    image = model.normaliser.transform(raw)
    maps, refused = {}, {}
    for method in methods:
        try:
            if method in METHODS:
                maps[method] = gradcam(
                    model.network, image, model.device, min_map, target, method=method, layer=layer
                )[0][0]  # fmt: skip
            else:
                maps[method] = library_cam(model.network, image[0], method, model.device, min_map, target, layer)[0]
        except LandslideLensError as error:
            if method in METHODS:
                raise
            refused[method] = str(error)
    return PatchMaps(patch_id, fold, layer, maps, refused, time.monotonic() - began)


def fold_of(run: RunFolder, patch_id: str) -> int:
    """The fold whose network has not seen this patch. Raises RunError for one that the run has not judged."""
    oof = run.oof()
    mine = oof.loc[oof["id"].astype(str) == patch_id, "fold"]
    if mine.empty or int(mine.iloc[0]) < 0:
        raise RunError(f"Run '{run.name}' has not judged a patch named '{patch_id}'. Choose one of its own.")
    return int(mine.iloc[0])


def checked_target(target: Any) -> Target:
    """The class as ``gradcam`` takes it. Raises ConfigError for another."""
    if target not in (0, 1, "predicted"):
        raise ConfigError(f"'{target}' names no class. Choose 1 (the positive class), 0 or predicted.")
    return target
