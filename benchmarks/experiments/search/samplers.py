"""TPE, Particle Swarm and random search on the same budget and seeds, and what is left of the winner's score.

    python -m benchmarks.experiments.search.samplers LANDSLIDE4SENSE.h5 --out benchmarks/results/samplers.json

Known functions say whether a sampler finds the lowest place. A real objective says whether that helps: an RBF-SVM on
the rich band statistics of 600 patches, its five settings chosen by AUC over three folds of whole source images; each
seed has a search part of its own, the same for all samplers. The winner is fitted on that part and judged on all other
patches, which no trial saw. With shuffled labels there is nothing to find, and the best AUC of the search is what
choosing alone makes of chance.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.report import circumstances, keep
from core.data.band_statistics import FEATURES
from core.data.store import open_dataset
from core.experiments.search.particle_swarm import ParticleSwarmSampler
from core.experiments.search.study import STARTUP

BUDGET, PATCHES, FOLDS = 30, 600, 3
SAMPLERS: dict[str, Callable[[dict, int], BaseSampler]] = {
    "tpe": lambda space, seed: TPESampler(seed=seed, n_startup_trials=STARTUP),
    "pso": ParticleSwarmSampler,
    "random": lambda space, seed: RandomSampler(seed),
}
SVM = {
    "C": FloatDistribution(1e-2, 1e3, log=True),
    "gamma": FloatDistribution(1e-5, 1.0, log=True),
    "components": IntDistribution(3, 40),
    "whiten": CategoricalDistribution((True, False)),
    "class_weight": CategoricalDistribution(("none", "balanced")),
}
AS_THEY_ARE = {"C": 1.0, "gamma": 0.025, "components": 40, "whiten": False, "class_weight": "none"}


def sphere(x: np.ndarray) -> float:
    """Lowest, 0, at 1 everywhere."""
    return float(((x - 1) ** 2).sum())


def rastrigin(x: np.ndarray) -> float:
    """Lowest, 0, at 0, among a grid of false bottoms."""
    return float(10 * len(x) + (x * x - 10 * np.cos(2 * np.pi * x)).sum())


def branin(x: np.ndarray) -> float:
    """Lowest, 0.398, at three places."""
    a, b = x
    bowl = (b - 5.1 / (4 * np.pi**2) * a * a + 5 / np.pi * a - 6) ** 2
    return float(bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)


def _cube(n: int, low: float, high: float) -> dict[str, FloatDistribution]:
    return {f"x{i}": FloatDistribution(low, high) for i in range(n)}


FUNCTIONS = {
    "sphere": (sphere, _cube(4, -5, 5)),
    "rastrigin": (rastrigin, _cube(2, -5.12, 5.12)),
    "branin": (branin, {"x0": FloatDistribution(-5, 10), "x1": FloatDistribution(0, 15)}),
}


def searched(space: dict, objective: Callable[[Mapping[str, Any]], float], sampler: BaseSampler, n: int) -> Any:
    """The study after ``n`` trials; higher is better."""
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(n):
        trial = study.ask(space)
        study.tell(trial, objective(trial.params))
    return study


def _negative(function: Callable[[np.ndarray], float], params: Mapping[str, float]) -> float:
    return -function(np.array([params[name] for name in sorted(params)]))


def on_functions(seeds: int) -> dict[str, Any]:
    """Lowest value that each sampler finds, the median over the seeds, and how often it beats random search."""
    found: dict[str, Any] = {}
    for name, (function, space) in FUNCTIONS.items():
        lowest = {}
        for sampler, make in SAMPLERS.items():
            studies = (
                searched(
                    space, lambda p, f=function: -f(np.array([p[k] for k in sorted(p)])), make(space, seed), BUDGET
                )
                for seed in range(seeds)
            )
            lowest[sampler] = [-study.best_value for study in studies]
        found[name] = {
            one: {
                "median": float(np.median(values)), "values": values,
                "beats_random": int((np.array(values) < np.array(lowest["random"])).sum()),
            }
            for one, values in lowest.items()
        }  # fmt: skip
    return found


def model(params: Mapping[str, Any], n: int) -> Any:
    """The SVM with these settings for ``n`` training patches."""
    weight = None if params["class_weight"] == "none" else "balanced"
    reduced = PCA(min(params["components"], n), whiten=params["whiten"], random_state=0)
    return make_pipeline(StandardScaler(), reduced, SVC(C=params["C"], gamma=params["gamma"], class_weight=weight))


class Part:
    """One search part and the rest. x: (N, S) statistics; y: (N,) labels; groups: (N,)."""

    def __init__(self, x: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int) -> None:
        rng = np.random.default_rng(seed)
        order, inside = rng.permutation(np.unique(groups)), np.zeros(len(y), bool)
        for group in order:
            if inside.sum() >= PATCHES:
                break
            inside |= groups == group
        self.x, self.y, self.outer_x, self.outer_y = x[inside], y[inside], x[~inside], y[~inside]
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        self.folds = list(splitter.split(self.x, self.y, groups[inside]))
        self._known: dict[tuple, float] = {}

    def inner(self, params: Mapping[str, Any]) -> float:
        """Mean AUC of the folds, each judged by a model that has not seen it."""
        key = tuple(sorted(params.items()))
        if key not in self._known:
            aucs = []
            for train, val in self.folds:
                fitted = model(params, len(train)).fit(self.x[train], self.y[train])
                aucs.append(roc_auc_score(self.y[val], fitted.decision_function(self.x[val])))
            self._known[key] = float(np.mean(aucs))
        return self._known[key]

    def outer(self, params: Mapping[str, Any]) -> float:
        """Mean AUC of the folds' models on the patches that no trial saw: trained on as many as inside."""
        aucs = []
        for train, _ in self.folds:
            fitted = model(params, len(train)).fit(self.x[train], self.y[train])
            aucs.append(roc_auc_score(self.outer_y, fitted.decision_function(self.outer_x)))
        return float(np.mean(aucs))


