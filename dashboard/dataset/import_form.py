"""Importing patches: the form, the import that is under way, and the report of what was made of the source."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.readers.base import ReaderOptions
from core.errors import LandslideLensError
from core.io.safe_paths import slug
from dashboard import state
from dashboard.dataset import import_task
from dashboard.jobs import background
from dashboard.ui import downloads, empty_states, formatting
from dashboard.ui.formatting import escape_markdown

AUTO = ""  # the format that is recognised
KINDS = (".zip", ".tar", ".tgz", ".gz", ".h5", ".hdf5", ".tif", ".tiff", ".npy")
FROM = {"folder": ":material/folder: On this machine", "upload": ":material/upload: Upload"}
# Options of a reader: label, what it is (text, path, names, number, whole, share), example, formats (none: all).
OPTIONS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "positive": ("Name of the positive class", "text", "landslide", ()),
    "bands": ("Band names, in order", "names", "red,green,blue,nir", ()),
    "unit": ("Unit of the optical bands", "choice", "", ()),
    "labels": ("Labels CSV on this machine", "path", "/data/landslides/labels.csv", ()),
    "id_column": ("Column of ids or file names", "text", "id", ()),
    "group_column": ("Column of groups", "text", "scene", ()),
    "masks": ("Folder of masks", "path", "/data/landslides/masks", ()),
    "licence": ("Licence", "text", "CC BY 4.0", ()),
    "resize": ("Side that images are stretched to (pixels)", "whole", "as they are", ()),
    "tile": ("Side of tiles cut from larger images (pixels)", "whole", "none: images are patches", ()),
    "stride": ("Pixels from one tile to the next", "whole", "the tile's side", ()),
    "edge": ("The last tile of a row or column", "choice", "", ()),
    "nodata": ("Value of a pixel without data", "number", "as the format says", ()),
    "max_nodata": ("Largest share of a tile without data", "number", "0.5", ()),
    "mask_threshold": ("Least share of the mask that makes a patch positive", "number", "0.01", ()),
    "between": ("A mask that covers less, but not nothing", "choice", "", ()),
    "mask_value": ("Value in masks that stands for a landslide", "number", "everything but 0", ()),
    "keys": ("Arrays of the HDF5 file", "pairs", "images=img,labels=y", ("hdf5", "landslide4sense")),
    "layout": ("Order of the HDF5 array's axes", "choice", "", ("hdf5", "landslide4sense")),
}
# The first is the reader's default.
CHOICES = {
    "unit": {
        "": "as the format says",
        "DN": "DN (reflectance × 10 000)",
        "reflectance": "reflectance (0 to 1)",
        "0-255": "0 to 255",
    },
    "layout": {"": "told by their lengths", "NCHW": "N C H W", "NHWC": "N H W C", "NHW": "N H W"},
    "edge": {"shift": "moves inwards to end at the border", "drop": "is left out where it is not whole"},
    "between": {
        "drop": "leaves the patch out",
        "unlabelled": "leaves it without a label",
        "negative": "counts as none",
    },
}


def importer() -> None:
    """Make the demo, or import patches from this machine or an upload."""
    with st.container(border=True):
        st.markdown("**Demo**")
        st.markdown("Simulated Sentinel-1/2 patches whose statistics follow the Zindi challenge; no download.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            n = st.number_input("Patches", 120, 20000, 1200, step=120, key="demo_n", width=160)
            seed = st.number_input("Seed", 0, None, 0, key="demo_seed", width=120)
            if st.button("Make the demo dataset", icon=":material/science:", key="dataset_make_demo"):
                empty_states.make_demo(int(n), int(seed))
    import_source()


def import_source() -> None:
    """The form of an import, or the import that is under way or has just ended."""
    root = state.checkpoints()
    with st.container(border=True):
        st.markdown("**Import patches**")
        task = import_task.newest(root)
        if task is None:
            import_task.sweep(root)
            _form(root)
        else:
            st.fragment(_follow, run_every=1 if task.running else None)(task.running)


# -------------------------------------------------------------------------------------------------------- form


def _form(root: Path) -> None:
    way = st.segmented_control(
        "From", list(FROM), default="folder", required=True, format_func=FROM.get, key="import_from"
    )
    upload, labels_upload, source = None, None, ""
    if way == "folder":
        source = st.text_input(
            "Folder, archive or file on the machine that runs this dashboard", key="import_source",
            placeholder="/data/landslides",
        ).strip()  # fmt: skip
    else:
        upload = st.file_uploader(
            f"Archive or file of patches, at most {import_task.MAX_UPLOAD_MB} MB", type=[k[1:] for k in KINDS],
            key="import_upload",
        )  # fmt: skip
        labels_upload = st.file_uploader("Labels CSV, where the archive has none", type="csv", key="import_labels_up")
        st.caption(
            f"More than {import_task.MAX_UPLOAD_MB} MB: put the files on the machine that runs this dashboard and name "
            "their folder. An upload is deleted from there as soon as it has been imported."
        )
    kind = _format(source)
    name = st.text_input("Name of the dataset", key="import_name", placeholder="taken from the source").strip()
    options = _options(kind)
    if not st.button("Import", type="primary", icon=":material/drive_folder_upload:", key="import_go"):
        return
    try:
        _begin(root, kind, source, upload, labels_upload, name, options)
    except (LandslideLensError, OSError) as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    st.rerun()


def _format(source: str) -> str:
    """The chosen format; what the source looks like is said before anything is imported."""
    from core.data.readers import FORMATS

    known = [AUTO, *FORMATS]
    kind = st.selectbox(
        "Format", known, key="import_kind",
        format_func=lambda name: "Recognised by itself" if name == AUTO else import_task.FORMAT_WORDS.get(name, name),
    )  # fmt: skip
    if source:
        found = _recognised(source)
        if found in FORMATS and kind not in (AUTO, found):
            st.warning(
                f"This looks like {escape_markdown(import_task.FORMAT_WORDS.get(found, found))}.",
                icon=":material/help:",
            )
        elif found:
            words = import_task.FORMAT_WORDS.get(found)
            st.caption(f"Recognised: {escape_markdown(words)}." if words else escape_markdown(found))
    return kind


@st.cache_data(ttl=30, max_entries=16, show_spinner="Looking at the source…")
def _recognised(source: str) -> str:
    """Name of the source's format, or the sentence that says why there is none."""
    from core.data.readers import recognise
    from core.data.readers.archives.unpack import is_archive

    path = Path(source).expanduser()
    if not path.exists():
        return f"There is no folder or file {source} on this machine."
    if is_archive(path):
        return "An archive: its format is recognised when it has been unpacked."
    try:
        return recognise(path)
    except (LandslideLensError, OSError) as error:
        return str(error)


