"""How a source is read: the readers' options as widgets; types, bounds, choices and help come from the options."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any, Literal, get_args, get_origin

import annotated_types as limits
import streamlit as st
from pydantic.fields import FieldInfo

from core.analyses.datasets.importing import AUTO
from core.data.names.reading import SENSORS
from core.data.readers.base import ReaderOptions
from core.data.readers.layouts.published import LAYOUTS, named
from dashboard import url_state
from dashboard.ui.formatting import escape_markdown

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
    "layout": ("hdf5", "npy", "landslide4sense", "before_after", "folders"),
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


def layouts() -> None:
    """How published sets are laid out, one at a time."""
    with st.expander("Layouts that are recognised"):
        st.caption("Bands called B4, SR_B4, S2_B4, Red, VV or vv_dsc are understood in all of them.")
        titles = {layout.name: layout.title for layout in LAYOUTS}
        name = url_state.choose(
            st.selectbox, "Published as", list(titles), key="import_published", default=next(iter(titles)),
            format_func=titles.get,
        )  # fmt: skip
        layout = named(name)
        st.code(layout.tree.strip("\n"), language=None)
        needs = (
            f" Needs {' '.join(layout.options)}, which the import asks for or has under More options."
            if layout.options
            else ""
        )
        st.caption(escape_markdown(f"Becomes: {layout.becomes}.{needs}"))


def options(kind: str, held: Mapping[str, Any], without: Container[str]) -> dict[str, Any]:
    """The reader's options that suit the format, but ``without`` some; only those that were filled in.

    held: what they hold at first.
    """
    fields = ReaderOptions.model_fields
    chosen: dict[str, Any] = {}
    with st.grid(min_column_width=240):
        for name, field in fields.items():
            known = kind in (AUTO, *ONLY_FOR.get(name, (kind,)))
            if name in ("strict", "manifest") or name in without or not known:
                continue
            value = widget(name, field, held.get(name))
            if value is not None:
                chosen[name] = value
    strict = fields["strict"]
    if st.toggle(strict.title, bool(held.get("strict")), key="import_strict", help=strict.description):
        chosen["strict"] = True
    return chosen


def widget(name: str, field: FieldInfo, held: Any = None, example: Any = None) -> Any:
    """What was filled in, or None; ``held`` at first. example: stands in an empty field instead of the usual one."""
    key, types = f"import_{name}", (field.annotation, *get_args(field.annotation))
    given = {"help": field.description, "key": key}
    if name in WORDS:
        literal = next(one for one in types if get_origin(one) is Literal)
        values = [field.default, *(value for value in get_args(literal) if value != field.default)]
        place = values.index(held) if held in values else 0
        chosen = st.selectbox(field.title, values, place, format_func=WORDS[name].get, **given)
        return None if chosen == field.default else chosen
    if int in types or float in types:
        kind = int if int in types else float
        shown = EXAMPLES.get(name) or f"{field.default:g}" if example is None else f"such as {example}"
        low, high = (_bound(field, *names) for names in ((limits.Ge, limits.Gt), (limits.Le, limits.Lt)))
        low, high = (None if bound is None else kind(bound) for bound in (low, high))
        step, form = (1, "%d") if kind is int else (0.01, "%g")
        value = None if held is None else kind(held)
        return st.number_input(field.title, low, high, value, step=step, format=form, placeholder=shown, **given)
    return st.text_input(field.title, as_text(held), placeholder=EXAMPLES[name], **given).strip() or None


def on_page(text: str) -> str:
    """A message of a reader with the options called as on the page, not as on the command line."""

    def title(flag: re.Match) -> str:
        field = ReaderOptions.model_fields.get(flag[1].replace("-", "_"))
        return f"“{field.title}”" if field else flag[0]

    text = text.replace("python -m core layouts shows them", "“Layouts that are recognised” shows them")
    return re.sub(r"--([a-z]+(?:-[a-z]+)*)", title, text)


def without_advice(text: str) -> str:
    """What was found, without the option that would settle it: beside the text stands its widget."""
    found = re.split(r"(?<=[.?])\s(?=Say |--[a-z])|:\s(?=--[a-z])", text)[0]
    found = re.sub(r"^[^.?]*\? (?=.)", "", found)  # the question itself is the widget's title
    return on_page(found if found.endswith((".", "?")) else f"{found}.")


def as_text(value: Any) -> str:
    """A value of an option as it is written in a field."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={key}" for name, key in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)


def _bound(field: FieldInfo, *kinds: type) -> float | None:
    """The bound of one of these kinds (``annotated_types.Ge`` and its like), or None."""
    return next(
        (getattr(item, type(item).__name__.lower()) for item in field.metadata if isinstance(item, kinds)), None
    )
