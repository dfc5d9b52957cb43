"""Bands: classes side by side, the mean patch of each, one band with its unit, histogram and quantiles by class."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.data.by_class import ClassPixels, drawn_rows
from core.data.store import Dataset
from core.text import true_minus
from dashboard import cache, url_state
from dashboard.dataset import charts
from dashboard.patches import band_values, card, derived_bands, gallery, render
from dashboard.ui import downloads
from dashboard.ui.formatting import class_word, escape_markdown

PER_CLASS = 200  # patches of each class that means, histograms and quantiles are taken from
DRAWS = (3, 6, 9, 12)
MOST_DRAWS = 1_000_000
MEAN_PX = 170  # CSS pixels
HARDLY = 0.25  # medians this near, in middle halves of their values, tell nobody which class it is
COMPUTED_WORDS = (
    " SAR before is drawn as SAR after is; other bands that are computed by their percentiles over "
    f"{band_values.LIMIT_PATCHES} patches of each class. Of mean patches they are computed from the mean bands."
)


def bands(data: Dataset) -> None:
    """Classes side by side, one band closely, quantiles of every band."""
    labels = [label for label in (1, 0, -1) if (data.labels == label).any()]
    pixels = band_values.class_pixels(data, PER_CLASS, 0)
    st.markdown(sentence(data, pixels.quantiles))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = url_state.choose(st.selectbox, "Patches of each class", DRAWS, key="bands_n", default=DRAWS[1], width=170)
        seed = url_state.number(
            "Draw", 0, MOST_DRAWS, 0, key="bands_seed", width=120, help="The same number shows the same patches."
        )
        look = gallery.look_controls(data, "bands_look", stretch=False)
    ids = _side_by_side(data, labels, look, int(n), seed, pixels)
    _quantiles(data, pixels)
    _one_band(data, look, ids)
    card.show_opened(data, None, ids)


def sentence(data: Dataset, quantiles: pd.DataFrame) -> str:
    """In which band the classes differ most, as Markdown: medians apart, in middle halves of their values."""
    by_class = {label: part.set_index("band") for label, part in quantiles.groupby("label")}
    if not {0, 1} <= by_class.keys():
        return f"{len(data.bands)} bands. With patches of both classes, this view compares them."
    apart = (by_class[1]["q50"] - by_class[0]["q50"]).abs()
    spread = sum((part["q75"] - part["q25"]) / 2 for part in (by_class[1], by_class[0]))
    apart = (apart / spread.where(spread > 0)).dropna()
    if not len(apart) or apart.max() == 0:
        return "The classes have the same median in every band."
    band = next(one for one in data.bands if one.name == apart.idxmax())
    medians = [f"{value(by_class[label].loc[band.name, 'q50'])} in {class_word(data, label)}" for label in (1, 0)]
    said = "The classes differ most in"
    if apart.max() < HARDLY:
        said = "No single band tells the classes apart. The largest difference is in"
    return f"{said} **{escape_markdown(band.label)}**: median {' and '.join(medians)}."


def value(number: float) -> str:
    """A value of a band: whole where it is large, three digits otherwise, a true minus."""
    return true_minus(f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}")


def _side_by_side(
    data: Dataset, labels: list[int], look: gallery.Look, n: int, seed: int, pixels: ClassPixels
) -> list[str]:
    """Random patches of each class in the same stretch, and below them the class's mean patch; the ids drawn."""
    ids: list[str] = []
    grid = st.grid(len(labels), min_column_width=340, gap="medium")
    for label in labels:
        chosen = data.ids[drawn_rows(data.labels, label, n, seed)].tolist()
        ids += chosen
        with grid.cell():
            st.markdown(f"**{class_word(data, label)}**, {len(chosen)} of {int((data.labels == label).sum()):,} drawn")
            gallery.gallery(data, pd.DataFrame({"id": chosen}), look, f"bands_{label}")
    st.caption(
        "All drawn with the same stretch: from the 2nd to the 98th percentile of each band over the dataset."
        + (COMPUTED_WORDS if derived_bands.computed(look.composite.bands, data.bands) else "")
    )
    with st.container(horizontal=True, gap="large"):
        for label in labels:
            with st.container(gap="xxsmall", width="content"):
                rgb = _mean_patch(data, label, look, pixels)
                st.image(rgb, width=MEAN_PX, alt="Mean patch", output_format="PNG")
                st.caption(f"Mean of {pixels.n[label]:,} {class_word(data, label)}")
        st.caption(
            "If the middle of a mean patch differs from its border, landslides were centred when the patches were "
            "cut, and a network may learn that.",
            width=360,
            help=f"Means of at most {PER_CLASS} patches of a class drawn at random (seed 0), stretched to the range "
            "that the means have together.",
        )
    return ids