def _options(kind: str) -> dict[str, Any]:
    """The reader's options that suit the format; only those that were filled in."""
    there = {field.name for field in fields(ReaderOptions)}
    chosen: dict[str, Any] = {}
    with st.expander("Options: classes, bands, labels, masks, tiles"):
        with st.grid(min_column_width=240):
            for name, (label, what, example, formats) in OPTIONS.items():
                if name not in there or (formats and kind not in (AUTO, *formats)):
                    continue
                value = _widget(name, label, what, example)
                if value is not None:
                    chosen[name] = value
        chosen["strict"] = st.toggle(
            "Stop at the first file that cannot be used", key="import_strict",
            help="Otherwise such files are set aside, with a table of reasons.",
        )  # fmt: skip
    return chosen


def _widget(name: str, label: str, what: str, example: str) -> Any:
    """What was filled in, or None."""
    key = f"import_{name}"
    if what == "choice":
        words = CHOICES[name]
        chosen = st.selectbox(label, list(words), format_func=words.get, key=key)
        return None if chosen == next(iter(words)) else chosen
    if what == "whole":
        return st.number_input(label, 1, None, None, step=1, key=key, placeholder=example)
    if what == "number":
        return st.number_input(label, value=None, step=0.01, format="%g", key=key, placeholder=example)
    text = st.text_input(label, key=key, placeholder=example).strip()
    if not text:
        return None
    if what == "pairs":
        return _keys(text)
    if what == "names":
        return tuple(part.strip() for part in text.split(",") if part.strip()) or None
    return Path(text).expanduser() if what == "path" else text


