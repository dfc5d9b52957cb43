"""The network: a backbone, band statistics where set, an embedding, and one linear layer on top.

Comes in: a backbone and the settings of the model. Goes out: embeddings, logits, and the layer that Grad-CAM reads. It
knows nothing of where weights come from, of training or of files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import ModelConfig
from core.data.bands import Band
from core.errors import FormatError
from core.train.cam_layer import CamLayer, LayerMap, find_cam_layer, list_cam_layers, named_cam_layer
from core.train.index_bands import IndexBands
from core.train.statistics_branch import StatisticsBranch
from core.train.targets import CLASSES

_BACKBONE = "backbone."  # before the path of a layer; a network of two branches will have one such name a branch


class Network(nn.Module):
    """``classify(embed(images))``: index bands where set, a backbone, band statistics where set, one linear layer.

    Attributes: ``bands``, ``model`` (its settings), ``image_hw`` (size of the patches it was built for) and
    ``n_features`` D, the length of an embedding. ``units`` are the normaliser's center and scale, (C,) each, where
    they are known: while training.
    """

    def __init__(
        self,
        backbone: nn.Module,
        n_backbone: int,
        bands: Sequence[Band],
        model: ModelConfig,
        image_hw: tuple[int, int],
        index_bands: IndexBands | None = None,
    ) -> None:
        super().__init__()
        self.bands, self.model, self.image_hw = tuple(bands), model, image_hw
        self.index_bands = index_bands
        self.units: tuple[np.ndarray, np.ndarray] | None = None
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
        inputs = images if self.index_bands is None else self.index_bands(images)  # (N, C + I, H, W)
        features = self.backbone(resized(inputs, self.model.image_size)).float()
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
        if self.index_bands is not None:
            self.index_bands.fit(images)
        if self.statistics is not None:
            self.statistics.fit(images)

    def cam_layer(self, min_map: int, name: str | None = None) -> CamLayer:
        """The layer of that path, or the deepest living one whose map has at least ``min_map`` cells a side.

        See core.train.cam_layer. Raises ConfigError for a path that leads to no map.
        """
        if name is None:
            layer = find_cam_layer(self.backbone, *self._backbone_input(), min_map)
        else:
            layer = named_cam_layer(self.backbone, name.removeprefix(_BACKBONE), *self._backbone_input())
        return layer._replace(name=_BACKBONE + layer.name)

    def cam_layers(self) -> tuple[LayerMap, ...]:
        """The layers that Grad-CAM can read, with the size of their maps, from the first to the deepest."""
        layers = list_cam_layers(self.backbone, *self._backbone_input())
        return tuple(layer._replace(name=_BACKBONE + layer.name) for layer in layers)

    def _backbone_input(self) -> tuple[int, tuple[int, int]]:
        """Bands, and height and width in pixels, of what the backbone sees."""
        n_indices = len(self.index_bands.indices) if self.index_bands is not None else 0
        return len(self.bands) + n_indices, inner_hw(self.model, self.image_hw)


def resized(images: Tensor, size: int | None) -> Tensor:
    """(N, C, H, W) with both sides ``size`` pixels; bilinear, smoothed when it shrinks; None changes nothing."""
    if size is None or tuple(images.shape[-2:]) == (size, size):
        return images
    shrinks = size < max(images.shape[-2:])
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=shrinks)


def inner_hw(model: ModelConfig, image_hw: tuple[int, int]) -> tuple[int, int]:
    """Height and width in pixels of what the backbone sees of a patch of ``image_hw``."""
    return (model.image_size, model.image_size) if model.image_size else (int(image_hw[0]), int(image_hw[1]))
