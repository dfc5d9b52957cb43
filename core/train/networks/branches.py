"""Several encoders, each of which reads inputs of its own, and how their embeddings are fused.

A branch has a name: ``optical``, ``sar``, or ``indices`` (what the network computes from its bands). The first branch
also reads whatever no other one does, so elevation and slope go with the optical bands. In training a whole modality is
dropped at times, so that the network can answer without it. Two moments, before and after the event, are read by the
same weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from core.config.training import AFTER, BEFORE, INDICES, OPTICAL, SAR
from core.errors import ConfigError

FusionKind = Literal["concat", "mean", "gated"]
PRE = "_pre"  # behind the name of a band before the event
MODALITIES = (OPTICAL, SAR)  # what modality dropout chooses between, whatever the encoders are


def channels_of(branches: Sequence[str], modalities: Sequence[str], n_indices: int = 0) -> dict[str, list[int]]:
    """Branch -> positions of its inputs. modalities: of each input; the last ``n_indices`` inputs are indices.

    Where there is no branch of indices, an index goes to the branch of the bands that it is made of. Raises ConfigError
    when there is nothing for one of the branches.
    """
    found: dict[str, list[int]] = {name: [] for name in branches}
    first_index = len(modalities) - n_indices
    for i, modality in enumerate(modalities):
        own = INDICES if INDICES in found and i >= first_index else modality
        found[own if own in found else branches[0]].append(i)
    if INDICES in found and not found[INDICES]:
        raise ConfigError(
            "The encoder of indices has nothing to read. Choose indices (model.indices=auto, or names), or set "
            "model.branches=one or optical_sar."
        )
    measured = [modality for i, modality in enumerate(modalities) if i < first_index]
    missing = [name for name in MODALITIES if name in found and name not in measured]
    if missing:
        raise ConfigError(
            f"An optical and a SAR branch need bands of both; none of those chosen is {' or '.join(missing)}. "
            "Choose bands of both (data.bands), or set model.branches=one and model.modality_dropout=0."
            if SAR in found
            else "The optical encoder has nothing to read; none of the bands chosen is optical. Choose bands "
            "(data.bands), or set model.branches=one."
        )
    return found


class Branches(nn.Module):
    """All encoders on their own inputs, their embeddings one after the other: (N, C, H, W) -> (N, D1 + D2 + ...).

    encoders: branch -> encoder. ``channels``: branch -> positions of its inputs. ``widths``: (D1, D2, ...).
    """

    def __init__(
        self, encoders: Mapping[str, nn.Module], channels: dict[str, list[int]], widths: tuple[int, ...]
    ) -> None:
        super().__init__()
        for name, encoder in encoders.items():
            self.add_module(name, encoder)
        self.channels, self.widths = channels, widths

    def forward(self, images: Tensor) -> Tensor:
        """The embeddings in the order of the branches."""
        return torch.cat([branch(images[:, self.channels[name]]) for name, branch in self.branches().items()], dim=1)

    def branches(self) -> dict[str, nn.Module]:
        """Branch -> its encoder."""
        return {name: self.get_submodule(name) for name in self.channels}


def moments_of(names: Sequence[str]) -> dict[str, list[int]]:
    """AFTER and BEFORE -> positions of their inputs, band by band; what has no moment (elevation) is read with both.

    names: of the bands; ``red_pre`` is red before the event. Raises ConfigError where no band is there twice.
    """
    place = {name: i for i, name in enumerate(names)}
    pairs = [(i, place[f"{name}{PRE}"]) for name, i in place.items() if f"{name}{PRE}" in place]
    if not pairs:
        raise ConfigError(
            "model.branches=before_after needs bands of both moments (red and red_pre); of those chosen none is there "
            f"twice: {', '.join(names)}. Import pictures before and after the event (--format before_after), choose "
            "bands of both (data.bands), or set model.branches=one."
        )
    lone = [i for name, i in place.items() if i not in {one for pair in pairs for one in pair}]
    if of_one := [name for name in names if name.endswith(PRE) and place[name] in lone]:
        raise ConfigError(
            f"model.branches=before_after: {', '.join(of_one)} have no band of the same name after the event. Leave "
            "them out of data.bands, or choose their counterparts too."
        )
    return {AFTER: [after for after, _ in pairs] + lone, BEFORE: [before for _, before in pairs] + lone}


class BeforeAfter(Branches):
    """One encoder's weights on both moments: (N, C, H, W) -> (N, 3 D), after, before, and |after - before|.

    The weights are held once. Each moment has modules of its own, with its own running statistics of batch
    normalisation, so that each has its own maps (Bromley 1993; Daudt 2018, "Siam-diff").
    """

    def __init__(self, encoder: nn.Module, channels: dict[str, list[int]], width: int) -> None:
        super().__init__({AFTER: encoder, BEFORE: copy.deepcopy(encoder)}, channels, (width,) * 3)
        self.tie()

    def tie(self) -> None:
        """Lets the encoder of the moment before have the weights of the other one, and its buffers' values."""
        after, before = self.branches().values()
        for module, twin in zip(after.modules(), before.modules(), strict=True):
            for own, parameter in module.named_parameters(recurse=False):
                setattr(twin, own, parameter)
            for own, buffer in module.named_buffers(recurse=False):
                getattr(twin, own).copy_(buffer)

    def forward(self, images: Tensor) -> Tensor:
        """The two embeddings, and how far they differ."""
        after, before = (branch(images[:, self.channels[name]]) for name, branch in self.branches().items())
        return torch.cat([after, before, (after - before).abs()], dim=1)


