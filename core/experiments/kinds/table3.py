"""Paper A's Table 3: the network's own layer, boosted trees and SVMs of several C on one network's embeddings."""

from __future__ import annotations

from core.config import HeadsConfig, RunConfig
from core.experiments.base import Asked, Kind, Row
from core.experiments.kinds import table2

SVMS = HeadsConfig().svm_C  # the paper's C
PRINTED = {"fc": 0.8915, "lgbm": 0.8826, "svm_c1": 0.8840, "svm_c0.75": 0.8894, "svm_c0.5": 0.8921, "svm_c0.1": 0.8938}


def rows(asked: Asked) -> list[Row]:
    """One run, judged by each of its heads; the network's own layer is the baseline."""
    base = asked.base("table2-smote").with_overrides(_heads())
    C_of = dict(zip(base.heads.svm_names, base.heads.svm_C, strict=True))
    titles = {"fc": "The network's own layer", "lgbm": "LightGBM"} | {name: f"SVM, C {C:g}" for name, C in C_of.items()}
    found = []
    for head, title in titles.items():
        facts = {"head": head, "C": C_of.get(head)}
        if not asked.preset and head in PRINTED:
            facts["printed_f1"] = PRINTED[head]
        found.append(Row(head, title, base, head=head, facts=facts))
    return found


def _heads() -> tuple[str, ...]:
    return (f"heads.svm_C={list(SVMS)}", "heads.lgbm=true")


def shrink(config: RunConfig) -> list[str]:
    """As Table 2's, with every head."""
    return [*table2.shrink(config), *_heads()]


KIND = Kind(
    name="table3",
    title="Heads (paper A, Table 3)",
    summary="F1 on training patches and on unseen ones of the network's own layer, boosted trees and SVMs over C, all "
    "on the same embeddings (paper A, Table 3).",
    rows=rows,
    shrink=shrink,
    baseline="fc",
    figure="heads",
    across="C of the SVM",
)
