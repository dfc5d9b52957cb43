"""What the page shows below its title, at its own address and at that of the page of errors before it."""

from __future__ import annotations

from dashboard.patches import outcomes
from dashboard.review.duplicates.known import DUPLICATES, DUPLICATES_KIND
from dashboard.review.duplicates.view import duplicates_view
from dashboard.review.issues import issues_view
from dashboard.review.labels import labels_view
from dashboard.review.next.view import NEXT, NEXT_KIND, next_view
from dashboard.review.patches import patches_view
from dashboard.review.sets import MARKED, MARKED_KIND
from dashboard.review.slices import SLICE, SLICE_KIND, slices_view
from dashboard.review.versus.asked import VERSUS, VERSUS_KIND, adopt_old_link
from dashboard.review.versus.view import versus_view
from dashboard.ui import guards
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.view_switch import view_switch

VIEWS = {
    "patches": ":material/grid_view: Patches",
    "issues": ":material/rule: Label issues",
    "duplicates": ":material/content_copy: Duplicates",
    "slices": ":material/pie_chart: Slices",
    "next": ":material/lightbulb: Label next",
    "labels": ":material/new_label: Corrected labels",
    "versus": ":material/compare_arrows: A against B",
}
_DRAWN = {
    "issues": issues_view,
    "duplicates": duplicates_view,
    "slices": slices_view,
    "next": next_view,
    "versus": versus_view,
}

# Sets of patches that a link may name: kind -> its resolver and title.
KINDS = {MARKED: MARKED_KIND, SLICE: SLICE_KIND, DUPLICATES: DUPLICATES_KIND, NEXT: NEXT_KIND, VERSUS: VERSUS_KIND}


def show() -> None:
    """The views."""
    run = guards.need_finished_run("the patches that a run misclassifies, and why")
    data = guards.need_dataset()
    view = view_switch("review", VIEWS, "patches")
    if view == "labels":
        summary = guards.or_stop(run.summary)
        labels_view(run, data, chosen_head(outcomes.heads_of(guards.or_stop(run.oof)), summary))
    elif view in _DRAWN:
        _DRAWN[view](run, data)
    else:
        adopt_old_link(run)
        patches_view(run, data, KINDS)
