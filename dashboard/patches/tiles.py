"""Pictures as one component of the page: a click opens a patch, a box, a key or a shift-click chooses some.

:func:`payload` is everything that is sent to the browser; there, texts become text nodes and nothing else. What is
chosen lives in the session (``dashboard.patches.chosen``); the browser answers with the ids chosen on this page.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from core.data.pictures.thumbnails import encoded as webp
from core.data.store import Dataset
from dashboard import theme
from dashboard.patches.thumbnails import address

PATCH = "patch"  # name in the URL
MOST_ENCODED = 1024  # pictures kept as files, about 10 KiB each
OPEN, CHOSEN = "open", "chosen"  # what the browser tells
_HERE = Path(__file__).parent
_MARKS = re.compile(r"\\(.)|(\*\*)|:([a-z]+)\[|(\])", re.DOTALL)
_COLOURS = ("orange", "blue", "gray", "red", "green")
_GROUNDS = {"orange": theme.CLASS[1], "blue": theme.CLASS[0], "gray": theme.CLASS[-1]}  # as class_word names them

_component = st.components.v2.component(
    "landslide_lens_tiles",
    html='<ul class="gallery"></ul>',
    css=(_HERE / "tiles.css").read_text(encoding="utf-8"),
    js=(_HERE / "tiles.js").read_text(encoding="utf-8"),
)


def open_patch(patch_id: str) -> None:
    """Callback: name the patch in the URL; ``card.show_opened`` draws its card."""
    st.query_params[PATCH] = patch_id


def short(text: str, most: int = 18) -> str:
    """``text`` with its middle left out where it is long."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-most // 2 + 1 :]}"


# -------------------------------------------------------------------------------------------- what is sent


def tile(
    patch_id: str,
    seen: np.ndarray | str,
    caption: str = "",
    chip: Chip | None = None,
    name: str = "",
    more: str = "",
) -> dict[str, Any]:
    """One picture with its texts.

    seen: (H, W, 3) uint8, or the address of a picture file.
    caption: lines of Markdown, of which bold and colours are kept. name: stands below it. more: is said beside the id
    when the pointer rests on it, and to screen readers. A first line that is one word in the colour of a class is its
    chip.
    """
    lines = [spans(line) for line in caption.split("\n") if line.strip()]
    if chip is None and lines and len(lines[0]) == 1 and lines[0][0]["look"] in _GROUNDS:
        word = lines.pop(0)[0]
        chip = Chip(word["text"], _GROUNDS[word["look"]])
    return {
        "id": patch_id,
        "name": name,
        "title": f"{patch_id}, {more}" if more else patch_id,
        "src": seen if isinstance(seen, str) else encoded(seen),
        "alt": ", ".join([f"Patch {patch_id}", *([chip.text] if chip else []), *([more] if more else [])]),
        "chip": None if chip is None else asdict(chip) | {"ink": ink_on(chip.colour)},
        "lines": lines,
    }


@dataclass(frozen=True)
class Chip:
    """A word on a ground of its colour (#rrggbb), in black or white."""

    text: str
    colour: str


def outcome_chip(outcome: str | None) -> Chip | None:
    """TP, FN, FP or TN in words; none without one."""
    return Chip(theme.OUTCOME_WORDS[outcome], theme.OUTCOME[outcome]) if outcome else None


def class_chip(data: Dataset, label: int) -> Chip:
    """The class of a label (1, 0; -1: none)."""
    return Chip("unlabelled" if label < 0 else data.class_names[label], theme.CLASS[label])


def payload(
    tiles: Sequence[dict[str, Any]],
    label: str,
    chosen: Sequence[str] = (),
    choose: bool = False,
    seen: int = 0,
    px: int = 140,
    columns: int | None = None,
    current: str | None = None,
) -> dict[str, Any]:
    """What the browser gets.

    label: what the pictures are, for screen readers. choose: whether patches can be chosen, and chosen: which are.
    current: the one that is open beside them. seen: number of the browser's last answer that this already holds.
    px: least width of a picture; columns: how many stand in a row at most.
    """
    look = {"tiles": list(tiles), "label": label, "choose": choose, "px": px, "columns": columns}
    version = hashlib.blake2b(json.dumps(look).encode(), digest_size=12).hexdigest()
    return look | {"chosen": list(chosen), "seen": seen, "current": current, "version": version}


def spans(markdown: str) -> list[dict[str, str]]:
    """A line of Markdown as texts with their look ("", "strong" or a colour); anything else in it stays as it is."""
    found: list[dict[str, str]] = []
    markdown = markdown.rstrip()
    text, look, at = "", "", 0

    def close(then: str) -> None:
        nonlocal text, look
        if text:
            found.append({"text": text.replace("\u2060", ""), "look": look})
        text, look = "", then

    for mark in _MARKS.finditer(markdown):
        text += markdown[at : mark.start()]
        at = mark.end()
        escaped, bold, colour, end = mark.groups()
        if escaped:
            text += escaped
        elif bold:
            close("" if look == "strong" else "strong")
        elif colour in _COLOURS:
            close(colour)
        elif end and look in _COLOURS:
            close("")
        else:
            text += mark.group()
    text += markdown[at:]
    close("")
    return found


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on ``colour`` (#rrggbb)."""
    light = luminance(colour)
    return "#ffffff" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.05 else "#000000"


def luminance(colour: str) -> float:
    """Relative luminance of ``colour`` (#rrggbb), as WCAG 2.2 defines it."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def encoded(rgb: np.ndarray) -> str:
    """A picture (H, W, 3) uint8 as a data URL."""
    return _encoded(np.ascontiguousarray(rgb).tobytes(), rgb.shape)


@st.cache_data(max_entries=MOST_ENCODED, show_spinner=False)
def _encoded(pixels: bytes, shape: tuple[int, int, int]) -> str:
    return address(webp(np.frombuffer(pixels, np.uint8).reshape(shape)))


# -------------------------------------------------------------------------------------------------- drawing


def draw(
    data: dict[str, Any],
    key: str,
    on_open: Callable[[str], None],
    on_chosen: Callable[[list[str], int], None] | None = None,
) -> None:
    """Draw what :func:`payload` made. on_open(id) and on_chosen(ids of this page, number) are callbacks."""
    here = {one["id"] for one in data["tiles"]}

    def opened() -> None:
        patch_id = st.session_state[key].get(OPEN)
        if patch_id in here:
            on_open(patch_id)

    def chosen() -> None:
        answer = st.session_state[key].get(CHOSEN)
        known = isinstance(answer, dict) and isinstance(answer.get("ids"), list) and isinstance(answer.get("seen"), int)
        if known and on_chosen is not None:
            on_chosen([patch_id for patch_id in answer["ids"] if patch_id in here], answer["seen"])

    _component(key=key, data=data, on_open_change=opened, on_chosen_change=chosen)
