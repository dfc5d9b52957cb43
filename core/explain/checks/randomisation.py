"""Does a map change when the network forgets what it learnt? Cascading randomisation (Adebayo et al. 2018).

Layers get random weights from the classifier down to the first. A map that stays alike shows edges of the picture, not
what was learnt.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.explain.cam.gradcam import Target, gradcam
from core.explain.cam.overlay import constant_maps, dead_maps, scale_maps, upsample_maps

STAGES = 6  # layers are randomised in so many steps
DRAWN = 32  # maps are compared at this size in pixels: SSIM needs more than the window's 7


@dataclass(frozen=True)
class Likeness:
    """Maps of one stage against the trained network's: (N,) each, nan where either is dead or constant.

    stage: 0 is the classifier alone, the last is every layer. ssim: of maps scaled to 0-1. spearman: of their cells.
    """

    seed: int
    stage: int
    stages: int
    layers: str
    ssim: np.ndarray
    spearman: np.ndarray


def cascade(
    network: nn.Module,
    images: np.ndarray,
    maps: np.ndarray,
    device: torch.device | str = "cpu",
    layer: str | None = None,
    min_map: int = 8,
    method: str = "gradcam",
    target: Target = 1,
    seed: int = 0,
) -> Iterator[Likeness]:
    """Randomise a copy of the network stage by stage and compare its maps with ``maps`` (N, h, w) of the whole one."""
    randomised = copy.deepcopy(network).to(device)
    name = layer or network.cam_layer(min_map)[0]
    parts = _parts(randomised)
    stages = [list(chosen) for chosen in np.array_split(np.arange(len(parts)), min(STAGES, len(parts)))]
    generator = torch.Generator().manual_seed(seed)
    for stage, rows in enumerate(stages):
        for row in rows:
            randomise(parts[row][1], generator)
        found, _ = gradcam(randomised, images, device, min_map, target, method=method, layer=name)
        text = f"{parts[rows[0]][0]} to {parts[rows[-1]][0]}" if len(rows) > 1 else parts[rows[0]][0]
        yield Likeness(seed, stage, len(stages), text, *likeness(maps, found))


def likeness(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM and Spearman's correlation of each pair of maps (N, h, w): (N,), (N,); nan where either says nothing."""
    from scipy.stats import rankdata
    from skimage.metrics import structural_similarity

    silent = dead_maps(ours) | dead_maps(theirs) | constant_maps(ours) | constant_maps(theirs)
    drawn = [upsample_maps(scale_maps(maps), (DRAWN, DRAWN)) for maps in (ours, theirs)]
    ranks = [np.stack([rankdata(one) for one in maps.reshape(len(maps), -1)]) for maps in (ours, theirs)]
    ssim, spearman = np.full(len(ours), np.nan), np.full(len(ours), np.nan)
    for row in np.flatnonzero(~silent):
        ssim[row] = structural_similarity(drawn[0][row], drawn[1][row], data_range=1.0)
        spearman[row] = np.corrcoef(ranks[0][row], ranks[1][row])[0, 1]
    return ssim, spearman


def likeness_to_others(maps: np.ndarray, seed: int = 0, most: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Mean :func:`likeness` of each map (N, h, w) to up to ``most`` maps of other patches: (N,), (N,); nan for none.

    It is the level that maps of one network have in common, whatever they show: its habit, and the method's.
    """
    order = np.random.default_rng(seed).permutation(len(maps))
    place = np.argsort(order)
    found = [likeness(maps, maps[order[(place + step) % len(maps)]]) for step in range(1, min(most + 1, len(maps)))]
    if not found:
        return np.full(len(maps), np.nan), np.full(len(maps), np.nan)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a dead map is like none
        ssim, spearman = (np.nanmean([one[i] for one in found], axis=0) for i in (0, 1))
    return ssim, spearman


def randomise(module: nn.Module, generator: torch.Generator) -> None:
    """Forget what ``module`` itself has learnt (not its children): its weights are drawn anew.

    Norms go back to what they start from. Other weights are normal with He's spread, which keeps the size of what
    passes through (and has no zeros to start from, with which some families begin). Loose parameters such as position
    embeddings keep their values and lose their places.
    """
    own = [parameter for _, parameter in module.named_parameters(recurse=False)]
    with torch.no_grad():
        if hasattr(module, "running_mean") or isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
            module.reset_parameters()
        elif isinstance(module, (nn.Linear, nn.Conv2d)):
            fan_in = math.prod(module.weight.shape[1:])
            _fill(module.weight, torch.randn(module.weight.shape, generator=generator) * math.sqrt(2 / fan_in))
            if module.bias is not None:
                module.bias.zero_()
        else:
            for parameter in own:
                order = torch.randperm(parameter.numel(), generator=generator)
                _fill(parameter, parameter.detach().cpu().flatten()[order].reshape(parameter.shape))


def _fill(parameter: Tensor, values: Tensor) -> None:
    parameter.copy_(values.to(parameter))


def _parts(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Modules that own parameters, from the last registered (the classifier) to the first, with their paths."""
    owners = [
        (name, module)
        for name, module in network.named_modules()
        if any(True for _ in module.parameters(recurse=False)) and not name.startswith("statistics")
    ]
    return owners[::-1]
