"""Published metrics on the Results page: are they possible, and is a difference significant."""

from __future__ import annotations

from tests.dashboard.results.made import words_of


def test_table_v_is_filled_in_and_its_swapped_names_are_found(open_page):
    at = open_page("results", results_of="published")
    assert not at.exception and "at least one metric" in words_of(at)
    at.button(key="paper_fill").click().run()
    assert not at.exception
    assert "with specificity printed as sensitivity" in at.warning[0].value.replace("\\", "")
    assert "TP 26, FN 5, FP 6, TN 25" in at.warning[0].value.replace("\\", "")
    at.selectbox(key="paper_example").select("Table IV, ResNet50 on Set 5").run()
    at.button(key="paper_fill").click().run()
    assert at.error[0].value.startswith("Impossible")
    assert "No other split of 93 patches into two classes fits either" in words_of(at)
    at.text_input(key="paper_f1").set_value("<b>").run()
    assert not at.exception and "is not a number" in at.error[0].value


def test_table_3s_difference_is_not_significant(open_page):
    at = open_page("results", results_of="published")
    assert any("is not significant" in w.value for w in at.warning)


def test_what_was_typed_is_in_the_link(open_page):
    link = {"paper_positives": "31", "paper_negatives": "30", "paper_tolerance": "0.0005", "paper_recall": ".8390",
            "paper_f1_a": "0.8916", "paper_n": "900"}  # fmt: skip
    at = open_page("results", results_of="published", **link)
    assert not at.exception and at.number_input(key="paper_negatives").value == 30
    assert at.text_input(key="paper_recall").value == ".8390" and at.number_input(key="paper_f1_a").value == 0.8916
    kept = {key: value for key, value in link.items() if key != "paper_positives"}  # as at first: not in the link
    assert {key: at.query_params[key] for key in kept} == kept
    at.button(key="paper_fill").click().run()
    assert at.query_params["paper_recall"] == ".8390" and at.query_params["paper_accuracy"] == ".8230"
