"""How long the Review page takes in Chromium with many patches, against a bare Streamlit gallery of as many pictures.

    python -m benchmarks.review_paging [--n 50000] [--studio DIR] [--out benchmarks/results/review_paging.json]

``n`` made patches (12, 64, 64) float32 and a finished run of 14 heads (``benchmarks.made_studio``; kept in ``--studio``
for the next time). First page: from asking for it to 24 pictures that are there, with a server that has just begun and
the dataset file dropped from the system's page cache (cold; once with and once without thumbnails kept by an earlier
server), and with a server that has shown it to somebody else (warm, median of ``TURNS``); the browser's cache is
always empty. Next page, order and filter: from the click, in the browser, to the last new picture; medians, and the
best and the slowest of 20 pages that are looked at for 0.7 s. Then 180 more in a hurry: memory of the server, and with
its children, after each 20 pages (growth: the median of the later half against that of the earlier), and the server's
own processor time a page, which other work of the machine disturbs least. The peer is a script as short as
people write one: h5py, one ``st.image`` a picture, ``st.pagination``, the list sorted once.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.made_studio import make_studio
from benchmarks.report import circumstances, keep, parser
from benchmarks.speed.first_picture import FLAGS, ROOT, chromium_path, served
from core.runs.store import RunFolder, datasets_path, list_runs

SHOWN, TURNS, NEXT, MANY = 24, 5, 20, 200
BARE = """import h5py, numpy as np, pandas as pd, streamlit as st
from PIL import Image
st.set_page_config(layout="wide")
@st.cache_data
def listed():
    table = pd.read_parquet({oof!r})
    wrong = table[table["pred_svm_c0.1"] != table["label"]]
    return wrong.sort_values("prob_svm_c0.1", ascending=False)
with h5py.File({data!r}) as file:
    rows = listed().index
    page = st.session_state.setdefault("page", 1)
    shown = rows[(page - 1) * 24 : page * 24]
    for start in range(0, 24, 6):
        for column, row in zip(st.columns(6), shown[start : start + 6]):
            rgb = file["images"][row, :3].transpose(1, 2, 0)
            low, high = np.percentile(rgb, (2, 98))
            rgb = (np.clip((rgb - low) / (high - low), 0, 1) * 255).astype(np.uint8)
            column.image(Image.fromarray(rgb).resize((256, 256), 0), caption=str(row))
