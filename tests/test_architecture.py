"""The dependency rule of the house, read from the imports: pages -> dashboard -> core, and stages apart."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("data", "smote", "train", "heads", "evaluate", "embed", "explain")
LEAVES = (
    "core.errors",
    "core.config",
    "core.device",
    "core.data.bands",
    "core.data.tabular.columns",
    "core.data.edges",
    "core.data.indices",
    "core.data.stacks",
    "core.evaluate.metrics",
    "core.stats",
)
UTILITIES = (
    "core.io.safetensors_file",
    "core.io.atomic",
    "core.io.safe_paths",
    "core.io.csv_injection",
    "core.text",
    "core.torchvision_guard",
)  # plain tools, no stage
# The flow (what is planned, done, found), and the model it leaves behind.
WIRING = ("core/pipeline.py", "core/flow/run_context.py", "core/flow/scoring.py", "core/studies/", "core/predict/")
HEAVY = ("torch", "torchvision", "timm", "sklearn", "umap", "numba", "cv2", "skimage", "pytorch_grad_cam")


def modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path, top_level_only=False):
    """Dotted names that a file imports; with ``top_level_only`` those that importing the file would import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _executed(tree.body) if top_level_only else ast.walk(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write the whole name"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _executed(body):
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        for field in ("body", "orelse", "handlers", "finalbody"):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
                yield from _executed(getattr(node, field, []))


def under(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_core_knows_nothing_of_the_screen():
    for path in modules("core"):
        found = [name for name in imports(path) if under(name, ("streamlit", "dashboard", "pages", "plotly"))]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_the_dashboard_does_not_know_the_pages():
    for path in modules("dashboard"):
        assert not [name for name in imports(path) if under(name, ("pages",))], path


@pytest.mark.parametrize("folder", ["pages", "dashboard"])
def test_what_draws_imports_nothing_heavy(folder):
    for path in modules(folder):
        found = [name for name in imports(path) if under(name, HEAVY)]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_no_page_imports_another():
    for path in modules("pages"):
        assert not [name for name in imports(path) if under(name, ("pages",))], path


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_not_import_each_other(stage):
    others = tuple(f"core.{other}" for other in STAGES if other != stage)
    forbidden = (
        *others,
        "core.runs",
        "core.jobs",
        "core.pipeline",
        "core.flow.run_context",
        "core.flow.scoring",
        "core.predict",
        "core.analyses",
        "core.commands",
        "core.cli",
    )
    for path in modules(f"core/{stage}"):
        found = [name for name in imports(path) if under(name, forbidden) and not under(name, LEAVES)]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_leaves_and_tools_import_no_stage():
    for name in (*LEAVES, *UTILITIES):
        place = ROOT / name.replace(".", "/")
        for path in modules(place) or [place.with_suffix(".py")]:
            found = [n for n in imports(path) if under(n, ("core",)) and not under(n, (*LEAVES, *UTILITIES))]
            assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_only_the_wiring_knows_several_stages():
    for path in modules("core"):
        relative = path.relative_to(ROOT).as_posix()
        if relative.startswith(WIRING) or relative.split("/")[1] in STAGES:
            continue
        stages = {
            name.split(".")[1]
            for name in imports(path, top_level_only=True)
            if under(name, ("core",)) and name.count(".") and name.split(".")[1] in STAGES and not under(name, LEAVES)
        }
        assert stages <= {"data"}, f"{relative} wires {sorted(stages)} at import"


def test_importing_what_the_server_needs_loads_nothing_heavy():
    wanted = (
        "core, core.config, core.runs.store, core.runs.compare, core.runs.summary, core.jobs.queue, "
        "core.data.store, core.evaluate.metrics, core.cli, core.data.tabular.patch_metadata, core.evaluate.calibration.calibrators, "
        "core.evaluate.comparison.many, core.evaluate.published_metrics, core.evaluate.results, core.evaluate.risk_control, "
        "core.evaluate.comparison.shift, core.evaluate.slices, core.evaluate.sweep"
    )
    code = f"import sys, {wanted}; print([m for m in {HEAVY + ('streamlit',)} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_nothing_is_unpickled_and_no_user_text_becomes_markup():
    banned = (
        "pickle.load",
        "joblib.load",
        "allow_pickle=True",
        "weights_only=False",
        "unsafe_allow_html=True",
        "shell=True",
        "unsafe_allow_javascript=True",
    )
    for folder in ("core", "dashboard", "pages"):
        for path in modules(folder):
            text = path.read_text(encoding="utf-8")
            found = [word for word in banned if word in text]
            assert not found, f"{path.relative_to(ROOT)} uses {found}"
