"""The import in three steps: the source, a look at it, what it leaves open; above them the import under way."""

from __future__ import annotations

import streamlit as st

from dashboard import cache, state, url_state
from dashboard.dataset import demo
from dashboard.dataset.importing import look, settle, source
from dashboard.dataset.importing.draft import STEP, STEPS, asked_step, draft, look_of
from dashboard.dataset.importing.jobs import import_jobs
from dashboard.jobs import analyses, stale_uploads
from dashboard.ui import empty_states


def importer() -> None:
    """Import patches, or make the demo."""
    demo.demo_job()
    import_patches()
    with st.expander("No patches at hand? Make a simulated dataset", icon=":material/science:"):
        st.markdown("Simulated Sentinel-1/2 patches whose statistics follow the Zindi challenge; no download.")
        target = cache.checkpoints_target(state.checkpoints())
        analyses.options_form(target, empty_states.DEMO, "Make the demo dataset", key="demo")


def is_under_way() -> bool:
    """Whether a source was named and is looked at."""
    return look_of(draft()) is not None


def import_patches() -> None:
    """The newest import, and the steps of another one."""
    root = state.checkpoints()
    stale_uploads.sweep(root)
    kept = draft()
    if (step := asked_step()) is not None:
        st.session_state[STEP] = step
    above = st.container()
    with st.container(border=True):
        step = url_state.choose(
            st.segmented_control, "Step", list(STEPS), key=STEP, default=1, required=True, format_func=STEPS.get,
            label_visibility="collapsed", width="content",
        )  # fmt: skip
        if step == 1:
            with above:
                import_jobs(root)
        job = look_of(kept)
        if step == 1 or job is None:
            if step != 1:
                st.info("Name a source first; its preview follows.", icon=":material/info:")
            source.source(kept)
        elif step == 2:
            look.preview(kept, job)
        else:
            settle.settle(kept, job, root)
