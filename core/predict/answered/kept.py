"""Some of the patches that were answered for, kept to be looked at: raw pixels, and the folds' mean attention map.

The source of a prediction may be an upload that is gone afterwards, or too large to keep. Of each answer those with the
highest probabilities are kept: the surest landslides, and what was nearly called one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.data.store import DatasetWriter
from core.errors import LandslideLensError
from core.explain.cam.group_means import fold_levels
from core.predict.answered.files import MAPS, patches_path
from core.predict.patches import Ensemble
from core.predict.triage import ANSWERS, NO_DATA
from core.progress import Progress, Steps
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

MOST = 60  # patches of each answer
MOST_BYTES = 96 * 2**20  # of pixels altogether


class Kept:
    """The patches of each answer with the highest probabilities so far."""

    def __init__(self, patch_bytes: int, most: int = MOST) -> None:
        self._most = max(1, min(most, MOST_BYTES // (max(patch_bytes, 1) * (len(ANSWERS) - 1))))
        self._held: dict[str, list[tuple[float, str, np.ndarray]]] = {name: [] for name in ANSWERS if name != NO_DATA}

    def add(self, ids: np.ndarray, images: np.ndarray, probs: np.ndarray, answers: np.ndarray) -> None:
        """A batch: ids (n,), images (n, C, H, W) raw, probabilities (n,) and one of ``ANSWERS`` each (n,)."""
        for answer, held in self._held.items():
            rows = np.flatnonzero(answers == answer)
            rows = rows[np.argsort(-probs[rows], kind="stable")[: self._most]]
            lowest = held[-1][0] if len(held) == self._most else -np.inf
            held += [(float(probs[row]), str(ids[row]), images[row].copy()) for row in rows if probs[row] > lowest]
            held.sort(key=lambda one: -one[0])
            del held[self._most :]

    def all(self) -> tuple[list[str], np.ndarray]:
        """Ids and raw images (n, C, H, W), answer by answer, the highest probability first; no id twice."""
        found = {name: image for held in self._held.values() for _, name, image in reversed(held)}
        names = [name for held in self._held.values() for _, name, _ in held]
        names = list(dict.fromkeys(names))
        return names, np.stack([found[name] for name in names]) if names else np.empty((0, 0, 0, 0), np.float32)


def write_kept(run: RunFolder, ensemble: Ensemble, kept: Kept, part: ResultFolder) -> Steps[list[str]]:
    """Write the patches as a dataset file, and their attention maps; where there can be no maps, a sentence says so."""
    names, images = kept.all()
    if not names:
        return []
    path = patches_path(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    classes = tuple(run.summary()["class_names"])
    with DatasetWriter(
        path,
        bands=ensemble.models[0].network.bands,
        shape_hw=images.shape[2:],
        class_names=classes,
        source=f"answered for by {run.name}",
    ) as writer:
        writer.append(images, np.full(len(names), -1, np.int8), names)
        writer.finish()
    try:
        maps = yield from _attention(run, ensemble, images)
    except (LandslideLensError, OSError) as error:
        return [f"There are no attention maps ({str(error).rstrip('.')})."]
    part.write_arrays(MAPS, {"maps": maps})
    part.write_table(MAPS, pd.DataFrame({"id": names, "fold": 0, "row": np.arange(len(names))}))
    return []


def _attention(run: RunFolder, ensemble: Ensemble, images: np.ndarray) -> Steps[np.ndarray]:
    """(n, h, w) float32: the mean over folds of each network's map, as a share of that fold's strong evidence.

    Method and layer are those of the run's own out-of-fold maps.
    """
    from core.explain.cam.gradcam import gradcam

    index, own, card = run.cams()
    level = fold_levels(own[index["row"].to_numpy(int)], index["fold"].to_numpy(int))
    total = np.zeros((len(images), *own.shape[1:]), np.float32)
    for place, model in enumerate(ensemble.models):
        yield Progress(place / len(ensemble.models), f"Attention of fold {model.fold + 1}'s network.")
        patches = model.normaliser.transform(images)
        maps, _ = gradcam(
            model.network, patches, model.device, run.config().explain.min_map, method=card["method"],
            layer=card["layer"],
        )  # fmt: skip
        if level.get(model.fold):  # a fold whose own maps are all dead says nothing
            total += maps / np.float32(level[model.fold])
    return total / len(ensemble.models)
