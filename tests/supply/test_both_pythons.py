"""Nothing that only Python 3.11 or only 3.12 has: the tests run on one of them, the program on both.

Syntax of 3.12 is refused by ruff, and calls in core that 3.11 lacks by mypy (``pyproject.toml``).
"""

import re

import pytest

from tests.supply.licences import ROOT

LACKING = re.compile(
    r"^\s*(?:import|from)\s+(?:asynchat|asyncore|distutils|imp|smtpd|pkg_resources)\b"  # gone in 3.12
    r"|\.(?:utcnow|utcfromtimestamp|find_module|load_module)\("  # deprecated there: a warning is an error in the tests
    r"|^\s*from\s+(?:typing|itertools)\s+import\s[^#\n]*\b(?:override|TypeAliasType|batched)\b",  # not yet in 3.11
    re.MULTILINE,
)
FILES = [path for room in ("core", "dashboard", "pages", "benchmarks") for path in (ROOT / room).rglob("*.py")]


def test_the_program_has_what_both_pythons_have():
    assert len(FILES) > 500
    found = {str(path.relative_to(ROOT)): LACKING.findall(path.read_text("utf-8")) for path in FILES}
    assert not {name: hits for name, hits in found.items() if hits}


@pytest.mark.parametrize(
    "source",
    ["import distutils.util", "    from imp import reload", "now = datetime.utcnow()", "from typing import override",
     "from itertools import batched, chain"],
)  # fmt: skip
def test_what_one_of_them_lacks_is_found(source):
    assert LACKING.search(source)
