"""How unlike the rest of a run's patches each of them is, told by the fold that held it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.heads.blend import kind_of, members_of
from core.predict.novelty.calibrated import LEVEL, Novelty, evidence_of
from core.predict.novelty.fit import calibrated_rows
from core.runs.store import RunFolder


@dataclass(frozen=True, eq=False)
class OwnNovelty:
    """Of patches that were held out.

    rows: (n,) of the dataset, p: (n,) in (0, 1], the share of other held-out groups that lie as far out. n_groups:
    whose patches they are. evidence: see :func:`evidence_for`.
    """

    rows: np.ndarray
    p: np.ndarray
    n_groups: int
    evidence: str

    @property
    def level(self) -> float:
        """At which a patch counts as unlike the others: ``LEVEL``, or the rarest that so many groups can tell."""
        return max(LEVEL, 1.0 / self.n_groups)


def own_novelty(run: RunFolder, novelty: Novelty) -> OwnNovelty | None:
    """Of the patches that the calibration looked at, each in the space of its own fold and without its own group.

    None where the calibration is not of these folds. Raises RunError for a run that kept no rows.
    """
    rows = calibrated_rows(run, len(novelty.folds))
    if [len(one) for one in rows] != [len(fold.groups) for fold in novelty.folds]:
        return None
    evidence = evidence_for(run, novelty)
    held = novelty.held_out(evidence)
    return OwnNovelty(np.concatenate(rows), np.concatenate(held.own_p_values()), held.n_groups, evidence)


def evidence_for(run: RunFolder, novelty: Novelty) -> str:
    """What novelty is told by: embeddings only where the run's head reads them."""
    reads = any(kind_of(name) == "embeddings" for name in members_of([run.summary()["head"]]))
    return evidence_of(novelty.has_bands, novelty.has_embedding and reads)
