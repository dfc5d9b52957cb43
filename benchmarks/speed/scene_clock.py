"""The clock from dropping a scene to polygons, as a command and as the page's job, beside the bare work itself.

    python -m benchmarks.speed.scene_clock CHECKPOINTS RUN SCENE.tif [--turns 2] [--no-flips] [--out FILE.json]

What is timed begins and ends as a person sees it: a fresh process, the job's own process, libraries, networks, the
answer, three rasters, GeoJSON, GeoPackage and style. The page's job adds cells and pictures. The peer, in a fresh
process too, does what a script of twenty lines would: the same networks of all folds on the same windows, flips as the
run was evaluated, no head, no calibration, no blending; then ``rasterio.features.shapes`` of the windows above the
median. Each has its turn, so that other work on the machine disturbs all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import circumstances, keep


def bare(checkpoints: Path, run: str, scene: Path, out: Path, flips: bool) -> None:
    """The peer's work."""
    import numpy as np
    import rasterio
    import rasterio.features
    import torch

    from core.predict.patches import Ensemble
    from core.runs.store import open_run
    from core.train.inference import views

    ensemble = Ensemble.load(open_run(checkpoints, run))
    side, stride = ensemble.shape_hw[0], ensemble.shape_hw[0] // 2
    with rasterio.open(scene) as file:
        pixels, transform = file.read().astype(np.float32), file.transform
    rows, cols = (list(range(0, n - side + 1, stride)) for n in pixels.shape[1:])
    answers = np.zeros((len(rows), len(cols)), np.float32)
    for model in ensemble.models:
        center, scale = (values[:, None, None] for values in model.normaliser.units)
        whole = torch.from_numpy(((pixels - center) / scale).astype(np.float32))
        for i, row in enumerate(rows):
            batch = torch.stack([whole[:, row : row + side, col : col + side] for col in cols])
            with torch.inference_mode():
                for view in views(batch) if flips and model.tta else [batch]:
                    answers[i] += model.network(view).float().numpy().reshape(len(cols), -1)[:, -1]
    marked = (answers > np.median(answers)).astype(np.uint8)
    placed = transform * transform.scale(stride, stride)
    shapes = [shape for shape, value in rasterio.features.shapes(marked, transform=placed) if value]
    out.write_text(json.dumps(shapes), encoding="utf-8")


def seconds_of(command: list[str]) -> float:
    """How long a process takes by the clock."""
    start = time.perf_counter()
    calm = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}  # as jobs run: threads that wait do not spin
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env=calm)
    return time.perf_counter() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("checkpoints", type=Path)
    options.add_argument("run")
    options.add_argument("scene", type=Path)
    options.add_argument("--turns", type=int, default=2)
    options.add_argument(
        "--flips", action=argparse.BooleanOptionalAction, default=True, help="as the run was evaluated"
    )
    options.add_argument("--bare", type=Path, help="do the peer's work and write it there")
    options.add_argument("--out", type=Path)
    given = options.parse_args()
    if given.bare:
        bare(given.checkpoints, given.run, given.scene, given.bare, given.flips)
        return
    import rasterio

    with rasterio.open(given.scene) as file:
        shape = [file.count, *file.shape]
    less = [] if given.flips else ["--no-flips"]
    home = ["--checkpoints", str(given.checkpoints)]
    took: dict[str, list[float]] = {"command": [], "job of the page": [], "bare forward pass and shapes": []}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "p.tif"
        command = ["-m", "core", "predict-scene", given.run, str(given.scene), "--out", str(out)]
        command += ["--polygons", str(out.with_suffix(".geojson")), *home, *less]
        page = ["-m", "core", "analyse", "scene_map", given.run, "--scene", str(given.scene)]
        page += ["--out", str(Path(folder) / "q.tif"), *home, *less]
        peer = ["-m", "benchmarks.speed.scene_clock", *sys.argv[1:4], "--bare", str(Path(folder) / "bare.json"), *less]
        for _ in range(given.turns):
            for name, one in zip(took, (command, page, peer), strict=True):
                took[name].append(round(seconds_of(one), 1))
                print(name, took[name][-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
    best = {name: min(values) for name, values in took.items()}
    result = {
        "benchmark": "scene_clock",
        "peer": "the same networks on the same windows in a fresh process, and rasterio.features.shapes",
        "shape": shape,
        "flips": given.flips,
        "seconds": took,
        "best": best,
        "ratio_of_best": round(best["bare forward pass and shapes"] / best["command"], 3),
        **circumstances("torch", "timm", "rasterio", "shapely", "pyogrio"),
    }
    keep(result, given.out)


if __name__ == "__main__":
    main()
