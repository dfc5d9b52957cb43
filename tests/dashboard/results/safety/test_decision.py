"""A safety target as a decision: where landslides are rarer, in money or time, and as a file."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from core.evaluate.risk_control import Target
from dashboard.results.safety import decision, target
from dashboard.results.safety.decision import Inspections
from dashboard.results.safety.target import Wish
from tests.dashboard.results.made import made_predictions

MADE = made_predictions(n=3000, seed=4)
OWN = 0.25


def wish(kind="missed_per_1000", limit=20.0, share=OWN, accept=None):
    return Wish(Target(kind, limit), share, share == OWN, accept, 1.0)


@pytest.mark.parametrize("wanted", [wish(), wish("miss_rate", 0.1), wish(limit=4.0, share=0.05),
                                    wish("miss_rate", 0.1, 0.05)])  # fmt: skip
def test_what_is_promised_and_inspected_is_what_the_threshold_does(wanted):
    answer = target.answer_to(MADE, wanted)
    found, called = answer.found, MADE.probs >= answer.found.rule.threshold
    recall, alarms = called[MADE.labels == 1].mean(), called[MADE.labels == 0].mean()
    assert found.inspect[0] == pytest.approx(1000 * (wanted.share * recall + (1 - wanted.share) * alarms))
    assert found.inspect[1] < found.inspect[0] < found.inspect[2]
    assert found.inspect[0] + found.cleared == pytest.approx(1000)
    missed = 1 - recall if wanted.in_share else 1000 * wanted.share * (1 - recall)
    assert missed < found.missed_most <= wanted.target.limit + 1e-9
    assert f"inspect {found.inspect[0]:.0f} of every 1,000" in found.promise("scar")
    # the curve passes through the point that is chosen
    scale = 100 if wanted.in_share else 1
    row = answer.path[answer.path["threshold"] == found.rule.threshold].iloc[0]
    assert row["inspect"] == pytest.approx(found.inspect[0])
    assert row["most"] == pytest.approx(scale * found.missed_most, rel=1e-6)
    assert (answer.path["inspect"].diff().dropna() <= 1e-9).all()


def test_fewer_landslides_need_fewer_inspections():
    usual, rare = (target.answer_to(MADE, wish(limit=4.0, share=share)).found for share in (0.05, 0.01))
    assert rare.inspect[0] < usual.inspect[0] and rare.rule.threshold > usual.rule.threshold


def test_where_all_may_be_missed_nothing_is_inspected():
    assert target.answer_to(MADE, wish(limit=20.0, share=0.01)).wanted is None


def test_a_target_that_cannot_be_promised_names_the_smallest_that_can():
    answer = target.answer_to(MADE, wish(limit=0.1))
    assert answer.found is None and "cannot be promised" in answer.reason
    words = decision.smallest(answer.path, False, "land_slide")
    least = float(words.split(" is ")[1].split(" land")[0])
    assert "land\\_slide patches per 1,000" in words
    assert target.answer_to(MADE, wish(limit=least)).found is not None
    assert target.answer_to(MADE, wish(limit=least - 0.2)).found is None
    assert decision.smallest(answer.path.head(0), False, "x") == ""


def test_accepted_alarms_are_neither_inspected_nor_cleared():
    found = target.answer_to(MADE, wish(accept=20.0)).found
    assert found.rule.accepted.value > 0
    assert found.inspect[0] + found.cleared + found.rule.accepted.value == pytest.approx(1000)
    assert "accepted automatically" in found.promise("scar")


def test_costs_are_time_or_money_for_the_patches_that_are_screened():
    assert Inspections(2.0, "minutes", 1000).words(568) == "18 h 56 min"
    assert Inspections(1.5, "EUR", 20_000).words(100) == "3,000 EUR"
    assert Inspections(1.5, "EUR", 20_000).price(100) == pytest.approx(3000)


def test_the_file_says_what_was_decided_and_on_what_it_rests():
    made = replace(MADE, n_models=5)
    found = target.answer_to(made, wish()).found
    kept = decision.record(found, Inspections(2.0, "minutes", 5000), made, "run", "data")
    back = json.loads(decision.as_json(kept))
    assert back == json.loads(json.dumps(kept)) and back["run"] == "run" and back["dataset"] == "data"
    assert back["target"] == {"kind": "missed_per_1000", "at_most": 20.0, "confidence": 0.95}
    assert back["threshold"] == found.rule.threshold and back["accept_from"] is None
    assert "inspect at least" in back["promise"] and "all 5 models clear it" in back["assumes"]
    assert back["inspection"]["total"] == pytest.approx(2 * 5 * found.inspect[0], abs=0.01)
    assert (back["n"], back["n_landslides"]) == (3000, 750) and back["models_that_must_agree"] == 5
    row = decision.as_table(kept)
    assert len(row) == 1 and row["target_at_most"][0] == 20.0
    assert row["inspect_per_1000_interval_low"][0] < row["inspect_per_1000"][0]


def test_a_threshold_above_every_patch_is_a_file_too():
    made = made_predictions(n=3000, seed=4)
    table = made.table.assign(label=(np.arange(3000) < 5).astype(int), group="")
    rare = replace(made, key="rare", table=table)
    found = target.answer_to(rare, Wish(Target("missed_per_1000", 20), 5 / 3000, True, None, 1.0)).found
    assert math.isinf(found.rule.threshold) and found.inspect[0] == 0
    kept = decision.record(found, Inspections(1.0, "EUR", 10), rare, "", "")
    assert json.loads(decision.as_json(kept))["threshold"] is None
