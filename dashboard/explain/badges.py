"""How verdicts look as badges, and what attention maps leave out."""

from __future__ import annotations

from core.wording.attention import VERDICT_WORDS
from dashboard import theme
from dashboard.ui.formatting import escape_markdown

# By verdict of the sanity checks: badge colour, icon, words.
CHECK_LOOKS = {
    "trusted": ("green", ":material/verified:", VERDICT_WORDS["trusted"]),
    "careful": ("orange", ":material/warning:", VERDICT_WORDS["careful"]),
    "lies": ("red", ":material/dangerous:", VERDICT_WORDS["lies"]),
    "undecided": ("gray", ":material/help:", VERDICT_WORDS["undecided"]),
}


# By answer of ``core.explain.bands.verdict``.
ANSWER_LOOKS = {
    "yes": ("green", ":material/check_circle:"),
    "no": ("red", ":material/cancel:"),
    "undecided": ("orange", ":material/balance:"),
    "cannot be asked": ("gray", ":material/help:"),
}


def what_maps_miss(head: str) -> str:
    """How a head's decisions relate to the maps of the network's own classifier, as a sentence; fc needs none."""
    title = escape_markdown(theme.head_title(head))
    if head == "fc":
        return ""
    if head == "blend":
        return f" {title} averages that classifier with an SVM on band statistics, which the maps do not show."
    if head.startswith("svm_") or head in ("lgbm", "logreg"):
        return f" {title} decides on the same embedding."
    return f" {title} does not use the network: only the outcomes below are its own, the maps are not."
