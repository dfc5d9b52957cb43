"""The live threshold at 7147 patches: one move of the slider, against drawing the whole page again.

    python -m benchmarks.speed.threshold [--n 7147] [--out benchmarks/results/threshold.json]

A made run on made patches (64 x 64 x 12 float32, 1.4 GB). The server's own work, with the patches read from the dataset
file, drawn and encoded, is timed in Streamlit's AppTest: by the clock, and by the processor's time of its thread, which
other work on the machine does not lengthen. The limit is 200 ms. Chromium looks at the same page as served and notes
when a message leaves for the server and when the last one of its answer has arrived; it shares the processor.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from functools import partial
from pathlib import Path

from benchmarks.report import circumstances, keep, parser
from tests.builders import make_dataset, make_run

ROOT = Path(__file__).resolve().parents[2]
MOVES, QUIET_S, LIMIT_MS = 25, 1.5, 200


def made_run(root: Path, n: int) -> str:
    """A finished run of n patches; its name."""
    data = make_dataset(root / "datasets" / "made.h5", n=n, side=64)
    return make_run(root, data.path).name


def server_times(root: Path) -> dict[str, list[float]]:
    """What one move of the slider, and the whole page, take on the server (ms)."""
    from streamlit.testing.v1 import AppTest

    from dashboard.results import threshold

    os.environ["LANDSLIDE_CHECKPOINTS"] = str(root)
    found: dict[str, list[float]] = {"wall": [], "processor": [], "whole_page": []}
    moving = threshold._moving

    def timed(live) -> None:
        began, used = time.perf_counter(), time.thread_time()
        moving(live)
        found["wall"].append(1000 * (time.perf_counter() - began))
        found["processor"].append(1000 * (time.thread_time() - used))

    threshold._moving = timed
    at = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=120)
    at.query_params["results_view"] = "threshold"
    at.switch_page("../pages/results.py")
    at.run()
    for i in range(MOVES):
        began = time.perf_counter()
        at.slider(key="threshold_at").set_value(round(0.1 + 0.03 * i, 3)).run()
        found["whole_page"].append(1000 * (time.perf_counter() - began))
    if at.exception:
        raise RuntimeError(at.exception[0].value)
    return found


def serve(root: Path) -> tuple[subprocess.Popen, str]:
    """The dashboard on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py", "--server.port", str(port)]
    environment = os.environ | {"LANDSLIDE_CHECKPOINTS": str(root)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2)
            return server, url
        except OSError:
            time.sleep(0.1)
    server.terminate()
    raise TimeoutError("The dashboard did not start.")


class Rounds:
    """When messages left and arrived, as the browser saw them (s)."""

    def __init__(self, page) -> None:
        self.page, self.sent, self.received = page, [], []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketFrameSent", lambda event: self.sent.append(event["timestamp"]))
        session.on("Network.webSocketFrameReceived", lambda event: self.received.append(event["timestamp"]))

    def of(self, act) -> float:
        """Milliseconds from the first message that ``act`` sends to the last one that answers."""
        self.sent.clear()
        self.received.clear()
        act()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            self.page.wait_for_timeout(1000 * QUIET_S)
            if self.sent and self.received and not self._moving():
                break
        return 1000 * (self.received[-1] - self.sent[0])

    def _moving(self) -> bool:
        n = len(self.received)
        self.page.wait_for_timeout(300)
        return len(self.received) > n


def rounds_of(url: str, run: str) -> list[float]:
    """Rounds of moving the slider, as the browser sees them (ms)."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        rounds = Rounds(page)
        page.goto(f"{url}/results?run={run}&results_view=threshold")
        page.get_by_role("slider").first.wait_for(timeout=120_000)
        page.wait_for_timeout(5000)
        slider = page.get_by_role("slider").first
        slider.focus()
        rounds.of(lambda: slider.press("ArrowRight"))  # what is read for the first time
        keys = ["PageUp", "ArrowRight", "ArrowLeft", "PageDown", "ArrowRight"]
        moved = [rounds.of(partial(slider.press, keys[i % 5])) for i in range(MOVES)]
        browser.close()
    return moved


def main() -> None:
    args = parser(__doc__, 7147).parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-threshold-") as folder:
        run = made_run(Path(folder), args.n)
        found = server_times(Path(folder))
        server, url = serve(Path(folder))
        try:
            rounds = rounds_of(url, run)
        finally:
            server.terminate()
            server.wait(timeout=20)
    wall, middle = found["wall"][1:], statistics.median
    result = circumstances("streamlit", "plotly", "h5py") | {
        "n": args.n, "moves": len(wall), "limit_ms": LIMIT_MS, "server_median_ms": middle(wall),
        "server_worst_ms": max(wall), "server_processor_median_ms": middle(found["processor"][1:]),
        "whole_page_median_ms": middle(found["whole_page"]), "ratio": middle(found["whole_page"]) / middle(wall),
        "browser_round_median_ms": middle(rounds), "browser_round_worst_ms": max(rounds),
    }  # fmt: skip
    keep(result, args.out)


if __name__ == "__main__":
    main()
