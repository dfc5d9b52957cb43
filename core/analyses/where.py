"""Where in a patch a run's landslides lie, by every way that the run has, measured on the masks of held-out patches.

Every landslide with a mask is shown to the model of the fold that has not seen it. What is measured is kept with the
run: pages offer a way only where it was measured, and say how coarse it is. Nothing is trained.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.base import Analysis, Options
from core.arrays import whole_pair
from core.errors import ConfigError, RunError
from core.progress import Progress, Steps
from core.runs.store import RunFolder
from core.text import interval, interval_percent, number

VERSION = 1
CHUNK = 8  # patches between two reports of progress
EVERY = 128  # patches at a time where only the outline is asked for
READABLE = ("trusted", "careful")  # verdicts of the sanity checks with which attention maps are offered
NO_MASKS = (
    "The dataset of this run has no masks, so nothing can say where in a patch a landslide lies. Ingest it again with "
    "--masks DIR and train again."
)


class WhereOptions(Options):
    """How many landslides are looked at, and how densely."""

    patches: int = Field(
        300,
        ge=10,
        le=100_000,
        title="Landslides",
        description="Held-out landslides with a mask, over all folds, drawn at random; all where there are fewer.",
    )
    stride: int | None = Field(
        None,
        ge=1,
        le=512,
        title="Stride (pixels)",
        description="From one window, crop or hidden square to the next; none: an eighth of a patch.",
    )
    seed: int = Field(0, ge=0, title="Seed", description="Of the draw of landslides.")


@dataclass(frozen=True)
class Where:
    """report: what was measured, by way. patches: a row a landslide. maps: by way, (n, H, W) uint8, 255 is the most."""

    report: dict[str, Any]
    patches: pd.DataFrame
    maps: dict[str, np.ndarray]


def must_have_masks(run: RunFolder, options: WhereOptions) -> None:
    """Raises ConfigError for a run whose dataset has no masks."""
    from core.data.store import open_dataset

    if not open_dataset(run.dataset_path()).has_masks:
        raise ConfigError(NO_MASKS)


def analyse(run: RunFolder, options: WhereOptions) -> Steps[dict[str, Any]]:
    """Measure every way of the run; an earlier answer is replaced.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError without masks.
    """
    from core.device import choose_device
    from core.explain.checks.where import random_point, scored, summarised
    from core.predict.inside.ways import RIVALS, WAYS, centre_map, comparable
    from core.predict.training_dataset import training_dataset

    began = time.monotonic()
    dataset, config = training_dataset(run), run.config()
    if not dataset.has_masks:
        raise ConfigError(NO_MASKS)
    table, eligible = _drawn(run, dataset, options)
    device, attention = choose_device(config.device), _attention(run)
    maps: dict[str, list[np.ndarray]] = {}
    cells: dict[str, float] = {}
    kept, every = [], []
    done, n_folds = 0, config.folds.n_splits
    for fold in range(n_folds):
        rows = np.flatnonzero(table["fold"] == fold)
        if not len(rows):
            continue
        inside = _inside(run, fold, dataset.shape[1:], options.stride, attention, device)
        cells = {way: inside.cell(way) for way in inside.ways}
        places, names = dataset.index_of(table["id"].to_numpy()[rows]), inside.model.normaliser.band_names
        for start in range(0, len(rows), CHUNK):
            share = done / len(table)
            yield Progress(0.95 * share, f"Fold {fold + 1} of {n_folds}: {done} of {len(table)} landslides looked at.")
            images = dataset.images(places[start : start + CHUNK], names)
            for way in inside.ways:
                maps.setdefault(way, []).append(comparable(way, inside.maps(way, images)))
            done += len(images)
        kept.append(rows)
        if inside.model.draws_outlines:
            every.append(_all_outlines(run, dataset, inside, fold))
    order = np.concatenate(kept)
    table = table.iloc[order].reset_index(drop=True)
    masks = dataset.masks(dataset.index_of(table["id"].to_numpy()))
    joined = {way: np.concatenate(parts) for way, parts in maps.items()}
    joined["centre"] = np.repeat(centre_map(masks.shape[1:])[None].astype(np.float32), len(masks), axis=0)
    yield Progress(0.96, "Comparing the maps with the masks.")
    found = {way: scored(of_way, masks, table["fold"].to_numpy()) for way, of_way in joined.items()}
    tables = {way: one.table for way, one in found.items()} | {"random": random_point(masks)}
    groups = _groups(table)
    summary = summarised(tables, groups, tuple(RIVALS))
    ways = {
        way: summary[way]
        | {
            "title": WAYS[way].title,
            "what": WAYS[way].what,
            "cell_px": cells[way],
            "threshold": found[way].threshold,
            "thresholds": {str(fold): value for fold, value in found[way].thresholds.items()},
        }
        for way in cells
    }
    report = {
        "version": VERSION,
        "run": run.name,
        "positive": dataset.positive,
        "n": len(table),
        "n_eligible": eligible,
        "n_groups": len(table) if groups is None else int(pd.Series(groups).nunique()),
        "n_folds": n_folds,
        "mask_share": float(np.mean(masks > 0)),
        "hw": list(masks.shape[1:]),
        "pixel_m": _pixel_m(dataset),
        "head": config.heads.headline(run.rules()),
        "ways": ways,
        "rivals": {way: summary[way] | {"title": RIVALS[way]} for way in RIVALS},
        "attention": None if attention is None else {"method": attention[0], "layer": attention[1]},
        "every_patch": _every_patch(every, found["outline"].thresholds) if every else None,
        "options": options.model_dump(mode="json"),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": time.monotonic() - began,
    }
    report = _offered(run, report)
    results = run.results(NAME)
    named = [one.table.add_suffix(f"_{way}") for way, one in found.items()]
    results.write_table("patches", pd.concat([table, *named], axis=1).assign(share=tables["random"]["iou"]))
    results.write_arrays("maps", {way: np.rint(joined[way] * 255).astype(np.uint8) for way in cells})
    results.write_json("report.json", report)
    return {"message": report["message"], "best": report["best"], "n": report["n"]}


def report_of(run: RunFolder) -> dict[str, Any] | None:
    """What was measured, without the maps; None before it was."""
    results = run.results(NAME)
    report = results.json("report.json") if results.has("report.json") else None
    return _offered(run, report) if report is not None and report.get("version") == VERSION else None


def read(run: RunFolder) -> Where | None:
    """What was measured; None before it was."""
    report = report_of(run)
    results = run.results(NAME)
    return None if report is None else Where(report, results.table("patches"), dict(results.arrays("maps")))


def sentence(report: Mapping[str, Any]) -> str:
    """What a reader needs: the best way, how often it points into the landslide, and how far off it is."""
    chance = report["rivals"]["random"]["pointing"]["value"]
    if report["best"] is None:
        return (
            f"No way points into the landslide more often than a random point ({chance:.0%}) and the middle of the "
            f"patch do, for certain (n = {report['n']}): a patch is as fine as this run gets."
        )
    best = report["ways"][report["best"]]
    pointing, iou = best["pointing"], best["iou"]
    ends = interval_percent((pointing["lo"], pointing["hi"])), interval((iou["lo"], iou["hi"]), 2)
    text = (
        f"{best['title']}: the highest point lies in the landslide in {pointing['value']:.0%} ({ends[0]}) of "
        f"{report['n']} held-out landslides; a random point in {chance:.0%}. IoU {number(iou['value'], 2)} ({ends[1]})."
    )
    if best["within_px"] < 0.5:
        return text
    return f"{text} 9 in 10 highest points are within {distance(best['within_px'], report['pixel_m'])} of it."


def distance(pixels: float, pixel_m: float | None) -> str:
    """Pixels in words, with metres where the side of a pixel is known."""
    if pixels < 0.5:
        return "0 pixels"
    text = f"{pixels:.0f} {'pixel' if round(pixels) == 1 else 'pixels'}"
    return text if pixel_m is None else f"{text} ({pixels * pixel_m:.0f} m)"


# ------------------------------------------------------------------------------------------------- one patch


def on_patch(run: RunFolder, request: Mapping[str, Any], models: Any) -> dict[str, Any]:
    """``maps`` (H, W) in 0-1 by way, of one of the run's patches.

    request: ``patch`` (its id), ``ways`` (none: all that are offered).

    Raises RunError where nothing was measured, or for a way that is not offered.
    """
    from core.predict.inside.ways import comparable
    from core.predict.training_dataset import training_dataset

    report = report_of(run)
    if report is None:
        raise RunError("It was not measured yet how well this run tells where in a patch a landslide lies.")
    offered = [way for way, one in report["ways"].items() if one["offered"]]
    asked = list(request.get("ways") or offered)
    if others := [way for way in asked if way not in offered]:
        raise RunError(f"'{others[0]}' is not offered for this run. Offered: {', '.join(offered) or 'none'}.")
    patch_id, dataset = str(request["patch"]), training_dataset(run)
    fold = run.fold_of(patch_id)
    stride, attention = report["options"]["stride"], _attention(run)
    inside = _inside(run, fold, dataset.shape[1:], stride, attention, None, models.view(run, fold))
    images = dataset.images(dataset.index_of([patch_id]), inside.model.normaliser.band_names)
    return {"fold": fold, "maps": {way: comparable(way, inside.maps(way, images))[0] for way in asked}}


# ------------------------------------------------------------------------------------------------- parts


def _drawn(run: RunFolder, dataset: Any, options: WhereOptions) -> tuple[pd.DataFrame, int]:
    """The held-out landslides that are looked at, and how many there are with a mask."""
    oof = run.oof()
    slides = oof[oof["label"] == 1][["id", "fold", "group"]].reset_index(drop=True)
    rows = dataset.index_of(slides["id"].to_numpy())
    parts = np.array_split(rows, 1 + len(rows) // 512)
    has = np.concatenate([dataset.masks(part).any(axis=(1, 2)) for part in parts if len(part)] or [np.zeros(0, bool)])
    able = np.flatnonzero(has)
    if len(able) < 2:
        raise ConfigError("No landslide of this run has a mask that is not empty, so there is nothing to measure on.")
    chosen = np.sort(np.random.default_rng(options.seed).permutation(able)[: options.patches])
    return slides.iloc[chosen].reset_index(drop=True), len(able)


def _inside(
    run: RunFolder, fold: int, hw: tuple[int, int], stride: int | None, attention: Any, device: Any, view: Any = None
) -> Any:
    from core.predict.inside.ways import Inside
    from core.predict.perturbed_model import PerturbedModel

    view = view or PerturbedModel.open(run, fold, device)
    min_map = run.config().explain.min_map
    return Inside(view.model, view.rules, view.heads[-1], whole_pair(hw), stride, attention, min_map)


def _attention(run: RunFolder) -> tuple[str, str] | None:
    """Method and layer of the run's own maps; None where it has none."""
    try:
        card = run.cams()[2]
    except RunError:
        return None
    return card.get("method", "gradcam"), card["layer"]


