"""Every command once as people start it, ``python -m core COMMAND``, in a process that has run nothing before.

A command that is asked for its help only loads ``core.cli``, which is the same for all, and does nothing of its own. So
one new process tells the help of all of them, and those that are asked for more have a process each. All other tests
call the commands in their own process (``tests.command_line``).
"""

import json
import subprocess
import sys

import pytest
import typer

from core.cli import app
from core.jobs.processes import ROOT, child_environment

# Arguments, status, and what stands on standard output (status 0) or on standard error. {home}: an empty folder.
ASKED = {
    "doctor": (["--json", "--checkpoints", "{home}"], 0, '"rows"'),
    "jobs list": (["--json", "--checkpoints", "{home}"], 0, '{"jobs": []'),
    "ingest": (["geo", "{home}", "--out", "{home}/x.h5"], 1, "no format 'geo'"),
    "train": (["{home}/no-such.h5", "--checkpoints", "{home}"], 1, "no-such.h5"),
    "check": (["{home}/no-such.h5"], 1, "no-such.h5"),
    "jobs show": (["no-such", "--checkpoints", "{home}"], 1, "no-such"),
    "heads": (["no-such", "--checkpoints", "{home}"], 1, "no-such"),
    "model": (["resnet18", "--set", "train.lr=1"], 1, "begin with model."),
}
HELP = """
import contextlib, io, json, sys
from core import cli
said = {}
for command in json.loads(sys.argv[1]):
    sys.argv = ["core", *command.split(), "--help"]
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            status = cli.main()
        except SystemExit as end:
            status = end.code
    said[command] = [status, out.getvalue(), errors.getvalue()]
said["loaded"] = [name for name in ("torch", "timm", "scipy", "sklearn", "matplotlib") if name in sys.modules]
print(json.dumps(said))
"""


def commands(group=None, before=()):
    """The names of all commands there are, as they are typed: ``train``, ``jobs list``."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield " ".join((*before, name))


def answered(*arguments):
    """What a new Python answers from the repository's root."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=child_environment(), capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def helps():
    """Command -> status, standard output and standard error of its ``--help`` in one new process."""
    found = answered("-c", HELP, json.dumps(sorted(commands())))
    assert found.returncode == 0 and not found.stderr, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize("command", sorted(commands()))
def test_a_command_tells_its_help_in_a_new_process(command, helps):
    status, said, errors = helps[command]
    assert (status, errors) == (0, "") and f"Usage: core {command} " in said


def test_telling_the_help_of_all_commands_loads_nothing_that_takes_a_while(helps):
    assert helps["loaded"] == []


@pytest.mark.parametrize("command", sorted(ASKED))
def test_a_command_answers_in_a_process_of_its_own(command, tmp_path):
    arguments, status, text = ASKED[command]
    given = [item.replace("{home}", str(tmp_path)) for item in arguments]
    found = answered("-m", "core", *command.split(), *given)
    assert found.returncode == status, found.stderr
    assert "Traceback" not in found.stderr
    if status:
        assert text in found.stderr and found.stderr.startswith("Error: ") and not found.stdout
    else:
        assert text in found.stdout
    if "--json" in given:
        json.loads(found.stdout)


def test_what_is_asked_is_asked_of_commands_that_exist():
    assert set(ASKED) <= set(commands())
