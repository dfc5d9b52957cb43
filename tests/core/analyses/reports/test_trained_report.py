"""The report of a run that was really trained: its sections read what training and analyses leave behind."""

from core.analyses.reports.given import Given
from core.analyses.reports.run import attention, bands, cost, front, projection, reproduce, scores, splits
from core.report.parts import Code, Figure, Missing, Section
from core.report.recipe import overrides_of


def parts(section, kind):
    return [part for part in section.parts if isinstance(part, kind)]


def test_sections_of_a_trained_run_are_made(trained_run):
    given = Given.of(trained_run)
    assert given.data is not None and not given.no_data and len(given.labels) == len(given.pred)
    for module in (splits, scores, projection, bands, cost, reproduce):
        section = module.made(given)
        assert isinstance(section, Section), section
        assert section.message and section.anchor == module.ANCHOR
    assert front.made(given).headline.startswith("Of 100 landslide patches it finds ")


def test_attention_is_shown_with_the_words_that_nobody_checked_it(trained_run):
    section = attention.made(Given.of(trained_run))
    assert isinstance(section, Section) and "have not been checked" in section.message
    assert "explain" in section.parts[0].text and section.parts[0].kind == "warning"


def test_the_command_of_the_report_gives_the_run_again(trained_run):
    section = reproduce.made(Given.of(trained_run))
    config = trained_run.config()
    name, settings = overrides_of(config)
    command = parts(section, Code)[0].text
    assert f"--preset {name}" in command and all(one.partition("=")[0] in command for one in settings)
    assert config.hash() in str(section.parts)
    assert parts(section, Figure), "the process is drawn"


def test_a_changed_dataset_shows_no_patch(trained_run_copy):
    import json

    run = trained_run_copy
    record = json.loads((run.path / "provenance.json").read_text())
    record["dataset"]["content_hash"] = "0" * 64
    run.write_json("provenance.json", record)
    given = Given.of(run)
    assert given.data is None and "has changed" in given.no_data
    from core.analyses.reports.run import data, errors

    assert isinstance(data.made(given), Missing) and isinstance(errors.made(given), Missing)
