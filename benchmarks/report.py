"""What every benchmark says beside its figures: machine, load, date, versions; and where the figures go."""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil


def machine() -> str:
    """The processor's name, the cores this process may use, and the memory."""
    name, cpuinfo = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"


def circumstances(*packages: str) -> dict:
    """Under which a figure was taken; ``packages`` by the names they are installed under. Take it when work ends."""
    return {
        "machine": machine(),
        "load_average": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }


def parser(text: str, n: int, what: str = "number of patches") -> argparse.ArgumentParser:
    """``--n`` and ``--out``, which all benchmarks have."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--n", type=int, default=n, help=what)
    made.add_argument("--out", type=Path, help="where to write the result as JSON")
    return made


def keep(result: dict, out: Path | None) -> None:
    """Print the result as JSON, and write it to ``out``."""
    print(json.dumps(result))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
