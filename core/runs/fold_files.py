"""What the folder of one fold holds: history, lineage, embeddings, scores, heads, maps, card, checkpoints.

A part of :class:`core.runs.store.RunFolder`, apart for its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.io.atomic import remove_tree, sha256, write_text
from core.io.plain_file import folders, is_plain, is_there
from core.io.safetensors_file import save_arrays
from core.runs.plain_files import folder_in, read_text, write_json, write_table
from core.runs.results import Files

SMOTE_COLUMNS = ("fold", "synthetic", "anchor", "neighbour", "anchor_weight", "ssim", "seed")
_FOLD = re.compile(r"fold_(\d{1,3})")
SAMPLE_COLUMNS = ("fold", "id", "label", "epoch", "prob")


class FoldFiles:
    """Files of the folds of a run; ``path`` is the run's folder."""

    path: Path
    files: Files
    if TYPE_CHECKING:

        def provenance(self) -> dict:
            """Of the run folder that these are files of."""
            raise NotImplementedError

    def history(self) -> pd.DataFrame:
        """Losses, scores, learning rate and speed by fold and epoch, of the folds that have begun."""
        tables = [self.files.table(p).assign(fold=int(p.parent.name[5:])) for p in self._fold_files("history.parquet")]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["fold", "epoch"])

    def fold_history(self, fold: int) -> pd.DataFrame:
        """The epochs of one fold so far; empty before its first has ended."""
        path = self.fold_path(fold) / "history.parquet"
        return self.files.table(path) if is_there(path) else pd.DataFrame({"epoch": []})

    def write_history(self, fold: int, table: pd.DataFrame) -> None:
        """See :meth:`history`."""
        write_table(self.fold_path(fold) / "history.parquet", table)

    def samples(self) -> pd.DataFrame:
        """What the network answered for a few validation patches, epoch by epoch: fold, id, label, epoch, prob."""
        tables = [self.files.table(p).assign(fold=int(p.parent.name[5:])) for p in self._fold_files("samples.parquet")]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=SAMPLE_COLUMNS)

    def fold_samples(self, fold: int) -> pd.DataFrame:
        """Those of one fold so far; empty before its first epoch has ended."""
        path = self.fold_path(fold) / "samples.parquet"
        return self.files.table(path) if is_there(path) else pd.DataFrame({"epoch": []})

    def write_samples(self, fold: int, table: pd.DataFrame) -> None:
        """Keep the answers of one fold so far."""
        write_table(self.fold_path(fold) / "samples.parquet", table)

    def epoch_answers(self, fold: int) -> dict[str, np.ndarray] | None:
        """What this fold's network said of every patch after each epoch; none for runs of earlier versions.

        epoch (E,) int32. log_odds (E, N) float16 of class 1 for all N rows of the dataset: of the fold's own patches
        by the validated network, of those it trained on as training saw them (augmented, weights of that moment).
        nan: unlabelled, held back to choose the epoch, or mixed with another patch in that epoch.
        """
        path = self.fold_path(fold) / "epoch_answers.safetensors"
        return self.files.arrays(path) if is_there(path) else None

    def write_epoch_answers(self, fold: int, epoch: np.ndarray, log_odds: np.ndarray) -> None:
        """See :meth:`epoch_answers`."""
        arrays: dict[str, np.ndarray] = {
            "epoch": np.asarray(epoch, np.int32), "log_odds": np.asarray(log_odds, np.float16),
        }  # fmt: skip
        save_arrays(self.fold_path(fold) / "epoch_answers.safetensors", arrays)

    def smote(self) -> pd.DataFrame:
        """Lineage of every synthetic patch: fold, synthetic, anchor, neighbour, anchor_weight, ssim, seed."""
        tables = [self.files.table(p) for p in self._fold_files("smote.parquet")]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(SMOTE_COLUMNS))

    def write_smote(self, fold: int, table: pd.DataFrame) -> None:
        """See :meth:`smote`."""
        write_table(self.fold_path(fold) / "smote.parquet", table[list(SMOTE_COLUMNS)])

    def embeddings(self, fold: int) -> dict[str, np.ndarray]:
        """``embeddings`` (N, D) and ``logits`` (N, 2) float32 of all real patches by this fold's network."""
        return self.files.arrays(self.fold_path(fold) / "embeddings.safetensors")

    def write_embeddings(self, fold: int, arrays: dict[str, np.ndarray]) -> None:
        """See :meth:`embeddings`."""
        save_arrays(self.fold_path(fold) / "embeddings.safetensors", arrays)

    def write_tabular(self, fold: int, table: pd.DataFrame) -> None:
        """See :meth:`tabular`."""
        write_table(self.fold_path(fold) / "tabular.parquet", table)

    def tabular(self, fold: int) -> pd.DataFrame | None:
        """The tabular inputs and what they change, a row per validation patch; None for a run without any.

        Columns: id, label, log_odds_unknown (of the network with its columns unknown), second (the class, empty where
        unknown), second_pred and second_prob (what the second head answers, and its share).
        """
        path = self.fold_path(fold) / "tabular.parquet"
        earlier = {"size": "second", "size_pred": "second_pred"}  # of runs that knew size classes alone
        return self.files.table(path).rename(columns=earlier) if is_there(path) else None

    def scores(self, fold: int) -> dict[str, np.ndarray]:
        """Decision values of all real patches by this fold's heads: name -> (N,) float64.

        Runs of earlier versions have none: their heads, ``heads/``, give them again.
        """
        return self.files.arrays(self.fold_path(fold) / "scores.safetensors")

    def has_scores(self, fold: int) -> bool:
        """Whether :meth:`scores` is there."""
        return is_there(self.fold_path(fold) / "scores.safetensors")

    def write_scores(self, fold: int, scores: Mapping[str, np.ndarray]) -> None:
        """See :meth:`scores`."""
        save_arrays(self.fold_path(fold) / "scores.safetensors", scores)

    def head_rows(self, fold: int) -> dict[str, np.ndarray] | None:
        """What this fold's heads were fitted on, beside its embeddings; none for runs of earlier versions.

        train (n,), val (m,): rows of the dataset. labels: (N,) int8, -1 where unlabelled. synthetic: (M, D) float32,
        the embeddings of the synthetic landslides.
        """
        path = self.fold_path(fold) / "head_rows.safetensors"
        return self.files.arrays(path) if is_there(path) else None

    def write_head_rows(
        self, fold: int, train: np.ndarray, val: np.ndarray, labels: np.ndarray, synthetic: np.ndarray
    ) -> None:
        """See :meth:`head_rows`."""
        rows = {"train": train, "val": val, "labels": np.asarray(labels, np.int8), "synthetic": synthetic}
        save_arrays(self.fold_path(fold) / "head_rows.safetensors", rows)

    def head_card(self, fold: int, name: str) -> dict:
        """The card of a head of this fold; empty for what is no head with a file of its own, as the blend."""
        path = self.heads_path(fold) / f"{name}.json"
        return self.files.json(path) if is_there(path) else {}

    def umap(self, fold: int) -> tuple[dict[str, np.ndarray], dict]:
        """The run's own projection of one fold: arrays (xy, train, x, y, near, values_<head>) and their card."""
        path = self.fold_path(fold)
        return self.files.arrays(path / "umap.safetensors"), self.files.json(path / "umap.json")

    def write_umap(self, fold: int, arrays: dict[str, np.ndarray], card: dict) -> None:
        """See :meth:`umap`."""
        save_arrays(self.fold_path(fold) / "umap.safetensors", arrays)
        write_json(self.fold_path(fold) / "umap.json", card)

    def made_from(self, fold: int) -> dict[str, str]:
        """What a projection of this fold is made from, as digests: data (content), model, embeddings; "" if not there.

        Embeddings are kept by the network that made them: when one of these changes, they are of something else.
        """
        files = {"model": "model.safetensors", "embeddings": "embeddings.safetensors"}
        paths = {name: self.fold_path(fold) / file for name, file in files.items()}
        digests = {name: sha256(path) if is_there(path) else "" for name, path in paths.items()}
        return {"data": str(self.provenance().get("dataset", {}).get("content_hash", "")), **digests}

    def fold_is_done(self, fold: int) -> bool:
        """Whether this fold was trained to its end and everything of it was written."""
        return is_plain(self.fold_path(fold) / "fold.json")

    def fold_card(self, fold: int) -> dict:
        """n_train, n_val, n_synthetic, seed, weights' mapping, seconds, images per second."""
        return self.files.json(self.fold_path(fold) / "fold.json")

    def write_fold_card(self, fold: int, card: dict) -> None:
        """See :meth:`fold_card`; written last of all in a fold."""
        write_json(self.fold_path(fold) / "fold.json", card)

    def normaliser_text(self, fold: int) -> str:
        """The normaliser of this fold, as JSON text."""
        return read_text(self.fold_path(fold) / "normaliser.json")

    def write_normaliser(self, fold: int, text: str) -> None:
        """See :meth:`normaliser_text`."""
        write_text(self.fold_path(fold) / "normaliser.json", text)

    def fold_path(self, fold: int) -> Path:
        """``fold_k``: network, normaliser, heads and resume files are written there by their own rooms."""
        return folder_in(self.path, f"fold_{fold}")

    def heads_path(self, fold: int) -> Path:
        """The folder of this fold's heads."""
        return self.fold_path(fold) / "heads"

    def resume_path(self, fold: int) -> Path:
        """The folder of what this fold's training needs to go on after an interruption."""
        return self.fold_path(fold) / "resume"

    def forget_checkpoints(self, fold: int) -> None:
        """Remove them once the fold is done: they hold its weights several times over, and nothing needs them."""
        remove_tree(self.resume_path(fold))

    def _fold_files(self, name: str) -> list[Path]:
        paths = [(int(match[1]), path / name) for path in folders(self.path) if (match := _FOLD.fullmatch(path.name))]
        return [path for _, path in sorted(paths) if is_there(path)]
