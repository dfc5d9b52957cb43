"""How to reproduce: the one command that trains the same configuration, and what it has to find."""

from __future__ import annotations

from core.analyses.reports.given import Given
from core.drawings.facts import facts_of_run
from core.drawings.figures import process
from core.errors import LandslideLensError
from core.report.parts import Code, Figure, Missing, Part, Section, Table, Words
from core.report.recipe import command_of
from core.report.svg import inlined

ANCHOR, TITLE = "reproduce", "How to reproduce it"


def made(given: Given) -> Section | Missing:
    """The section."""
    dataset, record = given.record["dataset"], given.record
    try:
        command = command_of(given.config, given.run.dataset_path().name)
    except LandslideLensError as error:
        return Missing(ANCHOR, TITLE, str(error))
    code = record.get("code", {})
    libraries = record.get("libraries", {})
    shown = ("torch", "timm", "scikit-learn", "numpy", "lightgbm")
    rows = (
        ("Code", f"version {code.get('version', 'unknown')}, commit {code.get('commit') or 'unknown'}"),
        ("Configuration (SHA-256)", given.config.hash()),
        ("Dataset", f"{dataset['name']}, content {dataset['content_hash']}"),
        ("Seeds", f"{given.config.seed}; folds {given.config.fold_seed}"),
        ("Libraries", ", ".join(f"{name} {libraries[name]}" for name in shown if libraries.get(name))),
        ("Python", f"{record.get('python', 'unknown')}, {record.get('platform', '')}"),
    )
    parts: list[Part] = [Code(command), Table(("What", "Which"), rows)]
    try:
        drawing = process(given.config, facts_of_run(given.run, given.data), dark=False)
        alt = "How the run was trained fold by fold, evaluated, and how a new patch is answered"
        parts.append(Figure(inlined(drawing, alt, "process"), alt, "", "Training and inference"))
    except (LandslideLensError, LookupError, TypeError, ValueError):
        parts.append(Words("The drawing of the process cannot be made from this run's record.", "note"))
    message = "One command trains the same configuration: its hash is the one below."
    basis = (
        "On a CPU the same code, data and seeds give the same numbers; on a GPU they differ in the last digits. Folds "
        "and patches are named in folds.json of the run's folder.",
    )
    return Section(ANCHOR, TITLE, message, tuple(parts), basis)
