"""The first sentence of the page, and what a run with few or no synthetic patches offers."""

import shutil

from core.data.store import open_dataset
from core.runs.store import RunFolder
from dashboard.balance import counts, summary


def made(studio, **config):
    dataset = studio.add_dataset()
    run = studio.add_run(dataset)
    if config:
        overrides = [f"smote.{name}={value}" for name, value in config.items()]
        run.write_text("config.json", run.config().with_overrides(overrides).to_json())
    return run, open_dataset(dataset)


def keep_only(run, n):
    """Leave the first fold n synthetic patches, and the others none."""
    for fold in range(len(run.folds()["folds"])):
        lineage = run.smote()
        run.write_smote(fold, lineage[lineage["fold"] == fold].head(n if fold == 0 else 0))


def test_the_sentence_holds_the_numbers_of_the_run(studio):
    run, data = made(studio)
    table = counts.fold_counts(data, run.folds(), run.smote())
    words = summary.sentence(data, run, table)
    landslides, known = table["landslide"].sum(), (table["landslide"] + table["other"]).sum()
    n = len(run.smote())
    assert words.startswith(
        f"{n:,} synthetic landslide patches raise the share of landslide from {landslides / known:.1%} to "
    )
    assert f"{(landslides + n) / (known + n):.1%} in training (3 folds)" in words
    assert words.endswith("none has a parent in the validation part.")


def test_a_leak_is_in_the_sentence(studio):
    run, data = made(studio)
    table = counts.fold_counts(data, run.folds(), run.smote()).assign(leaked=[2, 1, 0])
    assert "3 of them have a parent in the validation part of their fold" in summary.sentence(data, run, table)


def test_few_synthetic_patches_are_called_few_and_a_preview_and_another_run_offered(studio, open_page):
    run, _ = made(studio)
    keep_only(run, 1)
    other = studio.checkpoints / f"{run.name}_other"
    at = open_page("balance", run=run.name)
    assert not at.exception and not at.error and "made only 1 synthetic landslide patch" in at.markdown[0].value
    assert not [b for b in at.button if b.key == "balance_to_run"] and not other.exists()
    at.button(key="balance_to_preview").click().run()
    assert not at.exception and at.session_state["balance_view"] == "preview"


def test_a_run_with_more_is_opened(studio, open_page):
    run, _ = made(studio)
    shutil.copytree(run.path, studio.checkpoints / f"{run.name}_more")
    keep_only(RunFolder(run.path), 1)
    at = open_page("balance", run=run.name)
    button = at.button(key="balance_to_run")
    assert button.label.startswith("Open a run with ")
    button.click().run()
    assert not at.exception and at.session_state["run"] == f"{run.name}_more"


def test_the_leaking_protocol_is_a_warning(studio, open_page):
    made(studio, protocol="before_folds")
    at = open_page("balance")
    assert not at.exception and any("inflated" in w.value for w in at.warning)
