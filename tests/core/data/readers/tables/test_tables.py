"""Tables of labels as people really write them (FAULTS 18)."""

import numpy as np
import pytest

from core.data.readers.base import Aside
from core.data.readers.tables import as_number, label_rule, positive_name, read_table, typed_column
from core.errors import FormatError, LabelError


def table(tmp_path, content, name="labels.csv"):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    aside = Aside()
    return read_table(tmp_path / name, aside), aside


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    "content",
    [
        "ID,label\na,1\nb,0\n",
        "ID;label\r\na;1\r\nb;0\r\n",
        "ID\tlabel\na\t1\nb\t0",
        "\ufeffID,label\na,1\nb,0\n",
        "\n ID , label \n\n a , 1\nb,0,\n\n",
        '"ID","label"\n"a","1"\n"b","0"\n',
        "ID,label\na,1\nb,0\n".encode("utf-16"),
    ],
)
def test_separators_boms_blanks_and_quotes(tmp_path, content):
    found, aside = table(tmp_path, content)
    assert found.columns == ("ID", "label") and not aside.rejected
    assert [tuple(row.values()) for row in found.rows] == [("a", "1"), ("b", "0")]


@pytest.mark.parametrize(
    "content",
    [
        ",ID,label\n0,a,1\n1,b,0\n",
        "Unnamed: 0,ID,label\n0,a,1\n1,b,0\n",
        "Unnamed: 0.1,Unnamed: 0,ID,label\n0,0,a,1\n1,1,b,0\n",
        '"","ID","label"\n"1","a","1"\n"2","b","0"\n',
        "ID,label\n1,a,1\n2,b,0\n",
        "sep=;\nID;label\na;1\nb;0\n",
        '"sep=;"\r\nID;label\r\na;1\r\nb;0\r\n',
        "\ufeffsep=\t\nID\tlabel\na\t1\nb\t0\n",
        "ID,label,,\na,1,,\nb,0,,\n,,,\n",
        "ID,label\na,1\nID,label\nb,0\n",
        "ID;label\na;1\nb;0\n".encode("utf-16-le"),
        "ID,label\na,1\nb,0\n".encode("utf-16-be"),
    ],
)
def test_what_programs_add_to_a_table_is_left_out(tmp_path, content):
    found, aside = table(tmp_path, content)
    assert found.columns == ("ID", "label") and not aside.rejected
    assert [tuple(row.values()) for row in found.rows] == [("a", "1"), ("b", "0")]


def test_a_column_without_a_name_that_says_something_is_kept(tmp_path):
    found, _ = table(tmp_path, ",label\na1,1\nb1,0\n")
    assert found.columns == ("unnamed", "label") and found.cells("unnamed") == ["a1", "b1"]
    assert table(tmp_path, "ID,,label\na,b,c\n")[0].columns == ("ID", "unnamed", "label")


def test_line_breaks_in_quotes_belong_to_the_cell(tmp_path):
    found, _ = table(tmp_path, 'sep=,\nID,note\na,"one\ntwo, three"\nb,x\n')
    assert found.cells("note") == ["one\ntwo, three", "x"] and found.lines == (4, 5)


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("ID;x\na;0,5\nb;1\nc;\n", ["0.5", "1", ""]),
        ("ID;x\na;1,234\nb;2,5\n", ["1.234", "2.5"]),
        ('ID,x\na,"85,12"\nb,"85,125"\n', ["85.12", "85.125"]),
        ('ID,x\na,"1,234"\nb,"5,678"\n', ["1,234", "5,678"]),
        ("ID;x\na;0,5\nb;0.5\n", ["0,5", "0.5"]),
        ("ID;x\na;0,5\nb;north\n", ["0,5", "north"]),
    ],
)
def test_decimal_commas_become_points_where_a_column_has_no_other_numbers(tmp_path, content, cells):
    assert table(tmp_path, content)[0].cells("x") == cells


def test_columns_are_found_whatever_their_blanks_brackets_and_punctuation(tmp_path):
    found, _ = table(tmp_path, "Image ID,Mask fraction (%)\na,1\n")
    assert found.column("image_id", (), "ids") == "Image ID" and found.has("mask-fraction")
    same, _ = table(tmp_path, "ID,Label,label \na,1,1\n")
    assert same.column(None, ("label",), "labels") in ("Label", "label")
    other, _ = table(tmp_path, "ID,Label,LABEL\na,1,0\n")
    with pytest.raises(FormatError, match="several columns for the labels: Label, LABEL"):
        other.column(None, ("label",), "labels")


def test_a_workbook_is_told_from_a_table(tmp_path):
    with pytest.raises(FormatError, match="is an Excel workbook, not a CSV"):
        table(tmp_path, b"PK\x03\x04rest")


def test_one_column_is_enough(tmp_path):
    assert table(tmp_path, "ID\nx\ny\n")[0].rows == ({"ID": "x"}, {"ID": "y"})


