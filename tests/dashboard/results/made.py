"""What the tests of the Results room share: made-up predictions, and the words of a page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.results.predictions import Predictions


def made_predictions(n: int = 200, seed: int = 0, groups: bool = False, name: str = "landslide") -> Predictions:
    """``n`` patches, every fourth a landslide, in three folds, decided at 0.5."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 4 == 0).astype(int)
    probs = 1 / (1 + np.exp(-(rng.normal(size=n) + 2.5 * labels - 1.5)))
    table = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "label": labels, "fold": np.arange(n) % 3})
    table["group"] = [f"g{i // 5}" for i in range(n)] if groups else ""
    table["prob"], table["pred"], table["threshold"] = probs, (probs >= 0.5).astype(int), 0.5
    table["outcome"] = np.array(["TN", "FP", "FN", "TP"])[2 * labels + table["pred"]]
    return Predictions(f"test {n} {seed} {groups} {name}", "made", "Made", "", ("other", name), table)


def words_of(at) -> str:
    """Every text of the page, without its escapes."""
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return " ".join(element.value.replace("\\", "") for kind in kinds for element in kind)
