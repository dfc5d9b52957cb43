"""New patches on a fold's projection: where they fall, which training patches they are like, what each head says.

The projection itself does not move: its stored places are taken as they are.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator
from scipy.special import expit

from core.analyses.base import Analysis, Options
from core.analyses.embedding import projections
from core.config.sections import NoDataValue, names_of
from core.data import uploads
from core.data.bands import Band
from core.data.readers.base import Rejection
from core.embed.features import Metric, Preparation
from core.embed.neighbours import nearest
from core.embed.projection import fit_projection
from core.embed.tsne import between_neighbours
from core.embed.umap_projection import umap_around
from core.errors import DataError, FormatError, UnsafeFileError
from core.evaluate.calibration.fit import log_odds
from core.flow.fold_rows import fold_rows
from core.progress import Progress, Steps
from core.runs.store import RunFolder

NAME = "new_patches"
MOST = 64  # new patches at once
K_NEIGHBORS = 12
MOVED_NOTHING = "Projected with the fitted {}; the projection did not move."
BY_NEIGHBOURS = "Placed among their nearest training patches: {}"

Batches = Iterable[tuple[np.ndarray, np.ndarray]]


class NewPatchesOptions(Options):
    """Which patches, and on which projection."""

    source: str = Field(
        min_length=1, title="Source", description="A dataset file, a folder of patches, or a file of another format."
    )
    fold: int = Field(0, ge=0, title="Fold", description="Whose network embeds them, from 0.")
    projection: str = Field(
        projections.OWN, max_length=80, title="Projection", description="own: the run's; others by the key they have."
    )
    rows: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None,
        min_length=1,
        max_length=MOST,
        title="Rows",
        description=f"Rows of a dataset file, from 0; none: its first {MOST}.",
    )
    bands: tuple[str, ...] | None = Field(
        None, title="Bands", description="Names of the bands in their order, where the source does not say them."
    )
    unit: str | None = Field(
        None,
        title="Unit",
        description="Of the optical bands (DN, reflectance, 0-255) where the source does not say.",
    )
    nodata: NoDataValue = Field(
        None,
        title="No-data value",
        description="A pixel with it in all bands holds no data, where the source does not say.",
    )
    uploaded: bool = Field(
        False, title="Uploaded", description="The source is an upload, which is removed when the job has ended."
    )

    @field_validator("source")
    @classmethod
    def _whole_path(cls, value: str) -> str:
        return str(Path(value).expanduser().absolute())  # the job runs in another folder

    @field_validator("bands", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)


@dataclass(frozen=True)
class Placed:
    """New patches as one fold's network sees them.

    key: of the projection. ids: (m,). xy: (m, 2). probs: head -> (m,) in 0-1; called: head -> (m,) bool at the fold's
    threshold. index, distance: (m, k) the nearest training patches' rows and how far they are; unlike: (m,) the share
    of held-out patches that are nearer to the training part than this one is. note: how they were placed. warnings:
    what the reader warned of and what is doubtful about the values. seconds: how long it took.
    """

    fold: int
    key: str
    ids: np.ndarray
    xy: np.ndarray
    probs: dict[str, np.ndarray]
    called: dict[str, np.ndarray]
    index: np.ndarray
    distance: np.ndarray
    unlike: np.ndarray
    note: str
    seconds: float
    warnings: tuple[str, ...] = ()


def analyse(run: RunFolder, options: NewPatchesOptions) -> Steps[dict[str, Any]]:
    """Place the patches of ``options.source``; an upload is removed, however this ends.

    Raises RunError when the run has not finished, DataError for a source that is not there, UnsafeFileError for an
    upload that lies elsewhere than uploads do; and as :func:`place`.
    """
    upload = _upload(run, options) if options.uploaded else None
    try:
        run.require_finished()
        told: list[str] = []
        batches, bands = _opened(options, told)
        placed = yield from place(run, options.fold, options.projection, batches, bands, told)
    finally:
        if upload is not None:
            uploads.forget(upload)
    _write(run, options, placed)
    yield Progress(1.0, "Done.")
    message = f"{len(placed.ids)} patches placed on fold {options.fold + 1}."
    return {"message": message, "key": key_of(options), "warnings": list(placed.warnings)}


def _upload(run: RunFolder, options: NewPatchesOptions) -> Path:
    """The folder of the upload that the source lies in; nothing else is ever removed."""
    folder = uploads.folder_of(Path(options.source), run.checkpoints)
    if folder is None:
        raise UnsafeFileError(f"{Path(options.source).name} is no upload, so it is not used as one.")
    return folder


def _opened(options: NewPatchesOptions, told: list[str]) -> tuple[Batches, Sequence[Band]]:
    """Batches of (ids, raw images) of the source, and their bands. told: gets what the reader warns of."""
    from core.data.store import open_dataset
    from core.predict.sources import batches_of, patches_of
    from core.predict.values import doubts

    source = Path(options.source)
    rejected: list[Rejection] = []
    if not source.exists():
        again = "Upload it again." if options.uploaded else "Write the full path of one that is."
        raise DataError(f"{source.name} is no file or folder on this machine any more. {again}")
    if options.rows is None:
        bands, batches, _ = patches_of(source, None, options.bands, rejected, options.unit, options.nodata, told)
        return none_lost(batches, rejected), bands
    dataset = open_dataset(source)
    told += doubts(dataset)
    if max(options.rows) >= len(dataset):
        raise DataError(f"{source.name} has {len(dataset):,} patches; there is no row {max(options.rows)}, from 0.")
    return batches_of(dataset, np.array(options.rows, np.int64)), dataset.bands


def place(
    run: RunFolder, fold: int, key: str, batches: Batches, bands: Sequence[Band], told: list[str] | None = None
) -> Steps[Placed]:
    """Embed, place and answer for batches of (ids, raw images) by one fold's model; at most ``MOST`` patches.

    Patches without any data are left out. key: of the projection (``core.analyses.embedding.projections``). told: what
    was warned of so far; what is doubtful about the values is added. Raises FormatError naming missing bands, another
    unit or size, or an empty source.
    """
    from core.heads.blend import kind_of
    from core.predict.patches import Ensemble, fitting
    from core.predict.values import values_of_run, watched, with_data

    began = time.monotonic()
    yield Progress(0.05, f"Loading the network of fold {fold + 1}.")
    ensemble = Ensemble.of_folds(run, [fold])
    yield Progress(0.3, "Reading and embedding the patches.")
    told = [] if told is None else told
    fitted = fitting(run.name, batches, bands, ensemble, told)
    ids, images = with_data(*_first(watched(run.name, fitted, values_of_run(run), told)), told)
    model = ensemble.models[0]
    embedded = model.embeddings(images)
    names = [name for name in model.heads if kind_of(name) == "embeddings" and name in ensemble.rules]
    answers = model.log_odds_of({"embeddings": embedded}, names, ensemble.rules)
    limits = {name: log_odds(ensemble.rules[name].thresholds[fold], edge=1e-7) for name in names}
    yield Progress(0.5, "Placing them. UMAP is compiled first, which takes a few seconds.")
    (arrays, card), rows = projections.projection(run, fold, key), fold_rows(run, fold)
    known = run.embeddings(fold)["embeddings"]
    xy, note = _place(known, rows.train, arrays["xy"], card, embedded)
    settings = projections.settings_of(card)[0] if "settings" in card else None
    preparation = Preparation.fit(known, rows.train, settings.metric if settings else "euclidean")
    learnt = preparation.rows(known[rows.train])
    neighbours = nearest(preparation.rows(embedded), learnt, K_NEIGHBORS)
    usual = nearest(preparation.rows(known[rows.val]), learnt, 1).distance[:, 0]
    return Placed(
        fold=fold,
        key=key,
        ids=ids,
        xy=xy,
        probs={name: expit(values) for name, values in answers.items()},
        called={name: values >= limits[name] for name, values in answers.items()},
        index=rows.train[neighbours.index],
        distance=neighbours.distance,
        unlike=(usual[None, :] < neighbours.distance[:, :1]).mean(axis=1),
        note=note,
        seconds=time.monotonic() - began,
        warnings=tuple(dict.fromkeys(told)),
    )


def embeddings_on_map(run: RunFolder, fold: int, key: str, embedded: np.ndarray) -> tuple[np.ndarray, str]:
    """Places (m, 2) of embeddings (m, D) of this fold's network on one of its projections, and how they came about."""
    (arrays, card), rows = projections.projection(run, fold, key), fold_rows(run, fold)
    return _place(run.embeddings(fold)["embeddings"], rows.train, arrays["xy"], card, embedded)