def _mean_patch(data: Dataset, label: int, look: gallery.Look, pixels: ClassPixels) -> np.ndarray:
    """The class's mean patch as a picture, stretched as all classes' means together."""
    means = np.stack(list(pixels.means.values()))  # (classes, C, H, W)
    together = np.concatenate(list(means), axis=-1)  # (C, H, classes * W)
    wanted = look.composite.bands
    together, names = derived_bands.with_computed(together[None], data.bands, wanted)
    limits = render.patch_limits(together[0])
    image = derived_bands.with_computed(pixels.means[label][None], data.bands, wanted)[0][0]
    return render.picture(image, names, look.composite, limits, render.PICTURE_PX, True)


def _one_band(data: Dataset, look: gallery.Look, ids: list[str]) -> None:
    st.header("One band", anchor=False)
    known = {band.name: band for band in derived_bands.drawable(data.bands)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = url_state.choose(
            st.selectbox, "Band", list(known), key="dataset_band", default=next(iter(known)),
            format_func=lambda n: known[n].label, width=320,
        )  # fmt: skip
        patch_id = url_state.choose(
            st.selectbox, "Patch", ids, key="bands_patch", default=ids[0], width=260,
            format_func=lambda i: gallery.short(i, 40),
        )  # fmt: skip
    band, row = known[name], data.index_of([patch_id])
    images, names = derived_bands.with_computed(cache.images(data, row), data.bands, [name])
    image = images[0]
    values = image[names.index(name)].astype(float)
    beside = st.grid(2, min_column_width=340, gap="medium")
    with beside.cell():
        downloads.show(charts.band_picture(values, band), key="bands_picture")
        label = int(data.labels[row[0]])
        st.caption(f"{escape_markdown(patch_id)}, {class_word(data, label)}; rows and columns in pixels.")
    with beside.cell():
        spread = band_values.band_values(data, name, PER_CLASS)
        figure = charts.band_histogram(spread, band, data.class_names, values[np.isfinite(values)])
        downloads.show(figure, key="dataset_histogram")
        words = {1: data.class_names[1], 0: data.class_names[0], -1: "unlabelled"}
        read = {label: min(int((data.labels == label).sum()), PER_CLASS) for label in spread}
        said = ", ".join(f"{n:,} {escape_markdown(words[label])}" for label, n in read.items())
        st.caption(f"All usable pixels of {said} patches, spread evenly over the dataset; at most the lowest 1% "
                   "and the highest 2% of a class's values are not drawn. Dotted: this patch.")  # fmt: skip


def _quantiles(data: Dataset, pixels: ClassPixels) -> None:
    st.header("Quantiles of every band by class", anchor=False)
    downloads.show(charts.quantiles_by_class(pixels.quantiles, data.bands, data.class_names), key="bands_quantiles")
    said = ", ".join(f"{n:,} {escape_markdown(_word(data, label))}" for label, n in pixels.n.items())
    st.caption(
        f"Thin line: 5 to 95%, thick: 25 to 75%, mark: median of the usable pixels of {said} patches, drawn at "
        "random (seed 0). Pixels of a patch are not independent, so no interval is stated."
    )
    table = quantile_table(data, pixels)
    with st.expander("As a table"):
        downloads.table(table, hide_index=True, width="stretch", height=420)
    downloads.download(table, f"{data.name}_quantiles_by_class", "Quantiles by class")


def quantile_table(data: Dataset, pixels: ClassPixels) -> pd.DataFrame:
    """The quantiles with the bands' titles and units, and the names of the classes."""
    titles, units = ({band.name: getattr(band, key) for band in data.bands} for key in ("title", "unit"))
    found = pixels.quantiles
    head = pd.DataFrame(
        {
            "Band": found["band"].map(titles),
            "Unit": found["band"].map(units),
            "Class": found["label"].map(lambda label: _word(data, label)),
            "Patches": found["n_patches"],
            "Pixels": found["n_pixels"],
        }
    )
    numbers = found[["mean", "q01", "q05", "q25", "q50", "q75", "q95", "q99"]].astype(float)
    return pd.concat([head, numbers.map(lambda value: float(f"{value:.4g}"))], axis=1)


def _word(data: Dataset, label: int) -> str:
    return "unlabelled" if label < 0 else data.class_names[label]
