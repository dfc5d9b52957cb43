"""What is asked of the warm processes is asked once, and again when the fold has changed."""

import time

import pytest

from core.errors import RunError
from dashboard.balance import model_queries
from dashboard.balance.model_queries import Endpoints
from dashboard.jobs import model_client


class Echo:
    """Gives every question back."""

    def __init__(self):
        self.asked = []

    def ask(self, request):
        self.asked.append(request)
        return request


@pytest.fixture
def echo(monkeypatch):
    echo = Echo()
    monkeypatch.setattr(model_client, "models", lambda: echo)
    return echo


def test_an_answer_is_kept_until_the_fold_changes(studio, echo):
    run = studio.add_run(studio.add_dataset())
    ends = Endpoints(1, "b", "a", (0.25,), True)
    for _ in range(2):
        answer = model_queries.interpolation(run, ends)
        graph = model_queries.neighbours(run, 1, "a", 5, 3)
    wanted = {"fold": 1, "neighbour": "b", "anchor": "a", "extra": (0.25,), "crossing": True}
    assert answer == {"do": "interpolation", "run": str(run.path), **wanted}
    assert graph["do"] == "neighbours" and (graph["patch"], graph["k"], graph["second"]) == ("a", 5, 3)
    assert len(echo.asked) == 2
    run.write_status(message="A job of this run makes progress.")
    model_queries.interpolation(run, ends)
    assert len(echo.asked) == 2
    (run.fold_path(1) / "fold.json").write_text("{}", encoding="utf-8")
    model_queries.interpolation(run, ends)
    assert len(echo.asked) == 3


def test_positions_never_wait_and_a_failure_is_a_sentence(studio):
    run = studio.add_run(studio.add_dataset())
    model_client.projections().close()  # another test of this process may have left it warm
    try:
        assert model_queries.positions(run, 99, [[0.0]]) is None, "the process is only starting"
        with pytest.raises(RunError, match="fold"):
            for _ in range(6000):
                model_queries.positions(run, 99, [[0.0]])
                time.sleep(0.02)
    finally:
        model_client.projections().close()
