"""What is wrong with a submission is told in plain words, and what a run writes is found to be right."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.predict.patches import Answer
from core.predict.submission import expected, expected_of, faults_of, write_submission
from tests.command_line import core, core_json

TEST = b"ID\nID_A\nID_B\nID_A\nID_C\n"  # ID_A twice, as the real Test.csv lists one id
GOOD = "ID,label\nID_A,1\nID_B,0\nID_A,1\nID_C,0\n"
WANTED = expected(TEST, None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("ID,label", "id,label"), "The header is id,label; it must be ID,label"),
        (("ID,label\n", ""), "There is no header"),
        (("ID_C,0\n", ""), "There are 3 rows; Test.csv lists 4, ID_A among them twice."),
        (("ID_C,0", "ID_D,0"), "1 id is missing (first: ID_C)."),
        (("ID_C,0", "ID_D,0"), "1 id is not in Test.csv (first: ID_D)."),
        (("ID_C,0\n", "ID_C,0\nID_C,0\n"), "1 id is listed too often (first: ID_C)."),
        (
            ("ID_B,0\nID_A,1", "ID_A,1\nID_B,0"),
            "The order differs from Test.csv, first in row 2: ID_A stands where ID_B",
        ),
        (("ID_C,0", "ID_C,0.7"), "1 row has a label other than 0 or 1 (first: '0.7', line 5). Submit decisions"),
        (("ID_B,0", "ID_B,"), "1 row has a label other than 0 or 1 (first: '', line 3)."),
        (("ID_B,0\nID_A,1", "ID_B,0\nID_A,0"), "1 id is listed with two different labels (first: ID_A)."),
        (("ID_B,0", "ID_B,0,9"), "1 row has not exactly two cells, an id and a label (first: line 3)."),
    ],
)
def test_each_fault_is_told(change, told):
    found = faults_of(GOOD.replace(*change, 1).encode(), WANTED)
    assert any(told in sentence for sentence in found), found


def test_a_file_that_is_no_table_is_told_before_its_rows():
    assert faults_of(GOOD.encode(), WANTED) == [] == faults_of(b"\xef\xbb\xbf" + GOOD.encode(), WANTED)
    assert "separated by semicolons" in faults_of(GOOD.replace(",", ";").encode(), WANTED)[0]
    assert "not text in UTF-8" in faults_of("ID,label".encode("utf-16"), WANTED)[0]
    assert faults_of(b"\n\n", WANTED) == ["The file is empty."]


def test_the_sample_gives_the_header_and_where_it_is_alone_the_order():
    sample = b"ID,Target\nID_A,0\nID_B,0\n"
    assert expected(TEST, sample).header == ("ID", "Target") and expected(TEST, sample).order == WANTED.order
    alone = expected(None, sample)
    assert alone.order == ("ID_A", "ID_B") and alone.source == "SampleSubmission.csv"
    assert expected(None, None).order is None
    assert faults_of(b"ID,Target\nID_A,0\nID_B,1\n", alone) == []


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_written_has_no_fault_whatever_is_listed_twice(tmp_path_factory, listed, with_sample):
    folder = tmp_path_factory.mktemp("zindi")
    (folder / "Test.csv").write_text("ID\n" + "".join(f"ID_{i}\n" for i in listed))
    if with_sample:
        (folder / "SampleSubmission.csv").write_text("ID,Target\nID_0,0\n")
    ids = np.array([f"ID_{i}" for i in range(6)])
    answer = Answer(ids, np.full(6, 0.5), (np.arange(6) % 2).astype(np.int8), 0.5, "fc", np.full((1, 6), 0.5))
    write_submission(folder / "s.csv", answer, folder)
    assert faults_of((folder / "s.csv").read_bytes(), expected_of(folder)) == []


def test_the_command_fails_where_anything_is_wrong(tmp_path):
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "bad.csv").write_text(GOOD.replace("ID_C,0", "ID_C,0.3"))
    (tmp_path / "Test.csv").write_bytes(TEST)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("zindi/Test.csv", TEST)
    for against in (tmp_path, tmp_path / "Test.csv", tmp_path / "z.zip"):
        assert core_json("check-submission", tmp_path / "good.csv", against)["faults"] == []
    told = core("check-submission", tmp_path / "bad.csv", tmp_path, check=False)
    assert told.returncode == 1 and "Submit decisions, not probabilities." in told.stdout
