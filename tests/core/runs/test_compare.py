"""Two runs on the patches that both answered: paired by id, whole groups, refused where they do not fit."""

import numpy as np
import pandas as pd
import pytest

from core.config import preset
from core.errors import RunError
from core.evaluate.comparison.significance import compare as compare_heads
from core.evaluate.metrics import metrics
from core.runs.compare import pair, recipes, rows, settings
from core.runs.store import RunFolder, create_run


def made(path, noise=0.3, n=300, seed=0, flip=()):
    """A run folder with an out-of-fold table of two heads on n patches in scenes of three."""
    rng = np.random.default_rng(0)
    labels = (rng.random(n) < 0.4).astype(int)
    labels[list(flip)] = 1 - labels[list(flip)]
    table = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "label": labels, "fold": np.arange(n) // 3 % 5})
    table["group"] = [f"g{i // 3}" for i in range(n)]
    own = np.random.default_rng(seed)
    for head, more in (("svm", 0.0), ("fc", 0.1)):
        probs = np.clip(0.5 + 0.3 * (2 * labels - 1) + (noise + more) * own.normal(size=n), 0, 1)
        table[f"prob_{head}"], table[f"pred_{head}"] = probs, (probs >= 0.5).astype(np.int8)
    path.mkdir()
    run = RunFolder(path)
    run.write_oof(table.sample(frac=1, random_state=seed))
    run.write_json("summary.json", {"head": "svm", "heads": {"svm": {}, "fc": {}}})
    return run


def test_runs_are_paired_by_id_whatever_the_order(tmp_path):
    a, b = made(tmp_path / "a"), made(tmp_path / "b", 0.5, seed=1)
    found, one, other = pair(a, b), a.oof().sort_values("id"), b.oof().sort_values("id")
    columns = (one["pred_svm"], one["prob_svm"], other["pred_svm"], other["prob_svm"])
    expected = compare_heads(one["label"].to_numpy(), *(c.to_numpy() for c in columns), one["group"].to_numpy())
    assert found.n == 300 and found.n_groups == pytest.approx(100)
    for name, row in expected.differences.items():
        assert found.differences[name].difference == pytest.approx(row.difference)
        assert found.differences[name].se == pytest.approx(row.se, rel=0.1)
    assert found.mcnemar == expected.mcnemar


def test_runs_that_share_some_patches_are_compared_on_those(tmp_path):
    a, b = made(tmp_path / "a"), made(tmp_path / "b", 0.5, n=120, seed=1)
    b.write_oof(b.oof().assign(label=a.oof().set_index("id").loc[b.oof()["id"], "label"].to_numpy()))
    assert pair(a, b).n == 120


def test_several_runs_carry_the_p_that_holds_for_all(tmp_path):
    base = made(tmp_path / "base", 0.6)
    found = rows(base, [made(tmp_path / "good", 0.2, seed=1), made(tmp_path / "same", 0.6, seed=0)])
    by = {row["name"]: row for row in found}
    assert by["good"]["settled"] and by["good"]["difference"] > 0
    assert by["same"]["difference"] == 0 and by["same"]["p_holm"] == 1.0
    assert by["good"]["p_holm"] >= by["good"]["p"]


def test_other_labels_and_other_patches_are_refused(tmp_path):
    a, b = made(tmp_path / "a"), made(tmp_path / "b", flip=(3, 7))
    with pytest.raises(RunError, match="2 of the 300 patches .* different labels"):
        pair(a, b)
    assert "different labels" in rows(a, [b])[0]["reason"]
    b.write_oof(b.oof().assign(id=lambda table: "x" + table["id"]))
    with pytest.raises(RunError, match="share no patch"):
        pair(a, b)
    with pytest.raises(RunError, match="no head 'lgbm'.*svm, fc"):
        pair(a, a, "lgbm")


def test_a_head_stands_beside_the_headline_of_its_run(tmp_path):
    run = made(tmp_path / "a")
    row = pair(run, run, "fc", "svm").differences["f1"]
    oof = run.oof()
    f1 = {h: metrics(oof["label"].to_numpy(), oof[f"prob_{h}"].to_numpy())["f1"] for h in ("svm", "fc")}
    assert row.difference == pytest.approx(f1["fc"] - f1["svm"])


def test_recipes_are_compared_by_all_their_trainings(tmp_path):
    good = [made(tmp_path / f"good{i}", 0.3, seed=i) for i in range(3)]
    poor = [made(tmp_path / f"poor{i}", 0.9, seed=10 + i) for i in range(3)]
    found = recipes(good, poor)
    assert (found.n_a, found.n_b, found.n) == (3, 3, 300) and found.settled and found.difference > 0.05
    assert recipes(good[:1], poor[:1]).trainings.survives is None
    values = [pair(run, run).differences["f1"].a for run in good]
    assert found.a == pytest.approx(np.mean(values))


def test_settings_that_differ_are_named_with_both_values_and_the_data_first(tmp_path):
    config = preset("demo")
    others = config.with_overrides(["smote.enabled=false", "train.epochs=7"])
    runs = [create_run(tmp_path, one, tmp_path / "data.h5", spec=str(i)) for i, one in enumerate((config, others))]
    for run, content in zip(runs, ("one", "two"), strict=True):
        run.write_json("provenance.json", {"dataset": {"content_hash": content}})
    found = settings(*runs)
    assert found[0] == ("dataset", "one", "two")
    assert {name: (a, b) for name, a, b in found[1:]} == {
        "smote.enabled": (True, False), "train.epochs": (config.train.epochs, 7),
    }  # fmt: skip
    assert settings(runs[0], runs[0]) == []
