"""The network: any timm backbone on any number of bands, an embedding, and one linear layer on top.

Comes in: the model's settings, the bands and the size of a patch. Goes out: a :class:`Network` and the report of what
its weights started from. It knows nothing of training, labels or the files of a run.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import ModelConfig
from core.data.bands import Band
from core.errors import ConfigError, FormatError
from core.train.cam_layer import CamLayer, find_cam_layer
from core.train.statistics_branch import StatisticsBranch
from core.train.weights import WeightsReport, fetch, load_into, random_report

CLASSES = 2  # column 0 the other class, column 1 landslide


class Network(nn.Module):
    """``classify(embed(images))``: a backbone, band statistics where set, dropout and one linear layer.

    Attributes: ``bands``, ``model`` (its settings), ``image_hw`` (size of the patches it was built for) and
    ``n_features`` D, the length of an embedding.
    """

    def __init__(
        self, backbone: nn.Module, n_backbone: int, bands: Sequence[Band], model: ModelConfig, image_hw: tuple[int, int]
    ) -> None:
        super().__init__()
        self.bands, self.model, self.image_hw = tuple(bands), model, image_hw
        self.backbone = backbone
        self.statistics = StatisticsBranch(len(self.bands)) if model.statistics_branch else None
        self.n_features = n_backbone + (self.statistics.n_features if self.statistics else 0)
        self.dropout = nn.Dropout(model.drop_rate)
        self.classifier = nn.Linear(self.n_features, CLASSES)

    def embed(self, images: Tensor) -> Tensor:
        """Normalised (N, C, H, W) -> embeddings (N, D) float32. Raises FormatError for another number of bands."""
        if images.ndim != 4 or images.shape[1] != len(self.bands):
            raise FormatError(
                f"The network was given an array of shape {tuple(images.shape)}; it reads (N, {len(self.bands)}, H, W) "
                f"with the bands {', '.join(band.name for band in self.bands)}."
            )
        features = self.backbone(resized(images, self.model.image_size)).float()
        if self.statistics is None:
            return features
        return torch.cat([features, self.statistics(images)], dim=1)

    def classify(self, embeddings: Tensor) -> Tensor:
        """(N, D) -> logits (N, 2); column 1 is landslide."""
        return self.classifier(self.dropout(embeddings))

    def forward(self, images: Tensor) -> Tensor:
        """Normalised (N, C, H, W) -> logits (N, 2)."""
        return self.classify(self.embed(images))

    def fit_statistics(self, images: Tensor) -> None:
        """Fits what is standardised inside the network on the training part: (N, C, H, W), normalised."""
        if self.statistics is not None:
            self.statistics.fit(images)

    def cam_layer(self, min_map: int) -> CamLayer:
        """The deepest living layer whose map has at least ``min_map`` cells a side; see core.train.cam_layer."""
        size = _inner_hw(self.model, self.image_hw)
        name, module, reshape = find_cam_layer(self.backbone, len(self.bands), size, min_map)
        return CamLayer(f"backbone.{name}", module, reshape)


def resized(images: Tensor, size: int | None) -> Tensor:
    """(N, C, H, W) with both sides ``size`` pixels; bilinear, smoothed when it shrinks; None changes nothing."""
    if size is None or tuple(images.shape[-2:]) == (size, size):
        return images
    shrinks = size < max(images.shape[-2:])
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=shrinks)


def build_network(
    model: ModelConfig, bands: Sequence[Band], image_hw: tuple[int, int], seed: int
) -> tuple[Network, WeightsReport]:
    """A network for patches (C, H, W) of these bands, and what its weights started from.

    The seed decides every random weight; the global generators stay as they were. ``model.weights`` (a file) comes
    before ``model.pretrained`` (the hub).

    Raises ConfigError for an unknown backbone, a size that it cannot take, or weights that cannot be had, and
    FormatError or UnsafeFileError for a weights file that does not fit.
    """
    names = tuple(band.name for band in bands)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = _backbone(model.backbone, len(names), _inner_hw(model, image_hw))
        n_features = _probe(backbone, model, len(names), image_hw)
        network = Network(backbone, n_features, bands, model, (int(image_hw[0]), int(image_hw[1])))
    if model.weights is not None:
        path = Path(model.weights)
        report = load_into(backbone, path, path.name, names)
    elif model.pretrained:
        report = load_into(backbone, *fetch(model.backbone), names)
    else:
        report = random_report(names)
    return network, report


def _inner_hw(model: ModelConfig, image_hw: tuple[int, int]) -> tuple[int, int]:
    """Size of the image that the backbone sees."""
    return (model.image_size, model.image_size) if model.image_size else (int(image_hw[0]), int(image_hw[1]))


def _backbone(name: str, n_bands: int, hw: tuple[int, int]) -> nn.Module:
    try:
        known = timm.is_model(name)
        config = timm.models.get_pretrained_cfg(name) if known else None
    except RuntimeError:  # the architecture is known, the tag after the dot is not
        known = False
    if not known:
        near = difflib.get_close_matches(name, timm.list_models() + timm.list_pretrained(), n=4)
        hint = f" Close names: {', '.join(near)}." if near else ""
        raise ConfigError(f"timm has no backbone '{name}'.{hint} Set model.backbone to a name of timm.list_models().")
    # Transformers with position embeddings are built for one size; convolutions take any.
    fixed = {"img_size": hw} if config is not None and config.fixed_input_size else {}
    try:
        return timm.create_model(name, pretrained=False, in_chans=n_bands, num_classes=0, **fixed)
    except TypeError:  # a few fixed-size families take no img_size: the probe below says whether the size fits
        return timm.create_model(name, pretrained=False, in_chans=n_bands, num_classes=0)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(name, hw, error) from error


def _probe(backbone: nn.Module, model: ModelConfig, n_bands: int, image_hw: tuple[int, int]) -> int:
    """Length of the backbone's embedding, from one empty patch: timm's ``num_features`` is not it in every family."""
    hw = _inner_hw(model, image_hw)
    try:
        with torch.inference_mode():
            features = backbone.eval()(torch.zeros(1, n_bands, *hw))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(model.backbone, hw, error) from error
    backbone.train()
    if features.ndim != 2:
        raise ConfigError(f"The backbone '{model.backbone}' gives no embedding but {tuple(features.shape)}; choose another.")
    return features.shape[1]


def _size_error(name: str, hw: tuple[int, int], error: Exception) -> ConfigError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ConfigError(
        f"The backbone '{name}' cannot take patches of {hw[0]}x{hw[1]} pixels ({reason}). "
        "Set model.image_size to a size that it takes (its own is often 224 or 256), or choose another backbone."
    )
