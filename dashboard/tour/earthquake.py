"""An earthquake, two images, a map: before, after, and what the run calls, judged by the landslides that are there."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw

from core.analyses import scene_map
from core.analyses.tour import earthquake
from core.errors import LandslideLensError
from core.io.plain_file import is_there, read_bytes
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from dashboard import stakeholder, state, theme
from dashboard.predict import figure
from dashboard.tour import parts
from dashboard.ui import downloads
from dashboard.ui.formatting import percent

MOST_BYTES = 64 * 2**20  # of a file of polygons
SIDE = 900  # px of a picture's width
OPACITY = 0.5  # of what is called
GAMMA = 0.65  # below 1: brighter


def view(run: RunFolder) -> None:
    """The stop."""
    report = earthquake.read(run)
    if report is None:
        parts.one_click(
            run, earthquake.NAME,
            "An earthquake has shaken a simulated valley of 6.4 by 4.5 km. Two satellite images come in, one from "
            "before and one from after. The model that was trained on other ground marks the landslides; since the "
            "ground is simulated, it is known where they are. Takes a minute or two.",
        )  # fmt: skip
        return
    own = scene_map.folder(run, report["map"])
    try:
        arrays, landslides = own.arrays("picture"), run.results(earthquake.NAME).table("landslides")
    except LandslideLensError:
        st.warning("The map of this earthquake is damaged or was deleted.", icon=":material/broken_image:")
        parts.one_click(run, earthquake.NAME, "It can be made again.")
        return
    found, false = report["found"], report["false"]
    parts.said(
        f"Two images in, {found['k']} of {found['n']} landslides are on the map: people know where to look first."
    )
    drawn = drawn_map(arrays, report["threshold"], landslides, report)
    with st.grid(3, min_column_width=220, gap="small"):
        for title, rgb in (("1. Before", brighter(arrays["before"])), ("2. After", brighter(arrays["after"])),
                           ("3. The map", drawn)):  # fmt: skip
            with st.container(gap="xsmall"):
                st.markdown(f"**{title}**")
                st.image(rgb, width="stretch", alt=f"{title} the simulated earthquake", output_format="PNG")
    legend("Orange ground: called a landslide.")
    left, right = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with left:
        parts.big_number(
            "Landslides found", percent(found["k"] / found["n"], 0), f"{found['lo']:.0%}–{found['hi']:.0%}",
            f"{found['k']} of {found['n']} simulated landslides with at least half of their pixels inside the map's "
            f"outlines (threshold {report['threshold']:.3f}, mean of the folds' models). Interval: Wilson, each "
            f"landslide counted once. Ground that no fold was trained on, made by the same simulation.",
        )  # fmt: skip
    with right:
        st.markdown(
            f"Of {false['n']} places of {report['place_m']:.0f} m without a landslide, {false['k']} "
            f"{'is' if false['k'] == 1 else 'are'} called one (95% interval {false['lo']:.0%}–{false['hi']:.0%}). The "
            "outlines open in any geographic information system."
        )
        _files(run, own, report, drawn, landslides)


def _files(
    run: RunFolder, own: ResultFolder, report: dict[str, Any], drawn: np.ndarray, landslides: pd.DataFrame
) -> None:
    with st.container(horizontal=True):
        for name, mime in ((".geojson", "application/geo+json"), (".gpkg", "application/geopackage+sqlite3")):
            path = next((own.path / Path(one).name for one in report["files"] if one.endswith(name)), None)
            if path is not None and is_there(path):
                label = "Polygons (GeoJSON)" if name == ".geojson" else "Polygons (GeoPackage)"
                parts.take_away(
                    label,
                    read_bytes(path, MOST_BYTES),
                    f"earthquake_polygons{name}",
                    mime,
                    f"tour_eq{name}",
                    name == ".geojson",
                )
        parts.take_away("Map (PNG)", png(drawn), "earthquake_map.png", "image/png", "tour_eq_png", False)
        downloads.download(landslides, "earthquake_landslides", "Landslides (CSV)", key="tour_eq_csv")
        if not stakeholder.is_on() and st.button(
            "Open the map in Predict", icon=":material/arrow_outward:", type="tertiary", key="tour_eq_open"
        ):
            state.open_view("predict", run=run.name, view="scene")


def drawn_map(
    arrays: dict[str, np.ndarray], threshold: float, landslides: pd.DataFrame, report: dict[str, Any]
) -> np.ndarray:
    """(h, w, 3) uint8: the scene after, what is called over it, and a frame around each landslide that is there.

    A frame's colour says whether it was found at the threshold that ``landslides`` was judged at.
    """
    base = Image.fromarray(brighter(arrays["after"])).convert("RGBA")
    called = np.nan_to_num(arrays["probability"], nan=-1.0) >= threshold
    base.alpha_composite(Image.fromarray(figure.over(OPACITY * called, 1.0)))
    factor = max(1, round(SIDE / base.width))
    base = base.resize((base.width * factor, base.height * factor), Image.Resampling.BICUBIC).convert("RGB")
    drawing, side = ImageDraw.Draw(base), report["place_m"] / report["pixel_m"] * base.width / report["shape"][1]
    for row in landslides.itertuples():
        down, across = (int(part) - 1 for part in row.cell.split("-"))
        box = [across * side + 3, down * side + 3, (across + 1) * side - 3, (down + 1) * side - 3]
        drawing.rectangle(box, outline=theme.OUTCOME["TP" if row.found else "FN"], width=4)
    return np.asarray(base)


def brighter(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: the picture of a scene, its dark forests lightened for a small picture."""
    return np.round(255 * (figure.greyed(rgb) / 255) ** GAMMA).astype(np.uint8)


def legend(words: str) -> None:
    """What the frames and the colour mean. words: about the colour."""
    st.caption(
        f"{words} Green frame: a landslide that is found. Magenta frame: one that is missed. Simulated ground and "
        "sensors; no place on Earth looks like this."
    )


def png(rgb: np.ndarray) -> bytes:
    """(h, w, 3) uint8 as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()
