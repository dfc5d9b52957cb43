"""Heads of a run, or two runs, side by side: fidelity in words, and what may be compared."""

from __future__ import annotations

from dashboard.embedding import comparison
from tests.dashboard.embedding.conftest import charts, ids


def test_agreement_majority_and_refit_are_printed_beside_the_projection_with_a_verdict(run, open_page):
    at = open_page("embedding")
    captions = [c.value for c in at.caption]
    assert [c for c in captions if "91.0%" in c and "75.0%" in c and "88.0%" in c]
    assert any("Trustworthiness 0.930" in c and "fold 1" in c for c in captions)
    assert any("agrees with the model on 91.0% of held-out patches: 25% fewer" in m.value for m in at.markdown)


def test_two_runs_stand_side_by_side_with_what_may_be_compared(complete, studio, open_page):
    at = open_page("embedding", run=complete.name)
    at.button_group(key="embedding_view").set_value("runs").run()
    assert at.info and not at.exception  # there is no other run yet
    other = studio.checkpoints / "20990101-000000_resnet18_feedbeef"
    complete.path.rename(other)
    studio.add_run(studio.checkpoints / "datasets" / "tiny.h5")
    at = open_page("embedding", run=other.name)
    at.button_group(key="embedding_view").set_value("runs").run()
    assert not at.exception and not at.error and len(charts(at)) == 2
    assert any(f"Both hold out the same {len(ids(charts(at)[0]))} patches" in c.value for c in at.caption)


def test_the_network_an_svm_and_boosted_trees_are_shown_first():
    heads = ["svm_c1", "lgbm", "fc", "svm_c0.1", "logreg"]
    assert comparison.usual_heads(heads, "svm_c1") == ["fc", "svm_c1", "lgbm"]
    assert comparison.usual_heads(heads, "fc") == ["fc", "svm_c0.1", "lgbm"]
    assert comparison.usual_heads(["logreg", "other", "third"], "fc") == ["logreg", "other"]
