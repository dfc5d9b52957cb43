"""One patch is answered by the process that keeps networks loaded: maps by every method, bands, groups, windows."""

from __future__ import annotations

from tests.dashboard.explain.shown import figures, harmless


def test_maps_and_bands_of_one_patch_and_the_page_loads_no_network(explained_run, open_page):
    at = open_page("explain", timeout=90, explain_of="one")
    harmless(at)
    shown = [c.value for c in at.caption]
    assert sum("peak" in text for text in shown) == 7 and any("answered in" in text for text in shown)
    at.button_group(key="explain_view").set_value("bands").run()
    harmless(at)
    assert len(figures(at)) == 2 and any("the shares add up to" in c.value for c in at.caption)
    assert any("px at steps of 8 px" in c.value for c in at.caption)
    at.toggle(key="explain_windows").set_value(False).run()
    harmless(at)
    assert not any("px at steps of" in c.value for c in at.caption)


def test_a_run_that_cannot_answer_says_why(run, open_page):
    at = open_page("explain", timeout=90, run=run.name, explain_view="bands", explain_of="one")
    assert not at.exception and at.error  # the made-up run has no weights
