"""A report as one HTML file: no script, nothing loaded, every text escaped.

The content policy forbids everything but the file's own style and pictures that it carries itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from core import __version__
from core.io.plain_file import read_bytes
from core.report.parts import Document, Missing, kind_of

HERE = Path(__file__).parent
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
KICKERS = {"run": "Report of a run", "scene": "Report of a scene", "comparison": "Comparison of runs"}


def html_of(document: Document) -> str:
    """The document as the text of an HTML file."""
    template, style = _template()
    return template.render(document=document, policy=POLICY, version=__version__, style=style, kickers=KICKERS)


def _text(name: str) -> str:
    return read_bytes(HERE / name, 2**20).decode("utf-8")


@cache
def _template() -> tuple[Any, str]:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    texts = {"page": _text("page.html.j2")}
    made = Environment(loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.filters |= {"drawn": Markup, "kind": kind_of}
    made.tests["missing"] = lambda one: isinstance(one, Missing)
    return made.get_template("page"), _text("style.css")
