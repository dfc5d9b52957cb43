"""Clouds: how much of each patch a cloud network takes for cloud and shadow, and the patches, cloudiest first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.datasets import clouds as analysis
from core.data.clouds import network
from core.data.clouds.reflectance import factors
from core.data.store import Dataset
from core.data.store.beside import CLOUD_SHARE, SHADOW_SHARE
from core.errors import ConfigError
from dashboard import allowed, cache, state, url_state
from dashboard.jobs import analyses
from dashboard.patches import card, gallery
from dashboard.ui import downloads, paging
from dashboard.ui.formatting import class_word, escape_markdown, percent
from dashboard.ui.guards import or_stop

NAME = analysis.ANALYSIS.name
KINDS = {"cloud": CLOUD_SHARE, "shadow": SHADOW_SHARE}
TITLES = {"cloud": "Cloud", "shadow": "Cloud shadow"}
LEAST = 0.05  # share of a patch from which it is shown at first
A_PAGE = 24


def clouds(data: Dataset) -> None:
    """The cloudiest patches; before anything is known, how to find out, or why that cannot be."""
    target = cache.dataset_target(data.path, state.checkpoints())
    found = or_stop(lambda: analysis.read(target))
    if found is None:
        _nothing_yet(data, target)
        return
    analyses.follow(target, NAME)
    report, shares = found.report, {kind: data.columns[name] for kind, name in KINDS.items()}
    st.markdown(
        f"**{report['n_cloudy']:,} of {report['n']:,} patches are more than {percent(analysis.SHOWN, 0)} cloud**, "
        f"{report['n_shaded']:,} more than {percent(analysis.SHOWN, 0)} cloud shadow. None is left out of training "
        "unless you set *Maximum cloud* on the Train page.",
        help="Estimated by a network, which can be wrong: bright roofs and the edges of missing data can be taken for "
        "cloud, dark water for shadow. Look at the patches before you leave any out.",
    )
    _patches(data, shares)
    card_of = report["card"]
    with st.expander("How this was measured"):
        assumed = "" if card_of["pixel_known"] else " (assumed, as the dataset does not say)"
        st.markdown(
            f"{escape_markdown(card_of['network'])} (Wieland et al. 2022), its network for "
            f"Level-{card_of['level'][1:].upper()} images, from blue, green, red and near infrared in pixels of "
            f"{card_of['coarse_m']:g} m. The patches' own pixels are {card_of['pixel_m']:g} m{assumed}. Shares are of "
            f"what was seen of a patch; {report['n_unknown']:,} patches have no share. They stand beside the dataset "
            f"as the columns `{CLOUD_SHARE}` and `{SHADOW_SHARE}`."
        )
        if st.button("Measure again", icon=":material/refresh:", key="clouds_again", **allowed.to("train")):
            analyses.begin(target, NAME)
    table = pd.DataFrame({"id": data.ids, "label": data.labels, **{KINDS[kind]: shares[kind] for kind in KINDS}})
    downloads.download(table, f"clouds_{data.path.stem}", "Cloud shares (CSV)")
    card.show_opened(data, None)


def _nothing_yet(data: Dataset, target: object) -> None:
    try:
        factors(data.bands, data.name)
    except ConfigError as error:
        st.info(escape_markdown(str(error)), icon=":material/cloud_off:")
        return
    if network.file_of("l2a") is None:
        st.info(
            "The cloud networks are an extra that is not installed (ukis-csmask, 145 MB). Install it on the machine "
            "that serves this page, then reload:",
            icon=":material/cloud_download:",
        )
        st.code(network.COMMAND, language="bash")
        return
    analyses.nothing_yet(
        target,
        NAME,
        "Clouds have not been looked for yet",
        "A network estimates how much of each patch is cloud and cloud shadow. The shares become columns to filter and "
        "slice by; no patch is left out.",
        "Look for clouds",
        ":material/cloud:",
    )


def _patches(data: Dataset, shares: dict[str, np.ndarray]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = url_state.choose(
            st.segmented_control, "Sort by", list(KINDS), key="clouds_kind", default="cloud", required=True,
            format_func=TITLES.get,
        )  # fmt: skip
        least = url_state.number("At least (% of the patch)", 0, 100, round(100 * LEAST), key="clouds_least", width=200)
    values = np.nan_to_num(shares[kind], nan=-1.0)
    rows = np.flatnonzero(values >= (least or 0) / 100)
    rows = rows[np.argsort(-values[rows], kind="stable")]
    if not len(rows):
        st.info(f"No patch has that much {TITLES[kind].lower()}. Choose a smaller share.", icon=":material/search_off:")
        return
    table = pd.DataFrame({"id": data.ids[rows], "label": data.labels[rows]} | {k: shares[k][rows] for k in KINDS})
    page, number, pages = paging.of(table, "clouds_page", A_PAGE)
    found = "1 patch" if len(rows) == 1 else f"{len(rows):,} patches"
    largest = percent(values[rows[0]], 0)
    st.caption(f"{found} with at least {least or 0}% {TITLES[kind].lower()}, the largest share first: {largest}.")
    look = gallery.look_controls(data, "clouds_look")
    gallery.gallery(
        data, page, look, "clouds_gallery", ahead=paging.ahead(table, number, A_PAGE),
        caption=lambda row: (
            f"{class_word(data, int(row['label']))}  \ncloud {percent(row['cloud'], 0)} · "
            f"shadow {percent(row['shadow'], 0)}"
        ),
    )  # fmt: skip
    with st.container(horizontal=True, horizontal_alignment="right"):
        paging.pages(pages, "clouds_page")
