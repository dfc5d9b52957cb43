"""The ways to say where in a patch a landslide lies, each a map (H, W): higher is more likely, and only within a patch.

``windows``  windows of a whole patch, moved over the patch; behind its border the patch is mirrored. What a scene's
             answer at a small stride is, where the neighbouring ground takes the place of the mirror. Calibrated
             probability of the run's head, blended as in a scene.
``crops``    squares of half a side, mirrored out to a whole patch: what the head says of them alone. Log-odds.
``occlusion`` squares of a quarter of a side that are hidden as if they had not been seen: the log-odds lost by it.
``attention`` the run's own attention maps (``core.explain.cam.gradcam``), from the network's own head.
``outline``  the mask head's probability for each pixel, of a run that was trained with masks.
``centre``   nearness to the middle of the patch: a rival that looks at nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from core.errors import needed
from core.evaluate.judge import Rule
from core.explain.cam.overlay import constant_maps, dead_maps, upsample_maps
from core.predict.fold_model import FoldModel
from core.predict.scene.windows import WindowGrid

AT_ONCE = 256  # windows in memory at a time
Hw = tuple[int, int]


@dataclass(frozen=True)
class Way:
    """What people call a way, and what its map shows."""

    title: str
    what: str


WAYS = {  # the finest first
    "outline": Way("Outline head", "probability of each pixel, learnt from masks"),
    "attention": Way("Attention map", "where the network found evidence"),
    "occlusion": Way("Hidden squares", "what is lost when a square is hidden"),
    "crops": Way("Small crops", "answers for squares of half a side"),
    "windows": Way("Small stride", "answers of whole windows, moved in small steps"),
}
RIVALS = {"centre": "Middle of the patch", "random": "Random point, whole patch"}
PROBABILITIES = ("outline", "windows")  # compared as they are; the others by each map's own range


def stride_of(hw: Hw, stride: int | None) -> int:
    """Pixels from one square to the next: an eighth of a patch where none is given."""
    return max(1, min(hw) // 8) if stride is None else min(stride, min(hw) // 4)


class Inside:
    """One fold's model asked where. head: whose answers are taken; attention: method and layer of its maps."""

    def __init__(
        self,
        model: FoldModel,
        rules: dict[str, Rule],
        head: str,
        hw: Hw,
        stride: int | None = None,
        attention: tuple[str, str] | None = None,
        min_map: int = 8,
    ) -> None:
        self.model, self._rules, self._head, self.hw = model, rules, head, hw
        self.stride, self._attention, self._min_map = stride_of(hw, stride), attention, min_map

    @property
    def ways(self) -> tuple[str, ...]:
        """Those that this run has, the finest first."""
        has = {"outline": self.model.draws_outlines, "attention": self._attention is not None}
        return tuple(name for name in WAYS if has.get(name, True))

    def cell(self, way: str) -> float:
        """Side in pixels of what one value of the map is about."""
        height = self.hw[0]
        if way in ("outline", "attention"):
            return height / self._rows[way]
        return {"occlusion": float(max(1, height // 4)), "crops": float(max(1, height // 2)), "windows": float(height)}[
            way
        ]

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Rows of the maps that the network itself makes."""
        blank = np.zeros((1, len(self.model.network.bands), *self.hw), np.float32)
        found = {}
        if self.model.draws_outlines:
            found["outline"] = self.model.network.outline_rows()
        if self._attention is not None:
            found["attention"] = self._raw_attention(blank).shape[1]
        return found

    def maps(self, way: str, images: np.ndarray) -> np.ndarray:
        """(N, H, W) float64 by one way, of raw patches (N, C, H, W)."""
        if way == "outline":
            return self.model.outlines(images).astype(np.float64)
        if way == "attention":
            return self._attended(images)
        one_by_one = {"windows": self._windows, "crops": self._crops, "occlusion": self._occlusion}[way]
        return np.stack([one_by_one(image) for image in images]) if len(images) else np.empty((0, *self.hw))

    # ------------------------------------------------------------------------------------------------ each way

    def _windows(self, image: np.ndarray) -> np.ndarray:
        height, width = self.hw
        around = ((height // 2, height - height // 2), (width // 2, width - width // 2))
        big = np.pad(image, ((0, 0), *around), mode="symmetric")
        grid = WindowGrid.over(big.shape[1:], self.hw, self.stride)
        views = (big[:, row : row + height, col : col + width] for row in grid.rows for col in grid.cols)
        found = self._blended(grid, expit(self._log_odds(views)))
        return found[around[0][0] : around[0][0] + height, around[1][0] : around[1][0] + width]

    def _crops(self, image: np.ndarray) -> np.ndarray:
        side = (max(1, self.hw[0] // 2), max(1, self.hw[1] // 2))
        grid = WindowGrid.over(self.hw, side, min(self.stride, *side))
        rest = [whole - part for whole, part in zip(self.hw, side, strict=True)]
        around = ((0, 0), *((left // 2, left - left // 2) for left in rest))
        crops = (image[:, row : row + side[0], col : col + side[1]] for row in grid.rows for col in grid.cols)
        return self._blended(grid, self._log_odds(np.pad(crop, around, mode="symmetric") for crop in crops))

    def _occlusion(self, image: np.ndarray) -> np.ndarray:
        side = (max(1, self.hw[0] // 4), max(1, self.hw[1] // 4))
        grid = WindowGrid.over(self.hw, side, min(self.stride, *side))

        def hidden() -> Iterator[np.ndarray]:
            yield image
            for row in grid.rows:
                for col in grid.cols:
                    copy = image.copy()
                    copy[:, row : row + side[0], col : col + side[1]] = np.nan
                    yield copy

        answers = self._log_odds(hidden())
        return self._blended(grid, answers[0] - answers[1:])

    def _attended(self, images: np.ndarray) -> np.ndarray:
        return upsample_maps(self._raw_attention(self.model.normaliser.transform(images)), self.hw).astype(np.float64)

    def _raw_attention(self, patches: np.ndarray) -> np.ndarray:
        from core.explain.cam.gradcam import gradcam

        method, layer = needed(self._attention, "This run keeps no attention maps.")
        network, device = self.model.network, self.model.device
        return gradcam(network, patches, device, self._min_map, method=method, layer=layer)[0]

    def _log_odds(self, patches: Iterable[np.ndarray]) -> np.ndarray:
        """(M,) of the head, for an iterable of raw patches (C, H, W), without flips: they would undo where."""
        found, waiting = [], []
        for patch in patches:
            waiting.append(patch)
            if len(waiting) == AT_ONCE:
                found.append(self._answer(waiting))
                waiting = []
        return np.concatenate([*found, self._answer(waiting)] if waiting else found)

    def _answer(self, patches: list[np.ndarray]) -> np.ndarray:
        return self.model.log_odds(np.stack(patches), [self._head], self._rules, tta=False)[self._head]

    def _blended(self, grid: WindowGrid, answers: np.ndarray) -> np.ndarray:
        by_window = answers.reshape(len(grid.rows), len(grid.cols), 1)
        return grid.blended(by_window, 0, 0, grid.shape[0])[0]


def centre_map(hw: Hw) -> np.ndarray:
    """(H, W) float64 in 0-1, 1 in the middle and falling with the distance from it."""
    rows, cols = ((np.arange(n) + 0.5 - n / 2) / (n / 2) for n in hw)
    return 1.0 - np.hypot(rows[:, None], cols[None]) / np.sqrt(2)


def comparable(way: str, maps: np.ndarray) -> np.ndarray:
    """(N, H, W) float32 in 0-1, on one scale for all patches: a probability as it is, others by their own range.

    A map that says nothing (dead, or the same everywhere) is 0 everywhere.
    """
    maps = np.asarray(maps, np.float64)
    if way in PROBABILITIES:
        return maps.clip(0, 1).astype(np.float32)
    lowest = maps.min(axis=(1, 2), keepdims=True)
    above = maps - lowest
    top = above.max(axis=(1, 2), keepdims=True)
    says = ~(dead_maps(above) | constant_maps(above))
    if way == "attention":
        says &= ~(dead_maps(maps) | constant_maps(maps))
    return np.where(says[:, None, None], above / np.maximum(top, 1e-300), 0.0).astype(np.float32)
