"""One fold: normalise, balance, train, embed, fit the heads, on the training part alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from core.data.inner_split import inner_split
from core.data.normalise import fit_normaliser
from core.data.store.summary import valid_pixels
from core.flow.plan import Plan, Step
from core.heads import Head, save_heads
from core.heads.fc import fc_head
from core.heads.fold import FittedHeads, HeadSet, fit_on_embeddings, fit_on_statistics
from core.progress import TRAINING
from core.smote.methods import make
from core.smote.resample import Synthetics, how_many, normalised_range
from core.train.loop import embed, fit
from core.train.networks.backbones import build_network, save_network
from core.train.networks.model_scaling import model_scaling
from core.train.networks.tabular import Beside, Known
from core.train.validation import watched


def train_fold(plan: Plan, fold: int) -> Iterator[Step]:
    """Normalise, balance, train, embed and fit the heads of one fold; nothing of it looks at its validation part."""
    run, config, n_folds = plan.run, plan.config, plan.folds.n_splits
    at = {"fold": fold, "n_folds": n_folds, "epochs": config.train.epochs}
    if run.fold_is_done(fold):
        yield Step("training", TRAINING * (fold + 1) / n_folds, f"Fold {fold + 1} was done before.", **at)
        return
    train, val = plan.folds.train(fold), plan.folds.val(fold)
    learnt, inner = hold_back(plan, train)
    began = time.monotonic()
    given = model_scaling(config.model, plan.bands)
    normaliser = fit_normaliser(
        plan.images[train], config.normalise.method, plan.band_names, plan.dataset.nodata, given
    )
    patches = normaliser.transform(plan.images)
    yield Step("balancing", TRAINING * fold / n_folds, f"Balancing fold {fold + 1}.", **at)
    synthetics, parents = balance(plan, patches, learnt)
    run.write_smote(fold, _lineage(plan, synthetics, parents, fold))
    train_x = np.concatenate([patches[learnt], synthetics.images])  # (N_train + M, C, H, W)
    train_y = np.concatenate([plan.labels[learnt], np.ones(len(synthetics.images), np.int8)])

    known = Known.learn(config.model, plan.dataset.columns, plan.labels, train)
    # A synthetic patch is known as its anchor is: unknown columns would mark it, and with it the landslides.
    anchors = parents[synthetics.anchor]
    beside = Beside(known.at(np.concatenate([learnt, anchors])), known.at(val).table, known.at(inner).table)
    seed = config.seed * 1000 + fold
    network, weights = build_network(
        config.model, plan.bands, patches.shape[2:], seed, normaliser.units,
        columns=known.columns, size_classes=known.size_classes,
    )  # fmt: skip
    yield Step("training", TRAINING * fold / n_folds, f"Training the network of fold {fold + 1}.", **at)
    history, samples, rows, answers = run.fold_history(fold), run.fold_samples(fold), [], []
    shown = watched(plan.labels[val], config.seed)
    held = (patches[inner], plan.labels[inner]) if len(inner) else None
    where = run.resume_path(fold)
    for result in fit(
        network, train_x, train_y, patches[val], plan.labels[val], config, plan.device, seed, where, held, beside
    ):
        rows.append(result.to_dict())
        answers.append(_answers(plan, val[shown], result.val_probs[shown], result.epoch))
        run.write_history(fold, _going_on(history, pd.DataFrame(rows)))
        run.write_samples(fold, _going_on(samples, pd.concat(answers, ignore_index=True)))
        share = (fold + result.epoch / result.epochs) / n_folds
        text = f"Fold {fold + 1} of {n_folds}, epoch {result.epoch} of {result.epochs}: loss {result.train_loss:.3f}"
        if result.pieces > 1:
            text += f"; memory ran out, so that a batch is cut into {result.pieces} pieces whose gradients add up"
        yield Step("training", TRAINING * share, text, event="epoch", epoch=result.epoch, fields=rows[-1], **at)

    batch, tta = config.train.batch_size, config.train.tta
    embedded = embed(network, patches, plan.device, batch, tta=tta, table=known.table)
    of_anchors = known.at(anchors).table
    of_synthetics = embed(network, synthetics.images, plan.device, batch, tta=tta, table=of_anchors)
    heads = fit_heads(plan, fc_head(network), embedded.embeddings, of_synthetics.embeddings, train)
    save_heads(run.heads_path(fold), heads.heads)
    run.write_scores(fold, heads.scores)
    run.write_head_rows(fold, train, val, plan.labels, of_synthetics.embeddings)
    save_network(network, run.fold_path(fold))
    run.write_normaliser(fold, normaliser.to_json())
    run.write_embeddings(fold, {"embeddings": embedded.embeddings, "logits": embedded.logits})
    if known.columns or known.size_classes:
        run.write_beside(fold, _beside(plan, network, patches, val, known, embedded.size_logits))
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
            "seconds": time.monotonic() - began,
            "images_per_second": float(np.mean([row["images_per_second"] for row in rows])) if rows else float("nan"),
        },
    )
    run.forget_checkpoints(fold)


def _beside(plan: Plan, network: Any, patches: np.ndarray, val: np.ndarray, known: Known, sizes: Any) -> pd.DataFrame:
    """What the network says of its validation patches without their columns, and of their sizes."""
    found = pd.DataFrame({"id": plan.dataset.ids[val], "label": plan.labels[val]})
    if known.columns:
        train = plan.config.train
        without = embed(network, patches[val], plan.device, train.batch_size, tta=train.tta)
        found["log_odds_unknown"] = without.logits[:, 1].astype(np.float64) - without.logits[:, 0]
    if known.size_classes:
        classes, truth = np.array(known.size_classes), known.sizes[val]
        found["size"] = np.where(truth.any(axis=1), classes[truth.argmax(axis=1)], "")
        found["size_pred"] = classes[sizes[val].argmax(axis=1)]
    return found


def hold_back(plan: Plan, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``train`` that the network learns from, and those that only choose its epoch (``train.select=inner``)."""
    config = plan.config
    if config.train.select != "inner":
        return train, train[:0]
    return inner_split(train, plan.labels, plan.groups, config.train.inner_share, config.seed)


