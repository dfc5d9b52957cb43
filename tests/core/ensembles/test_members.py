"""Members on one table: by id, with labels that agree, and with what is doubtful about their folds said."""

import numpy as np
import pytest

from core.ensembles.members import join, read_members
from core.errors import ConfigError, LabelError, RunError
from tests.builders import make_dataset
from tests.core.ensembles.made import add_run, labels_of, leaning, write_csv

N = 60


@pytest.fixture
def run(tmp_path):
    labels = labels_of(N)
    return add_run(tmp_path, {"svm": leaning(labels, 1, 1), "fc": leaning(labels, 1, 2)}, labels)


def joined(tmp_path, *asked, dataset=None):
    return join(read_members([str(one) for one in asked], tmp_path), dataset)


def test_members_meet_by_id_whatever_their_order(tmp_path, run):
    labels, order = labels_of(N), np.random.default_rng(0).permutation(N)
    probs = leaning(labels, 2, 3)
    path = write_csv(tmp_path / "eva.csv", probs[order], [f"p{i}" for i in order], label=labels[order])
    found = joined(tmp_path, run.name, path)
    assert found.ids.tolist() == [f"p{i}" for i in range(N)] and found.labels.tolist() == labels.tolist()
    assert found.probs[1] == pytest.approx(probs) and found.probs[0] == pytest.approx(leaning(labels, 1, 1))
    assert found.class_names == ("other", "landslide") and found.folds_of == f"{run.name}:svm"
    assert found.same_folds == (True, None) and "its folds are not known" in found.notes[-1]


def test_patches_that_one_does_not_answer_for_are_left_out_and_named(tmp_path, run):
    ids = [f"p{i}" for i in range(3, N)] + ["stranger"]
    path = write_csv(tmp_path / "eva.csv", np.linspace(0.1, 0.9, len(ids)), ids, fold=np.arange(len(ids)) % 3)
    found = joined(tmp_path, run.name, path)
    assert len(found.ids) == N - 3
    words = " ".join(found.notes)
    assert "eva answers for 1 patch whose label nobody names (stranger)" in words
    assert "eva has no answer for 3 patches (p0, p1, p2)" in words


def test_folds_that_differ_are_known(tmp_path, run):
    labels = labels_of(N)
    same = write_csv(tmp_path / "same.csv", leaning(labels, 1, 5), fold=np.array(["c", "a", "b"])[np.arange(N) % 3])
    other = write_csv(tmp_path / "other.csv", leaning(labels, 1, 6), fold=np.arange(N) % 4)
    found = joined(tmp_path, run.name, same, other)
    assert found.same_folds == (True, True, False) and not found.notes


def test_folds_that_part_a_group_are_told(tmp_path):
    labels, groups = labels_of(N), [f"g{i // 3}" for i in range(N)]
    run = add_run(tmp_path, {"svm": leaning(labels, 1, 1)}, labels, folds=np.arange(N) // 3 % 3, groups=groups)
    path = write_csv(tmp_path / "eva.csv", leaning(labels, 1, 2), fold=np.arange(N) % 3)
    found = joined(tmp_path, run.name, path)
    assert found.groups is not None and len(found.notes) == 1
    assert "its folds part 20 of 20 groups" in found.notes[0]


def test_without_a_run_labels_come_from_a_csv_or_a_dataset_and_folds_are_drawn(tmp_path):
    labels = labels_of(N)
    first = write_csv(tmp_path / "a.csv", leaning(labels, 1, 1), label=labels)
    second = write_csv(tmp_path / "b.csv", leaning(labels, 1, 2))
    found = joined(tmp_path, first, second)
    assert found.labels.tolist() == labels.tolist() and found.folds_of == "" and len(set(found.fold_of)) == 5
    data = make_dataset(tmp_path / "d.h5")
    rows = np.flatnonzero(data.labels >= 0)
    paths = [
        write_csv(tmp_path / f"{k}.csv", np.linspace(0.1, 0.8 + k / 10, len(rows)), data.ids[rows]) for k in (0, 1)
    ]
    found = joined(tmp_path, *paths, dataset=tmp_path / "d.h5")
    assert found.labels.tolist() == data.labels[rows].tolist() and found.dataset_name == data.name
    with pytest.raises(LabelError, match="No member says which patches are positive"):
        joined(tmp_path, *paths)


def test_other_labels_other_patches_and_one_class_are_refused(tmp_path, run):
    labels, probs = labels_of(N), leaning(labels_of(N), 1, 4)
    turned = labels.copy()
    turned[[4, 7]] = 1 - turned[[4, 7]]
    with pytest.raises(LabelError, match=r"eva has other labels for 2 of the 60 shared patches \(first: p4\)"):
        joined(tmp_path, run.name, write_csv(tmp_path / "eva.csv", probs, label=turned))
    with pytest.raises(RunError, match="No patch is answered for by all"):
        joined(tmp_path, run.name, write_csv(tmp_path / "eva.csv", probs, [f"q{i}" for i in range(N)]))
    some = np.flatnonzero(labels == 0)
    with pytest.raises(LabelError, match="have one label"):
        joined(tmp_path, run.name, write_csv(tmp_path / "eva.csv", probs[some], [f"p{i}" for i in some]))
    names = write_csv(tmp_path / "eva.csv", probs, label=np.array(["Other", "LANDSLIDE"])[labels])
    assert joined(tmp_path, run.name, names).labels.tolist() == labels.tolist()
    strange = write_csv(tmp_path / "eva.csv", probs, label=["?x"] * N)
    assert "neither 0 and 1 nor other and landslide" in " ".join(joined(tmp_path, run.name, strange).notes)


def test_heads_and_columns_are_named_and_the_same_answers_twice_are_refused(tmp_path, run):
    found = read_members([run.name, f"{run.name}:fc"], tmp_path)
    assert [one.key for one in found] == [f"{run.name}:svm", f"{run.name}:fc"]
    with pytest.raises(ConfigError, match="is named twice"):
        read_members([run.name, f"{run.name}:svm"], tmp_path)
    with pytest.raises(RunError, match="has no head 'lgbm'. Its heads: svm, fc"):
        read_members([run.name, f"{run.name}:lgbm"], tmp_path)
    with pytest.raises(ConfigError, match="2 to 30 members; 1 were named"):
        read_members([run.name], tmp_path)
    with pytest.raises(RunError, match="There is no run 'nobody'"):
        read_members([run.name, "nobody"], tmp_path)
    probs = leaning(labels_of(N), 1, 9)
    path = write_csv(tmp_path / "two.csv", probs, second=probs[::-1])
    two = read_members([f"{path}:prob", f"{path}:second"], tmp_path)
    assert [one.key for one in two] == ["two_prob", "two_second"]
    (named,) = read_members([run.name, str(write_csv(tmp_path / "stack.csv", probs))], tmp_path)[1:]
    assert named.key == "stack_2"  # the combinations' own names are theirs
    (tmp_path / "b").mkdir()
    both = read_members([str(path), str(write_csv(tmp_path / "b" / "two.csv", probs / 2))], tmp_path)
    assert [one.key for one in both] == ["two", "two_2"]
    run.write_status(state="running")
    with pytest.raises(RunError, match="has not finished"):
        read_members([run.name, str(path)], tmp_path)
