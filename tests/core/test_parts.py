"""Parts of a job in this process: one after the other, their shares added up, nothing left running."""

import pytest

from core.errors import DataError
from core.parts import Done, Part, ThisProcess, done_by, executor, together
from core.progress import Progress, drain


def part(name, seen, value=None, error=None):
    def here():
        try:
            yield Progress(0.5, f"{name} half way.")
            if error:
                raise error
            return value
        finally:
            seen.append(name)

    return Part(name, here, "nowhere:nothing", {})


def test_all_parts_are_done_in_their_order_and_their_shares_add_up():
    seen, told = [], []
    assert drain(together([part("a", seen, 1), part("b", seen, 2)]), told.append) == [1, 2]
    assert seen == ["a", "b"] and [step.share for step in told] == [0.25, 0.75]


def test_the_first_error_ends_the_others():
    seen = []
    with pytest.raises(DataError, match="no"):
        drain(together([part("a", seen, error=DataError("no")), part("b", seen)]))
    assert seen == ["a"]


def test_an_error_for_the_user_is_the_part_s_and_the_next_is_done():
    seen = []
    told = list(ThisProcess().map([part("a", seen, error=DataError("no")), part("b", seen, 2)]))
    assert [said for _, said in told if isinstance(said, Done)][1] == Done(2)
    assert str(told[1][1].error) == "no" and seen == ["a", "b"]


def test_a_fault_of_the_program_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        list(ThisProcess().map([part("a", [], error=ZeroDivisionError())]))


def test_steps_that_are_closed_leave_nothing_half_done():
    seen = []
    steps = together([part("a", seen), part("b", seen)])
    next(steps)
    steps.close()
    assert seen == ["a"]


def test_whoever_was_chosen_does_the_parts_until_the_end_of_the_block():
    class Other(ThisProcess):
        pass

    with done_by(other := Other()):
        assert executor() is other
    assert type(executor()) is ThisProcess


def test_no_parts_are_done_at_once():
    assert drain(together([])) == []
