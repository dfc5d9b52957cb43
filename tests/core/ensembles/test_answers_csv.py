"""CSVs of probabilities: read, or refused in a sentence that says what is wrong and where."""

import numpy as np
import pytest

from core.ensembles.answers_csv import read_answers
from core.errors import FormatError, LabelError


def written(path, text):
    path.write_text(text)
    return path


def test_ids_probabilities_folds_and_labels_are_read(tmp_path):
    path = written(tmp_path / "a.csv", "ID,label,fold,prob_landslide,id_uncertain\nA,1,4,0.33,False\nB,0,0,,True\n")
    found = read_answers(path)
    assert found["id"].tolist() == ["A", "B"] and found["fold"].tolist() == ["4", "0"]
    assert found["prob"][0] == 0.33 and np.isnan(found["prob"][1])
    assert found["label"].tolist() == ["1", "0"]


def test_a_column_that_is_named_is_taken_and_an_open_choice_is_refused(tmp_path):
    path = written(tmp_path / "four.csv", "ID,eva,yolo\nA,0.1,0.2\nB,0.9,0.8\n")
    assert read_answers(path, "yolo")["prob"].tolist() == [0.2, 0.8]
    with pytest.raises(FormatError, match=r"several columns that may hold probabilities.*four.csv:COLUMN"):
        read_answers(path)
    with pytest.raises(FormatError, match="no column 'lgbm'"):
        read_answers(path, "lgbm")
    with pytest.raises(FormatError, match="no column of probabilities"):
        read_answers(written(tmp_path / "none.csv", "ID,label\nA,0\n"))


def test_what_predict_writes_is_read(tmp_path):
    path = written(tmp_path / "p.csv", "id,prob,pred,answer,spread,prob_fc,prob_fold_1\nA,0.2,0,no,0,0.7,0.2\n")
    assert read_answers(path)["prob"].tolist() == [0.2] and read_answers(path, "prob_fc")["prob"].tolist() == [0.7]


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ("A,0.1\nA,0.2\nB,0.3", FormatError, r"answers more than once, and differently, for 1 patch: A"),
        ("A,0.1\nB,1.5", LabelError, r"goes beyond 0 to 1 in 1 of 2 rows \(first: 1.5 in line 3.*percent"),
        ("A,10\nB,80", LabelError, "percent: divide them by 100"),
        ("A,-2.5\nB,3.1", LabelError, "scores or logits"),
        ("A,1\nB,0\nC,1", LabelError, "nothing but 0 and 1: labels or decisions"),
        ("A,yes\nB,0.2", LabelError, "holds 'yes' in line 2"),
        (",0.1\nB,0.2", FormatError, r"1 rows without an id \(first: line 2\)"),
        ("A,0.1,7\nB,0.2", FormatError, "1 rows of bad.csv cannot be read, first bad.csv, line 2"),
        ("A,\nB,", LabelError, "is empty"),
        ("A,inf\nB,0.2", LabelError, "inf|goes beyond"),
    ],
)
def test_a_bad_csv_is_a_sentence(tmp_path, rows, error, words):
    with pytest.raises(error, match=words):
        read_answers(written(tmp_path / "bad.csv", f"id,prob\n{rows}\n"))


def test_a_row_that_is_there_twice_with_one_answer_counts_once(tmp_path):
    path = written(tmp_path / "twice.csv", "id,prob\nA,0.1\nB,0.2\nA,0.1\n")
    assert read_answers(path)["id"].tolist() == ["A", "B"]
