"""A run's models as one torch module: raw patches in, the mean probability of its folds out.

Normaliser, views, network, head and calibration of each fold are inside, so that whoever has the file needs nothing
else. What the numbers were is said by the card (``core.predict.export.card``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.arrays import Whole
from core.errors import ConfigError
from core.evaluate.judge import Rule
from core.heads import BoostedHead, LinearHead, SvmHead
from core.heads.blend import kind_of, members_of
from core.predict.export.statistics import BandStatistics
from core.predict.fold_model import FoldModel
from core.predict.patches import Ensemble
from core.train.inference import views

FORMS = (LinearHead, SvmHead, BoostedHead)
KINDS = ("embeddings", "statistics", "rich")  # what heads may read there; the full set is not written down


def exportable(ensemble: Ensemble) -> list[str]:
    """Heads that can be written down: all whose members' files are there, and read what a graph can compute."""
    heads = ensemble.models[0].heads

    def able(name: str) -> bool:
        return isinstance(heads.get(name), FORMS) and kind_of(name) in KINDS

    return [name for name in ensemble.rules if all(map(able, members_of([name])))]


class Answers(nn.Module):
    """(N, C, H, W) float32 in the run's units -> (N, 1, H, W) float32: one probability a patch, over its whole ground.

    nan in a value is missing, as is what lies outside ``bounds`` (C, 2), and a pixel that is ``nodata`` in all bands. A
    patch without any value has the probability nan.
    """

    low: Tensor
    high: Tensor

    def __init__(
        self, ensemble: Ensemble, head: str, bounds: np.ndarray | None = None, nodata: float | None = None
    ) -> None:
        super().__init__()
        able = exportable(ensemble)
        if head not in able:
            raise ConfigError(f"The head '{head}' cannot be written down. Choose one of {', '.join(able)} with --head.")
        n_bands = len(ensemble.band_names)
        limits = np.array([[-np.inf, np.inf]] * n_bands) if bounds is None else np.asarray(bounds, np.float64)
        limits = np.where(np.isfinite(limits), limits, [-np.inf, np.inf])
        largest = np.finfo(np.float32).max
        for name, column in (("low", 0), ("high", 1)):
            edge = torch.as_tensor(np.clip(limits[:, column], -largest, largest), dtype=torch.float32)
            self.register_buffer(name, edge[:, None, None])
        self.nodata = nodata
        self.folds = nn.ModuleList(_Fold(model, head, ensemble.rules) for model in ensemble.models)

    @property
    def value_dependent(self) -> list[str]:
        """Index bands of the network whose steps depend on the values that they meet."""
        networks = [fold.network for fold in self.folds if fold.network is not None]
        bands = [network.index_bands for network in networks if network.index_bands is not None]
        return sorted({index.title for one in bands for index in one.indices if index.name.startswith("canny")})

    def forward(self, patches: Tensor) -> Tensor:
        """See the class."""
        usable = (patches >= self.low) & (patches <= self.high)  # nan compares false
        if self.nodata is not None and not np.isnan(self.nodata):
            near = (patches - self.nodata).abs() <= 2.4e-7 * abs(self.nodata)
            usable = usable & ~near.all(dim=1, keepdim=True)
        probs = torch.stack([fold(patches, usable) for fold in self.folds]).mean(dim=0)  # (N,)
        known = usable.flatten(1).any(dim=1)
        probs = torch.where(known, probs, torch.full_like(probs, float("nan"))).float()
        return probs[:, None, None, None].expand(-1, 1, patches.shape[2], patches.shape[3])


