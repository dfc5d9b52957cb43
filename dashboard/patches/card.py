"""The card of one patch, opened by its id in the URL: picture, verdict, why, judging; everything else on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.evaluate.second_head import kept_facts
from core.explain.cam.overlay import dead_maps
from core.runs.store import RunFolder
from dashboard import state, theme, url_state
from dashboard.patches import gallery, outcomes, reasons
from dashboard.patches.gallery import PATCH, Look
from dashboard.patches.sections import alike, answers, attention, bands, importance, moments, places, record
from dashboard.patches.sections.opened import History, Opened
from dashboard.ui.formatting import escape_markdown

PICTURE_PX = 440  # of the large picture
SECTION = "card_section"  # in the URL
Controls = Callable[[str, list[str]], None]
SECTIONS = {  # name -> what it is called, how it is drawn, whether there is anything to draw
    "alike": ("Neighbours", alike.draw, lambda opened: opened.run is not None and opened.scores is not None),
    "bands": ("Bands", bands.draw, lambda opened: True),
    "moments": ("Before and after", moments.draw, moments.is_there),
    "attention": ("Attention", attention.draw, attention.is_there),
    "importance": ("Band importance", importance.draw, importance.is_there),
    "answers": ("Heads and folds", answers.draw, answers.is_there),
    "places": ("Place", places.draw, places.is_there),
    "record": ("Facts and notes", record.draw, lambda opened: True),
}


def _close() -> None:
    st.query_params.pop(PATCH, None)


def show_opened(
    data: Dataset,
    run: RunFolder | None,
    order: Sequence[str] = (),
    head: str | None = None,
    at: float | None = None,
    controls: Controls | None = None,
    history: History | None = None,
) -> None:
    """Draw the card of the patch that the URL names, if any.

    order: the ids that "next" goes through. head: whose decision is shown, in place of the one chosen in the sidebar.
    at: its threshold, in place of the fold's own. controls(id, order): draws what can be done with the patch.
    history(id): draws what people said of it.
    """
    patch_id = st.query_params.get(PATCH)
    if not patch_id:
        return
    if patch_id not in set(data.ids.tolist()):
        _close()
        st.warning(f"There is no patch “{escape_markdown(gallery.short(patch_id, 60))}” in this dataset.")
        return
    head = head or st.session_state.get(state.HEAD)
    _dialog(data, run, [str(item) for item in order], head, at, controls, history)


@st.dialog("Patch", width="large", on_dismiss=_close)
def _dialog(
    data: Dataset,
    run: RunFolder | None,
    order: list[str],
    head: str | None,
    at: float | None,
    controls: Controls | None,
    history: History | None,
) -> None:
    patch_id = st.query_params.get(PATCH)
    if patch_id is None:
        st.rerun()
    row = int(data.index_of([patch_id])[0])
    cams, scores = gallery.cams_of(run), _scores(run, patch_id, head, at)
    label, pred = int(data.labels[row]), None if scores is None else scores["preds"][scores["head"]]
    wrong = pred is not None and label >= 0 and label != pred
    _heading(reasons.title(data, row, pred), patch_id, order)
    left, right = st.columns([PICTURE_PX, 770], gap="medium")
    look = gallery.look_controls(
        data, "card", cams, overlay=wrong, outlined=wrong, named=False, kind="_wrong" if wrong else ""
    )
    with left:
        _picture(data, patch_id, look, cams)
    near, measured = None, []
    with right:
        st.markdown(_verdict(data, row, scores))
        if second := _second(run, patch_id, scores):
            st.markdown(second)
        if scores is not None:
            near = reasons.nearest(run, scores["fold"], row)
            found, measured = reasons.findings(data, run, row, scores, near, cams)
            st.markdown(
                reasons.sentence(found, measured),
                help="Measurements that stand out, not proven causes. “Facts and notes” below holds every rule.",
            )
        if controls is not None:
            controls(patch_id, order)
    _sections(Opened(data, patch_id, row, look, cams, run, scores, near, tuple(measured), history))


def _sections(opened: Opened) -> None:
    """The switch between the parts of the card, and the one that is open; the others cost nothing."""
    there = {name: title for name, (title, _, is_there) in SECTIONS.items() if is_there(opened)}
    section = url_state.choose(
        st.segmented_control, "More about this patch", list(there), key=SECTION, default=next(iter(there)),
        required=True, format_func=there.get, label_visibility="collapsed", wrap=True, width="content",
    )  # fmt: skip
    with st.container(key=f"card_in_{section}"):
        SECTIONS[section][1](opened)


def _heading(title: str, patch_id: str, order: list[str]) -> None:
    """The title of the patch, its place in the list behind, and the way to its neighbours there."""
    place = order.index(patch_id) if patch_id in order and len(order) > 1 else None
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        where = "" if place is None else f" · {place + 1:,} of {len(order):,}"
        st.markdown(f"# {title}{where}", width="content")
        if place is None:
            return
        with st.container(horizontal=True, width="content", gap="small"):
            for label, icon, key, by in (
                ("Previous", "arrow_back", "Left", -1), ("Next", "arrow_forward", "Right", 1)
            ):  # fmt: skip
                there = 0 <= place + by < len(order)
                st.button(
                    label, icon=f":material/{icon}:", key=f"card_{label}", disabled=not there, shortcut=key,
                    on_click=_step, args=(order, by),
                )  # fmt: skip


def _step(order: list[str], by: int) -> None:
    """Callback: so many places on from the patch that the URL names now; keys may be quicker than drawings."""
    patch_id = st.query_params.get(PATCH)
    if patch_id in order:
        gallery.open_patch(order[min(max(0, order.index(patch_id) + by), len(order) - 1)])


def _picture(data: Dataset, patch_id: str, look: Look, cams: gallery.Cams) -> None:
    rgb = gallery.pictures(data, [patch_id], look, cams, side=2 * PICTURE_PX)[0]
    st.image(rgb, width=PICTURE_PX, alt=f"Patch {patch_id}, {look.composite.name}", output_format="PNG")
    if not look.opacity:
        return
    cam = cams.of(patch_id)
    if cam is None:
        st.caption("No attention map: this patch was not held out in any fold.")
    elif dead_maps(cam[None])[0]:
        st.caption("Dead map: this layer shows no evidence of a landslide anywhere in the patch.")
    elif weak := gallery.weakness(cams, patch_id):
        st.caption(
            f"**{weak.capitalize()}**: the map's peak, as a share of the mean peak of its fold's maps.",
            help=gallery.cam_sentence(cams),
        )
    else:
        st.caption(f"Bright: evidence of {escape_markdown(data.positive)}.", help=gallery.cam_sentence(cams))


def _scores(run: RunFolder | None, patch_id: str, head: str | None, at: float | None) -> dict | None:
    """Out-of-fold probability by head, each with its fold's threshold; None where the run has none for the patch."""
    if run is None:
        return None
    try:
        table, summary = run.oof(), run.summary()
    except LandslideLensError:
        return None
    rows = table[table["id"].astype(str) == patch_id]
    if rows.empty or int(rows.iloc[0]["fold"]) < 0:
        return None
    fold = int(rows.iloc[0]["fold"])
    probs = {name: float(rows.iloc[0][f"prob_{name}"]) for name in outcomes.heads_of(rows)}
    if not probs:
        return None
    preds = {name: int(rows.iloc[0][f"pred_{name}"]) for name in probs}
    thresholds = {name: outcomes.thresholds_of(summary, name).get(fold, 0.5) for name in probs}
    shown = next((name for name in (head, summary.get("head")) if name in probs), next(iter(probs)))
    own = "each head's threshold, learnt on the other folds"
    if at is not None:
        thresholds[shown], preds[shown] = at, int(probs[shown] >= at)
        own += f", but {at:.3f} as chosen for {escape_markdown(theme.head_title(shown))}"
    called = sum(preds.values())
    return {
        "probs": probs, "preds": preds, "thresholds": thresholds, "fold": fold, "head": shown,
        "sentence": f"{called} of {len(probs)} heads raise an alarm. Ticks: {own}. Measured by "
        f"{theme.fold_title(fold)}'s network and heads, which did not see this patch in training.",
    }  # fmt: skip


