"""The registry of runs: how long its table takes for a thousand made runs, from nothing, from its index, and again.

python -m benchmarks.registry --out benchmarks/results/registry.json
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import circumstances, parser
from core.config import preset
from core.runs.labels import STAMP
from core.runs.registry.differences import from_others, seed_spread
from core.runs.registry.index import entries
from core.runs.store import RunFolder
from tests.builders import make_dataset, make_run

KEPT = ("config.json", "status.json", "summary.json", "job.json", "provenance.json")  # what a row is made from
_COLD = """
import sys, time
from pathlib import Path
from core.runs.registry.index import entries
began = time.perf_counter()
n = len(entries(Path(sys.argv[1])))
print(n, time.perf_counter() - began)
"""
_PAGE = """
import sys, time
from streamlit.testing.v1 import AppTest
from dashboard.server import import_pages, read_runs
import_pages()  # as the server does before it answers
read_runs()
at = AppTest.from_file("dashboard/app.py", default_timeout=600)
at.switch_page("../pages/runs.py")
taken = []
for _ in range(4):
    began = time.perf_counter()
    at.run()
    taken.append(time.perf_counter() - began)
assert not at.exception, at.exception
print(len(at.dataframe[0].value), *taken)
"""


def make_runs(checkpoints: Path, n: int) -> None:
    """``n`` finished runs, as far as a row reads them: copies of one, with other settings, scores and moments."""
    data = make_dataset(checkpoints / "datasets" / "tiny.h5")
    first = make_run(checkpoints, data.path)
    texts = {name: (first.path / name).read_text(encoding="utf-8") for name in KEPT}
    summary = json.loads(texts["summary.json"])
    shutil.rmtree(first.path)
    began = 1_780_000_000.0
    for i in range(n):
        moment = time.strftime(STAMP, time.gmtime(began + 600 * i))
        run = RunFolder(checkpoints / f"{moment}_resnet18_{i:08x}")
        run.path.mkdir()
        for name, text in texts.items():
            (run.path / name).write_text(text, encoding="utf-8")
        config = preset("demo").with_overrides(
            [f"train.epochs={5 + i % 20}", f"seed={i // 20 % 5}", "folds.n_splits=3"]
        )
        (run.path / "config.json").write_text(config.to_json(), encoding="utf-8")
        f1 = 0.5 + 0.4 * (i % 97) / 97
        summary["oof"] |= {"f1": f1, "f1_interval": [f1 - 0.05, f1 + 0.05]}
        (run.path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def main() -> None:
    """See the module."""
    options = parser(__doc__, 1000, "number of runs").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder)
        make_runs(checkpoints, options.n)
        taken = {}
        for name in ("from_nothing_s", "unchanged_s"):
            began = time.perf_counter()
            found = entries(checkpoints)
            taken[name] = time.perf_counter() - began
        began = time.perf_counter()
        from_others(found)
        seed_spread(found)
        taken["differences_s"] = time.perf_counter() - began
        done = subprocess.run(
            [sys.executable, "-c", _COLD, str(checkpoints)], capture_output=True, text=True, check=True
        )
        n, cold = done.stdout.split()
        taken["from_the_index_s"] = float(cold)
        drawn = _drawn(checkpoints)
        assert int(n) == len(found) == options.n
        index = (checkpoints / ".runs-index.json").stat().st_size
    result = {
        "n": options.n,
        **taken,
        **drawn,
        "index_bytes": index,
        **circumstances("streamlit", "pydantic", "pandas"),
    }
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _drawn(checkpoints: Path) -> dict[str, float | int]:
    """The page's script, without a browser: its first draw in a server that has just begun, and the median of three."""
    environment = os.environ | {"LANDSLIDE_CHECKPOINTS": str(checkpoints)}
    done = subprocess.run(
        [sys.executable, "-c", _PAGE], capture_output=True, text=True, check=True, env=environment,
        cwd=Path(__file__).resolve().parents[1],
    )  # fmt: skip
    rows, first, *others = done.stdout.split()
    return {"page_rows": int(rows), "page_first_s": float(first), "page_s": sorted(map(float, others))[1]}


if __name__ == "__main__":
    main()
