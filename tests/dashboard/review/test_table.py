"""What patches are filtered and sorted by: doubts worked out by hand, judgements of several people, columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.data.store import open_dataset
from core.review.entry import Entry
from core.runs.plain_files import write_table
from dashboard import cache
from dashboard.patches import outcomes
from dashboard.review import table as review_table
from tests.dashboard.review.test_issues import keep_issues

OOF = pd.DataFrame(
    {
        "id": ["a", "b", "c"], "label": [1, 0, 1], "fold": [0, 1, 0], "prob_x": [0.5, 0.2, 0.0],
        "pred_x": [1, 0, 0], "prob_y": [0.9, np.nan, 0.0], "pred_y": [1, 0, 0],
    }
)  # fmt: skip


def test_hardness_and_disagreement_are_over_the_heads_that_have_an_answer():
    found = review_table.with_doubts(outcomes.judged(OOF, "x"), OOF)
    assert found["hardness"].tolist() == pytest.approx(
        [-(np.log(0.5) + np.log(0.9)) / 2, -np.log(0.8), -np.log(outcomes.SMALLEST_PROB)]
    )
    assert found["disagreement"].tolist() == pytest.approx([0.2, 0.0, 0.0])


def said(subject: str, by: str, verdict: str, *tags: str) -> Entry:
    return Entry(f"{subject}{by}", "2026-11-29T00:00:00+00:00", by, "patch", subject, verdict, tags=tags)


def test_judgements_of_several_people_and_of_patches_that_the_run_has_not_judged():
    judged = {
        "b": [said("b", "Ada", "not", "road"), said("b", "Bo", "landslide", "lake")],
        "c": [said("c", "Bo", "unsure")],
        "z": [said("z", "Ada", "not")],
    }
    found = review_table.with_judgements(outcomes.judged(OOF, "x"), judged, "Ada")
    assert found["judgement"].tolist() == ["", "differ", "unsure"] and found["mine"].tolist() == ["", "not", ""]
    assert found["tags"].tolist() == [(), ("lake", "road"), ()] and found["judged_by"].tolist() == ["", "Ada, Bo", "Bo"]


def test_nothing_is_judged_and_no_patch():
    empty = review_table.with_judgements(outcomes.judged(OOF, "x").head(0), {}, "")
    assert empty.empty and {"judgement", "mine", "tags", "judged_by"} <= set(empty)


def test_columns_are_values_or_ranges_of_numbers(studio):
    data = open_dataset(studio.add_placed())
    found = review_table.columns_of(data)
    assert {"split", "sensor", "group"} <= set(found) and "source" not in found  # which is the sensor again
    assert set(found["sensor"]) == {"S0", "S1", "S2"} and all(len(v) == len(data) for v in found.values())


def test_what_is_kept_of_decisions_is_made_anew_when_a_file_of_theirs_has_changed(studio):
    run = cache.run(studio.add_run(studio.add_dataset()).path)
    before = review_table.decided(run, "fc")
    assert "issue_rank" not in before
    before["more"] = 1  # the reader's own
    keep_issues(run)
    found = review_table.decided(run, "fc")
    assert "more" not in found and set(found["issue_rank"]) == set(range(1, len(found) + 1))
    oof = run.oof()
    write_table(run.path / "oof.parquet", oof.assign(prob_fc=1 - oof["prob_fc"]))
    np.testing.assert_allclose(review_table.decided(run, "fc")["prob"], 1 - found["prob"])
