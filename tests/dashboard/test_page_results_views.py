"""Results, view by view: the threshold, the desk, the comparisons, other data, a CSV, printed numbers, old runs."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from core.evaluate.metrics import METRIC_NAMES

SCORES = "\n".join(
    [
        "id,label,fold,prob",
        *(f"p{i},{int(i % 4 == 0)},{i % 2},{0.15 + 0.6 * (i % 4 == 0) + 0.001 * i:.3f}" for i in range(80)),
    ]
)


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


def words_of(at) -> str:
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return " ".join(element.value.replace("\\", "") for kind in kinds for element in kind)


# ------------------------------------------------------------------------------------------------------ threshold


def test_the_slider_moves_numbers_and_patches_together(run, open_page):
    at = open_page("results", run=run.name, results_view="threshold")
    oof = run.oof()
    for value in (0.2, 0.8):
        at.slider(key="threshold_at").set_value(value).run()
        assert not at.exception
        called = oof["prob_svm_c0.1"] >= value
        shown = {m.label: m.value for m in at.metric}
        assert shown["Found"] == str(int((called & (oof["label"] == 1)).sum()))
        tiles = [b.key.removeprefix("threshold_open_") for b in at.button if "threshold_open_ID" in (b.key or "")]
        nearest = (oof["prob_svm_c0.1"] - value).abs().nsmallest(3).index
        assert set(oof["id"][nearest]) <= set(tiles)


@pytest.mark.parametrize("rule", ["best_f1", "recall", "cost"])
def test_a_rule_moves_the_slider_and_says_what_it_is_worth_elsewhere(run, open_page, rule):
    at = open_page("results", run=run.name, results_view="threshold")
    at.button(key=f"threshold_to_{rule}").click().run()
    assert not at.exception
    said = next(i.value for i in at.info if "cross-fitted" in i.value)
    assert f"For new patches: {at.slider(key='threshold_at').value:.3f}" in said


def test_another_head_brings_its_own_threshold(run, open_page):
    at = open_page("results", run=run.name, results_view="threshold", results_head="fc")
    first = at.slider(key="threshold_at").value
    assert first == pytest.approx(run.summary()["heads"]["fc"]["threshold"], abs=1e-3)
    at.selectbox(key="results_head").select("stats_svm").run()
    other = run.summary()["heads"]["stats_svm"]["threshold"]
    assert at.slider(key="threshold_at").value == pytest.approx(other, abs=1e-3)


# ------------------------------------------------------------------------------------------------- links to Errors


def test_errors_honours_head_outcome_and_threshold_of_its_link(run, open_page):
    at = open_page("errors", run=run.name, errors_head="fc", errors_outcome="FN", errors_threshold="0.700")
    assert not at.exception
    oof = run.oof()
    missed = oof["id"][(oof["prob_fc"] < 0.7) & (oof["label"] == 1)]
    tiles = [b.key.removeprefix("errors_open_") for b in at.button if (b.key or "").startswith("errors_open_")]
    assert sorted(tiles) == sorted(missed)[:24] and len(missed)
    assert "one threshold of 0.700" in words_of(at)


@pytest.mark.parametrize(
    ("key", "value"), [("errors_head", "<img>"), ("errors_outcome", "../x"), ("errors_threshold", "9")]
)
def test_a_link_that_names_nothing_known_shows_the_usual_errors(run, open_page, key, value):
    at = open_page("errors", run=run.name, **{key: value})
    assert not at.exception and key not in at.query_params
    assert at.button_group(key="errors_outcome").value == ["FP", "FN"]


def test_what_one_head_fixed_and_another_broke_can_be_listed(run, open_page):
    at = open_page("errors", run=run.name)
    at.selectbox(key="errors_other_svm_c0.1").select("stats_svm").run()
    oof = run.oof()
    right = oof["pred_svm_c0.1"] == oof["label"]
    before = oof["pred_stats_svm"] == oof["label"]
    for name, wanted in (("fixed", right & ~before), ("broken", ~right & before)):
        at.button_group(key="errors_versus").set_value(name).run()
        assert not at.exception
        tiles = [b.key.removeprefix("errors_open_") for b in at.button if (b.key or "").startswith("errors_open_")]
        assert sorted(tiles) == sorted(oof["id"][wanted])


# ----------------------------------------------------------------------------------------------------- the desk


def test_the_desk_promises_or_refuses_with_the_number_needed(run, open_page):
    at = open_page("results", run=run.name, results_view="desk")
    refused = next(e.value for e in at.error)
    assert "No promise can be made" in refused
    needed = int(re.search(r"at least (\d+) like these", refused)[1])
    assert 299 <= needed < 600  # ln 0.05 / ln 0.99 independent patches, and more of patches in groups
    at.number_input(key="desk_limit_missed_per_1000").set_value(90.0).run()
    assert not at.exception and not at.error
    assert "must be looked at" in words_of(at) and "Learn then test" in words_of(at)
    at.segmented_control(key="desk_kind").set_value("miss_rate").run()
    assert "landslides" in words_of(at) and not at.exception


# ------------------------------------------------------------------------------------------------ is it real, heads


def test_every_comparison_is_a_sentence_with_its_interval_and_holm(run, open_page):
    at = open_page("results", run=run.name, results_view="difference")
    assert not at.exception
    said = [m.value for m in at.markdown if m.value.startswith("- ")]
    assert len(said) == 3 and all("95 % interval" in text or "alike" in text for text in said)
    table = next(d.value for d in at.dataframe if "p, Holm" in d.value)
    assert (table["p, Holm"] >= table["p"] - 1e-9).all() and (table["n"] == 60).all()


def test_without_table_3_it_is_offered_and_a_failure_is_a_sentence(run, studio, open_page):
    at = open_page("results", run=run.name, results_view="heads")
    assert "The training F1 is not known yet" in words_of(at)
    at.text_input(key="heads_C").set_value("minus one").run()
    at.button(key="heads_sweep").click().run()
    error = studio.answered(run, "heads")["error"]
    at.run()
    assert not at.exception and error.replace("\\", "")[:20] in words_of(at)


def test_a_stored_table_3_shows_training_f1_and_gap(run, open_page):
    unseen = run.summary()["heads"]["svm_c0.1"] | {"interval": [0.5, 0.7]}
    row = {
        "head": "svm_c0.1", "refitted": False, "gamma": [0.1, 0.2], "train": {"f1": 1.0, "interval": [0.98, 1.0]},
        "oof": unseen, "gap": {"f1": 0.4, "interval": [0.3, 0.5]},
    }  # fmt: skip
    run.write_head_table({"run": run.name, "rows": [row], "left_out": {"lgbm": "too few"}, "notes": ["<b>old</b>"]})
    at = open_page("results", run=run.name, results_view="heads")
    assert not at.exception
    table = next(d.value for d in at.dataframe if "Train F1" in d.value)
    assert table["Train F1"][0] == "1.000" and table["Gap"][0] == "0.400" and table["Gamma, by fold"][0] == "0.1 to 0.2"
    assert "Boosted trees is left out: too few" in words_of(at) and "not known yet" not in words_of(at)


# ------------------------------------------------------------------------------------------------------ other data


def evaluation(run) -> dict:
    found = dict.fromkeys(METRIC_NAMES, 0.5) | {"n": 60}
    bounds = {name: [0.4, 0.6] for name in METRIC_NAMES}
    bands = [{"band": "red", "smd": 0.9, "shifted": True}, {"band": "nir", "smd": None, "shifted": None}]
    shift = {"bands": bands, "embedding": {"separability": 0.9, "p": 0.001}}
    return found | {
        "run": run.name, "dataset_name": "=far<b>", "positive": "landslide", "made": "2026-01-01", "threshold": 0.4,
        "confusion": {"tp": 5, "fn": 5, "fp": 5, "tn": 45}, "intervals": bounds,
        "notes": ["3 of 60 patches are known."],
        "sets": {"train": None, "validation": found, "test": found}, "set_intervals": {"test": bounds}, "shift": shift,
    }  # fmt: skip


def test_an_evaluation_stands_beside_validation_with_the_shift(run, open_page):
    table = pd.DataFrame({"id": ["a"], "label": [1], "prob": [0.5], "pred": [1]})
    run.write_evaluation("far", evaluation(run), table)
    at = open_page("results", run=run.name, results_view="elsewhere")
    assert not at.exception
    said = words_of(at)
    for part in ("5 of 10 patches", "3 of 60 patches are known", "AUC **0.90**", "1 of 2 bands", "red"):
        assert part in said
    sets = next(d.value for d in at.dataframe if "Training" in d.value)
    assert sets["Training"][0] == "not known" and "0.500 (0.400 to 0.600)" in sets["Test, n = 60"].tolist()
    assert "Sets side by side (CSV)" in [b.label for b in at.get("download_button")]


def test_without_another_dataset_the_import_is_offered(run, open_page):
    at = open_page("results", run=run.name, results_view="elsewhere")
    assert "elsewhere_import" in [b.key for b in at.button]


def test_an_evaluation_that_fails_says_why(run, studio, open_page):
    studio.add_dataset("another")
    at = open_page("results", run=run.name, results_view="elsewhere")
    at.button(key="elsewhere_go").click().run()  # the made run has no networks
    error = studio.answered(run, "evaluate")["error"]
    at.run()
    assert not at.exception and error
    assert any(error[:15].replace("\\", "") in e.value.replace("\\", "") for e in at.error)


# --------------------------------------------------------------------------------------- a CSV, and printed numbers


@pytest.mark.parametrize("view", ["scores", "threshold", "curves", "calibration", "desk"])
def test_a_csv_is_judged_without_any_run(open_page, view):
    at = open_page("results", results_of="csv")
    assert not at.exception and "A row a patch" in words_of(at)
    at.file_uploader(key="csv_upload").set_value(("scores.csv", SCORES.encode(), "text/csv")).run()
    at.segmented_control(key="csv_view").set_value(view).run()
    assert not at.exception
    assert {m.label: m.value for m in at.metric}["Landslide found"] == "20"
    assert "80 patches, 20 landslide, 2 folds (column fold)" in words_of(at)


def test_a_hostile_csv_is_a_sentence_or_set_aside(open_page):
    at = open_page("results", results_of="csv")
    evil = SCORES + "\n<img src=x onerror=alert(1)>,1,0,5\n=HYPERLINK(1),1,0,0.5"
    at.file_uploader(key="csv_upload").set_value(("../[x](javascript:1).csv", evil.encode(), "text/csv")).run()
    assert not at.exception and "1 rows set aside" in " ".join(e.label for e in at.expander)
    for element in (*at.markdown, *at.caption, *at.warning):
        assert "](javascript" not in element.value and "<img" not in element.value.replace("\\<img", "")
    at.file_uploader(key="csv_upload").set_value(("empty.csv", b"", "text/csv")).run()
    assert not at.exception and any("empty" in e.value for e in at.error)


def test_one_class_only_is_undefined_and_no_blank(open_page):
    at = open_page("results", results_of="csv")
    text = "id,label,prob\n" + "\n".join(f"p{i},0,{i / 50:.2f}" for i in range(40))
    at.file_uploader(key="csv_upload").set_value(("one.csv", text.encode(), "text/csv")).run()
    for view in ("scores", "threshold", "curves", "calibration", "desk"):
        at.segmented_control(key="csv_view").set_value(view).run()
        assert not at.exception, view
    assert "There is no landslide here to be found" in [s.value for s in at.subheader]


def test_table_v_is_filled_in_and_its_swap_told(open_page):
    at = open_page("results", results_of="paper")
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


def test_table_3s_difference_cannot_be_told_from_chance(open_page):
    at = open_page("results", results_of="paper")
    assert any("cannot be told from chance" in w.value for w in at.warning)


# ------------------------------------------------------------------------------------------------------- old runs


def test_a_run_older_than_the_newer_numbers_opens_in_every_view(run, open_page):
    summary, oof = run.summary(), run.oof()
    newer = ("balanced_accuracy", "mcc", "average_precision", "brier", "ece")
    for facts in (*summary["heads"].values(), *(h for f in summary["folds"] for h in f["heads"].values())):
        for name in newer:
            facts.pop(name, None)
            facts.get("intervals", {}).pop(name, None)
    for key in ("left_out", "selection", "warnings"):
        summary.pop(key, None)
    run.write_json("summary.json", summary)
    run.write_oof(oof.drop(columns=[c for c in oof if c.startswith("score_")]).assign(group=""))
    for view in (
        "scores",
        "heads",
        "threshold",
        "curves",
        "calibration",
        "desk",
        "difference",
        "elsewhere",
        "training",
    ):
        at = open_page("results", run=run.name, results_view=view)
        assert not at.exception, view
    assert np.isfinite(summary["heads"]["fc"]["f1"])


def test_with_many_patches_their_images_are_read_only_when_asked(run, open_page, monkeypatch):
    from dashboard.results import metrics

    monkeypatch.setattr(metrics, "READ_UNASKED", 10)
    at = open_page("results", run=run.name)
    assert not at.exception and at.toggle(key="scores_images").value is False
    before = sliced_by(at)
    at.toggle(key="scores_images").set_value(True).run()
    assert not at.exception
    assert sliced_by(at) - before >= {"brightness"}


def sliced_by(at) -> set[str]:
    """What the slices with too few patches are of: of 60 patches all of brightness's are."""
    return {by for table in at.dataframe if "reason" in table.value for by in table.value["by"]}
