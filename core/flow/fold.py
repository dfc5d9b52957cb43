"""One fold: normalise, balance, train, embed, fit the heads, on the training part alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.data.inner_split import inner_split
from core.data.normalise import fit_normaliser
from core.data.store.missing import has_data
from core.data.tabular.second import second_words
from core.device import computing_cores
from core.flow.epoch_record import EpochRecord
from core.flow.run_context import RunContext
from core.flow.starting_weights import KEPT
from core.heads import Head, save_heads
from core.heads.fc import fc_head
from core.heads.fold import FittedHeads, HeadSet, fit_on_embeddings, fit_on_statistics
from core.progress import Progress
from core.smote.methods import oversample
from core.smote.resample import Synthetics, keep_missing, n_synthetic, normalised_range
from core.train.frozen_features import digest, embed_frozen, stays_frozen
from core.train.loop import EpochResult, embed, fit
from core.train.networks.backbones import build_network, save_network
from core.train.networks.model_scaling import model_scaling
from core.train.networks.tabular import Known, TabularInputs
from core.train.outlines import training_masks
from core.train.validation import watched


def train_fold(context: RunContext, fold: int) -> Iterator[Progress]:
    """Normalise, balance, train, embed and fit the heads of one fold; nothing of it looks at its validation part.

    Shares run from 0 to 1 of this fold.
    """
    run, config, n_folds = context.run, context.config, context.folds.n_splits
    at = {"fold": fold, "n_folds": n_folds, "epochs": config.train.epochs}
    if run.fold_is_done(fold):
        run.forget_checkpoints(fold)  # of a process that was killed when only that was left to do
        yield Progress(1.0, f"Fold {fold + 1} was done before.", fields={"stage": "training", **at})
        return
    train, val = context.folds.train(fold), context.folds.val(fold)
    learnt, inner = hold_back(context, train)
    began = time.monotonic()
    given = model_scaling(config.model, context.bands)
    normaliser = fit_normaliser(context.images[train], config.normalise.method, context.band_names, given)
    patches = normaliser.transform(context.images)
    if config.smote.enabled:
        yield Progress(0.0, f"Balancing fold {fold + 1}.", fields={"stage": "balancing", **at})
    # Everything that a synthetic patch depends on: the scale is that of the whole training part.
    scale = (config.normalise, tuple(given.items()), train.tobytes())
    made_from = (context.content, scale, config.smote, config.seed)
    synthetics, parents = context.shared.of(
        "synthetics",
        (made_from, learnt.tobytes(), context.labels.tobytes(), context.fold_of.tobytes()),
        lambda: balance(context, patches, learnt),
        n_folds,
    )
    run.write_smote(fold, _lineage(context, synthetics, parents, fold))
    train_x = np.concatenate([patches[learnt], synthetics.images])  # (N_train + M, C, H, W)
    train_y = np.concatenate([context.labels[learnt], np.ones(len(synthetics.images), np.int8)])

    known = Known.learn(config.model, context.columns, context.labels, train)
    # A synthetic patch has its anchor's columns: unknown ones would mark it, and with it the landslides.
    anchors = parents[synthetics.anchor]
    tabular = TabularInputs(known.at(np.concatenate([learnt, anchors])), known.at(val).table, known.at(inner).table)
    seed = config.seed * 1000 + fold
    network, weights = build_network(
        context.origin.model(config.model, fold), context.bands, patches.shape[2:], seed, normaliser.units,
        columns=known.columns, second_classes=known.second_classes, kept=run.checkpoints / KEPT,
    )  # fmt: skip
    yield Progress(0.0, f"Training the network of fold {fold + 1}.", fields={"stage": "training", **at})
    masks = None if network.mask_head is None else _masks(context, learnt, synthetics, parents)
    told = _Told(context, fold, val, learnt)
    held = (patches[inner], context.labels[inner]) if len(inner) else None
    where = run.resume_path(fold)
    for result in fit(
        network, train_x, train_y, patches[val], context.labels[val], config, context.device, seed, where, held,
        tabular, told.keep, masks, context.shared.within,
    ):  # fmt: skip
        share = result.epoch / result.epochs
        text = f"Fold {fold + 1} of {n_folds}, epoch {result.epoch} of {result.epochs}: loss {result.train_loss:.3f}"
        if result.pieces > 1:
            text += f"; memory ran out, so that a batch is cut into {result.pieces} pieces whose gradients add up"
        row = result.to_dict()
        yield Progress(share, text, "epoch", {"stage": "training", "epoch": result.epoch, **row, **at})

    batch, tta = config.train.batch_size, config.train.tta
    frozen = known.table is None and stays_frozen(network, config.train)
    if frozen:  # another run in this process may have the same backbone
        share = context.shared.within
        embedded = embed_frozen(network, patches, context.device, batch, tta, share)
        of_synthetics = embed_frozen(network, synthetics.images, context.device, batch, tta, share)
    else:
        embedded = embed(network, patches, context.device, batch, tta=tta, table=known.table)
        of_anchors = known.at(anchors).table
        of_synthetics = embed(network, synthetics.images, context.device, batch, tta=tta, table=of_anchors)
    heads = fit_heads(context, fc_head(network), embedded.embeddings, of_synthetics.embeddings, train, frozen)
    save_heads(run.heads_path(fold), heads.heads)
    run.write_scores(fold, heads.scores)
    run.write_head_rows(fold, train, val, context.labels, of_synthetics.embeddings)
    save_network(network, run.fold_path(fold), context.origin.card(fold))
    run.write_normaliser(fold, normaliser.to_json())
    run.write_embeddings(fold, {"embeddings": embedded.embeddings, "logits": embedded.logits})
    if known.columns or known.second_classes:
        run.write_tabular(fold, _tabular_answers(context, network, patches, val, known, embedded.second_logits))
    run.write_fold_card(
        fold,
        {
            "n_train": len(train),
            "n_val": len(val),
            "n_inner": len(inner),
            "n_synthetic": len(synthetics.images),
            "seed": seed,
            "left_out": heads.left_out,
            "weights": weights.to_dict(),
            "seconds": told.seconds_before + time.monotonic() - began,
            "cores": computing_cores(),
            "images_per_second": told.images_per_second(),
        },
    )
    run.forget_checkpoints(fold)


def _tabular_answers(
    context: RunContext, network: Any, patches: np.ndarray, val: np.ndarray, known: Known, second: Any
) -> pd.DataFrame:
    """What the network says of its validation patches without their columns, and what its second head answers."""
    found = pd.DataFrame({"id": context.dataset.ids[val], "label": context.labels[val]})
    if known.columns:
        train = context.config.train
        without = embed(network, patches[val], context.device, train.batch_size, tta=train.tta)
        found["log_odds_unknown"] = without.logits[:, 1].astype(np.float64) - without.logits[:, 0]
    if known.second_classes:
        odds = second[val].astype(np.float64)
        shares = np.exp(odds - np.logaddexp.reduce(odds, axis=1, keepdims=True))
        # A class that the training part does not have counts as well: it cannot be answered.
        found["second"] = second_words(context.config.model, context.columns, context.labels)[val]
        found["second_pred"] = np.array(known.second_classes)[shares.argmax(axis=1)]
        found["second_prob"] = shares.max(axis=1)
    return found


def _masks(context: RunContext, learnt: np.ndarray, synthetics: Synthetics, parents: np.ndarray) -> np.ndarray:
    """The truth about the pixels of the training part: (N_train + M, H, W), see ``core.train.outlines``."""
    masks = training_masks(context.dataset.masks(learnt), context.labels[learnt], len(synthetics.images))
    copies = np.flatnonzero(synthetics.anchor == synthetics.neighbour)  # a patch that is repeated has its own mask
    if len(copies):
        rows = parents[synthetics.anchor[copies]]
        masks[len(learnt) + copies] = training_masks(context.dataset.masks(rows), context.labels[rows])
    return masks


def hold_back(context: RunContext, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``train`` that the network learns from, and those that only choose its epoch (``train.select=inner``)."""
    config = context.config
    if config.train.select != "inner":
        return train, train[:0]
    separation = context.drawn.separation
    too_near = separation.too_near if separation else None
    return inner_split(train, context.labels, context.groups, config.train.inner_share, config.seed, too_near)


