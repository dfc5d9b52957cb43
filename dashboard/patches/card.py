"""The card of one patch, opened by its id in the URL: why it was decided so, picture, heads, neighbours, every band."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.data.bands import Composite
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.explain.bands.replacements import BASELINES
from core.explain.cam.overlay import dead_maps
from core.runs.store import RunFolder
from dashboard import cache, state, theme
from dashboard.charts import base, intervals
from dashboard.patches import gallery, outcomes, reasons, render
from dashboard.patches.gallery import PATCH, Look
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown

BAND_PX = 100  # least width of a band's picture, CSS pixels
PICTURE_PX = 420  # of the large picture
Controls = Callable[[str, list[str]], None]


def _close() -> None:
    st.query_params.pop(PATCH, None)


def show_opened(
    data: Dataset,
    run: RunFolder | None,
    order: Sequence[str] = (),
    head: str | None = None,
    at: float | None = None,
    controls: Controls | None = None,
) -> None:
    """Draw the card of the patch that the URL names, if any.

    order: the ids that "next" goes through. head: whose decision is shown, in place of the one chosen in the sidebar.
    at: its threshold, in place of the fold's own. controls(id, order): draws what can be done with the patch.
    """
    patch_id = st.query_params.get(PATCH)
    if not patch_id:
        return
    if patch_id not in set(data.ids.tolist()):
        _close()
        st.warning(f"There is no patch “{escape_markdown(gallery.short(patch_id, 60))}” in this dataset.")
        return
    _dialog(data, run, [str(item) for item in order], head or st.session_state.get(state.HEAD), at, controls)


@st.dialog("Why this decision?", width="large", on_dismiss=_close)
def _dialog(
    data: Dataset,
    run: RunFolder | None,
    order: list[str],
    head: str | None,
    at: float | None,
    controls: Controls | None,
) -> None:
    patch_id = st.query_params.get(PATCH)
    if patch_id is None:
        st.rerun()
    _card(data, run, patch_id, order, head, at, controls)


def _card(
    data: Dataset,
    run: RunFolder | None,
    patch_id: str,
    order: list[str],
    head: str | None,
    at: float | None,
    controls: Controls | None,
) -> None:
    """Everything known of one patch, beginning with why it may have been decided as it was."""
    row = int(data.index_of([patch_id])[0])
    cams, scores = gallery.cams_of(run), _scores(run, patch_id, head, at)
    found, measured, near = None, [], ([], [])
    if scores is not None:
        near = reasons.nearest(run, scores["fold"], row)
        found, measured = reasons.findings(data, run, row, scores, near[0], cams)
    _heading(reasons.title(data, row, found), patch_id, order)
    if found is not None:
        st.markdown(
            reasons.sentence(found, measured),
            help="Measurements that stand out, not proven causes. “All that was measured” below holds every rule.",
        )
    st.caption(_verdict(data, row, scores))
    if controls is not None:
        controls(patch_id, order)
    left, right = st.columns([PICTURE_PX, 620], gap="medium")
    with left:
        picture = st.container(gap="small")
        wrong = found is not None and found.wrong
        look = gallery.look_controls(
            data, "card", cams, overlay=wrong, outlined=wrong, named=False, kind="_wrong" if wrong else ""
        )
        with picture:
            _picture(data, patch_id, look, cams)
    with right:
        reasons.neighbours(data, row, near, look, "card_neighbours")
        if scores is None:
            downloads.table(_facts(data, row, scores), hide_index=True, width="stretch", height="content")
        else:
            downloads.show(
                intervals.head_probabilities(scores["probs"], scores["thresholds"], data.positive), key="card_heads"
            )
            st.caption(scores["sentence"])
    if measured:
        reasons.evidence_table(measured)
    if scores is not None:
        with st.expander("Facts"):
            downloads.table(_facts(data, row, scores), hide_index=True, width="stretch", height="content")
    with st.expander("Every band"):
        _band_grid(data, row, look)
    _occlusion(data, run, patch_id, scores["head"] if scores else None)


def _heading(title: str, patch_id: str, order: list[str]) -> None:
    """The title of the patch, its place in the list behind, and the way to its neighbours there."""
    place = order.index(patch_id) if patch_id in order and len(order) > 1 else None
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        where = "" if place is None else f" · {place + 1:,} of {len(order):,}"
        st.markdown(f"### {title}{where}", width="content")
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


def _facts(data: Dataset, row: int, scores: dict | None) -> pd.DataFrame:
    label = int(data.labels[row])
    facts = {"Id": data.ids[row], "Label": "none" if label < 0 else data.class_names[label]}
    if scores is not None:
        facts["Fold"] = scores["fold"] + 1
    if data.groups is not None:
        facts["Group"] = data.groups[row]
    if data.split is not None:
        facts["Split"] = data.split[row]
    if data.lonlat is not None:
        facts["Longitude, latitude (°)"] = "{:.5f}, {:.5f}".format(*data.lonlat[row])
    facts |= {name: values[row] for name, values in data.columns.items()}
    return pd.DataFrame({"Fact": list(facts), "Value": [str(value) for value in facts.values()]})


def _band_grid(data: Dataset, row: int, look: Look) -> None:
    """Every band in greys, with what black and white stand for."""
    image = cache.images(data, [row])[0]
    limits = render.patch_limits(image) if look.stretch == "patch" else render.dataset_limits(data.statistics)
    with st.grid(6, min_column_width=BAND_PX, gap="small", key="card_bands"):
        for band, (low, _, high) in zip(data.bands, limits, strict=True):
            single = Composite(band.title, (band.name,))
            rgb = render.picture(image, data.band_names, single, limits, side=192)
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"Band {band.title}", output_format="PNG")
                st.caption(f"{escape_markdown(band.label)}  \n{_value(low)} to {_value(high)}")


def _value(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}".replace("-", "−")


def _occlusion(data: Dataset, run: RunFolder | None, patch_id: str, shown: str | None) -> None:
    """What this patch's probability loses band by band, by the head ``shown`` or the first that was measured."""
    try:
        table = run.occlusion() if run else None
    except LandslideLensError:
        table = None
    if table is None:
        return
    mine = table[table["id"].astype(str) == patch_id]
    if mine.empty:
        return
    with st.expander("Without one band"):
        heads = _unique(mine["head"])
        _occlusion_bars(data, mine, shown if shown in heads else heads[0])


