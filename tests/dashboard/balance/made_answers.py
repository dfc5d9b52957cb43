"""Answers as the warm process gives them, made up."""

import numpy as np

GRAPH = {
    "id": "a", "fold": 0, "nearest": ["b", "c", "<b>d</b>"], "ssim": [0.9, 0.5, 0.1], "n": 9, "seconds": 0.1,
    "further": [["b", "c", 0.4], ["b", "e", 0.3], ["c", "e", 0.2], ["<b>d</b>", "f", 0.1]],
}  # fmt: skip


def stops(ids, extra=(0.3,)):
    """An interpolation between three patches."""
    position = np.unique([0, 0.5, 1, 1.5, 2, *extra])
    n = len(position)
    return {
        "fold": 0, "ids": ids, "labels": [1, 1, 0], "seen": [True, True, True], "position": position.tolist(),
        "probs": {"fc": np.linspace(0.9, 0.1, n).tolist(), "svm_c0.1": np.linspace(0.8, 0.2, n).tolist()},
        "thresholds": {"fc": 0.5, "svm_c0.1": 0.4}, "headline": "svm_c0.1", "margin_head": "svm_c0.1",
        "margin": np.linspace(1, -1, n).tolist(), "embeddings": np.zeros((n, 8)).tolist(),
        "maps": np.ones((n, 4, 4)).tolist(), "layer": "blocks.3", "method": "gradcam", "largest_gap": 1e-8,
        "stored": {"fc": [0.9, 0.5, 0.1]}, "ssim": [0.4, 0.1], "distance": 0.2, "metric": "cosine", "seconds": 0.1,
    }  # fmt: skip
