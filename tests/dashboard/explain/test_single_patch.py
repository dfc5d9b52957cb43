"""One patch is answered by the process that keeps networks loaded: maps by every method, bands, groups, windows."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.explain import single_patch
from tests.dashboard.explain.shown import figures, harmless


def test_maps_and_bands_of_one_patch_and_the_page_loads_no_network(explained_run, open_page):
    at = open_page("explain", timeout=90, explain_of="one")
    harmless(at)
    shown = [c.value for c in at.caption]
    assert sum("  \npeak" in text for text in shown) == 7
    assert any("Answered in" in m.value for m in at.markdown) and "The methods" in at.markdown[0].value
    assert any(text.startswith("Landslide mask") for text in shown)
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


def test_the_patch_that_was_large_is_the_one_that_is_asked_about(explained_run, open_page):
    at = open_page("explain", timeout=90)
    at.button(key="explain_next").click().run()
    shown = at.session_state["explain_patch"]
    at.button_group(key="explain_of").set_value("one").run()
    harmless(at)
    assert at.selectbox(key="explain_patch").value == shown and not at.warning
    at.button_group(key="explain_of").set_value("all").run()
    harmless(at)
    assert at.session_state["explain_patch"] == shown


def test_the_methods_agree_or_not():
    alike = lambda value: pd.DataFrame([[1.0, value], [value, 1.0]])  # noqa: E731
    assert "**agree**" in single_patch.agreement_words(alike(0.9))
    assert "**agree in part**" in single_patch.agreement_words(alike(0.5))
    assert "**disagree**" in single_patch.agreement_words(alike(-0.2))
    assert "Too few" in single_patch.agreement_words(pd.DataFrame())


def test_a_band_that_turns_the_decision_is_named_and_otherwise_the_one_that_changes_most():
    rows = pd.DataFrame({"title": ["Red", "NIR"], "drop": [0.05, 0.4]})
    assert "Without **NIR**, one at a time, the decision changes" in single_patch.flips_words(rows, 0.8, 0.5)
    text = single_patch.flips_words(rows, 0.95, 0.5)
    assert "No single band decides it" in text and "**NIR**" in text and "−0.400" in text.replace("\\", "")


def test_differences_that_change_nothing_do_not_fill_the_axis():
    figure = single_patch.not_all_noise(go.Figure(), pd.Series([0.001, -0.002]))
    assert figure.layout.xaxis.range == (-single_patch.DIVERGING_TOP, single_patch.DIVERGING_TOP)
    assert single_patch.not_all_noise(go.Figure(), pd.Series([0.3])).layout.xaxis.range is None


def test_the_decision_is_that_of_the_head_chosen_in_the_sidebar(explained_run, open_page):
    at = open_page("explain", timeout=90, explain_of="one", head="stats_svm")
    harmless(at)
    assert any("The decision is that of Band statistics, SVM" in m.value.replace("\\", "") for m in at.markdown)
    at = open_page("explain", timeout=90, explain_of="one", explain_view="bands", head="stats_svm")
    harmless(at)
    assert any("no results for Band statistics" in c.value.replace("\\", "") for c in at.caption)
