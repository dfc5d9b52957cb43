"""Band occlusion against the bare network, and against the one-by-one ways, in this one process.

    python -m benchmarks.speed.occlusion [--device cuda] [--n 256] [--out benchmarks/results/occlusion.json]

All ways send the same patches through the same network, in batches of 32: resnet18 with 16 to 128 channels,
12 bands, 64x64 pixels; on a GPU also resnet18 and paper A's EfficientNetV2-L at 256 px. Bare: as many
patches as occlusion needs (each as it is and without each band), nothing done to them. Ours:
``core.explain.bands.occlusion.occlude``. captum, if installed: FeatureAblation, a feature a band, patches in the
same batches. One by one: each patch copied, a band set, normalised and sent alone, as one would write it at first, on
fewer patches. The ways take turns and the median of the rounds counts, so that other work on the machine disturbs all
alike; on a CPU the ratio is also given of the process's own CPU time, which other work disturbs least.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.report import circumstances, keep, parser
from core.config import ModelConfig
from core.data.bands import ZINDI_BANDS
from core.data.normalise import fit_normaliser
from core.device import choose_device
from core.explain.bands.occlusion import occlude
from core.train.networks.backbones import build_network

# A network that two cores train in minutes.
NARROW = ModelConfig(backbone="resnet18", pretrained=False, arguments={"channels": [16, 32, 64, 128]})
BATCH, ROUNDS, ALONE = 32, 9, 8  # patches at a time; rounds; patches of the one-by-one way
CAPTUM = importlib.util.find_spec("captum") is not None


@dataclass(frozen=True)
class Case:
    """A network, the side of its patches in pixels, and how many of them and how often, where not as asked."""

    model: ModelConfig
    side: int = 64
    n: int | None = None
    rounds: int = ROUNDS


CASES = {"narrow": Case(NARROW)}
ON_GPU = CASES | {
    "resnet18": Case(ModelConfig(backbone="resnet18", pretrained=False)),
    "tf_efficientnetv2_l": Case(ModelConfig(backbone="tf_efficientnetv2_l", pretrained=False), 256, 32, 5),
}


def measure(name: str, case: Case, n: int, device: torch.device) -> dict:
    rng, n = np.random.default_rng(0), case.n or n
    raw = (1000 + 300 * rng.standard_normal((n, 12, case.side, case.side))).astype(np.float32)
    normaliser = fit_normaliser(raw, "standard", [band.name for band in ZINDI_BANDS])
    images, n_bands = normaliser.transform(raw), len(ZINDI_BANDS)
    network, _ = build_network(case.model, ZINDI_BANDS, (case.side, case.side), 0, normaliser.units)
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

    mask = torch.arange(n_bands, device=device)[None, :, None, None]

    def captum() -> int:
        from captum.attr import FeatureAblation

        ablation = FeatureAblation(predict)
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

    ways: dict[str, Callable[[], int]] = {"bare": bare, "ours": ours, "one_by_one": one_by_one}
    ways |= {"captum": captum} if CAPTUM else {}
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    work: dict[str, list[float]] = {name: [] for name in ways}  # patches a second of this process's own CPU time
    with torch.inference_mode():
        for way in ways.values():
            way()  # warm
        for _ in range(case.rounds):
            for key, way in ways.items():
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                began, spent = time.perf_counter(), time.process_time()
                done = way()
                speeds[key].append(done / (time.perf_counter() - began))
                work[key].append(done / (time.process_time() - spent))
    return report(name, raw.shape, device, speeds, work)


def report(
    name: str,
    shape: tuple[int, ...],
    device: torch.device,
    speeds: dict[str, list[float]],
    work: dict[str, list[float]],
) -> dict:
    median = {name: statistics.median(values) for name, values in speeds.items()}

    def paired(found: dict[str, list[float]]) -> dict[str, float]:
        """Ours over each, round by round: the median."""
        return {
            f"to_{name}": round(statistics.median(a / b for a, b in zip(found["ours"], found[name], strict=True)), 3)
            for name in speeds
            if name != "ours"
        }

    return {
        "model": name,
        "shape": list(shape[1:]),
        "n_patches": shape[0],
        "batch": BATCH,
        "rounds": len(speeds["ours"]),
        "patches_per_second": {name: round(value, 1) for name, value in median.items()},
        "ratio": paired(speeds),
        **({"ratio_of_cpu_time": paired(work)} if device.type == "cpu" else {}),
    }


def main() -> None:
    arguments = parser(__doc__, 256)
    arguments.add_argument("--device", default="auto", help="auto, cpu or cuda")
    wanted = arguments.parse_args()
    device = choose_device(wanted.device)
    on_gpu = device.type == "cuda"
    found = [measure(name, case, wanted.n, device) for name, case in (ON_GPU if on_gpu else CASES).items()]
    peers = ["the bare network", *(["captum FeatureAblation in the same batches"] if CAPTUM else [])]
    result = {
        "benchmark": "occlusion",
        "peer": "; ".join([*peers, "one patch and band at a time"]),
        "asked": "ratio to_bare at least 0.9",
        "models": found,
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        **circumstances("numpy", "torch", "timm", *(("captum",) if CAPTUM else ())),
    }
    print("| network | way | patches a second | ours over it |")
    print("|---|---|---|---|")
    for one in found:
        for name, speed in one["patches_per_second"].items():
            ratio = one["ratio"].get(f"to_{name}", 1.0)
            print(f"| {one['model']} | {name.replace('_', ' ')} | {speed:,.0f} | {ratio:.3f} |")
    keep(result, wanted.out)


if __name__ == "__main__":
    main()
