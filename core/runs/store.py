"""The run folder: what each file is called, how it is written and read back.

Comes in: configurations, tables (pandas), arrays (numpy) and plain dictionaries. Goes out: the same, from a folder
that explains itself: JSON for text, parquet for tables, safetensors for arrays. It knows nothing of what they mean,
and it is the only code that knows file names under the checkpoints folder. Nothing here is pickled.
"""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.arrays import load_arrays, save_arrays
from core.config import RunConfig
from core.errors import DataError, RunError
from core.files import replacing, sha256, write_text
from core.paths import inside, slug

STATES = ("queued", "running", "succeeded", "failed", "cancelled", "interrupted")
FINAL_STATES = frozenset({"succeeded", "failed", "cancelled", "interrupted"})
DEFAULT_CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"


# ----------------------------------------------------------------------------------------------- plain files


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON, atomically; nan and infinity become null, numpy numbers become numbers."""
    write_text(path, json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def plain(value: Any) -> Any:
    """``value`` with everything JSON can hold: dicts, lists, text, finite numbers, booleans, null."""
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case np.ndarray():
            return plain(value.tolist())
        case np.generic():
            return plain(value.item())
        case float():
            return value if math.isfinite(value) else None
        case Path():
            return str(value)
        case _:
            return value


def read_json(path: Path) -> Any:
    """The JSON in ``path``. Raises RunError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.") from error
    except (ValueError, OSError) as error:
        raise RunError(f"{path.parent.name}/{path.name} cannot be read: {error}. Restore it, or run again.") from error


