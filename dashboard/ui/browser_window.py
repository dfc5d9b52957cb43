"""What the browser alone knows: the address of what is seen, to copy, how wide its window is, and who judged in it.

One component asks for all of it: a button that copies the address also tells whether the window is narrow and when the
system's ground turns dark or light, folds the sidebar at first where there is little room, and remembers the reviewer's
name for the next session.
"""

from __future__ import annotations

import streamlit as st

from dashboard import reviewer
from dashboard.ui import narrow

REVIEWER_KEY = "landslide-lens-reviewer"  # in the browser's local storage
FOLDED = 1100  # px: below this width the sidebar would leave the pictures too little room, and begins folded

_JS = """
export default function (component) {
  const { parentElement, data } = component;
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("span");
  const words = button.dataset.words || (button.dataset.words = said.textContent);
  let timer = 0;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => { said.textContent = words; }, 2000);
  };
  button.onclick = () => {
    const address = window.location.href;
    if (!navigator.clipboard) { window.prompt("Copy this link", address); return; }
    navigator.clipboard.writeText(address).then(
      () => say("Copied"), () => window.prompt("Copy this link", address));
  };
  if (!window.landslideLensFolded) {
    window.landslideLensFolded = true;
    const fold = document.querySelector('[data-testid="stSidebarCollapseButton"] button');
    if (fold && window.innerWidth < data.fold_width && window.innerWidth > 768) fold.click();
  }
  const tell = () => {
    const narrow = window.innerWidth < data.card_width;
    if (narrow !== data.narrow) component.setStateValue("narrow", narrow);
  };
  tell();
  try {
    const name = data.reviewer;
    const kept = window.localStorage.getItem(data.reviewer_key);
    if (name) window.localStorage.setItem(data.reviewer_key, name);
    else if (name === "") window.localStorage.removeItem(data.reviewer_key);
    else if (kept) component.setStateValue("reviewer", kept);
  } catch { /* a browser that keeps nothing */ }
  window.addEventListener("resize", tell);
  // The page takes a new ground by itself; ink of figures and popovers is the server's, which is told when it has.
  const ground = window.matchMedia("(prefers-color-scheme: dark)");
  let later = 0, looks = 0;
  const changed = () => {
    clearTimeout(later);
    if (ground.matches === data.dark || (looks += 1) > 50) return; // a page may have a ground of its own
    const page = document.querySelector('[data-testid="stApp"]');
    const taken = page && getComputedStyle(page).colorScheme === (ground.matches ? "dark" : "light");
    if (taken) component.setStateValue("dark", ground.matches);
    else later = setTimeout(changed, 100);
  };
  changed();
  const again = () => { looks = 0; changed(); };
  ground.addEventListener("change", again);
  return () => {
    clearTimeout(timer);
    clearTimeout(later);
    window.removeEventListener("resize", tell);
    ground.removeEventListener("change", again);
  };
}
"""
_CSS = """
button {
  background: none; border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); width: 100%;
  color: var(--st-text-color); font: 0.875rem var(--st-font); padding: 0.35rem 0.75rem; cursor: pointer;
}
button:hover, button:focus-visible { border-color: var(--st-primary-color); outline: none; }
button:focus-visible { box-shadow: 0 0 0 2px var(--st-primary-color); }
"""
_HTML = """
<button type="button" title="A link that opens this very view"><span aria-live="polite">Copy link</span></button>
"""
_component = st.components.v2.component(
    "landslide_lens_window",
    html=_HTML,
    css=_CSS,
    js=_JS,
)


def copy_link() -> None:
    """The button. The URL names every choice that changes what is seen, so its address is the view."""
    told = st.session_state.get(narrow.KEY) or {}
    widths = {"fold_width": FOLDED, "card_width": narrow.WIDTH, "narrow": narrow.is_narrow()}
    dark = told.get("dark")
    known = {"dark": st.context.theme.type == "dark" if dark is None else dark}
    name = {"reviewer": reviewer.for_browser(told.get("reviewer")), "reviewer_key": REVIEWER_KEY}
    _component(
        key=narrow.KEY, data=widths | name | known, on_narrow_change=_nothing, on_reviewer_change=_nothing,
        on_dark_change=_nothing,
    )  # fmt: skip


def _nothing() -> None:
    """The page is drawn again, which is all that an answer asks for."""
