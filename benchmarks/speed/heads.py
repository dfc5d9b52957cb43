"""Table 3's SVMs from one shared kernel a fold against scikit-learn's SVC on features, both in this process.

    python -m benchmarks.speed.heads [--n 10000] [--out benchmarks/results/heads.json]

Made embeddings: sixteen clusters of a 24-dimensional space seen through 1280 rectified, noisy features, three tenths of
them positive and partly overlapping. Five folds, C 1, 0.75, 0.5 and 0.1. Both sides get standardised features, the same
gamma and the same cache; both fit and answer for the fold's held-out part, ours for the training part as well. They
take turns fold by fold, so that other work on the machine disturbs both alike.
"""

from __future__ import annotations

import os
import resource
import time

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_info

from benchmarks.report import circumstances, keep, parser
from core.heads.svm import CACHE_MB, SvmSetting, fit_svms

CS = (1.0, 0.75, 0.5, 0.1)
FOLDS = 5
D = 1280
LATENT, CLUSTERS = 24, 16


def embeddings(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, 1280) float32 and labels (n,): what a network's last layer looks like, nearly separable but not quite."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(np.int8)
    direction = rng.normal(size=LATENT)
    direction /= np.linalg.norm(direction)
    centres = 1.5 * rng.normal(size=(CLUSTERS, LATENT))
    latent = centres[rng.integers(0, CLUSTERS, n)] + rng.normal(size=(n, LATENT))
    latent += 1.3 * np.outer(2.0 * labels - 1.0, direction)
    seen = latent @ rng.normal(size=(LATENT, D)) / np.sqrt(LATENT) + 0.5 * rng.normal(size=(n, D))
    return np.maximum(seen, 0.0).astype(np.float32), labels


def ours(x: np.ndarray, y: np.ndarray, held_out: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Seconds, and decisions (4, n) for the held-out part; one kernel for all four C."""
    start = time.perf_counter()
    found = fit_svms(x, y, [SvmSetting(C) for C in CS], held_out)
    return {"total": time.perf_counter() - start}, np.stack([one.of_others for one in found])


def peer(x: np.ndarray, y: np.ndarray, held_out: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """The same by scikit-learn on features: a fit and a decision_function for each C."""
    seconds, decisions = {"fit": 0.0, "decide": 0.0}, []
    start = time.perf_counter()
    scaler = StandardScaler().fit(x.astype(np.float64))
    z, z_out = scaler.transform(x.astype(np.float64)), scaler.transform(held_out.astype(np.float64))
    seconds["fit"] += time.perf_counter() - start
    for C in CS:
        start = time.perf_counter()
        svc = SVC(C=C, gamma="scale", cache_size=CACHE_MB).fit(z, y)
        fitted = time.perf_counter()
        decisions.append(svc.decision_function(z_out))
        seconds["fit"] += fitted - start
        seconds["decide"] += time.perf_counter() - fitted
    return seconds, np.stack(decisions)


def measure(n: int) -> dict:
    x, y = embeddings(n)
    ours(x[:50], y[:50], x[:5])  # imports what the first fit imports
    mine: dict[str, float] = {"total": 0.0}
    theirs = {"fit": 0.0, "decide": 0.0}
    error, right = 0.0, np.zeros(len(CS))
    loads = [os.getloadavg()[0]]
    for fold, (train, held_out) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, y)):
        answers = {}
        for side in (ours, peer) if fold % 2 == 0 else (peer, ours):
            seconds, answers[side] = side(x[train], y[train], x[held_out])
            total = mine if side is ours else theirs
            for part, value in seconds.items():
                total[part] += value
        error = max(error, float(np.abs(answers[ours] - answers[peer]).max()))
        right += ((answers[ours] > 0) == y[held_out]).sum(axis=1)
        loads.append(os.getloadavg()[0])
    return {
        "benchmark": "heads",
        "peer": "sklearn.svm.SVC on features",
        "n": n,
        "features": D,
        "folds": FOLDS,
        "C": list(CS),
        "gamma": "scale",
        "seconds": round(mine["total"], 2),
        "seconds_peer": round(sum(theirs.values()), 2),
        "seconds_peer_fit_only": round(theirs["fit"], 2),
        "ratio": round(sum(theirs.values()) / mine["total"], 1),
        "ratio_to_peer_fit_only": round(theirs["fit"] / mine["total"], 1),
        "max_error": float(f"{error:.2g}"),
        "accuracy_by_C": [round(float(value) / n, 4) for value in right],
        "kernel_mib_by_fold": round(8 * (n * (FOLDS - 1) / FOLDS) ** 2 / 2**20),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
        "cache_mb": CACHE_MB,
        "threads": max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"),
        "load_averages": [round(value, 1) for value in (min(loads), max(loads))],
        **circumstances("numpy", "scikit-learn"),
    }


def main() -> None:
    options = parser(__doc__, 10_000, "number of embeddings")
    arguments = options.parse_args()
    result = measure(arguments.n)
    print("| SVM sweep | seconds | SVC on features | ratio | to its fits alone | largest difference | machine |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {result['n']} x {D}, {FOLDS} folds, {len(CS)} C | {result['seconds']:.1f} | {result['seconds_peer']:.1f} "
        f"| {result['ratio']:.1f} x | {result['ratio_to_peer_fit_only']:.1f} x | {result['max_error']:.1e} "
        f"| {result['machine']} |"
    )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
