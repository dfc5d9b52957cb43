"""Heads that were fitted on a finished run's stored embeddings: what they answer, apart from the run's own heads.

``core.analyses.heads`` fits them; the maps of the embeddings draw their boundaries too.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.runs.results import ResultFolder
from core.runs.store import RunFolder

HEADS = "heads"  # the analysis whose results they are


def refit_scores(run: RunFolder, fold: int) -> dict[str, np.ndarray]:
    """Decision values of all real patches by head, (N,) float64 each; empty before the first was fitted."""
    results = _fold(run, fold)
    return results.arrays("scores") if results.has("scores.safetensors") else {}


def refit_facts(run: RunFolder, fold: int) -> dict[str, dict]:
    """By head: what its card would say (gamma, sizes), or why it was ``left_out``."""
    results = _fold(run, fold)
    return results.json("facts.json") if results.has("facts.json") else {}


def write_refit(run: RunFolder, fold: int, scores: Mapping[str, np.ndarray], facts: Mapping[str, dict]) -> None:
    """See :func:`refit_scores` and :func:`refit_facts`."""
    results = _fold(run, fold)
    results.write_arrays("scores", scores)
    results.write_json("facts.json", dict(facts))


def _fold(run: RunFolder, fold: int) -> ResultFolder:
    return run.results(HEADS).part(f"fold_{fold}")
