"""Training as it is usually written: a DataLoader whose workers change patches one by one in numpy and scikit-image.

The peer of ``bench_train``: the same changes with the same strengths, the same timm network from torch's and timm's own
defaults, float32. Patches lie in memory, normalised, so that no disk is waited for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from skimage.transform import AffineTransform, resize, warp
from torch import nn
from torch.utils.data import DataLoader, Dataset

from core.config import RunConfig
from core.torchvision_guard import guard_torchvision

guard_torchvision()

import timm  # noqa: E402

SHARED_MEMORY = Path("/dev/shm")


class UsualPatches(Dataset):
    """One patch changed at a time: images (N, C, H, W) float32 normalised, labels (N,) 0/1."""

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, config: RunConfig, units: tuple, optical: int, enlarge: bool
    ) -> None:
        self.images, self.labels, self.augment = images, labels, config.augment
        # The way from normalised values to reflectance and back, for the optical bands, which come first.
        self.center, self.scale = (np.float32(values[:optical] / 1e4).reshape(-1, 1, 1) for values in units)
        self.optical, self.size = optical, config.model.image_size if enlarge else None

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[np.ndarray, int]:
        config, draw = self.augment, np.random
        patch = self.images[i]
        if draw.random() < 0.5:
            patch = patch[:, ::-1]
        if draw.random() < 0.5:
            patch = patch[:, :, ::-1]
        patch = np.rot90(patch, draw.randint(4), axes=(1, 2))
        patch = self._moved(patch.transpose(1, 2, 0))  # (H, W, C), as scikit-image wants it
        if self.size:
            patch = resize(patch, (self.size, self.size), order=1, preserve_range=True)
        patch = np.array(patch.transpose(2, 0, 1), np.float32)
        light = patch[: self.optical] * self.scale + self.center
        light *= 1 + draw.uniform(-config.brightness, config.brightness)
        light += draw.normal(0, config.noise, light.shape).astype(np.float32)
        patch[: self.optical] = (light.clip(0) - self.center) / self.scale
        return patch, self.labels[i]

    def _moved(self, patch: np.ndarray) -> np.ndarray:
        config, draw = self.augment, np.random
        middle = np.array(patch.shape[1::-1]) / 2 - 0.5
        change = AffineTransform(
            rotation=np.deg2rad(draw.uniform(-config.rotation, config.rotation)),
            shear=np.deg2rad(draw.uniform(-config.shear, config.shear)),
            translation=draw.uniform(-config.translation, config.translation, 2) * patch.shape[0],
        )
        around = AffineTransform(translation=-middle) + change + AffineTransform(translation=middle)
        return warp(patch, around.inverse, order=1, mode="reflect", preserve_range=True)


def _seed_worker(number: int) -> None:
    np.random.seed(torch.initial_seed() % 2**32 + number)


def as_arrays(batch: list) -> tuple[np.ndarray, np.ndarray]:
    """A batch that goes through a pipe: for machines whose shared memory holds no batches."""
    return np.stack([patch for patch, _ in batch]), np.array([label for _, label in batch])


def usual_loader(patches: UsualPatches, config: RunConfig, workers: int, device: torch.device) -> DataLoader:
    """Shuffled, with workers that stay; batches come through shared memory where there is enough of it."""
    side = patches.size or patches.images.shape[-1]
    waiting = 2 * (workers + 2) * config.train.batch_size * patches.images.shape[1] * side * side * 4  # bytes
    roomy = SHARED_MEMORY.exists() and shutil.disk_usage(SHARED_MEMORY).free > waiting
    return DataLoader(
        patches, config.train.batch_size, shuffle=True, num_workers=workers, persistent_workers=True,
        pin_memory=device.type == "cuda" and roomy, worker_init_fn=_seed_worker,
        collate_fn=None if roomy else as_arrays,
    )  # fmt: skip


class UsualLoop:
    """``epoch()`` trains once over the loader: plain torch, MixUp on the device."""

    def __init__(self, loader: DataLoader, config: RunConfig, n_bands: int, device: torch.device) -> None:
        made = timm.create_model(config.model.backbone, pretrained=False, in_chans=n_bands, num_classes=2)
        self.model, self.loader, self.config, self.device = made.to(device), loader, config, device
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=config.train.lr)

    def batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for images, labels in self.loader:
            images, labels = torch.as_tensor(images), torch.as_tensor(labels)
            yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)

    def epoch(self) -> None:
        self.model.train()
        size = self.config.model.image_size
        for images, labels in self.batches():
            target = F.one_hot(labels, 2).float()
            share, order = np.random.beta(0.2, 0.2), torch.randperm(len(images), device=self.device)
            images = share * images + (1 - share) * images[order]
            target = share * target + (1 - share) * target[order]
            if size and images.shape[-1] != size:
                images = F.interpolate(images, (size, size), mode="bilinear", align_corners=False)
            self.optimiser.zero_grad()
            nn.functional.cross_entropy(self.model(images), target).backward()
            self.optimiser.step()
