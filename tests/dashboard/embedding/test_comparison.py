"""Heads of a run, or two runs, side by side: fidelity in words, and what may be compared."""

from __future__ import annotations

from dashboard.embedding import controls
from tests.dashboard.embedding.conftest import charts, ids


def test_agreement_interval_and_majority_are_one_sentence_and_the_method_is_at_the_end(run, open_page):
    at = open_page("embedding")
    texts = [m.value for m in at.markdown]
    assert any("agrees with the" in t and "**91.0%**" in t and "95% interval" in t and "75.0%" in t for t in texts)
    assert any("2-D SVM" in t and "88.0%" in t and "25% fewer" in t for t in texts)
    assert any("Trustworthiness 0.930" in t and "fold 1" in t for t in texts)
    assert [e.label for e in at.expander] == ["How this was measured"]


def test_two_runs_stand_side_by_side_with_what_may_be_compared(complete, studio, open_page):
    at = open_page("embedding", run=complete.name)
    at.button_group(key="embedding_view").set_value("runs").run()
    assert at.info and not at.exception  # there is no other run yet
    other = studio.checkpoints / "20990101-000000_resnet18_feedbeef"
    complete.path.rename(other)
    studio.add_run(studio.checkpoints / "datasets" / "tiny.h5")
    at = open_page("embedding", run=other.name, embedding_view="runs", embedding_head_0="lgbm")
    assert at.selectbox(key="embedding_head_0").value == "lgbm"  # a link names it
    assert not at.exception and not at.error and len(charts(at)) == 2
    assert any(f"Both hold out the same {len(ids(charts(at)[0]))} patches" in c.value for c in at.caption)


def test_the_network_an_svm_and_boosted_trees_are_shown_first():
    heads = ["svm_c1", "lgbm", "fc", "svm_c0.1", "logreg"]
    assert controls.usual_heads(heads, "svm_c1") == ["fc", "svm_c1", "lgbm"]
    assert controls.usual_heads(heads, "fc") == ["fc", "svm_c0.1", "lgbm"]
    assert controls.usual_heads(["logreg", "other", "third"], "fc") == ["logreg", "other"]
