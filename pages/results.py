"""How well the run finds landslides, for people who have to decide with it and for people who have to check it."""

import streamlit as st

from dashboard import cached, components, csv_view, links, outcomes, paper_view, scored, story, verdicts
from dashboard.calibration_view import calibration_view
from dashboard.curves_view import curves_view
from dashboard.desk_view import desk_view
from dashboard.difference_view import difference_view
from dashboard.elsewhere_view import elsewhere_view
from dashboard.heads_view import heads_view
from dashboard.reading import head_picker, needed
from dashboard.scores_view import scores_view
from dashboard.threshold_view import threshold_view
from dashboard.training_view import training_view

SOURCES = {"run": "This run", "csv": "A CSV of probabilities", "paper": "Printed numbers"}
VIEWS = {
    "scores": "Scores", "heads": "Heads", "threshold": "Threshold", "curves": "Curves",
    "calibration": "Calibration", "desk": "Recall first", "difference": "Is it real?",
    "elsewhere": "Other data", "training": "Training",
}  # fmt: skip


def main() -> None:
    st.title("Results")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        links.taken("results_of", list(SOURCES), "run")
        source = st.segmented_control("Of", list(SOURCES), required=True, format_func=SOURCES.get, key="results_of")
        links.kept("results_of", source, "run")
        components.picture_format()
    if source == "csv":
        csv_view.csv_view()
    elif source == "paper":
        paper_view.paper_view()
    else:
        of_run()


def of_run() -> None:
    run = components.need_finished_run("how many landslides a run finds, misses and imagines")
    summary, oof = needed(cached.summary, run), needed(cached.oof, run)
    head = head_picker("Head", outcomes.heads_of(oof), summary, "results_head")
    of = scored.of_run(run, summary, oof, head)
    story.missing_class(of)
    story.story(of, verdicts.standing(summary, head), summary["heads"].get(head))
    short, sentence = verdicts.earns_its_place(summary)
    st.markdown(f"**Does the network earn its place? {short}.** {sentence}")
    for warning in verdicts.warnings_of(summary):
        st.warning(warning, icon=":material/warning:")
    links.taken("results_view", list(VIEWS), "scores")
    view = st.segmented_control(
        "View", list(VIEWS), required=True, format_func=VIEWS.get, key="results_view", wrap=True,
        label_visibility="collapsed",
    )  # fmt: skip
    links.kept("results_view", view, "scores")
    draw(view, run, summary, oof, of)


def draw(view, run, summary, oof, of) -> None:
    data = components.chosen_dataset() if view in ("scores", "threshold") else None
    if view == "scores":
        scores_view(of, data)
    elif view == "heads":
        heads_view(run, summary)
    elif view == "threshold":
        threshold_view(of, data, run, summary["heads"].get(of.head, {}).get("threshold"))
    elif view == "curves":
        curves_view(of, oof, summary)
    elif view == "calibration":
        calibration_view(of)
    elif view == "desk":
        desk_view(of)
    elif view == "difference":
        difference_view(run, summary, of.head)
    elif view == "elsewhere":
        elsewhere_view(run, summary)
    else:
        training_view(run, summary, oof)


main()
