"""docs/commands.md names every command, and the documents name every option of each."""

import re
from pathlib import Path

import typer

from core.cli import app
from tests.core.test_cli_smoke import commands

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = (ROOT / "docs" / "commands.md").read_text("utf-8")
TEXT = "\n".join(path.read_text("utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def options():
    """Every command with the long options that it takes."""
    whole = typer.main.get_command(app)
    for name in commands(whole):
        found = whole
        for part in name.split():
            found = found.commands[part]
        long = [one for param in found.params for one in (*param.opts, *param.secondary_opts) if one.startswith("--")]
        yield name, long


def test_every_command_and_option_is_documented():
    lacking = [name for name, _ in options() if not re.search(rf"\b{name}\b", DOCUMENT)]
    lacking += [f"{name} {one}" for name, long in options() for one in long if not re.search(rf"{one}(?![\w-])", TEXT)]
    assert not lacking, f"docs/commands.md lacks {lacking}"