def _verdict(run: RunFolder, attention: tuple[str, str] | None) -> str | None:
    """The word of the sanity checks on the run's own maps; None where they were not made."""
    from core.analyses.attention.checks import reports
    from core.analyses.attention.maps import file_name

    found = None if attention is None else reports(run).get(file_name(*attention))
    return None if found is None else found["verdict"]["word"]


def _offered(run: RunFolder, report: dict[str, Any]) -> dict[str, Any]:
    """The report with what is offered: attention maps as soon as their sanity checks have passed."""
    own = report["attention"]
    verdict = _verdict(run, None if own is None else (own["method"], own["layer"]))
    reasons = {way: _not_offered(way, one, verdict) for way, one in report["ways"].items()}
    ways = {way: one | {"offered": not reasons[way], "why_not": reasons[way]} for way, one in report["ways"].items()}
    able = [way for way in ways if not reasons[way]]
    best = max(able, key=lambda way: (ways[way]["iou"]["value"], ways[way]["pointing"]["value"]), default=None)
    found = {**report, "ways": ways, "best": best, "attention": own and {**own, "verdict": verdict}}
    return found | {"message": sentence(found)}


def _not_offered(way: str, summary: Mapping[str, Any], verdict: str | None) -> str:
    """Why a way is not offered; empty where it is."""
    if not summary["better"]:
        return "No better than a blind guess."
    if way == "attention" and verdict is None:
        return "Its sanity checks have not been run."
    if way == "attention" and verdict not in READABLE:
        return "Its sanity checks did not pass."
    return ""


