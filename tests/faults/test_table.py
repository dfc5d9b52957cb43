"""docs/faults.md says what the marks on the tests say, and no line of it is without a test or a removal."""

import pytest

from tests.faults import table
from tests.faults.without import REMOVALS, seen_before


def test_every_line_is_held_by_a_test():
    marked = table.marked()
    assert set(table.LINES) == set(range(1, 38)) == {line for _, lines in table.ROOMS for line in lines}
    assert set(marked) <= set(table.LINES), "a mark names a line that there is not"
    assert not [line for line in table.LINES if line not in marked]


def test_the_table_is_the_one_that_the_marks_make():
    assert table.DOCUMENT.read_text("utf-8") == table.document(), "run: python -m tests.faults.table"


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda one: one.key)
def test_a_removal_fits_the_program_names_a_marked_test_and_was_seen_to_fail(removal):
    text = (table.ROOT / removal.file).read_text("utf-8")
    assert text.count(removal.old) == 1 and removal.new not in (removal.old,)
    assert removal.test in table.marked().get(removal.line, []), "the test that holds it bears the mark of its line"
    facts = seen_before().get(removal.key)
    assert facts is not None and facts["test"] == removal.test, f"python -m tests.faults.without {removal.line}"


def test_every_line_has_a_defence_that_was_taken_out():
    assert {one.line for one in REMOVALS} >= set(table.LINES)
