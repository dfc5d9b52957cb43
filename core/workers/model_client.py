"""Asking the warm process (``core.workers.model_server``): one client for everybody in this process.

Questions wait for each other. Each has a number, and replies that nobody waits for any more are passed over or kept, so
that a question can also be left to be answered later without holding anybody up.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from core.errors import RunError
from core.jobs.processes import open_pipe
from core.runs.store import RunFolder

MOST_LATER = 32  # answers that were left for later and are kept


class ModelClient:
    """One process, started when it is first asked, and again after it has ended by itself (it does when idle)."""

    def __init__(self, *arguments: str) -> None:
        """arguments: of ``core.workers.model_server``."""
        self._arguments = arguments
        self._lock = threading.Lock()
        self._process: Any = None  # a Popen with its three pipes, from _send to _end
        self._errors: Any = None  # the file of its errors, as long
        self._rest, self._number, self._outgoing = b"", 0, b""
        self._replies: dict[int, dict] = {}
        self._later: OrderedDict[str, int | dict] = OrderedDict()  # question -> its number, then its reply
        self._loaded: set[tuple[str, int]] = set()

    def ask(self, request: Mapping[str, Any]) -> dict:
        """The answer; waits for it. Raises RunError with the reason, or when the process was lost."""
        with self._lock:
            number = self._send(request)
            try:
                while number not in self._replies:
                    self._read(None)
            except RunError:
                raise
            except BaseException:  # whoever waited was stopped; the reply may still come and is then passed over
                self._replies.pop(number, None)
                raise
            return _answer(self._replies.pop(number))

    def later(self, request: Mapping[str, Any]) -> dict | None:
        """The answer to this question where it is there; None while it is being worked on. Never waits.

        Raises RunError with the reason, or when the process was lost; asked again, it is tried again.
        """
        key = json.dumps(dict(request), sort_keys=True)
        if not self._lock.acquire(blocking=False):
            return None  # somebody waits for an answer: theirs comes first
        try:
            held = self._later.get(key)
            if held is None or (isinstance(held, int) and not self._alive()):
                self._later[key] = held = self._send(request)
            if isinstance(held, int):
                self._read(0.0)
                if held not in self._replies:
                    return None
                self._later[key] = held = self._replies.pop(held)
            self._later.move_to_end(key)
            while len(self._later) > MOST_LATER:
                self._later.popitem(last=False)
            if "error" in held:
                del self._later[key]
            return _answer(held)
        finally:
            self._lock.release()

    def prepare(self, run: RunFolder, fold: int) -> None:
        """Load a fold's network while the viewer still chooses; returns at once."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if (str(run.path), fold) not in self._loaded or not self._alive():
                self._send({"do": "load", "run": str(run.path), "fold": fold})
                self._loaded.add((str(run.path), fold))
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process at once; nothing half written stays (every file is replaced whole)."""
        with self._lock:
            self._end()

    # ------------------------------------------------------------------------------------------- the process

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _send(self, request: Mapping[str, Any]) -> int:
        if not self._alive():
            self._end()
            self._errors = tempfile.TemporaryFile()
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
            self._process = open_pipe(["-m", "core.workers.model_server", *self._arguments], **pipes)
            os.set_blocking(self._process.stdin.fileno(), False)
        self._number += 1
        self._outgoing += (json.dumps({**request, "id": self._number}) + "\n").encode()
        self._write()
        return self._number

    def _write(self) -> None:
        """Hand over what waits, as much as the pipe takes: a busy process must not hold up whoever asks later."""
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[os.write(self._process.stdin.fileno(), self._outgoing) :]
        except BlockingIOError:
            pass  # the rest follows with the next look for a reply
        except OSError as error:
            raise RunError(self._lost()) from error

    def _read(self, wait_s: float | None) -> None:
        """Take in what has come; ``wait_s``: how long to wait for something, None without end."""
        output, stdin = self._process.stdout, self._process.stdin
        while True:
            readable, writable, _ = select.select([output], [stdin] if self._outgoing else [], [], wait_s)
            if writable:
                self._write()
            if not readable:
                if writable:
                    continue
                return
            block = os.read(output.fileno(), 1 << 20)
            if not block:
                raise RunError(self._lost())
            *lines, self._rest = (self._rest + block).split(b"\n")
            wanted = {held for held in self._later.values() if isinstance(held, int)}
            for line in lines:
                reply = json.loads(line)
                if reply.get("id") == self._number or reply.get("id") in wanted:
                    self._replies[reply["id"]] = reply
            if wait_s is None:
                return

    def _end(self) -> None:
        self._rest, self._outgoing, self._replies, self._loaded = b"", b"", {}, set()
        self._later = OrderedDict((key, held) for key, held in self._later.items() if not isinstance(held, int))
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:
                pass  # it was gone already
        self._process.kill()
        self._process.wait()
        self._errors.close()
        self._process = None

    def _lost(self) -> str:
        self._errors.seek(0)
        last = self._errors.read().decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason was given"]
        self._end()
        return f"The process that answers for single patches was lost: {last[0][:300]}. Ask again."


def _answer(reply: Mapping[str, Any]) -> dict:
    if "error" in reply:
        raise RunError(reply["error"])
    return reply["answer"]
