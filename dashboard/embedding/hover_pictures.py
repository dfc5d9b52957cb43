"""The picture of the patch that the pointer is on, beside it: plotly's hover texts hold no pictures.

The pictures of a map are sent once, as one sheet. A component without a face of its own listens to the maps' hover
events and shows the piece of the sheet, and tells which point is clicked; where it does not run, plotly's own hover
text and lasso stay.
"""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.data.bands import Composite
from core.data.store import Dataset
from core.errors import LandslideLensError
from dashboard import cache
from dashboard.embedding import map_panel, points
from dashboard.patches import render

KEY = "embedding_hover_pictures"
MOST = 2000  # pictures in a sheet: two megabytes
SIDE = 48  # px of one
AT_ONCE = 200  # patches read at a time
QUALITY = 88

JS = """
const SHOWN = 176, MAPS = '[class*="st-key-embedding_"] .js-plotly-plot';
const places = new Map();
export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.host ?? parentElement;
  let mine = places.get(host);
  if (!mine) {
    const tip = document.createElement('div');
    tip.setAttribute('role', 'tooltip');
    tip.className = 'patch-picture-tip';
    tip.style.cssText = 'position:fixed;z-index:1000;pointer-events:none;display:none;padding:8px;border-radius:8px;' +
      'max-width:192px;font-size:13px;line-height:1.4;box-shadow:0 2px 12px rgba(0,0,0,.35);overflow-wrap:anywhere';
    document.body.appendChild(tip);
    mine = { tip, data: null, tell: null };
    const hide = () => { tip.style.display = 'none'; };
    const show = (event) => {
      const row = event.points?.find((point) => point.customdata)?.customdata;
      const own = event.points?.[0]?.fullData && event.event?.target?.closest?.('.js-plotly-plot');
      const at = row ? mine.data.places[row[0]] : undefined;
      const layer = own && own.querySelector('.hoverlayer');
      if (layer) layer.style.visibility = at === undefined ? '' : 'hidden';
      if (at === undefined) return hide();
      const { sheet, columns, count } = mine.data;
      const picture = document.createElement('div'), words = document.createElement('div');
      picture.style.cssText = `width:${SHOWN}px;height:${SHOWN}px;border-radius:4px;image-rendering:pixelated;` +
        `background-image:url(${sheet});background-size:${columns * SHOWN}px ${Math.ceil(count / columns) * SHOWN}px;` +
        `background-position:${-(at % columns) * SHOWN}px ${-Math.floor(at / columns) * SHOWN}px`;
      words.style.marginTop = '6px';
      const line = (text, bold) => {
        const div = document.createElement('div');
        div.textContent = text;
        if (bold) div.style.fontWeight = 600;
        words.appendChild(div);
      };
      line(row[0], true);
      if (row[1] !== 'none') line(mine.data.probability + ': ' + Number(row[1]).toFixed(2));
      for (const part of mine.data.words[at].split(' · ')) line(part);
      tip.replaceChildren(picture, words);
      const style = getComputedStyle(host);
      tip.style.background = style.getPropertyValue('--st-secondary-background-color') || '#F3F6F7';
      tip.style.color = style.getPropertyValue('--st-text-color') || '#1D2730';
      tip.style.fontFamily = style.getPropertyValue('--st-font') || 'sans-serif';
      tip.style.border = '1px solid ' + (style.getPropertyValue('--st-border-color') || '#8A929B');
      tip.style.display = 'block';
      const box = tip.getBoundingClientRect(), x = event.event.clientX, y = event.event.clientY;
      const right = x + 18 + box.width < window.innerWidth;
      tip.style.left = Math.max(4, right ? x + 18 : x - 18 - box.width) + 'px';
      tip.style.top = Math.max(4, Math.min(y - box.height / 2, window.innerHeight - box.height - 4)) + 'px';
    };
    const click = (event) => {  // while a lasso can be drawn, Streamlit does not report clicks
      const row = event.points?.find((point) => point.customdata)?.customdata;
      if (row) mine.tell('clicked', { id: row[0], more: Boolean(event.event?.shiftKey) });
    };
    const attach = (event) => {
      const plot = event.target.closest?.(MAPS);
      if (!plot) return hide();
      if (!plot.on || !plot.removeListener) return;
      const acts = { plotly_hover: show, plotly_unhover: hide, plotly_selecting: hide, plotly_click: click };
      for (const [name, act] of Object.entries(acts)) {
        plot.removeListener(name, act);
        plot.on(name, act);
      }
    };
    document.addEventListener('pointerover', attach);
    window.addEventListener('scroll', hide, true);
    mine.remove = () => {
      document.removeEventListener('pointerover', attach);
      window.removeEventListener('scroll', hide, true);
      tip.remove();
      places.delete(host);
    };
    places.set(host, mine);
  }
  mine.data = data;
  mine.tell = setTriggerValue;
  return () => mine.remove();
}
"""

_component = st.components.v2.component("patch_hover_pictures", js=JS)


def show(data: Dataset, table: pd.DataFrame, way: Composite) -> None:
    """Send the pictures of the patches on the map; at most ``MOST``, wrong and unsure decisions first."""
    order = np.lexsort((table["loss"].fillna(0).to_numpy() * -1, ~points.is_wrong(table)))[:MOST]
    table = table.iloc[order]
    rows = table["row"].to_numpy()
    try:
        sheet, columns = _sheet(str(data.path), cache.file_version(data.path), rows, way)
    except (LandslideLensError, OSError):
        return  # the maps keep their hover texts
    _component(
        key=KEY,
        on_clicked_change=_keep_clicked,
        data={
            "sheet": sheet, "columns": columns, "count": len(rows),
            "probability": f"Probability of {data.positive}",
            "places": {str(patch_id): place for place, patch_id in enumerate(table["id"])},
            "words": points.points(table, points.Colouring(), data).words,
        },
    )  # fmt: skip


def _keep_clicked() -> None:
    clicked = st.session_state[KEY].get("clicked")
    if clicked is None:
        return
    patch_id, before = str(clicked["id"]), list(st.session_state.get(map_panel.SELECTED, ()))
    if not clicked["more"]:
        st.session_state[map_panel.SELECTED] = [patch_id]
    elif patch_id in before:
        st.session_state[map_panel.SELECTED] = [kept for kept in before if kept != patch_id]
    else:
        st.session_state[map_panel.SELECTED] = [*before, patch_id]


@st.cache_resource(max_entries=6, show_spinner=False)
def _sheet(path: str, version: cache.Version, rows: np.ndarray, way: Composite) -> tuple[str, int]:
    """The patches of these rows as one picture, row by row, as a data URL; and how many stand in a row."""
    data = cache.dataset(path)
    limits = render.dataset_limits(data.statistics)[[data.band_names.index(name) for name in way.bands]]
    columns = max(1, math.ceil(math.sqrt(len(rows))))
    sheet = np.zeros((max(1, math.ceil(len(rows) / columns)) * SIDE, columns * SIDE, 3), np.uint8)
    for first in range(0, len(rows), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        for place, image in enumerate(data.images(part, list(way.bands)), first):
            rgb = Image.fromarray(render.picture(image, way.bands, way, limits, None))
            top, left = place // columns * SIDE, place % columns * SIDE
            sheet[top : top + SIDE, left : left + SIDE] = np.asarray(rgb.resize((SIDE, SIDE), Image.Resampling.BOX))
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, format="JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", columns
