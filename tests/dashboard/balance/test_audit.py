"""The audit view: offered, then shown with its verdict and the control run."""

import pytest

from core.analyses.smote import audit
from core.jobs import queue, rows
from core.jobs.analysis_folder import list_for

REPORT = {
    "n_synthetic": 40, "n_leaking": 0, "max_error": 6e-7, "tolerance": 1e-6, "ok": True, "protocol": "inside_fold",
    "pixels": [{"same": True}], "own": {"f1": 0.71, "f1_interval": [0.6, 0.8], "n": 60}, "twin": None,
    "noise": {"f1": {"folds_over_all": 0.96, "before_folds": 0.83, "inside_fold": 0.03}, "n": 1400, "n_features": 128,
              "share_positive": 0.176, "n_syn": 5, "folds": 5, "seed": 0, "f1_all_positive": 0.299},
    "twin_difference": [],
}  # fmt: skip


def keep(run, report):
    run.results(audit.ANALYSIS.name).write_json("report.json", report)


def test_the_audit_is_offered_and_then_shown(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance", balance_view="audit")
    assert "Audit the synthetic patches" in [b.label for b in at.button]
    keep(run, REPORT)
    at = open_page("balance", balance_view="audit")
    assert not at.exception and not at.error
    assert at.success[0].value.startswith("None of 40 synthetic patches has a parent")
    assert any("0.710 (95% interval 0.600–0.800), n = 60" in m.value for m in at.markdown)
    assert "Train the control run, balanced before the folds" in [b.label for b in at.button]


def test_a_leak_is_an_error_and_the_control_run_is_compared(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    row = {"head": "svm_c0.1", "metric": "f1", "leaking": 0.9, "honest": 0.7, "difference": 0.2, "lo": 0.1, "hi": 0.3}
    keep(run, REPORT | {"ok": False, "n_leaking": 7, "twin": "other", "twin_difference": [row | {"n": 60}]})
    at = open_page("balance", balance_view="audit")
    assert not at.exception and at.error[0].value.startswith("7 of 40")
    assert any("before the folds 0.900, inside each fold 0.700" in c.value for c in at.caption)


@pytest.fixture
def nothing_starts(monkeypatch):
    monkeypatch.setattr(rows, "start_waiting", lambda checkpoints: None)


def test_the_audit_is_queued_and_asked_again_with_another_seed(studio, open_page, nothing_starts):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance", balance_view="audit")
    next(b for b in at.button if b.label == "Audit the synthetic patches").click().run()
    (job,) = list_for(run, "smote_audit")
    assert not at.exception and job.options() == {"seed": 0}
    queue.cancel(studio.checkpoints, job.name)
    keep(run, REPORT)
    at = open_page("balance", balance_view="audit")
    at.number_input(key="form_smote_audit_seed").set_value(3)
    next(b for b in at.button if b.label == "Audit").click().run()
    assert not at.exception and [job.options()["seed"] for job in list_for(run, "smote_audit")][0] == 3


def test_the_control_run_is_trained_by_a_button(studio, open_page, nothing_starts):
    run = studio.add_run(studio.add_dataset())
    keep(run, REPORT)
    at = open_page("balance", balance_view="audit")
    at.button(key="balance_train_control").click().run()
    assert not at.exception and not at.error and any("is queued" in s.value for s in at.success)
    newest = [job for job in queue.jobs(studio.checkpoints) if job.run != run.name and job.state == "queued"]
    assert len(newest) == 1
