"""Step 2 of an import: twelve patches, what was understood of the source, and what will be set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.datasets.preview import Look, class_counts, found_words, read
from core.data.bands import Band, composites
from core.data.readers.base import ReaderOptions
from core.data.readers.preview.sample import LOOKED, READ
from core.jobs.analysis_folder import AnalysisFolder
from dashboard import allowed, cache, state, url_state
from dashboard.dataset.bands import value
from dashboard.dataset.importing.draft import Draft, begin_look, go_to
from dashboard.dataset.importing.options import layouts, on_page
from dashboard.dataset.importing.source import format_title
from dashboard.jobs import progress
from dashboard.patches import render
from dashboard.ui import downloads
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.guards import or_stop, run_state

TILE_PX = 130
COLOURS = {1: "orange", 0: "blue", -1: "gray"}


def preview(kept: Draft, job: AnalysisFolder) -> None:
    """The look, or how far it is, or why there is none."""
    status = run_state(job)
    if status["state"] == "failed":
        _refused(kept, str(status.get("error") or "The preview failed without a reason."))
        return
    if progress.watch(job):
        st.caption(f"At most {LOOKED} files are looked at, and {READ} patches read. Nothing is imported yet.")
        return
    if status["state"] != "succeeded":
        _back()
        return
    facts = or_stop(job.result)
    if facts["n"] is None:
        st.info(escape_markdown(facts["message"]), icon=":material/help:")
        _onward(facts)
        return
    st.markdown(sentence(facts))
    found = or_stop(lambda: read(cache.checkpoints_target(state.checkpoints()), facts["pictures"]))
    if found is None:
        _again(kept)
    else:
        pictures(found)
    _onward(facts)
    _doubts(facts)
    _bands(facts["bands"])
    _understood(facts)
    _aside(facts)


def _refused(kept: Draft, error: str) -> None:
    """Why the source cannot be imported, and what can be done."""
    st.error(escape_markdown(on_page(error)), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        _back("primary")
        if st.button("Preview again", icon=":material/refresh:", key="import_look_again", **allowed.to("train")):
            begin_look(kept)
    layouts()


def sentence(facts: Mapping[str, Any]) -> str:
    """What the dataset would be, in one sentence."""
    bands, height, width = facts["shape"]
    words = [f"**{found_words(facts)}** with {bands} {'band' if bands == 1 else 'bands'} of {height}×{width} pixels"]
    asked = undecided(facts)
    if asked is None:
        words.append(escape_markdown(class_counts(facts["labels"])))
    elif asked["option"] == "positive":
        words.append(f"classes {escape_markdown(', '.join(asked['choices']))}, of which one is the landslides")
    else:
        shown = f"{ReaderOptions.model_fields[asked['option']].title} {asked['meanwhile']}"
        words.append(f"the classes depend on an open question (shown here: {escape_markdown(shown)})")
    if facts["groups"]:
        words.append(f"{facts['groups']:,} groups")
    return f"{words[0]}: {'; '.join(words[1:])}."


def undecided(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The question that decides which patches are landslides, if it is open; until then its first answer stands."""
    return next((one for one in facts["questions"] if one["meanwhile"] is not None), None)


def pictures(found: Look) -> None:
    """The patches in a row that wraps, half of them landslides where there are both."""
    facts = found.facts
    bands = tuple(_band(one) for one in facts["bands"])
    ways = {way.name: way for way in composites(bands)}
    mask = False
    if len(ways) > 1 or found.masks is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = url_state.choose(
                st.selectbox, "Shown as", list(ways), key="import_composite", default=next(iter(ways)), width=300
            )
            if found.masks is not None and found.masks.any():
                mask = url_state.toggle("Outline of the mask", True, key="import_mask")
    else:
        name = next(iter(ways))
    limits = np.array([render.value_limits(_finite(found.images[:, band])) for band in range(len(bands))])
    with st.grid(min_column_width=TILE_PX, gap="small"):
        for place, patch in enumerate(facts["patches"]):
            rgb = render.picture(found.images[place], [band.name for band in bands], ways[name], limits)
            if mask:
                rgb = render.outline(rgb, found.masks[place])
            with st.container(gap=None):
                word, colour = _class(facts, patch)
                st.image(rgb, width="stretch", alt=f"{patch['file']}, {word}", output_format="PNG")
                st.markdown(f":small[:{colour}[{escape_markdown(word)}]]")


