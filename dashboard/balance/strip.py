"""A strip of small pictures that are buttons: a click or the keyboard chooses one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

_HTML = '<div class="strip" role="group"></div>'
_CSS = """
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(60px, 1fr)); gap: 8px; padding: 3px; }
.strip button { all: unset; cursor: pointer; font: 12px/1.4 var(--st-font); color: var(--st-text-color);
  text-align: center; }
.strip img { display: block; width: 100%; aspect-ratio: 1; border-radius: 4px;
  outline: 1px solid var(--st-border-color);
  image-rendering: pixelated; }
.strip button:hover img { outline: 2px solid var(--st-primary-color); }
.strip button[aria-pressed="true"] img { outline: 3px solid var(--st-primary-color); }
.strip button[aria-pressed="true"] { font-weight: 700; }
.strip button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 4px; border-radius: 4px; }
"""
_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip");
  strip.setAttribute("aria-label", data.label);
  strip.replaceChildren(...data.tiles.map((tile) => {
    const button = document.createElement("button"), image = document.createElement("img");
    button.type = "button";
    button.title = tile.tooltip;
    button.setAttribute("aria-label", tile.tooltip);
    button.setAttribute("aria-pressed", String(tile.name === data.chosen));
    image.src = tile.picture;
    image.alt = "";
    button.append(image, document.createTextNode(tile.text));
    button.onclick = () => setTriggerValue("chosen", tile.name);
    return button;
  }));
}
"""
_draw = st.components.v2.component("picture_strip", html=_HTML, css=_CSS, js=_JS)


@dataclass(frozen=True)
class Tile:
    """One picture: its name, a data URI, a word or number below it, and what hovering says."""

    name: str
    picture: str
    text: str
    tooltip: str


def strip(tiles: Sequence[Tile], chosen: str, label: str, key: str, on_choose: Callable[[str], None]) -> None:
    """Draw it. ``label`` says for screen readers what these are; ``on_choose`` is a callback with the name."""

    def clicked() -> None:
        if (name := st.session_state[key].chosen) in {tile.name for tile in tiles}:
            on_choose(name)

    data = {"tiles": [asdict(tile) for tile in tiles], "chosen": chosen, "label": label}
    _draw(key=key, data=data, on_chosen_change=clicked)
