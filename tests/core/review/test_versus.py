"""A against B: the four cells by hand, what is left out, and the labels that both are judged by."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import RunConfig
from core.data.label_versions import Change, LabelVersion, labels_hash, write_version
from core.data.store import open_dataset
from core.errors import DataError, RunError
from core.evaluate.metrics import metrics
from core.review import versus as module
from core.review.retraining import trained_with, with_version
from core.review.versus import CELLS, FILE, relabelled, usual_labels, versus
from core.runs.store import RunFolder
from tests.builders import make_tiny


def made(path, rows, content="same", dataset="nowhere.h5", labels=None):
    """A run of one head, svm. rows: (id, label, fold, prob), decided at 0.5, each in a group of its own."""
    path.mkdir()
    run = RunFolder(path)
    table = pd.DataFrame(rows, columns=["id", "label", "fold", "prob_svm"])
    run.write_oof(table.assign(pred_svm=(table["prob_svm"] >= 0.5).astype(np.int8), group=table["id"]))
    run.write_json("provenance.json", {"dataset": {"content_hash": content}})
    run.write_json("job.json", {"dataset": str(dataset), "spec": ""})
    run.write_text("config.json", with_version(RunConfig(), labels).to_json())
    return run


FOUR = [("p0", 1, 0, 0.9), ("p1", 1, 0, 0.8), ("p2", 0, 1, 0.7), ("p3", 0, 1, 0.6), ("p4", 0, 1, 0.1)]


def test_the_four_cells_by_hand(tmp_path):
    """A finds both landslides and raises two false alarms; B misses one landslide and raises one false alarm."""
    a = made(tmp_path / "a", FOUR)
    b = made(
        tmp_path / "b", [("p4", 0, 0, 0.2), ("p0", 1, 1, 0.9), ("p1", 1, 1, 0.4), ("p2", 0, 0, 0.3), ("p3", 0, 0, 0.9)]
    )
    found = versus(a, "svm", b, "svm")
    table = found.table.set_index("id")
    assert table["cell"].to_dict() == {
        "p0": "both right", "p1": "fixed", "p2": "broken", "p3": "both wrong", "p4": "both right",
    }  # fmt: skip
    assert found.counts == {"both right": 2, "fixed": 1, "broken": 1, "both wrong": 1} and not found.left_out
    assert table.loc["p1", ["outcome_a", "outcome_b", "prob_b", "fold_b"]].tolist() == ["TP", "FN", 0.4, 1]
    assert table.loc["p2", ["outcome_a", "outcome_b"]].tolist() == ["FP", "TN"]
    f1 = found.changes["f1"]
    assert f1.a == pytest.approx(2 / 3) and f1.b == pytest.approx(1 / 2) and f1.difference == pytest.approx(1 / 6)


def test_what_only_one_has_answered_out_of_fold_is_left_out_and_counted(tmp_path):
    a = made(tmp_path / "a", [*FOUR, ("p5", 1, 0, 0.9), ("p6", 1, -1, 0.9), ("p7", 1, 0, np.nan), ("p8", -1, 0, 0.2)])
    b = made(tmp_path / "b", [*FOUR, ("p7", 1, 0, 0.5), ("p8", -1, 0, 0.2), ("p9", 0, 0, 0.5), ("q0", 0, 0, 0.5)])
    found = versus(a, "svm", b, "svm")
    assert found.table["id"].tolist() == [row[0] for row in FOUR]
    assert found.left_out == {"only_a": 1, "only_b": 3, "unlabelled": 1}


def record(monkeypatch, **pixels):
    """What runs of these names keep: id -> hash."""

    def parts(run):
        ids = np.array(list(pixels[run.name]))
        prints = SimpleNamespace(bands=("red",), hashes=np.array([[pixels[run.name][one]] for one in ids]))
        return SimpleNamespace(parts=[SimpleNamespace(run=run.name, patches=SimpleNamespace(ids=ids, prints=prints))])

    monkeypatch.setattr(module, "read_record", parts)
    monkeypatch.setattr(module, "has_record", lambda run: run.name in pixels)


def test_one_id_with_other_pixels_is_no_match(tmp_path, monkeypatch):
    """The dataset was changed between the runs: one patch was, one is not in a record."""
    a, b = made(tmp_path / "a", FOUR), made(tmp_path / "b", FOUR, content="other")
    record(monkeypatch, a={f"p{i}": i for i in range(5)}, b={"p0": 0, "p1": 99, "p2": 2, "p3": 3})
    found = versus(a, "svm", b, "svm")
    assert found.table["id"].tolist() == ["p0", "p2", "p3"] and found.left_out == {"content": 2}
    record(monkeypatch, a={f"p{i}": i for i in range(5)}, b={f"p{i}": 50 + i for i in range(5)})
    with pytest.raises(RunError, match="no patch in common"):
        versus(a, "svm", b, "svm")
    record(monkeypatch, a={})
    with pytest.raises(RunError, match="'b' kept no record"):
        versus(a, "svm", b, "svm")


def test_what_cannot_be_compared_is_refused(tmp_path):
    a = made(tmp_path / "a", FOUR)
    with pytest.raises(RunError, match="no head 'lgbm'. Its heads: svm"):
        versus(a, "svm", a, "lgbm")
    with pytest.raises(RunError, match="no patch in common"):
        versus(a, "svm", made(tmp_path / "b", [("q", 1, 0, 0.5)]), "svm")
    with pytest.raises(RunError, match="1 of the 5 patches .* had different labels"):
        versus(a, "svm", made(tmp_path / "d", [("p0", 0, 0, 0.5), *FOUR[1:]]), "svm")
    unlabelled = made(tmp_path / "e", [(f"p00{i}", -1, 0, 0.5) for i in range(4)], dataset=tiny(tmp_path))
    with pytest.raises(DataError, match="None of the patches"):
        relabelled(unlabelled, "svm", FILE)


def tiny(folder):
    """12 patches p000 to p011; every third is a landslide."""
    return make_tiny(folder / "tiny.h5", n=12, side=8)


@pytest.fixture
def reviewed(tmp_path):
    """The dataset, and a version of its labels: p000 is no landslide, p001 is one, p002 is left out."""
    data = open_dataset(tiny(tmp_path))
    changes = tuple(Change(f"p00{i}", int(i == 0), after, "ana", "2026-01-01") for i, after in enumerate((0, 1, -1)))
    made_by = ("2026-01-01T00:00:00+00:00", "ana", "a test", "agreed")
    return data, write_version(data.path, LabelVersion(0, labels_hash(data.ids, data.labels), *made_by, changes))


def answers(data, right, labels=None):
    """Every patch is answered rightly by these labels, but for those not in ``right``."""
    labels = data.labels if labels is None else labels
    probs = [
        0.1 + 0.8 * (label if i in right else 1 - label) for i, label in enumerate(np.where(labels < 0, 0, labels))
    ]
    return [
        (name, int(label), i % 2, p) for i, (name, label, p) in enumerate(zip(data.ids, labels, probs, strict=True))
    ]


def test_the_same_answers_by_corrected_labels(tmp_path, reviewed):
    """The run doubted p000 and p001; both turn out to be as it said. p005 is wrong before and after."""
    data, version = reviewed
    run = made(tmp_path / "run", answers(data, set(range(12)) - {0, 1, 5}), dataset=data.path)
    found = relabelled(run, "svm", version.name)
    cells = found.table.set_index("id")["cell"]
    assert set(cells.index[cells == "fixed"]) == {"p000", "p001"} and found.counts["broken"] == 0
    assert set(cells.index[cells == "both wrong"]) == {"p005"} and found.left_out == {"unlabelled": 1}
    rows = found.table
    for metric, one in found.changes.items():
        for side, value in (("a", one.a), ("b", one.b)):
            judged = metrics(
                rows[f"label_{side}"].to_numpy(), rows["prob_a"].to_numpy(), pred=rows["pred_a"].to_numpy()
            )
            assert value == pytest.approx(judged[metric]), metric
        assert one.difference == pytest.approx(one.a - one.b)


def test_old_and_new_labels_are_judged_by_the_same(tmp_path, reviewed):
    data, version = reviewed
    everything = set(range(12))
    old = made(tmp_path / "old", answers(data, everything), dataset=data.path)
    new = made(
        tmp_path / "new", answers(data, everything, version.apply(data)), dataset=data.path, labels=version.name
    )  # fmt: skip
    assert usual_labels(new, old) == usual_labels(old, new) == version.name
    assert usual_labels(old, old) is None and usual_labels(new, new) is None
    with pytest.raises(RunError, match="Choose the labels that both are to be judged by"):
        versus(new, "svm", old, "svm")
    fair = versus(new, "svm", old, "svm", version.name)
    assert fair.counts == {"both right": 9, "fixed": 2, "broken": 0, "both wrong": 0} and fair.left_out == {
        "unlabelled": 1
    }
    turned = versus(new, "svm", old, "svm", FILE)
    assert turned.counts["broken"] == 2 and len(turned.table) == 12
    with pytest.raises(DataError, match="is not there"):
        versus(new, "svm", old, "svm", "v9")
    changed = made(tmp_path / "changed", [("p003", 0, 0, 0.5)], dataset=data.path)
    assert usual_labels(old, changed) == FILE, "the file's labels were changed between the two"


probabilities = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9)), min_size=4, max_size=40)


@settings(max_examples=20)
@given(rows=probabilities)
def test_the_cells_add_up_and_turn_round_with_the_sides(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    ids = [f"p{i}" for i in range(len(rows))]
    a = made(folder / "a", [(one, int(y), 0, p / 9) for one, (y, p, _) in zip(ids, rows, strict=True)])
    b = made(folder / "b", [(one, int(y), 0, p / 9) for one, (y, _, p) in zip(ids, rows, strict=True)])
    found, turned = versus(a, "svm", b, "svm"), versus(b, "svm", a, "svm")
    errors = [int((found.table[f"pred_{side}"] != found.table[f"label_{side}"]).sum()) for side in "ab"]
    counts = found.counts
    assert sum(counts.values()) == len(rows) and set(counts) == set(CELLS)
    assert counts["fixed"] - counts["broken"] == errors[1] - errors[0]
    assert (turned.counts["fixed"], turned.counts["broken"]) == (counts["broken"], counts["fixed"])
    assert turned.changes["accuracy"].difference == pytest.approx(-found.changes["accuracy"].difference)


def test_the_run_that_differs_by_its_labels_alone_is_found(tmp_path):
    run = made(tmp_path / "run", FOUR)
    others = [
        made(tmp_path / name, FOUR, labels="v1-0123456789ab") for name in ("failed", "running", "done", "done_too")
    ]
    for other, state in zip(others, ("failed", "running", "succeeded", "succeeded"), strict=True):
        other.write_status(state=state)
    third = made(tmp_path / "third", FOUR, labels="v1-0123456789ab")
    third.write_text("config.json", third.config().with_overrides(["seed=5"]).to_json())
    third.write_status(state="succeeded")
    damaged = made(tmp_path / "damaged", FOUR)
    damaged.write_text("config.json", "{")
    known = [damaged, run, third]
    assert trained_with(run, "v1-0123456789ab", known) is None
    assert trained_with(run, "v1-0123456789ab", [*known, *others[:1]]).name == "failed"
    assert trained_with(run, "v1-0123456789ab", [*known, *others[:2]]).name == "running"
    assert trained_with(run, "v1-0123456789ab", [*known, *others]).name == "done"
    run.write_status(state="succeeded")
    assert trained_with(others[2], None, [*others, run]).name == "run"
