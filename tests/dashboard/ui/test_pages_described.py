"""docs/pages.md knows every page, every view that a page offers, and has the pictures that it shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import state
from dashboard.tour.page import STOPS

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
NAMES = ("VIEWS", "MORE", "PREVIEW")  # what pages call the views that they offer


def sections() -> dict[str, str]:
    """What stands below each heading."""
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def section(page: str) -> str:
    """What is said of a page; empty where nothing is."""
    return next((words for title, words in sections().items() if page in re.split(r"\W+", title.lower())), "")


def views(page: str) -> Iterator[str]:
    """The titles of a page's views: of dictionaries in the page and in its room, read without running them."""
    for path in (ROOT / "pages" / f"{page}.py", ROOT / "dashboard" / page / "page.py"):
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        for node in tree.body:
            named = [getattr(one, "id", "") for one in node.targets] if isinstance(node, ast.Assign) else []
            if set(named) & set(NAMES) and isinstance(node.value, ast.Dict):
                for value in node.value.values:
                    texts = (one.value for one in ast.walk(value) if isinstance(one, ast.Constant))
                    yield re.sub(r"^:material/\w+: ", "", next(texts))


@pytest.mark.parametrize("page", state.PAGES)
def test_every_page_and_view_is_described(page):
    assert section(page), f"docs/pages.md says nothing of {page}"
    assert not [title for title in views(page) if title not in section(page)]


def test_views_are_found_where_pages_offer_them():
    assert {"results", "dataset", "train", "review", "balance", "explain", "embedding", "predict", "report"} <= {
        page for page in state.PAGES if len(list(views(page))) > 2
    }
    assert all(stop.title in section("tour") for stop in STOPS.values())


def test_each_picture_is_there_in_both_themes():
    shown = set(re.findall(r"\((pages/[\w-]+\.jpg)\)", TEXT))
    assert shown == {f"pages/{path.name}" for path in (ROOT / "docs" / "pages").glob("*.jpg")}
    for name in shown:
        assert name.replace("-light", "-dark") in shown and (ROOT / "docs" / name).stat().st_size < 300_000
