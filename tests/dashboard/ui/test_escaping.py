"""What a user wrote is shown as written on every page: no link, no picture, no HTML comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

PAGES = ("overview", "runs", "dataset", "balance", "train", "results", "review", "embedding", "explain", "predict",
         "report", "tour")  # fmt: skip
READ_AS_MARKDOWN = ("body", "label", "help", "text", "delta", "caption")  # fields of an element's message
SHOWN_AS_WRITTEN = ("code", "text", "text_area", "text_input", "arrow_data_frame", "json")


def texts(at) -> Iterator[str]:
    """Every text of the page that Streamlit reads as Markdown."""
    for root in (at.main, at.sidebar):
        for node in root:
            proto = getattr(node, "proto", None)
            if proto is None or node.type in SHOWN_AS_WRITTEN:
                continue
            values = [getattr(proto, name, "") for name in READ_AS_MARKDOWN]
            values += [image.caption for image in getattr(proto, "imgs", ())]
            yield from (value for value in values if isinstance(value, str) and value)


@pytest.mark.fault(24)
@pytest.mark.parametrize(("page", "view"), [*((p, None) for p in PAGES), ("dataset", "patches"), ("dataset", "check")])
def test_no_name_becomes_markup(studio, open_page, page, view):
    studio.add_hostile()
    at = open_page(page, **({"dataset_view": view} if view else {}))
    assert not at.exception
    shown = list(texts(at))
    pictured = json.dumps([one.proto.json for one in at.get("bidi_component")])  # the browser makes text nodes of it
    if page in ("overview", "dataset", "train", "review") and view != "check":
        assert any("alert" in text for text in (*shown, pictured))  # the names are there to be read
    for text in shown:
        assert not re.search(r"(?<!\\)<(img|script|b|u)\b", text), text
        assert not re.search(r"(?<!\\)\]\((javascript|http)", text), text
        assert "http://x.example" not in text and "www.x" not in text, text
