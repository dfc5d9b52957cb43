"""The cloud networks of ukis-csmask (DLR, Apache-2.0), from their files in the installed package.

Wieland, Fichtner, Martinis (2022), UKIS-CSMASK, https://doi.org/10.5194/isprs-archives-XLIII-B3-2022-217-2022: U-Nets
with an EfficientNet-B4, one for Level-1C (top of the atmosphere) and one for Level-2A. Only the two that read blue,
green, red and near infrared are used. The package itself is not imported: it opens its network anew for every image.
"""

from __future__ import annotations

from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np

from core.data.clouds.reflectance import NEEDED, filled
from core.errors import MissingDependencyError
from core.io import atomic
from core.io.json_text import load_json

PACKAGE, VERSION, LICENCE = "ukis-csmask", "1.0.0", "Apache-2.0"
COMMAND = "python -m pip install -r requirements-clouds.txt"
CLEAR, CLOUD, SHADOW, UNSEEN = 0, 1, 2, 255
SIDE = 256  # pixels of the networks' input, fixed in their files
MARGIN = 32  # pixels around what is kept of an input: at its border a network sees little
CORE = SIDE - 2 * MARGIN
Level = Literal["l1c", "l2a"]
DIGESTS: dict[str, str] = {  # sha256 of the files of VERSION
    "l1c": "81611f290adc315b86bb7e7c69b0f2496b3abe0390c2a5c8e9e9da9622e8a0c8",
    "l2a": "3884d75ca497ec59d8335973477bd31eb038857007bbb36fb2aba1ad375ee043",
}


def file_of(level: str) -> Path | None:
    """The network's file in the installed package; None where it is not there."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(f"ukis_csmask/model_4b_{level}.onnx")))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def require(level: str) -> Path:
    """The same. Raises MissingDependencyError naming the command that installs it."""
    path = file_of(level)
    if path is None:
        raise MissingDependencyError(
            f"The cloud networks are not installed: they come with {PACKAGE} {VERSION} (145 MB, {LICENCE}). Install "
            f"it: {COMMAND}"
        )
    return path


class CloudNetwork:
    """One of the two networks; it is read when it first answers."""

    def __init__(self, level: Level) -> None:
        """Raises MissingDependencyError where the package is missing or holds other files than those of VERSION."""
        self.level, self._path = level, require(level)
        if atomic.sha256(self._path) != DIGESTS[level]:
            raise MissingDependencyError(
                f"The installed {PACKAGE} is not version {VERSION}: its network is another file. {COMMAND}"
            )
        told = load_json(self._path.with_suffix(".json"), follow=True)
        statistics = told["data"]["dataset_statistics"]
        order = [statistics["band_names"].index(name) for name in NEEDED]
        mean, std = (np.array(values, np.float32)[order] for values in statistics["img"])
        self._mean, self._std = mean[:, None, None], std[:, None, None]

    def classes(self, coarse: np.ndarray) -> np.ndarray:
        """(4, h, w) reflectance in pixels of about 30 m -> (h, w) uint8: CLEAR, CLOUD, SHADOW, UNSEEN where nan.

        Larger images are answered in parts that overlap; smaller ones are mirrored up to the networks' size.
        """
        height, width = coarse.shape[1:]
        rows, cols = -(-height // CORE), -(-width // CORE)
        scaled = (filled(coarse) - self._mean) / self._std
        sides = []
        for n, length in ((rows, height), (cols, width)):
            before = (n * CORE - length) // 2 + MARGIN
            sides.append((before, n * CORE + 2 * MARGIN - length - before))
        wide = np.pad(scaled, ((0, 0), *sides), mode="symmetric")
        found = np.empty((rows * CORE, cols * CORE), np.uint8)
        for i in range(rows):
            for j in range(cols):
                top, left = i * CORE, j * CORE
                scores = self._answer(wide[:, top : top + SIDE, left : left + SIDE])
                kept = scores[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
                found[top : top + CORE, left : left + CORE] = kept.argmax(axis=0)
        top, left = (before - MARGIN for before, _ in sides)
        own = found[top : top + height, left : left + width]
        return np.where(np.isfinite(coarse).all(axis=0), own, np.uint8(UNSEEN))

    def _answer(self, scaled: np.ndarray) -> np.ndarray:
        """(4, 256, 256) -> (3, 256, 256) scores of clear, cloud and shadow."""
        given = {self._session.get_inputs()[0].name: np.ascontiguousarray(scaled[None], np.float32)}
        return self._session.run(None, given)[0][0]

    @cached_property
    def _session(self):
        import onnxruntime

        return onnxruntime.InferenceSession(str(self._path), providers=onnxruntime.get_available_providers())