def on_patches(x: np.ndarray, y: np.ndarray, groups: np.ndarray, seeds: int, samplers: tuple[str, ...]) -> dict:
    """By sampler: best AUC inside, its settings' AUC outside, the inflation, and the gain that is left; over seeds."""
    rows: dict[str, list[tuple[float, ...]]] = {name: [] for name in samplers}
    curves: dict[str, list[list[float]]] = {name: [] for name in samplers}
    for seed in range(seeds):
        part = Part(x, y, groups, seed)
        base = part.inner(AS_THEY_ARE), part.outer(AS_THEY_ARE)
        for name in samplers:
            study = searched(SVM, part.inner, SAMPLERS[name](SVM, seed), BUDGET)
            values = [trial.value for trial in study.trials]
            curves[name].append(np.maximum.accumulate(values).tolist())
            rows[name].append((study.best_value, part.outer(study.best_params), *base))
        print(f"seed {seed}: " + ", ".join(f"{name} {rows[name][-1][0]:.3f}/{rows[name][-1][1]:.3f}" for name in rows))
    found: dict[str, Any] = {}
    for name, values in rows.items():
        inner, outer, base_inner, base_outer = np.array(values).T
        named = {
            "inner": inner, "outer": outer, "inflation": inner - outer, "promised": inner - base_inner,
            "kept": outer - base_outer, "as_they_are_inner": base_inner, "as_they_are_outer": base_outer,
        }  # fmt: skip
        found[name] = {key: _over_seeds(one) for key, one in named.items()}
        found[name]["best_so_far"] = np.mean(curves[name], axis=0).tolist()
    return found


def _over_seeds(values: np.ndarray) -> dict[str, float]:
    """Mean with its 95 % interval by Student's t over the seeds, which differ in their search parts too."""
    from scipy.stats import t

    n = len(values)
    reach = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    mean = float(values.mean())
    return {"mean": mean, "lo": mean - reach, "hi": mean + reach}


def main() -> None:
    """All three questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    began = time.monotonic()
    data = open_dataset(asked.dataset)
    x = FEATURES["rich"](data.images(), data.band_names)
    y, groups = data.labels.astype(int), data.groups
    shuffled = np.random.default_rng(0).permutation(y)
    result = {
        "budget": BUDGET, "seeds": asked.seeds, "n": len(y), "n_search": PATCHES, "folds": FOLDS,
        "functions": on_functions(asked.seeds),
        "patches": on_patches(x, y, groups, asked.seeds, tuple(SAMPLERS)),
        "noise": on_patches(x, shuffled, groups, asked.seeds, ("random",)),
        "seconds": time.monotonic() - began,
    }  # fmt: skip
    keep(result | circumstances("optuna", "scikit-learn"), asked.out)


if __name__ == "__main__":
    main()
