"""The realism view: offered, then shown with its verdict; where no model is held out it says so."""

import numpy as np

from core.analyses.smote import realism


def keep(run, report, table):
    results = run.results(realism.ANALYSIS.name)
    results.write_table("patches", table)
    results.write_json("report.json", report)


def test_realism_is_offered_then_shown(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("balance", balance_view="realism")
    assert "Measure realism" in [b.label for b in at.button]
    test = {"auc": 0.82, "lo": 0.78, "hi": 0.86, "p": 1e-9, "n": [40, 30], "n_groups": 12}
    share = {"n": 40, "share": 0.25, "interval": [0.1, 0.4], "groups": 9}
    distance = {"any": 0.3, "others": 0.7, "anchor": 0.8, "ratio": {"value": 0.9, "interval": [0.8, 1.0]}, "n": 90}
    report = {
        "verdict": {"level": "plain", "sentence": "Plainly unlike.", "reasons": []}, "folds": 3, "halvings": 4, "n": 90,
        "two_sample": {"statistics": test, "detail": test, "real_against_real": test | {"auc": None, "lo": None}},
        "judged": {"head": "svm_c0.1", "neither parent": share, "one parent": share | {"n": 0}, "real": share},
        "detail": {"kept": {"value": 0.6, "interval": [0.5, 0.7]}, "q05": 0.4, "q95": 0.9, "n": 90},
        "distance": {"pixels": distance, "embedding": None}, "options": {"per_fold": 80, "seed": 0},
    }  # fmt: skip
    lineage = run.smote().head(9)
    values = {f"pixels_{name}": np.linspace(0.1, 1, 9) for name in ("any", "others", "anchor")}
    keep(run, report, lineage.assign(detail_kept=0.6, **values))
    at = open_page("balance", balance_view="realism")
    assert not at.exception and not at.error and at.warning[0].value.startswith("Synthetic patches differ clearly")
    assert "82% of pairs \\(95% interval 78–86%\\)" in at.warning[0].value, "in the words of today"
    assert at.dataframe[0].value["share"].tolist() == ["25% (10–40%)"] * 2
    per_fold = at.number_input(key="form_smote_realism_per_fold")
    assert (per_fold.value, per_fold.min) == (80, 1), "the form holds what was measured"
    keep(run, report | {"judged": None}, lineage.assign(detail_kept=0.6, **values))
    at = open_page("balance", balance_view="realism")
    assert not at.exception and any("none is held out" in i.value for i in at.info)
