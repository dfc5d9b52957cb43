"""Batched attention maps against a plain pass and against one patch at a time, on the same network and patches.

    python -m benchmarks.speed.cam [--device cuda] [--n 192] [--out benchmarks/results/cam.json]

The pass is a forward and a backward of the same batch through the same network in evaluation mode: with the gradients
of its weights, as training needs them, and down to the patches, as a saliency map needs them. All take turns and the
best of the rounds counts, so that other work on the machine disturbs them alike. On a CPU resnet18 with a quarter of
its channels (12 bands, 64 px, its layer with 8x8 cells) and resnet50; on a GPU resnet18 at 64 px and paper A's
EfficientNetV2-L at 256 px, with 12 bands.

One patch at a time is pytorch-grad-cam's way. Where that is not installed its steps are done by hand, which the result
says: a hook on the layer, one patch forward and a full backward pass, the map fetched, scaled and resized on the CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.report import circumstances, keep, parser
from benchmarks.speed.occlusion import NARROW
from core.config import ModelConfig
from core.data.bands import ZINDI_BANDS
from core.device import choose_device
from core.explain.cam.gradcam import METHODS, gradcam
from core.explain.cam.library import library_is_here
from core.explain.cam.overlay import upsample_maps
from core.torchvision_guard import guard_torchvision
from core.train.networks.backbones import build_network

ROUNDS, PEER = 5, 8  # PEER: patches a round that are given one by one


@dataclass(frozen=True)
class Case:
    """A network, the side of its patches in pixels, how many go through at a time, and how many patches a round."""

    model: ModelConfig
    side: int = 64
    batch: int = 64
    n: int | None = None


ON_CPU = {
    "narrow": Case(NARROW),
    "resnet50": Case(ModelConfig(backbone="resnet50", pretrained=False)),
}
ON_GPU = {
    "resnet18": Case(ModelConfig(backbone="resnet18", pretrained=False)),
    "tf_efficientnetv2_l": Case(ModelConfig(backbone="tf_efficientnetv2_l", pretrained=False), 256, 32, 64),
}


def passes(network, images: np.ndarray, batch: int, device: torch.device, of_patches: bool) -> None:
    """Forward and backward of every batch, with the gradients of the weights or of the patches."""
    for start in range(0, len(images), batch):
        some = torch.as_tensor(images[start : start + batch]).to(device).requires_grad_(of_patches)
        wanted = [some] if of_patches else list(network.parameters())
        found = torch.autograd.grad(network(some)[:, 1].sum(), wanted, allow_unused=True)
        found[0].sum().item()  # wait for it


def one_by_one(network, module, reshape, device: torch.device, images: np.ndarray) -> np.ndarray:
    """Grad-CAM as it is done one patch at a time: maps (n, H, W) in 0-1."""
    kept: dict[str, torch.Tensor] = {}

    def keep_activation(_module, _inputs, output: torch.Tensor) -> None:
        kept["activation"] = output
        output.register_hook(lambda gradient: kept.__setitem__("gradient", gradient))

    handle, maps = module.register_forward_hook(keep_activation), []
    for image in images:
        network.zero_grad()
        network(torch.as_tensor(image)[None].to(device))[0, 1].backward()
        activation, gradient = (
            (kept[name] if reshape is None else reshape(kept[name])).detach().cpu().numpy()
            for name in ("activation", "gradient")
        )
        weights = gradient.mean(axis=(2, 3), keepdims=True)
        maps.append(scaled(upsample_maps(scaled(np.maximum((weights * activation).sum(axis=1), 0)), image.shape[1:])))
    handle.remove()
    return np.concatenate(maps)


def scaled(maps: np.ndarray) -> np.ndarray:
    """Each map (N, h, w) to 0-1, as the library does."""
    low = maps - maps.min(axis=(1, 2), keepdims=True)
    return low / (1e-7 + low.max(axis=(1, 2), keepdims=True))


def library(network, module, reshape, device: torch.device, images: np.ndarray) -> np.ndarray:
    """The same by pytorch-grad-cam."""
    guard_torchvision()
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    target = [ClassifierOutputTarget(1)]
    with pytorch_grad_cam.GradCAM(network, [module], reshape) as cam:
        return np.concatenate([cam(torch.as_tensor(one)[None].to(device), target) for one in images])


def timed(work: Callable[[], object], n: int) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / n * 1e3  # ms a patch


def measure(name: str, case: Case, n: int, device: torch.device) -> dict:
    n, hw = case.n or n, (case.side, case.side)
    images = np.random.default_rng(0).normal(size=(n, 12, *hw)).astype(np.float32)
    network = build_network(case.model, ZINDI_BANDS, hw, 0)[0].to(device).eval()
    layer, module, reshape = network.cam_layer(8)
    alone = library if library_is_here() else one_by_one

    def cams(method: str) -> np.ndarray:
        return gradcam(network, images, device, batch_size=case.batch, method=method)[0]

    def peer() -> np.ndarray:
        return alone(network, module, reshape, device, images[:PEER])

    works: dict[str, Callable[[], object]] = {
        "training pass": lambda: passes(network, images, case.batch, device, False),
        "pass to patches": lambda: passes(network, images, case.batch, device, True),
    }
    works |= {method: (lambda m=method: cams(m)) for method in METHODS}
    times: dict[str, list[float]] = {key: [] for key in (*works, "one by one")}
    for work in (*works.values(), peer):
        work()  # warm
    for _ in range(ROUNDS):
        for key, work in works.items():
            times[key].append(timed(work, n))
        times["one by one"].append(timed(peer, PEER))
    best = {key: min(found) for key, found in times.items()}
    one = min(timed(lambda: gradcam(network, images[:1], device), 1) for _ in range(ROUNDS))
    drawn = scaled(upsample_maps(scaled(cams("gradcam")[:PEER]), hw))
    return {
        "model": name,
        "layer": layer,
        "shape": [12, *hw],
        "batch": case.batch,
        "n_patches": n,
        "one_by_one": alone.__name__,
        "ms_per_patch": {key: round(value, 3) for key, value in best.items()},
        "ratio_to_training_pass": {m: round(best[m] / best["training pass"], 2) for m in METHODS},
        "ratio_to_pass_to_patches": {m: round(best[m] / best["pass to patches"], 2) for m in METHODS},
        "times_faster_than_one_by_one": round(best["one by one"] / best["gradcam"], 1),
        "ms_one_patch_with_choice_of_layer": round(one, 1),
        "max_error": float(f"{np.abs(drawn - peer()).max():.2g}"),
    }


def main() -> None:
    options = parser(__doc__, 192)
    options.add_argument("--device", default="cpu", help="cpu or cuda")
    arguments = options.parse_args()
    device = choose_device(arguments.device)
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.backends.cudnn.benchmark = True  # for all ways alike
    found = [measure(name, case, arguments.n, device) for name, case in (ON_GPU if on_gpu else ON_CPU).items()]
    library_version = ("grad-cam",) if library_is_here() else ()
    result = {
        "benchmark": "cam",
        "peer": "one patch at a time: " + ("pytorch-grad-cam" if library_is_here() else "its steps by hand"),
        "asked": "ratio_to_training_pass at most 1.3",
        "models": found,
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        **circumstances("torch", "timm", *library_version),
    }
    print("| Grad-CAM | ms a patch | forward + backward | ratio | one by one | times faster | largest error |")
    print("|---|---|---|---|---|---|---|")
    for row in found:
        ms = row["ms_per_patch"]
        print(
            f"| {row['model']} | {ms['gradcam']:.2f} | {ms['training pass']:.2f} | "
            f"{row['ratio_to_training_pass']['gradcam']:.2f} | {ms['one by one']:.1f} | "
            f"{row['times_faster_than_one_by_one']:.0f} | {row['max_error']:.1e} |"
        )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
