"""Messages that speak of options as the command line does, in the words of the page's fields."""

from __future__ import annotations

import re

from core.analyses.base import Options
from core.analyses.registry import analyses
from core.errors import LandslideLensError

# An option and, in capitals or as a,b,c, what stands for its value.
_FLAG = re.compile(r"--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?: (?:[A-Z]{3,}|a,b,c)\b)?")


def in_words_of(text: str, asked: type[Options]) -> str:
    """``--also FILE`` as “Further rasters”; an option that is none of ``asked`` stays as it is."""

    def title(flag: re.Match) -> str:
        field = asked.model_fields.get(flag[1].replace("-", "_"))
        return f"“{field.title}”" if field and field.title else flag[0]

    return _FLAG.sub(title, text)


def of_analysis(text: str, name: str) -> str:
    """The same for the analysis of that name; one that is not known here leaves the text as it is."""
    try:
        known = analyses().get(name)
    except LandslideLensError:
        known = None
    return in_words_of(text, known.Options) if known else text
