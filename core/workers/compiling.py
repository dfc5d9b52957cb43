"""``python -m core.workers.compiling``: what Python and numba keep on disk is compiled, before a job waits for it.

On a fresh installation this takes 40 s of one core, most of it for umap-learn; later a few.
"""

from __future__ import annotations

import importlib

import numpy as np

from core.embed.umap_projection import import_umap
from core.smote.ssim import pairwise_ssim


def main() -> None:
    """Call or import each once."""
    importlib.import_module("core.pipeline")  # first: the processes that train load it, all at the same time
    pairwise_ssim(np.random.default_rng(0).normal(size=(2, 1, 16, 16)).astype(np.float32), 1.0)
    import_umap()


if __name__ == "__main__":
    main()
