"""When a waiting job will start: from what is left of the running ones, and how long others of its kind took.

How long jobs took is kept in the queue's file, a row for each that succeeded without an interruption. It is a cache:
after the file was rebuilt, a start is not known until a job of each kind has ended again.
"""

from __future__ import annotations

import math
import sqlite3
import statistics
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import LandslideLensError
from core.jobs import lanes, turns
from core.jobs.analysis_folder import AnalysisFolder, folder_of
from core.runs.store import RunFolder

NEWEST = 5  # durations of one kind that are looked at: machines and datasets change
UNUSABLE = (LandslideLensError, OSError, AttributeError, KeyError, TypeError, ValueError)  # a damaged folder


def work_of(folder: RunFolder | AnalysisFolder) -> tuple[str, float]:
    """The kind of a job, within which time grows with its work, and that work (epochs of all folds, or 1)."""
    dataset = str(folder.dataset_path() or "")
    if isinstance(folder, AnalysisFolder):
        return f"{folder.analysis()} of {dataset}", 1.0
    config = folder.config()
    kind = f"training {config.model.backbone} {config.model.image_size or ''} on {lanes.lane_of(folder)} of {dataset}"
    return kind, float(config.train.epochs * config.folds.n_splits)


def note(rows: sqlite3.Connection, folder: RunFolder | AnalysisFolder) -> None:
    """Keep how long a job took that has just succeeded; not of a training that was resumed, which was done in parts."""
    status = folder.known_status()
    try:
        if isinstance(folder, RunFolder) and status.get("starts") != 1:
            return
        seconds = (datetime.now().astimezone() - datetime.fromisoformat(str(status["started"]))).total_seconds()
        kind, work = work_of(folder)
    except UNUSABLE:
        return
    if seconds > 0 and math.isfinite(seconds):
        rows.execute("INSERT INTO durations (kind, work, seconds) VALUES (?, ?, ?)", (kind, work, seconds))
        rows.execute(
            "DELETE FROM durations WHERE kind = ? AND rowid NOT IN "
            "(SELECT rowid FROM durations WHERE kind = ? ORDER BY rowid DESC LIMIT ?)",
            (kind, kind, NEWEST),
        )


def expected_s(rows: sqlite3.Connection, folder: RunFolder | AnalysisFolder) -> float | None:
    """Seconds that the whole job takes, at the median speed of the newest of its kind; None where there is none."""
    try:
        kind, work = work_of(folder)
    except UNUSABLE:
        return None
    found = rows.execute("SELECT seconds / work FROM durations WHERE kind = ?", (kind,)).fetchall()
    return statistics.median(speed for (speed,) in found) * work if found else None


def starts(rows: sqlite3.Connection, checkpoints: Path, waiting: list[tuple[str, str]]) -> dict[str, float | None]:
    """Waiting job -> seconds until it starts, None where that cannot be known.

    waiting: (name, kind of lane) in the order in which they get their turn. Of those that are paused, or wait for
    another job, and of all while the queue is paused, nothing is known.
    """
    free: dict[str, list[float]] = {}
    for name, slot in rows.execute("SELECT name, lane FROM jobs WHERE state = 'running'").fetchall():
        free.setdefault(lanes.kind_of(slot), []).append(_left(rows, folder_of(checkpoints, name)))
    found: dict[str, float | None] = dict.fromkeys(name for name, _ in waiting)
    if turns.orders(checkpoints).paused:
        return found
    for name, lane in waiting:
        folder = folder_of(checkpoints, name)
        if turns.blocked(checkpoints, turns.turn_of(folder)):
            continue
        times = free.setdefault(lane, [])
        times += [0.0] * (len(lanes.slots(lane)) - len(times))
        begin = min(times)
        found[name] = begin if math.isfinite(begin) else None
        took = expected_s(rows, folder)
        times[times.index(begin)] = math.inf if took is None else begin + took
    return found


def _left(rows: sqlite3.Connection, folder: RunFolder | AnalysisFolder) -> float:
    """Seconds that a running job still takes; infinite where nothing is known."""
    status = folder.known_status()
    told = _number(status, "eta_s")
    if told is not None:
        return told
    whole, elapsed = expected_s(rows, folder), _number(status, "elapsed_s")
    return math.inf if whole is None else max(0.0, whole - (elapsed or 0.0))


def _number(status: Mapping[str, Any], name: str) -> float | None:
    value = status.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value >= 0 else None
