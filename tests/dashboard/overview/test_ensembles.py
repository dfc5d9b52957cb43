"""Ensembles on the Overview: a row each, opened on their dataset; none where there are none."""

from __future__ import annotations

from core.ensembles.make import make
from core.runs.plain_files import write_json
from tests.builders import returned


def test_an_ensemble_is_a_row_and_opens_its_results(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("overview")
    assert "Ensembles" not in [header.value for header in at.header]
    members = [f"{run.name}:{head}" for head in ("svm_c0.1", "fc")]
    ensemble = returned(make(members, studio.checkpoints, "Both heads"))
    at = open_page("overview")
    assert not at.exception and "Ensembles" in [header.value for header in at.header]
    (row,) = next(one.value for one in at.dataframe if "Ensemble" in one.value).to_dict("records")
    oof = ensemble.summary()["oof"]
    assert row["Ensemble"] == "Both heads" and row["Members"] == 2 and row["Method"] == "Stack"
    assert (row["F1"], row["AUC"], row["Dataset"]) == (oof["f1"], oof["auc"], "tiny") and "–" in row["95% interval"]
    at.button(key="overview_open_ensemble").click().run()
    assert not at.exception and at.title[0].value == "Results"
    assert {metric.label: metric.value for metric in at.metric}["F1"] == f"{oof['f1']:.3f}"
    again = returned(make(members[::-1], studio.checkpoints, "Another"))
    at = open_page("overview")
    rows = next(one.value for one in at.dataframe if "Ensemble" in one.value)["Ensemble"].tolist()
    assert sorted(rows) == ["Another", "Both heads"] and again.name == "Another"
    assert at.button(key="overview_open_ensemble").disabled, "of several, one has to be chosen"


def test_a_damaged_one_is_named_and_the_page_stands(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    ensemble = returned(make([f"{run.name}:svm_c0.1", f"{run.name}:fc"], studio.checkpoints, "Both heads"))
    write_json(ensemble.path / "summary.json", {"head": 3})
    at = open_page("overview")
    (row,) = next(one.value for one in at.dataframe if "Ensemble" in one.value).to_dict("records")
    assert not at.exception and row["Ensemble"] == ensemble.name and row["Method"] == "cannot be read"
