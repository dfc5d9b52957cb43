"""A run judged again by corrected labels: its own answers, only the labels change."""

import pytest
from sklearn.metrics import f1_score

from core.analyses.review.corrected_labels import ANALYSIS, judged, read
from core.data.store import open_dataset
from core.errors import DataError
from core.progress import drain
from core.review.judgements import Judgements
from core.review.versions import make_version
from tests.trained_runs import copied


@pytest.fixture
def run(trained_run, tmp_path):
    return copied(trained_run, tmp_path)


def corrected(run, n=6):
    """A version of the labels that gives the run right where it was wrong, n times."""
    oof, head = run.oof(), run.summary()["head"]
    wrong = oof[oof[f"pred_{head}"] != oof["label"]].head(n)
    desk = Judgements(run.dataset_path())
    for name, pred in zip(wrong["id"], wrong[f"pred_{head}"], strict=True):
        desk.add("patch", name, "landslide" if pred else "not", "ana")
    return make_version(open_dataset(run.dataset_path()), desk, "ana", "test"), set(wrong["id"])


def test_metrics_change_as_the_labels_say(run):
    version, ids = corrected(run)
    value = drain(ANALYSIS.start(run, {"version": "v1"}))
    oof, head = run.oof(), value["head"]
    labels = oof["label"].where(~oof["id"].isin(ids), oof[f"pred_{head}"])
    row = next(row for row in value["rows"] if (row["head"], row["metric"]) == (head, "f1"))
    assert row["before"] == pytest.approx(f1_score(oof["label"], oof[f"pred_{head}"]))
    assert row["after"] == pytest.approx(f1_score(labels, oof[f"pred_{head}"]))
    assert value["n_changed"] == value["n_right"] == len(ids) and value["n_without_answer"] == 0
    assert {row["head"] for row in value["rows"]} == set(run.summary()["heads"])
    kept = read(run)[version.name]
    assert kept["version"]["hash"] == version.hash and kept["message"] == value["message"]
    assert value["message"].startswith("F1 ") and " labels changed, difference +" in value["message"]
    assert {row["head"] for row in judged(run, version, ())["rows"]} == {head}
    assert run.summary()["oof"]["f1"] == row["before"]  # the run itself stays as it was


def test_a_version_that_is_not_there_is_refused_before_anything_waits(run):
    with pytest.raises(DataError, match="There are none yet"):
        ANALYSIS.check(run, ANALYSIS.options())
    assert read(run) is None
