"""How well each way tells where in a patch a landslide lies, and the maps of those that are good enough to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses import where
from core.data.store import Dataset
from core.runs.store import RunFolder
from core.text import duration
from dashboard import cache, theme, url_state
from dashboard.explain import charts, looks, patch_panels
from dashboard.jobs import analyses
from dashboard.patches import gallery, render
from dashboard.ui import downloads
from dashboard.ui.formatting import count, escape_markdown, interval, number, percent
from dashboard.ui.guards import or_stop

NAME = where.ANALYSIS.name
PATCH = "explain_location_patch"
MEASURES = {"pointing": "Highest point in the landslide", "iou": "Overlap (IoU)"}
COLOURS = {MEASURES["pointing"]: theme.POSITIVE, MEASURES["iou"]: theme.FOLD[0]}
WORDS = {
    "outline": "Trained with the masks as a second output of the U-Net. Its pixels are its decoder's, enlarged.",
    "attention": "The run's own attention maps. Offered once their sanity checks have passed.",
    "occlusion": "Squares of a quarter of a side are hidden as if they had not been seen; the loss is what counts.",
    "crops": "Squares of half a side, mirrored out to a whole patch, are asked for one by one.",
    "windows": "The whole window moves in small steps; the patch is mirrored behind its border. In a scene, a small "
    "stride does the same with the real neighbours.",
}


def location(data: Dataset, run: RunFolder) -> list[str]:
    """The view; the patch that it shows."""
    if not data.has_masks:
        st.markdown(
            "This dataset has no masks of its landslides, so nothing can be said of where in a patch they lie. "
            "Import it with its masks and train again."
        )
        return []
    found = or_stop(where.read, run)
    if found is None:
        analyses.nothing_yet(
            run, NAME, "Not measured yet",
            "A patch classifier says that there is a landslide somewhere in the patch. Attention maps, small crops, "
            "hidden squares, a small stride and, where a U-Net learnt the masks, its outline head bring it closer. "
            "This measures how close, on the masks of held-out patches.",
            "Measure", ":material/my_location:",
        )  # fmt: skip
        return []
    report = found.report
    st.markdown(escape_markdown(report["message"]))
    active = analyses.follow(run, NAME)
    table = measured(report)
    downloads.show(charts.dots(table, "Share, with 95% interval", COLOURS, form=".2f"), key="explain_location_measures")
    st.caption(
        f"{count(report['n'])} held-out {escape_markdown(report['positive'])} patches, {report['n_folds']} folds; "
        f"masks cover {percent(report['mask_share'])} of their pixels. Each fold's threshold was chosen on the others."
    )
    downloads.table(ways_table(report), hide_index=True, width="stretch", height="content")
    shown = _one_patch(data, found)
    _method(report)
    downloads.download(found.patches, f"{run.name}_where_patches", "Every patch (CSV)")
    if not active and url_state.toggle("Measure again", key="explain_location_again"):
        with st.container(border=True):
            analyses.options_form(run, NAME, "Measure", report["options"], ("seed",), key="explain_location")
    return shown


def measured(report: Mapping[str, Any]) -> pd.DataFrame:
    """A row a way or rival and measure: name, part, value, lo, hi, n."""
    ways = report["ways"] | report["rivals"]
    rows = [
        {"name": one["title"], "part": words, **{key: _known(one[measure][key]) for key in ("value", "lo", "hi")},
         "n": one[measure]["n"]}
        for one in ways.values() for measure, words in MEASURES.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def ways_table(report: Mapping[str, Any]) -> pd.DataFrame:
    """What each way is good for: how fine it is, how far off its highest point is, and whether it is offered."""
    pixel_m = report["pixel_m"]
    rows = [
        {
            "Way": one["title"],
            "One value stands for": where.distance(one["cell_px"], pixel_m),
            "9 in 10 highest points are within": where.distance(one["within_px"], pixel_m),
            "Threshold": number(one["threshold"], 2),
            "Offered": "yes" if one["offered"] else f"no. {one['why_not']}",
        }
        for one in report["ways"].values()
    ]
    return pd.DataFrame(rows)


def _one_patch(data: Dataset, found: where.Where) -> list[str]:
    report, ids = found.report, found.patches["id"].astype(str).tolist()
    offered = [way for way, one in report["ways"].items() if one["offered"]]
    if not offered:
        return []
    st.header("One patch", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        patch_id = url_state.choose(
            st.selectbox, "Patch", ids, key=PATCH, default=_usual(found), width=280,
            help="The held-out landslides that were measured. The first one is of middling overlap.",
        )  # fmt: skip
        look = looks.look_popover(data, "explain_location", maps=False)
    row = ids.index(patch_id)
    facts, mask = found.patches.iloc[row], cache.masks(data, data.index_of([patch_id]))[0]
    plain = gallery.pictures(data, [patch_id], replace(look, mask=False), None, patch_panels.PANEL_PX)[0]

    def outlined(picture: np.ndarray) -> np.ndarray:
        return render.outline(picture, mask) if look.mask else picture

    panels = [(outlined(plain), f"Image, {escape_markdown(look.composite.name)}", f"Patch {patch_id} with its mask")]
    for way in offered:
        one = report["ways"][way]
        drawn = outlined(render.overlay(plain, found.maps[way][row] / 255.0, top=1.0))
        iou = facts[f"iou_{way}"]
        words = f"**{one['title']}**" + (f", IoU {number(iou, 2)}" if np.isfinite(iou) else "")
        words += ", highest point inside" if facts[f"pointing_{way}"] == 1 else ", highest point outside"
        panels.append((drawn, words, f"{one['title']} of patch {patch_id}"))
    patch_panels.side_by_side(panels)
    st.caption("Bright: more likely landslide. Outline: the mask. Only ways that are offered are shown.")
    return [patch_id]


def _usual(found: where.Where) -> str:
    """The patch whose overlap by the best way is in the middle: neither a triumph nor a failure."""
    overlap = found.patches[f"iou_{found.report['best']}"].to_numpy(float)
    order = np.argsort(np.nan_to_num(overlap), kind="stable")
    return str(found.patches["id"].iloc[order[len(order) // 2]])


def _method(report: Mapping[str, Any]) -> None:
    pixels = "" if report["pixel_m"] is None else f", {report['pixel_m']:g} m a pixel"
    height, width = report["hw"]
    with st.expander("How this was measured"):
        st.markdown(
            f"{count(report['n'])} of {count(report['n_eligible'])} landslides with a mask ({height}×{width} pixels"
            f"{pixels}), each by the fold that has not seen it; {count(report['n_groups'])} groups, resampled whole "
            f"for the 95% intervals. Answers are those of {escape_markdown(theme.head_title(report['head']))}. "
            f"{duration(report['seconds'])}."
        )
        for way, one in report["ways"].items():
            gain = one["gain"]["random"]["pointing"]
            st.markdown(
                f"**{one['title']}.** {WORDS[way]} Highest point: {number(gain['value'], 2)} more often inside than a "
                f"random point ({interval((gain['lo'], gain['hi']), 2)})."
            )
        st.markdown(
            "A way is offered where its highest point beats a random point and the middle of the patch, with the whole "
            "95% interval of the difference above 0. IoU: of the mask and what lies at the threshold or above. For a "
            "random point, IoU is that of the whole patch. “9 in 10” is the distance from the highest point to the "
            "mask."
        )
        if every := report["every_patch"]:
            ends = interval((every["iou"]["lo"], every["iou"]["hi"]), 2)
            st.markdown(
                f"Over the pixels of all {count(every['n'])} held-out patches together, other ground among them, the "
                f"outline head reaches an IoU of {number(every['iou']['value'], 2)} ({ends})."
            )


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)