class _Fold(nn.Module):
    """One fold: patches and what of them is usable -> probability (N,) float64."""

    center: Tensor
    scale: Tensor

    def __init__(self, model: FoldModel, head: str, rules: Mapping[str, Rule]) -> None:
        super().__init__()
        self.by_patch = model.normaliser.method == "minmax"
        for name, values in (("center", model.normaliser.center_), ("scale", model.normaliser.scale_)):
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32)[:, None, None])
        members = members_of([head])
        self.kinds = [kind_of(name) for name in members]
        self.network = model.network.eval() if "embeddings" in self.kinds else None
        self.tta = model.tta
        forms = {LinearHead: _Linear, SvmHead: _Svm, BoostedHead: _Boosted}
        self.heads = nn.ModuleList(forms[type(model.heads[name])](model.heads[name]) for name in members)
        self.lines = [_line(rules[name], model.fold) for name in members]  # slope and intercept of each
        names = model.normaliser.band_names
        self.statistics = nn.ModuleDict(
            {kind: BandStatistics(names, kind == "rich") for kind in dict.fromkeys(self.kinds) if kind != "embeddings"}
        )

    def forward(self, patches: Tensor, usable: Tensor) -> Tensor:
        features = {kind: statistics(patches, usable).float().double() for kind, statistics in self.statistics.items()}
        if self.network is not None:
            images = self._normalised(patches, usable)
            seen = list(views(images)) if self.tta else [images]
            whole = torch.cat(seen) if self.tta else images  # (V N, C, H, W): one pass, and one copy of the network
            table = None
            if self.network.tabular is not None:
                table = self.network.tabular.unknown.expand(whole.shape[0], -1)
            embedded = self.network.embed(whole, table)
            embedded = embedded.reshape(len(seen), -1, embedded.shape[1]).mean(dim=0)
            features["embeddings"] = embedded.double()
        odds = [
            slope * head(features[kind]) + intercept
            for head, kind, (slope, intercept) in zip(self.heads, self.kinds, self.lines, strict=True)
        ]
        return torch.sigmoid(torch.stack(odds).mean(dim=0))  # a blend is the mean of its members' log-odds

    def _normalised(self, patches: Tensor, usable: Tensor) -> Tensor:
        if not self.by_patch:
            scaled = (torch.where(usable, patches, self.center) - self.center) / self.scale
        else:
            high = torch.where(usable, patches, torch.full_like(patches, float("-inf"))).amax(dim=(2, 3), keepdim=True)
            low = torch.where(usable, patches, torch.full_like(patches, float("inf"))).amin(dim=(2, 3), keepdim=True)
            constant = ~(high - low > 1e-6 * high.abs())
            width = torch.where(constant, torch.ones_like(high), high - low)
            scaled = torch.where(constant, torch.zeros_like(patches), (patches - low) / width - 0.5)
        return torch.where(usable, scaled, torch.zeros_like(scaled))


class _Linear(nn.Module):
    def __init__(self, head: LinearHead) -> None:
        super().__init__()
        _keep(self, center=head.center, scale=head.scale, weight=head.weight, bias=head.bias)

    def forward(self, x: Tensor) -> Tensor:
        return ((x - self.center) / self.scale) @ self.weight + self.bias


class _Svm(nn.Module):
    def __init__(self, head: SvmHead) -> None:
        super().__init__()
        _keep(self, center=head.center, scale=head.scale, support=head.support, dual=head.dual, bias=head.intercept)
        _keep(self, norms=np.square(head.support).sum(axis=1))
        self.gamma = float(head.gamma)

    def forward(self, x: Tensor) -> Tensor:
        z = (x - self.center) / self.scale
        squared = z.square().sum(dim=1, keepdim=True) - 2 * (z @ self.support.T) + self.norms
        return torch.exp(-self.gamma * squared.clamp(min=0)) @ self.dual + self.bias


class _Boosted(nn.Module):
    """Walks all trees at once, as many steps as the deepest one has; a leaf, below 0, stays where it is."""

    def __init__(self, head: BoostedHead) -> None:
        super().__init__()
        trees = head.trees
        _keep(self, threshold=trees.threshold, value=trees.value)
        for name in ("root", "feature", "left", "right"):
            self.register_buffer(name, torch.as_tensor(np.asarray(getattr(trees, name), np.int64)))
        self.depth = _depth(trees.root, trees.left, trees.right)

    def forward(self, x: Tensor) -> Tensor:
        node = self.root[None].expand(x.shape[0], -1)  # (N, T)
        for _ in range(self.depth):
            at = node.clamp(min=0)
            goes_left = torch.gather(x, 1, self.feature[at]) <= self.threshold[at]
            node = torch.where(node < 0, node, torch.where(goes_left, self.left[at], self.right[at]))
        return self.value[-node - 1].sum(dim=1)


def _line(rule: Rule, fold: int) -> tuple[float, float]:
    """Slope and intercept from a decision value to log-odds."""
    if rule.slope is None or rule.intercept is None:
        return 1.0, 0.0
    return float(rule.slope[fold]), float(rule.intercept[fold])


def _keep(module: nn.Module, **arrays: np.ndarray) -> None:
    for name, values in arrays.items():
        module.register_buffer(name, torch.as_tensor(np.array(values, np.float64)))


def _depth(roots: Whole, left: Whole, right: Whole) -> int:
    """Inner nodes on the longest way down."""
    level, depth = {int(node) for node in roots if node >= 0}, 0
    while level:
        depth += 1
        level = {int(child) for node in level for child in (left[node], right[node]) if child >= 0}
    return depth
