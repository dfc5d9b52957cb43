"""The record of answers holds one row an epoch, none twice, within its bound."""

import numpy as np
import pytest

from core.flow import epoch_record
from core.flow.epoch_record import EpochRecord
from core.train.loop import EpochResult

VAL, LEARNT = np.array([0, 3]), np.array([1, 4])


def result(epoch, probs=(0.5, 1.0), log_odds=(2.0, np.nan, 9.0), epochs=4):
    more = {"val_probs": np.array(probs), "train_log_odds": np.array(log_odds, np.float32)}
    return EpochResult(epoch, epochs, 0.1, 0.1, 0.5, 0.5, 1e-3, 1.0, 10.0, **more)


def test_each_patch_stands_in_its_row_and_a_sure_answer_stays_a_number():
    record = EpochRecord(6, VAL, LEARNT, None)
    assert record.add(result(1))
    assert record.epoch.tolist() == [1] and record.log_odds.dtype == np.float16
    np.testing.assert_array_equal(record.log_odds[0], [0, 2, np.nan, 60, np.nan, np.nan])  # the third is synthetic


def test_an_epoch_that_is_done_again_replaces_its_own_and_later_ones():
    record = EpochRecord(6, VAL, LEARNT, None)
    for epoch in (1, 2, 3):
        record.add(result(epoch))
    again = EpochRecord(6, VAL, LEARNT, {"epoch": record.epoch, "log_odds": record.log_odds})
    again.add(result(2, probs=(0.2, 0.2)))
    assert again.epoch.tolist() == [1, 2]
    assert again.log_odds[1, 0] == pytest.approx(np.log(0.25), abs=1e-3)


def test_a_long_training_keeps_every_second_epoch_and_the_last(monkeypatch):
    monkeypatch.setattr(epoch_record, "MOST_BYTES", 2 * 6 * 5)  # five rows of six patches
    record = EpochRecord(6, VAL, LEARNT, None)
    changed = [record.add(result(epoch, epochs=9)) for epoch in range(1, 10)]
    assert record.epoch.tolist() == [1, 3, 5, 7, 9] and changed == [True, False] * 4 + [True]
