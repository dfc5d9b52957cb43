"""An ensemble made, kept, read back, compared with its best member, and answering new patches."""

import numpy as np
import pandas as pd
import pytest

from core.ensembles.answers import combine, read_given
from core.ensembles.folder import delete, list_ensembles, open_ensemble
from core.ensembles.make import make, sentence
from core.errors import ConfigError, FormatError, RunError, UnsafeFileError
from core.evaluate.calibration.fit import log_odds
from core.evaluate.metrics import metrics
from core.io.plain_file import is_there
from core.predict.submission import expected_of, faults_of, write_submission
from tests.builders import returned
from tests.core.ensembles.made import add_run, labels_of, leaning, write_csv

N = 150


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def made(home):
    """Three members on one set of folds: a run's head, a better one, and a CSV."""
    labels = labels_of(N)
    run = add_run(home, {"svm": leaning(labels, 0.7, 1), "fc": leaning(labels, 1.0, 2)}, labels)
    path = write_csv(home / "eva.csv", leaning(labels, 0.8, 3), fold=np.arange(N) % 3)
    return returned(make([f"{run.name}:svm", f"{run.name}:fc", str(path)], home, "All three"))


def test_it_is_kept_beside_the_runs_and_read_like_one(made, home):
    assert made.path == home / "ensembles" / "All-three" and [one.name for one in list_ensembles(home)] == [made.name]
    card, summary, oof = made.card(), made.summary(), made.oof()
    assert summary["head"] == card["method"] == "stack" and summary["run"] == "All-three"
    assert list(summary["heads"]) == ["stack", "average", *(one["key"] for one in card["members"])]
    for head, facts in summary["heads"].items():
        again = metrics(oof["label"].to_numpy(), oof[f"prob_{head}"].to_numpy(), pred=oof[f"pred_{head}"].to_numpy())
        assert facts["f1"] == pytest.approx(again["f1"]) and facts["auc"] == pytest.approx(again["auc"])
        low, high = facts["intervals"]["f1"]
        assert low <= facts["f1"] <= high
    assert len(summary["folds"]) == 3 and summary["dataset_name"] == "made" and summary["positive"] == "landslide"
    for number, fold in enumerate(summary["folds"]):  # every fold is decided at its own threshold
        own = oof[oof["fold"] == number]
        assert (own["pred_stack"] == (own["prob_stack"] >= fold["heads"]["stack"]["threshold"])).all()


def test_its_members_are_as_they_were_and_the_best_is_compared(made):
    card, oof = made.card(), made.oof()
    labels, members = labels_of(N), card["members"]
    for one, strength, seed in zip(members, (0.7, 1.0, 0.8), (1, 2, 3), strict=True):
        assert oof[f"prob_{one['key']}"].to_numpy() == pytest.approx(leaning(labels, strength, seed))
        assert one["same_folds"] is True and len(one["fold_shares"]) == 3
    f1 = {one["key"]: made.summary()["heads"][one["key"]]["f1"] for one in members}
    assert card["best_member"] == max(f1, key=f1.get)
    row = card["differences"][card["best_member"]]["f1"]
    assert row["a"] == made.summary()["oof"]["f1"] and row["difference"] == pytest.approx(row["a"] - row["b"])
    assert row["lo"] < row["difference"] < row["hi"] and row["p_holm"] >= row["p"]
    assert sum(one["share"] for one in members) == pytest.approx(1)
    assert "stack of 3 members, 3 folds, n = 150" in sentence(made)


