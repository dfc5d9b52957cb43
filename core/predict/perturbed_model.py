"""One fold's model with some of its bands replaced: probabilities before and after, and Shapley values of band groups.

Indices and band statistics are computed inside the model from its bands, so replacing a band changes them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core.data.store.dataset import Dataset
from core.data.store.missing import has_data
from core.device import choose_device
from core.evaluate.judge import Rule
from core.explain.bands.groups import BandGroup, band_groups
from core.explain.bands.occlusion import occlude
from core.explain.bands.replacements import choose_donors, replacement
from core.explain.bands.shapley import group_drops, shapley_values, subsets_of
from core.heads.blend import kind_of, members_of
from core.predict.fold_model import FoldModel
from core.runs.store import RunFolder
from core.train.loop import embed

CPU_BATCH = 32  # patches at a time: as measured, 64 of a small network are a quarter slower, out of the cache


@dataclass(frozen=True)
class Patches:
    """Some of a fold's patches. facts: id, label, fold (n rows); images, donors: (n, C, H, W) float32 raw."""

    facts: pd.DataFrame
    images: np.ndarray
    donors: np.ndarray
    seed: int

    def at(self, rows: np.ndarray) -> Patches:
        """Those at ``rows``."""
        return Patches(self.facts.iloc[rows].reset_index(drop=True), self.images[rows], self.donors[rows], self.seed)


@dataclass(frozen=True, eq=False)
class PerturbedModel:
    """One fold's model that predicts with some bands replaced. heads: those that predict, the headline last."""

    model: FoldModel
    rules: dict[str, Rule]
    heads: tuple[str, ...]

    @classmethod
    def open(cls, run: RunFolder, fold: int, device: Any | None = None) -> PerturbedModel:
        """The fold's model of a finished run, from its folder."""
        config = run.config()
        device = choose_device(config.device) if device is None else device
        rules = {name: Rule.from_dict(values) for name, values in run.rules().items()}
        return cls.of(FoldModel.load(run, fold, device), rules, config.heads.headline(rules))

    @classmethod
    def of(cls, model: FoldModel, rules: dict[str, Rule], headline: str) -> PerturbedModel:
        """A model that predicts by the network's own head and the run's headline."""
        return cls(model, rules, tuple(dict.fromkeys(("fc", headline))))

    @cached_property
    def groups(self) -> tuple[BandGroup, ...]:
        """The groups that the model's bands are divided into."""
        return band_groups(self.model.network.bands)

    @cached_property
    def normalised(self) -> bool:
        """Whether bands are replaced after normalisation; heads that read band statistics need them before."""
        return all(kind_of(name) == "embeddings" for name in members_of(self.heads))

    @property
    def batch_size(self) -> int:
        """Patches at a time; a GPU, without gradients to keep, takes twice as many as in training."""
        on_cpu = getattr(self.model.device, "type", str(self.model.device)) == "cpu"
        return CPU_BATCH if on_cpu else 2 * self.model.batch_size

    def read(self, dataset: Dataset, facts: pd.DataFrame, rows: np.ndarray, seed: int) -> Patches:
        """Patches at ``rows`` of the fold's out-of-fold table, each with a donor of the other class from that table."""
        names, labels = self.model.normaliser.band_names, facts["label"].to_numpy()
        donors = choose_donors(labels[rows], labels, seed)
        ids = facts["id"].to_numpy()
        images, others = (dataset.images(dataset.index_of(ids[which]), names) for which in (rows, donors))
        return Patches(facts.iloc[rows][["id", "label", "fold"]].reset_index(drop=True), images, others, seed)

    def predict(self, batch: Any) -> np.ndarray:
        """Probabilities (n, heads) of a batch from :meth:`prepared`; without test-time flips, so that they compare."""
        model = self.model
        if self.normalised:
            features = {"embeddings": embed(model.network, batch, model.device, max(len(batch), 1)).embeddings}
            log_odds = model.log_odds_of(features, self.heads, self.rules)
        else:
            log_odds = model.log_odds(batch.cpu().numpy(), self.heads, self.rules, tta=False)
        return np.stack([expit(log_odds[name]) for name in self.heads], axis=1)

    def prepared(self, patches: Patches, baseline: str) -> tuple[np.ndarray, np.ndarray]:
        """The patches in the scale in which bands are replaced, and the values that replace them."""
        normaliser = self.model.normaliser
        images, donors = patches.images, patches.donors
        if self.normalised:
            images, donors = normaliser.transform(images), normaliser.transform(donors)
        seen = has_data(patches.images)
        return images, replacement(baseline, images, self._constants(), seen, donors, patches.seed)

    def different(self, baselines: Sequence[str]) -> list[str]:
        """The replacements without those that equal an earlier one: 0 after standardisation is the mean."""
        kept: list[str] = []
        constants = self._constants()
        for name in baselines:
            same = [k for k in kept if {k, name} <= set(constants) and np.allclose(constants[k], constants[name])]
            kept += [] if same else [name]
        return kept

    def _constants(self) -> dict[str, np.ndarray]:
        normaliser = self.model.normaliser
        zero = np.zeros(len(normaliser.band_names), np.float32)
        raw = {"mean": normaliser.mean_, "zero": normaliser.center_, "zero_raw": zero}
        if not self.normalised:
            return raw
        if normaliser.units is None:  # each patch is scaled by itself: a constant band becomes 0 whatever it was
            return dict.fromkeys(raw, zero)
        center, scale = normaliser.units
        return {name: (values - center) / scale for name, values in raw.items()}


