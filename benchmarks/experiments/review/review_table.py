"""How long the Review page takes to judge, filter and sort many patches: all that a change of a filter costs before
pictures are drawn. Made up answers of 14 heads; one patch in 25 has been judged. Best and median of the repeats.

    python -m benchmarks.experiments.review.review_table --out benchmarks/results/review_table.json
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep, parser
from core.review.entry import Entry
from dashboard.patches import outcomes
from dashboard.review import filters, table

HEADS, REPEATS = 14, 7


def made_up(n: int) -> tuple[pd.DataFrame, dict[str, list[Entry]]]:
    """Out-of-fold answers (n rows), and judgements by id."""
    rng = np.random.default_rng(0)
    names = [f"p{i:06d}" for i in range(n)]
    columns = {"id": names, "label": rng.integers(0, 2, n), "fold": rng.integers(0, 5, n)}
    columns |= {"group": [f"g{i // 50}" for i in range(n)]}
    for head in range(HEADS):
        prob = rng.random(n)
        columns |= {f"prob_h{head}": prob, f"pred_h{head}": (prob > 0.5).astype(int)}
    at = "2026-11-29T00:00:00+00:00"
    return pd.DataFrame(columns), {name: [Entry(name, at, "Ada", "patch", name, "not")] for name in names[::25]}


def once(oof: pd.DataFrame, said: dict[str, list[Entry]]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    found = table.with_judgements(table.with_doubts(outcomes.judged(oof, "h0"), oof), said, "Ada")
    chosen = filters.Filters(outcomes=("FN", "FP"), judgement="none", low=0.2)
    filters.ordered(found[filters.mask(found, chosen)], "hardest")
    return time.perf_counter() - begun


def main() -> None:
    given = parser(__doc__, 50_000).parse_args()
    oof, said = made_up(given.n)
    seconds = [once(oof, said) for _ in range(REPEATS)]
    result = {"n": given.n, "heads": HEADS, "repeats": REPEATS, "judged": len(said)}
    result |= {"seconds_best": min(seconds), "seconds_median": statistics.median(seconds)}
    keep(result | circumstances("numpy", "pandas", "streamlit"), given.out)


if __name__ == "__main__":
    main()
