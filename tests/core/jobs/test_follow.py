"""Watching a job: its progress as sentences, each ended before the next begins."""

import pytest

from core.jobs import follow
from tests.builders import make_dataset, make_run


@pytest.mark.parametrize("message", ["Fold 2 of 3, epoch 2 of 4: loss 0.512", "Drawing the map of fold 1 of 2."])
def test_progress_is_a_sentence_and_so_is_the_time_that_is_left(tmp_path, monkeypatch, message):
    monkeypatch.setattr(follow, "TELL_S", 0)
    run = make_run(tmp_path, make_dataset(tmp_path / "datasets" / "tiny.h5", n=30).path, state="running")
    lines = follow.follow(tmp_path, run)
    assert next(lines) == f"Run {run.name}"
    run.write_json("status.json", run.status() | {"message": message})
    assert next(lines) == f" 40%  {message.rstrip('.')}. About 1 min 35 s left."
