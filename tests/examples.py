"""The examples of README and docs: every command that they show, as it is typed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
SHELLS = ("", "bash", "console", "sh", "shell", "text")
PROGRAMS = ("python ", "python3 ", "make ", "pip ", "streamlit ", "git ", "export ")
COMMENT = re.compile(r"\s+#.*$")


def documents() -> list[Path]:
    """README and the documents beside it."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown(text: str) -> list[str]:
    """Commands of one document: lines of its blocks, and code in its sentences."""
    lines = [line for language, block in FENCE.findall(text) if language in SHELLS for line in _lines(block)]
    sentences = FENCE.sub("", text)
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", sentences)]
    return [code for code in (*lines, *inline) if code.startswith(PROGRAMS)]


def _lines(block: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", block)
    return [" ".join(COMMENT.sub("", line).removeprefix("$ ").split()) for line in joined.splitlines() if line.strip()]


def programs(text: str) -> list[str]:
    """The blocks of Python of one document."""
    return [block for language, block in FENCE.findall(text) if language == "python"]
