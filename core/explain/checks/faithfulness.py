"""Does the network need the pixels that its attention map points at? Deletion, insertion and ROAD against chance.

You get what is left of the probability of landslide when pixels go in the map's order, and in the order of random or
moved maps. Deletion and insertion (Petsiuk et al. 2018) put 0, the mean of training, in a pixel's place; ROAD (Rong et
al. 2022) fills it from around, so that the shape of the hole gives nothing away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.explain.cam.gradcam import frozen
from core.explain.checks.imputation import impute

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the pixels that are taken out, or put in
N_RANDOM, N_MOVED = 3, 2  # rivals a map
KINDS = ("road_most", "road_least", "deletion", "insertion")
RIVALS = ("map", *(f"random{i}" for i in range(N_RANDOM)), *(f"moved{i}" for i in range(N_MOVED)))
_TIES = 1e-5  # pixels whose map differs by less of its peak are in random order: a dead map is a random one


@dataclass(frozen=True)
class Faithfulness:
    """Probabilities of landslide: ``before`` (N,), and by kind (rivals, N, shares) after, float32.

    Rivals, in the order of ``RIVALS``: the map itself; random ones of as many cells, drawn as large; the map itself
    turned and moved elsewhere in its patch, which is the stricter rival: it has the same shape.
    """

    before: np.ndarray
    after: dict[str, np.ndarray]

    def scores(self) -> dict[str, np.ndarray]:
        """By measure (rivals, N): road and insertion are better when larger, deletion when smaller.

        road: mean over shares of (least relevant out first - most relevant out first) / 2. The others: area under the
        curve of the probability.
        """
        least, most = self.after["road_least"], self.after["road_most"]
        return {
            "road": (least - most).mean(axis=2) / 2,
            "deletion": self.after["deletion"].mean(axis=2),
            "insertion": self.after["insertion"].mean(axis=2),
        }


def faithfulness(
    network: nn.Module, images: np.ndarray, maps: np.ndarray, device: torch.device | str = "cpu", seed: int = 0
) -> Faithfulness:
    """One batch of patches (N, C, H, W) float32 with raw maps (N, h, w) against its rivals; the network's own odds."""
    rng = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    batch = torch.as_tensor(np.ascontiguousarray(images)).to(device).float()
    after: dict[str, list[list[np.ndarray]]] = {kind: [] for kind in KINDS}
    with torch.inference_mode(), frozen(network):
        network.to(device)
        before = _probs(network, batch)
        for rival in _rivals(np.asarray(maps, np.float32), rng):
            rank = _ranks(torch.as_tensor(rival).to(device), batch.shape[-2:], noise)
            rows: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
            for share in SHARES:
                most, least = rank < share, rank >= 1 - share
                rows["road_most"].append(_probs(network, impute(batch, most, noise)))
                rows["road_least"].append(_probs(network, impute(batch, least, noise)))
                rows["deletion"].append(_probs(network, batch * ~most[:, None]))
                rows["insertion"].append(_probs(network, batch * most[:, None]))
            for kind in KINDS:
                after[kind].append(np.stack(rows[kind], axis=1))
    return Faithfulness(before, {kind: np.stack(found) for kind, found in after.items()})


def _rivals(maps: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The maps themselves and their rivals, (N, h, w) each."""
    drawn = [rng.random(maps.shape).astype(np.float32) for _ in range(N_RANDOM)]
    return [maps, *drawn, *(np.stack([_moved(one, rng) for one in maps]) for _ in range(N_MOVED))]


def _moved(cam: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A map in one of its symmetries, rolled by at least a quarter of its sides."""
    turned = np.rot90(cam, 2 * rng.integers(2)) if cam.shape[0] != cam.shape[1] else np.rot90(cam, rng.integers(4))
    if rng.integers(2):
        turned = turned[:, ::-1]
    height, width = cam.shape
    by = rng.integers(height // 4, height - height // 4 + 1), rng.integers(width // 4, width - width // 4 + 1)
    return np.roll(turned, by, axis=(0, 1))


def _ranks(maps: Tensor, size_hw: tuple[int, int], generator: torch.Generator) -> Tensor:
    """(N, H, W) the share of pixels that come before each one, the most relevant first."""
    drawn = F.interpolate(maps[:, None], tuple(size_hw), mode="bilinear", align_corners=False)[:, 0]
    peak = drawn.amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    ties = torch.rand(drawn.shape, generator=generator).to(drawn)
    order = (drawn / peak + _TIES * ties).flatten(1).argsort(dim=1, descending=True)
    rank = torch.empty_like(order)
    rank.scatter_(1, order, torch.arange(order.shape[1], device=order.device).expand_as(order))
    return (rank.float() / order.shape[1]).reshape(drawn.shape)


def _probs(network: nn.Module, batch: Tensor) -> np.ndarray:
    """(N,) float32 probability of landslide by the network's own classifier."""
    return network(batch).float().softmax(dim=1)[:, 1].cpu().numpy()
