"""What is kept of a search, and the sentence that it comes down to."""

import pytest

from core.experiments.search.record import Record, settings_words, told
from core.experiments.search.study import Trial
from core.runs.results import ResultFolder
from tests.dashboard.search.made import judgement, part, record


def trial(k, **more):
    return Trial(k, {"train.lr": 0.1}, {"train.lr": 0.1}, **more)


def test_trials_are_there_again_unless_the_data_are_others(tmp_path):
    folder = ResultFolder(tmp_path / "found")
    kept = Record.opened(folder, {"spec": "a"})
    kept.parts = [part() | {"trials": []}]
    kept.put(0, trial(0))
    kept.change(0, trial(0), state="complete", folds=(0.5, float("nan")), value=0.5)
    kept.put(0, trial(1))
    again = Record.opened(folder, {"spec": "a"}).trials(0)
    assert [one.state for one in again] == ["complete", "running"] and again[0].value == 0.5
    assert Record.opened(folder, {"spec": "b"}).parts == []


@pytest.mark.parametrize(
    "judged, said",
    [
        (judgement(), "the search's own number is 0.060 higher [+0.010 to +0.110]"),
        (judgement(kept=0.05), "+0.050 [+0.010 to +0.090] is left."),
        (judgement(kept=0.01), "is left, which may be chance."),
        (judgement((0,)), "No trial was better than the settings as they are."),
        (judgement() | {"inflation": {"value": -0.02, "lo": -0.05, "hi": 0.01}}, "own number is 0.020 lower"),
    ],
)
def test_the_sentence_says_what_is_left(judged, said):
    assert said in told(record("x", None, judged))


def test_before_it_is_judged_the_best_score_is_called_too_high():
    assert "it is too high until it is judged" in told(record("x", None))
    assert told(record("x", [part() | {"trials": []}])) == "No trial has ended yet."


def test_settings_are_short_but_not_too_short():
    words = settings_words({"train.lr": 0.01, "smote.enabled": False, "train.ema_decay": None})
    assert words == "lr 0.01, smote.enabled false, ema_decay none"
