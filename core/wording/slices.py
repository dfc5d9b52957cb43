"""Where a run is weak, in sentences; what slices are called."""

from __future__ import annotations

import math

from core.errors import needed
from core.evaluate.comparison.significance import ALPHA
from core.evaluate.slices import SliceReport
from core.text import interval, number, small
from core.wording.names import METRIC_TITLES
from core.wording.voice import PLAIN, Voice

FACT_WORDS = {
    "scar_share": "Scar size", "cloud": "Cloud cover", "brightness": "Brightness", "season": "Season",
    "source": "Source", "group": "Group", "split": "Split", "fold": "Fold",
}  # fmt: skip
PERCENT = ("scar_share",)  # facts that are shares


def sentence(report: SliceReport, metric: str, voice: Voice = PLAIN) -> str:
    """The weakest slice and whether it is weaker than the rest beyond luck."""
    row = report.worst
    if row is None:
        return f"{METRIC_TITLES[metric]} is {number(report.overall)} over all patches, and no slice lies below that."
    words = (
        f"Weakest slice: {voice.shown(slice_title(row['by'], row['slice']))}, with {METRIC_TITLES[metric]} "
        f"{number(row['value'])} against {number(row['rest'])} elsewhere."
    )
    if row["p_holm"] < ALPHA:
        return f"{words} The difference is significant."
    if not report.settled:
        return f"{words} The difference is not significant."
    first = report.beyond_luck.iloc[0]
    name = voice.shown(slice_title(first["by"], first["slice"]))
    return f"{words} Its difference is not significant, that of {name} ({number(first['value'])}) is."


def details(report: SliceReport, metric: str, voice: Voice = PLAIN) -> str:
    """Numbers behind :func:`sentence`."""
    row, p = needed(report.worst, "No slice could be judged."), ""
    if math.isfinite(row["p_holm"]):
        p = f"; p {small(row['p_holm'])} after Holm's correction over {len(report.table)} slices"
    bounds = interval((row["lo"], row["hi"])) or "unknown: too few groups"
    return (
        f"The weakest, {voice.shown(slice_title(row['by'], row['slice']))}: {METRIC_TITLES[metric]} "
        f"{number(row['value'])}, 95% interval {bounds}, n = {row['n']:,}, {row['n_positive']:,} positive{p}."
    )


def fact_title(name: str) -> str:
    """What a fact of ``core.data.tabular.patch_metadata`` is called; a column by its own name."""
    return FACT_WORDS.get(name, name)


def slice_title(by: str, name: str) -> str:
    """A slice for people: "scar size 6.7 to 9.5%", "season winter"; a column by its own name."""
    return f"{FACT_WORDS[by].lower() if by in FACT_WORDS else by} {kind_title(by, name)}"


def kind_title(by: str, name: str) -> str:
    """The name of a slice, with its unit."""
    return f"{name}%" if by in PERCENT and is_number(name) else name


def is_number(name: str) -> bool:
    """Whether a slice is a number or a range of numbers ("6.7 to 9.5")."""
    return math.isfinite(slice_order(name)[0])


def slice_order(name: str) -> tuple[float, str]:
    """Slices of numbers ("43.6 to 53.3") are sorted by where they begin, others by name."""
    try:
        return float(name.split(" to ")[0].replace(",", "")), name
    except ValueError:
        return math.inf, name