def _write_table(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        table.to_parquet(partial, index=False, engine="pyarrow")


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.")
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (ValueError, OSError) as error:
        raise RunError(f"{path.parent.name}/{path.name} is damaged: {error}. Run it again, or restore it.") from error


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise RunError(f"{path.parent.name} has no {path.name}. The run did not get that far.")
    try:
        return load_arrays(path)
    except DataError as error:
        raise RunError(f"{path.parent.name}/{path.name} is damaged: {error} Run it again, or restore it.") from error


# ------------------------------------------------------------------------------------------------ one folder


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Reading methods raise RunError, in plain words, for what is not there yet."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name, which is what commands and links call the run."""
        return self.path.name

    # Text ---------------------------------------------------------------------------------------------------

    def config(self) -> RunConfig:
        """The complete specification."""
        return RunConfig.from_json(self._text("config.json"))

    def provenance(self) -> dict:
        """Code version, library versions, device, dataset (path, name, hash), seeds."""
        return read_json(self.path / "provenance.json")

    def status(self) -> dict:
        """State, stage, fold, epoch, progress, pid, heartbeat; ``{"state": "queued"}`` at the least."""
        return read_json(self.path / "status.json")

    def summary(self) -> dict:
        """The run's numbers (see ``core.pipeline.summarise``)."""
        return read_json(self.path / "summary.json")

    def job(self) -> dict:
        """What was asked for beside the configuration: ``dataset`` (absolute path) and ``spec``."""
        return read_json(self.path / "job.json")

    def folds(self) -> dict:
        """The ids of each fold."""
        return read_json(self.path / "folds.json")

    def log(self) -> str:
        """What the worker printed, for people; empty before it started."""
        path = self.path / "log.txt"
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    def events(self, offset: int = 0, limit: int = 1_000_000) -> tuple[list[dict], int]:
        """Events after byte ``offset`` (at most ``limit`` bytes of them) and the offset to go on from.

        A torn last line waits for its end; a line that is not JSON is passed over.
        """
        path = self.path / "events.jsonl"
        if not path.is_file():
            return [], 0
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if offset > size:  # the file was replaced by a shorter one
                offset = 0
            file.seek(offset)
            block = file.read(limit)
        end = block.rfind(b"\n") + 1
        events = []
        for line in block[:end].splitlines():
            try:
                event = json.loads(line.decode("utf-8", errors="replace"))
            except ValueError:
                continue
            if isinstance(event, dict):
                events.append(event)
        return events, offset + end

    def newest_events(self, most: int = 200, limit: int = 200_000) -> list[dict]:
        """The last events (at most ``most``, from at most ``limit`` bytes), however long the file has grown."""
        path = self.path / "events.jsonl"
        size = path.stat().st_size if path.is_file() else 0
        return self.events(max(0, size - limit), limit)[0][-most:]

    def write_text(self, name: str, text: str) -> None:
        """Write ``config.json`` or another text file of the run, atomically."""
        write_text(self.path / name, text)

    def write_json(self, name: str, value: Any) -> None:
        """Write ``provenance.json``, ``summary.json``, ``folds.json`` or another JSON file of the run."""
        write_json(self.path / name, value)

    def write_status(self, **fields: Any) -> None:
        """Merge ``fields`` into ``status.json``, atomically."""
        path = self.path / "status.json"
        current = read_json(path) if path.is_file() else {}
        write_json(path, {**current, **fields, "updated": now()})

    def add_event(self, event: str, **fields: Any) -> None:
        """Append one line to ``events.jsonl``."""
        line = json.dumps(plain({"time": now(), "event": event, **fields}), allow_nan=False)
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _text(self, name: str) -> str:
        path = self.path / name
        if not path.is_file():
            raise RunError(f"'{self.name}' is not a run: it has no {name}.")
        return path.read_text(encoding="utf-8")

    # Tables -------------------------------------------------------------------------------------------------

    def oof(self) -> pd.DataFrame:
        """Out-of-fold scores: id, label, fold, group, and score_, prob_, pred_ of each head."""
        return _read_table(self.path / "oof.parquet")

    def write_oof(self, table: pd.DataFrame) -> None:
        """See :meth:`oof`."""
        _write_table(self.path / "oof.parquet", table)

    def occlusion(self) -> pd.DataFrame:
        """One row per patch, head, baseline and band: p0 and p_b, the probability before and after."""
        return _read_table(self.path / "occlusion.parquet")

    def write_occlusion(self, table: pd.DataFrame) -> None:
        """See :meth:`occlusion`."""
        _write_table(self.path / "occlusion.parquet", table)

    def band_groups(self) -> pd.DataFrame:
        """One row per landslide, head and group of bands: its Shapley value of the drop, where bands become their mean.

        With the probabilities without that group, without all others, and without any. The study's where there is one
        (see :meth:`band_study`), with its replacements.
        """
        study = self.path / "occlusion" / "groups.parquet"
        return _read_table(study if study.is_file() else self.path / "band_groups.parquet")

    def write_band_groups(self, table: pd.DataFrame) -> None:
        """See :meth:`band_groups`; what the run itself computes."""
        _write_table(self.path / "band_groups.parquet", table)

    def band_study(self) -> tuple[dict[str, pd.DataFrame], dict] | None:
        """What ``core.occlusion`` found with every replacement: tables bands, groups, and the report; or none yet."""
        path = self.path / "occlusion"
        if not (path / "report.json").is_file():
            return None
        return {part: _read_table(path / f"{part}.parquet") for part in ("bands", "groups")}, read_json(
            path / "report.json"
        )

    def window_drops(self) -> tuple[pd.DataFrame, np.ndarray] | None:
        """Patches whose windows were occluded (id, fold, p0, row) and drops (n, rows, columns), or none."""
        path = self.path / "occlusion"
        if not (path / "windows.parquet").is_file():
            return None
        return _read_table(path / "windows.parquet"), _read_arrays(path / "windows.safetensors")["drops"]

    def write_band_study(
        self, tables: dict[str, pd.DataFrame], report: dict, windows: tuple[pd.DataFrame, np.ndarray] | None
    ) -> None:
        """See :meth:`band_study` and :meth:`window_drops`, which stays as it was where no windows come."""
        path = self.path / "occlusion"
        for part, table in tables.items():
            _write_table(path / f"{part}.parquet", table)
        if windows is not None:
            save_arrays(path / "windows.safetensors", {"drops": windows[1]})
            _write_table(path / "windows.parquet", windows[0])
        write_json(path / "report.json", report)

    def drill(self) -> tuple[pd.DataFrame, dict] | None:
        """What ``core.drill`` found: a row a patch, scenario and policy (prob, pred), and the report; or none yet."""
        path = self.path / "drill"
        if not (path / "report.json").is_file():
            return None
        return _read_table(path / "patches.parquet"), read_json(path / "report.json")

    def write_drill(self, table: pd.DataFrame, report: dict) -> None:
        """See :meth:`drill`."""
        _write_table(self.path / "drill" / "patches.parquet", table)
        write_json(self.path / "drill" / "report.json", report)

    def history(self) -> pd.DataFrame:
        """Losses, scores, learning rate and speed by fold and epoch, of the folds that have begun."""
        tables = [pd.read_parquet(p).assign(fold=int(p.parent.name[5:])) for p in self._fold_files("history.parquet")]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["fold", "epoch"])

    def fold_history(self, fold: int) -> pd.DataFrame:
        """The epochs of one fold so far; empty before its first has ended."""
        path = self.fold_path(fold) / "history.parquet"
        return _read_table(path) if path.is_file() else pd.DataFrame({"epoch": []})

    def write_history(self, fold: int, table: pd.DataFrame) -> None:
        """See :meth:`history`."""
        _write_table(self.fold_path(fold) / "history.parquet", table)

    def smote(self) -> pd.DataFrame:
        """Lineage of every synthetic patch: fold, synthetic, anchor, neighbour, anchor_weight, ssim, seed."""
        tables = [pd.read_parquet(p) for p in self._fold_files("smote.parquet")]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(SMOTE_COLUMNS))

    def write_smote(self, fold: int, table: pd.DataFrame) -> None:
        """See :meth:`smote`."""
        _write_table(self.fold_path(fold) / "smote.parquet", table[list(SMOTE_COLUMNS)])

    def leaks(self) -> pd.DataFrame | None:
        """Pairs of patches that show the same ground (see ``core.data.split_audit``); None in an older run."""
        path = self.path / "leaks.parquet"
        return _read_table(path) if path.is_file() else None

    def write_leaks(self, table: pd.DataFrame) -> None:
        """See :meth:`leaks`."""
        _write_table(self.path / "leaks.parquet", table)

    # Arrays -------------------------------------------------------------------------------------------------

    def embeddings(self, fold: int) -> dict[str, np.ndarray]:
        """``embeddings`` (N, D) and ``logits`` (N, 2) float32 of all real patches by this fold's network."""
        return _read_arrays(self.fold_path(fold) / "embeddings.safetensors")

    def write_embeddings(self, fold: int, arrays: dict[str, np.ndarray]) -> None:
        """See :meth:`embeddings`."""
        save_arrays(self.fold_path(fold) / "embeddings.safetensors", arrays)

    def scores(self, fold: int) -> dict[str, np.ndarray]:
        """Decision values of all real patches by this fold's heads: name -> (N,) float64.

        Runs of earlier versions have none: their heads, ``heads/``, give them again.
        """
        return _read_arrays(self.fold_path(fold) / "scores.safetensors")

    def has_scores(self, fold: int) -> bool:
        """Whether :meth:`scores` is there."""
        return (self.fold_path(fold) / "scores.safetensors").is_file()

    def write_scores(self, fold: int, scores: Mapping[str, np.ndarray]) -> None:
        """See :meth:`scores`."""
        save_arrays(self.fold_path(fold) / "scores.safetensors", scores)

    def head_rows(self, fold: int) -> dict[str, np.ndarray] | None:
        """What this fold's heads were fitted on, beside its embeddings; none for runs of earlier versions.

        train (n,), val (m,): rows of the dataset. labels: (N,) int8, -1 where unlabelled. synthetic: (M, D) float32,
        the embeddings of the synthetic landslides.
        """
        path = self.fold_path(fold) / "head_rows.safetensors"
        return _read_arrays(path) if path.is_file() else None

    def write_head_rows(
        self, fold: int, train: np.ndarray, val: np.ndarray, labels: np.ndarray, synthetic: np.ndarray
    ) -> None:
        """See :meth:`head_rows`."""
        rows = {"train": train, "val": val, "labels": np.asarray(labels, np.int8), "synthetic": synthetic}
        save_arrays(self.fold_path(fold) / "head_rows.safetensors", rows)

    def refit_scores(self, fold: int) -> dict[str, np.ndarray]:
        """Like :meth:`scores`, of heads that were fitted on the finished run's embeddings; empty before the first."""
        path = self.fold_path(fold) / "refit.safetensors"
        return _read_arrays(path) if path.is_file() else {}

    def refit_facts(self, fold: int) -> dict[str, dict]:
        """By head: what its card would say (gamma, sizes), or why it was ``left_out``."""
        path = self.fold_path(fold) / "refit.json"
        return read_json(path) if path.is_file() else {}

    def write_refit(self, fold: int, scores: Mapping[str, np.ndarray], facts: Mapping[str, dict]) -> None:
        """See :meth:`refit_scores` and :meth:`refit_facts`."""
        save_arrays(self.fold_path(fold) / "refit.safetensors", scores)
        write_json(self.fold_path(fold) / "refit.json", dict(facts))

    def head_card(self, fold: int, name: str) -> dict:
        """The card of a head of this fold; empty for what is no head with a file of its own, as the blend."""
        path = self.heads_path(fold) / f"{name}.json"
        return read_json(path) if path.is_file() else {}

    def head_table(self) -> dict | None:
        """Every head's F1 on training and on unseen patches (see ``core.table3``); none before it was asked for."""
        path = self.path / "heads.json"
        return read_json(path) if path.is_file() else None

    def write_head_table(self, value: dict) -> None:
        """See :meth:`head_table`."""
        write_json(self.path / "heads.json", value)

    def umap(self, fold: int) -> tuple[dict[str, np.ndarray], dict]:
        """Map and boundary of one fold: arrays (xy, train, x, y, near, values_<head>) and their card."""
        path = self.fold_path(fold)
        return _read_arrays(path / "umap.safetensors"), read_json(path / "umap.json")

    def write_umap(self, fold: int, arrays: dict[str, np.ndarray], card: dict) -> None:
        """See :meth:`umap`."""
        save_arrays(self.fold_path(fold) / "umap.safetensors", arrays)
        write_json(self.fold_path(fold) / "umap.json", card)

    def maps(self, fold: int) -> dict[str, dict]:
        """Cards of the maps of one fold that were drawn later, with other settings: key -> card (see ``core.maps``)."""
        return {path.stem: read_json(path) for path in sorted((self.fold_path(fold) / "maps").glob("*.json"))}

    def map(self, fold: int, key: str) -> tuple[dict[str, np.ndarray], dict]:
        """One of them, as :meth:`umap` gives the run's own."""
        path = inside(self.fold_path(fold) / "maps", f"{key}.safetensors")
        return _read_arrays(path), read_json(path.with_suffix(".json"))

    def write_map(self, fold: int, key: str, arrays: dict[str, np.ndarray], card: dict) -> None:
        """See :meth:`maps`; the card is written last and says that the map is there."""
        path = inside(self.fold_path(fold) / "maps", f"{key}.safetensors")
        save_arrays(path, arrays)
        write_json(path.with_suffix(".json"), card)

    def made_from(self, fold: int) -> dict[str, str]:
        """What a map of this fold is made from, as digests: data (content), model, embeddings (files); "" if not there.

        Embeddings are kept by the network that made them: when one of these changes, they are of something else.
        """
        files = {"model": "model.safetensors", "embeddings": "embeddings.safetensors"}
        paths = {name: self.fold_path(fold) / file for name, file in files.items()}
        digests = {name: sha256(path) if path.is_file() else "" for name, path in paths.items()}
        return {"data": str(self.provenance().get("dataset", {}).get("content_hash", "")), **digests}

    def cams(self) -> tuple[pd.DataFrame, np.ndarray, dict]:
        """Out-of-fold Grad-CAM: index (id, fold, row), raw maps (N, h, w) float32 and the card (layer, target)."""
        path = self.path / "cam"
        return (
            _read_table(path / "index.parquet"),
            _read_arrays(path / "maps.safetensors")["cams"],
            read_json(path / "card.json"),
        )

    def write_cams(self, index: pd.DataFrame, maps: np.ndarray, card: dict) -> None:
        """See :meth:`cams`."""
        _write_table(self.path / "cam" / "index.parquet", index)
        save_arrays(self.path / "cam" / "maps.safetensors", {"cams": maps.astype(np.float32)})
        write_json(self.path / "cam" / "card.json", card)

    def attention_maps(self) -> dict[str, dict]:
        """By name: cards of maps of all patches that were drawn later, at another layer, method or class."""
        cards = {path.parent.name: read_json(path) for path in (self.path / "cam" / "drawn").glob("*/card.json")}
        return dict(sorted(cards.items(), key=lambda item: item[1].get("made", "")))

    def attention_map(self, name: str) -> tuple[pd.DataFrame, np.ndarray, dict]:
        """One of them, as :meth:`cams` gives the run's own."""
        path = inside(self.path / "cam" / "drawn", name)
        maps = _read_arrays(path / "maps.safetensors")["cams"]
        return _read_table(path / "index.parquet"), maps, read_json(path / "card.json")

    def write_attention_map(self, name: str, index: pd.DataFrame, maps: np.ndarray, card: dict) -> str:
        """See :meth:`attention_maps`; earlier ones of that name are replaced. Returns the name they are kept under."""
        name = slug(name)
        path = self.path / "cam" / "drawn" / name
        _write_table(path / "index.parquet", index)
        save_arrays(path / "maps.safetensors", {"cams": maps.astype(np.float32)})
        write_json(path / "card.json", card)
        return name

    def attention_checks(self) -> dict[str, dict]:
        """By name: the reports of the lie detector (see ``core.attention``), verdict and numbers, newest first."""
        reports = {path.parent.name: read_json(path) for path in (self.path / "cam" / "checks").glob("*/report.json")}
        return dict(sorted(reports.items(), key=lambda item: item[1].get("made", ""), reverse=True))

    def attention_check(self, name: str) -> dict[str, pd.DataFrame]:
        """Tables of one of them: patches (a row a patch), curves, randomised (a row a stage)."""
        path = inside(self.path / "cam" / "checks", name)
        return {part: _read_table(path / f"{part}.parquet") for part in ATTENTION_TABLES}

    def write_attention_check(self, name: str, report: dict, tables: dict[str, pd.DataFrame]) -> str:
        """See :meth:`attention_checks`; the earlier one of that name is replaced. Returns the name it is kept under."""
        name = slug(name)
        path = self.path / "cam" / "checks" / name
        for part in ATTENTION_TABLES:
            _write_table(path / f"{part}.parquet", tables[part])
        write_json(path / "report.json", report)
        return name

    # What the run said of other datasets ------------------------------------------------------------------------

    def evaluations(self) -> dict[str, dict]:
        """By name: what ``evaluate`` found on other labelled datasets (see ``core.predict.external``)."""
        return {path.stem: read_json(path) for path in sorted((self.path / "evaluations").glob("*.json"))}

    def evaluated(self, name: str) -> pd.DataFrame:
        """The patches of one of them: id, label, prob, pred."""
        return _read_table(inside(self.path / "evaluations", f"{name}.parquet"))

    def write_evaluation(self, name: str, value: dict, table: pd.DataFrame) -> None:
        """See :meth:`evaluations`; the same dataset's earlier one is replaced."""
        name = slug(name)
        _write_table(self.path / "evaluations" / f"{name}.parquet", table)
        write_json(self.path / "evaluations" / f"{name}.json", value)

    # What is written last in a fold says that the fold is complete ------------------------------------------------

    def fold_is_done(self, fold: int) -> bool:
        """Whether this fold was trained to its end and everything of it was written."""
        return (self.fold_path(fold) / "fold.json").is_file()

    def fold_card(self, fold: int) -> dict:
        """n_train, n_val, n_synthetic, seed, weights' mapping, seconds, images per second."""
        return read_json(self.fold_path(fold) / "fold.json")

    def write_fold_card(self, fold: int, card: dict) -> None:
        """See :meth:`fold_card`; written last of all in a fold."""
        write_json(self.fold_path(fold) / "fold.json", card)

    def normaliser_text(self, fold: int) -> str:
        """The normaliser of this fold, as JSON text."""
        return self._text(f"fold_{fold}/normaliser.json")

    def write_normaliser(self, fold: int, text: str) -> None:
        """See :meth:`normaliser_text`."""
        write_text(self.fold_path(fold) / "normaliser.json", text)

    def rules(self) -> dict:
        """By head: Platt scaling and thresholds by fold, and the deployed threshold."""
        return read_json(self.path / "rules.json")

    # Folders of other rooms -----------------------------------------------------------------------------------

    def fold_path(self, fold: int) -> Path:
        """``fold_k``: network, normaliser, heads and resume files are written there by their own rooms."""
        return self.path / f"fold_{fold}"

    def heads_path(self, fold: int) -> Path:
        """The folder of this fold's heads."""
        return self.fold_path(fold) / "heads"

    def resume_path(self, fold: int) -> Path:
        """The folder of what this fold's training needs to go on after an interruption."""
        return self.fold_path(fold) / "resume"

    def _fold_files(self, name: str) -> list[Path]:
        return sorted(self.path.glob(f"fold_*/{name}"), key=lambda p: int(p.parent.name[5:]))