st.pagination(len(rows) // 24, key="page")
"""
# What stands in the gallery: the pictures' addresses once all are there, else nothing.
PICTURES = """() => {
  const all = [document.querySelector('[data-testid=stMain]')];
  const found = [];
  while (all.length) {
    const root = all.pop();
    if (!root) continue;
    for (const one of root.querySelectorAll('*')) {
      if (one.shadowRoot) all.push(one.shadowRoot);
      if (one.tagName === 'IMG' && one.getBoundingClientRect().width > 60) found.push(one);
    }
  }
  const there = found.length === SHOWN && found.every((one) => one.complete && one.naturalWidth > 0);
  return there ? found.map((one) => one.src.slice(-200)).join() : '';
}""".replace("SHOWN", str(SHOWN))
# Milliseconds from a click on an element to the frame in which all pictures are others.
CLICKED = f"""async (element) => {{
  const pictures = {PICTURES};
  const before = pictures(), begun = performance.now();
  element.click();
  while (true) {{
    await new Promise(requestAnimationFrame);
    const now = pictures();
    if (now && now !== before) return performance.now() - begun;
    if (performance.now() - begun > 60000) throw new Error('no new pictures within a minute');
  }}
}}"""


def forget(path: Path) -> None:
    """Drop a file from the system's page cache."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def opened(chromium: Browser, address: str) -> tuple[Page, float]:
    """A page in a browser that knows nothing yet, and the seconds to its pictures."""
    tab = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    begun = time.perf_counter()
    tab.goto(address, wait_until="commit")
    tab.wait_for_function(PICTURES, timeout=180_000, polling=20)
    return tab, time.perf_counter() - begun


def once(chromium: Browser, address: str) -> float:
    """Seconds to the first page."""
    tab, seconds = opened(chromium, address)
    tab.context.close()
    return seconds


def turned(tab: Page, name: str = "Next page") -> float:
    """Milliseconds of a page turned, once the page is quiet."""
    button = tab.get_by_role("button", name=name)
    button.wait_for()
    return button.evaluate(CLICKED)


def quiet(tab: Page, ms: int = 700) -> None:
    """A person looks at a page for longer; what runs after it is drawn has ended."""
    tab.wait_for_timeout(ms)
    tab.wait_for_function("document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]') !== null")


def turns(tab: Page, n: int, ms: int = 700) -> list[float]:
    """Milliseconds of each of ``n`` pages, every one looked at for ``ms``."""
    found = []
    for _ in range(n):
        quiet(tab, ms)
        found.append(turned(tab))
    return found


def named(name: str, values: list[float]) -> dict[str, float]:
    """The median, and the best, which other work of the machine has disturbed least."""
    return {name: median(values), "best": min(values)}


def changed(tab: Page) -> dict[str, float]:
    """Milliseconds of another order, and of one more outcome."""
    found = {}
    for order in ("Highest loss first", "Hardest first", "Most confident first"):
        quiet(tab)
        tab.get_by_label("Order").click()
        found[order] = tab.get_by_role("option", name=order).evaluate(CLICKED)
    quiet(tab)
    outcome = tab.get_by_role("button", name=re.compile("^Found")).evaluate(CLICKED)
    return {"order": median(found.values()), "filter": outcome}


def megabytes(server: psutil.Process) -> dict[str, float]:
    children = server.children(recursive=True)
    total = server.memory_info().rss + sum(one.memory_info().rss for one in children)
    return {"server": server.memory_info().rss / 2**20, "all": total / 2**20}


def seconds_of(server: psutil.Process) -> float:
    """Processor time so far, without its children."""
    times = server.cpu_times()
    return times.user + times.system


def server_at(address: str) -> psutil.Process:
    """The process that listens there."""
    port = int(address.rpartition(":")[2])
    return next(psutil.Process(one.pid) for one in psutil.net_connections("tcp")
                if one.laddr and one.laddr.port == port and one.status == psutil.CONN_LISTEN)  # fmt: skip


def ours(chromium: Browser, run: RunFolder) -> dict:
    script, query = ROOT / "dashboard" / "server.py", f"/review?run={run.name}"
    found = {}
    for name in ("cold_without_thumbnails", "cold"):
        if name == "cold_without_thumbnails":
            shutil.rmtree(run.checkpoints / ".thumbnails", ignore_errors=True)
        forget(run.dataset_path())
        with served(script, run.checkpoints) as address:
            found[name] = once(chromium, address + query)
    with served(script, run.checkpoints) as address:
        once(chromium, address + query)
        found |= named("warm", [once(chromium, address + query) for _ in range(TURNS)])
        server = server_at(address)
        tab, _ = opened(chromium, address + query)
        first = turns(tab, NEXT)
        found["next_ms"] = named("median", first) | {"slowest": max(first)}
        busy, more, memory = seconds_of(server), [], [megabytes(server)]
        for _ in range(MANY // NEXT - 1):
            more += turns(tab, NEXT, 100)
            memory.append(megabytes(server))
        found["next_ms"]["server_cpu"] = 1000 * (seconds_of(server) - busy) / len(more)
        found["hurried_ms"] = named("median", more)
        for name in memory[0]:
            levels = [one[name] for one in memory]
            half = len(levels) // 2
            growth = median(levels[half:]) / median(levels[:half]) - 1
            found[f"memory_of_{name}"] = {"mib": levels, "growth": growth}
        found["changes_ms"] = changed(tab)
        tab.context.close()
    return found


def bare(chromium: Browser, run: RunFolder, folder: Path) -> dict:
    script = folder / "bare.py"
    script.write_text(BARE.format(oof=str(run.path / "oof.parquet"), data=str(run.dataset_path())))
    forget(run.dataset_path())
    with served(script, run.checkpoints) as address:
        found = {"cold": once(chromium, address)}
        found |= named("warm", [once(chromium, address) for _ in range(TURNS)])
        tab, _ = opened(chromium, address)
        busy = seconds_of(server_at(address))
        first = turns(tab, NEXT)
        cpu = 1000 * (seconds_of(server_at(address)) - busy) / len(first)
        found["next_ms"] = named("median", first) | {"slowest": max(first), "server_cpu": cpu}
        tab.context.close()
    return found


def rounded(value):
    """Numbers with three digits."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.3g}")


def main() -> None:
    options = parser(__doc__, 50_000)
    options.add_argument("--studio", type=Path, help="where the studio is made, or was")
    given = options.parse_args()
    path = chromium_path()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        studio = given.studio or Path(folder) / "checkpoints"
        run = next(iter(list_runs(studio)), None) or make_studio(studio, given.n)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        found = {"review": ours(chromium, run), "bare": bare(chromium, run, Path(folder))}
        chromium.close()
    size = sum(one.stat().st_size for one in datasets_path(run.checkpoints).glob("*.h5")) / 2**30
    keep({"benchmark": "review_paging", "n": len(run.oof()), "dataset_gib": round(size, 2), "pictures": SHOWN,
          **rounded(found)} | circumstances("streamlit", "playwright", "pillow"), given.out)  # fmt: skip


if __name__ == "__main__":
    main()
