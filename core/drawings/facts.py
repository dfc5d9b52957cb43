"""What is known of a run for its drawing: its data before it starts, its numbers as far as it got.

Whatever is not known yet is None or empty, and the drawing leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from core.config import RunConfig
from core.data.bands import Band, bands_named, choose_bands
from core.data.stacks import choose_indices
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.runs.store import RunFolder

T = TypeVar("T")


@dataclass(frozen=True)
class Facts:
    """``n``: labelled patches. ``families``: of each input band. ``synthetic``: patches made in each fold that is done.

    ``side``: pixels of a patch; None for a table of columns. ``weights``: what the first fold's network started from.
    ``result``: the headline (f1, f1_interval, n, head). ``made``: of map, attention and occlusion those that a finished
    run has; None while it is not finished.
    """

    dataset: str = ""
    n: int | None = None
    n_positive: int | None = None
    positive: str = "landslide"
    families: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    side: int | None = None
    synthetic: tuple[int, ...] = ()
    weights: str = ""
    heads: tuple[str, ...] = ()
    result: Mapping[str, Any] | None = None
    made: frozenset[str] | None = None


def facts_of_data(data: Dataset, config: RunConfig, labels: np.ndarray | None = None) -> Facts:
    """What a run with these settings would be given. labels: (N,), others than the file's. Raises as choose_bands."""
    found = data.labels if labels is None else labels
    bands = choose_bands(config.data.bands, data.bands)
    return Facts(
        dataset=data.name,
        n=int((found >= 0).sum()),
        n_positive=int((found == 1).sum()),
        positive=data.positive,
        families=tuple(band.family for band in bands),
        indices=_indices(config, bands),
        side=int(data.shape[-1]) if data.has_pictures else None,
    )


def facts_of_run(run: RunFolder, data: Dataset | None = None) -> Facts:
    """What this run was given and has found so far. data: its dataset, where it is there.

    Raises as ``RunFolder.config``.
    """
    config = run.config()
    facts = Facts()
    if data is not None:
        facts = _or(lambda: facts_of_data(data, config), facts)
    facts = _or(lambda: _given(run, config, facts), facts)
    done = [fold for fold in range(config.folds.n_splits) if _or(partial(run.fold_is_done, fold), False)]
    cards = [card for fold in done if (card := _or(partial(run.fold_card, fold), None))]
    made = tuple(int(card["n_synthetic"]) for card in cards if isinstance(card.get("n_synthetic"), int))
    source = cards[0].get("weights", {}).get("source", "") if cards else ""
    facts = replace(facts, synthetic=made, weights=str(source))
    summary = _or(run.summary, None) if run.known_status()["state"] == "succeeded" else None
    return facts if summary is None else _or(lambda: _finished(run, facts, summary), facts)


def _given(run: RunFolder, config: RunConfig, facts: Facts) -> Facts:
    """From the run's own record, written when it began: it counts for more than the file, which may have changed."""
    record = run.provenance()
    selection, dataset = record.get("selection", {}), record["dataset"]
    names = selection.get("bands") or ()
    own = len(facts.families) == len(names) or not names
    families = facts.families if own else tuple(band.family for band in bands_named(names))
    shape = dataset.get("shape") or (0, 0, 0)
    return replace(
        facts,
        dataset=str(dataset["name"]),
        n=int(selection.get("n_labelled", dataset["n"])),
        families=families,
        indices=facts.indices or _indices(config, bands_named(names)),
        side=int(shape[-1]) if int(shape[-1]) > 1 else None,
    )


def _finished(run: RunFolder, facts: Facts, summary: Mapping[str, Any]) -> Facts:
    oof = summary["oof"]
    cells = oof["confusion"]
    files = {"attention": "cam", "occlusion": "occlusion.parquet"}
    made = {name for name, file in files.items() if (run.path / file).exists()}
    made |= {"map"} if (run.fold_path(0) / "umap.safetensors").exists() else set()
    return replace(
        facts,
        n=int(oof["n"]),
        n_positive=int(cells["tp"] + cells["fn"]),
        positive=str(summary["positive"]),
        heads=tuple(summary["heads"]),
        result={"f1": oof["f1"], "f1_interval": oof.get("f1_interval"), "n": oof["n"], "head": summary["head"]},
        made=frozenset(made),
    )


def _indices(config: RunConfig, bands: Sequence[Band]) -> tuple[str, ...]:
    return _or(lambda: tuple(index.name for index in choose_indices(config.model.indices, bands)), ())


def _or(read: Callable[[], T], otherwise: T) -> T:
    """What is read, or something else where a file is missing or damaged: a drawing says less then."""
    try:
        return read()
    except (LandslideLensError, OSError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        return otherwise
