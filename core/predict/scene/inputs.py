"""What is asked of a scene, and the rasters, windows and doubts that follow from it before any network answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.data.bands import Band
from core.data.leakage.footprints import EARTH
from core.data.origin.trained_on import TrainedOn
from core.data.readers.base import file_stamp
from core.data.store.missing import blank_patches
from core.errors import ConfigError, FormatError
from core.predict.novelty.collect import Collector
from core.predict.scene.ground import Grid
from core.predict.scene.layers import Layer, classes_layer, open_layer
from core.predict.scene.mosaic import Mosaic, open_mosaic, tiles_in
from core.predict.scene.stack import Cloud, SceneStack, stacked
from core.predict.scene.windows import WindowGrid
from core.predict.values import Watch, values_of_run
from core.runs.store import RunFolder

LOOKED_AT = 64  # windows whose values are compared with the run's before it begins
OTHER_SCALE = 1.5  # times the pixel that the run was trained on, from which a scene shows other things


@dataclass(frozen=True)
class SceneInput:
    """scene: the raster whose grid the answers have, or a folder of its tiles, as any other may be.

    also: further rasters of the same ground, before: one from before the event.

    bands: names of the bands of ``scene`` in their order, also_bands: of each of ``also``, or () for none named.
    clouds: rasters of cloud, cloud_values: what in them means cloud, () all but 0. stride: pixels from window to
    window, None: half a window. See ``core.predict.scene.scan.Scan`` for seen, most_unseen and tta.
    """

    scene: Path
    also: tuple[Path, ...] = ()
    before: Path | None = None
    bands: tuple[str, ...] | None = None
    also_bands: tuple[tuple[str, ...], ...] = ()
    before_bands: tuple[str, ...] | None = None
    unit: str | None = None
    nodata: float | None = None
    clouds: tuple[Path, ...] = ()
    cloud_values: tuple[float, ...] = ()
    stride: int | None = None
    seen: Literal["all", "any"] = "all"
    most_unseen: float = 0.5
    tta: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with absolute paths."""
        found = asdict(self)
        for name in ("scene", "before"):
            found[name] = None if found[name] is None else str(Path(found[name]).resolve())
        return found | {name: [str(Path(path).resolve()) for path in found[name]] for name in ("also", "clouds")}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> SceneInput:
        """The inverse of :meth:`to_dict`, also after a way through JSON."""
        found: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
        found["also_bands"] = tuple(tuple(names) for names in found["also_bands"])
        found |= {name: tuple(Path(path) for path in found[name]) for name in ("also", "clouds")}
        return cls(**found | {n: None if found[n] is None else Path(found[n]) for n in ("scene", "before")})

    @property
    def files(self) -> list[Path]:
        """Every file that is read; of a folder its tiles."""
        given = [self.scene, *self.also, *([self.before] if self.before else []), *self.clouds]
        return [file for path in given for file in (tiles_in(path) if path.is_dir() else [path])]

    def digest(self, run: str, windows: WindowGrid) -> str:
        """Of everything that the answers depend on, the files' sizes and times among them."""
        facts: dict[str, Any] = {key: str(value) for key, value in asdict(self).items()}
        facts |= {"run": run, "windows": str(windows), "stamps": [file_stamp(path) for path in self.files]}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    def stack(self, run: str, trained: Sequence[Band], told: list[str]) -> SceneStack:
        """The rasters as the run's bands; raises as :func:`core.predict.scene.stack.stacked` does."""
        names = [band.name for band in trained]
        after = [name for name in names if not name.endswith("_pre")]
        before = [name.removesuffix("_pre") for name in names if name.endswith("_pre")]
        if len(self.also_bands) > len(self.also):
            raise ConfigError("There are names of bands for more rasters than --also names.")
        layers = [self._opened(self.scene, self.bands, (names, after), told)]
        for k, path in enumerate(self.also):
            given = self.also_bands[k] if k < len(self.also_bands) else ()
            layers.append(self._opened(path, given or None, (), told))
        if self.before is not None:
            layers.append(self._opened(self.before, self.before_bands, (before, after), told).before())
        clouds = [Cloud(classes_layer(path), self.cloud_values) for path in self.clouds]
        return stacked(run, trained, layers, clouds, told)

    def _opened(
        self, path: Path, bands: Sequence[str] | None, expected: Sequence[Sequence[str]], told: list[str]
    ) -> Layer | Mosaic:
        of_file: dict[str, list[str]] = {}  # sentence, for any file -> the files that it holds for

        def opened(file: Path) -> Layer:
            notes: list[str] = []
            layer = open_layer(file, bands, self.unit, self.nodata, expected, notes)
            for note in notes:
                of_file.setdefault(note.replace(file.name, "{}"), []).append(file.name)
            return layer

        found = open_mosaic(path, opened) if path.is_dir() else opened(path)
        for note, files in of_file.items():
            more = f" So it is with {len(files) - 1} more in {path.name}." if len(files) > 1 else ""
            told.append(note.replace("{}", files[0]) + more)
        return found


