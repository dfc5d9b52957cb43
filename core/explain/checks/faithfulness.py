"""Does the network need the pixels that its attention map points at? Deletion, insertion and ROAD against rivals.

You get what is left of the probability of landslide when pixels go in the map's order, and in the order of its rivals.
Some rivals know nothing of the patch (``BLIND``: random maps, the map moved elsewhere, one blob in the middle, the mean
map of the other patches); a map that does no better says nothing of this patch. Others know its pixels and no network
(``PICTURE``: edge strength, how unusual pixels are); a map that does no better adds nothing to looking.

Deletion and insertion (Petsiuk et al. 2018) put 0, the mean of training, in a pixel's place; ROAD (Rong et al. 2022)
fills it from around, so that the shape of the hole gives nothing away.
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
BLIND, PICTURE = ("random", "moved", "centre", "mean"), ("edges", "unusual")
RIVALS = ("map", *["random"] * N_RANDOM, *["moved"] * N_MOVED, "centre", "mean", *PICTURE)  # rows of one name: a mean
BLOB = 0.25  # standard deviation of the blob in the middle, as a share of the patch's sides
_TIES = 1e-5  # pixels whose map differs by less of its peak are in random order: a dead map is a random one


@dataclass(frozen=True)
class Faithfulness:
    """Probabilities of landslide: ``before`` (N,), and by kind (rivals, N, shares) after, float32.

    Rivals, in the order of ``RIVALS``, all of as many cells as the map: the map itself; random ones; the map itself
    turned and moved elsewhere in its patch; a blob in the middle; the mean of the other patches' maps, each with the
    same sum; the strength of edges and the squared distance from the mean of training, both averaged over bands.
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


def by_rival(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (rivals, ...) by name of rival, the mean over the rows of one name: (...) each."""
    return {
        name: scores[[i for i, one in enumerate(RIVALS) if one == name]].mean(axis=0) for name in dict.fromkeys(RIVALS)
    }


def faithfulness(
    network: nn.Module,
    images: np.ndarray,
    maps: np.ndarray,
    others: np.ndarray,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Faithfulness:
    """One batch of patches (N, C, H, W) float32 with raw maps (N, h, w) against its rivals; the network's own odds.

    others: (N, h, w) the mean map of the other patches, see :func:`mean_of_others`.
    """
    rng = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    batch = torch.as_tensor(np.ascontiguousarray(images)).to(device).float()
    after: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    with torch.inference_mode(), frozen(network):
        network.to(device)
        before = _probs(network, batch)
        for rival in _rivals(np.array(maps, np.float32), others, batch, rng):
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


def mean_of_others(maps: np.ndarray) -> np.ndarray:
    """(N, h, w) for each of N raw maps the mean of all others, each scaled to the sum 1; dead ones add nothing."""
    maps = np.asarray(maps, np.float64)
    sums = maps.sum(axis=(1, 2), keepdims=True)
    shares = np.divide(maps, sums, out=np.zeros_like(maps), where=sums > 0)
    alive = (sums > 0).astype(np.float64)
    return ((shares.sum(axis=0) - shares) / np.maximum(alive.sum() - alive, 1)).astype(np.float32)


def _rivals(maps: np.ndarray, others: np.ndarray, batch: Tensor, rng: np.random.Generator) -> list[np.ndarray]:
    """The maps themselves and their rivals, (N, h, w) each, in the order of ``RIVALS``."""
    drawn = [rng.random(maps.shape).astype(np.float32) for _ in range(N_RANDOM)]
    moved = [np.stack([_moved(one, rng) for one in maps]) for _ in range(N_MOVED)]
    size = maps.shape[1:]
    centre = np.repeat(_blob(size)[None], len(maps), axis=0)
    return [maps, *drawn, *moved, centre, np.asarray(others, np.float32), _edges(batch, size), _unusual(batch, size)]


def _blob(size: tuple[int, int]) -> np.ndarray:
    """(h, w) a normal bump in the middle."""
    y, x = (((np.arange(n) + 0.5) / n - 0.5) / BLOB for n in size)
    return np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / 2).astype(np.float32)


def _edges(batch: Tensor, size: tuple[int, int]) -> np.ndarray:
    """(N, h, w) the length of the gradient, the mean over bands and the pixels of a cell."""
    down, right = batch.diff(dim=2), batch.diff(dim=3)
    length = (F.pad(down, (0, 0, 0, 1)) ** 2 + F.pad(right, (0, 1)) ** 2).sqrt()
    return F.adaptive_avg_pool2d(length.mean(dim=1), size).cpu().numpy()


def _unusual(batch: Tensor, size: tuple[int, int]) -> np.ndarray:
    """(N, h, w) the squared distance from the mean of training (0), the mean over bands and the pixels of a cell."""
    return F.adaptive_avg_pool2d((batch**2).mean(dim=1), size).cpu().numpy()


def _moved(cam: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A map in one of its symmetries, rolled by at least a quarter of its sides."""
    turns = 2 * int(rng.integers(2)) if cam.shape[0] != cam.shape[1] else int(rng.integers(4))
    turned = np.rot90(cam, turns)
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