def fit_heads(
    context: RunContext,
    fc: Head,
    embeddings: np.ndarray,
    of_synthetics: np.ndarray,
    train: np.ndarray,
    frozen: bool = False,
) -> FittedHeads:
    """Every head of one fold: the network's own, those on its embeddings, and the baselines that see no network.

    frozen: the embeddings are those of a backbone that has not learnt, so that other runs may have the same.
    """
    config = context.config.heads
    fitted = FittedHeads({fc.name: fc}, {fc.name: fc.decision(embeddings)})
    wanted = HeadSet.of(config)

    def on_embeddings() -> FittedHeads:
        return fit_on_embeddings(embeddings, train, of_synthetics, context.labels, wanted, context.device)

    if frozen:
        key = digest(embeddings, of_synthetics, train, context.labels[train]), wanted, str(context.device)
        n_bytes = (len(wanted.names) + 1) * (embeddings.nbytes + of_synthetics.nbytes)
        fitted |= context.shared.within("heads", key, on_embeddings, n_bytes)
    else:
        fitted |= on_embeddings()
    if not context.dataset.has_pictures:
        return fitted  # the statistics of one pixel are the columns, which these heads have read
    on_statistics = context.shared.of(
        "baselines",
        (context.content, train.tobytes(), context.labels[train].tobytes(), config.class_weight, (*context.features,)),
        lambda: fit_on_statistics(context.features, train, context.labels, config.class_weight),
        context.folds.n_splits,
    )
    return fitted | on_statistics


