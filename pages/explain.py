"""Why the network decides as it does: where it looks (Grad-CAM) and which bands it needs (occlusion)."""

import streamlit as st

from core.errors import LandslideLensError
from dashboard import (
    cached,
    charts,
    components,
    explained,
    gallery,
    outcomes,
    patch_card,
    patch_view,
    theme,
    verdicts,
)
from dashboard.components import literal
from dashboard.reading import head_picker, needed

VIEWS = {"where": "Where it looks (Grad-CAM)", "bands": "Which bands it needs (occlusion)"}
EXAMPLES = 5
MEASURES = {"drop": "Mean drop, p before − p after", "paper_sum": "Paper A's sum, 1 − p after"}


def main() -> None:
    st.title("Explain")
    run = components.need_finished_run("where a network looks and which bands it needs")
    data = components.need_dataset()
    summary, oof = needed(cached.summary, run), needed(cached.oof, run)
    view = st.segmented_control(
        "View", list(VIEWS), default="where", required=True, format_func=VIEWS.get, key="explain_view",
        label_visibility="collapsed",
    )  # fmt: skip
    order = where(data, run, summary, oof) if view == "where" else bands(data, run, summary, oof)
    patch_card.show_opened(data, run, order)


# --------------------------------------------------------------------------------------------------- Grad-CAM


def where(data, run, summary: dict, oof) -> list[str]:
    """Mean map and examples of each outcome; the ids shown, in order."""
    index, maps, _ = needed(cached.cams, run)
    cams = gallery.cams_of(run)
    with st.container(horizontal=True):
        head = head_picker(
            "Outcomes of", outcomes.heads_of(oof), summary, "explain_head",
            "Whose decisions sort the patches into found, missed, false alarm. The maps stay the network's own.",
        )  # fmt: skip
        order = st.selectbox("Examples", list(outcomes.ORDERS), key="explain_order", width=210)
    look = gallery.look_controls(data, "explain", cams, overlay=True)
    judged = outcomes.judged(oof, head, outcomes.thresholds_of(summary, head))
    facts = explained.map_facts(judged, cams.rows, maps)
    st.markdown(reading(data, maps, head))
    gallery.cam_legend(cams, look)
    dead(facts)
    means = explained.mean_maps(facts, maps)
    top = max((float(mean.cam.max()) for mean in means.values() if mean.cam is not None), default=0.0)
    shown: list[str] = []
    for outcome in outcomes.OUTCOMES:
        st.subheader(f"{theme.OUTCOME_WORDS[outcome].capitalize()} · {means[outcome].n:,}", anchor=False)
        examples = outcomes.chosen(facts, [outcome], order=order).head(EXAMPLES)
        if means[outcome].cam is None:
            st.caption("No patch has this outcome.")
            continue
        lead = patch_view.heat_picture(means[outcome].cam, top=top), mean_caption(means[outcome])
        gallery.gallery(data, examples, look, f"explain_{outcome}", cams, caption=caption, lead=lead)
        shown += examples["id"].astype(str).tolist()
    st.caption(
        "Mean maps are drawn on one scale for all four outcomes; 1 is the mean peak of a fold's maps, because each "
        "fold's network has its own scale. Outcomes: "
        f"{literal(theme.head_title(head))}, out of fold, n = {len(facts):,}."
    )
    components.download(facts.drop(columns="row"), f"{run.name}_cam", "Map facts (CSV)")
    return shown


def reading(data, maps, head: str) -> str:
    cell = data.shape[1] / maps.shape[1]
    other = verdicts.what_maps_miss(head)
    return (
        f"The maps show where the network's own classifier finds evidence for {literal(data.positive)}, in cells of "
        f"about {cell:.0f}×{cell:.0f} pixels.{other} They do not outline the landslide, do not tell which band was "
        "used, and do not prove that the place caused the decision."
    )


