"""The network: one backbone or several branches, band statistics where set, an embedding, and a linear layer on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import ModelConfig
from core.data.bands import Band
from core.data.tabular.columns import Column
from core.errors import FormatError
from core.train.networks.branches import MODALITIES, Branches, Fusion, ModalityDropout, channels_of, encoders_of
from core.train.networks.cam_layer import CamLayer, LayerMap, find_cam_layer, list_cam_layers, named_cam_layer
from core.train.networks.index_bands import IndexBands
from core.train.networks.statistics_branch import StatisticsBranch
from core.train.networks.tabular import TabularBranch
from core.train.targets import CLASSES

_BACKBONE = "backbone."  # before the path of a layer; behind it "optical.", "sar." ... in a network of branches


class Network(nn.Module):
    """``classify(embed(images))``: index bands, a backbone, its fusion, band statistics, columns, one linear layer.

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
        columns: Sequence[Column] = (),
        second_classes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.bands, self.model, self.image_hw = tuple(bands), model, image_hw
        self.index_bands = index_bands
        self.units: tuple[np.ndarray, np.ndarray] | None = None
        self.backbone = backbone
        self.fusion = Fusion(model.fusion, backbone.widths) if isinstance(backbone, Branches) else None
        n_backbone = self.fusion.n_features if self.fusion else n_backbone
        self.modality_dropout = None
        if model.modality_dropout > 0.0:
            channels = channels_of(MODALITIES, [band.modality for band in self.bands])
            self.modality_dropout = ModalityDropout(model.modality_dropout, channels)
        self.statistics = StatisticsBranch(len(self.bands)) if model.statistics_branch else None
        self.tabular = TabularBranch(columns, model.columns_dropout) if columns else None
        joined = [branch.n_features for branch in (self.statistics, self.tabular) if branch is not None]
        self.n_features = n_backbone + sum(joined)
        self.dropout = nn.Dropout(model.drop_rate)
        self.classifier = nn.Linear(self.n_features, CLASSES)
        self.second_classes = tuple(second_classes)
        # A layer, or None; Any, as only a network that has it is asked for what it gives.
        self.second_head: Any = nn.Linear(self.n_features, len(second_classes)) if second_classes else None
        self.mask_head: Any = nn.Conv2d(backbone.n_pixel, 1, 1) if model.masks else None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The tabular inputs it reads, as learnt on its training part."""
        return self.tabular.columns if self.tabular is not None else ()

    def embed(self, images: Tensor, table: Tensor | None = None) -> Tensor:
        """Normalised (N, C, H, W) -> embeddings (N, D) float32. Raises FormatError for another number of bands.

        table: (N, P), see ``core.data.tabular.columns``, where the network reads columns; None: all are unknown.
        """
        return self.embed_with_map(images, table)[0]

    def embed_with_map(self, images: Tensor, table: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """The same, and what :meth:`outline` reads: the decoder's map; None for a network without a mask head."""
        if images.ndim != 4 or images.shape[1] != len(self.bands):
            raise FormatError(
                f"The network was given an array of shape {tuple(images.shape)}; it reads (N, {len(self.bands)}, H, W) "
                f"with the bands {', '.join(band.name for band in self.bands)}."
            )
        if self.modality_dropout is not None:
            images = self.modality_dropout(images)
        inputs = images if self.index_bands is None else self.index_bands(images)  # (N, C + I, H, W)
        inputs, pixels = resized(inputs, self.model.image_size), None
        if self.mask_head is None:
            features = self.backbone(inputs).float()
        else:
            features, pixels = self.backbone.with_map(inputs)
            features = features.float()
        if self.fusion is not None:
            features = self.fusion(features)
        joined = [self.statistics(images)] if self.statistics is not None else []
        joined += [self.tabular(table, len(images))] if self.tabular is not None else []
        return torch.cat([features, *joined], dim=1) if joined else features, pixels

    def outline(self, pixels: Tensor, hw: tuple[int, int]) -> Tensor:
        """A decoder's map -> logits (N, H, W) of landslide for each pixel of a patch of that size."""
        logits = self.mask_head(pixels).float()
        return F.interpolate(logits, tuple(hw), mode="bilinear", align_corners=False)[:, 0]

    def classify(self, embeddings: Tensor) -> Tensor:
        """(N, D) -> logits (N, 2); column 1 is landslide."""
        return self.classifier(self.dropout(embeddings))

    def outline_rows(self) -> int:
        """Rows of the decoder's map of one patch: how fine an outline can be."""
        blank, was_training = torch.zeros(1, len(self.bands), *self.image_hw), self.training
        with torch.inference_mode():
            pixels = self.eval().embed_with_map(blank.to(next(self.parameters()).device))[1]
        self.train(was_training)
        return pixels.shape[-2]

    def forward(
        self, images: Tensor, table: Tensor | None = None, with_second: bool = False, with_mask: bool = False
    ) -> Any:
        """Normalised (N, C, H, W) -> logits (N, 2).

        Behind them, as asked for, those of the second head (N, S) and of pixels (N, H, W).
        """
        embeddings, pixels = self.embed_with_map(images, table)
        logits = self.classify(embeddings)
        if not with_second and not with_mask:
            return logits
        second = (self.second_head(self.dropout(embeddings)),) if with_second else ()
        return logits, *second, *((self.outline(pixels, images.shape[-2:]),) if with_mask else ())

    def fit_statistics(self, images: Tensor) -> None:
        """Fits what is standardised inside the network on the training part: (N, C, H, W), normalised."""
        if self.index_bands is not None:
            self.index_bands.fit(images)
        if self.statistics is not None:
            self.statistics.fit(images)

    def cam_layer(self, min_map: int, name: str | None = None) -> CamLayer:
        """The layer of that path, or the deepest living one whose map has at least ``min_map`` cells a side.

        Of several branches the first one's, unless a layer is named. See ``core.train.networks.cam_layer``. Raises
        ConfigError for a path that leads to no map.
        """
        encoders = self._encoders()
        own = "" if name is None else name.removeprefix(_BACKBONE)
        prefix = next((prefix for prefix in encoders if own.startswith(prefix)), next(iter(encoders)))
        encoder, n_inputs = encoders[prefix]
        if name is None:
            layer = find_cam_layer(encoder, n_inputs, inner_hw(self.model, self.image_hw), min_map)
        else:
            layer = named_cam_layer(encoder, own.removeprefix(prefix), n_inputs, inner_hw(self.model, self.image_hw))
        return layer._replace(name=_BACKBONE + prefix + layer.name)

    def cam_layers(self) -> tuple[LayerMap, ...]:
        """The layers that Grad-CAM can read, with the size of their maps, from the first to the deepest, by branch."""
        return tuple(
            layer._replace(name=_BACKBONE + prefix + layer.name)
            for prefix, (encoder, n_inputs) in self._encoders().items()
            for layer in list_cam_layers(encoder, n_inputs, inner_hw(self.model, self.image_hw))
        )

    def _encoders(self) -> dict[str, tuple[nn.Module, int]]:
        """Prefix of its layers' names -> encoder, and how many bands it reads."""
        encoders = encoders_of(self.backbone)
        if isinstance(self.backbone, Branches):
            return {
                prefix: (encoder, len(self.backbone.channels[prefix.removesuffix(".")]))
                for prefix, encoder in encoders.items()
            }
        n_indices = len(self.index_bands.indices) if self.index_bands is not None else 0
        return {prefix: (encoder, len(self.bands) + n_indices) for prefix, encoder in encoders.items()}


def resized(images: Tensor, size: int | None) -> Tensor:
    """(N, C, H, W) with both sides ``size`` pixels; bilinear, smoothed when it shrinks; None changes nothing."""
    if size is None or tuple(images.shape[-2:]) == (size, size):
        return images
    shrinks = size < max(images.shape[-2:])
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=shrinks)


def inner_hw(model: ModelConfig, image_hw: tuple[int, int]) -> tuple[int, int]:
    """Height and width in pixels of what the backbone sees of a patch of ``image_hw``."""
    return (model.image_size, model.image_size) if model.image_size else (int(image_hw[0]), int(image_hw[1]))
