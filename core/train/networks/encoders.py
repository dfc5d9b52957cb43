"""One encoder by its name: any timm backbone, a U-Net around one, the second paper's network, or columns as they are.

An encoder turns (N, C, H, W) into an embedding (N, D).
"""

from __future__ import annotations

import difflib
from typing import Any

import timm
import torch
from torch import Tensor, nn

from core.config.training import COLUMNS
from core.errors import ConfigError
from core.train.networks.arguments import size_limited
from core.train.networks.baseline_cnn import BASELINE, baseline_cnn
from core.train.networks.matmul_conv import use_products
from core.train.networks.unet import UNET, unet


def make_encoder(name: str, arguments: dict[str, Any], n_bands: int, hw: tuple[int, int]) -> tuple[nn.Module, int]:
    """The encoder with random weights from torch's generator, in training mode, and the length of its embedding.

    Raises ConfigError for an unknown name, arguments or a size that it cannot take.
    """
    with size_limited():
        encoder = use_products(_encoder(name, arguments, n_bands, hw))
    return encoder, _probe(encoder, name, n_bands, hw)


def _encoder(name: str, arguments: dict[str, Any], n_bands: int, hw: tuple[int, int]) -> nn.Module:
    if name == BASELINE:
        return baseline_cnn(n_bands, hw, arguments)
    if name == COLUMNS:
        return _column_values(n_bands, hw)
    if not name.startswith(UNET):
        return _timm(name, arguments, n_bands, hw)
    of_encoder = {key: value for key, value in arguments.items() if key != "decoder"}
    try:
        return unet(_timm(name.removeprefix(UNET), of_encoder, n_bands, hw), name, hw, n_bands, arguments)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(name, hw, error) from error


class ColumnValues(nn.Module):
    """(N, C, 1, 1) normalised values -> (N, C): each column of a table is a band of one pixel. Nothing is learnt."""

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        return images.flatten(1)


def _column_values(n_columns: int, hw: tuple[int, int]) -> ColumnValues:
    if hw != (1, 1):
        raise ConfigError(
            f"model.backbone={COLUMNS} is for a table of columns; these patches have {hw[0]}x{hw[1]} pixels. Choose "
            "another backbone, or a preset for patches (small)."
        )
    return ColumnValues()


def _timm(name: str, arguments: dict[str, Any], n_bands: int, hw: tuple[int, int]) -> nn.Module:
    try:
        known = timm.is_model(name)
        config = timm.models.get_pretrained_cfg(name) if known else None
    except RuntimeError:  # the architecture is known, the tag after the dot is not
        known = False
    if not known:
        near = difflib.get_close_matches(name[:100], [*timm.list_models(), *timm.list_pretrained(), BASELINE], n=4)
        hint = f" Close names: {', '.join(near)}." if near else ""
        raise ConfigError(
            f"timm has no backbone '{name}'.{hint} Set model.backbone to a name of timm.list_models(), to "
            f"{UNET}NAME for a U-Net around one, or to {BASELINE}."
        )
    # Transformers with position embeddings are built for one size; convolutions take any.
    fixed = {"img_size": hw} if config is not None and config.fixed_input_size else {}
    common = {"pretrained": False, "in_chans": n_bands, "num_classes": 0}
    try:
        return timm.create_model(name, **common, **(fixed | arguments))
    except TypeError as error:
        if not fixed:
            reason = f"model.arguments ({', '.join(arguments)})" if arguments else "the arguments of this program"
            raise ConfigError(
                f"The backbone '{name}' does not accept {reason}: {error}. model.arguments={{}} keeps its own widths."
            ) from error
        # A few fixed-size families take no img_size: the probe below says whether the size fits.
        return timm.create_model(name, **common, **arguments)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(name, hw, error) from error


def _probe(encoder: nn.Module, name: str, n_bands: int, hw: tuple[int, int]) -> int:
    """Length of the embedding, from one empty patch: timm's ``num_features`` is not it in every family."""
    try:
        with torch.inference_mode():
            features = encoder.eval()(torch.zeros(1, n_bands, *hw))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(name, hw, error) from error
    encoder.train()
    if features.ndim != 2:
        raise ConfigError(f"The backbone '{name}' gives {tuple(features.shape)}, no embedding. Choose another.")
    return features.shape[1]


def _size_error(name: str, hw: tuple[int, int], error: Exception) -> ConfigError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ConfigError(
        f"The backbone '{name}' cannot take patches of {hw[0]}x{hw[1]} pixels ({reason}). "
        "Set model.image_size to a size that it takes (its own is often 224 or 256), or choose another backbone."
    )
