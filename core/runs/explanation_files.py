"""What a run finds out about itself when it ends: attention maps, band occlusion, pairs that show the same ground.

A part of :class:`core.runs.store.RunFolder`, apart for its length.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.config import RunConfig
from core.config.training import COLUMNS
from core.errors import NotMadeError
from core.io.atomic import remove_tree
from core.io.plain_file import is_there
from core.io.safetensors_file import save_arrays
from core.runs.plain_files import folder_in, write_json, write_table
from core.runs.results import Files


class ExplanationFiles:
    """Files of a run's explanations; ``path`` is the run's folder."""

    path: Path
    files: Files
    if TYPE_CHECKING:

        def config(self) -> RunConfig:
            """Of the run folder that these are files of."""
            raise NotImplementedError

        def fold_path(self, fold: int) -> Path:
            """As :class:`core.runs.fold_files.FoldFiles` has it."""
            raise NotImplementedError

    def occlusion(self) -> pd.DataFrame:
        """One row per patch, head, baseline and band: p0 and p_b, the probability before and after."""
        self._require_explained("band occlusion")
        return self.files.table(self.path / "occlusion.parquet")

    def write_occlusion(self, table: pd.DataFrame) -> None:
        """See :meth:`occlusion`."""
        write_table(self.path / "occlusion.parquet", table)

    def band_groups(self) -> pd.DataFrame:
        """One row per landslide, head and group of bands: its Shapley value of the drop, where bands become their mean.

        With the probabilities without that group, without all others, and without any.
        """
        self._require_explained("band occlusion")
        return self.files.table(self.path / "band_groups.parquet")

    def write_band_groups(self, table: pd.DataFrame) -> None:
        """See :meth:`band_groups`; what the run itself computes."""
        write_table(self.path / "band_groups.parquet", table)

    def leaks(self) -> pd.DataFrame | None:
        """Pairs of patches that show the same ground (see ``core.data.leakage.split_audit``); None in an older run."""
        path = self.path / "leaks.parquet"
        return self.files.table(path) if is_there(path) else None

    def write_leaks(self, table: pd.DataFrame) -> None:
        """See :meth:`leaks`."""
        write_table(self.path / "leaks.parquet", table)

    def cams(self) -> tuple[pd.DataFrame, np.ndarray, dict]:
        """Out-of-fold Grad-CAM: index (id, fold, row), raw maps (N, h, w) float32 and the card (layer, target).

        Raises NotMadeError for a run on a table of columns, which has none.
        """
        path = folder_in(self.path, "cam")
        self._require_explained("attention maps")
        if self.config().model.backbone == COLUMNS:
            raise NotMadeError(
                "This run learnt from a table of columns. There are no pictures, so there are no attention maps; what "
                "each column matters is under Explain, Bands."
            )
        return (
            self.files.table(path / "index.parquet"),
            self.files.arrays(path / "maps.safetensors")["cams"],
            self.files.json(path / "card.json"),
        )

    def write_cams(self, index: pd.DataFrame, maps: np.ndarray, card: dict) -> None:
        """See :meth:`cams`."""
        path = folder_in(self.path, "cam")
        write_table(path / "index.parquet", index)
        save_arrays(path / "maps.safetensors", {"cams": maps.astype(np.float32)})
        write_json(path / "card.json", card)

    def explained(self, fold: int) -> tuple[Mapping[str, np.ndarray], dict, pd.DataFrame, pd.DataFrame]:
        """What one fold found while the others still look: maps if any, their card, occlusion, groups of bands."""
        path = folder_in(self.fold_path(fold), "explained")
        arrays = self.files.arrays(path / "maps.safetensors") if is_there(path / "maps.safetensors") else {}
        card, tables = self.files.json(path / "maps.json"), ("occlusion.parquet", "band_groups.parquet")
        occlusion, groups = (self.files.table(path / name) for name in tables)
        return arrays, card, occlusion, groups

    def write_explained(
        self, fold: int, arrays: Mapping[str, np.ndarray], card: dict, occlusion: pd.DataFrame, groups: pd.DataFrame
    ) -> None:
        """See :meth:`explained`."""
        path = folder_in(self.fold_path(fold), "explained")
        if arrays:
            save_arrays(path / "maps.safetensors", {name: maps.astype(np.float32) for name, maps in arrays.items()})
        write_json(path / "maps.json", card)
        write_table(path / "occlusion.parquet", occlusion)
        write_table(path / "band_groups.parquet", groups)

    def forget_explained(self, fold: int) -> None:
        """Remove it once all folds' are written down together."""
        remove_tree(folder_in(self.fold_path(fold), "explained"))

    def _require_explained(self, what: str) -> None:
        if not self.config().explain.enabled:
            raise NotMadeError(
                f"This run was trained without {what} (explain.enabled=false, as sets of runs with a small budget "
                "are). Train its settings again with explain.enabled=true to see them."
            )
