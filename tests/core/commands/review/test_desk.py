"""``core review``: the table, a review out and in, a version of the labels, and a run that is trained with it."""

import csv

import pandas as pd
import pytest

from core.config import RunConfig
from core.data.label_versions import read_version
from core.data.leakage.groups import group_text
from core.data.leakage.split_audit import COLUMNS, Leaks
from core.data.store import open_dataset
from core.predict.training_dataset import training_dataset
from core.review.groups import GROUP, TOGETHER, keeping
from core.review.judgements import Judgements
from tests.builders import TINY
from tests.command_line import core, core_error, core_json
from tests.in_process import jobs_in_this_process
from tests.trained_runs import QUICK, copied, train_tiny


@pytest.fixture(scope="module")
def run(trained_run, tmp_path_factory):
    return copied(trained_run, tmp_path_factory.mktemp("desk"))


@pytest.fixture
def review(run):
    def ask(*arguments, how=core_json):
        with jobs_in_this_process():
            return how("review", run.name, *arguments, "--checkpoints", run.checkpoints)

    return ask


def test_a_review_goes_through_from_the_table_to_a_run_that_is_trained_with_it(run, review, tmp_path):
    sheet, back, out = (tmp_path / name for name in ("sheet.csv", "back.csv", "out.csv"))
    listed = review("--top", 8, "--sheet", sheet)
    assert len(listed["issues"]) == 8 and listed["issues"][0]["judged"] == {} and listed["precision"] is None
    rows = list(csv.DictReader(sheet.read_text("utf-8").splitlines()))
    assert [row["subject"] for row in rows] == [row["id"] for row in listed["issues"]]
    for row in rows[:4]:
        row |= {"verdict": "not" if row["label"] == "1" else "landslide", "by": "Ana"}
    rows[4] |= {"verdict": "bad image", "by": "Ana"}
    together, copies = groups_to_decide_on(run, {row["subject"] for row in rows})
    with back.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)  # three rows are not filled in
    assert review("--import", back)["imported"] == 5 and review("--import", back)["imported"] == 0
    decided = Judgements(run.dataset_path())
    decided.add(GROUP, group_text(together), TOGETHER, "Ana")
    decided.add(GROUP, group_text(copies), keeping(copies[1]), "Ana")

    shown = review("--top", 3, how=core).stdout
    assert "Ana: " in shown and "Of 4 judged so far 4 labels were wrong (100%)." in shown
    made = review("--make-version", "first review", "--by", "Ana", "--export", out)
    version = read_version(run.dataset_path(), "latest")
    assert made["corrected"]["version"]["name"] == version.name and made["corrected"]["n_changed"] == 4
    assert [change.after for change in version.changes].count(-1) == 2
    assert len(list(csv.DictReader(out.read_text("utf-8").splitlines()))) == 7
    again = review("--labels", "v1")
    assert again["corrected"]["rows"] == made["corrected"]["rows"] and again["versions"] == [version.name]

    config = RunConfig().with_overrides([*TINY, *QUICK, f"data.labels={version.name}"])
    again = train_tiny(run.checkpoints, run.dataset_path(), config, "again")
    assert again.provenance()["selection"]["labels"]["hash"] == version.hash
    labels = again.oof().set_index("id")["label"]
    for change in version.changes:
        assert labels.get(change.id, -1) == change.after
    seen = training_dataset(again)
    assert (seen.labels == version.apply(seen)).all() and (seen.labels != open_dataset(seen.path).labels).sum() == 6
    assert version.sentence in again.summary()["warnings"]
    before, after = (one.oof().set_index("id")["fold"] for one in (run, again))
    assert before[together].nunique() > 1 and after[together].nunique() == 1
    assert copies[0] in before and copies[0] not in after and copies[1] in after
    assert again.provenance()["selection"]["labels"]["together"] == [together]
    assert any("Kept in one fold" in told for told in again.summary()["warnings"])


def groups_to_decide_on(run, judged):
    """Three patches that the run's folds divide, and two others, none of them judged."""
    fold_of = run.oof().set_index("id")["fold"].drop(judged, errors="ignore")
    of = [fold_of[fold_of == fold].index.tolist() for fold in (0, 1)]
    return sorted([of[0][0], of[1][0], of[1][5]]), sorted([of[0][1], of[1][1]])


def test_duplicates_are_listed_and_decided_on_in_a_sheet(run, review, tmp_path, monkeypatch):
    fold_of = run.oof().set_index("id")["fold"]
    a, b = (fold_of[fold_of == fold].index[-1] for fold in (0, 1))
    facts = {"a": [a], "b": [b], "kind": ["near"], "overlap": [0.9], "ssim": [0.8]}
    pairs = pd.DataFrame(facts).reindex(columns=COLUMNS)
    leaks = Leaks(pairs, "", 48, 0.0)
    monkeypatch.setattr("core.data.leakage.split_audit.cached_leaks", lambda dataset: leaks)
    sheet, back = tmp_path / "groups.csv", tmp_path / "decided.csv"
    listed = review("--duplicates", "--sheet", sheet)
    (group,) = listed["groups"]
    assert sorted(group["ids"]) == sorted([a, b]) and group["harm"].startswith("folds") and group["judged"] == {}
    (row,) = csv.DictReader(sheet.read_text("utf-8").splitlines())
    with back.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row | {"verdict": f"keep one: {a}", "by": "Di"})
    assert review("--import", back)["imported"] == 1
    shown = review("--duplicates", how=core).stdout
    assert f"Di: keep one: {a}" in shown and "1 groups of patches of the same ground" in shown
    monkeypatch.setattr("core.data.leakage.split_audit.cached_leaks", lambda dataset: Leaks(pairs[:0], "", 48, 0.0))
    assert "None of 48 patches" in review("--duplicates", how=core).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--make-version", "x"], "--by NAME"),
        (["--labels", "v7"], "The version 'v7' of the labels"),
        (["--import", "nowhere.csv"], "nowhere.csv"),
        (["--also", "nobody"], "There is no run 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(review, arguments, words):
    assert words in review(*arguments, how=core_error)


def test_a_file_that_is_no_review_is_refused(review, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    assert "no UTF-8 text" in review("--import", tmp_path / "x.csv", how=core_error)
    (tmp_path / "y.csv").write_text("id,label\np000,1\n")
    assert "y.csv has no column subject, verdict, by" in review("--import", tmp_path / "y.csv", how=core_error)


def test_training_with_a_version_that_is_not_there_is_refused(run):
    told = core_error(
        "train", run.dataset_path(), "--set", "data.labels=v9", "--checkpoints", run.checkpoints, "--detach"
    )
    assert "The version 'v9' of the labels of tiny.h5 is not there" in told
