"""The strip of small pictures: a click chooses one of those that are there, and nothing else."""

from types import SimpleNamespace

import streamlit as st

from dashboard.balance import strip as strip_module
from dashboard.balance.strip import Tile, strip


def test_a_click_chooses_one_that_is_there(monkeypatch):
    drawn, chosen, session = {}, [], {}
    monkeypatch.setattr(strip_module, "_draw", lambda **given: drawn.update(given))
    monkeypatch.setattr(st, "session_state", session)
    tiles = [Tile("a", "data:,", "0.90", "a: b and c"), Tile("<b>", "data:,", "0.80", "<b>")]
    strip(tiles, "a", "Synthetic patches", "key", chosen.append)
    assert drawn["data"]["chosen"] == "a" and [tile["name"] for tile in drawn["data"]["tiles"]] == ["a", "<b>"]
    for name in ("<b>", "gone", None):
        session["key"] = SimpleNamespace(chosen=name)
        drawn["on_chosen_change"]()
    assert chosen == ["<b>"]
    assert "innerHTML" not in strip_module._JS, "names reach the page as text"
