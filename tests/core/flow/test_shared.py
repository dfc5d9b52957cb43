"""What runs of one process share: made once, and no more kept than there is room for."""

from core.flow.shared import Shared


def test_of_a_kind_the_newest_are_kept():
    shared, made = Shared(), []
    for key in (1, 2, 1, 3, 1, 2):
        shared.of("kind", key, lambda key=key: made.append(key), most=2)
    assert made == [1, 2, 3, 2]  # 2 was the one not asked for longest when 3 came


def test_results_of_a_known_size_stay_within_the_room():
    shared, made = Shared(room_bytes=100), []

    def of(kind, key, size):
        return shared.within(kind, key, lambda: made.append((kind, key)) or (kind, key), size)

    assert of("a", 1, 60) == ("a", 1) and of("b", 1, 40) == ("b", 1) and of("a", 1, 60) == ("a", 1)
    assert made == [("a", 1), ("b", 1)]
    of("a", 2, 30)  # b's, not asked for longest, makes room
    of("a", 1, 60)
    assert made == [("a", 1), ("b", 1), ("a", 2)]
    of("b", 1, 40)
    assert made[-1] == ("b", 1)


def test_what_is_larger_than_the_room_is_not_kept_and_turns_nothing_out():
    shared, made = Shared(room_bytes=100), []
    shared.within("a", 1, lambda: made.append(1), 100)
    for _ in range(2):
        shared.within("a", 2, lambda: made.append(2), 101)
    shared.within("a", 1, lambda: made.append(1), 100)
    assert made == [1, 2, 2]
