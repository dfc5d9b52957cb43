"""What the page shows below its title, at its own address and at that of the page of errors before it."""

from __future__ import annotations

from dashboard.patches import outcomes
from dashboard.review.issues import issues_view
from dashboard.review.labels import labels_view
from dashboard.review.patches import patches_view
from dashboard.review.sets import MARKED, MARKED_KIND
from dashboard.ui import guards
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "patches": ":material/grid_view: Patches",
    "issues": ":material/rule: Label issues",
    "labels": ":material/new_label: Corrected labels",
}

KINDS = {MARKED: MARKED_KIND}  # sets of patches that a link may name: kind -> its resolver and title


def show() -> None:
    """The views."""
    run = guards.need_finished_run("the patches that a run misclassifies, and why")
    data = guards.need_dataset()
    view = view_switch("review", VIEWS, "patches")
    if view == "issues":
        issues_view(run, data)
    elif view == "labels":
        summary = guards.or_stop(run.summary)
        labels_view(run, data, chosen_head(outcomes.heads_of(guards.or_stop(run.oof)), summary))
    else:
        patches_view(run, data, KINDS)
