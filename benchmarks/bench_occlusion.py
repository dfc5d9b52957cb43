"""Band occlusion against the bare network, and against the one-by-one ways, in this one process.

    python benchmarks/bench_occlusion.py [--n 256] [--out benchmarks/results/occlusion.json]

All ways send the same patches through the same network, that of the demo: resnet18 with 16 to 128 channels, 12 bands,
64x64 pixels, in batches of 32. Bare: as many patches as occlusion needs (each as it is and without each band), nothing
done to them. Ours: ``core.explain.occlusion.occlude``. captum: FeatureAblation, a feature a band, patches in the same
batches. One by one: each patch copied, a band set, normalised and sent alone, as one would write it at first, on fewer
patches. The ways take turns and the median of the rounds counts, so that other work on the machine disturbs all alike;
on a CPU the ratio is also given of the process's own CPU time, which other work disturbs least.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from captum.attr import FeatureAblation

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import circumstances, keep, parser  # noqa: E402
from core.config import preset  # noqa: E402
from core.data.bands import ZINDI_BANDS  # noqa: E402
from core.data.normalise import fit_normaliser  # noqa: E402
from core.device import choose_device  # noqa: E402
from core.explain.occlusion import occlude  # noqa: E402
from core.train.backbones import build_network  # noqa: E402

BATCH, ROUNDS, ALONE = 32, 9, 8  # patches at a time; rounds; patches of the one-by-one way


def measure(n: int, device: torch.device) -> dict:
    rng = np.random.default_rng(0)
    raw = (1000 + 300 * rng.standard_normal((n, 12, 64, 64))).astype(np.float32)
    normaliser = fit_normaliser(raw, "standard", [band.name for band in ZINDI_BANDS])
    images, n_bands = normaliser.transform(raw), len(ZINDI_BANDS)
    config = preset("demo")
    network, _ = build_network(config.model, ZINDI_BANDS, (64, 64), 0, normaliser.units)
    network = network.to(device).eval()
    zero, subsets = np.zeros((1, n_bands, 1, 1), np.float32), [(band,) for band in range(n_bands)]

    def predict(batch: torch.Tensor) -> torch.Tensor:
        return network(batch).softmax(dim=1)[:, 1]

    def bare() -> int:
        for start in range(0, n, BATCH):
            batch = torch.as_tensor(images[start : start + BATCH], device=device)
            for _ in range(1 + n_bands):
                predict(batch).cpu().numpy()
        return n * (1 + n_bands)

    def ours() -> int:
        occlude(predict, images, zero, subsets, BATCH, device)
        return n * (1 + n_bands)

    ablation = FeatureAblation(predict)
    mask = torch.arange(n_bands, device=device)[None, :, None, None]

    def captum() -> int:
        for start in range(0, n, BATCH):
            batch = torch.as_tensor(images[start : start + BATCH], device=device)
            ablation.attribute(batch, baselines=0.0, feature_mask=mask)
        return n * (1 + n_bands)

    def one_by_one() -> int:
        for patch in raw[:ALONE]:
            for band in (None, *range(n_bands)):
                copy = patch.copy()
                if band is not None:
                    copy[band] = normaliser.mean_[band]
                predict(torch.as_tensor(normaliser.transform(copy[None]), device=device)).cpu().numpy()
        return ALONE * (1 + n_bands)

    ways: dict[str, Callable[[], int]] = {"bare": bare, "ours": ours, "captum": captum, "one_by_one": one_by_one}
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}  # patches a second of this process's own CPU time
    with torch.inference_mode():
        for way in ways.values():
            way()  # warm
        for _ in range(ROUNDS):
            for name, way in ways.items():
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                began, spent = time.perf_counter(), time.process_time()
                done = way()
                speeds[name].append(done / (time.perf_counter() - began))
                work[name].append(done / (time.process_time() - spent))
    return report(n, device, speeds, work)


def report(n: int, device: torch.device, speeds: dict[str, list[float]], work: dict[str, list[float]]) -> dict:
    median = {name: statistics.median(values) for name, values in speeds.items()}

    def paired(found: dict[str, list[float]]) -> dict[str, float]:
        """Ours over each, round by round: the median."""
        return {
            f"to_{name}": round(statistics.median(a / b for a, b in zip(found["ours"], found[name], strict=True)), 3)
            for name in ("bare", "captum", "one_by_one")
        }

    return {
        "benchmark": "occlusion",
        "peer": "the bare network; captum FeatureAblation in the same batches; one patch and band at a time",
        "n_patches": n,
        "n_bands": len(ZINDI_BANDS),
        "batch": BATCH,
        "rounds": ROUNDS,
        "patches_per_second": {name: round(value, 1) for name, value in median.items()},
        "ratio": paired(speeds),
        **({"ratio_of_cpu_time": paired(work)} if device.type == "cpu" else {}),
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        **circumstances("numpy", "torch", "timm", "captum"),
    }


def main() -> None:
    arguments = parser(__doc__, 256)
    arguments.add_argument("--device", default="auto", help="auto, cpu or cuda")
    wanted = arguments.parse_args()
    result = measure(wanted.n, choose_device(wanted.device))
    print("| way | patches a second | ours over it |")
    print("|---|---|---|")
    for name, speed in result["patches_per_second"].items():
        print(f"| {name.replace('_', ' ')} | {speed:,.0f} | {result['ratio'].get(f'to_{name}', 1.0):.3f} |")
    keep(result, wanted.out)


if __name__ == "__main__":
    main()
