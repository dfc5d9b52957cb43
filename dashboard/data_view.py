"""The parts of the Dataset page: facts and bands, gallery with a histogram, check, import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data.store import Dataset
from core.errors import LandslideLensError
from core.paths import slug
from dashboard import cached, charts, components, data_charts, gallery, imports, outcomes, patch_card, state, theme
from dashboard.components import literal

PAGE_SIZES = (12, 24, 48, 96)


# --------------------------------------------------------------------------------------------------------- facts


def facts(data: Dataset) -> None:
    """Counts, balance, where it comes from, and every band with its unit."""
    if data.facts.get("simulated"):
        st.info("These patches are simulated: good for trying things out, silent about real ground.",
                icon=":material/science:")  # fmt: skip
    counts = class_counts(data)
    labelled = max(int((data.labels >= 0).sum()), 1)
    with st.grid(min_column_width=140):
        st.metric("Patches", f"{len(data):,}", border=True, height="stretch")
        st.metric(
            literal(data.positive), f"{counts[data.positive]:,}", border=True, height="stretch",
            delta=f"{counts[data.positive] / labelled:.1%}", delta_color="off", delta_arrow="off",
            help="The positive class, and its share of the labelled patches.",
        )  # fmt: skip
        st.metric("Bands", len(data.bands), border=True, height="stretch")
        st.metric("Side (pixels)", f"{data.shape[1]} × {data.shape[2]}", border=True, height="stretch")
        groups = None if data.groups is None else len(set(data.groups.tolist()))
        st.metric("Groups", "none" if groups is None else f"{groups:,}", border=True, height="stretch",
                  help="Patches of one group (a scene, an event) stay in one fold.")  # fmt: skip
        st.metric("Masks", "yes" if data.has_masks else "none", border=True, height="stretch")
    beside = st.grid(2, min_column_width=340, gap="medium")
    with beside.cell():
        st.subheader("Class balance", anchor=False)
        components.show(charts.class_counts({"patches": counts}, data.positive), key="dataset_balance")
        st.caption(f"All {len(data):,} patches of {literal(data.name)}; positive class: {literal(data.positive)}.")
    with beside.cell():
        st.subheader("Where it comes from", anchor=False)
        st.dataframe(_origin(data), hide_index=True, width="stretch", height="content",
                     column_config={"Value": st.column_config.TextColumn(width="large")})  # fmt: skip
    if data.facts:
        with st.expander("What else the source recorded"):
            st.json(data.facts, expanded=1)
    st.subheader("Bands", anchor=False)
    bands = band_table(data)
    st.dataframe(bands, hide_index=True, width="stretch", height="content")
    st.caption("Statistics over all usable pixels of all patches, in the band's unit; q05 to q95 are quantiles.")
    with st.container(horizontal=True):
        components.download(lambda: label_table(data), f"{data.name}_labels", "Labels")
        components.download(bands, f"{data.name}_bands", "Bands and statistics")


def class_counts(data: Dataset) -> dict[str, int]:
    """Patches by class name, the positive one first; unlabelled ones where there are any."""
    counts = {data.positive: int((data.labels == 1).sum()), data.class_names[0]: int((data.labels == 0).sum())}
    unlabelled = int((data.labels == -1).sum())
    return counts | ({"unlabelled": unlabelled} if unlabelled else {})


def _origin(data: Dataset) -> pd.DataFrame:
    rows = {
        "Source": data.source or "not stated",
        "Licence": data.licence or "not stated",
        "Positive class": data.positive,
        "Other class": data.class_names[0],
        "No-data value": "none" if data.nodata is None else f"{data.nodata:g} in all bands",
        "Kept as": str(data.dtype),
        "Content hash": data.content_hash,
        "File": str(data.path),
    }
    return pd.DataFrame({"Fact": list(rows), "Value": list(rows.values())})


def band_table(data: Dataset) -> pd.DataFrame:
    """A row a band: what it is, its unit, its statistics, how much of it is unusable."""
    rows = []
    for band, numbers in zip(data.bands, data.statistics, strict=True):
        row = {"Band": band.title, "Name": band.name, "Sensor": band.sensor, "Orbit": band.orbit, "Unit": band.unit}
        digits = 0 if max(abs(numbers["min"]), abs(numbers["max"])) >= 100 else 2
        row |= {key: round(numbers[key], digits) for key in ("min", "q05", "mean", "q50", "q95", "max", "std")}
        rows.append(row | {"Not finite": numbers.get("n_nonfinite"), "No data": numbers.get("n_nodata")})
    return pd.DataFrame(rows)


def label_table(data: Dataset) -> pd.DataFrame:
    """A row a patch: id, label, class, and whatever else the dataset says of it."""
    names = np.array([*data.class_names, ""], dtype=object)
    table = {"id": data.ids, "label": data.labels, "class": names[data.labels]}
    table |= {name: values for name, values in (("group", data.groups), ("split", data.split)) if values is not None}
    if data.lonlat is not None:
        table |= {"longitude": data.lonlat[:, 0], "latitude": data.lonlat[:, 1]}
    return pd.DataFrame(table | data.columns)


# ------------------------------------------------------------------------------------------------------- patches


def patches(data: Dataset) -> None:
    """The gallery, filtered and paged; a click opens a patch with all its bands."""
    options = {"all": "All", 1: data.class_names[1], 0: data.class_names[0]}
    if (data.labels == -1).any():
        options[-1] = "unlabelled"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.segmented_control(
            "Class", list(options), default="all", required=True, format_func=lambda k: literal(options[k]),
            key="dataset_class",
        )  # fmt: skip
        text = st.text_input("Id contains", key="dataset_id", width=180)
        size = st.selectbox("A page holds", PAGE_SIZES, index=1, key="dataset_size", width=130)
    look = gallery.look_controls(data, "dataset_look")
    rows = np.arange(len(data)) if wanted == "all" else np.flatnonzero(data.labels == wanted)
    if text:
        rows = rows[np.char.find(np.char.lower(data.ids[rows]), text.lower()) >= 0]
    if not len(rows):
        st.info("No patch is like that. Choose another class, or clear the id.", icon=":material/search_off:")
        return
    table = pd.DataFrame({"id": data.ids[rows], "label": data.labels[rows]})
    page, number, pages = outcomes.page_of(table, st.session_state.get("dataset_page", 1), size)
    gallery.gallery(data, page, look, "dataset_gallery", caption=lambda row: _class_word(data, int(row["label"])))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(f"{len(rows):,} of {len(data):,} patches, page {number} of {pages}.", width="content")
        if pages > 1:
            st.pagination(pages, key="dataset_page")
    patch_card.show_opened(data, None, table["id"].tolist())
    histogram(data)


def _class_word(data: Dataset, label: int) -> str:
    if label < 0:
        return ":gray[unlabelled]"
    return f":{'orange' if label == 1 else 'blue'}[{literal(data.class_names[label])}]"


def histogram(data: Dataset) -> None:
    """How one band's values are spread in each class."""
    st.subheader("One band by class", anchor=False)
    bands = {band.name: band for band in data.bands}
    name = st.selectbox("Band", list(bands), format_func=lambda n: bands[n].label, key="dataset_band", width=320)
    per_class = 300
    values = cached.band_values(data, name, per_class)
    components.show(data_charts.band_histogram(values, bands[name], data.class_names), key="dataset_histogram")
    shown = {label: min(int((data.labels == label).sum()), per_class) for label in values}
    words = {1: data.class_names[1], 0: data.class_names[0], -1: "unlabelled"}
    said = ", ".join(f"{n:,} {literal(words[label])}" for label, n in shown.items())
    st.caption(f"All usable pixels of {said} patches, spread evenly over the dataset; the outermost 1 % is not drawn.")