def test_text_that_looks_like_code_stays_text(tmp_path):
    row = table(tmp_path, 'ID,note\na,"=HYPERLINK(""http://x"",1)"\nb,<img onerror=alert(1)>\n')[0].rows
    assert [r["note"] for r in row] == ['=HYPERLINK("http://x",1)', "<img onerror=alert(1)>"]


def test_rows_of_another_length_are_set_aside_with_their_line(tmp_path):
    found, aside = table(tmp_path, "ID,label\na,1\nb\nc,0,9\nd,0\n")
    assert [row["ID"] for row in found.rows] == ["a", "d"]
    assert [(r.file, r.reason) for r in aside.rejected] == [
        ("labels.csv, line 3", "It has 1 cells; the header has 2."),
        ("labels.csv, line 4", "It has 3 cells; the header has 2."),
    ]


@pytest.mark.fault(18)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("ID,label\n", "no rows"),
        ("Landslides of 2019\nID,label\na,1\n", "Is its first line a title"),
        ("ID,ID\na,b\n", "ID occurs twice"),
        (b"ID,label\na\0,1\n", "NUL"),
        (b"ID,label\n\xff\xfa,1\n", "not UTF-8"),
        ("ID,label\n" + '"' + "x" * 200_000 + '",1\n', "not a CSV"),
    ],
)
def test_what_is_no_table_is_told(tmp_path, content, reason):
    with pytest.raises(FormatError, match=f"labels.csv.*{reason}"):
        table(tmp_path, content)
    with pytest.raises(FormatError, match="cannot be opened"):
        read_table(tmp_path / "nowhere.csv", Aside())


def test_columns_are_found_whatever_their_case_or_listed(tmp_path):
    found, _ = table(tmp_path, "id,Label\na,1\n")
    assert found.column("ID", (), "ids") == "id" and found.column(None, ("label",), "labels") == "Label"
    with pytest.raises(FormatError, match="no column 'scene' for the groups. Its columns: id, Label"):
        found.column("scene", (), "groups")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0", 0.0),
        ("1", 1.0),
        ("-2.5e3", -2500.0),
        ("0002", None),
        ("inf", None),
        ("1_000", None),
        ("", None),
        ("०", None),
    ],
)
def test_what_is_a_number(text, value):
    if text != "०":  # a digit of another script is a digit to Python; either answer is harmless
        assert as_number(text) == value


def test_labels_0_and_1_mean_what_they_say_in_any_form():
    rule = label_rule(["0.0", "1.0", "0", "1", ""], None, Aside())
    assert [rule.label(t) for t in ("0.0", "1.0", "0", "1", "", "nan")] == [0, 1, 0, 1, -1, -1]
    assert rule.classes == ("non_landslide", "landslide")
    for wrong in ("2", "yes", "0.5"):
        with pytest.raises(LabelError, match="neither 0 nor 1"):
            rule.label(wrong)


def test_the_positive_number_can_be_0():
    rule = label_rule(["0", "1"], "0", Aside())
    assert [rule.label(t) for t in ("0", "0.0", "1")] == [1, 1, 0]
    with pytest.raises(LabelError, match="positive value '7' is not among the labels: 0, 1"):
        label_rule(["0", "1"], "7", Aside())


def test_a_name_for_the_positive_number_is_kept():
    assert label_rule(["0", "1"], "scar", Aside()).classes == ("not scar", "scar")


def test_named_labels_need_the_positive_name_unless_it_is_landslide():
    rule = label_rule(["slip", "bare", "slip"], "slip", Aside())
    assert rule.classes == ("bare", "slip") and [rule.label(t) for t in ("slip", "bare")] == [1, 0]
    assert label_rule(["Landslide", "aaa"], None, Aside()).classes == ("aaa", "Landslide")
    with pytest.raises(LabelError, match="Found: bare, slip. Say --positive"):
        label_rule(["slip", "bare"], None, Aside())
    with pytest.raises(LabelError, match="None of the labels is called 'x'. Found: bare, slip"):
        label_rule(["slip", "bare"], "x", Aside())
    with pytest.raises(LabelError, match="empty"):
        label_rule(["", "nan"], None, Aside())


def test_more_than_two_names_are_warned_of():
    aside = Aside()
    assert label_rule(["slip", "bare", "water"], "slip", aside).classes == ("not slip", "slip")
    assert aside.warnings == ["The labels bare, water are all taken as not 'slip'."]


def test_landslide_means_exactly_that():
    assert positive_name(["a", "LandSlides"], None, "folders") == "LandSlides"
    for names in (["non_landslide", "slope"], ["landslide_scar", "other"], ["landslide", "landslides"]):
        with pytest.raises(LabelError, match="Which of the folders"):
            positive_name(names, None, "folders")


def test_columns_become_numbers_only_when_all_are():
    assert typed_column(["1", "2"]).dtype == np.int64
    np.testing.assert_array_equal(typed_column(["1", "", "2.5"]), [1.0, np.nan, 2.5])
    assert typed_column(["0002", "0010"]).tolist() == ["0002", "0010"]
    assert typed_column(["1", "x"]).tolist() == ["1", "x"]
    assert typed_column(["", ""]).tolist() == ["", ""]
