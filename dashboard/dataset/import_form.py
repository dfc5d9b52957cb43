"""Importing patches: the demo, the form, the import that is under way, and the report of what was imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import annotated_types as limits
import streamlit as st
from pydantic.fields import FieldInfo

from core.analyses.datasets.importing import ANALYSIS, AUTO
from core.data import uploads
from core.data.names.reading import SENSORS
from core.data.readers.base import ReaderOptions
from core.data.readers.layouts.published import LAYOUTS, named
from core.errors import LandslideLensError
from core.io.safe_paths import slug
from dashboard import cache, state
from dashboard.dataset import demo
from dashboard.dataset.import_jobs import FORMAT_TITLES, import_jobs, is_being_written
from dashboard.jobs import analyses, stale_uploads
from dashboard.ui import empty_states
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

KINDS = (".zip", ".npz", ".tar", ".tgz", ".gz", ".h5", ".hdf5", ".nc", ".mat", ".tif", ".tiff", ".npy")
FROM = {"folder": ":material/folder: On the server", "upload": ":material/upload: Upload"}
# What stands in an empty field.
EXAMPLES = {
    "positive": "landslide", "bands": "red,green,blue,nir", "labels": "/data/landslides/labels.csv", "id_column": "id",
    "label_column": "label", "group_column": "scene", "masks": "/data/landslides/masks", "licence": "CC BY 4.0",
    "resize": "as they are", "pixel_m": "as the files say, or 10",
    "tile": "none: images are patches", "stride": "the tile size", "nodata": "as the format says",
    "mask_value": "everything but 0", "mask_at_least": "as their values suggest", "keys": "images=img,labels=y",
    "date": "post",
}  # fmt: skip
ONLY_FOR = {  # options of some formats
    "keys": ("hdf5", "npy", "landslide4sense"),
    "layout": ("hdf5", "npy", "landslide4sense", "folders"),
    "date": ("netcdf",),
}
WORDS: dict[str, dict[str | None, str]] = {
    "sensor": {None: "as the other names say", **{key: one["title"] for key, one in SENSORS.items()}},
    "unit": {
        None: "as the format says",
        "DN": "DN (reflectance × 10 000)",
        "reflectance": "reflectance (0 to 1)",
        "0-255": "0 to 255",
    },
    "layout": {None: "inferred from their lengths", "NCHW": "N C H W", "NHWC": "N H W C", "NHW": "N H W"},
    "edge": {"shift": "moved inwards to end at the border", "drop": "dropped where incomplete"},
    "between": {"drop": "drop the patch", "unlabelled": "keep it without a label", "negative": "label it negative"},
}


def importer() -> None:
    """Make the demo, or import patches from the server or an upload."""
    with st.container(border=True):
        st.markdown("**Demo**")
        st.markdown("Simulated Sentinel-1/2 patches whose statistics follow the Zindi challenge; no download.")
        demo.demo_job()
        target = cache.checkpoints_target(state.checkpoints())
        analyses.options_form(target, empty_states.DEMO, "Make the demo dataset", key="demo")
    import_source()


def import_source() -> None:
    """The newest import, and the form of another one."""
    root = state.checkpoints()
    stale_uploads.sweep(root)
    import_jobs(root)
    with st.container(border=True):
        st.markdown("**Import patches**")
        _form(root)


def _form(root: Path) -> None:
    way = st.segmented_control(
        "From", list(FROM), default="folder", required=True, format_func=FROM.get, key="import_from"
    )
    upload, labels_upload, source = None, None, ""
    if way == "folder":
        source = st.text_input(
            "Folder, archive or file on the server", key="import_source", placeholder="/data/landslides"
        ).strip()
    else:
        upload = st.file_uploader(
            f"Archive or file of patches, at most {uploads.MAX_MB} MB", type=[k[1:] for k in KINDS], key="import_upload"
        )
        labels_upload = st.file_uploader("Labels CSV, if not in the archive", type="csv", key="import_labels_up")
        st.caption(
            f"For more than {uploads.MAX_MB} MB, copy the files to the server and give the path of their folder. "
            "Uploads are deleted once they have been imported."
        )
    kind = _format(source)
    _layouts()
    name = st.text_input("Name of the dataset", key="import_name", placeholder="taken from the source").strip()
    options = _options(kind)
    if not st.button("Import", type="primary", icon=":material/drive_folder_upload:", key="import_go"):
        return
    sent = [uploads.Upload(one.name, one, kinds) for one, kinds in ((upload, KINDS), (labels_upload, (".csv",))) if one]
    try:
        if not upload and not source:
            raise LandslideLensError("Give the path of a folder on the server, or upload a file.")
        stem = Path(upload.name).name.split(".")[0] if upload else Path(source).expanduser().name
        _begin(root, {"format": kind, **options}, source, sent, slug(name or stem or "imported"))
    except (LandslideLensError, OSError) as error:
        show_error(error)


def _format(source: str) -> str:
    """The chosen format; what the source looks like is shown before anything is imported."""
    from core.data.readers import FORMATS

    def title(name: str) -> str:
        return "Detect automatically" if name == AUTO else FORMAT_TITLES.get(name, name)

    kind = st.selectbox("Format", [AUTO, *FORMATS], key="import_kind", format_func=title)
    if source:
        recognised = _recognised(source)
        if recognised in FORMATS and kind not in (AUTO, recognised):
            st.warning(f"This looks like {escape_markdown(title(recognised))}.", icon=":material/help:")
        elif recognised in FORMATS:
            st.caption(f"Detected: {escape_markdown(title(recognised))}.")
        else:
            st.caption(escape_markdown(recognised))
    return kind


def _layouts() -> None:
    """How published sets are laid out, one at a time."""
    with st.expander("Layouts that are recognised"):
        st.caption("Bands called B4, SR_B4, S2_B4, Red, VV or vv_dsc are understood in all of them.")
        titles = {layout.name: layout.title for layout in LAYOUTS}
        name = st.selectbox("Published as", list(titles), format_func=titles.get, key="import_published")
        layout = named(name)
        st.code(layout.tree.strip("\n"), language=None)
        needs = f" Needs {' '.join(layout.options)}, below under Options." if layout.options else ""
        st.caption(escape_markdown(f"Becomes: {layout.becomes}.{needs}"))


@st.cache_data(ttl=30, max_entries=16, show_spinner="Looking at the source…")
def _recognised(source: str) -> str:
    """Name of the source's format, or a sentence that says why there is none."""
    from core.data.readers import recognise
    from core.data.readers.archives.unpack import is_archive

    path = Path(source).expanduser()
    if not path.exists():
        return f"There is no folder or file {source} on the server."
    if is_archive(path):
        return "An archive: its format is detected after unpacking."
    try:
        return recognise(path)
    except (LandslideLensError, OSError) as error:
        return str(error)


