"""How well the run finds landslides, for people who have to decide with it and for people who have to check it."""

import streamlit as st

from core.data.leakage import ground_between
from core.evaluate.second_head import kept_facts
from dashboard import state, url_state
from dashboard.patches import outcomes
from dashboard.results import interpretation, predictions, prevalence, summary
from dashboard.results.calibration import calibration_view
from dashboard.results.compare.view import compare_view
from dashboard.results.errors_by_kind import errors_view
from dashboard.results.external_validation import external_test_view
from dashboard.results.heads import heads_view
from dashboard.results.safety.target import target_view
from dashboard.results.second.view import second_view
from dashboard.results.slices import slices_view
from dashboard.results.sources import ensembles, published_metrics, uploaded_scores
from dashboard.results.splits.view import splits_view
from dashboard.results.threshold import threshold_view
from dashboard.results.training import training_view
from dashboard.results.trainings.known import others_like, spread_of, trainings_of
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop
from dashboard.ui.head_picker import chosen_head
from dashboard.ui.view_switch import open_from_within, view_switch

SOURCES = {
    "run": "This run",
    "ensemble": "An ensemble",
    "csv": "CSV of probabilities",
    "published": "Published metrics",
}
VIEWS = {
    "summary": "Summary", "errors": "Errors by kind", "safety": "Threshold and safety target",
    "calibration": "Calibration", "slices": "Slices", "heads": "Heads", "second": "Second head", "compare": "Compare",
    "splits": "Splits", "external": "External test", "training": "Training",
}  # fmt: skip
# Views that links name by what they were once called -> the view, and what else it then shows.
OLD_VIEWS = {
    "metrics": ("summary", {}), "curves": ("heads", {}), "threshold": ("safety", {}), "risk_control": ("safety", {}),
    "significance": ("compare", {"compare_how": "several"}), "locked_test": ("external", {"external_which": "locked"}),
    "ensemble": ("compare", {"compare_how": "ensemble"}), "novelty": ("external", {"external_which": "novelty"}),
}  # fmt: skip
VIEW = "results_view"
NEED_DATA = ("errors", "safety", "slices", "compare", "splits")


def main() -> None:
    asked = _newer_view(state.asked_view("results"))
    if (named := st.query_params.get(VIEW)) in OLD_VIEWS:
        st.query_params[VIEW] = _newer_view(named)
    if asked in VIEWS:
        url_state.forget("results_of")
        st.query_params.pop("results_of", None)
        st.session_state[VIEW] = asked
    top = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    top.title("Results", width="content")
    bar = top.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right", width="content")
    with bar:
        with st.popover("Source and export", icon=":material/database:"):
            source = url_state.choose(
                st.radio, "Results of", list(SOURCES), key="results_of", default="run", format_func=SOURCES.get
            )
            downloads.picture_format()
    if source == "ensemble":
        ensembles.ensemble_source_view()
    elif source == "csv":
        uploaded_scores.uploaded_scores_view()
    elif source == "published":
        published_metrics.published_metrics_view()
    else:
        of_run(bar)


def _newer_view(name: str | None) -> str | None:
    """The view that was once called ``name``, with what else it shows named in the URL."""
    view, more = OLD_VIEWS.get(name, (name, {}))
    for key, value in more.items():
        st.query_params[key] = value
    return view


def of_run(bar) -> None:
    """The run in one sentence and one row of numbers, and below it the views. bar: beside the title."""
    run = guards.need_finished_run("detections, misses and false alarms", shows_patches=False)
    facts, oof = or_stop(run.summary), or_stop(run.oof)
    head = chosen_head(outcomes.heads_of(oof), facts)
    known = prevalence.stated(run)
    predicted = predictions.of_run(run, facts, oof, head, known.share if known else None)
    with bar:
        prevalence.prevalence_form(run, predicted, known)
        if warnings := interpretation.warnings_of(facts):
            words = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
            with st.popover(f":orange[{words}]", icon=":material/warning:"):
                st.warning("  \n".join(warnings))
    summary.header(predicted, facts["heads"].get(head))
    views = {name: title for name, title in VIEWS.items() if name != "second" or kept_facts(facts)}
    draw(view_switch("results", views, "summary"), run, facts, oof, predicted, known)


def draw(view, run, facts, oof, predicted, known) -> None:
    data = guards.chosen_dataset() if view in NEED_DATA else None
    if view == "summary":
        if known is not None:
            st.markdown(prevalence.in_words(predicted, known))
        own = facts["heads"].get(predicted.head)
        summary.summary_view(predicted, basis(run, facts, predicted.head), open_safety, own, facts, notes(facts))
    elif view == "errors":
        errors_view(predicted, data, run)
    elif view == "safety":
        target_view(predicted, run)
        st.header("Try a threshold", anchor=False)
        threshold_view(predicted, data, run, facts["heads"].get(predicted.head, {}).get("threshold"))
    elif view == "calibration":
        calibration_view(predicted)
    elif view == "slices":
        slices_view(predicted, data, others_like(predicted, trainings_of(run)))
    elif view == "heads":
        heads_view(run, facts, predicted, oof, trainings_of(run))
    elif view == "second":
        second_view(facts)
    elif view == "compare":
        compare_view(run, facts, predicted.head, data)
    elif view == "splits":
        splits_view(run, data)
    elif view == "external":
        external_test_view(run, facts)
    else:
        training_view(run, facts, oof)


def open_safety() -> None:
    """Callback of the summary's button: the safety target with all that belongs to it."""
    open_from_within("results", "safety")


def basis(run, facts, head) -> str:
    """What stands behind the numbers of a head, and how finished trainings of this recipe spread."""
    return interpretation.basis(facts, head, spread_of(run, head))


def notes(facts) -> list[str]:
    """The ground between training and evaluated patches, and the baseline's verdict in full."""
    found = [escape_markdown(ground_between.sentence(facts["ground"]))] if "ground" in facts else []
    return [*found, interpretation.against_baseline(facts)[1]]


main()
