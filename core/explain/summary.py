"""Occlusion of a whole run, summed up by band with intervals.

Comes in: the run's occlusion table and out-of-fold table. Goes out: one row a head, baseline and band.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.explain.occlusion import band_importance


def occlusion_summary(occlusion: pd.DataFrame, oof: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of head, baseline, band, drop_mean, lo, hi, drop_sum, paper_sum, n over out-of-fold landslides.

    occlusion: id, label, fold, head, baseline, band, p0, p_b. oof: id, group. Intervals resample groups whole.
    """
    group_of = oof.set_index("id")["group"]
    rows = []
    for (head, baseline), part in occlusion.groupby(["head", "baseline"], sort=False):
        bands = list(part["band"].unique())
        p_b = part.pivot(index="id", columns="band", values="p_b")[bands]
        facts = part.drop_duplicates("id").set_index("id").loc[p_b.index]
        groups = group_of.loc[p_b.index].to_numpy()
        found = band_importance(
            facts["p0"].to_numpy(),
            p_b.to_numpy().T,
            facts["label"].to_numpy(),
            groups if np.any(groups != "") else None,
        )
        rows += [
            {
                "head": head,
                "baseline": baseline,
                "band": band,
                "drop_mean": float(found.drop_mean[b]),
                "lo": float(found.lo[b]),
                "hi": float(found.hi[b]),
                "drop_sum": float(found.drop_sum[b]),
                "paper_sum": float(found.paper_sum[b]),
                "n": found.n,
            }
            for b, band in enumerate(bands)
        ]
    return rows
