"""The record of what a run was trained on, in its folder ``trained_on``: written at training, read when patches come.

``parts.json`` names the parts; ``part_K.parquet`` holds ids, places and groups, ``part_K.safetensors`` the hashes, the
planes and which fold learnt from which patch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.data.leakage.footprints import Footprints
from core.data.origin.facts import PatchFacts
from core.data.origin.fingerprints import SIDE, Fingerprints
from core.data.origin.trained_on import Part, TrainedOn
from core.errors import RunError
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

FOLDER, VERSION = "trained_on", 1
MOST_PARTS, MOST_FOLDS = 32, 20
COLUMNS = ("id", "group", "frame", "x", "y", "width", "height", "in_metres", "excluded", "judged")


def has_record(run: RunFolder) -> bool:
    """Whether the run wrote it; those of earlier versions did not."""
    return _folder(run).has("parts.json")


def write_record(run: RunFolder, trained_on: TrainedOn) -> None:
    """See :func:`read_record`."""
    folder = _folder(run)
    for k, one in enumerate(trained_on.parts):
        patches, prints = one.patches, one.patches.prints
        table = pd.DataFrame({"id": patches.ids.astype(str), "group": patches.groups.astype(str)})
        ground = patches.ground
        table["frame"], table["in_metres"] = ground.frame.astype(str), ground.in_metres
        table["x"], table["y"] = ground.center.T
        table["width"], table["height"] = ground.size.T
        folder.write_table(f"part_{k}", table.assign(excluded=one.excluded, judged=one.judged))
        arrays = {"hashes": prints.hashes, "planes": prints.planes, "seen": one.seen.astype(np.uint8)}
        folder.write_arrays(f"part_{k}", arrays)
    cards = [
        {
            "run": one.run,
            "dataset": one.dataset,
            "content_hash": one.content_hash,
            "bands": one.patches.prints.bands,
            "joined": one.patches.prints.joined,
            "square": one.patches.square,
            "ground": one.patches.ground.note,
        }
        for one in trained_on.parts
    ]
    card = {"version": VERSION, "n_folds": trained_on.n_folds, "unknown": trained_on.unknown, "parts": cards}
    folder.write_json("parts.json", card)


def read_record(run: RunFolder) -> TrainedOn:
    """What the run was trained on. Raises RunError where the record is missing, damaged or of another version."""
    folder = _folder(run)
    card = folder.json("parts.json")
    try:
        if card["version"] != VERSION:
            raise RunError(f"{run.name}/{FOLDER} is of version {card['version']}, not {VERSION}. Update the program.")
        n_folds, cards = int(card["n_folds"]), list(card["parts"])
        if not 1 <= n_folds <= MOST_FOLDS or len(cards) > MOST_PARTS:
            raise ValueError(f"{n_folds} folds, {len(cards)} parts")
        parts = tuple(_part(folder, k, one, n_folds) for k, one in enumerate(cards))
        return TrainedOn(run.name, n_folds, parts, tuple(map(str, card["unknown"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{run.name}/{FOLDER} is damaged ({error}): what the run was trained on cannot be told from it. Restore "
            "the folder, or remove it so that the run's dataset file is asked instead."
        ) from error


def _part(folder: ResultFolder, k: int, card: dict[str, Any], n_folds: int) -> Part:
    table, arrays = folder.table(f"part_{k}"), folder.arrays(f"part_{k}")
    hashes, planes, seen = arrays["hashes"], arrays["planes"], arrays["seen"]
    bands, joined, n = tuple(map(str, card["bands"])), bool(card["joined"]), len(table)
    side = planes.shape[-1] if planes.ndim else 0
    expected = {
        "hashes": (hashes, (n, 1 if joined else len(bands)), np.uint64),
        "planes": (planes, (n, side, side), np.uint8),
        "seen": (seen, (n_folds, n), np.uint8),
    }
    wrong = [name for name, (array, shape, kind) in expected.items() if array.shape != shape or array.dtype != kind]
    missing = [name for name in COLUMNS if name not in table.columns]
    if wrong or missing or side > SIDE:
        raise ValueError(f"part {k}: {', '.join(wrong + missing) or 'planes'} do not fit")
    ids, groups, frame = (table[name].to_numpy().astype(str) for name in ("id", "group", "frame"))
    center, size = (table[list(names)].to_numpy(np.float64) for names in (("x", "y"), ("width", "height")))
    ground = Footprints(frame, center, size, table["in_metres"].to_numpy(bool), str(card["ground"]))
    prints = Fingerprints(bands, hashes, planes, joined)
    patches = PatchFacts(ids, prints, ground, groups, bool(card["square"]))
    excluded, judged = table["excluded"].to_numpy(bool), table["judged"].to_numpy(np.int16)
    source = (str(card["run"]), str(card["dataset"]), str(card["content_hash"]))
    return Part(patches, seen.astype(bool), excluded, judged, *source)


def _folder(run: RunFolder) -> ResultFolder:
    return ResultFolder(run.path / FOLDER, run.files)
