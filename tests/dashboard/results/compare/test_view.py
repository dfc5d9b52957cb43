"""Two runs, or two heads, side by side on the Results page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.config import preset
from core.data.label_versions import Change, LabelVersion, labels_hash, write_version
from core.data.store import open_dataset
from core.evaluate.metrics import roc_curve
from core.review.retraining import with_version
from dashboard.results.compare import door, learning, ranking
from tests.builders import make_run
from tests.dashboard import galleries
from tests.dashboard.results.made import words_of

HEAD = "svm_c0.1"


@pytest.fixture
def runs(studio):
    """Two finished runs of a dataset with other settings; the second is wrong on half of the landslides it found."""
    dataset = studio.add_dataset()
    first = studio.add_run(dataset)
    config = preset("demo").with_overrides(["train.epochs=3", "folds.n_splits=3", "smote.enabled=false"])
    second = make_run(studio.checkpoints, dataset, config=config)
    oof = second.oof()
    found = oof.index[(oof["label"] == 1) & (oof[f"pred_{HEAD}"] == 1)][::2]
    oof.loc[found, [f"pred_{HEAD}", f"prob_{HEAD}"]] = [0, 0.01]
    second.write_oof(oof)
    return first, second, oof["id"][found]


def test_another_run_is_compared_in_settings_metrics_curves_and_patches(runs, open_page):
    first, second, worse = runs
    at = open_page("results", run=first.name, results_view="compare", **{door.OTHER: second.name})
    assert not at.exception and not at.error and at.selectbox(key=door.OTHER).value == second.name
    settings = next(d.value for d in at.dataframe if "Setting" in d.value).set_index("Setting")
    ours, theirs = settings.columns
    assert settings.loc["smote.enabled"].tolist() == ["on", "off"] and settings.loc["train.epochs", theirs] == "3"
    metrics = next(d.value for d in at.dataframe if "Difference" in d.value).set_index("Metric")
    assert metrics.loc["Recall", "Difference"].startswith("+") and ours != theirs
    assert metrics.loc["Recall", "This run"] > metrics.loc["Recall", "The other run"]
    drawn = " ".join(chart.proto.id for chart in at.get("plotly_chart"))
    names = ("differences", "pr", "roc", "val_loss", "val_f1", "val_accuracy", "val_auc")
    assert all(f"compare_{name}" in drawn for name in names)
    a, b = (run.oof().set_index("id") for run in (first, second))
    right = [table[f"pred_{HEAD}"] == table["label"] for table in (a, b)]
    fixed, broken = right[0] & ~right[1], right[1] & ~right[0]
    assert set(worse) & set(a.index[fixed]) and f"**Fixed · {fixed.sum()}**" in words_of(at)
    assert f"**Broken · {broken.sum()}**" in words_of(at)
    shown = galleries.shown(at, "compare_fixed")
    assert shown and set(shown) <= set(a.index[fixed])


def test_the_door_leads_to_the_comparison_whatever_was_looked_at_before(monkeypatch):
    opened, forgotten = [], []
    monkeypatch.setattr(door.state, "open_view", lambda *page, **more: opened.append((page, more)))
    monkeypatch.setattr(door.url_state, "forget", lambda *names: forgotten.extend(names))
    door.open_compare("a", "b")
    assert opened == [(("results",), {"run": "a", "view": "compare", "filters": {"compare_with": "b"}})]
    assert {"compare_with", "compare_head", "compare_how"} <= set(forgotten)


def test_another_head_is_compared_on_the_same_patches_and_leads_to_them(runs, open_page):
    first, second, _ = runs
    at = open_page("results", run=second.name, results_view="compare", compare_with="", compare_head="fc", head=HEAD)
    if at.selectbox(key="compare_with").value:
        at.selectbox(key="compare_with").select("").run()
        at.selectbox(key="compare_head").select("fc").run()
    assert not at.exception and "Setting" not in [c for d in at.dataframe for c in d.value]
    oof = second.oof()
    right, before = oof[f"pred_{HEAD}"] == oof["label"], oof["pred_fc"] == oof["label"]
    broken = oof["id"][~right & before]
    assert f"**Broken · {len(broken)}**" in words_of(at)
    at.button(key="compare_open_broken").click().run()
    assert not at.exception and at.title[0].value == "Review"
    assert at.button_group(key="versus_cell").value == "broken"
    assert sorted(galleries.shown(at, "versus")) == sorted(broken)[:12] or len(broken) > 12


def test_runs_whose_labels_differ_are_refused_and_their_settings_still_shown(runs, open_page):
    """One was trained with a version of the labels; the other has none, which is a dash among the settings."""
    first, second, _ = runs
    oof, data = second.oof(), open_dataset(second.dataset_path())
    change = Change(oof.loc[0, "id"], int(oof.loc[0, "label"]), 1 - int(oof.loc[0, "label"]), "ana", "2026-01-01")
    made = LabelVersion(0, labels_hash(data.ids, data.labels), change.at, "ana", "a test", "agreed", (change,))
    version = write_version(data.path, made)
    oof.loc[0, "label"] = change.after
    second.write_oof(oof)
    second.write_text("config.json", with_version(second.config(), version.name).to_json())
    at = open_page("results", run=first.name, results_view="compare", compare_with=second.name)
    assert not at.exception and "different labels" in words_of(at)
    settings = next(d.value for d in at.dataframe if "Setting" in d.value).set_index("Setting")
    assert settings.loc["data.labels"].tolist()[1] == version.name
    at.button(key="compare_same_labels").click().run()
    assert not at.exception and not at.error and at.selectbox(key="versus_labels").value == version.name
    assert "60 patches that neither had seen" in words_of(at)


def test_a_damaged_other_run_is_a_sentence(runs, open_page):
    first, second, _ = runs
    (second.path / "summary.json").write_text("{")
    at = open_page("results", run=first.name, results_view="compare", compare_with=second.name)
    assert not at.exception and any("summary.json" in e.value.replace("\\", "") for e in at.error)


def test_runs_of_one_recipe_say_that_what_differs_is_chance(studio, open_page):
    dataset = studio.add_dataset()
    config = preset("demo").with_overrides(["train.epochs=3", "folds.n_splits=3"])
    first = make_run(studio.checkpoints, dataset, config=config)
    second = make_run(studio.checkpoints, dataset, config=config.with_overrides(["seed=7"]))
    at = open_page("results", run=second.name, results_view="compare", compare_with=first.name)
    assert not at.exception and "another seed: what differs is chance" in words_of(at)


def test_curves_lie_over_each_other_and_hostile_titles_are_text():
    history = pd.DataFrame({"fold": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "val_f1": [0.1, 0.3, 0.3, 0.5]})
    figure = learning.overlaid([("<b>one</b>", history), ("two", history.assign(val_f1=1.0))], "val_f1")
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == ["&lt;b&gt;one&lt;/b&gt;", "two"]
    mean = next(trace for trace in figure.data if trace.name == "&lt;b&gt;one&lt;/b&gt;")
    assert list(mean.y) == pytest.approx([0.2, 0.4]) and len(figure.data) == 6


def test_curves_at_every_threshold_are_those_of_the_two_sides():
    labels, probs = np.array([0, 0, 1, 1]), np.array([0.1, 0.8, 0.7, 0.9])
    curves = [("other", roc_curve(labels, 1 - probs)), ("<i>this</i>", roc_curve(labels, probs))]
    figure = ranking.overlaid(curves, "False alarm rate", "Recall")
    assert [line.name for line in figure.data] == ["other", "&lt;i&gt;this&lt;/i&gt;"]
    for line, (_, curve) in zip(figure.data, curves, strict=True):
        assert list(line.x) == list(curve.x) and list(line.y) == list(curve.y)
    assert figure.data[0].line.dash != figure.data[1].line.dash


def test_both_confusion_matrices_are_of_the_same_patches_and_attention_of_both_can_be_laid_over(runs, open_page):
    first, second, _ = runs
    at = open_page("results", run=first.name, results_view="compare", **{door.OTHER: second.name})
    figures = {chart.proto.id.rpartition("-")[2]: chart for chart in at.get("plotly_chart")}
    for number, run in enumerate((first, second)):
        texts = figures[f"compare_confusion_{number}"].proto.spec
        oof = run.oof()
        hits = int(((oof["label"] == 1) & (oof[f"pred_{HEAD}"] == 1)).sum())
        assert f'"{hits:,} Found (TP)' in texts
    at.toggle(key="compare_attention").set_value(True).run()
    assert not at.exception
    assert any("compare_fixed_attention" in one.proto.id for one in at.get("bidi_component"))


def test_several_runs_have_their_matrices_and_curves_beside_each_other(runs, open_page):
    first, second, _ = runs
    chosen = {door.HOW: "several", door.SEVERAL: str((second.name, HEAD))}
    at = open_page("results", run=first.name, results_view="compare", **chosen)
    assert not at.exception
    drawn = " ".join(chart.proto.id for chart in at.get("plotly_chart"))
    assert all(f"several_{name}" in drawn for name in ("confusion_0", "confusion_1", "val_loss", "val_f1"))


def test_curves_of_several_are_means_over_folds():
    history = pd.DataFrame({"fold": [0, 1, 0, 1], "epoch": [1, 1, 2, 2], "val_f1": [0.2, 0.4, 0.6, 0.8]})
    figure = learning.means([(f"<b>{i}", history) for i in range(12)], "val_f1")
    assert len(figure.data) == 12 and list(figure.data[0].y) == pytest.approx([0.3, 0.7])
    assert "<b>" not in figure.data[0].name and len({(t.line.color, t.line.dash) for t in figure.data}) == 12


def test_the_door_to_several_names_each_run_with_its_head(monkeypatch):
    opened = []
    monkeypatch.setattr(door.state, "open_view", lambda *page, **more: opened.append((page, more)))
    monkeypatch.setattr(door.url_state, "forget", lambda *keys: None)
    door.open_compare_several("a", {"b": "fc", "c": HEAD})
    filters = opened[0][1]["filters"]
    assert filters == {door.HOW: "several", door.SEVERAL: ["('b', 'fc')", f"('c', '{HEAD}')"]}
