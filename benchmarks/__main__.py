"""``make bench``: every comparison, one table of ratios, and the figures under ``benchmarks/results/``."""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    for script in sorted((HERE / "speed").glob("*.py")):
        if "__main__" not in script.read_text(encoding="utf-8"):
            continue  # a loop that the others measure
        out = results / f"{script.stem}.json"
        print(f"\n{script.stem}: {script.read_text(encoding='utf-8').split(chr(10), 1)[0].strip(chr(34))}", flush=True)
        subprocess.run(
            [sys.executable, "-m", f"benchmarks.speed.{script.stem}", "--out", out], check=True, cwd=HERE.parent
        )
        assert json.loads(out.read_text(encoding="utf-8")), f"{out.name} is empty"


if __name__ == "__main__":
    main()