def fit_heads(
    plan: Plan, fc: Head, embeddings: np.ndarray, of_synthetics: np.ndarray, train: np.ndarray
) -> FittedHeads:
    """Every head of one fold: the network's own, those on its embeddings, and the baselines that see no network."""
    config = plan.config.heads
    fitted = FittedHeads({fc.name: fc}, {fc.name: fc.decision(embeddings)})
    wanted = HeadSet.of(config)
    on_embeddings = fit_on_embeddings(embeddings, train, of_synthetics, plan.labels, wanted, plan.device)
    on_statistics = fit_on_statistics(plan.statistics, plan.rich, train, plan.labels, config.class_weight)
    return fitted | on_embeddings | on_statistics


def balance(plan: Plan, patches: np.ndarray, train: np.ndarray) -> tuple[Synthetics, np.ndarray]:
    """What ``smote.method`` makes of normalised patches, and the dataset positions of the minority it refers to.

    Parents come from ``train``, or from every labelled patch under the ``before_folds`` protocol (paper A's, which
    lets validation patches into training and is only there to be compared with).
    """
    smote = plan.config.smote
    pool = train if smote.protocol == "inside_fold" else np.flatnonzero(plan.fold_of >= 0)
    parents = pool[plan.labels[pool] == 1]
    n_new = how_many(len(parents), len(pool) - len(parents), smote) if smote.enabled else 0
    minority = patches[parents]
    nodata = plan.dataset.nodata
    made = make(
        minority,
        n_new,
        smote,
        data_range=normalised_range(plan.config.normalise.method, minority),
        seed=plan.config.seed,
        valid=None if nodata is None else valid_pixels(plan.images[parents], nodata)[1],
        device=plan.device if plan.device.type == "cuda" else None,
    )
    return made, parents


def _answers(plan: Plan, positions: np.ndarray, probs: np.ndarray, epoch: int) -> pd.DataFrame:
    """What the network answers for a few validation patches after an epoch."""
    ids = plan.dataset.ids[positions]
    return pd.DataFrame({"epoch": epoch, "id": ids, "label": plan.labels[positions], "prob": probs})


def _going_on(earlier: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """A table of epochs, those from the first of ``now`` on in place of what stood there."""
    return pd.concat([earlier[earlier["epoch"] < now["epoch"].min()], now], ignore_index=True)


def _lineage(plan: Plan, made: Synthetics, parents: np.ndarray, fold: int) -> pd.DataFrame:
    ids = plan.dataset.ids[parents]
    return pd.DataFrame(
        {
            "fold": fold,
            "synthetic": [f"fold{fold}_syn{i:05d}" for i in range(len(made.anchor))],
            "anchor": ids[made.anchor],
            "neighbour": ids[made.neighbour],
            "anchor_weight": made.anchor_weight,
            "ssim": made.ssim,
            "exact_neighbours": made.exact,
            "seed": plan.config.seed,
        }
    )