def _class(facts: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[str, str]:
    """The name of a patch's class, and its colour; gray where an open question decides it."""
    asked = undecided(facts)
    if asked is None:
        return patch["class"] or "unlabelled", COLOURS[patch["label"]]
    return patch["class"] if asked["option"] == "positive" and patch["class"] else "class not known yet", "gray"


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _band(values: Mapping[str, Any]) -> Band:
    known = {name: values[name] for name in ("name", "title", "sensor", "orbit", "unit", "family")}
    return Band(**known, usual=tuple(values["usual"]) if values["usual"] else None)


def _doubts(facts: Mapping[str, Any]) -> None:
    """What may spoil the dataset, worst first."""
    labels, found = facts["labels"], []
    if undecided(facts):
        pass
    elif not labels["n_positive"] and not labels["n_negative"]:
        found.append("No patch has a label. Such a dataset can be predicted, not trained on.")
    elif not labels["n_positive"] or not labels["n_negative"]:
        only = labels["positive"] if labels["n_positive"] else labels["negative"]
        found.append(f"Every labelled patch is {only}: a classifier needs patches of both classes.")
    found += [f"{one['title']}: {one['note']}. {_found(one)}" for one in facts["bands"] if one["note"]]
    for text in [*found, *facts["warnings"]]:
        st.warning(escape_markdown(on_page(text)), icon=":material/warning:")


def _bands(bands: Sequence[Mapping[str, Any]]) -> None:
    st.markdown("**Bands**")
    rows = [
        {
            "Band": one["title"], "Unit": one["unit"] or "not known", "Sensor": one["sensor"],
            "Values (1–99%)": _span(one["values"].get("q01"), one["values"].get("q99")),
            "Usual": _span(*(one["usual"] or (None, None))), "In doubt": one["note"],
        }
        for one in bands
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    table = table.drop(columns=[name for name in ("Sensor", "In doubt") if not table[name].any()])
    downloads.table(table, hide_index=True, width="stretch", height="content" if len(table) <= 14 else 420)


def _found(band: Mapping[str, Any]) -> str:
    return f"98% of its values are {_span(band['values']['q01'], band['values']['q99'])}."


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{value(low)} to {value(high)}"


def _understood(facts: Mapping[str, Any]) -> None:
    labels, labelled = facts["labels"], facts["labels"]["n_positive"] or facts["labels"]["n_negative"]
    splits = ", ".join(f"{name} {n:,}" for name, n in facts["splits"].items())
    asked = undecided(facts)
    means = f"; landslide: {facts['masks_read_as']}" if facts["masks_read_as"] and asked is None else ""
    unnamed = asked is not None and asked["option"] == "positive"
    rows = {
        "Read as": format_title(facts["format"]),
        "Positive class": ("not chosen yet" if unnamed else labels["positive"]) if labelled else "no labels",
        "Other class": labels["negative"],
        "Labels from": "masks" if labels["from_masks"] else "names or a table",
        "Groups": f"{facts['groups']:,}" if facts["groups"] else "none",
        "Split": splits or "none",
        "Masks": f"{facts['n_masks']:,}{means}" if facts["n_masks"] else "none",
        "Coordinates": f"{facts['n_placed']:,} patches" if facts["n_placed"] else "none",
        "No-data value": "none" if facts["nodata"] is None else f"{facts['nodata']:g} in all bands",
        "Stored as": facts["dtype"],
        "Further columns": ", ".join(facts["columns"]) or "none",
        "Source": facts["source"],
    }
    if not labelled or unnamed:
        del rows["Other class"]
    if not labelled:
        del rows["Labels from"]
    st.markdown("**What else was understood**")
    table = pd.DataFrame({"Fact": list(rows), "Value": list(rows.values())})
    downloads.table(table, hide_index=True, width="stretch", height="content",
                 column_config={"Value": st.column_config.TextColumn(width="large")})  # fmt: skip
    st.caption(
        f"{facts['n_looked']:,} of {facts['n_listed']:,} files or patches were looked at; others are taken to be alike."
    )


def _aside(facts: Mapping[str, Any]) -> None:
    if not facts["n_rejected"]:
        return
    with st.expander(f"Set aside so far ({facts['n_rejected']:,})", expanded=facts["n_rejected"] <= 5):
        table = pd.DataFrame(facts["rejected"], columns=["file", "reason"]).rename(columns=str.capitalize)
        downloads.table(
            table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 360,
            column_config={"Reason": st.column_config.TextColumn(width="large")},
        )  # fmt: skip


def _onward(facts: Mapping[str, Any]) -> None:
    n = len(facts["questions"])
    asked = f" ({n} question{'s' if n > 1 else ''})" if n else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Continue{asked}", type="primary", icon=":material/arrow_forward:", key="import_onward"):
            go_to(3)
        _back()


def _back(look: str = "tertiary") -> None:
    if st.button("Change the source", icon=":material/arrow_back:", type=look, key="import_to_source"):
        go_to(1)


def _again(kept: Draft) -> None:
    st.info("The pictures of this preview are no longer kept.", icon=":material/image:")
    if st.button("Preview again", icon=":material/refresh:", key="import_look_again", **allowed.to("train")):
        begin_look(kept)
