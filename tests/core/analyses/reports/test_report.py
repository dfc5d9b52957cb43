"""A report as a job: the three documents, what each lacks, what is refused, and that names of users stay text."""

import pytest

from core.analyses.reports.report import ANALYSIS, FILE, NAME, kept, read, text_of
from core.errors import ConfigError, RunError
from core.progress import drain
from core.runs.labels import write_label
from core.runs.prevalence import state_prevalence
from tests.builders import make_dataset, make_run
from tests.core.report.test_page import EVIL
from tests.core.report.test_page import read as read_html
from tests.dashboard.predict.conftest import add_map

pytestmark = pytest.mark.usefixtures("jobs_here")

SECTIONS = (
    "data", "splits", "shortcuts", "scores", "calibration", "slices", "errors", "projection", "attention", "bands",
    "labels", "novelty", "limits", "cost", "reproduce",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two finished runs, the first with a scene's map."""
    home = tmp_path_factory.mktemp("reports")
    data = make_dataset(home / "datasets" / "tiny.h5")
    runs = make_run(home, data.path), make_run(home, data.path)
    add_map(runs[0])
    return runs


def report_of(run, **options):
    return drain(ANALYSIS.start(run, options))


def test_the_report_of_a_run_has_every_section_and_names_what_is_missing(made, tmp_path):
    run = made[0]
    state_prevalence(run, 0.05)
    out = tmp_path / "R.html"
    result = report_of(run, out=str(out))
    html = out.read_text()
    assert all(f'id="{anchor}"' in html for anchor in SECTIONS)
    assert result["bytes"] == len(html.encode()) < 4e6 and text_of(run, "run") == html
    lacking = {one["analysis"]: one for one in read(run)["run"]["missing"] if one["analysis"]}
    assert {"dataset_check", "label_issues", "novelty"} <= set(lacking)
    assert (
        lacking["novelty"]["command"] == f"python -m core analyse novelty {run.name}"
        and lacking["novelty"]["command"] in html
    )
    assert "At 50 landslide patches per 1,000, as stated for where it is used" in html
    assert result["message"].startswith("R.html: ") and len(result["warnings"]) == len(result["missing"])


def test_the_first_page_says_what_is_found_and_missed_in_a_hundred(made):
    run = made[1]
    report_of(run)
    html = text_of(run, "run")
    facts = run.summary()["heads"][run.summary()["head"]]
    found = round(100 * facts["recall"])
    assert f"Of 100 landslide patches it finds {found} and misses {100 - found}." in html
    for words in ("How sure is this?", "What was not seen?", "What to do with it", "as in these patches"):
        assert words in html
    assert "It was not tested on another dataset" in html and "no carbon is claimed" not in html.split("In short")[0]


def test_the_report_of_a_scene_is_for_the_officer_on_duty(made):
    run = made[0]
    result = report_of(run, scene="after-1")
    html = text_of(run, result["name"])
    assert result["kind"] == "scene" and "Where to look first: after.tif" in html
    assert "It is never counted as ground without landslides." in html and "data:image/jpeg;base64," in html
    for anchor in ("map", "cells", "polygons", "unseen", "promise", "run", "files"):
        assert f'id="{anchor}"' in html
    assert drain(ANALYSIS.start(run, {"scene": "after"}))["kind"] == "scene", "the beginning of a name is enough"


def test_runs_are_compared_on_the_same_patches(made):
    first, second = made
    result = report_of(first, against=second.name)
    html = text_of(first, result["name"])
    assert result["kind"] == "comparison" and "2 runs compared" in html
    assert "trainings of one recipe" in html or "Differences on the same patches" in html
    assert "has the same settings and data" in html


def test_what_cannot_be_reported_is_refused_before_anything_waits(made, tmp_path):
    first, second = made
    refused = [
        ({"scene": "nowhere"}, RunError, "no map"),
        ({"against": [first.name]}, ConfigError, "with itself"),
        ({"against": ["nobody"]}, RunError, "There is no run 'nobody'"),
        ({"against": [second.name], "scene": "after-1"}, ConfigError, "--scene or --against"),
        ({"out": str(tmp_path / "report.pdf")}, ConfigError, "ends in .html"),
    ]
    for options, kind, words in refused:
        with pytest.raises(kind, match=words):
            ANALYSIS.check(first, ANALYSIS.options(options))


def test_a_run_that_has_not_finished_has_no_report(tmp_path):
    data = make_dataset(tmp_path / "tiny.h5")
    run = make_run(tmp_path, data.path, "failed")
    with pytest.raises(RunError, match="has not finished"):
        ANALYSIS.check(run, ANALYSIS.options({}))
    assert read(run) is None


def test_results_that_cannot_be_read_do_not_take_the_report_along(made):
    run = made[1]
    damaged = run.results("novelty")
    damaged.path.mkdir(parents=True, exist_ok=True)
    (damaged.path / "report.json").write_text('{"faults": 3}')
    result = report_of(run)
    assert any(one["title"] == "Wrong or foreign data" for one in result["missing"])
    (damaged.path / "report.json").unlink()


def test_names_that_users_wrote_stay_text(tmp_path):
    from tests.dashboard.conftest import Studio

    (tmp_path / "checkpoints").mkdir()
    run = Studio(tmp_path / "checkpoints", tmp_path).add_hostile()
    write_label(run, title=EVIL[0], note=EVIL[4])
    report_of(run)
    html = text_of(run, "run")
    tags = read_html(html)
    assert not {"script", "u", "object", "iframe"} & tags.tags
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert EVIL[0] in tags.words and "javascript:alert(2)" in "".join(tags.words)


def test_each_document_has_a_folder_of_its_own(made):
    first, second = made
    add_map(first, "other-2")
    names = [kept(first, ANALYSIS.options(one)).path.name for one in (
        {}, {"scene": "after-1"}, {"scene": "other-2"}, {"against": [second.name]})]  # fmt: skip
    assert len(set(names)) == 4 and NAME == "report" and FILE.endswith(".html")


def test_the_command_writes_the_file(made, tmp_path):
    from tests.command_line import core_json

    answer = core_json(
        "report", made[1].name, "--out", str(tmp_path / "of.html"), "--checkpoints", str(made[1].checkpoints)
    )
    assert (tmp_path / "of.html").is_file() and answer["kind"] == "run" and answer["missing"]
