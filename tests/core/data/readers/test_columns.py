"""A table of numbers becomes a dataset of one-pixel bands; what is no number, no id or no label is said."""

import numpy as np
import pytest

from core.data.readers import ReaderOptions, ingest, iterate_patches, recognise
from core.data.store import open_dataset
from core.errors import ConfigError, FormatError
from core.progress import drain

TABLE = """ID,label,red mean,slope,sensor,scene
a,1,100.5,30,S2,x
b,0,90,,S2,x
c,0,80.25,5,S1,y
d,1,110,45,S2,y
"""


def table(folder, text=TABLE, name="t.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def made(source, **options):
    report = drain(ingest(None, source, source.parent / "out.h5", ReaderOptions(**options)))
    return report, open_dataset(report.dataset)


def test_columns_of_numbers_are_bands_of_one_pixel_and_text_stays_beside(tmp_path):
    assert recognise(table(tmp_path)) == "columns"
    report, data = made(tmp_path / "t.csv")
    assert not report.rejected and data.shape == (2, 1, 1) and not data.has_pictures
    assert data.band_names == ("red mean", "slope") and data.ids.tolist() == ["a", "b", "c", "d"]
    assert data.labels.tolist() == [1, 0, 0, 1]
    expected = np.array([[100.5, 30], [90, np.nan], [80.25, 5], [110, 45]], np.float32)
    assert np.array_equal(data.images()[:, :, 0, 0], expected, equal_nan=True)
    assert data.columns["sensor"].tolist() == ["S2", "S2", "S1", "S2"]


def test_groups_and_chosen_columns_are_taken_by_name(tmp_path):
    _, data = made(table(tmp_path), group_column="scene", bands="slope")
    assert data.groups.tolist() == ["x", "x", "y", "y"] and data.band_names == ("slope",)
    for wrong, text in (("sensor", "hold text, not numbers"), ("nir", "no column nir")):
        with pytest.raises(FormatError, match=text):
            made(tmp_path / "t.csv", bands=wrong)


def test_rows_that_cannot_be_told_apart_are_set_aside_with_their_line(tmp_path):
    report, data = made(table(tmp_path, TABLE + "a,0,1,1,S2,x\n"))
    assert data.ids.tolist() == ["b", "c", "d"]
    assert [one.file for one in report.rejected] == ["t.csv, line 2", "t.csv, line 6"]


def test_a_table_without_labels_can_be_predicted_and_says_so(tmp_path):
    source = table(tmp_path, "id,a,b\np,1,2\nq,3,4\n")
    report, data = made(source)
    assert data.labels.tolist() == [-1, -1] and any("no column of labels" in text for text in report.warnings)
    bands, batches = iterate_patches(source)
    assert [band.name for band in bands] == ["a", "b"]
    ((ids, images),) = batches
    assert ids.tolist() == ["p", "q"] and images[:, :, 0, 0].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,label\na,1\nb,0\n", "0 columns of numbers"),
        ("x,y\n1,2\n3,4\n", "no column 'id'"),
        ("id,label," + ",".join(f"c{i}" for i in range(513)) + "\na,1" + ",1" * 513 + "\n", "513 columns of numbers"),
    ],
)  # fmt: skip
def test_what_is_no_such_table_is_refused_in_words(tmp_path, text, said):
    with pytest.raises(FormatError, match=said):
        made(table(tmp_path, text))


def test_options_of_pictures_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no pictures"):
        made(table(tmp_path), tile=16)
