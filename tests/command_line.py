"""``python -m core`` in the test's own process: no new Python, no second import of torch."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

import typer

from core import cli

# A process makes its commands once; here they are asked hundreds of times.
_command_of = functools.cache(typer.main.get_command)


@dataclass(frozen=True)
class Answer:
    """What a command printed and the status it ended with."""

    returncode: int
    stdout: str
    stderr: str


def core(*arguments: object, check: bool = True) -> Answer:
    """What ``python -m core ARGUMENTS`` answers; a status other than 0 fails the test unless ``check`` is False."""
    out, errors, status = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", ["core", *map(str, arguments)]),
        mock.patch.object(typer.main, "get_command", _command_of),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
    ):
        try:
            cli.main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    answer = Answer(status, out.getvalue(), errors.getvalue())
    assert not check or answer.returncode == 0, answer.stderr
    return answer


def core_json(*arguments: object) -> Any:
    """The one JSON object that a command prints with ``--json``."""
    answer = core(*arguments, "--json")
    assert answer.stdout.count("\n") == 1, "one JSON object and nothing else"
    return json.loads(answer.stdout)


def core_error(*arguments: object) -> str:
    """The sentence of a user's error: status 1, nothing on standard output, no traceback."""
    answer = core(*arguments, check=False)
    assert answer.returncode == 1 and not answer.stdout, answer
    assert answer.stderr.startswith("Error: ") and "Traceback" not in answer.stderr
    return answer.stderr.removeprefix("Error: ").strip()
