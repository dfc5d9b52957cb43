"""Batched attention maps against a plain pass and against pytorch-grad-cam one by one, on the same network and patches.

    python -m benchmarks.bench_cam [--n 192] [--out benchmarks/results/cam.json]

The pass is a forward and a backward of the same batch through the same network in evaluation mode: with the gradients
of its weights, as training needs them, and down to the patches, as a saliency map needs them. All take turns and the
best of the rounds counts, so that other work on the machine disturbs them alike. The demo's network (resnet18 of a
quarter of its width, 12 bands, 64 px, its layer with 8x8 cells) and resnet50.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.torchvision_guard import guard_torchvision

guard_torchvision()

import pytorch_grad_cam  # noqa: E402
import torch  # noqa: E402
from pytorch_grad_cam.utils.image import scale_cam_image  # noqa: E402
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget  # noqa: E402

from core.config import ModelConfig, preset  # noqa: E402
from core.data.bands import ZINDI_BANDS  # noqa: E402
from core.explain.gradcam import METHODS, gradcam  # noqa: E402
from core.explain.maps import upsample_maps  # noqa: E402
from core.train.backbones import build_network  # noqa: E402

BATCH, ROUNDS, PEER = 64, 5, 8  # PEER: patches a round that the library is given, one by one
MODELS = {"demo": preset("demo").model, "resnet50": ModelConfig(backbone="resnet50", pretrained=False)}


def passes(network, images: np.ndarray, of_patches: bool) -> None:
    """Forward and backward of every batch, with the gradients of the weights or of the patches."""
    for start in range(0, len(images), BATCH):
        batch = torch.as_tensor(images[start : start + BATCH]).requires_grad_(of_patches)
        wanted = [batch] if of_patches else list(network.parameters())
        torch.autograd.grad(network(batch)[:, 1].sum(), wanted)


def timed(work, n: int) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / n * 1e3  # ms a patch


def measure(name: str, model: ModelConfig, n: int) -> dict:
    images = np.random.default_rng(0).normal(size=(n, 12, 64, 64)).astype(np.float32)
    network = build_network(model, ZINDI_BANDS, (64, 64), 0)[0].eval()
    layer, module, reshape = network.cam_layer(8)
    cam = pytorch_grad_cam.GradCAM(network, [module], reshape)
    target = [ClassifierOutputTarget(1)]

    def one_by_one() -> np.ndarray:
        return np.concatenate([cam(torch.as_tensor(one)[None], target) for one in images[:PEER]])

    works = {
        "training pass": lambda: passes(network, images, False),
        "pass to patches": lambda: passes(network, images, True),
    }
    works |= {method: (lambda m=method: gradcam(network, images, batch_size=BATCH, method=m)) for method in METHODS}
    times: dict[str, list[float]] = {key: [] for key in (*works, "library")}
    gradcam(network, images[:BATCH])  # warm
    for _ in range(ROUNDS):
        for key, work in works.items():
            times[key].append(timed(work, n))
        times["library"].append(timed(one_by_one, PEER))
    cam.activations_and_grads.release()
    best = {key: min(found) for key, found in times.items()}
    one = min(timed(lambda: gradcam(network, images[:1]), 1) for _ in range(ROUNDS))
    # The library's way of drawing: each map to 0-1, to the patch's size, to 0-1 again.
    drawn = scale_cam_image(upsample_maps(scale_cam_image(gradcam(network, images[:PEER])[0]), (64, 64)))
    cam = pytorch_grad_cam.GradCAM(network, [module], reshape)
    error = float(np.abs(drawn - one_by_one()).max())
    cam.activations_and_grads.release()
    return {
        "model": name,
        "layer": layer,
        "ms_per_patch": {key: round(value, 3) for key, value in best.items()},
        "ratio_to_training_pass": {m: round(best[m] / best["training pass"], 2) for m in METHODS},
        "ratio_to_pass_to_patches": {m: round(best[m] / best["pass to patches"], 2) for m in METHODS},
        "times_faster_than_library": round(best["library"] / best["gradcam"], 1),
        "ms_one_patch_with_choice_of_layer": round(one, 1),
        "max_error": float(f"{error:.2g}"),
    }


def main() -> None:
    options = parser(__doc__, 192)
    arguments = options.parse_args()
    found = [measure(name, model, arguments.n) for name, model in MODELS.items()]
    result = {
        "benchmark": "cam",
        "peer": "pytorch-grad-cam, one patch at a time",
        "n_patches": arguments.n,
        "shape": [12, 64, 64],
        "batch": BATCH,
        "asked": "ratio_to_training_pass at most 1.3",
        "models": found,
        "threads": torch.get_num_threads(),
        **circumstances("torch", "timm", "grad-cam"),
    }
    print("| Grad-CAM | ms a patch | forward + backward | ratio | library | times faster | largest error |")
    print("|---|---|---|---|---|---|---|")
    for row in found:
        ms = row["ms_per_patch"]
        print(
            f"| {row['model']} | {ms['gradcam']:.2f} | {ms['training pass']:.2f} | "
            f"{row['ratio_to_training_pass']['gradcam']:.2f} | {ms['library']:.1f} | "
            f"{row['times_faster_than_library']:.0f} | {row['max_error']:.1e} |"
        )
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
