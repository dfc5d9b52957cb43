"""Tables of a stranger: what they would take in memory is known before it is taken."""

import resource
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FormatError, UnsafeFileError
from core.io.parquet_file import load_table, save_table, table_note


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.text(), st.integers(-100, 100), st.floats(allow_nan=False), st.none() | st.text())))
def test_a_table_is_read_as_it_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "x.parquet"
    table = pd.DataFrame(rows, columns=["id", "n", "x", "note"]).astype({"n": np.int8, "x": np.float64})
    save_table(path, table)
    pd.testing.assert_frame_equal(load_table(path), pd.read_parquet(path))


def _refused(path, said, kind=UnsafeFileError):
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(kind, match=said) as error:
        load_table(path)
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert time.process_time() - began < 1.0 and used < 300 and "\n" not in str(error.value)


@pytest.mark.fault(25)
def test_a_number_repeated_a_hundred_million_times_is_not_read(tmp_path):
    groups = pa.table({"a": np.zeros(10**7)})
    with pq.ParquetWriter(tmp_path / "x.parquet", groups.schema) as writer:
        for _ in range(10):
            writer.write_table(groups)
    assert (tmp_path / "x.parquet").stat().st_size < 2 * 2**20
    _refused(tmp_path / "x.parquet", "claims 0.7 GiB of values in")


@pytest.mark.fault(25)
def test_a_long_text_repeated_a_million_times_is_not_read(tmp_path):
    texts = pa.DictionaryArray.from_arrays(np.zeros(10**6, np.int32), ["x" * 10**5])
    pq.write_table(pa.table({"id": texts}), tmp_path / "x.parquet", store_schema=False)
    _refused(tmp_path / "x.parquet", "claims 93.1 GiB")


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        ({"a": [[1, 2]]}, {}, "neither numbers nor text"),
        ({"a": [{"b": 1}]}, {}, "neither numbers nor text"),
        ({"a": [b"x"]}, {}, "neither numbers nor text"),
        ({"a": [1]}, {"compression": "gzip"}, "compressed with GZIP"),
    ],
)
def test_what_this_program_does_not_write_is_refused(tmp_path, table, options, said):
    pq.write_table(pa.table(table), tmp_path / "x.parquet", **options)
    _refused(tmp_path / "x.parquet", said, FormatError)


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + b"\xff" * 40 + b"PAR1")
    _refused(tmp_path / "x.parquet", "no parquet table", FormatError)
    (tmp_path / "link").symlink_to("x.parquet")
    _refused(tmp_path / "link", "it is a link")


def test_a_note_of_the_writer_is_kept(tmp_path):
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"k": b"v"}), tmp_path / "x.parquet")
    assert table_note(tmp_path / "x.parquet", b"k") == b"v" and table_note(tmp_path / "x.parquet", b"other") is None
