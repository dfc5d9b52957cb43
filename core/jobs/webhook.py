"""Telling an address that the user has set when a job ends: one JSON object, posted once, without a second try.

``text`` is the sentence that chat programs show (Slack's, Mattermost's and Teams' incoming webhooks read it); no path
and no setting of the job leaves the machine. A process of its own posts it, so that nothing waits for a network.
"""

from __future__ import annotations

import json
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from core import access
from core.errors import JobError
from core.jobs import processes, turns
from core.jobs.analysis_folder import AnalysisFolder
from core.runs.job_folder import now
from core.runs.labels import title_of
from core.runs.store import RunFolder
from core.runs.targets import Target

WORKER = "core.workers.webhook_worker"  # started as a process of its own, never imported here
TIMEOUT_S = 10.0
LONGEST = 2000


def checked(address: str) -> str:
    """The address without blanks around it. Raises JobError for anything but http(s)://host..."""
    address = address.strip()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or len(address) > LONGEST or any(not 32 < ord(letter) < 127 for letter in address):
        raise JobError("An address to tell begins with https:// or http:// and names a host, without blanks.")
    return address


def send_later(folder: RunFolder | AnalysisFolder) -> None:
    """Post how this job ended, in a process of its own, where an address is set; what goes wrong is in its log."""
    if turns.orders(folder.checkpoints).webhook:
        processes.spawn(["-m", WORKER, str(folder.path.resolve())], folder.path / "log.txt")


def message(folder: RunFolder | AnalysisFolder) -> dict[str, Any]:
    """What is posted about a job."""
    status, words = folder.known_status(), title(folder)
    said = str(status.get("error") or status.get("message") or "")
    return {
        "text": f"Landslide Lens: {words}: {status['state']}.{f' {said}' if status['state'] != 'succeeded' else ''}",
        "job": folder.name,
        "title": words,
        "state": status["state"],
        "message": said,
        "finished": status.get("finished"),
    }


def test_message() -> dict[str, Any]:
    """What is posted to try an address."""
    return {"text": "Landslide Lens: this address is told when a job ends.", "state": "test", "finished": now()}


def title(folder: RunFolder | AnalysisFolder) -> str:
    """The job in words: "Training of ...", "Band importance of ..."."""
    from core.analyses import registry

    if isinstance(folder, RunFolder):
        return f"Training of {title_of(folder)}"
    target: Target = folder.target()
    about = title_of(target) if isinstance(target, RunFolder) else Path(str(folder.dataset_path() or "")).stem
    return f"{registry.title(folder.analysis())}{f' of {about}' if about else ''}"


def post(address: str, content: dict[str, Any]) -> None:
    """Raises JobError where the address does not take it."""
    access.require("manage")
    body = json.dumps(content).encode()
    request = Request(checked(address), data=body, headers={"Content-Type": "application/json"}, method="POST")
    try:
        with build_opener(_StayThere).open(request, timeout=TIMEOUT_S) as answer:
            answer.read(1)
    except (URLError, HTTPException, OSError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise JobError(f"The address {urlsplit(address).hostname} did not take the message: {why}.") from error


class _StayThere(HTTPRedirectHandler):
    """The user set one address: another one gets nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None