def test_new_answers_are_combined_with_the_weights_of_all_patches(made):
    keys = [one["key"] for one in made.card()["members"]]
    ids, probs = ["a", "b", "c"], np.array([[0.9, 0.2, 0.5], [0.8, 0.1, 0.4], [0.95, 0.3, 0.2]])
    given = {key: pd.DataFrame({"id": ids, "prob": one}) for key, one in zip(keys, probs, strict=True)}
    given[keys[1]] = given[keys[1]].iloc[::-1]  # order says nothing
    found, by_hand = combine(made, given), made.card()["combinations"]["stack"]["deployed"]
    scaled = np.array(by_hand["slopes"])[:, None] * log_odds(probs) + np.array(by_hand["shifts"])[:, None]
    odds = np.array(by_hand["weights"]) @ scaled + by_hand["intercept"]
    assert found.ids.tolist() == ids and found.probs == pytest.approx(1 / (1 + np.exp(-odds)))
    assert found.pred.tolist() == (found.probs >= made.threshold()).astype(int).tolist() and found.pred[0] == 1
    assert combine(made, given, "average").probs != pytest.approx(found.probs)


def test_answers_for_other_ids_are_refused_by_name(made):
    keys = [one["key"] for one in made.card()["members"]]
    given = {key: pd.DataFrame({"id": ["a", "b", "c"], "prob": [0.1, 0.2, 0.3]}) for key in keys}
    with pytest.raises(FormatError, match=r"eva has no answer for 2 of the 3 patches.*: b, c\. "):
        combine(made, given | {"eva": given["eva"].head(1)})
    with pytest.raises(FormatError, match="There are no answers of eva"):
        combine(made, {key: table for key, table in given.items() if key != "eva"})
    with pytest.raises(FormatError, match=r"x is no member of 'All-three'. Its members: .*eva"):
        combine(made, given | {"x": given["eva"]})


def test_a_patch_without_a_probability_has_no_answer_and_no_submission(made, tmp_path):
    keys = [one["key"] for one in made.card()["members"]]
    paths = [write_csv(tmp_path / f"{k}.csv", [0.9, 0.1, 0.2 if k else np.nan], ["a", "b", "c"]) for k in range(3)]
    (tmp_path / "columns.csv").write_text("id,prob,prob_fc\na,0.1,0.9\nb,0.2,0.1\nc,0.3,0.2\n")
    files = {keys[0]: (paths[0], None), keys[1]: (tmp_path / "columns.csv", None), keys[2]: (paths[2], None)}
    given = read_given(made, files)
    assert given[keys[1]]["prob"].tolist() == [0.9, 0.1, 0.2]  # fc is not its run's headline: its own column
    found = combine(made, given)
    assert found.pred.tolist() == [1, 0, -1] and np.isnan(found.probs[2]) and found.table()["pred"].isna().tolist()[2]
    (tmp_path / "Test.csv").write_text("ID\nb\na\n")
    write_submission(tmp_path / "s.csv", found, tmp_path / "Test.csv")
    assert (tmp_path / "s.csv").read_text() == "ID,label\nb,0\na,1\n"
    assert faults_of((tmp_path / "s.csv").read_bytes(), expected_of(tmp_path / "Test.csv")) == []
    (tmp_path / "Test.csv").write_text("ID\nb\nc\n")
    with pytest.raises(FormatError, match=r"1 of 2 patches of Test.csv have no answer \(first: c\)"):
        write_submission(tmp_path / "s.csv", found, tmp_path / "Test.csv")


def test_names_that_are_taken_or_lead_away_are_refused(made, home):
    asked = [one["key"] for one in made.card()["members"]][:2]
    with pytest.raises(ConfigError, match="There is an ensemble 'All-three' already"):
        returned(make(asked, home, "All three"))
    with pytest.raises(RunError, match="There is no ensemble 'none' in .*Ensembles: All-three"):
        open_ensemble(home, "none")
    with pytest.raises(UnsafeFileError):
        open_ensemble(home, "../made.csv")
    assert open_ensemble(home, "All-three").card()["title"] == "All three"


def test_it_goes_and_its_members_stay(home, made):
    runs = [one["run"] for one in made.card()["members"] if one["kind"] == "run"]
    other = returned(make([f"{runs[0]}:svm", f"{runs[0]}:fc"], home, "short lived", method="average"))
    assert other.summary()["head"] == "average" and "average of 2 members" in sentence(other)
    delete(other)
    assert [one.name for one in list_ensembles(home)] == [made.name] and is_there(home / runs[0] / "oof.parquet")
