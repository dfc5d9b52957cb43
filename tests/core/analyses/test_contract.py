"""Every analysis, held to the contract: declared once, light to import, its options usable everywhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.analyses.base import Analysis
from core.analyses.registry import MORE, analyses, analysis, title
from core.errors import ConfigError
from tests import made_up_analysis
from tests.command_line import core

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "torchvision", "timm", "sklearn", "umap", "numba", "cv2", "skimage", "pytorch_grad_cam", "streamlit")
PAGES = {path.stem for path in (ROOT / "pages").glob("*.py")}


def test_what_is_asked_of_a_run_or_a_dataset_is_an_analysis():
    expected = {
        "attention_checks", "attention_maps", "band_importance", "robustness", "smote_audit", "smote_realism",
        "projections", "new_patches", "heads", "external_validation", "prediction", "leakage", "inventory_join",
        "dataset_check", "demo_dataset", "estimate", "locked_test", "model_cost", "scene", "import_dataset",
        "preview_import", "polygons", "triage_grid", "export", "scene_map", "scenes", "where",
        "label_issues", "corrected_labels", "next_patches", "slices", "novelty", "scene_alike", "judged_patches",
        "ablate", "search", "protocols", "clouds", "scene_clouds", "ensemble", "join_datasets", "report",
        "tour_cheat", "tour_earthquake",
    }  # fmt: skip
    assert set(analyses()) == expected


def test_the_dashboard_can_read_every_declaration_without_loading_anything_heavy():
    look = f"print([name for name in {HEAVY} if name in sys.modules])"
    code = f"import sys; from core.analyses.registry import analyses; analyses(); {look}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", analyses())
def test_a_declaration_is_whole(name):
    declared = analysis(name)
    assert declared.name == name and name.replace("_", "").isalpha() and name.islower()
    assert declared.title and declared.summary.endswith(".")
    assert declared.page in PAGES, f"{name} is followed on a page that is not there"
    *rooms, module = declared.run.__module__.split(".")
    assert (ROOT / "tests" / Path(*rooms) / f"test_{module}.py").is_file(), f"{name} has no test of its name"
    for option, field in declared.Options.model_fields.items():
        assert field.description, f"{name}.{option} has no description: the form and the command line show it"


def test_an_option_that_is_yes_no_or_as_it_was_can_be_no():
    assert "--no-flips" in core("analyse", "scene_map", "--help").stdout


@pytest.mark.parametrize("name", analyses())
def test_its_command_shows_every_option(name):
    answer = core("analyse", name, "--help")
    words = answer.stdout.replace("\n", " ")
    for option in analysis(name).Options.model_fields:
        assert f"--{option.replace('_', '-')}"[:20] in words


@pytest.mark.parametrize("name", [name for name in analyses() if not any(
    field.is_required() for field in analysis(name).Options.model_fields.values())])  # fmt: skip
def test_default_options_survive_json(name):
    declared = analysis(name)
    dumped = json.loads(json.dumps(declared.options().model_dump(mode="json"), allow_nan=False))
    assert declared.options(dumped) == declared.options()


def test_a_made_up_analysis_is_there_with_its_one_module(monkeypatch):
    assert "nap" not in analyses() and title("nap") == "nap"
    monkeypatch.setenv(MORE, made_up_analysis.__name__)
    assert isinstance(analysis("nap"), Analysis) and title("nap") == "A nap"
    shown = core("analyse", "nap", "--help").stdout
    assert "--seconds" in shown and "--no-nightmare" in shown and "What to sleep on." in shown
    assert "nap" in core("analyse", "--help").stdout


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(ConfigError, match="There is no analysis 'dance'. Known: "):
        analysis("dance")


def test_what_may_be_yes_no_or_left_open_can_be_denied_on_the_command_line():
    assert "--no-flips" in core("analyse", "scene", "--help").stdout