def _all_outlines(run: RunFolder, dataset: Any, inside: Any, fold: int) -> pd.DataFrame:
    """Pixels in common and in either of the outline and the mask, at each threshold, of every held-out patch."""
    from core.explain.checks.where import overlap_counts

    oof = run.oof()
    own = oof[(oof["fold"] == fold) & (oof["label"] >= 0)][["id", "fold", "group", "label"]].reset_index(drop=True)
    rows, names, parts = dataset.index_of(own["id"].to_numpy()), inside.model.normaliser.band_names, []
    for start in range(0, len(rows), EVERY):
        part = rows[start : start + EVERY]
        maps = inside.model.outlines(dataset.images(part, names))
        parts.append(overlap_counts(maps, dataset.masks(part) > 0))
    both, either = (np.concatenate(counts) for counts in zip(*parts, strict=True))
    return own.assign(both=list(both), either=list(either))


def _every_patch(parts: list[pd.DataFrame], thresholds: Mapping[int, float]) -> dict[str, Any] | None:
    """IoU of the outline head over the pixels of all held-out patches together, other ground among them."""
    from core.explain.checks.where import THRESHOLDS, pooled_iou

    if not thresholds:
        return None
    table = pd.concat(parts, ignore_index=True)
    columns = np.array([int(np.abs(THRESHOLDS - thresholds[int(fold)]).argmin()) for fold in table["fold"]])
    at = np.arange(len(table))
    both, either = (np.stack(table[name].to_list())[at, columns] for name in ("both", "either"))
    iou = pooled_iou(both, either, _groups(table))
    return {"iou": iou.to_dict(), "n": len(table), "n_positive": int((table["label"] == 1).sum())}


def _groups(table: pd.DataFrame) -> np.ndarray | None:
    groups = table["group"].astype(str).to_numpy()
    return None if len(np.unique(groups)) == len(groups) else groups


def _pixel_m(dataset: Any) -> float | None:
    from core.predict.export.export import pixel_of

    return pixel_of(dataset)


NAME = "where"
ANALYSIS = Analysis(
    name=NAME,
    title="Where in the patch",
    summary="How well each way tells where in a patch a landslide lies, measured on the masks of held-out patches.",
    page="explain",
    view="location",
    Options=WhereOptions,
    run=analyse,
    read=read,
    on_patch=on_patch,
    check=must_have_masks,
)
