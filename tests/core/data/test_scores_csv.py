"""Probabilities from anybody's CSV: what counts, what is set aside and why, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.data.scores_csv import Columns, column_names, read_scores
from core.errors import FormatError, LabelError


def written(folder: Path, text: str, name: str = "scores.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def rows(n: int = 40, header: str = "ID,label,fold,prob_landslide") -> str:
    return "\n".join([header, *(f"p{i},{int(i % 4 == 0)},{i % 2},{0.9 - 0.02 * i:.3f}" for i in range(n))])


def test_a_plain_table_is_read_as_it_is(tmp_path):
    found = read_scores(written(tmp_path, rows()))
    assert found.table["label"].sum() == 10 and found.table["fold"].tolist() == [0, 1] * 20
    assert found.table["prob"].iloc[0] == 0.9 and not found.drawn and found.aside.empty
    assert found.class_names == ("non_landslide", "landslide")
    assert (found.columns.prob, found.columns.id, found.columns.group) == ("prob_landslide", "ID", None)


def test_a_bom_semicolons_and_decimal_labels_are_understood(tmp_path):
    text = "\ufeff" + rows(header="Image;Label;Fold;Probability").replace(",", ";").replace(";1;", ";1.0;")
    found = read_scores(written(tmp_path, text))
    assert found.table["label"].sum() >= 10 and len(found.table) == 40


def test_folds_keep_their_numbers_and_names_become_numbers(tmp_path):
    gap = read_scores(written(tmp_path, rows().replace(",1,0.", ",2,0.")))
    assert sorted(set(gap.table["fold"])) == [0, 2]
    named = "id,label,fold,prob\na,1,north,0.9\nb,0,south,0.2\nc,0,north,0.1"
    assert read_scores(written(tmp_path, named)).table["fold"].tolist() == [0, 1, 0]


def test_what_cannot_be_judged_is_set_aside_with_its_line(tmp_path):
    bad = ["q1,1,0,1.2", "q2,0,0,", "q4,,0,0.5", ",1,0,0.5", "q5,1,,0.5", "q6,1,0,nan", "q7,1,0,-0.1"]
    found = read_scores(written(tmp_path, "\n".join([rows(), *bad])))
    assert len(found.table) == 40 and len(found.aside) == len(bad)
    assert found.aside["what"].iloc[0] == "scores.csv, line 42"
    whys = " ".join(found.aside["why"])
    for words in ("'1.2' is no probability", "no label", "no id", "in no fold", "'nan'"):
        assert words in whys


@pytest.mark.fault(18)
def test_contradictory_twins_are_all_set_aside_and_equal_ones_count_once(tmp_path):
    found = read_scores(written(tmp_path, rows() + "\np0,0,0,0.3\np1,0,1,0.5"))
    assert "p0" not in set(found.table["id"]) and (found.table["id"] == "p1").sum() == 1
    assert any("contradictory" in note for note in found.notes) and len(found.aside) == 2
    assert found.table.set_index("id").loc["p1", "prob"] == 0.88  # its first row


def test_without_folds_five_are_drawn_and_groups_stay_together(tmp_path):
    text = "\n".join(
        ["id,label,group,probability", *(f"p{i},{int(i % 3 == 0)},g{i // 3},{i / 200:.3f}" for i in range(120))]
    )
    path = written(tmp_path, text)
    found, again = read_scores(path), read_scores(path)
    assert found.drawn and found.table["fold"].nunique() == 5
    assert (found.table.groupby("group")["fold"].nunique() == 1).all()
    assert found.table.equals(again.table) and not found.table.equals(read_scores(path, seed=1).table)


def test_too_few_patches_for_folds_are_said(tmp_path):
    found = read_scores(written(tmp_path, "id,label,prob\na,1,0.9\nb,0,0.1"))
    assert found.table["fold"].tolist() == [0, 0] and any("Folds cannot be drawn" in note for note in found.notes)


def test_names_as_labels_need_a_positive_class(tmp_path):
    text = "id,label,prob\na,slide,0.9\nb,none of it,0.1\nc,slide,0.7"
    with pytest.raises(LabelError, match="positive class"):
        read_scores(written(tmp_path, text))
    found = read_scores(written(tmp_path, text), positive="slide")
    assert found.table["label"].tolist() == [1, 0, 1] and found.class_names[1] == "slide"


def test_a_third_label_is_refused_and_numbers_other_than_0_and_1_need_the_positive_one(tmp_path):
    with pytest.raises(LabelError, match="Found: 0, 1, 7"):
        read_scores(written(tmp_path, rows() + "\nq3,7,0,0.5"))
    other = written(tmp_path, rows().replace(",0,", ",2,"))
    with pytest.raises(LabelError, match="Found: 1, 2"):
        read_scores(other)
    assert read_scores(other, positive="1").table["label"].sum() == 10


@pytest.mark.parametrize(("factor", "shift", "words"), [(100, 0, "percent"), (10, -3, "logits")])
def test_percent_and_logits_are_refused_also_where_some_lie_in_0_to_1(tmp_path, factor, shift, words):
    lines = [f"p{i},{int(i % 4 == 0)},{i / 40 * factor + shift:.3f}" for i in range(40)]
    with pytest.raises(LabelError, match=words):
        read_scores(written(tmp_path, "\n".join(["id,label,prob", *lines])))


def test_tables_of_pandas_excel_and_germans_are_read(tmp_path):
    plain = rows()
    index = "\n".join(f"{n - 1 if n else ''},{line}" for n, line in enumerate(plain.splitlines()))
    german = "sep=;\n" + plain.replace(",", ";").replace("0.", "0,")
    spaced = rows(header="Image ID,Label,Fold,Prob. (landslide)")
    for text in (index, german, spaced):
        found = read_scores(written(tmp_path, text))
        assert found.table["prob"].tolist() == read_scores(written(tmp_path, plain)).table["prob"].tolist()
        assert found.aside.empty


def test_a_class_that_is_set_aside_whole_is_refused(tmp_path):
    with pytest.raises(LabelError, match="All 2 patches of the class 'landslide'"):
        read_scores(written(tmp_path, rows(8).replace(",1,0,", ",1,,")))


def test_columns_can_be_named(tmp_path):
    path = written(tmp_path, "key,truth,first,second\na,1,0.9,0.3\nb,0,0.2,0.4\nc,1,0.8,0.1\nd,0,0.1,0.2")
    assert column_names(path) == ("key", "truth", "first", "second")
    with pytest.raises(FormatError, match="no column of probabilities"):
        read_scores(path)
    found = read_scores(path, Columns(id="key", prob="second"))
    assert found.table["prob"].tolist() == [0.3, 0.4, 0.1, 0.2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("id,label,prob\n", "no rows"),
        ("id,prob\na,0.5", "no column 'label'"),
        (b"PK\x03\x04\x00\x00", "not"),
        (b"id,label,prob\na,1,\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_no_such_table_is_refused_in_words(tmp_path, content, words):
    with pytest.raises((FormatError, LabelError), match=words):
        read_scores(written(tmp_path, content))


def test_nothing_left_is_refused_with_the_first_reason(tmp_path):
    with pytest.raises(LabelError, match="no probability"):
        read_scores(written(tmp_path, "id,label,prob\na,1,3\nb,0,-1"))


def test_the_real_zindi_probabilities():
    root = os.environ.get("LANDSLIDE_REAL_DATA")
    if not root:
        pytest.skip("LANDSLIDE_REAL_DATA is not set: the real out-of-fold probabilities are not here.")
    found = read_scores(Path(root) / "zindi-train-band-statistics" / "oof_eva_7th_place_all_folds.csv")
    assert (len(found.table), int(found.table["label"].sum())) == (7146, 1255)
    assert sorted(set(found.table["fold"])) == [0, 1, 2, 3, 4] and found.aside.empty
    assert np.isclose(found.table["prob"].max(), 1.0, atol=0.01)
