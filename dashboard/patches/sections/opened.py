"""What the parts of a card are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.analyses.attention.evidence import Nearest
from core.data.store import Dataset
from core.explain.why import Finding
from core.runs.store import RunFolder
from dashboard.patches.gallery import Cams, Look

History = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Opened:
    """One patch on its card.

    row: of the dataset. run, scores, near: None without a run, or where it has no answer or embedding of the patch.
    scores: preds, probs and thresholds by head; head (the shown one), fold, sentence. measured: what may be why.
    history: draws what people said of a patch, where it is known who looks.
    """

    data: Dataset
    patch_id: str
    row: int
    look: Look
    cams: Cams
    run: RunFolder | None = None
    scores: dict | None = None
    near: Nearest | None = None
    measured: tuple[Finding, ...] = ()
    history: History | None = None

    @property
    def label(self) -> int:
        """1, 0 or -1."""
        return int(self.data.labels[self.row])
