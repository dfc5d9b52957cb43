"""A scene's map with its rasters opened again: what lies under a pixel, a cell or a window, as the run read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.analyses.scene import SceneOptions, input_of
from core.analyses.scene_map import NAME, OWN, folder
from core.data.bands import Band, bands_named
from core.errors import DataError, FormatError, RunError
from core.predict.scene.inputs import windows_of
from core.predict.scene.rasters import REASONS, SEEN
from core.predict.scene.stack import SceneStack
from core.predict.scene.windows import WindowGrid
from core.predict.values import Watch, values_of_run
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

UNKNOWN = {"unit": "", "family": "", "q50": None, "plausible": [None, None]}  # of a run that recorded no values
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class OpenMap:
    """A map and its rasters. windows: where the run answered. trained: what the run recorded of its bands' values."""

    run: RunFolder
    own: ResultFolder
    report: dict[str, Any]
    stack: SceneStack
    windows: WindowGrid
    trained: tuple[dict[str, Any], ...]

    @property
    def bands(self) -> tuple[Band, ...]:
        """Of the run, in its order and units."""
        return self.stack.bands

    @property
    def head(self) -> str:
        """The head that the map is of."""
        return self.report["scene"]["head"]

    @property
    def flips(self) -> bool | None:
        """Whether answers are means over flips; None: as the run was evaluated."""
        return self.report["options"].get("flips")

    def images(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """(C, height, width) float32 in the run's bands and units, nan where nothing was seen."""
        view = self.stack.read((row, col, height, width))
        return Watch(self.run.name, self.trained).look(view.images[None])[0]

    def answers(self, row: int, col: int, height: int, width: int) -> dict[str, np.ndarray]:
        """(height, width) each of ``probability``, ``disagreement`` and ``unseen`` (a code of ``rasters.REASONS``)."""
        from rasterio.windows import Window

        from core.data.readers.geo.raster import opened

        found = {}
        for name, key in (("probability", "out"), ("disagreement", "disagreement"), ("unseen", "unseen")):
            path = Path(self.report["scene"][key])
            if not path.is_file():
                raise RunError(f"{path.name} is not there any more. Predict the scene again.")
            with opened(path) as raster:
                if raster.shape != self.windows.shape:
                    raise FormatError(f"{path.name} has another size than its scene. Predict the scene again.")
                found[name] = raster.read(1, window=Window(col, row, width, height))
        return found

    def cell(self, name: str) -> pd.Series:
        """The row of a cell. Raises DataError for one that the map does not have."""
        cells = self.own.table("cells") if self.report["triage"] else pd.DataFrame({"cell": []})
        found = cells[cells["cell"] == name]
        if found.empty:
            raise DataError(f"The map has no cell '{name}'. Choose another one.")
        return found.iloc[0]

    def pixels_of(self, cell: pd.Series) -> tuple[int, int, int, int]:
        """(row, column, height, width) of the pixels of a cell that lie on the scene."""
        top, left = (max(0, int(round(cell[key]))) for key in ("top", "left"))
        bottom, right = (
            min(n, int(round(cell[key]))) for n, key in zip(self.windows.shape, ("bottom", "right"), strict=True)
        )
        return top, left, max(1, bottom - top), max(1, right - left)

    def must_be_there(self, row: int, col: int) -> None:
        """Raises DataError for a pixel outside of the scene."""
        height, width = self.windows.shape
        if not (0 <= row < height and 0 <= col < width):
            raise DataError(
                f"Row {row:,}, column {col:,} is outside of the scene: it has rows 0 to {height - 1:,} and columns 0 "
                f"to {width - 1:,}."
            )

    def at_degrees(self, lon: float, lat: float) -> tuple[int, int]:
        """(row, column) of the pixel at a place. Raises DataError for one outside of the scene."""
        grid = self.stack.grid
        if grid.place is None or not grid.place.crs:
            raise DataError("The scene does not say where it lies. Give row and column instead.")
        try:
            row, col = (float(values[0]) for values in grid.at_degrees(np.array([[lon, lat]], float)))
        except FormatError:  # a place that the scene's system does not reach
            row = col = -1.0
        if not (0 <= row < grid.shape[0] and 0 <= col < grid.shape[1]):
            raise DataError(f"{lon:.5f}, {lat:.5f} (longitude, latitude) lies outside of the scene.")
        return int(row), int(col)


def open_map(run: RunFolder, name: str) -> OpenMap:
    """The map of that name. Raises DataError where its rasters are gone or do not fit the run any more."""
    own = folder(run, name)
    report = report_of(run, name)
    given = {key: value for key, value in report["options"].items() if key not in OWN}
    asked = input_of(SceneOptions.model_validate(given | {"out": report["scene"]["out"]}))
    for path in asked.files:
        if not path.exists():
            raise DataError(f"{path.name}, which the map was made from, is not where it was. Put it back.")
    trained = values_of_run(run)
    bands = bands_of(run, trained)
    stack = asked.stack(run.name, bands, [])
    windows = windows_of(stack.layers[0], tuple(report["scene"]["side"]), report["scene"]["stride"])
    if list(windows.shape) != list(report["scene"]["shape"]):
        raise FormatError(f"{asked.scene.name} has another size than when the map was made. Predict the scene again.")
    known = trained or [{"name": band.name, **UNKNOWN} for band in bands]
    return OpenMap(run, own, report, stack, windows, tuple(known))


def report_of(run: RunFolder, name: str) -> dict[str, Any]:
    """The report of the map of that name. Raises RunError naming those there are."""
    if not folder(run, name).has("report.json"):
        known = ", ".join(run.results(NAME).parts()) or "none yet"
        raise RunError(f"Run '{run.name}' has no map of a scene called '{name}'. Known: {known}.")
    return folder(run, name).json("report.json")


def bands_of(run: RunFolder, trained: Sequence[dict[str, Any]] | None) -> tuple[Band, ...]:
    """The bands that a run reads, in its order and units."""
    if trained:
        return tuple(bands_named([row["name"] for row in trained], units={r["name"]: r["unit"] for r in trained}))
    from core.train.networks.backbones import load_network

    return tuple(load_network(run.fold_path(0)).bands)


def reason_of(code: int) -> str:
    """Why a pixel has no answer; "" for one that has."""
    return "" if code == SEEN else REASONS.get(int(code), "not known")
