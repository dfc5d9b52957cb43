"""The fault table of docs/faults.md, made from the marks on tests: ``python -m tests.faults.table`` writes it.

A test says which lines it holds with ``@pytest.mark.fault(7)``; a module with ``pytestmark``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.faults.without import REMOVALS, seen_before

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- the table: python -m tests.faults.table -->", "<!-- the end of the table -->"
MOST_TESTS = 5  # that are named for a line; the others are counted
ROOMS = (
    ("Jobs and durability", range(1, 10)), ("Data files", range(10, 20)), ("Learning's edges", range(20, 23)),
    ("Security", range(23, 30)), ("Operation", range(30, 35)),
    ("Found by trying the program by hand", range(35, 38)),
)  # fmt: skip
LINES = {
    1: "Worker killed at any step, at any file boundary of a save: resumed to the same bits, no epoch twice",
    2: "Newest checkpoint damaged: the one before is used and it is said; all damaged: a clear failure",
    3: "One specification submitted by sixteen processes: one job; another one waits with its place",
    4: "Server killed during a job: the job goes on, the next server lists it",
    5: "Worker dies while no server is there and a stranger has its pid: interrupted, the stranger untouched",
    6: "Cancel while loading, training, saving: within 20 s, the whole group gone, the checkpoint usable",
    7: "Disk full: said so, checkpoint and queue intact; room is looked for before a job starts",
    8: "Out of device memory: the batch in smaller pieces, up to three times; then what to do",
    9: "Loss no number or diverging: stopped, back to the last good weights, with the reason",
    10: "`.npy` cut short, empty, asking for 4 TiB or a negative shape: refused from the header",
    11: "Python objects in a `.npy`, a pickle of that name: refused, nothing runs",
    12: "NaN, infinite, constant, empty bands, nodata: counted, handled as the run records, scores finite",
    13: "Wrong number or order of bands, axes, units: refused by name, never broadcast",
    14: "HDF5 with links, external storage, virtual datasets, loops, objects, 64 GiB in 8 KB: refused before reading",
    15: "GeoTIFF without or with another system, size or nodata, VRT renamed, remote, corrupt: by rule, no network",
    16: "Pictures: bombs, CMYK, 16 bits, alpha, frames, EXIF, names, links: read rightly or skipped with the reason",
    17: "Archives with paths that lead out, links, doubles, bombs, nested ones: refused whole",
    18: "Labels: doubles, missing and extra files, BOM, semicolons: a table; contradictions stop training",
    19: "The same patch, a shifted crop, a synthetic child on both sides of a split: found",
    20: "One class, no positive in a fold, fewer than k: clamped, undefined or skipped with the reason",
    21: "Too few patches for a calibration or a guarantee: refused with the number needed",
    22: "The same specification and seed twice: the same numbers",
    23: "Names `../x`, absolute, NUL, long, reserved, look-alikes: a safe name inside its root",
    24: "Markup, links and formulas in names, labels, notes: shown as they are; CSV cells guarded",
    25: "Malicious weights and pickles: only safetensors and our cards; impossible headers refused",
    26: "Uploads over the limit or of the wrong kind, without the cookie; other origins, forged hosts, `../`: refused",
    27: "Shown beyond this machine without sign-in: a banner and read-only, enforced in core",
    28: "Secrets in no log, error, child process; no shell; nothing sent home",
    29: "Ray: no or a wrong token, a dead head, a lost worker; nothing listens beyond this machine",
    30: "Queue file locked, read-only, corrupt, of a newer version: waited for, told, rebuilt from the folders",
    31: "Events torn, of a million lines, no text, a clock that jumps: only new bytes are read",
    32: "Reloads, closed tabs, two people: nothing crosses over, memory levels off",
    33: "An exported ONNX model answers as the original; a failed export leaves the run intact",
    34: "Installs on Python 3.11 and 3.12; no GPL or AGPL at run time; a bill of materials",
    35: "A dataset file edited or replaced behind a run: said, and its scores are not taken for the new pixels'",
    36: "A file that is there already: never replaced unless that was asked for",
    37: "A mistyped folder is not made; what killed writers left half done is swept away, that of live ones is not",
}


@cache
def marked() -> dict[int, list[str]]:
    """Line -> node ids of the tests that are marked with it, in the order of their files."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        name = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        of_module = [line for node in tree.body if _is_pytestmark(node) for line in _lines(node.value)]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for line in (*of_module, *(line for one in node.decorator_list for line in _lines(one))):
                    found[line].append(f"{name}::{node.name}")
    return dict(found)


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _lines(node: ast.expr) -> list[int]:
    """The numbers in every ``pytest.mark.fault(...)`` of an expression."""
    return [
        argument.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]


def table() -> str:
    """The table in Markdown."""
    tests, removed = marked(), seen_before()
    parts = []
    for title, lines in ROOMS:
        parts += [
            f"## {title}",
            "",
            "| | must be survived | tests | seen failing without |",
            "| --- | --- | --- | --- |",
        ]
        for line in lines:
            parts.append(f"| {line} | {LINES[line]} | {_tests(tests.get(line, []))} | {_seen(line, removed)} |")
        parts.append("")
    return "\n".join(parts)


def _tests(nodes: list[str]) -> str:
    names: dict[str, int] = {}
    for node in nodes:
        file = node.partition("::")[0]
        names[file] = names.get(file, 0) + 1
    shown = [f"[{file.removeprefix('tests/')}](../{file}) {n}" for file, n in names.items()]
    return "<br>".join(shown[:MOST_TESTS]) + (
        f"<br>and {len(shown) - MOST_TESTS} more" if len(shown) > MOST_TESTS else ""
    )


def _seen(line: int, removed: dict[str, dict]) -> str:
    rows = [(one.what, removed.get(one.key)) for one in REMOVALS if one.line == line]
    return "<br>".join(f"{what} ({facts['seen']})" for what, facts in rows if facts) or "not tried"


def document() -> str:
    """The whole of docs/faults.md with the table as it should be."""
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), "utf-8")
