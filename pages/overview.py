"""Overview: the best run in a sentence, three numbers, six pictures; what to do next; runs, ensembles, datasets."""

import streamlit as st

from dashboard import stakeholder, state
from dashboard.jobs import progress, turn_menu
from dashboard.overview import briefing, cards, datasets, ensembles, for_stakeholders, runs, tour
from dashboard.overview.guided_path import guided_path
from dashboard.overview.next_steps import next_steps
from dashboard.ui import empty_states, guards

choice, data = state.choice(), guards.chosen_dataset()
with st.container(horizontal=True, vertical_alignment="center"):
    st.title("The result" if stakeholder.is_on() else "Overview", width="content")
    guards.simulated_badge(data)
    if not stakeholder.is_on():
        turn_menu.queue_settings()
if stakeholder.is_on():
    best, _ = briefing.best_run(choice.runs)
    if best is None or (brief := briefing.briefing_of(best)) is None:
        st.info("There is no result to show yet.", icon=":material/hourglass_empty:")
    else:
        for_stakeholders.view(brief, data)
    st.stop()
if not choice.datasets and not choice.owner:
    st.markdown(
        "Landslide Lens trains classifiers that tell landslides from other ground in satellite patches, and tests them "
        "on patches they have not seen. It shows where they are wrong, which bands they rely on and where in the patch "
        "they look."
    )
    empty_states.no_dataset()
    st.stop()

turn_menu.paused_notice()
progress.active_jobs()
run = guards.chosen_run()
best, n_finished = briefing.best_run(choice.runs)
if best is None and run is not None and guards.run_state(run)["state"] == "succeeded":
    best = run  # its numbers cannot be read: the briefing says why
if brief := best and briefing.briefing_of(best):
    grid = st.grid(3, min_column_width=230, gap="medium")
    with grid.cell(column_span=2):
        briefing.briefing(brief, n_finished)
        if data is not None and briefing.is_same_data(brief, data):
            briefing.pictures(brief, data)
    with grid.cell():
        next_steps(brief)
    briefing.other_run(brief)
    tour.doors(brief)
    guided_path()
else:
    grid = st.grid(2, min_column_width=380, gap="medium")
    with grid.cell():
        if run is None:  # no expression: Streamlit would write its value on the page
            cards.no_run()
        else:
            cards.unfinished_run(run)
    if data is not None:
        with grid.cell():
            cards.dataset_card(data)

runs.runs_table()
ensembles.ensembles_table()
datasets.datasets_table()
