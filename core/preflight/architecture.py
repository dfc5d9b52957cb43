"""What a network is, before it is trained: its cost (Table III of paper B), its stages (Table 1 of paper A), its bands.

Results are plain values that JSON can hold. Weights in a local file are read; those of the hub or a package are named.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.config import ModelConfig
from core.data.bands import Band
from core.device import choose_device
from core.errors import LandslideLensError
from core.train.networks.arguments import fitting_arguments
from core.train.networks.backbones import build_network
from core.train.networks.cost import network_facts
from core.train.networks.network import Network, inner_hw
from core.train.networks.pretrained import WeightsReport
from core.train.networks.stages.table import stages


def describe(model: ModelConfig, bands: Sequence[Band], image_hw: tuple[int, int], device: str = "auto") -> dict:
    """Everything about one network.

    ``facts``: parameters, megabytes, depth, ms. ``stages``: rows. ``inputs``: for each band or index its branch and
    the filter it starts from. ``weights``: source, licence, sha256. ``layers``: those Grad-CAM can read; ``cam_layer``:
    the one it reads by default. ``device``: where ``ms`` was measured. ``backbone_side``: pixels of a
    patch as the backbone sees it. ``notes``: left-out arguments, in words. Raises
    as ``build_network`` does.
    """
    model, told = fitting_arguments(model)
    network, report = build_network(model, bands, image_hw, seed=0, download=False)
    chosen = choose_device(device)
    return {
        "backbone": model.backbone,
        "facts": asdict(network_facts(network, chosen)) | {"features": network.n_features},
        "stages": [asdict(row) for row in stages(network)],
        "inputs": _inputs(network, report),
        "weights": {"source": report.source, "licence": report.licence, "sha256": report.sha256},
        "cam_layer": network.cam_layer(8).name,
        "layers": [layer._asdict() for layer in network.cam_layers()],
        "device": device_words(chosen),
        "size": list(image_hw),
        "backbone_side": inner_hw(model, image_hw)[0],
        "notes": told,
    }


def compare_row(model: ModelConfig, bands: Sequence[Band], image_hw: tuple[int, int], device: str = "auto") -> dict:
    """One row of Table III: ``backbone`` and its facts, or ``error`` a sentence, where it cannot be built."""
    try:
        bare = fitting_arguments(model)[0].model_copy(
            update={"pretrained": False, "weights": None, "sar_weights": None}
        )
        network, _ = build_network(bare, bands, image_hw, seed=0)
        facts = asdict(network_facts(network, choose_device(device))) | {"features": network.n_features}
    except LandslideLensError as error:
        return {"backbone": model.backbone, "error": str(error)}
    return {"backbone": model.backbone, **facts}


def device_words(device: Any) -> str:
    """A device as people know it."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    return f"{device.type.upper()} ({name}), {torch.get_num_threads()} threads"


def _inputs(network: Network, report: WeightsReport) -> list[dict]:
    indices = network.index_bands.indices if network.index_bands is not None else ()
    names = [*(band.name for band in network.bands), *(index.name for index in indices)]
    channels = getattr(network.backbone, "channels", {"": list(range(len(names)))})
    branch_of = {i: branch for branch, positions in channels.items() for i in positions}
    n_bands = len(network.bands)
    return [
        {
            "input": name,
            "kind": "band" if i < n_bands else "index",
            "branch": branch_of[i],
            "starts_from": report.mapping.get(name, "random"),
        }
        for i, name in enumerate(names)
    ]
