"""Which part of a network is trained in each epoch, and how fast each part learns.

"Layers" are leaf modules of the backbone in their order (batch normalisation, activations and pooling counted, as Keras
counts them); "blocks" are timm's groups. Of several branches, all open from their tops.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from timm.models import group_parameters
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.config import TrainConfig
from core.errors import ConfigError
from core.train.networks.branches import encoders_of
from core.train.networks.unet import UNet

_BACKBONE = "backbone."


@dataclass(frozen=True)
class Opening:
    """What of a network learns: names of its parameters, and of batch normalisations that stay as they are."""

    parameters: frozenset[str]
    frozen_norms: frozenset[str]

    def apply(self, network: nn.Module) -> None:
        """Closes what is not open. In the mode of training, frozen normalisation answers as in evaluation."""
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name in self.parameters)

    def train(self, network: nn.Module) -> None:
        """Training mode, but for the normalisation that stays as it is, and for a backbone that is frozen whole."""
        network.train()
        if not any(name.startswith(_BACKBONE) for name in self.parameters):
            network.backbone.eval()  # nothing in it learns: neither dropout nor stochastic depth has a purpose
        for name, module in network.named_modules():
            if name in self.frozen_norms:
                module.eval()


def opening_at(epoch: int, network: nn.Module, config: TrainConfig) -> Opening:
    """What learns in ``epoch`` (from 1): the last layer for ``head_epochs``, then the top, then what is ``trainable``.

    Raises ConfigError when blocks are asked for and timm does not say what the backbone's are.
    """
    part = config.trainable
    if epoch <= config.head_epochs:
        part = "head"
    elif epoch <= config.head_epochs + config.top_epochs:
        part = "layers"
    names = {name for name, _ in network.named_parameters()}
    of_backbone = {name for name in names if name.startswith(_BACKBONE)}
    opened = of_backbone & _opened(network, part, config)
    norms = _norms(network)
    freeze = config.batch_norm == "frozen" or (config.batch_norm == "auto" and part != "all")
    frozen = frozenset(
        name for name, weights in norms.items() if freeze or (part != "all" and not (weights and weights <= opened))
    )
    closed = set().union(*(norms[name] for name in frozen))
    return Opening(frozenset((names - of_backbone) | (opened - closed)), frozen)


def _opened(network: nn.Module, part: str, config: TrainConfig) -> set[str]:
    """Names of the backbone's parameters that ``part`` opens, batch normalisation not considered yet."""
    if part == "head":
        return set()
    if part == "all":
        return {name for name, _ in network.named_parameters()}
    if part == "layers":
        top: tuple[str, ...] = ()
        for prefix, encoder in encoders_of(network.backbone).items():
            leaves = [name for name, module in encoder.named_modules() if not list(module.children())]
            top += tuple(f"{_BACKBONE}{prefix}{name}." for name in leaves[-config.top_layers :])
        # timm's normalisation may hold its activation: it is open as soon as that is.
        norms = tuple(f"{norm}." for norm in _norms(network) if any(leaf.startswith(f"{norm}.") for leaf in top))
        return {name for name, _ in network.named_parameters() if name.startswith(top + norms)}
    blocks = backbone_blocks(network)
    return {name for names in blocks[-config.top_blocks :] for name in names}


def _norms(network: nn.Module) -> dict[str, set[str]]:
    """Batch normalisation in the backbone -> names of its own parameters."""
    named = {id(parameter): name for name, parameter in network.named_parameters()}  # shared ones have one name
    return {
        name: {named[id(parameter)] for parameter in module.parameters(recurse=False)}
        for name, module in network.named_modules()
        if name.startswith(_BACKBONE) and isinstance(module, _BatchNorm)
    }


def backbone_blocks(network: nn.Module) -> list[list[str]]:
    """Names of the backbone's parameters, block by block from the input on, as timm's ``group_matcher`` groups them.

    A U-Net's decoder is a block behind its encoder's; of several branches, the blocks that are equally far from the end
    are one. Raises ConfigError when timm does not say what its blocks are.
    """
    by_branch = [
        [[_BACKBONE + prefix + name for name in block] for block in _blocks(encoder)]
        for prefix, encoder in encoders_of(network.backbone).items()
    ]
    from_end = zip_longest(*(reversed(blocks) for blocks in by_branch), fillvalue=[])
    return [sum(blocks, []) for blocks in from_end][::-1]


def _blocks(encoder: nn.Module) -> list[list[str]]:
    if isinstance(encoder, UNet):
        inner = [[f"encoder.{name}" for name in block] for block in _blocks(encoder.encoder)]
        return [*inner, [f"decoder.{name}" for name, _ in encoder.decoder.named_parameters()]]
    if not hasattr(encoder, "group_matcher"):
        raise ConfigError(
            "timm does not say what the blocks of this backbone are. Set train.trainable=layers and "
            "train.layer_decay=1, or choose another backbone."
        )
    groups = group_parameters(encoder, encoder.group_matcher(coarse=False))
    return [groups[key] for key in sorted(groups)]


def lr_scales(network: nn.Module, decay: float) -> dict[str, float]:
    """Parameter -> what its learning rate is multiplied by: ``decay`` for the backbone's last block, squared before it.

    Parameters that are not named learn at the full rate.
    """
    blocks = backbone_blocks(network)
    return {name: decay ** (len(blocks) - i) for i, names in enumerate(blocks) for name in names}