def none_lost(batches: Batches, rejected: Sequence[Any]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches; raises FormatError with the reason where a file of theirs is among ``rejected``."""
    yield from batches
    if rejected:
        raise FormatError(f"{rejected[0].file}: {rejected[0].reason}")


def _first(batches: Generator) -> tuple[np.ndarray, np.ndarray]:
    """The first ``MOST`` patches."""
    ids, images, n = [], [], 0
    for some, pixels in batches:
        ids.append(some[: MOST - n])
        images.append(pixels[: MOST - n])
        n += len(ids[-1])
        if n >= MOST:
            break
    batches.close()  # what is doubtful is told at the end
    if not n:
        raise FormatError("No usable patch was found in the source. Check the file and its format.")
    return np.concatenate(ids), np.concatenate(images)


def _place(
    known: np.ndarray, train: np.ndarray, xy: np.ndarray, card: Mapping[str, Any], embedded: np.ndarray
) -> tuple[np.ndarray, str]:
    """Places (m, 2) on the projection that is shown, and a sentence on how they came about."""
    if "settings" not in card:
        why = "this projection was made by an earlier version, which kept no settings. Make it again to project them."
        return _among_neighbours(known, train, xy, "euclidean", embedded), BY_NEIGHBOURS.format(why)
    settings, seed = projections.settings_of(card)
    if card["method"] == "tsne":
        why = "t-SNE cannot project."
        return _among_neighbours(known, train, xy, settings.metric, embedded), BY_NEIGHBOURS.format(why)
    if card["method"] == "umap":
        preparation = Preparation.fit(known, train, settings.metric)
        learnt = preparation.rows(known[train])
        umap = umap_around(learnt, xy[train], settings.n_neighbors, settings.min_dist, seed)
        return umap(preparation.rows(embedded)), MOVED_NOTHING.format("UMAP")
    pca = fit_projection(known[train], np.arange(len(train)), settings.model_copy(update={"method": "pca"}), seed)
    return pca.place(embedded), MOVED_NOTHING.format("PCA")


def _among_neighbours(
    known: np.ndarray, train: np.ndarray, xy: np.ndarray, metric: Metric, embedded: np.ndarray
) -> np.ndarray:
    preparation = Preparation.fit(known, train, metric)
    return between_neighbours(preparation.rows(embedded), preparation.rows(known[train]), xy[train])


# -------------------------------------------------------------------------------------------- what is kept


def key_of(options: NewPatchesOptions | Mapping[str, Any]) -> str:
    """What the answer to these options is kept under."""
    options = NewPatchesOptions.model_validate(options)
    return hashlib.sha256(options.model_dump_json().encode()).hexdigest()[:12]


def _write(run: RunFolder, options: NewPatchesOptions, placed: Placed) -> None:
    part = run.results(NAME).part(key_of(options))
    table = pd.DataFrame({"id": placed.ids.astype(str), "x": placed.xy[:, 0], "y": placed.xy[:, 1]})
    table = table.assign(unlike=placed.unlike)
    for head, probs in placed.probs.items():
        table[f"prob_{head}"], table[f"called_{head}"] = probs, placed.called[head]
    part.write_table("patches", table)
    part.write_arrays("neighbours", {"index": placed.index, "distance": placed.distance})
    facts = {"fold": placed.fold, "projection": placed.key, "heads": list(placed.probs), "note": placed.note}
    facts |= {"seconds": placed.seconds, "made": datetime.now(UTC).isoformat(timespec="seconds")}
    facts |= {"warnings": list(placed.warnings)}
    part.write_json("report.json", facts | {"options": options.model_dump(mode="json")})


def read_placed(run: RunFolder, key: str) -> Placed:
    """One answer. Raises RunError where there is none."""
    part = run.results(NAME).part(key)
    facts, table, neighbours = part.json("report.json"), part.table("patches"), part.arrays("neighbours")
    return Placed(
        fold=facts["fold"],
        key=facts["projection"],
        ids=table["id"].to_numpy(),
        xy=table[["x", "y"]].to_numpy(),
        probs={head: table[f"prob_{head}"].to_numpy() for head in facts["heads"]},
        called={head: table[f"called_{head}"].to_numpy() for head in facts["heads"]},
        index=neighbours["index"],
        distance=neighbours["distance"],
        unlike=table["unlike"].to_numpy(),
        note=facts["note"],
        seconds=facts["seconds"],
        warnings=tuple(facts.get("warnings", ())),
    )


def read(run: RunFolder) -> dict[str, Placed] | None:
    """Every answer by its key, or None before the first."""
    return {key: read_placed(run, key) for key in run.results(NAME).parts()} or None


ANALYSIS = Analysis(
    name=NAME,
    title="New patches",
    summary="Where patches from elsewhere fall on a fold's projection, what they are like and what each head says.",
    page="embedding",
    Options=NewPatchesOptions,
    run=analyse,
    read=read,
)