def windows_of(layer: Layer | Mosaic, side: tuple[int, int], stride: int | None) -> WindowGrid:
    """The windows over the scene. Raises FormatError for one that is smaller than a window."""
    return WindowGrid.over(layer.grid.shape, side, stride or max(1, min(side) // 2), layer.path.name)


def compared(
    run: RunFolder, stack: SceneStack, windows: WindowGrid, told: list[str], novelty: Collector | None = None
) -> Watch:
    """What cleans the scene's values, after some of its windows were compared with what the run was trained on.

    novelty: sees these windows.

    Raises FormatError for values that are clearly of another unit or order, and for a scene without any data.
    """
    trained = values_of_run(run)
    images = np.concatenate(
        [stack.read((row, col, *windows.side)).images[None] for row, col in windows.some(LOOKED_AT)]
    )
    if blank_patches(images).all():
        raise FormatError(
            "The scene holds no data where it was looked at. Choose another one, or state the no-data value with "
            "--nodata."
        )
    if trained is None:
        told.append("What the run's bands usually hold is not known (an older run without its dataset): not compared.")
        nothing = {"unit": "", "family": "", "q50": None, "plausible": [None, None]}
        return Watch(run.name, tuple({"name": band.name, **nothing} for band in stack.bands))
    watch = Watch(run.name, tuple(trained))
    cleaned = watch.look(images)
    watch.refuse()
    if novelty is not None:
        novelty.look(cleaned[~blank_patches(cleaned)])
    told += [f"In {len(images)} windows that were looked at: {text}" for text in watch.warnings()]
    return Watch(run.name, tuple(trained))


def doubts(record: TrainedOn, side: tuple[int, int], grid: Grid) -> list[str]:
    """Sentences on ground that the run has learnt from, and on pixels of another size than it knows."""
    found, n_here, sizes = [], 0, []
    for one in record.parts:
        ground = one.patches.ground
        on_earth = ground.frame == EARTH
        known = on_earth & ground.in_metres & (ground.size > 0).all(axis=1)
        sizes.append(ground.size[known].mean(axis=1) / np.mean(side))
        if grid.place is not None and grid.place.crs and on_earth.any():
            rows, cols = grid.at_degrees(ground.center[on_earth])
            inside = (rows >= 0) & (rows <= grid.shape[0]) & (cols >= 0) & (cols <= grid.shape[1])
            n_here += int((inside & one.seen[:, on_earth].any(axis=0)).sum())
    if n_here:
        found.append(
            f"{n_here:,} patches that the run was trained on lie on this scene: its answers there are not of unseen "
            "ground, and look better than they are elsewhere."
        )
    pixel_m, sizes = grid.pixel_m(), np.concatenate(sizes) if sizes else np.empty(0)
    if pixel_m is None or not len(sizes):
        return found
    trained_m = float(np.median(sizes))
    if max(pixel_m / trained_m, trained_m / pixel_m) > OTHER_SCALE:
        found.append(
            f"A pixel of the scene is {pixel_m:.3g} m wide, one of the patches that the run was trained on "
            f"{trained_m:.3g} m: what it has learnt has another size here. gdalwarp -tr {trained_m:.3g} "
            f"{trained_m:.3g} brings the scene to that size."
        )
    return found
