"""Check: asked for with a button, shown with its patches, which are excluded with a way back."""

from __future__ import annotations

import re

import pytest

from core.analyses.datasets.check import ANALYSIS
from core.data import exclusions
from core.data.check.report import CheckRow
from core.data.exclusions import read_exclusions
from core.data.leakage.split_audit import leaks_path
from core.data.store import open_dataset
from core.progress import drain
from dashboard.dataset import check as view


def opened(open_page):
    """The Dataset page at its Check view."""
    return open_page("dataset", dataset_view="check")


def checked(studio, open_page, path):
    """The same, after a check."""
    drain(ANALYSIS.start(studio.dataset_target(path)))
    return opened(open_page)


def test_opening_the_view_starts_nothing_and_writes_nothing(studio, open_page):
    path = studio.add_placed()
    at = opened(open_page)
    assert not at.exception and at.header[0].value == "This dataset has not been checked yet"
    assert not leaks_path(path).exists() and not (studio.checkpoints / "queue.sqlite").exists()


def test_the_button_starts_a_job_whose_findings_are_shown(studio, open_page, workers):
    path = studio.add_placed(doubled=True)
    at = opened(open_page)
    at.button(key="empty_Check the dataset").click().run()
    assert not at.exception and studio.answered(studio.dataset_target(path), ANALYSIS.name)["state"] == "succeeded"
    at.run()
    assert not at.exception and any("to review; training is possible" in w.value for w in at.warning)


def test_pairs_are_shown_and_what_is_selected_is_excluded_with_a_way_back(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = checked(studio, open_page, path)
    assert not at.exception and any("to review" in w.value for w in at.warning)
    place = next(i for i, words in enumerate(at.selectbox(key="check_row").options) if "more than once" in words)
    at.selectbox(key="check_row").select_index(place).run()
    assert not at.exception and any("2 pairs, page 1 of 1" in c.value for c in at.caption)
    at.checkbox(key="check_out_identical_P000_P060").check().run()
    at.button(key=f"check_{place}_exclude").click().run()
    assert not at.exception and "1 patches excluded" in at.success[0].value
    table = read_exclusions(path)
    assert table["id"].tolist() == ["P060"] and table["reason"].tolist() == ["Patches occur more than once"]
    at.button(key="exclusions_undo_last").click().run()
    assert not at.exception and not len(read_exclusions(path))


def test_after_a_change_the_earlier_findings_stay_until_somebody_checks_again(studio, open_page):
    path = studio.add_placed(doubled=True)
    at = checked(studio, open_page, path)
    assert not any("before the last change" in c.value for c in at.caption)
    exclusions.add(path, ["P060"], "a copy")
    at.run()
    assert not at.exception and any("before the last change" in c.value for c in at.caption)
    at.button(key="check_again").click().run()
    assert studio.answered(studio.dataset_target(path), ANALYSIS.name)["state"] == "succeeded"
    at.run()
    assert not at.exception and not any("before the last change" in c.value for c in at.caption)


def test_names_that_try_to_be_markup_are_shown_as_written(studio, open_page):
    run = studio.add_hostile()
    at = checked(studio, open_page, run.dataset_path())
    assert not at.exception
    for element in (*at.caption, *at.markdown, *at.warning, *at.info, *at.success):
        assert not re.search(r"(?<!\\)(<img|\]\(javascript|!\[o)", element.value), element.value


def test_excluded_patches_are_told_on_the_train_page(studio, open_page):
    path = studio.add_placed()
    exclusions.add(path, ["P003", "P004"], "a reason")
    at = open_page("train")
    assert not at.exception and any("2 patches on the exclusion list" in m.value for m in (*at.markdown, *at.caption))


def test_a_share_is_of_what_the_number_counts():
    """78 of 329 patches are 23.7%, whatever share of all their values is meant."""
    row = CheckRow("warning", "Odd values", "", 78, 0.05, "Look.", tuple(map(str, range(78))), share_of="values")
    assert view._item(row, 329) == "- **Odd values** (78, 23.7%, 5.0% of all values). Look\\."
    plain = CheckRow("warning", "Doubles", "", 78, 78 / 329, "Look.")
    assert view._item(plain, 329) == "- **Doubles** (78, 23.7%). Look\\."
    assert view.share_of_count(row, 329) == view.share_of_count(plain, 329) == 78 / 329


def test_every_finding_of_a_real_check_has_the_share_of_its_count(studio):
    path = studio.add_placed(doubled=True)
    drain(ANALYSIS.start(studio.dataset_target(path)))
    report = ANALYSIS.read(studio.dataset_target(path)).report
    n = len(open_dataset(path))
    rows = [row for row in report.rows if row.ids and row.n == len(row.ids)]
    assert rows
    for row in rows:
        assert view.share_of_count(row, n) == pytest.approx(row.n / n), row.what
