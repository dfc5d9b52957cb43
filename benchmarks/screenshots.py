"""Pictures of the pages in both themes, for README and docs/pages.md.

    python -m benchmarks.screenshots --checkpoints DIR --run RUN [--out docs/pages] [--sizes 1440x900]
                                     [--themes light,dark] [NAME | PAGE?QUERY ...]

Each page (of ``PAGES`` all, or those named) of a server on DIR is opened in Chromium, left until it is drawn, and kept
as a JPEG: PAGE-light.jpg, PAGE-dark.jpg; at other sizes than the first with the width in the name.
"""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.speed.first_picture import FLAGS, ROOT, chromium_path, served

PAGES = {
    "overview": "",
    "dataset": "dataset?dataset_view=patches",
    "balance": "balance",
    "train": "train?train_view=new",
    "experiments": "train?train_view=experiments",
    "search": "train?train_view=search",
    "results": "results?results_view=summary",
    "threshold": "results?results_view=safety",
    "heads": "results?results_view=heads",
    "review": "review?review_view=patches",
    "embedding": "embedding",
    "attention": "explain?explain_view=where",
    "bands": "explain?explain_view=bands",
    "robustness": "explain?explain_view=robustness",
    "predict": "predict?predict_view=scene",
    "report": "report?report_view=run",
    "runs": "runs",
    "tour": "tour?tour_view=earthquake",
    "stakeholders": "?mode=stakeholder",
}
THEMES = ("light", "dark")
QUALITY = 80
LONGEST = 300_000  # ms that a page may take on a busy machine
CALM = (
    "() => document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]') "
    "&& !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')"
)


def drawn(tab: Page) -> None:
    """Wait until the page has been still for two seconds."""
    for wait in (1500, 1000, 500):
        tab.wait_for_timeout(wait)
        tab.wait_for_function(CALM, timeout=LONGEST)


def taken(chromium: Browser, address: str, theme: str, size: tuple[int, int]) -> bytes:
    """A picture of the page as it is first seen (PNG)."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, reduced_motion="reduce"
    )
    tab = context.new_page()
    tab.goto(address, wait_until="commit")
    tab.wait_for_selector("[data-testid=stMain] h1", timeout=LONGEST)
    drawn(tab)
    picture = tab.screenshot()
    context.close()
    return picture


def sizes(text: str) -> list[tuple[int, int]]:
    """``1440x900,820x1100`` as pairs."""
    return [tuple(int(side) for side in one.split("x")) for one in text.split(",")]


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("pages", nargs="*", help="such as heads or results?results_view=heads; none: all")
    made.add_argument("--checkpoints", type=Path, required=True)
    made.add_argument("--run", required=True)
    made.add_argument("--out", type=Path, default=ROOT / "docs" / "pages")
    made.add_argument("--sizes", type=sizes, default=[(1440, 900)])
    made.add_argument("--themes", type=lambda text: text.split(","), default=list(THEMES))
    given = made.parse_args()
    path = chromium_path()
    pages = {re.sub(r"\W+", "-", page): PAGES.get(page, page) for page in given.pages} or PAGES
    given.out.mkdir(parents=True, exist_ok=True)
    script = ROOT / "dashboard" / "server.py"
    with sync_playwright() as playwright, served(script, given.checkpoints.resolve()) as address:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for size in given.sizes:
            mark = "" if size == given.sizes[0] else f"-{size[0]}"
            for theme in given.themes:
                for name, page in pages.items():
                    query = f"{'&' if '?' in page else '?'}run={given.run}"
                    picture = Image.open(io.BytesIO(taken(chromium, f"{address}/{page}{query}", theme, size)))
                    picture.convert("RGB").save(given.out / f"{name}-{theme}{mark}.jpg", quality=QUALITY, optimize=True)
                    print(f"{name} {theme} {size[0]}x{size[1]}", flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
