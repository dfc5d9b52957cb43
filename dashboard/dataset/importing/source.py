"""Step 1 of an import: a folder, an archive or a file on this machine, or an upload; its format is recognised."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.analyses.datasets.importing import AUTO
from core.data import uploads
from core.errors import LandslideLensError
from dashboard import allowed, state, url_state
from dashboard.dataset.importing import options
from dashboard.dataset.importing.draft import KIND, Draft, begin_look
from dashboard.dataset.importing.jobs import FORMAT_TITLES
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

KINDS = (".zip", ".npz", ".tar", ".tgz", ".gz", ".h5", ".hdf5", ".nc", ".mat", ".tif", ".tiff", ".npy")
FROM = {"folder": ":material/folder: On this machine", "upload": ":material/upload: Upload"}


def source(kept: Draft) -> None:
    """What is imported, and the button that looks at it."""
    st.markdown("**Name your patches and look at twelve of them.** Nothing is imported before the third step.")
    way = url_state.choose(
        st.segmented_control, "From", list(FROM), key="import_from", default="folder", required=True,
        format_func=FROM.get,
    )  # fmt: skip
    sent: list[uploads.Upload] = []
    if way == "folder":
        held = "" if kept.uploaded else kept.source
        path = st.text_input(
            "Folder, archive or file", held, key="import_source", placeholder="/data/landslides",
            help="Its full path on the machine that runs this dashboard.",
        ).strip()  # fmt: skip
        if path != kept.source or kept.uploaded:
            kept.source, kept.uploaded = path, False
            _other_source(kept)
    else:
        sent = _uploads(kept)
    kept.format = format_picker()
    if st.button("Preview", type="primary", icon=":material/visibility:", key="import_preview", **allowed.to("train")):
        try:
            _take(kept, way, sent)
            begin_look(kept)
        except (LandslideLensError, OSError) as error:
            show_error(error)
    options.layouts()


def format_picker() -> str:
    """The format, or that it is recognised."""
    from core.data.readers import FORMATS

    names = [AUTO, *FORMATS]
    return url_state.choose(
        st.selectbox, "Format", names, key=KIND, default=AUTO, format_func=format_title,
        help="The preview says what was recognised.",
    )  # fmt: skip


def format_title(name: str) -> str:
    """A format for people."""
    return "Detect automatically" if name == AUTO else FORMAT_TITLES.get(name, name)


def _uploads(kept: Draft) -> list[uploads.Upload]:
    """The files to be sent."""
    upload = st.file_uploader(
        f"Archive or file of patches, at most {uploads.MAX_MB} MB", type=[k[1:] for k in KINDS], key="import_upload"
    )
    table = st.file_uploader("Labels CSV, if not in the archive", type="csv", key="import_labels_up")
    if kept.uploaded and upload is None:
        st.caption(f"Uploaded: {escape_markdown(Path(kept.source).name)}. Another file replaces it.")
    st.caption(
        f"For more than {uploads.MAX_MB} MB, copy the files to the server and give the path of their folder. "
        "Uploads are deleted once they have been imported."
    )
    return [uploads.Upload(one.name, one, kinds) for one, kinds in ((upload, KINDS), (table, (".csv",))) if one]


def _take(kept: Draft, way: str, sent: list[uploads.Upload]) -> None:
    """The source into the draft. Raises LandslideLensError where there is none."""
    if way == "upload" and sent:
        files = uploads.files_in(uploads.keep(sent, state.checkpoints()))
        kept.source, kept.uploaded = str(files[0]), True
        _other_source(kept)
        if len(files) > 1:
            kept.options["labels"] = str(files[1])
    if not kept.source or (way == "upload" and not kept.uploaded):
        raise LandslideLensError("Give the path of a folder on this machine, or upload a file.")
    if not Path(kept.source).expanduser().exists():
        again = "Upload it again." if kept.uploaded else "Give its full path."
        raise LandslideLensError(f"There is no folder or file {kept.source} on this machine. {again}")


def _other_source(kept: Draft) -> None:
    """What was said of another source does not hold for this one."""
    kept.options, kept.declined, kept.name, kept.look = {}, (), "", ""
