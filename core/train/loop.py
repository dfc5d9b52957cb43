"""The training loop: one fold's training part in, one result an epoch out, the judged weights left in the network.

Comes in: a network, normalised patches with labels, the run's settings, a device, a seed, and a folder to resume from.
Goes out: an :class:`EpochResult` after each epoch. It sees the validation part only to report on it: nothing is chosen
by it. Equal inputs and seed give equal weights on a CPU, also across a break.
"""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import RunConfig
from core.device import autocast_dtype
from core.errors import TrainingError
from core.evaluate.metrics import metrics
from core.train.augment import augment
from core.train.batches import Batches, Placement, batch_indices, place
from core.train.inference import Embedded, embed
from core.train.network import Network
from core.train.optimiser import WeightAverage, build_optimiser, pack, unpack
from core.train.resume import newest_checkpoint, save_checkpoint
from core.train.schedules import lr_at
from core.train.settle import settle
from core.train.targets import check_training, soft_kl, soft_targets

__all__ = ["Embedded", "EpochResult", "embed", "fit", "newest_checkpoint"]

DIVERGED = 50.0  # nats; a coin toss costs 0.69
MAX_PIECES = 8  # a batch that does not fit into memory is cut into 2, 4, 8 pieces whose gradients add up
CHECK_EVERY = 32  # steps between looks at the loss on a GPU, where each look waits for it


@dataclass(frozen=True)
class EpochResult:
    """One epoch. Losses are KL divergences in nats; validation is judged with the running average where there is one.

    The last epoch is judged as the network is kept: with batch normalisation settled (core.train.settle).

    ``lr`` is that of the epoch's last step, ``seconds`` the whole epoch, ``images_per_second`` of its training alone.
    ``placement``: the patches lay on the device whole, or were streamed. ``pieces``: parts a batch was cut into.
    Validation values are nan where undefined (no labelled patch, one class).
    """

    epoch: int
    epochs: int
    train_loss: float
    val_loss: float
    val_f1: float
    val_auc: float
    lr: float
    seconds: float
    images_per_second: float
    placement: Placement = "device"
    pieces: int = 1

    def to_dict(self) -> dict:
        """Plain values, a row of the history."""
        return asdict(self)


def fit(
    network: Network,
    train_x: np.ndarray,
    train_y: np.ndarray,
    val_x: np.ndarray,
    val_y: np.ndarray,
    config: RunConfig,
    device: torch.device | str,
    seed: int,
    resume_dir: Path | None = None,
) -> Generator[EpochResult, None, None]:
    """Trains ``network`` in place, one epoch each time a result is asked for.

    train_x, val_x: (N, C, H, W) float32, normalised, finite. train_y: (N,) 0/1, or (N, 2) soft labels. val_y: (N,)
    0/1, -1 where unlabelled. After the last result the network holds the weights that are judged: the running average
    where ``ema_decay`` is set, with batch normalisation settled on the training part. With ``resume_dir`` each epoch
    leaves a checkpoint there, and a fit that was broken off goes on after the newest complete one; when all epochs are
    done, nothing is yielded.

    Raises TrainingError when the labels hold one class, the loss diverges (the network then holds the weights of the
    last good epoch), memory does not suffice, or every checkpoint is damaged or of another specification.
    """
    targets = soft_targets(train_y)
    check_training(train_x, targets)
    trainer = _Trainer(network, place(np.asarray(train_x, np.float32), targets, torch.device(device)), config, seed)
    trainer.fit_statistics(train_x)
    epochs, spec = config.train.epochs, _specification(config, seed, train_x, targets)
    done = trainer.go_on(resume_dir, spec)
    for epoch in range(done + 1, epochs + 1):
        result = trainer.epoch(epoch, val_x, val_y)
        if resume_dir is not None:
            facts = {"spec": spec, "updates": trainer.updates, "pieces": trainer.pieces}
            save_checkpoint(resume_dir, epoch, pack(network, trainer.optimiser, trainer.average), facts)
        if epoch == epochs:
            trainer.finish()
        yield result
    if done >= epochs:
        trainer.finish()


