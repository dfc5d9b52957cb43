"""Attention maps of a finished run on request: all its patches at another layer, method or class; or one patch at once.

For all patches as a job, whose maps are kept beside the run's own; for one patch by every method. Every patch is shown
to the network of the fold that has not seen it. Nothing is trained.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from core.analyses.base import Analysis, Options
from core.errors import ConfigError, LandslideLensError, RunError
from core.progress import Progress, Steps
from core.runs.store import RunFolder

if TYPE_CHECKING:
    from core.predict.perturbed_model import PerturbedModel

CHUNK = 256  # patches between two reports of progress
Method = Literal["xgradcam", "gradcam", "gradcam++", "layercam"]  # those of core.explain.cam.gradcam


class MapOptions(Options):
    """Which maps are made."""

    layer: str | None = Field(None, title="Layer", description="Path of the layer; none: the run's own.")
    method: Method | None = Field(None, title="Method", description="How maps are made; none: the run's own.")
    evidence_for: Literal[1, 0, "predicted"] = Field(
        1,
        title="Evidence for",
        description="1: the positive class. 0: the other class. predicted: the class that the network predicts.",
    )

    @field_validator("evidence_for", mode="before")
    @classmethod
    def _written_numbers(cls, value: Any) -> Any:
        return int(value) if value in ("0", "1") else value


@dataclass(frozen=True)
class AttentionMaps:
    """Maps of one layer, method and class. index: id, fold, row of ``maps`` (N, h, w) float32, raw; card: their facts.

    The three are what ``RunFolder.cams`` gives of the run's own maps.
    """

    name: str
    index: pd.DataFrame
    maps: np.ndarray
    card: dict[str, Any]


@dataclass(frozen=True)
class PatchMaps:
    """One patch's raw maps (h, w) by method, at one layer; ``refused``: method -> why it gave none; seconds it took."""

    id: str
    fold: int
    layer: str
    maps: dict[str, np.ndarray]
    refused: dict[str, str]
    seconds: float


def analyse(run: RunFolder, options: MapOptions) -> Steps[dict[str, Any]]:
    """Make maps of every patch that the run has judged, and keep them under a name of layer, method and class.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for an unknown layer.
    """
    from core.device import choose_device
    from core.explain.cam.gradcam import gradcam
    from core.predict.fold_model import FoldModel
    from core.predict.training_dataset import training_dataset

    began = time.monotonic()
    dataset, oof, config = training_dataset(run), run.oof(), run.config()
    card, target = run.cams()[2], options.evidence_for
    method, layer = options.method or card.get("method", "gradcam"), options.layer or card["layer"]
    device = choose_device(config.device)
    made, index = [], []
    for fold in range(config.folds.n_splits):
        model = FoldModel.load(run, fold, device)
        ids = oof.loc[oof["fold"] == fold, "id"].to_numpy()
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            share = (fold + start / len(ids)) / config.folds.n_splits
            text = f"Maps of fold {fold + 1} of {config.folds.n_splits}: {start:,} of {len(ids):,} patches."
            yield Progress(share, text)
            images = dataset.images(dataset.index_of(part), model.normaliser.band_names)
            maps, _ = gradcam(
                model.network, model.normaliser.transform(images), device, config.explain.min_map, target,
                method=method, layer=layer,
            )  # fmt: skip
            made.append(maps)
            index.append(pd.DataFrame({"id": part, "fold": fold}))
    maps, table = np.concatenate(made), pd.concat(index, ignore_index=True)
    classes: dict[Any, str] = {1: dataset.positive, 0: dataset.class_names[0]}
    words = classes.get(target, "the predicted class")
    facts = {"layer": layer, "method": method, "target": words, "size": list(maps.shape[1:])}
    facts |= {"options": options.model_dump(mode="json"), "seconds": time.monotonic() - began}
    facts["made"] = datetime.now(UTC).isoformat(timespec="seconds")
    results = run.results(ANALYSIS.name).part(f"{file_name(method, layer)}_{target}")
    results.write_table("index", table.assign(row=np.arange(len(table))))
    results.write_arrays("maps", {"cams": maps.astype(np.float32)})
    results.write_json("report.json", facts)
    return {"message": f"{len(maps):,} maps by {method} at {layer}.", "maps": results.path.name}


def file_name(method: str, layer: str) -> str:
    """What results for this method and layer are kept under."""
    return f"{method.replace('+', 'p')}_{layer}"


def cards(run: RunFolder) -> dict[str, dict[str, Any]]:
    """By name: layer, method, class and the like of the maps that were made, the oldest first."""
    results = run.results(ANALYSIS.name)
    made = {name: results.part(name).json("report.json") for name in results.parts()}
    return dict(sorted(made.items(), key=lambda item: item[1].get("made", "")))


def read(run: RunFolder, name: str | None = None) -> AttentionMaps | None:
    """The maps of that name, or the newest; None before any were made. Raises RunError for a name without maps."""
    known = cards(run)
    if name is None and not known:
        return None
    name = name or list(known)[-1]
    if name not in known:
        raise RunError(f"Run '{run.name}' has no attention maps named '{name}'. Choose others.")
    results = run.results(ANALYSIS.name).part(name)
    return AttentionMaps(name, results.table("index"), results.arrays("maps")["cams"], known[name])


# ------------------------------------------------------------------------------------------------ one patch


def patch_maps(
    run: RunFolder,
    patch_id: str,
    methods: Sequence[str] | None = None,
    options: MapOptions | None = None,
    view: PerturbedModel | None = None,
) -> PatchMaps:
    """Maps of one patch by several methods, at the layer and for the class of ``options``.

    methods: those of whole runs and of pytorch-grad-cam; none: all. view: of the patch's fold, where it is loaded. A
    method that cannot be used here (no library, too many channels) stands in ``refused``. Raises RunError for a patch
    that the run has not judged, ConfigError for an unknown method or layer.
    """
    from core.explain.cam.gradcam import METHODS, gradcam
    from core.explain.cam.library import METHODS as LIBRARY
    from core.explain.cam.library import library_cam
    from core.predict.perturbed_model import PerturbedModel
    from core.predict.training_dataset import training_dataset

    began, dataset = time.monotonic(), training_dataset(run)
    methods, options = methods or tuple(LIBRARY), options or MapOptions()
    if unknown := [name for name in methods if name not in LIBRARY]:
        raise ConfigError(f"There is no attention method '{unknown[0]}'. Known: {', '.join(LIBRARY)}.")
    fold = run.fold_of(patch_id)
    view = view or PerturbedModel.open(run, fold)
    model, min_map = view.model, run.config().explain.min_map
    layer, target = options.layer or run.cams()[2]["layer"], options.evidence_for
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


def on_patch(run: RunFolder, request: Mapping[str, Any], models: Any) -> dict[str, Any]:
    """:class:`PatchMaps` as plain values. request: ``patch`` (its id), ``methods`` (none: all) and ``options``."""
    patch_id = str(request["patch"])
    options = ANALYSIS.options(request.get("options"))
    view = models.view(run, run.fold_of(patch_id))
    return vars(patch_maps(run, patch_id, request.get("methods"), options, view)).copy()


ANALYSIS = Analysis(
    name="attention_maps",
    title="Attention maps",
    summary="Attention maps of every patch at another layer, by another method or for another class.",
    page="explain",
    view="where",
    Options=MapOptions,
    run=analyse,
    read=read,
    on_patch=on_patch,
)
