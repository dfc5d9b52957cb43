"""Where a network sees evidence in one patch; of a network of several branches, all side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from core.analyses.attention import maps
from core.config.training import AFTER, BEFORE
from core.data.bands import Composite, composites
from core.errors import LandslideLensError
from core.explain.cam.overlay import dead_maps
from core.explain.checks.mask_overlap import mask_agreement
from core.runs.store import RunFolder
from dashboard import cache
from dashboard.jobs import model_client
from dashboard.patches import gallery, render
from dashboard.patches.sections.opened import Opened
from dashboard.theme import BRANCH_WORDS
from dashboard.ui.formatting import escape_markdown, percent
from dashboard.ui.messages import show_error

PICTURE_PX = 360
FEWEST_CELLS = 4  # of a side of a branch's map


@dataclass(frozen=True, eq=False)
class Shown:
    """One map (h, w) over one composite. top: what is brightest; None: its own peak."""

    title: str
    composite: Composite
    cam: np.ndarray
    top: float | None
    said: str


def is_there(opened: Opened) -> bool:
    """Whether the run has attention maps."""
    return opened.run is not None and bool(opened.cams.card)


def draw(opened: Opened) -> None:
    """The picture, the attention over it and the mask; a row for each branch."""
    own = opened.cams.of(opened.patch_id)
    if own is None:
        st.info("No attention map: this patch was not held out in any fold.", icon=":material/visibility_off:")
        return
    shown = _branches(opened) if _has_several(opened.run) else [_own(opened, own)]
    mask = cache.masks(opened.data, [opened.row])
    columns = st.columns(2, gap="medium") if len(shown) == 2 else [st.container() for _ in shown]
    for column, one in zip(columns, shown, strict=True):
        with column:
            st.markdown(f"**{one.title}**")
            _pictures(opened, one, None if mask is None else mask[0])
            st.caption(one.said)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("No evidence", width="content")
        st.image(render.legend(), width=160, alt="Heat scale from dark (no evidence) to light (most evidence)")
        st.caption("Most evidence", width="content")
    if len(shown) > 1:
        st.caption(
            f"{gallery.method_of(opened.cams)} of the network's own classifier in each branch, by the network of the "
            "patch's own fold, which has not trained on it. How bright one branch is says nothing of another."
        )
    else:
        st.caption(gallery.cam_sentence(opened.cams))


def _own(opened: Opened, cam: np.ndarray) -> Shown:
    """The run's own map, as bright as the evidence is beside the other maps of its fold."""
    share = opened.cams.share_of(opened.patch_id)
    said = f"Its peak is {percent(share, 0)} of the mean peak of its fold's maps" if share is not None else ""
    return Shown(
        gallery.method_of(opened.cams), opened.look.composite, cam, opened.cams.level_of(opened.patch_id),
        " · ".join(filter(None, [said, _on_mask(opened, cam)])) or "This fold's maps are all empty.",
    )  # fmt: skip


def _has_several(run: RunFolder) -> bool:
    return run.config().model.branches != "one"


def _branches(opened: Opened) -> list[Shown]:
    """Each branch's deepest layer, over a composite of its own bands; asked of the fold's network at once."""
    version = cache.file_version(opened.run.fold_path(opened.scores["fold"]) / "fold.json") if opened.scores else (0,)
    shown = []
    try:
        for branch, layer in _layers(str(opened.run.path), version).items():
            answer = _asked(str(opened.run.path), opened.patch_id, layer, opened.cams.card["method"], version)
            cam = np.array(next(iter(answer["maps"].values())), np.float32)
            said = f"Layer {escape_markdown(layer)}, brightest at its own peak, {float(cam.max()):.3g}"
            words = " · ".join(filter(None, [said, _on_mask(opened, cam)]))
            shown.append(Shown(BRANCH_WORDS[branch], _composite(opened, branch), cam, None, words))
    except LandslideLensError as error:
        show_error(error)
    return shown or [_own(opened, opened.cams.of(opened.patch_id))]


@st.cache_data(max_entries=32, show_spinner="Asking the network of this patch's fold…")
def _layers(path: str, version: cache.Version) -> dict[str, str]:
    """By branch, its deepest layer whose map can be alive and has ``FEWEST_CELLS`` a side; else its deepest."""
    found: dict[str, str] = {}
    for layer in model_client.models().ask({"do": "layers", "run": path})["layers"]:
        branch = str(layer["name"]).removeprefix("backbone.").partition(".")[0]
        usable = layer["alive"] and min(layer["rows"], layer["columns"]) >= FEWEST_CELLS
        if branch in BRANCH_WORDS and (usable or branch not in found):
            found[branch] = layer["name"]
    return found


@st.cache_data(max_entries=64, show_spinner="Asking the network of this patch's fold…")
def _asked(path: str, patch_id: str, layer: str, method: str, version: cache.Version) -> dict[str, Any]:
    options = {"layer": layer, "evidence_for": 1}
    asked = {"do": maps.ANALYSIS.name, "run": path, "patch": patch_id, "methods": [method], "options": options}
    return model_client.models().ask(asked)


def _composite(opened: Opened, branch: str) -> Composite:
    """The look of the card where it is of this branch's bands, else the first that is."""
    kind = {band.name: band.modality for band in opened.data.bands}
    if branch in (AFTER, BEFORE):
        kind = {name: BEFORE if name.endswith("_pre") else AFTER for name in kind}
    for look in (opened.look.composite, *composites(opened.data.bands)):
        if all(kind.get(name) == branch for name in look.bands):
            return look
    return opened.look.composite


def _pictures(opened: Opened, one: Shown, mask: np.ndarray | None) -> None:
    look = replace(opened.look, composite=one.composite, opacity=0.0, mask=False, raw=False)
    plain = gallery.pictures(opened.data, [opened.patch_id], look, None, PICTURE_PX)[0]
    over = render.overlay(plain, one.cam, gallery.OPACITY / 100, one.top)
    alone = render.cells(one.cam, PICTURE_PX, one.top)
    if mask is not None:
        over, alone = render.outline(over, mask), render.outline(alone, mask)
    words = ("Image", "Attention over it", f"Alone, {one.cam.shape[0]}×{one.cam.shape[1]} cells")
    with st.grid(3, min_column_width=110, gap="small"):
        for rgb, said in zip((plain, over, alone), words, strict=True):
            with st.container(gap=None):
                st.image(rgb, width="stretch", alt=f"{one.title}: {said}", output_format="PNG")
                st.caption(said)


def _on_mask(opened: Opened, cam: np.ndarray) -> str:
    """How much of the attention lies on the mask, where there is one."""
    if dead_maps(cam[None])[0]:
        return "**dead map**: no evidence anywhere in the patch"
    mask = cache.masks(opened.data, [opened.row])
    if mask is None or not (mask[0] > 0).any():
        return ""
    found = mask_agreement(cam[None], mask).iloc[0]
    covers = percent(found["mask_share"], 0)
    return f"{percent(found['energy'], 0)} of it on the mask, which covers {covers} of the patch"