# --------------------------------------------------------------------------------------------------------- check


def check(data: Dataset) -> None:
    """What the check found, worst first."""
    try:
        table = cached.check_table(data)
    except LandslideLensError as error:
        st.error(literal(error), icon=":material/error:")
        return
    found = table["severity"].value_counts()
    errors, warnings = int(found.get("error", 0)), int(found.get("warning", 0))
    if errors:
        st.error(f"{_findings(errors)} to mend before training.", icon=theme.SEVERITY["error"][1])
    elif warnings:
        st.warning(f"{_findings(warnings)} worth knowing; training is possible.", icon=theme.SEVERITY["warning"][1])
    else:
        st.success("Nothing stands in the way of training.", icon=theme.SEVERITY["ok"][1])
    rank = {"error": 0, "warning": 1, "ok": 2}
    ordered = table.sort_values("severity", key=lambda s: s.map(rank), kind="stable")
    st.dataframe(
        ordered.assign(severity=[[word] for word in ordered["severity"]], share=100 * ordered["share"]),
        hide_index=True, width="stretch", height="content",
        column_config={
            "severity": st.column_config.MultiselectColumn(
                "Finding", options=list(rank), color=[theme.SEVERITY[word][0] for word in rank]
            ),
            "what": st.column_config.TextColumn("What"),
            "where": st.column_config.TextColumn("Where", width="medium"),
            "n": st.column_config.NumberColumn("How many", format="localized"),
            "share": st.column_config.NumberColumn("Share", format="%.1f %%"),
            "advice": st.column_config.TextColumn("What to do", width="large"),
        },
    )  # fmt: skip
    components.download(ordered, f"{data.name}_check", "Check as CSV")


def _findings(n: int) -> str:
    return "1 finding" if n == 1 else f"{n} findings"


