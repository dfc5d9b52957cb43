"""Whether patches that show the same ground lie on both sides of a split, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from core.text import counted


def verdict(n_pairs: int, crossings: Mapping[str, int]) -> tuple[str, str]:
    """(severity, sentence): whether the pairs that were found lie on both sides of something."""
    if not n_pairs:
        return "ok", "No two patches show the same ground: no split of this dataset leaks pixels."
    pairs = counted(n_pairs, "pair shows", "pairs show")
    crossed = {name: n for name, n in crossings.items() if n and name != "groups"}
    if crossed:
        said = " and ".join(f"{n:,} of them lie across the {name}" for name, n in crossed.items())
        return "error", f"{pairs} the same ground, and {said}. Scores measured that way are too good."
    if crossings.get("groups"):
        return "warning", (
            f"{pairs} the same ground; {crossings['groups']:,} of them lie in different groups. Training joins such "
            "groups, or leaves out of a fold's training part what shares ground with the patches that it evaluates "
            "(folds.on_leak)."
        )
    if not crossings:
        return "ok", f"{pairs} the same ground. No split, run or group could separate them."
    named = " or ".join(f"the {name}" for name in crossings)
    return "ok", f"{pairs} the same ground; none lies across {named}."