def occlude_patches(
    view: PerturbedModel, patches: Patches, baseline: str, groups: Sequence[BandGroup] = (), bands: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables, as the run folder keeps them: patches without each band, and exact Shapley values of groups.

    The first has a row per patch, head and band: p0, p_b. The second has a row per patch, head and group: shapley, p0,
    p_without (that group replaced), p_only (all others replaced), p_none (all replaced); without groups it is empty.
    """
    names = view.model.normaliser.band_names
    indices = [group.index for group in groups]
    alone = [(band,) for band in range(len(names))] if bands else []
    images, other = view.prepared(patches, baseline)
    wanted = [*alone, *(subsets_of(indices) if groups else [])]
    p0, after = occlude(view.predict, images, other, wanted, view.batch_size, view.model.device)
    by_band, by_group = [], []
    for h, head in enumerate(view.heads):
        facts = patches.facts.assign(head=head, baseline=baseline, p0=p0[:, h])
        for band, index in zip(names, alone, strict=False):
            by_band.append(facts.assign(band=band, p_b=after[frozenset(index)][:, h]))
        if groups:
            mine = {subset: values[:, h] for subset, values in after.items()}
            by_group += _shares(facts, mine, groups)
    columns = ["id", "label", "fold", "head", "baseline"]
    return (
        _joined(by_band, [*columns, "band", "p0", "p_b"]),
        _joined(by_group, [*columns, "group", "modality", "bands", "shapley", "p0", "p_without", "p_only", "p_none"]),
    )


def _shares(
    facts: pd.DataFrame, after: dict[frozenset[int], np.ndarray], groups: Sequence[BandGroup]
) -> list[pd.DataFrame]:
    indices, p0 = [group.index for group in groups], facts["p0"].to_numpy()
    values = shapley_values(group_drops(p0, after, indices))  # (G, n)
    every = frozenset().union(*indices)
    return [
        facts.assign(
            group=group.name,
            modality=group.modality,
            bands=", ".join(group.bands),
            shapley=values[g],
            p_without=after[frozenset(group.index)],
            p_only=after[every - frozenset(group.index)],
            p_none=after[every],
        )
        for g, group in enumerate(groups)
    ]


def _joined(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
