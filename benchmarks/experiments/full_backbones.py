"""Every backbone of both papers at its full size: a pass forward and back, saved, loaded, a layer for Grad-CAM.

    nice python -m benchmarks.experiments.full_backbones [--out benchmarks/results/full_backbones.json]

Random weights, Zindi's twelve bands, two patches of 64 px (more where a backbone needs it). It is no race: it holds
that the full-size networks work here, and says what they cost. The quick tests (tests/core/train/test_families.py) do
the same with narrow members of each family at 3, 12 and 20 bands.
"""

from __future__ import annotations

import gc
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import torch

from benchmarks.report import circumstances, keep, parser
from core.config import ModelConfig
from core.data.bands import ZINDI_BANDS
from core.explain.cam.gradcam import gradcam
from core.train.networks.backbones import build_network, load_network, save_network

SIDES = {"inception_v3": 80, "swinv2_tiny_window8_256": 64}
BACKBONES = (
    "tf_efficientnetv2_l", "tf_efficientnet_b3", "tf_efficientnet_b4", "resnet50", "mobilenetv1_100",
    "mobilenetv2_100", "mobilenetv3_large_100", "densenet121", "nasnetalarge", "inception_v3", "regnety_320",
    "wide_resnet50_2", "vit_base_patch16_224", "swin_tiny_patch4_window7_224", "swin_base_patch4_window7_224",
    "swinv2_tiny_window8_256", "davit_tiny", "davit_base", "unet_resnet50", "unet_tf_efficientnetv2_l",
    "mobilenetv4_conv_small", "resnet18", "tf_efficientnetv2_b0", "baseline_cnn",
)  # fmt: skip


def one(name: str, folder: Path) -> dict:
    """One backbone, start to end; raises where anything does not hold."""
    side, began = SIDES.get(name, 64), time.perf_counter()
    network, _ = build_network(ModelConfig(backbone=name, pretrained=False), ZINDI_BANDS, (side, side), 0)
    x = torch.randn(2, 12, side, side, generator=torch.Generator().manual_seed(0))
    network.train()(x).square().sum().backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert gradients and all(bool(g.isfinite().all()) for g in gradients), f"{name}: gradients are not finite"
    network.zero_grad(set_to_none=True)
    save_network(network.eval(), folder)
    with torch.inference_mode():
        before = network(x)
        assert torch.equal(load_network(folder)(x), before), f"{name}: what was loaded answers otherwise"
    maps, layer = gradcam(network, x.numpy(), min_map=4, method="layercam")
    assert np.isfinite(maps).all() and maps.ndim == 3, f"{name}: no map"
    return {
        "backbone": name,
        "side": side,
        "parameters": sum(p.numel() for p in network.parameters()),
        "features": network.n_features,
        "cam_layer": layer,
        "map": list(maps.shape[1:]),
        "deepest": network.cam_layer(1).name,
        "seconds": round(time.perf_counter() - began, 1),
        "resident_mib": round(psutil.Process().memory_info().rss / 2**20),
    }


def main() -> None:
    options = parser(__doc__, len(BACKBONES), "how many of them, from the first on").parse_args()
    rows = []
    for name in BACKBONES[: options.n]:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(one(name, Path(folder)))
        row = rows[-1]
        size = f"{row['parameters'] / 1e6:7.1f} M"
        print(f"{name:32s} {size}  {row['cam_layer']:34s} {row['map']}  {row['seconds']:6.1f} s", flush=True)
        gc.collect()
    seconds = round(sum(row["seconds"] for row in rows), 1)
    keep({"rows": rows, "seconds": seconds, **circumstances("torch", "timm")}, options.out)


if __name__ == "__main__":
    main()
