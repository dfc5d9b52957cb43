"""Band statistics as torch operations, so that heads which read them fit into an exported graph.

The numbers are those of ``core.data.band_statistics``: mean, standard deviation and quantiles of what is there, sharp
and smoothed, of the bands and of ratios of colours.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.data.band_statistics import BOX, COLOURS
from core.data.indices import INDICES, compute
from core.data.store.summary import QUANTILES


class BandStatistics(nn.Module):
    """(N, C, H, W) float32 and where it is usable -> features (N, F) float64; ``rich`` as the function of that name."""

    shares: Tensor

    def __init__(self, band_names: Sequence[str], rich: bool) -> None:
        super().__init__()
        self.names, self.rich = tuple(band_names), rich
        self.indices = (
            [INDICES[name] for name in COLOURS if set(INDICES[name].needs) <= set(band_names)] if rich else []
        )
        self.register_buffer("shares", torch.tensor(list(QUANTILES.values()), dtype=torch.float64))

    def forward(self, patches: Tensor, usable: Tensor) -> Tensor:
        """See the class."""
        known = torch.where(usable, patches, torch.zeros_like(patches))
        if not self.rich:
            return self._described(known, usable)
        values, there = [known], [usable]
        bands = {name: known[:, i] for i, name in enumerate(self.names)}
        for index, ratio in zip(self.indices, compute(self.indices, bands), strict=True):
            both = torch.stack([usable[:, self.names.index(name)] for name in index.needs]).all(dim=0)
            values.append(torch.where(both, ratio, torch.zeros_like(ratio))[:, None])
            there.append(both[:, None])
        stack, seen = torch.cat(values, dim=1), torch.cat(there, dim=1)  # (N, C + I, H, W)
        return torch.cat([self._described(stack, seen), self._described(_smoothed(stack, seen), seen)], dim=1)

    def _described(self, values: Tensor, usable: Tensor) -> Tensor:
        """(N, B, H, W) -> (N, 9 B): band follows band; a band without any value gives 0."""
        flat, there = values.flatten(2), usable.flatten(2)  # (N, B, P)
        n = there.double().sum(dim=2, keepdim=True)
        weights, numbers = there.double(), flat.double()
        some = n.clamp(min=1.0)
        mean = (numbers * weights).sum(dim=2, keepdim=True) / some
        std = ((numbers - mean).square() * weights).sum(dim=2, keepdim=True).div(some).sqrt()
        last = torch.where(there, flat, torch.full_like(flat, float("inf"))).sort(dim=2).values
        place = self.shares * (n - 1).clamp(min=0.0)  # (N, B, 7)
        low = place.floor()
        high = torch.minimum(low + 1, (n - 1).clamp(min=0.0))
        a, b = (torch.gather(last, 2, at.long()).double() for at in (low, high))
        quantiles = a + (b - a) * (place - low)
        found = torch.cat([mean, std, quantiles], dim=2)  # (N, B, 9)
        return torch.where(n > 0, found, torch.zeros_like(found)).flatten(1)


def _smoothed(stack: Tensor, usable: Tensor) -> Tensor:
    """The mean of what is there in each box, borders reflected as scipy does (the edge itself twice)."""
    total, share = (_box(part.double()) for part in (stack, usable))
    return (total / torch.where(share > 0, share, torch.ones_like(share))).float()


def _box(values: Tensor) -> Tensor:
    """The mean over each box, by sums along one side and then the other: runtimes lack a float64 convolution."""
    side = BOX // 2
    for dim in (2, 3):
        n = values.shape[dim]
        start, end = values.narrow(dim, 0, side), values.narrow(dim, n - side, side)
        wide = torch.cat([start.flip(dim), values, end.flip(dim)], dim=dim)
        values = sum(wide.narrow(dim, step, n) for step in range(BOX)) / BOX
    return values