def encoders_of(backbone: nn.Module) -> dict[str, nn.Module]:
    """Prefix of its parameters' names -> encoder: one without a prefix, or one for each branch."""
    if isinstance(backbone, Branches):
        return {f"{name}.": encoder for name, encoder in backbone.branches().items()}
    return {"": backbone}


class Fusion(nn.Module):
    """How embeddings, one after the other, become one: (N, D1 + D2 + ...) -> (N, ``n_features``).

    concat: as they are. mean: their mean. gated: each feature a weighted mean, with weights (a softmax over the
    branches) that are learnt from all. Where the lengths differ, mean and gated first bring the shorter ones to the
    longest's length by a linear layer.
    """

    def __init__(self, kind: FusionKind, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.kind, self.widths = kind, widths
        self.n_features = sum(widths) if kind == "concat" else max(widths)
        layers = [
            nn.Identity() if kind == "concat" or width == self.n_features else nn.Linear(width, self.n_features)
            for width in widths
        ]
        self.project = nn.ModuleList(layers)
        # The last branch's logit is 0, so that two branches have the one gate of a sigmoid.
        gates = (len(widths) - 1) * self.n_features
        self.gate = nn.Linear(sum(widths), gates) if kind == "gated" else None

    def forward(self, joined: Tensor) -> Tensor:
        """(N, D1 + D2 + ...) -> (N, n_features)."""
        if self.kind == "concat":
            return joined
        parts = zip(self.project, joined.split(self.widths, 1), strict=True)
        stack = torch.stack([layer(part) for layer, part in parts], dim=1)  # (N, B, D)
        if self.gate is None:
            return stack.mean(dim=1)
        logits = self.gate(joined).unflatten(1, (len(self.widths) - 1, self.n_features))
        weights = torch.cat([logits, torch.zeros_like(logits[:, :1])], dim=1).softmax(dim=1)
        return (weights * stack).sum(dim=1)


class ModalityDropout(nn.Module):
    """While training, a share of the patches loses all optical or all SAR bands, half of them each; never both.

    A lost band is 0 after normalisation, its usual value: what the policy "mean" gives for a band that is missing.
    Indices and statistics are computed from what is left. Draws come from torch's generator, which the loop seeds.
    """

    def __init__(self, share: float, channels: dict[str, list[int]]) -> None:
        super().__init__()
        self.share = share
        n = sum(len(positions) for positions in channels.values())
        for name, positions in channels.items():
            mask = torch.zeros(n, dtype=torch.bool)
            mask[positions] = True
            self.register_buffer(f"is_{name}", mask, persistent=False)  # (C,)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape; the same tensor in evaluation mode."""
        if not self.training:
            return images
        draw = torch.rand(len(images), 1, device=images.device)
        lost = (draw < self.share / 2) & self.is_optical | (draw >= 1 - self.share / 2) & self.is_sar  # (N, C)
        return images.masked_fill(lost[:, :, None, None], 0.0)
