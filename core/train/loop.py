"""The training loop: an :class:`EpochResult` after each epoch, the final weights left in the network.

The validation part is only used to report on it: nothing is chosen by it, unless ``select`` is "fold_best". Equal
inputs and seed give equal weights on a CPU, also after an interruption.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.config import RunConfig
from core.config.learning_rate import lr_at
from core.device import autocast_dtype, memory_bytes
from core.errors import TrainingError
from core.train.augmentation.augment import mix, vary
from core.train.augmentation.colour import BandUnits
from core.train.batches import Batches, Placement, batch_indices, place
from core.train.checkpoint import newest_checkpoint, save_checkpoint
from core.train.data_parallel import Group
from core.train.epoch_answers import EpochAnswers
from core.train.fingerprint import specification
from core.train.frozen_features import FrozenFeatures, LastLayer, Share, alone, can_be_kept
from core.train.inference import Embedded, embed
from core.train.networks.network import Network
from core.train.networks.tabular import TabularInputs
from core.train.optimisation.batchnorm import update_bn
from core.train.optimisation.best_weights import BestWeights
from core.train.optimisation.gradients import Batch, Gradients
from core.train.optimisation.losses import loss_of
from core.train.optimisation.optimiser import WeightAverage, build_optimiser, pack, unpack
from core.train.optimisation.unfreezing import opening_at
from core.train.outlines import PLANES
from core.train.targets import check_training, soft_targets
from core.train.validation import Judgement, judge

__all__ = ["Embedded", "EpochResult", "embed", "fit", "newest_checkpoint"]

DIVERGED = 50.0  # nats; a coin toss costs 0.69
CHECK_EVERY = 32  # steps between looks at the loss on a GPU, where each look waits for it
Judged = tuple[np.ndarray, np.ndarray]  # patches (N, C, H, W) and labels (N,), by which an epoch is chosen


@dataclass(frozen=True)
class EpochResult:
    """One epoch. Losses are in nats (val_loss: KL); validation uses the running average of weights, where there is one.

    In the last epoch it is that of the final network, with batch normalisation updated (``optimisation.batchnorm``).
    ``train_accuracy`` is that of the passes that learn: patches augmented and mixed, synthetic ones too, weights still
    changing. Where an epoch is chosen by its F1, ``select_f1`` is that of this one and ``best_epoch`` the best so
    far (0: none yet).

    ``lr`` is that of the epoch's last step, ``seconds`` the whole epoch, ``images_per_second`` of its training alone.
    ``placement``: the patches were on the device whole, or streamed. ``pieces``: parts a batch was split into.
    ``memory_mib``: peak GPU memory in the epoch, or the memory of the process on a CPU. Validation values are nan
    where undefined (no labelled patch, one class); ``val_probs`` (N_val,) are the network's own. ``train_log_odds``
    (N_train,) is what training itself saw (``core.train.epoch_answers``).
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
    select_f1: float = float("nan")
    best_epoch: int = 0
    memory_mib: float = float("nan")
    train_accuracy: float = float("nan")
    val_accuracy: float = float("nan")
    val_probs: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    train_log_odds: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)

    def to_dict(self) -> dict:
        """Plain values, a row of the history: all but the arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.compare}


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
    inner: Judged | None = None,
    tabular: TabularInputs | None = None,
    keep: Callable[[EpochResult], None] = lambda result: None,
    masks: np.ndarray | None = None,
    share: Share = alone,
) -> Generator[EpochResult, None, None]:
    """Train ``network`` in place, one epoch for each result that is asked for.

    train_x, val_x: (N, C, H, W) float32, normalised, finite. train_y: (N,) 0/1, or (N, 2) soft labels. val_y: (N,)
    0/1, -1 where unlabelled. inner: patches and labels that were held back from training, by which ``select="inner"``
    chooses. tabular: the columns of the patches, and what a second head answers. masks: (N, H, W) uint8 of the training
    patches (``core.train.outlines``), for a network with a mask head. share: a frozen backbone's features that other
    runs may have computed.

    After the last result the network holds the weights that are judged: the running average where
    ``ema_decay`` is set, with batch normalisation settled on the training part; or those of the chosen epoch as they
    were. With ``resume_dir`` each epoch leaves a checkpoint there, and an interrupted fit resumes after the
    newest complete one; when all epochs are done, nothing is yielded. ``keep`` gets each result before its checkpoint
    is written: what it keeps is never behind the checkpoints, and an epoch that is done again replaces its own.

    Raises TrainingError when the labels hold one class, the loss diverges (the network then holds the weights of the
    last good epoch), memory does not suffice, or every checkpoint is damaged or of another specification.
    """
    targets = soft_targets(train_y)
    check_training(train_x, targets)
    tabular = tabular or TabularInputs()
    rows = tabular.train.append_to(targets)
    if (network.mask_head is None) != (masks is None):
        raise TrainingError("A network with a mask head learns from masks, and no other does.")
    data = place(np.asarray(train_x, np.float32), rows, torch.device(device), masks)
    if config.train.select == "inner" and inner is None:
        raise TrainingError("train.select=inner chooses an epoch by patches that were held back, and there are none.")
    chosen_by = {"last": None, "inner": inner and (*inner, tabular.inner), "fold_best": (val_x, val_y, tabular.val)}[
        config.train.select
    ]
    loss = loss_of(config.train, targets, data.device)
    trainer = _Trainer(network, data, config, seed, loss, chosen_by, tabular, share)
    trainer.fit_statistics(train_x)
    epochs, spec = config.train.epochs, specification(config, seed, train_x, rows, masks)
    done = trainer.resume(resume_dir, spec)
    for epoch in range(done + 1, epochs + 1):
        result = trainer.epoch(epoch, val_x, val_y)
        is_last = epoch == epochs or trainer.is_enough(epoch)
        keep(result)
        if resume_dir is not None:
            save_checkpoint(resume_dir, epoch, trainer.arrays(), trainer.facts() | {"spec": spec})
        if is_last:
            trainer.finish()
        yield result
        if is_last:
            return
    trainer.finish()


class _Trainer:
    """What changes while a network is trained."""

    def __init__(
        self,
        network: Network,
        data: Batches,
        config: RunConfig,
        seed: int,
        loss: Any,
        chosen_by: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None,
        tabular: TabularInputs,
        share: Share,
    ) -> None:
        self.share = share
        self.network, self.data, self.config, self.seed = network.to(data.device), data, config, seed
        if not config.train.channels_last:
            self.network.to(memory_format=torch.contiguous_format)
        if data.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # batches have one or two shapes: trying algorithms once pays
        self.stepped = torch.compile(network) if config.train.compile else network
        dtype = autocast_dtype(data.device, config.precision)
        self.planes = 0 if data.masks is None else PLANES
        mask_weight = config.model.mask_weight if self.planes else None
        self.gradients = Gradients(loss, dtype, tabular.train.layout, config.model.second_weight, mask_weight)
        self.val_table = tabular.val
        self.optimiser = build_optimiser(network, config.train)
        self.average: WeightAverage | None = None
        self.units = BandUnits(network.bands, *network.units, data.device) if network.units else None
        self.chosen_by = chosen_by
        self.best = BestWeights(config.train.patience)
        self.opening = opening_at(1, network, config.train)
        self.features: FrozenFeatures | None = None  # while nothing but the last layer learns
        self.final: Network | None = None  # what is kept, once the last epoch is done
        self.good = _copy_of(network)  # weights of the last epoch that ended well
        self.group = Group.of_this_process()

    @property
    def judged(self) -> Network:
        return self.final or (self.average.network if self.average else self.network)

    def fit_statistics(self, images: np.ndarray) -> None:
        self.network.fit_statistics(images)
        if self.config.train.ema_decay is not None:
            self.average = WeightAverage(self.network, self.config.train.ema_decay)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that the next epoch depends on, and the weights that are kept."""
        return pack(self.network, self.optimiser, self.average) | self.best.pack()

    def facts(self) -> dict:
        updates = self.average.updates if self.average else 0
        return {"updates": updates, "pieces": self.gradients.pieces, **self.best.facts()}

    def is_enough(self, epoch: int) -> bool:
        return self.best.is_enough(epoch)

    def resume(self, folder: Path | None, spec: str) -> int:
        """Takes up the newest checkpoint, if any; the number of epochs that are done, all when it had stopped early."""
        checkpoint = newest_checkpoint(folder)
        if checkpoint is None:
            return 0
        if checkpoint.facts.get("spec") != spec:
            raise TrainingError(
                f"The checkpoint in {folder} belongs to other settings or other patches. "
                "Start a new run, or delete that folder to train this fold from its first epoch."
            )
        arrays = checkpoint.load()
        unpack(arrays, self.network, self.optimiser, self.average, checkpoint.facts["updates"])
        self.best.unpack(checkpoint.facts, arrays)
        self.gradients.pieces, self.good = checkpoint.facts["pieces"], _copy_of(self.judged)
        self.opening = opening_at(checkpoint.epoch, self.network, self.config.train)
        return self.config.train.epochs if self.is_enough(checkpoint.epoch) else checkpoint.epoch

    def epoch(self, epoch: int, val_x: np.ndarray, val_y: np.ndarray) -> EpochResult:
        began = time.perf_counter()
        if self.data.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.data.device)
        self.opening = opening_at(epoch, self.network, self.config.train)
        self.opening.apply(self.network)
        # Every epoch has its own random numbers: resuming needs no generator's state.
        generator = np.random.default_rng((self.seed, epoch))
        with torch.random.fork_rng(devices=_cuda_index(self.data.device)):  # dropout draws from torch's own
            torch.manual_seed(int(generator.integers(2**62)))
            self._keep_features()
            train_loss, lr, answers, train_accuracy = self._pass(epoch, generator)
        trained = time.perf_counter()
        if epoch == self.config.train.epochs and self.chosen_by is None:
            self.final = self._settled()
        validated = self._judge(val_x, val_y, self.val_table)
        # Where the fold itself chooses its epoch, it has just been asked.
        chooses = self.chosen_by is not None and self.chosen_by[0] is val_x
        select_f1 = self._look(epoch, validated if chooses else None)
        self.good = _copy_of(self.judged)
        return EpochResult(
            epoch=epoch,
            epochs=self.config.train.epochs,
            train_loss=train_loss,
            val_loss=validated.loss,
            val_f1=validated.f1,
            val_auc=validated.auc,
            lr=lr,
            seconds=time.perf_counter() - began,
            images_per_second=len(self.data) / (trained - began),
            placement=self.data.placement,
            pieces=self.gradients.pieces,
            select_f1=select_f1,
            best_epoch=self.best.epoch,
            memory_mib=memory_bytes(self.data.device) / 2**20,
            train_accuracy=train_accuracy,
            val_accuracy=validated.accuracy,
            val_probs=validated.probs,
            train_log_odds=answers.log_odds.cpu().numpy(),
        )

    def _keep_features(self) -> None:
        """The frozen part's features, for as long as nothing before the last layer learns (``train.frozen_views``)."""
        n_views, augment = self.config.train.frozen_views, self.config.augment
        if n_views is None or not can_be_kept(self.network, self.opening):
            self.features = None
        elif self.features is None:
            self.features = FrozenFeatures(
                self.network, self.data, augment, n_views, self.seed, self.units, self.gradients.dtype, self.share
            )

    def _pass(self, epoch: int, generator: np.random.Generator) -> tuple[float, float, EpochAnswers, float]:
        """Every patch once; the mean loss, the last learning rate, what was said of each patch, and the accuracy."""
        train, device = self.config.train, self.data.device
        batches = batch_indices(len(self.data), train.batch_size, generator)
        every = CHECK_EVERY if device.type == "cuda" else 1
        precise = torch.float32 if device.type == "mps" else torch.float64
        total, lr, seen = torch.zeros((), dtype=precise, device=device), train.lr, 0
        waiting: list[Batch] = []  # batches whose gradients make up one step
        answers, whose = EpochAnswers(len(self.data), device), []
        n_right = torch.zeros((), dtype=torch.int64, device=device)
        self.opening.train(self.network)
        for i, index in enumerate(batches):
            lr = lr_at((epoch - 1) * len(batches) + i, len(batches), train)
            batch, mixed = self._batch(index, generator)
            waiting.append(batch)
            whose.append((index, mixed))
            is_last = i == len(batches) - 1
            if len(waiting) < train.accumulate and not is_last:
                continue
            n = sum(len(images) for images, _ in waiting)
            total += self._step(waiting, lr) * n
            answers.note(whose, self.gradients.log_odds)
            n_right += self.gradients.n_right
            waiting, whose, seen = [], [], seen + n
            step = i // train.accumulate + 1
            if step % every == 0 or is_last:
                self._check_loss(total, seen, epoch, i + 1, len(batches), lr)
            if train.judge_steps and step % train.judge_steps == 0 and not is_last:
                self._look(epoch)
                self.opening.train(self.network)
        return float(total) / len(self.data), lr, answers, int(n_right) / len(self.data)

    def _batch(self, index: np.ndarray, generator: np.random.Generator) -> tuple[Batch, bool]:
        """What is learnt from these patches in a step, and whether they were mixed with each other."""
        if self.features is not None:
            return self.features.take(index, generator), False
        taken = self.data.take_with_masks(index)
        varied = vary(*taken, self.config.augment, generator, self.units, self.planes)
        batch = mix(*varied, self.config.augment, generator)
        return batch, batch[0] is not varied[0]

    def _step(self, batches: list[Batch], lr: float) -> Tensor:
        """One optimiser step on the batches together; their mean loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = lr * group["lr_scale"]
        stepped = self.stepped if self.features is None else LastLayer(self.network)
        loss = self.group.step(stepped, self.gradients, batches, self.network)
        self.optimiser.step()
        if self.average is not None:
            self.average.update()
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

    def _look(self, epoch: int, judgement: Judgement | None = None) -> float:
        """The F1 by which an epoch is chosen, if one is; the weights are kept when it is the best so far.

        judgement: that of the patches that choose, where it is known already.
        """
        if self.chosen_by is None:
            return float("nan")
        judgement = judgement or self._judge(*self.chosen_by)
        self.best.offer(epoch, judgement.f1, judgement.loss, self.judged)
        return judgement.f1

    def _judge(self, images: np.ndarray, labels: np.ndarray, table: np.ndarray | None) -> Judgement:
        known = None if self.features is None else self.features.of(images)
        return judge(self.judged, images, labels, self.config, self.data.device, table, known)

    def _settled(self) -> Network:
        size = max(1, self.config.train.batch_size // self.gradients.pieces)
        return update_bn(copy.deepcopy(self.judged), self.data, size, self.opening.frozen_norms)

    def finish(self) -> None:
        """Leaves the judged weights in the network, all of it open again."""
        if self.best.weights:
            self.network.load_state_dict(self.best.weights)
        else:
            self.final = self.final or self._settled()
            self.network.load_state_dict(self.final.state_dict())
        self.network.requires_grad_(True).eval()


def _copy_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _cuda_index(device: torch.device) -> list[int]:
    return [device.index if device.index is not None else torch.cuda.current_device()] if device.type == "cuda" else []