def balance(context: RunContext, patches: np.ndarray, train: np.ndarray) -> tuple[Synthetics, np.ndarray]:
    """What ``smote.method`` makes of normalised patches, and the dataset positions of the minority it refers to.

    Parents come from ``train``, or from every labelled patch under the ``before_folds`` protocol (paper A's, which
    lets validation patches into training and is only there to be compared with).
    """
    smote = context.config.smote
    pool = train if smote.protocol == "inside_fold" else context.folds.members
    parents = pool[context.labels[pool] == 1]
    n_new = n_synthetic(len(parents), len(pool) - len(parents), smote) if smote.enabled else 0
    minority, raw = patches[parents], context.images[parents]
    made = oversample(
        minority,
        n_new,
        smote,
        data_range=normalised_range(context.config.normalise.method, minority),
        seed=context.config.seed,
        valid=has_data(raw),
        device=context.device if context.device.type == "cuda" else None,
    )
    keep_missing(made.images, np.isfinite(raw), made.anchor, made.neighbour)
    return made, parents


class _Told:
    """History, samples and answers of one fold, epoch by epoch, those of the processes before this one first.

    Each epoch is kept before its checkpoint is: whatever is resumed, none is missing and none is there twice.
    """

    def __init__(self, context: RunContext, fold: int, val: np.ndarray, learnt: np.ndarray) -> None:
        self._context, self._fold, self._val = context, fold, val
        self._answers = EpochRecord(len(context.labels), val, learnt, context.run.epoch_answers(fold))
        self._shown = watched(context.labels[val], context.config.seed)
        self._history, self._samples = context.run.fold_history(fold), context.run.fold_samples(fold)
        self.seconds_before = float(self._history["seconds"].sum()) if "seconds" in self._history else 0.0

    def keep(self, result: EpochResult) -> None:
        """Write the epoch down; it replaces what was written of it and of later ones before."""
        again = self._history["epoch"] >= result.epoch
        if again.any() and "seconds" in self._history:
            self.seconds_before -= float(self._history.loc[again, "seconds"].sum())
        row = pd.DataFrame([result.to_dict()])
        shown = self._shown
        answers = _answers(self._context, self._val[shown], result.val_probs[shown], result.epoch)
        self._history, self._samples = _append_epochs(self._history, row), _append_epochs(self._samples, answers)
        self._context.run.write_history(self._fold, self._history)
        self._context.run.write_samples(self._fold, self._samples)
        if self._answers.add(result):
            self._context.run.write_epoch_answers(self._fold, self._answers.epoch, self._answers.log_odds)

    def images_per_second(self) -> float:
        """The mean over all epochs of the fold, whoever trained them; nan where none is known."""
        known = self._history.get("images_per_second", pd.Series(dtype=float))
        return float(known.mean())


def _answers(context: RunContext, positions: np.ndarray, probs: np.ndarray, epoch: int) -> pd.DataFrame:
    """What the network answers for a few validation patches after an epoch."""
    ids = context.dataset.ids[positions]
    return pd.DataFrame({"epoch": epoch, "id": ids, "label": context.labels[positions], "prob": probs})


def _append_epochs(earlier: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """A table of epochs, those from the first of ``now`` on in place of what stood there."""
    kept = earlier[earlier["epoch"] < now["epoch"].min()]
    return pd.concat([kept, now], ignore_index=True) if len(kept) else now.reset_index(drop=True)


def _lineage(context: RunContext, made: Synthetics, parents: np.ndarray, fold: int) -> pd.DataFrame:
    ids = context.dataset.ids[parents]
    return pd.DataFrame(
        {
            "fold": fold,
            "synthetic": [f"fold{fold}_syn{i:05d}" for i in range(len(made.anchor))],
            "anchor": ids[made.anchor],
            "neighbour": ids[made.neighbour],
            "anchor_weight": made.anchor_weight,
            "ssim": made.ssim,
            "exact_neighbours": made.exact,
            "seed": context.config.seed,
        }
    )