# -------------------------------------------------------------------------------------------------------- import


def importer() -> None:
    """Make the demo, or import a folder on the machine that runs this dashboard."""
    with st.container(border=True):
        st.markdown("**Demo**")
        st.markdown("Simulated Sentinel-1/2 patches whose statistics follow the Zindi challenge; no download.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            n = st.number_input("Patches", 120, 20000, 1200, step=120, key="demo_n", width=160)
            seed = st.number_input("Seed", 0, None, 0, key="demo_seed", width=120)
            if st.button("Make the demo dataset", icon=":material/science:", key="dataset_make_demo"):
                components.make_demo(int(n), int(seed))
    import_folder()


def import_folder() -> None:
    """The form of an import, or the import that is under way or has just ended."""
    root = state.checkpoints()
    with st.container(border=True):
        st.markdown("**Import a folder**")
        task = imports.newest(root)
        if task is None:
            _form(root)
        else:
            st.fragment(_follow, run_every=1 if task.running else None)(task.running)


def _form(root: Path) -> None:
    with st.form("import_form", border=False):
        kind = st.selectbox(
            "Format", list(imports.FORMAT_WORDS), format_func=imports.FORMAT_WORDS.get, key="import_kind"
        )
        source = st.text_input("Folder on this machine", key="import_source", placeholder="/data/landslides")
        name = st.text_input("Name of the dataset", key="import_name", placeholder="taken from the folder")
        with st.expander("Options"):
            with st.grid(min_column_width=240):
                positive = st.text_input("Name of the positive class", key="import_positive", placeholder="landslide")
                bands = st.text_input("Band names, in order", key="import_bands", placeholder="red,green,blue,nir")
                labels = st.text_input("Labels CSV", key="import_labels", placeholder="/data/landslides/labels.csv")
                id_column = st.text_input("Column of ids", key="import_id")
                group_column = st.text_input("Column of groups", key="import_group")
                masks = st.text_input("Folder of masks", key="import_masks")
                licence = st.text_input("Licence", key="import_licence")
            strict = st.toggle("Stop at the first file that cannot be used", key="import_strict",
                               help="Otherwise such files are set aside, with a table of reasons.")  # fmt: skip
        if not st.form_submit_button("Import", type="primary", icon=":material/drive_folder_upload:"):
            return
    if not source.strip():
        st.error("Write the path of a folder on the machine that runs this dashboard.", icon=":material/error:")
        return
    folder = Path(source.strip()).expanduser()
    options = {
        "strict": strict, "positive": positive.strip() or None, "id_column": id_column.strip() or None,
        "bands": tuple(b.strip() for b in bands.split(",") if b.strip()) or None,
        "labels": Path(labels.strip()) if labels.strip() else None, "group_column": group_column.strip() or None,
        "masks": Path(masks.strip()) if masks.strip() else None, "licence": licence.strip(),
    }  # fmt: skip
    out = root / "datasets" / f"{slug(name.strip() or folder.name or 'imported')}.h5"
    if out.exists():
        st.error(f"A dataset {literal(out.stem)} is here already. Choose another name.", icon=":material/error:")
        return
    try:
        imports.start(root, kind, folder, out, options)
    except (LandslideLensError, OSError) as error:
        st.error(literal(error), icon=":material/error:")
        return
    st.rerun()


def _follow(was_running: bool) -> None:
    root = state.checkpoints()
    task = imports.newest(root)
    if task is None or (was_running and not task.running):
        st.rerun()
    if task.running:
        st.progress(task.share, f"{task.done:,} of {task.total:,} files" if task.total else "Looking for patches")
        st.caption("It goes on while you look at other pages.")
        return
    if task.error:
        st.error("The import stopped. No dataset was written.", icon=":material/error:")
        st.code(task.error, language=None, wrap_lines=True)
    else:
        _report(task)
    with st.container(horizontal=True):
        if task.report and st.button("Open the dataset", type="primary", key="import_open"):
            imports.forget(root)
            state.open_view("dataset", dataset=task.out.stem, view="Facts")
        if st.button("Import another folder", key="import_again"):
            imports.forget(root)
            st.rerun()


def _report(task: imports.Import) -> None:
    report = task.report
    st.success(
        f"{report.n:,} patches imported, {report.n_positive:,} of the positive class, {report.n_unlabelled:,} without "
        f"a label; {len(report.rejected):,} files or rows set aside.",
        icon=":material/check_circle:",
    )
    for warning in report.warnings:
        st.warning(literal(warning), icon=":material/warning:")
    if report.rejected:
        table = pd.DataFrame([{"File": str(item.file), "Reason": item.reason} for item in report.rejected])
        st.dataframe(table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 360)
        components.download(table, "set_aside", "Files set aside")
