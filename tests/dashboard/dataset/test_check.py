"""Check: asked for with a button, shown with its patches, which are excluded with a way back."""

from __future__ import annotations

import re

from core.analyses.datasets.check import ANALYSIS
from core.data import exclusions
from core.data.exclusions import read_exclusions
from core.data.leakage.split_audit import leaks_path
from core.progress import drain


def opened(open_page):
    """The Dataset page at its Check view."""
    at = open_page("dataset")
    at.session_state["dataset_view"] = "check"
    return at.run()


def checked(studio, open_page, path):
    """The same, after a check."""
    drain(ANALYSIS.start(studio.dataset_target(path)))
    return opened(open_page)


def test_opening_the_view_starts_nothing_and_writes_nothing(studio, open_page):
    path = studio.add_placed()
    at = opened(open_page)
    assert not at.exception and at.subheader[0].value == "This dataset has not been checked yet"
    assert not leaks_path(path).exists() and not (studio.checkpoints / "queue.sqlite").exists()


def test_the_button_starts_a_job_whose_findings_are_shown(studio, open_page):
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
    assert not at.exception and any("2 patches on the exclusion list" in m.value for m in at.markdown)