def _occlusion_bars(data: Dataset, mine: pd.DataFrame, head: str) -> None:
    baseline = st.selectbox(
        "Band replaced by", _unique(mine["baseline"]), format_func=lambda b: BASELINES.get(b, b),
        key="card_occ_baseline", width=240,
    )  # fmt: skip
    rows = mine[(mine["head"] == head) & (mine["baseline"] == baseline)]
    if rows.empty:
        return
    bands = {band.name: band for band in data.bands}
    bars = pd.DataFrame(
        {
            "band": rows["band"],
            "title": [bands[name].title if name in bands else name for name in rows["band"]],
            "family": [bands[name].family if name in bands else "other" for name in rows["band"]],
            "drop": rows["p0"] - rows["p_b"],
        }
    )
    title = f"Drop of the probability of {base.escape_html(data.positive)}"
    downloads.show(intervals.occlusion_bars(bars, title), key="card_occlusion")
    st.caption(
        f"One patch, {theme.fold_title(rows['fold'].iloc[0])}'s network, {escape_markdown(theme.head_title(head))}: "
        f"{rows['p0'].iloc[0]:.3f} before, minus the probability with the band replaced by "
        f"{escape_markdown(BASELINES.get(baseline, baseline))}. "
        "Below 0: without the band, the patch looks more like a landslide."
    )


def _unique(values: pd.Series) -> list[str]:
    return list(dict.fromkeys(values.astype(str)))
