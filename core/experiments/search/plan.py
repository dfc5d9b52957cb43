"""What a search does, as one value; and what its trials train."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig
from core.data.store import Dataset
from core.experiments.search.parts import Judge
from core.experiments.search.space import Space
from core.experiments.search.study import Sampler


@dataclass(frozen=True)
class Plan:
    """What is searched and how. space: around the configuration as a trial trains it (:func:`lean`)."""

    dataset: Dataset
    space: Space
    metric: str = "f1"
    sampler: Sampler = "tpe"
    trials: int = 20
    seed: int = 0
    prune: bool = True
    judge: Judge = "held_back"
    share: float = 0.25
    outer_folds: int = 3


def lean(config: RunConfig, varied: tuple[str, ...] = ()) -> RunConfig:
    """The configuration without what no score needs: maps, attention, heads that are not judged.

    varied: settings that are searched; heads stay where the search chooses among them.
    """
    settings = ["explain.enabled=false", "embed.method=pca"]
    heads = config.heads
    if not any(name.startswith("heads.") and name != "heads.svm_C" for name in varied):
        svms = [C for C, name in zip(heads.svm_C, heads.svm_names, strict=True) if name == heads.head]
        settings += [
            f"heads.svm_C=[{(svms or heads.svm_C[-1:])[0]!r}]",
            f"heads.lgbm={str(heads.head == 'lgbm').lower()}",
            f"heads.logreg={str(heads.head == 'logreg').lower()}",
        ]
    return config.with_overrides(settings)
