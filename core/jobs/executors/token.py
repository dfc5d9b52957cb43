"""The token that a Ray cluster asks for: where it lies, and that nobody else can read it.

Whoever has it may run any code on the cluster. It is read by Ray itself, from a file; neither settings, environment of
a job, log nor event ever hold it.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from core.errors import JobError
from core.jobs.executors.settings import JobsConfig

VARIABLE = "RAY_AUTH_TOKEN_PATH"
RAYS_OWN = Path(".ray") / "auth_token"  # in the home folder


def token_of(settings: JobsConfig) -> Path | None:
    """The file with the token of the cluster, or None where it may go without.

    Raises JobError where there is none, or others than its owner can read it.
    """
    said = settings.token_file or os.environ.get(VARIABLE, "")
    path = Path(said).expanduser() if said else Path.home() / RAYS_OWN
    if not path.is_file():
        if settings.allow_no_token and not said:
            return None
        raise JobError(
            f"There is no token for the Ray cluster at {settings.address}: {path} is not there. Copy the file that "
            "the cluster was started with, and name it with jobs.token_file or RAY_AUTH_TOKEN_PATH. A cluster without "
            "a token lets anybody who reaches it run code: jobs.allow_no_token=true uses one all the same."
        )
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise JobError(f"Others can read the token in {path}. Make it yours alone: chmod 600 {path}")
    return path


def new_token(folder: Path) -> Path:
    """A token of its own for a cluster of this machine, in a file that its owner alone can read."""
    path = folder / "token"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path