def dead(facts) -> None:
    n = int(facts["cam_dead"].sum())
    if n:
        by = facts[facts["cam_dead"]]["outcome"].value_counts()
        parts = ", ".join(f"{by[name]:,} {theme.OUTCOME_WORDS[name]}" for name in outcomes.OUTCOMES if name in by)
        st.warning(
            f"{n:,} of {len(facts):,} maps are dead: nowhere any evidence at this layer ({parts}). "
            "They are drawn without an overlay.",
            icon=":material/visibility_off:",
        )


def mean_caption(mean: explained.MeanMap) -> str:
    flag = f", {mean.n_dead:,} dead" if mean.n_dead else ""
    return f"**Mean of {mean.n:,} maps**{flag}  \npeak {float(mean.cam.max()):.2f}"


def caption(row) -> str:
    return gallery.score_caption(row) + (" · **dead map**" if row["cam_dead"] else "")


# ------------------------------------------------------------------------------------------------- occlusion


def bands(data, run, summary: dict, oof) -> list[str]:
    """Bars of what landslides lose without each band."""
    table = needed(cached.occlusion, run)
    heads, baselines = (list(dict.fromkeys(table[column].astype(str))) for column in ("head", "baseline"))
    with st.container(horizontal=True):
        head = head_picker("Head", heads, summary, "explain_occ_head")
        baseline = st.selectbox(
            "Band replaced by", baselines, format_func=lambda name: patch_card.BASELINES.get(name, name),
            key="explain_baseline", width=250,
        )  # fmt: skip
        measure = st.selectbox(
            "Measured by", list(MEASURES), format_func=MEASURES.get, key="explain_measure", width=270
        )
    groups = dict(zip(oof["id"].astype(str), oof["group"].astype(str), strict=True)) if has_groups(oof) else None
    try:
        drops, n = explained.band_drops(table, head, baseline, data.bands, groups)
    except LandslideLensError as error:
        st.info(literal(error), icon=":material/info:")
        return []
    words = f"Mean drop of the probability of {charts.plain(data.positive)}, with 95 % interval"
    if measure == "paper_sum":
        words = "Sum of 1 − probability after, over the landslides (no interval)"
        drawn = drops.drop(columns=["lo", "hi"]).assign(drop=drops["paper_sum"])
    else:
        drawn = drops
    components.show(charts.occlusion_bars(drawn, words), key=f"explain_occlusion_{measure}")
    above = f"{int((drops['lo'] > 0).sum())} of {len(drops)} intervals of the mean drop lie wholly above 0."
    st.caption(f"{standing(summary, head, baseline, n, groups is not None)} {above}")
    st.markdown(what_it_says(measure))
    components.download(drops, f"{run.name}_occlusion_{head}_{baseline}", "Bands (CSV)")
    return []


def has_groups(oof) -> bool:
    return "group" in oof and oof["group"].astype(str).str.len().gt(0).any()


def standing(summary: dict, head: str, baseline: str, n: int, grouped: bool) -> str:
    kind = "whole groups are drawn" if grouped else "patches are drawn"
    return (
        f"{n:,} patches labelled {literal(summary['positive'])}, out of fold over {len(summary['folds'])} folds: each "
        f"by the network that has not trained on it. {literal(theme.head_title(head))}; the band is replaced by "
        f"{patch_card.BASELINES.get(baseline, literal(baseline))}. 95 % bootstrap interval, {kind}."
    )


def what_it_says(measure: str) -> str:
    text = (
        "A long bar means that this model, on these patches, leans on the band. It does not mean that the others are "
        "useless: bands that say the same stand in for each other, and another replacement gives other bars, because "
        "0 in the band's unit (0 dB, reflectance 0) lies far from anything the network has seen."
    )
    if measure == "paper_sum":
        text += (
            " The paper's sum takes the probability before to be 1, so a model that doubts every landslide gives long "
            "bars for every band."
        )
    return text


main()
