"""Tables in parquet files that may have been written by anybody: how much they hold is known before they are read.

Parquet repeats a value in a few bytes: 1.7 MB of it can stand for 12 GB in memory. So rows, columns and the length of
repeated texts are counted first, and only what this program writes is accepted: plain numbers, texts, Snappy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from core.errors import FormatError, UnsafeFileError
from core.io.atomic import make_folder, replacing
from core.io.plain_file import open_plain

ALWAYS_FINE = 256 * 2**20  # bytes in memory; below it a table is not questioned
MAX_RATIO = 64  # bytes in memory / bytes of the file above that; tables of ours have at most 20
MAX_BYTES = 8 * 2**30
MAX_COLUMNS = 2_000
MAX_GROUPS = 20_000
_CODECS = {"SNAPPY", "UNCOMPRESSED"}
_CELL = 8  # bytes of a number; of a text's place


def save_table(path: Path, table: pd.DataFrame, notes: Mapping[bytes, bytes] | None = None) -> None:
    """Write a table as parquet, complete or not at all; its folder is made where it is missing.

    notes: what :func:`table_note` gives back.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    make_folder(path.parent)
    with replacing(path) as partial:
        if notes is None:
            table.to_parquet(partial, index=False, engine="pyarrow")
            return
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **notes}), partial)


def load_table(path: Path) -> pd.DataFrame:
    """The table in the plain file ``path``.

    Raises FormatError for what is no parquet table of numbers and texts, UnsafeFileError for one that would take far
    more memory than its size tells, and what is no plain file (see ``core.io.plain_file``), OSError as it comes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_plain(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            # Texts stay a list of different ones and places in it: repeated ones take no memory yet.
            facts = pq.read_metadata(file)
            _check_facts(facts, size)
            texts = [column.name for column in facts.schema.to_arrow_schema() if _is_text(column.type)]
            file.seek(0)
            table = pq.ParquetFile(file, metadata=facts, read_dictionary=texts, page_checksum_verification=False).read(
                use_threads=False
            )
            _check_texts(table, size)
            plain = pa.table([_plain(column) for column in table.columns], table.column_names)
            return plain.to_pandas(ignore_metadata=True)
        except (UnsafeFileError, FormatError):
            raise
        except (pa.ArrowException, ValueError, TypeError, KeyError, OSError, OverflowError, MemoryError) as error:
            raise FormatError(f"it is no parquet table that can be read ({_first_line(error)})") from error


def table_note(path: Path, key: bytes) -> bytes | None:
    """What the writer of the plain file ``path`` noted under ``key``, or None. Raises as :func:`load_table`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_plain(path) as file:
        try:
            return (pq.read_metadata(file).metadata or {}).get(key)
        except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
            raise FormatError(f"it is no parquet table that can be read ({_first_line(error)})") from error


def _check_facts(facts, size: int) -> None:
    import pyarrow as pa

    schema = facts.schema.to_arrow_schema()
    if facts.num_columns > MAX_COLUMNS or facts.num_row_groups > MAX_GROUPS:
        raise UnsafeFileError(f"it claims {facts.num_columns:,} columns in {facts.num_row_groups:,} groups")
    if len(set(schema.names)) != len(schema.names):
        raise FormatError("two of its columns have the same name")
    for column in schema:
        kind = column.type
        if not (_is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
                or pa.types.is_null(kind) or pa.types.is_timestamp(kind)):  # fmt: skip
            raise FormatError(f"its column {column.name!r:.60} holds {str(kind)[:60]}, neither numbers nor text")
    groups = [facts.row_group(i) for i in range(facts.num_row_groups)]
    if facts.num_rows < 0 or sum(group.num_rows for group in groups) != facts.num_rows:
        raise FormatError("its rows are not as many as it says")
    codecs = {group.column(i).compression for group in groups for i in range(group.num_columns)}
    if codecs - _CODECS:
        raise FormatError(f"it is compressed with {', '.join(sorted(codecs - _CODECS))}; accepted: Snappy")
    _check_memory(facts.num_rows * max(1, facts.num_columns) * _CELL, size)


def _check_texts(table, size: int) -> None:
    """Counts the bytes of texts as if each stood in its own row."""
    import pyarrow as pa
    import pyarrow.compute as pc

    total = table.nbytes
    for column in table.columns:
        for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
            lengths = pc.binary_length(chunk.dictionary)
            longest = pc.max(lengths).as_py() or 0
            if longest * len(chunk) > ALWAYS_FINE // 16:  # the sum itself takes memory: only where it can matter
                total += pc.sum(pc.take(lengths, chunk.indices.drop_null())).as_py() or 0
            else:
                total += longest * len(chunk)
    _check_memory(total, size)


def _check_memory(needed: int, size: int) -> None:
    if needed > min(MAX_BYTES, max(ALWAYS_FINE, MAX_RATIO * size)):
        raise UnsafeFileError(
            f"it claims {needed / 2**30:.1f} GiB of values in {size / 2**20:.1f} MiB of file; at most {MAX_RATIO} "
            "times its size is read"
        )


def _is_text(kind) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or (
        pa.types.is_dictionary(kind) and _is_text(kind.value_type)
    )  # fmt: skip


def _plain(column):
    import pyarrow as pa

    return column.cast(pa.large_string()) if pa.types.is_dictionary(column.type) else column


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
