"""What people do with a job's turn, and with the queue as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.errors import LandslideLensError
from core.jobs import order, queue, turns, webhook
from dashboard import allowed, state
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

MOST_OTHERS = 8  # jobs that the menu offers to wait for
PAUSE, GO_ON, FIRST, NORMAL, LAST = "Pause", "Go on", "Start first", "Start in its order", "Start last"


def turn_menu(job: queue.Job, others: dict[str, str]) -> None:
    """A small menu for a job that waits or runs. others: names of the other active jobs -> their titles."""
    actions = _actions(job, others)
    chosen = st.menu_button(
        "Turn", list(actions), key=f"turn_{job.name}", type="tertiary", icon=":material/swap_vert:",
        **allowed.to("train", help="When it starts: before others, after them, or later."),
    )  # fmt: skip
    if chosen:
        _do(actions[chosen])


def _actions(job: queue.Job, others: dict[str, str]) -> dict[str, Callable[[], Any]]:
    place, name = state.checkpoints(), job.name
    if job.state == "running":
        return {PAUSE: lambda: order.pause(place, name)}
    if job.blocked:
        return {GO_ON: lambda: order.go_on(place, name)}
    by_priority = {FIRST: "first", NORMAL: "normal", LAST: "last"}
    found: dict[str, Callable[[], Any]] = {
        words: lambda priority=priority: order.prioritise(place, name, priority)
        for words, priority in by_priority.items()
        if turns.PRIORITIES[priority] != job.priority
    }
    found[PAUSE] = lambda: order.pause(place, name)
    for other, title in list(others.items())[:MOST_OTHERS]:
        if other != name:
            found[f"Start after: {title}"] = lambda other=other: order.start_after(place, name, [other])
    return found


def queue_settings() -> None:
    """The popover of the whole queue: pause it, and who is told when a job ends."""
    place = state.checkpoints()
    said = turns.orders(place)
    with st.popover("Queue", icon=":material/low_priority:", type="tertiary"):
        if said.paused:
            st.markdown("The queue is paused: nothing new starts.")
            if st.button("Let it go on", icon=":material/play_arrow:", key="queue_go_on", type="primary",
                         **allowed.to("manage")):  # fmt: skip
                _do(lambda: order.pause_queue(place, paused=False))
        elif st.button("Pause the queue", icon=":material/pause:", key="queue_pause",
                       **allowed.to("manage", help="What runs goes on; nothing new starts.")):  # fmt: skip
            _do(lambda: order.pause_queue(place))
        with st.form("queue_webhook", border=False):
            address = st.text_input(
                "Tell an address when a job ends", said.webhook, key="queue_address", placeholder="https://…",
                max_chars=webhook.LONGEST,
                help="A message is posted there: the job's title, whether it succeeded, and the reason if it did not. "
                "For incoming webhooks of Slack, Mattermost or Teams, or your own. Empty: nobody is told.",
            )  # fmt: skip
            with st.container(horizontal=True):
                save = st.form_submit_button("Save address", key="queue_save", **allowed.to("manage"))
                test = st.form_submit_button("Save, send a test", key="queue_test", type="tertiary",
                                             **allowed.to("manage"))  # fmt: skip
        if save or test:
            _save(address, test)


def paused_notice() -> None:
    """While the queue is paused: a line that says so, with the way to let it go on."""
    if not turns.orders(state.checkpoints()).paused:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning("The queue is paused: what runs goes on, nothing new starts.", icon=":material/pause_circle:")
        if st.button("Let it go on", key="queue_go_on_line", type="tertiary", **allowed.to("manage")):
            _do(lambda: order.pause_queue(state.checkpoints(), paused=False))


def _save(address: str, test: bool) -> None:
    try:
        order.tell(state.checkpoints(), address)
        if test:
            webhook.post(turns.orders(state.checkpoints()).webhook, webhook.test_message())
    except LandslideLensError as error:
        show_error(error)
        return
    st.success("Saved. It took the test message." if test else "Saved.", icon=":material/check:")


def _do(action: Callable[[], Any]) -> None:
    """Do it and draw the page anew; where it cannot be done, the reason; what it says, as a short notice."""
    try:
        said = action()
    except (LandslideLensError, OSError) as error:
        st.toast(escape_markdown(str(error)), icon=":material/error:", duration="long")
        return
    if isinstance(said, str):
        st.toast(escape_markdown(said), icon=":material/pause:")
    st.rerun()
