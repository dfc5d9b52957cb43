"""How the dashboard holds up: many patches, many reruns, many people. In Chromium, against a bare Streamlit app.

    python -m benchmarks.pages_under_load [--n 7147] [--studio DIR] [--out benchmarks/results/pages_7147.json]

``n`` made patches (12, 64, 64) float32 and a finished run of 5 folds and 14 heads (``benchmarks.made_studio``; kept in
``--studio`` for the next time).

First picture: from asking for a page to a picture or chart on it. In one session: an open tab goes from page to page by
the links of the sidebar, to each for the first time since the server began; median of ``SESSIONS`` such sessions, one
after the other, each with a server of its own. With a browser that knows nothing yet: a server that has just begun
(cold, once a page) and one that has shown the page before (warm, median of ``WARM``). Report and Tour are in their
empty state. Rerun: from the key R (Streamlit's shortcut) until the script has ended and the browser has
drawn it, median of ``RERUNS`` a page.
Memory: of the server, and with its children, after each 20 of ``MANY`` reruns over all pages, whose first 300 warm it
up; growth is that of the last 200. Sessions: ``PEOPLE`` browsers with caches of their own, each at a page, begin within
one second; seconds until the last has its first picture, and its reruns when all press R at once.
The peer is an app that draws one chart (``benchmarks.speed.first_picture``), with the same Streamlit and theme.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.made_studio import make_studio
from benchmarks.report import circumstances, keep, parser
from benchmarks.review_paging import forget, megabytes, rounded, server_at
from benchmarks.speed.first_picture import (
    BARE,
    BUTTON,
    CONTROLS,
    ENDED,
    FLAGS,
    ROOT,
    SEEN,
    WITHOUT_PICTURE,
    chromium_path,
    fresh,
    served,
)
from core.runs.store import RunFolder, list_runs

PAGES = (
    "", "dataset", "balance", "train", "results", "review", "errors", "embedding", "explain", "predict", "runs",
    "report", "tour",
)  # fmt: skip
SESSIONS, WARM, RERUNS, MANY, LAST, EACH, PEOPLE = 4, 3, 7, 500, 200, 20, 20
THERE = f"() => ({SEEN})() || ({CONTROLS})() || ({BUTTON})()"
# Seconds from the click on a page's link to what is looked for on it; what is there of the page before does not count.
GO = """(page) => {
  const there = THERE;
  const roots = [document, ...[...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean)];
  const old = roots.flatMap((root) => [...root.querySelectorAll('img, .js-plotly-plot, input, button')]);
  old.forEach((one) => one.setAttribute('data-old', ''));
  const links = [...document.querySelectorAll('[data-testid=stSidebarNav] a')];
  const link = links.find((one) => new URL(one.href).pathname === `/${page}`);
  const begun = performance.now();
  window.wentS = null;
  const look = () => {
    if (there()) window.wentS = (performance.now() - begun) / 1000;
    else setTimeout(look, 20);
  };
  link.click();
  setTimeout(look, 20);
}"""
# Milliseconds from the key R to the frame after the script has ended; what the browser still draws then counts too.
RERUN = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  const begun = performance.now();
  let ran = false;
  window.rerunMs = null;
  const watch = new MutationObserver(async () => {
    if (app.getAttribute('data-test-script-state') !== 'notRunning') ran = true;
    else if (ran) {
      watch.disconnect();
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      window.rerunMs = performance.now() - begun;
    }
  });
  watch.observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""


def at(address: str, page: str, query: str) -> str:
    return f"{address}/{page}{query}"


def opened(chromium: Browser, address: str) -> Page:
    """A tab of a browser of its own, its first picture there."""
    tab = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    tab.goto(address, wait_until="commit")
    tab.wait_for_function(THERE, timeout=180_000, polling=20)
    return tab


def quiet(tab: Page, ms: int = 500) -> None:
    """Until the script has ended, and stays ended for ``ms``."""
    for _ in range(2):
        tab.wait_for_function(ENDED, timeout=180_000)
        tab.wait_for_timeout(ms)


def rerun(tab: Page) -> float:
    """Milliseconds of a rerun of the page."""
    asked(tab)
    return answered(tab)


def asked(tab: Page) -> None:
    """Ask for a rerun, and do not wait for it."""
    tab.evaluate(RERUN)
    tab.keyboard.press("r")


def answered(tab: Page) -> float:
    """Milliseconds of the rerun that was asked for."""
    tab.wait_for_function("window.rerunMs !== null", timeout=60_000, polling=20)
    return tab.evaluate("window.rerunMs")


def in_sessions(chromium: Browser, script: Path, run: RunFolder) -> dict[str, float]:
    """Page -> median seconds from the click on its link to its first picture, over ``SESSIONS``."""
    found: dict[str, list[float]] = {page: [] for page in PAGES}
    for k in range(SESSIONS):
        for page, took in in_one_session(chromium, script, run, PAGES[-1] if k % 2 else PAGES[0]).items():
            found[page].append(took)
    return {page or "overview": median(took) for page, took in found.items() if took}


def in_one_session(chromium: Browser, script: Path, run: RunFolder, first: str) -> dict[str, float]:
    """Page -> seconds from the click on its link to its first picture, of all pages but the ``first`` one."""
    found = {}
    forget(run.dataset_path())
    with served(script, run.checkpoints) as address:
        tab = opened(chromium, at(address, first, f"?run={run.name}"))
        quiet(tab)
        for page in PAGES:
            if page in (first, "errors"):  # that leads to Review
                continue
            tab.evaluate(GO.replace("THERE", WITHOUT_PICTURE.get(page, SEEN), 1), page)
            tab.wait_for_function("window.wentS !== null", timeout=60_000, polling=20)
            found[page] = tab.evaluate("window.wentS")
            quiet(tab)
        tab.context.close()
    return found


def first_pictures(chromium: Browser, script: Path, run: RunFolder) -> dict[str, dict[str, float]]:
    """Page -> seconds to the first picture, cold and warm, and milliseconds of a rerun."""
    found = {}
    for page in PAGES:
        query = f"?run={run.name}"
        forget(run.dataset_path())
        with served(script, run.checkpoints) as address:
            cold = fresh(chromium, address, page, query)
            warm = [fresh(chromium, address, page, query) for _ in range(WARM)]
            tab = opened(chromium, at(address, page, query))
            quiet(tab)
            again = []
            for _ in range(RERUNS):
                again.append(rerun(tab))
                quiet(tab, 200)
            tab.context.close()
        print(page or "overview", round(cold, 2), round(median(warm), 2), round(median(again)), flush=True)
        found[page or "overview"] = {"cold_s": cold, "warm_s": median(warm), "rerun_ms": median(again)}
    return found


def memory(chromium: Browser, script: Path, run: RunFolder) -> dict:
    """Levels in MiB after each ``EACH`` reruns, and what the last ``LAST`` of them added."""
    levels = []
    with served(script, run.checkpoints) as address:
        server = server_at(address)
        tabs = [opened(chromium, at(address, page, f"?run={run.name}")) for page in PAGES]
        for tab in tabs:
            quiet(tab)
        for k in range(MANY):
            rerun(tabs[k % len(tabs)])
            if (k + 1) % EACH == 0:
                levels.append(megabytes(server))
        for tab in tabs:
            tab.context.close()
    keys, before = levels[0], MANY // EACH - LAST // EACH - 1
    return {
        name: {"mib": [one[name] for one in levels], "growth": levels[-1][name] / levels[before][name] - 1}
        for name in keys
    }


def people(chromium: Browser, script: Path, run: RunFolder) -> dict[str, float]:
    """``PEOPLE`` sessions at once: seconds to the first pictures, milliseconds of their reruns, memory."""
    with served(script, run.checkpoints) as address:
        server = server_at(address)
        begun = time.perf_counter()
        tabs = [chromium.new_context(viewport={"width": 1440, "height": 900}).new_page() for _ in range(PEOPLE)]
        made = time.perf_counter() - begun
        began = []
        for k, tab in enumerate(tabs):
            began.append(time.perf_counter())
            tab.goto(at(address, PAGES[k % len(PAGES)], f"?run={run.name}"), wait_until="commit")
        took = []
        waiting = dict(enumerate(tabs))
        while waiting and time.perf_counter() - begun < 300:
            for k, tab in list(waiting.items()):
                if tab.evaluate(THERE):
                    took.append(time.perf_counter() - began[k])
                    del waiting[k]
        if waiting:
            raise RuntimeError(f"{len(waiting)} of {PEOPLE} sessions had no picture within 5 minutes.")
        for tab in tabs:
            quiet(tab)
        for tab in tabs:  # none waits for another's end
            asked(tab)
        again = [answered(tab) for tab in tabs]
        mib = megabytes(server)["server"]
        alive = psutil.pid_exists(server.pid)
        for tab in tabs:
            tab.context.close()
    return {
        "sessions": PEOPLE, "contexts_s": made,
        "first_picture_median_s": median(took), "first_picture_last_s": max(took),
        "rerun_median_ms": median(again), "rerun_last_ms": max(again), "server_mib": mib, "server_alive": alive,
    }  # fmt: skip


def bare(chromium: Browser, folder: Path, checkpoints: Path) -> dict[str, float]:
    script = folder / "bare.py"
    script.write_text(BARE)
    with served(script, checkpoints) as address:
        cold = fresh(chromium, address, "", "")
        warm = [fresh(chromium, address, "", "") for _ in range(WARM)]
        tab = opened(chromium, address)
        quiet(tab)
        again = [rerun(tab) for _ in range(RERUNS)]
        tab.context.close()
    return {"cold_s": cold, "warm_s": median(warm), "rerun_ms": median(again)}


def main() -> None:
    options = parser(__doc__, 7147)
    options.add_argument("--studio", type=Path, help="where the studio is made, or was")
    given = options.parse_args()
    path = chromium_path()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        studio = given.studio or Path(folder) / "checkpoints"
        run = next(iter(list_runs(studio)), None) or make_studio(studio, given.n)
        script = ROOT / "dashboard" / "server.py"
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        found = {
            "session_s": in_sessions(chromium, script, run),
            "pages": first_pictures(chromium, script, run),
            "bare": bare(chromium, Path(folder), studio),
            "people": people(chromium, script, run),
            "memory": memory(chromium, script, run),
        }
        chromium.close()
    print("| page | cold | warm | rerun |\n|---|---|---|---|")
    for page, row in {**found["pages"], "bare app": found["bare"]}.items():
        print(f"| {page} | {row['cold_s']:.2f} s | {row['warm_s']:.2f} s | {row['rerun_ms']:.0f} ms |")
    keep({"benchmark": "pages_under_load", "n": len(run.oof()), "reruns": MANY, **rounded(found)}
         | circumstances("streamlit", "plotly", "playwright"), given.out)  # fmt: skip


if __name__ == "__main__":
    main()