def _options(kind: str) -> dict[str, Any]:
    """The reader's options that suit the format; only those that were filled in."""
    fields = ReaderOptions.model_fields
    chosen: dict[str, Any] = {}
    with st.expander("Options: classes, bands, labels, masks, tiles"):
        with st.grid(min_column_width=240):
            for name, field in fields.items():
                if name in ("strict", "manifest") or kind not in (AUTO, *ONLY_FOR.get(name, (kind,))):
                    continue
                value = _widget(name, field)
                if value is not None:
                    chosen[name] = value
        strict = fields["strict"]
        chosen["strict"] = st.toggle(strict.title, key="import_strict", help=strict.description)
    return chosen


def _widget(name: str, field: FieldInfo) -> Any:
    """What was filled in, or None. Types, bounds, choices and help come from the field."""
    key, types = f"import_{name}", (field.annotation, *get_args(field.annotation))
    given = {"help": field.description, "key": key}
    if name in WORDS:
        literal = next(one for one in types if get_origin(one) is Literal)
        values = [field.default, *(value for value in get_args(literal) if value != field.default)]
        chosen = st.selectbox(field.title, values, format_func=WORDS[name].get, **given)
        return None if chosen == field.default else chosen
    if int in types or float in types:
        kind = int if int in types else float
        shown = EXAMPLES.get(name) or f"{field.default:g}"
        low, high = (_bound(field, *names) for names in ((limits.Ge, limits.Gt), (limits.Le, limits.Lt)))
        low, high = (None if bound is None else kind(bound) for bound in (low, high))
        step, form = (1, "%d") if kind is int else (0.01, "%g")
        return st.number_input(field.title, low, high, None, step=step, format=form, placeholder=shown, **given)
    return st.text_input(field.title, placeholder=EXAMPLES[name], **given).strip() or None


def _bound(field: FieldInfo, *kinds: type) -> float | None:
    """The bound of one of these kinds (``annotated_types.Ge`` and its like), or None."""
    return next(
        (getattr(item, type(item).__name__.lower()) for item in field.metadata if isinstance(item, kinds)), None
    )


def _begin(root: Path, options: Mapping[str, Any], source: str, sent: Sequence[uploads.Upload], name: str) -> None:
    """Queue the import of a path or of an upload. Raises LandslideLensError in plain words."""
    out = root / "datasets" / f"{name}.h5"
    if out.exists() or is_being_written(root, out):
        raise LandslideLensError(f"A dataset named {name} exists already, or is being imported. Choose another name.")
    folder = None
    if sent:
        folder = uploads.keep(sent, root)
        files = uploads.files_in(folder)
        options = {**options, "source": files[0], "uploaded": True}
        if len(files) > 1:
            options["labels"] = files[1]
    else:
        if not Path(source).expanduser().exists():
            raise LandslideLensError(f"There is no folder or file {source} on the server. Give its full path.")
        options = {**options, "source": source}
    analyses.begin(cache.checkpoints_target(root), ANALYSIS.name, {**options, "out": out})
    if folder:  # it could not be queued
        uploads.forget(folder)
