"""Curves of a run, and the predictions that change over its epochs."""

from __future__ import annotations


def test_a_running_run_shows_predictions_over_epochs(studio, open_page):
    studio.add_run(studio.add_dataset(), "running")
    at = open_page("train")
    assert not at.exception and "Predictions over epochs" in [s.value for s in at.header]
    captions = [c.value for c in at.caption if ", now p " in c.value]
    assert len(captions) == 8 and any("✓" in text for text in captions)
    assert any("System" in e.label for e in at.expander)


def test_a_run_of_an_older_program_has_its_curves(studio, open_page):
    run = studio.add_run(studio.add_dataset(), "running")
    for fold in run.path.glob("fold_*"):
        (fold / "samples.parquet").unlink(missing_ok=True)
        run.write_history(int(fold.name[5:]), run.fold_history(int(fold.name[5:])).drop(columns="memory_mib"))
    at = open_page("train")
    assert not at.exception and any("held-out part" in c.value for c in at.caption)
    assert "Predictions over epochs" not in [s.value for s in at.header]