class _Trainer:
    """What changes while a network is trained."""

    def __init__(self, network: Network, data: Batches, config: RunConfig, seed: int) -> None:
        self.network, self.data, self.config, self.seed = network.to(data.device), data, config, seed
        self.dtype = autocast_dtype(data.device, config.precision)
        self.optimiser = build_optimiser(network, config.train)
        self.average: WeightAverage | None = None
        self.pieces = 1
        self.final: Network | None = None  # what is kept, once the last epoch is done
        self.good = _copy_of(network)  # weights of the last epoch that ended well

    @property
    def updates(self) -> int:
        return self.average.updates if self.average else 0

    @property
    def judged(self) -> Network:
        return self.final or (self.average.network if self.average else self.network)

    def fit_statistics(self, images: np.ndarray) -> None:
        self.network.fit_statistics(images)
        if self.config.train.ema_decay is not None:
            self.average = WeightAverage(self.network, self.config.train.ema_decay)

    def go_on(self, folder: Path | None, spec: str) -> int:
        """Takes up the newest checkpoint, if any; the number of epochs that are done."""
        checkpoint = newest_checkpoint(folder)
        if checkpoint is None:
            return 0
        if checkpoint.facts.get("spec") != spec:
            raise TrainingError(
                f"The checkpoint in {folder} belongs to other settings or other patches. "
                "Start a new run, or delete that folder to train this fold from its first epoch."
            )
        unpack(checkpoint.load(), self.network, self.optimiser, self.average, checkpoint.facts["updates"])
        self.pieces, self.good = checkpoint.facts["pieces"], _copy_of(self.judged)
        return checkpoint.epoch

    def epoch(self, epoch: int, val_x: np.ndarray, val_y: np.ndarray) -> EpochResult:
        began = time.perf_counter()
        # Every epoch has its own random numbers: resuming needs no generator's state.
        generator = np.random.default_rng((self.seed, epoch))
        with torch.random.fork_rng(devices=_cuda_index(self.data.device)):  # dropout draws from torch's own
            torch.manual_seed(int(generator.integers(2**62)))
            train_loss, lr = self._pass(epoch, generator)
        trained = time.perf_counter()
        if epoch == self.config.train.epochs:
            self.final = self._settled()
        val_loss, val_f1, val_auc = self._validate(val_x, val_y)
        self.good = _copy_of(self.judged)
        return EpochResult(
            epoch=epoch,
            epochs=self.config.train.epochs,
            train_loss=train_loss,
            val_loss=val_loss,
            val_f1=val_f1,
            val_auc=val_auc,
            lr=lr,
            seconds=time.perf_counter() - began,
            images_per_second=len(self.data) / (trained - began),
            placement=self.data.placement,
            pieces=self.pieces,
        )

    def _pass(self, epoch: int, generator: np.random.Generator) -> tuple[float, float]:
        """Every patch once; the mean loss and the last learning rate."""
        train, device = self.config.train, self.data.device
        batches = batch_indices(len(self.data), train.batch_size, generator)
        every = CHECK_EVERY if device.type == "cuda" else 1
        precise = torch.float32 if device.type == "mps" else torch.float64
        total, lr = torch.zeros((), dtype=precise, device=device), train.lr
        self.network.train()
        for i, index in enumerate(batches):
            lr = lr_at((epoch - 1) * len(batches) + i, len(batches), train)
            for group in self.optimiser.param_groups:
                group["lr"] = lr
            images, targets = augment(*self.data.take(index), self.config.augment, generator)
            total += self._step(images, targets) * len(index)
            if self.average is not None:
                self.average.update()
            if i % every == every - 1 or i == len(batches) - 1:
                self._check_loss(total, len(index) * (i + 1), epoch, i + 1, len(batches), lr)
        return float(total) / len(self.data), lr

    def _step(self, images: Tensor, targets: Tensor) -> Tensor:
        """One optimiser step; a batch that does not fit into memory is cut in half, up to three times."""
        while True:
            loss = self._try(images, targets)
            if loss is not None:
                self.optimiser.step()
                return loss
            if self.pieces * 2 > min(MAX_PIECES, len(images) // 2):
                raise TrainingError(
                    f"A batch of {len(images)} patches does not fit into the memory of '{self.data.device}', even in "
                    f"{self.pieces} pieces. Set train.batch_size or model.image_size lower, or a smaller backbone."
                )
            self.pieces *= 2
            if self.data.device.type == "cuda":
                torch.cuda.empty_cache()

    def _try(self, images: Tensor, targets: Tensor) -> Tensor | None:
        """Gradients of one batch; None when memory ran out."""
        self.optimiser.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=images.device)
        try:
            pieces = min(self.pieces, len(images) // 2)  # batch normalisation needs two patches
            for x, y in zip(images.tensor_split(pieces), targets.tensor_split(pieces), strict=True):
                with torch.autocast(x.device.type, dtype=self.dtype, enabled=self.dtype is not None):
                    logits = self.network(x)
                part = soft_kl(logits, y) * (len(x) / len(images))
                part.backward()
                loss += part.detach()
        except torch.OutOfMemoryError:
            return None
        return loss

    def _check_loss(self, total: Tensor, seen: int, epoch: int, step: int, steps: int, lr: float) -> None:
        mean = float(total) / seen
        if np.isfinite(mean) and mean < DIVERGED:
            return
        self.network.load_state_dict(self.good)
        what = f"rose to {mean:.0f}" if np.isfinite(mean) else "is no longer a number"
        raise TrainingError(
            f"The loss {what} in epoch {epoch}, step {step} of {steps}, at a learning rate of {lr:.2g}. The network "
            f"was put back to the end of epoch {epoch - 1}. Lower train.lr, set train.warmup_epochs, or check the "
            "patches for extreme values."
        )

    def _validate(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
        labelled = np.flatnonzero(np.asarray(labels) >= 0)
        if labelled.size == 0:
            return float("nan"), float("nan"), float("nan")
        target = np.asarray(labels)[labelled].astype(np.int64)
        batch, precision = self.config.train.batch_size, self.config.precision
        found = embed(self.judged, np.asarray(images)[labelled], self.data.device, batch, precision=precision)
        loss = F.cross_entropy(torch.from_numpy(found.logits), torch.from_numpy(target))  # hard labels: KL equals it
        values = metrics(target, found.probs, 0.5)
        return float(loss), float(values["f1"]), float(values["auc"])

    def _settled(self) -> Network:
        size = max(1, self.config.train.batch_size // self.pieces)
        return settle(copy.deepcopy(self.judged), self.data, size)

    def finish(self) -> None:
        """Leaves the judged weights in the network."""
        self.final = self.final or self._settled()
        self.network.load_state_dict(self.final.state_dict())
        self.network.eval()


def _copy_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _specification(config: RunConfig, seed: int, images: np.ndarray, targets: np.ndarray) -> str:
    """Names what a checkpoint belongs to: the settings of the loop, the seed, the shape of the data and its labels."""
    settings = {name: getattr(config, name).model_dump(mode="json") for name in ("augment", "model", "train")}
    facts = {**settings, "precision": config.precision, "seed": seed, "shape": list(images.shape)}
    facts["targets"] = hashlib.sha256(np.ascontiguousarray(targets).tobytes()).hexdigest()
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _cuda_index(device: torch.device) -> list[int]:
    return [device.index if device.index is not None else torch.cuda.current_device()] if device.type == "cuda" else []