def _second(run: RunFolder | None, patch_id: str, scores: dict | None) -> str:
    """What the second head of the patch's own fold answers, beside what is known; empty without one."""
    if run is None or scores is None:
        return ""
    try:
        facts, table = kept_facts(run.summary()), run.tabular(scores["fold"])
    except LandslideLensError:
        return ""
    if facts is None or table is None or "second" not in table:
        return ""
    found = table[table["id"].astype(str) == patch_id]
    if found.empty:
        return ""
    answer = found.iloc[0]
    share = f" ({answer['second_prob']:.2f})" if "second_prob" in table else ""
    words = f"Second head, {escape_markdown(facts['column'])}: **{escape_markdown(answer['second_pred'])}**{share}; "
    if not answer["second"]:
        return f"{words}the patch's own is unknown."
    right = "Right." if answer["second"] == answer["second_pred"] else "**Wrong.**"
    return f"{words}noted as {escape_markdown(answer['second'])}. {right}"


def _verdict(data: Dataset, row: int, scores: dict | None) -> str:
    label = int(data.labels[row])
    truth = "Without a label" if label < 0 else f"Labelled **{escape_markdown(data.class_names[label])}**"
    if scores is None:
        return f"{truth}."
    head = scores["head"]
    called = escape_markdown(data.class_names[scores["preds"][head]])
    right = "" if label < 0 else (" Right." if label == scores["preds"][head] else " **Wrong.**")
    return (
        f"{truth}; {escape_markdown(theme.head_title(head))} says **{called}**: probability of "
        f"{escape_markdown(data.positive)} {scores['probs'][head]:.3f}, alarm from "
        f"{scores['thresholds'][head]:.3f}.{right}"
    )
