"""``python -m core.workers.compiling``: what numba keeps on disk is compiled, before a job waits for it.

On a fresh installation this takes half a minute of one core, most of it for umap-learn; later a second.
"""

from __future__ import annotations

import numpy as np

from core.embed.umap_projection import import_umap
from core.smote.ssim import pairwise_ssim


def main() -> None:
    """Call or import each once."""
    pairwise_ssim(np.random.default_rng(0).normal(size=(2, 1, 16, 16)).astype(np.float32), 1.0)
    import_umap()


if __name__ == "__main__":
    main()
