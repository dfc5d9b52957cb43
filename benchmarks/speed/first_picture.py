"""How long a page takes to its first picture in Chromium, against an app of Streamlit that only draws one chart.

    python -m benchmarks.speed.first_picture [--n 3] [--checkpoints DIR] [--out benchmarks/results/first_picture.json]

From asking for the page to a picture or chart that can be seen: with a server that has just started and an empty
browser cache (once a page), with a warm server and an empty cache, and with a browser that was there before (medians of
``--n``).
The bare app has the same Streamlit, plotly and theme. Pages and bare app take turns. Without a finished run in DIR
(default: checkpoints/) the demo is made first, in a folder of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.report import circumstances, keep, parser
from core.runs.store import DEFAULT_CHECKPOINTS, list_runs

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("", "dataset", "balance", "train", "results", "errors", "embedding", "explain", "predict")
# What is marked as old, because it belongs to the page before, counts as absent.
SEEN = """() => {
  const there = (one) => {
    const box = one.getBoundingClientRect();
    return box.width > 30 && box.height > 30 && !one.closest('[data-old]');
  };
  const roots = [document, ...[...document.querySelectorAll('*')].map((one) => one.shadowRoot).filter(Boolean)];
  const found = (what) => roots.flatMap((root) => [...root.querySelectorAll(what)]);
  return found('img').some((one) => there(one) && one.naturalWidth > 30 && !one.closest('[data-testid=stSidebar]')
      && !one.closest('header'))
    || found('.js-plotly-plot .main-svg').some((one) => there(one) && one.querySelectorAll('path, image').length > 3);
}"""
CONTROLS = "() => document.querySelectorAll('[data-testid=stMain] input:not([data-old])').length > 2"
BUTTON = (
    "() => !!document.querySelector('[data-testid=stMain] button[data-testid^=stBaseButton-primary]:not([data-old])')"
)
# Pages without a picture at first: their first controls count, or the button of what is not made yet.
WITHOUT_PICTURE = {"train": CONTROLS, "predict": CONTROLS, "runs": CONTROLS, "report": BUTTON, "tour": BUTTON}
ENDED = "document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]') !== null"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
BARE = """import plotly.graph_objects as go
import streamlit as st
st.set_page_config(layout="wide")
st.title("Bare")
st.plotly_chart(go.Figure(go.Scatter(y=[1, 3, 2], mode="markers")))
"""


def chromium_path() -> str:
    """Where this machine's Chromium is; without one the program ends with a sentence."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return path or sys.exit("There is no Chromium on this machine (Debian: apt-get install chromium).")


@contextmanager
def served(script: Path, checkpoints: Path) -> Iterator[str]:
    """A server that has just begun to answer; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    environment = os.environ | {"LANDSLIDE_CHECKPOINTS": str(checkpoints)}
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    address = f"http://localhost:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def seconds(context: BrowserContext, address: str, page: str, query: str) -> float:
    """From asking for a page to its first picture, or what counts where it has none."""
    tab = context.new_page()
    begun = time.perf_counter()
    tab.goto(f"{address}/{page}{query}", wait_until="commit")
    tab.wait_for_function(WITHOUT_PICTURE.get(page, SEEN), timeout=180_000, polling=50)  # looking takes time too
    took = time.perf_counter() - begun
    tab.wait_for_function(ENDED, timeout=180_000)  # what is below the picture must not run into the next measurement
    tab.wait_for_timeout(500)
    tab.close()
    return took


def fresh(chromium: Browser, address: str, page: str, query: str) -> float:
    """With an empty cache."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    took = seconds(context, address, page, query)
    context.close()
    return took


def measured(chromium: Browser, script: Path, checkpoints: Path, page: str, query: str, n: int) -> dict[str, float]:
    """One page with a server of its own: cold, warm and again, in seconds."""
    with served(script, checkpoints) as address:
        cold = fresh(chromium, address, page, query)
        warm = [fresh(chromium, address, page, query) for _ in range(n)]
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        seconds(context, address, page, query)
        again = [seconds(context, address, page, query) for _ in range(n)]
        context.close()
    return {"cold": round(cold, 2), "warm": round(median(warm), 2), "again": round(median(again), 2)}


def with_a_run(checkpoints: Path, folder: Path) -> tuple[Path, str]:
    """A checkpoints folder with a finished run, and the run's name; the demo where there is none."""
    for place in (checkpoints, folder):
        done = [run.name for run in list_runs(place) if run.known_status()["state"] == "succeeded"]
        if done:
            return place, done[-1]
        subprocess.run([sys.executable, "-m", "core", "demo", "--checkpoints", str(folder)], cwd=ROOT, check=True)
    return with_a_run(folder, folder)


def main() -> None:
    options = parser(__doc__, 3, "turns of each page")
    options.add_argument("--checkpoints", type=Path, default=DEFAULT_CHECKPOINTS)
    given = options.parse_args()
    path = chromium_path()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        checkpoints, run = with_a_run(given.checkpoints, Path(folder) / "checkpoints")
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        found = {}
        for page in PAGES:
            found[page or "overview"] = measured(
                chromium, ROOT / "dashboard" / "server.py", checkpoints, page, f"?run={run}", given.n
            )
            peer = measured(chromium, bare, checkpoints, "", "", 1)
            found[page or "overview"]["bare"] = peer["warm"]
        chromium.close()
    print("| page | cold server | warm | seen before | bare app, warm |\n|---|---|---|---|---|")
    for page, row in found.items():
        print(f"| {page} | {row['cold']} s | {row['warm']} s | {row['again']} s | {row['bare']} s |")
    keep({"benchmark": "first_picture", "turns": given.n, "seconds": found}
         | circumstances("streamlit", "plotly", "playwright"), given.out)  # fmt: skip


if __name__ == "__main__":
    main()
