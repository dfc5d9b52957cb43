"""The house's rules, read from the imports: pages -> dashboard -> core, floors only climbed down, no circles."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# From the ground up. A room imports from floors below it, never from its own or above; leaves are for everybody.
FLOORS = (
    ("core.text", "core.colours", "core.progress", "core.arrays", "core.torchvision_guard"),
    ("core.errors",),
    ("core.parts",),
    ("core.io", "core.stats", "core.device"),
    ("core.access",),
    ("core.config",),
    ("core.data",),
    ("core.provenance",),
    ("core.smote", "core.train", "core.heads", "core.evaluate", "core.embed", "core.explain"),  # the stages
    ("core.runs",),
    ("core.predict", "core.review", "core.doctor", "core.drawings"),
    ("core.wording",),
    ("core.ensembles", "core.report"),
    ("core.flow",),
    ("core.pipeline", "core.preflight"),
    ("core.experiments",),
    ("core.analyses",),
    ("core.jobs",),
    ("core.workers",),
    ("core.commands",),
    ("core.cli",),
    ("core.__main__",),
    ("dashboard",),
    ("pages",),
)
LEAVES = ("core", "core.data.bands", "core.data.indices", "core.data.stacks", "core.evaluate.metrics")
MOST_FILES = 17  # in a folder
MOST_LINES = 400  # in a file
HEAVY = ("torch", "torchvision", "timm", "sklearn", "umap", "numba", "cv2", "skimage", "pytorch_grad_cam")


@cache
def files(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(path):
    """Dotted names that a file imports, anywhere in it, with the line of each."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively; write the whole name"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found[whole if whole in modules() else node.module] = node.lineno
    return found


@cache
def modules():
    """Dotted name of every module of ours -> its file."""
    return {dotted(path): path for path in files("core", "dashboard", "pages")}


def under(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def room(name):
    """The floor a module is on and the room there."""
    if name == "core":
        return 0, name
    for floor, rooms in enumerate(FLOORS):
        for one in rooms:
            if under(name, (one,)):
                return floor, one
    raise AssertionError(f"{name} has no floor: give its room a place in FLOORS")


def circles(graph):
    """Groups of modules that import each other, by Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            found.extend([sorted(group)] if len(group) > 1 else [])

    for name in graph:
        if name not in index:
            visit(name)
    return found


def test_no_circle_of_imports_even_inside_functions():
    graph = {name: [other for other in imports(path) if other in modules()] for name, path in modules().items()}
    assert circles(graph) == []


def test_circles_are_found_where_there_are_any():
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == [["a", "b", "c"]]
    assert circles({"a": ["b"], "b": []}) == []


def test_no_import_climbs_up():
    climbs = []
    for name, path in modules().items():
        floor, own = room(name)
        for other, line in imports(path).items():
            if not under(other, ("core", "dashboard", "pages")) or other in LEAVES or under(other, LEAVES[1:]):
                continue
            their_floor, theirs = room(other)
            if theirs != own and their_floor >= floor:
                climbs.append(f"{path.relative_to(ROOT)}:{line} {own} -> {other}")
    assert climbs == []


def test_leaves_import_no_stage():
    for leaf in LEAVES[1:]:
        found = [other for other in imports(modules()[leaf]) if under(other, ("core",))]
        assert all(under(other, LEAVES) or room(other)[0] <= room("core.config")[0] for other in found), leaf


def test_no_page_imports_another():
    for path in files("pages"):
        assert not [name for name in imports(path) if under(name, ("pages",))], path


@pytest.mark.parametrize("folder", ["pages", "dashboard"])
def test_what_draws_imports_nothing_heavy(folder):
    for path in files(folder):
        found = [name for name in imports(path) if under(name, HEAVY)]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_core_knows_nothing_of_the_screen():
    for path in files("core"):
        found = [name for name in imports(path) if under(name, ("streamlit", "dashboard", "pages", "plotly"))]
        assert not found, f"{path.relative_to(ROOT)} imports {found}"


def test_an_ignored_type_says_which_and_why():
    """Each ``type: ignore`` names its error, and the line or the one before it gives the reason."""
    for path in files("core"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for before, line in zip(["", *lines], lines, strict=False):
            if "# type: ignore" in line:
                found = re.search(r"# type: ignore\[[a-z-]+\]( {2}# \w)?", line)
                assert found, f"{path.relative_to(ROOT)}: {line}"
                assert found[1] or before.lstrip().startswith("# "), (
                    f"{path.relative_to(ROOT)}, without a reason: {line}"
                )


def test_importing_what_the_server_needs_loads_nothing_heavy():
    """Every module of core that pages and dashboard import, as they import it."""
    wanted = sorted({name for path in files("pages", "dashboard") for name in imports(path) if under(name, ("core",))})
    outside = {name for path in files("pages", "dashboard") for name in _imported_at_the_top(path)}
    names = ", ".join(["core", "core.cli", *(name for name in wanted if name in outside)])
    code = f"import sys, {names}; print([m for m in {HEAVY + ('streamlit',)} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _imported_at_the_top(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


LISTEN = ("core/jobs/executors/local_processes.py", "core/workers/part_process.py")  # to each other, while they work


def test_work_starts_in_one_place():
    """The worker, what does its parts, the model server; git is asked for the version of the code. Nothing else."""
    starts = {"core/jobs/processes.py", "core/provenance.py"}
    waits = {"core/workers/model_client.py", "core/jobs/processes.py", *LISTEN}
    for path in files("core", "dashboard", "pages"):
        relative = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        if {"subprocess.Popen", "subprocess.run", "os.fork", "multiprocessing.Process"} & called:
            assert relative in starts, f"{relative} starts a process"
        if {"threading.Thread", "threading.Lock"} & called:
            assert relative in waits, f"{relative} starts a thread or holds a lock"
        if relative.startswith(("dashboard", "pages")):
            found = [name for name in imports(path) if under(name, ("threading", "subprocess", "concurrent"))]
            assert not found, f"{relative} imports {found}"


def test_rooms_and_files_have_a_size_that_can_be_read():
    for folder in {path.parent for path in files("core", "dashboard", "pages", "tests", "benchmarks")}:
        count = len([path for path in folder.glob("*.py") if path.name != "__init__.py"])
        assert count <= MOST_FILES, f"{folder.relative_to(ROOT)} holds {count} files: it wants rooms"
    for path in files("core", "dashboard", "pages", "benchmarks"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MOST_LINES, f"{path.relative_to(ROOT)} has {lines} lines: it wants to be two"


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
    for path in files("core", "dashboard", "pages"):
        text = path.read_text(encoding="utf-8")
        found = [word for word in banned if word in text]
        assert not found, f"{path.relative_to(ROOT)} uses {found}"