ATTENTION_TABLES = ("patches", "curves", "randomised")
SMOTE_COLUMNS = ("fold", "synthetic", "anchor", "neighbour", "anchor_weight", "ssim", "seed")


# ---------------------------------------------------------------------------------------------- many folders


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def datasets_path(checkpoints: Path) -> Path:
    """The default home of dataset files."""
    return Path(checkpoints) / "datasets"


def create_run(checkpoints: Path, config: RunConfig, dataset: Path, spec: str) -> RunFolder:
    """A new folder ``<UTC start>_<backbone>_<short hash>`` with its configuration and state ``queued``.

    ``spec`` names settings and data together: equal specifications are one job while they wait or run.
    """
    checkpoints = Path(checkpoints)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for _ in range(100):
        name = slug(f"{stamp}_{config.model.backbone}_{config.hash()[:4]}{secrets.token_hex(2)}")
        path = checkpoints / name
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        run = RunFolder(path)
        run.write_text("config.json", config.to_json())
        run.write_json("job.json", {"dataset": str(Path(dataset).resolve()), "spec": spec})
        run.write_status(state="queued", created=now(), progress=0.0, stage="waiting")
        return run
    raise RunError(f"No free name for a run in {checkpoints.name}. Try again.")


def open_run(checkpoints: Path, name: str) -> RunFolder:
    """The run of that name.

    Raises RunError naming the newest runs when it is not there, and UnsafeFileError for a name that leads out of the
    checkpoints folder (names also come from URLs).
    """
    checkpoints = Path(checkpoints)
    path = inside(checkpoints, name)
    if not (path / "config.json").is_file():
        known = ", ".join(run.name for run in list_runs(checkpoints)[:5]) or "none yet"
        raise RunError(f"There is no run '{Path(name).name}' in {checkpoints.name}. Newest runs: {known}.")
    return RunFolder(path)


def list_runs(checkpoints: Path) -> list[RunFolder]:
    """Every run in the checkpoints folder, newest first."""
    return sorted(_run_folders(Path(checkpoints)), key=lambda run: run.name, reverse=True)


def _run_folders(checkpoints: Path) -> Iterator[RunFolder]:
    if not checkpoints.is_dir():
        return
    for path in checkpoints.iterdir():
        if not path.is_symlink() and (path / "config.json").is_file() and (path / "status.json").is_file():
            yield RunFolder(path)