def _keys(text: str) -> dict[str, str]:
    """What "images=img, labels=y" says; a part without "=" is kept, for the reader to refuse."""
    parts = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in parts}


def _begin(root: Path, kind: str, source: str, upload, labels_upload, name: str, options: dict) -> None:
    """Start the import of a path or of an upload. Raises LandslideLensError in plain words."""
    if upload is None and not source:
        raise LandslideLensError(
            "Write the path of a folder on the machine that runs this dashboard, or upload a file."
        )
    stem = Path(upload.name).name.split(".")[0] if upload is not None else Path(source).expanduser().name
    out = root / "datasets" / f"{slug(name or stem or 'imported')}.h5"
    if out.exists():
        raise LandslideLensError(f"A dataset {out.stem} is here already. Choose another name.")
    if upload is None:
        import_task.start(root, kind, Path(source).expanduser(), out, options)
        return
    path, folder = import_task.keep_upload(root, upload.name, upload, KINDS), None
    try:
        folder = path.parent
        if labels_upload is not None:
            kept = import_task.keep_upload(root, labels_upload.name, labels_upload, (".csv",))
            options = options | {"labels": kept.rename(folder / f"labels-{kept.name}")}
            import_task.discard(kept.parent)
        import_task.start(root, kind, path, out, options, uploaded=folder)
    except BaseException:
        import_task.discard(folder)
        raise


# ------------------------------------------------------------------------------------------- under way and done


def _follow(was_running: bool) -> None:
    root = state.checkpoints()
    task = import_task.newest(root)
    if task is None or (was_running and not task.running):
        st.rerun()
    again = task.facts.get("again")
    if task.running:
        background.show_progress(task, task.message or "files", "import")
        st.caption(
            "Neither cancelling nor a stopped server leaves a half-written dataset."
            + (" What was read is kept: the same import into the same name goes on there." if again else "")
        )
        return
    if task.cancelled:
        kept = " What was read is kept, to go on from there." if again else ""
        st.warning(f"The import was cancelled. No dataset was written.{kept}", icon=":material/cancel:")
    elif task.error:
        st.error("The import stopped. No dataset was written.", icon=":material/error:")
        st.code(task.error, language=None, wrap_lines=True)
    else:
        _report(task)
    with st.container(horizontal=True):
        if task.result and st.button("Open the dataset", type="primary", key="import_open"):
            import_task.forget(root)
            state.open_view("dataset", dataset=task.facts["out"].stem, view="Facts")
        if task.cancelled and again and st.button("Go on", type="primary", key="import_go_on"):
            import_task.start(root, *again)
            st.rerun()
        if st.button("Import something else", key="import_again"):
            if task.cancelled:
                import_task.drop_read(task.facts["out"])
            import_task.forget(root)
            st.rerun()


def _report(task: background.Task) -> None:
    report = task.result
    st.success(
        f"{report.n:,} patches imported, {report.n_positive:,} of the positive class, {report.n_unlabelled:,} without "
        f"a label; {len(report.rejected):,} files or rows set aside.",
        icon=":material/check_circle:",
    )
    words = import_task.FORMAT_WORDS.get(task.facts["format"], task.facts["format"])
    st.caption(f"Read as {escape_markdown(words)}, in {formatting.duration(task.seconds)}.")
    for warning in report.warnings:
        st.warning(escape_markdown(warning), icon=":material/warning:")
    if report.rejected:
        table = pd.DataFrame([{"File": str(item.file), "Reason": item.reason} for item in report.rejected])
        st.dataframe(table, hide_index=True, width="stretch", height="content" if len(table) < 10 else 360)
        downloads.download(table, "set_aside", "Files set aside")
