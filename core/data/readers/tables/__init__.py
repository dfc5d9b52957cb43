"""Tables that other people wrote: their text, their labels, their names of files, places and dates.

The CSVs of labels, of scores and of inventories are read with the same rules.
"""

from core.data.readers.tables.labels import (
    DEFAULT_CLASSES,
    LANDSLIDE,
    NO_LABELS,
    LabelRule,
    label_key,
    label_rule,
    positive_name,
    refuse_lost_class,
)
from core.data.readers.tables.numbers import NO_VALUE, as_number, is_empty, typed_column
from core.data.readers.tables.text import UNNAMED, Table, read_table

__all__ = [
    "DEFAULT_CLASSES",
    "LANDSLIDE",
    "NO_LABELS",
    "NO_VALUE",
    "UNNAMED",
    "LabelRule",
    "Table",
    "as_number",
    "is_empty",
    "label_key",
    "label_rule",
    "positive_name",
    "read_table",
    "refuse_lost_class",
    "typed_column",
]
