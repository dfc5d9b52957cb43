"""The order of the flow, readable aloud, and the only code that wires its stages.

Comes in: a run folder with a configuration and the path of a dataset file. Goes out: the same folder, full: networks,
heads, out-of-fold scores, maps, attention, occlusion, and a summary. Progress is yielded, one :class:`Step` at a time.
Whatever learns sees the training part of its fold only; calibration and thresholds are cross-fitted.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from core import provenance
from core.config import RunConfig
from core.data.band_statistics import band_statistics, rich_statistics
from core.data.bands import Band
from core.data.check import check
from core.data.dataset import Dataset
from core.data.folds import Folds, make_folds
from core.data.normalise import fit_normaliser
from core.data.store import open_dataset
from core.data.summary import valid_pixels
from core.device import choose_device
from core.embed.boundary import draw_boundary
from core.embed.umap_map import fit_map
from core.errors import DataError, TrainingError
from core.evaluate.judge import HeadJudgement, difference, judge_head
from core.explain.gradcam import gradcam
from core.explain.occlusion import occlude_bands
from core.heads import load_heads, save_heads
from core.heads.baselines import BASELINES, fit_baselines
from core.heads.blend import BLEND, MEMBERS, blend, fit_rich
from core.heads.fc import fc_head
from core.heads.svm import fit_svm
from core.predict.fold_model import FoldModel, kind_of
from core.runs.store import RunFolder
from core.runs.summary import headline
from core.smote.resample import Synthetics, how_many, synthesise
from core.train.backbones import build_network, save_network
from core.train.loop import embed, fit, newest_checkpoint

FREE_DISK_BYTES = 200 * 2**20  # a run of a small network needs about a tenth of it
TRAINING_SHARE = 0.8  # of the whole time, in which the folds are trained; maps and explanations take the rest


@dataclass(frozen=True)
class Step:
    """Where a run stands. ``progress`` is 0 to 1 over the whole run; ``event`` names what just happened, if told."""

    stage: str
    progress: float
    message: str
    event: str = ""
    fold: int | None = None
    n_folds: int | None = None
    epoch: int | None = None
    epochs: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)

    def status(self) -> dict[str, Any]:
        """What of it belongs into ``status.json``."""
        names = ("stage", "progress", "message", "fold", "n_folds", "epoch", "epochs")
        return {name: getattr(self, name) for name in names}

    def record(self) -> dict[str, Any]:
        """What of it belongs into a line of ``events.jsonl``."""
        return {name: value for name, value in self.status().items() if value is not None} | self.fields


@dataclass(frozen=True)
class Plan:
    """Everything that the folds share. images: (N, C, H, W) float32 raw; labels, fold_of: (N,); all real patches."""

    run: RunFolder
    config: RunConfig
    dataset: Dataset
    bands: tuple[Band, ...]
    images: np.ndarray
    statistics: np.ndarray
    rich: np.ndarray | None
    folds: Folds
    device: Any

    @property
    def labels(self) -> np.ndarray:
        """(N,) int8, -1 where unlabelled."""
        return self.dataset.labels

    @property
    def fold_of(self) -> np.ndarray:
        """(N,) the fold that each patch is validated in, -1 in none."""
        return self.folds.fold_of


def train_run(run: RunFolder) -> Iterator[Step]:
    """Do the whole run, or what is left of it after an interruption.

    Raises DataError, FoldError, ConfigError or TrainingError in plain words when it cannot be done.
    """
    yield Step("loading", 0.0, "Reading the dataset.")
    plan = prepare(run)
    n_folds = plan.folds.n_splits
    for fold in range(n_folds):
        yield from train_fold(plan, fold)
    trained = time.monotonic()
    yield Step("judging", TRAINING_SHARE, "Judging the out-of-fold scores.", event="judging")
    judged = judge(plan)
    for fold in range(n_folds):
        yield Step("mapping", _after_training(0.0, fold, n_folds), f"Drawing the map of fold {fold + 1}.", fold=fold)
        draw_map(plan, judged, fold)
    yield from explain(plan, judged)
    summary = summarise(plan, judged, seconds_after_training=time.monotonic() - trained)
    run.write_json("summary.json", summary)
    yield Step("done", 1.0, headline(summary), event="summary", fields={"oof": summary["oof"]})


def resume_point(run: RunFolder) -> Step:
    """Where a run that was broken off goes on: the fold, and the epoch of its newest complete checkpoint."""
    n_folds = run.config().folds.n_splits
    fold = next((k for k in range(n_folds) if not run.fold_is_done(k)), n_folds - 1)
    checkpoint = newest_checkpoint(run.resume_path(fold))
    epoch = checkpoint.epoch if checkpoint else 0
    if fold == 0 and epoch == 0:
        text = "No checkpoint had been written yet: starting afresh."
    else:
        text = f"Going on in fold {fold + 1} after epoch {epoch}."
    if checkpoint and checkpoint.damaged:
        text += f" The newest checkpoint was damaged and passed over ({', '.join(map(str, checkpoint.damaged))})."
    progress = TRAINING_SHARE * fold / n_folds
    return Step("training", progress, text, event="resumed", fold=fold, n_folds=n_folds, epoch=epoch)


# ------------------------------------------------------------------------------------------------ before the folds


def prepare(run: RunFolder) -> Plan:
    """Open and check the dataset, draw the folds, choose the device, and write down what is about to be done."""
    config = run.config()
    dataset = open_dataset(run.job()["dataset"])
    report = check(dataset)
    if not report.ok:
        reasons = " ".join(f"{row.what}: {row.advice}" for row in report.rows if row.severity == "error")
        raise DataError(f"'{dataset.name}' cannot be trained on. {reasons}")
    free = shutil.disk_usage(run.path).free
    if free < FREE_DISK_BYTES:
        raise TrainingError(f"Only {free / 2**20:.0f} MiB are free on the disk of the checkpoints folder. Free some.")
    names = config.data.bands or dataset.band_names
    images = dataset.images(bands=names)
    bands = tuple(band for name in names for band in dataset.bands if band.name == name)
    folds = make_folds(dataset.labels, dataset.groups, config.folds.n_splits, config.seed, config.folds.grouped)
    device = choose_device(config.device)
    run.write_text("folds.json", folds.to_json(dataset.ids))
    run.write_json("provenance.json", provenance.collect(dataset, config, device))
    statistics = band_statistics(images, dataset.nodata)
    rich = rich_statistics(images, names, dataset.nodata) if config.heads.blend else None
    return Plan(run, config, dataset, bands, images, statistics, rich, folds, device)


# ----------------------------------------------------------------------------------------------------- one fold


def train_fold(plan: Plan, fold: int) -> Iterator[Step]:
    """Normalise, balance, train, embed and fit the heads of one fold; nothing of it looks at its validation part."""
    run, config, n_folds = plan.run, plan.config, plan.folds.n_splits
    at = {"fold": fold, "n_folds": n_folds, "epochs": config.train.epochs}
    if run.fold_is_done(fold):
        yield Step("training", TRAINING_SHARE * (fold + 1) / n_folds, f"Fold {fold + 1} was done before.", **at)
        return
    train, val = plan.folds.train(fold), plan.folds.val(fold)
    began = time.monotonic()
    normaliser = fit_normaliser(plan.images[train], config.normalise.method, _names(plan.bands), plan.dataset.nodata)
    patches = normaliser.transform(plan.images)
    yield Step("balancing", TRAINING_SHARE * fold / n_folds, f"Balancing fold {fold + 1}.", **at)
    synthetics, parents = balance(plan, patches, train)
    run.write_smote(fold, _lineage(plan, synthetics, parents, fold))
    train_x = np.concatenate([patches[train], synthetics.images])  # (N_train + M, C, H, W)
    train_y = np.concatenate([plan.labels[train], np.ones(len(synthetics.images), np.int8)])

    seed = config.seed * 1000 + fold
    units = (normaliser.center_, normaliser.scale_)
    network, weights = build_network(config.model, plan.bands, patches.shape[2:], seed, units)
    yield Step("training", TRAINING_SHARE * fold / n_folds, f"Training the network of fold {fold + 1}.", **at)
    history, rows = run.fold_history(fold), []
    for result in fit(
        network, train_x, train_y, patches[val], plan.labels[val], config, plan.device, seed, run.resume_path(fold)
    ):
        rows.append(result.to_dict())
        earlier = history[history["epoch"] < rows[0]["epoch"]]
        run.write_history(fold, pd.concat([earlier, pd.DataFrame(rows)], ignore_index=True))
        share = (fold + result.epoch / result.epochs) / n_folds
        text = f"Fold {fold + 1} of {n_folds}, epoch {result.epoch} of {result.epochs}: loss {result.train_loss:.3f}"
        yield Step("training", TRAINING_SHARE * share, text, event="epoch", epoch=result.epoch, fields=rows[-1], **at)

    embedded = embed(network, patches, plan.device, config.train.batch_size, tta=config.train.tta)
    of_synthetics = embed(network, synthetics.images, plan.device, config.train.batch_size, tta=config.train.tta)
    features = np.concatenate([embedded.embeddings[train], of_synthetics.embeddings])
    heads = [fc_head(network), *(fit_svm(features, train_y, C) for C in config.heads.svm_C)]
    heads += fit_baselines(plan.statistics[train], plan.labels[train])
    if plan.rich is not None:
        heads.append(fit_rich(plan.rich[train], plan.labels[train]))
    save_heads(run.heads_path(fold), heads)
    save_network(network, run.fold_path(fold))
    run.write_normaliser(fold, normaliser.to_json())
    run.write_embeddings(fold, {"embeddings": embedded.embeddings, "logits": embedded.logits})
    run.write_fold_card(
        fold,
        {
            "n_train": len(train),
            "n_val": len(val),
            "n_synthetic": len(synthetics.images),
            "seed": seed,
            "weights": weights.to_dict(),
            "seconds": time.monotonic() - began,
            "images_per_second": float(np.mean([row["images_per_second"] for row in rows])) if rows else float("nan"),
        },
    )


def balance(plan: Plan, patches: np.ndarray, train: np.ndarray) -> tuple[Synthetics, np.ndarray]:
    """SSIM-SMOTE on normalised patches: the synthetics, and the dataset positions of the minority they refer to.

    Parents come from ``train``, or from every labelled patch under the ``before_folds`` protocol (paper A's, which
    lets validation patches into training and is only there to be compared with).
    """
    smote = plan.config.smote
    pool = train if smote.protocol == "inside_fold" else np.flatnonzero(plan.fold_of >= 0)
    parents = pool[plan.labels[pool] == 1]
    n_new = how_many(len(parents), len(pool) - len(parents), smote) if smote.enabled else 0
    made = synthesise(
        patches[parents],
        n_new,
        k_neighbors=smote.k_neighbors,
        alpha=smote.alpha,
        beta=smote.beta,
        clip=smote.clip,
        seed=plan.config.seed,
    )
    return made, parents


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
            "seed": plan.config.seed,
        }
    )


# ------------------------------------------------------------------------------------------------ after the folds


def judge(plan: Plan) -> dict[str, HeadJudgement]:
    """Out-of-fold scores of every head, each patch by the one fold that has not seen it; judged and written down."""
    labelled = np.flatnonzero(plan.fold_of >= 0)
    labels, fold_of, groups = plan.labels[labelled], plan.fold_of[labelled], _groups(plan, labelled)
    names = (*(name for name in plan.config.heads.names if name != BLEND), *BASELINES)
    scores = {name: np.full(len(plan.labels), np.nan) for name in names}
    for fold in range(plan.folds.n_splits):
        val, heads = plan.folds.val(fold), load_heads(plan.run.heads_path(fold))
        features = {"statistics": plan.statistics, "rich": plan.rich} | plan.run.embeddings(fold)
        for name in names:
            scores[name][val] = heads[name].decision(features[kind_of(name)][val])
    scores = {name: values[labelled] for name, values in scores.items()}

    def judged_as(name: str, is_log_odds: bool) -> HeadJudgement:
        rule = plan.config.heads.threshold
        return judge_head(labels, scores[name], fold_of, groups, threshold=rule, is_log_odds=is_log_odds)

    judged = {name: judged_as(name, is_log_odds=name == "fc") for name in names}
    if plan.config.heads.blend:
        scores[BLEND] = blend([_log_odds(judged[name].probs) for name in MEMBERS])
        judged[BLEND] = judged_as(BLEND, is_log_odds=True)
    table = {"id": plan.dataset.ids[labelled], "label": labels, "fold": fold_of}
    table["group"] = groups if groups is not None else np.full(len(labelled), "")
    for name, head in judged.items():
        table |= {f"score_{name}": scores[name], f"prob_{name}": head.probs, f"pred_{name}": head.pred}
    plan.run.write_oof(pd.DataFrame(table))
    plan.run.write_json("rules.json", {name: head.rule.to_dict() for name, head in judged.items()})
    return judged


def draw_map(plan: Plan, judged: dict[str, HeadJudgement], fold: int) -> None:
    """UMAP of one fold, fitted on its training part, with each shown head's boundary and how faithful it is."""
    config, run = plan.config, plan.run
    train, val = plan.folds.train(fold), plan.folds.val(fold)
    embeddings = run.embeddings(fold)["embeddings"]
    drawn = fit_map(
        embeddings, train, config.embed.n_neighbors, config.embed.min_dist, config.seed, config.embed.method
    )
    heads = load_heads(run.heads_path(fold))
    arrays = {"xy": drawn.xy, "train": np.isin(np.arange(len(drawn.xy)), train).astype(np.uint8)}
    card: dict[str, Any] = {
        "method": drawn.method,
        "note": drawn.note,
        "trustworthiness": drawn.trustworthiness,
        "heads": {},
    }
    for name in _mapped_heads(config):
        rule = judged[name].rule
        margin = rule.log_odds(heads[name].decision(embeddings), fold) - _log_odds(rule.thresholds[fold])
        boundary = draw_boundary(
            drawn.xy[train], margin[train], plan.labels[train], drawn.xy[val], margin[val], config.embed.grid
        )
        arrays |= {"x": boundary.x, "y": boundary.y, "near": boundary.near.astype(np.uint8)}
        arrays[f"values_{name}"] = boundary.values.astype(np.float32)
        card["heads"][name] = boundary.card()
    run.write_umap(fold, arrays, card)


def explain(plan: Plan, judged: dict[str, HeadJudgement]) -> Iterator[Step]:
    """Grad-CAM and band occlusion of every labelled patch, by the network that has not seen it."""
    config, n_folds = plan.config, plan.folds.n_splits
    cams, index, occlusion = [], [], []
    layer = ""
    for fold in range(n_folds):
        val = plan.folds.val(fold)
        model = FoldModel.load(plan.run, fold, plan.device)
        patches = model.normaliser.transform(plan.images[val])
        yield Step("attention", _after_training(0.4, fold, n_folds), f"Grad-CAM of fold {fold + 1}.", fold=fold)
        maps, layer = gradcam(model.network, patches, plan.device, min_map=config.explain.min_map)
        cams.append(maps)
        index.append(pd.DataFrame({"id": plan.dataset.ids[val], "fold": fold}))
        yield Step("occlusion", _after_training(0.6, fold, n_folds), f"Occluding bands of fold {fold + 1}.", fold=fold)
        occlusion.append(_occlusion(plan, judged, model, val))
    table = pd.concat(index, ignore_index=True).assign(row=lambda t: np.arange(len(t)))
    size = list(cams[0].shape[1:])
    plan.run.write_cams(table, np.concatenate(cams), {"layer": layer, "target": plan.dataset.positive, "size": size})
    plan.run.write_occlusion(pd.concat(occlusion, ignore_index=True))


def _occlusion(plan: Plan, judged: dict[str, HeadJudgement], model: FoldModel, val: np.ndarray) -> pd.DataFrame:
    """One row a patch, head, baseline and band; both probabilities without test-time flips, so that they compare.

    Bands are replaced in the patches as they came, so that whatever is computed from a band loses it too.
    """
    heads = dict.fromkeys(("fc", plan.config.heads.head))
    rules = {name: head.rule for name, head in judged.items()}

    def predict(images: np.ndarray) -> np.ndarray:
        found = model.log_odds(images, list(heads), rules, tta=False)
        return np.stack([expit(found[name]) for name in heads], axis=1)  # (n, heads)

    fills = {"mean": model.normaliser.center_, "zero_raw": np.zeros(len(plan.bands), np.float32)}
    without_data = ~valid_pixels(plan.images[val], model.normaliser.nodata)[1]  # (n, H, W)
    tables = []
    for baseline in plan.config.explain.occlusion_baselines:
        p0, p_b = occlude_bands(
            predict, plan.images[val], fills[baseline], keep=without_data
        )  # (n, heads), (C, n, heads)
        for h, head in enumerate(heads):
            for b, band in enumerate(plan.bands):
                facts = {"id": plan.dataset.ids[val], "label": plan.labels[val], "fold": model.fold, "head": head}
                values = {"baseline": baseline, "band": band.name, "p0": p0[:, h], "p_b": p_b[b, :, h]}
                tables.append(pd.DataFrame(facts | values))
    return pd.concat(tables, ignore_index=True)


# --------------------------------------------------------------------------------------------------- the summary


def summarise(plan: Plan, judged: dict[str, HeadJudgement], seconds_after_training: float) -> dict[str, Any]:
    """The run in one dictionary: headline, every head with intervals, folds, differences, warnings.

    The folds' own seconds are added up, so that a run that was interrupted counts each of them once.
    """
    config, run, dataset = plan.config, plan.run, plan.dataset
    labelled = np.flatnonzero(plan.fold_of >= 0)
    labels, groups = plan.labels[labelled], _groups(plan, labelled)
    chosen = judged[config.heads.head]
    without_network = [name for name in judged if kind_of(name) != "embeddings" and name != config.heads.head]
    folds = []
    for fold in range(plan.folds.n_splits):
        card = run.fold_card(fold)
        heads = {name: head.folds[fold] for name, head in judged.items()}
        folds.append({"fold": fold, **card, **heads[config.heads.head], "heads": heads})
    return {
        "run": run.name,
        "dataset": str(dataset.path.resolve()),
        "dataset_name": dataset.name,
        "preset": config.preset,
        "class_names": list(dataset.class_names),
        "positive": dataset.positive,
        "grouped": plan.folds.grouped,
        "head": config.heads.head,
        "threshold_rule": config.heads.threshold,
        "oof": {**chosen.metrics, "f1_interval": chosen.intervals["f1"]},
        "heads": {name: {**head.metrics, "intervals": head.intervals} for name, head in judged.items()},
        "folds": folds,
        "differences": {name: difference(labels, chosen, judged[name], groups) for name in without_network},
        "seconds": sum(fold["seconds"] for fold in folds) + seconds_after_training,
        "images_per_second": float(np.mean([fold["images_per_second"] for fold in folds])),
        "device": str(plan.device),
        "warnings": _warnings(plan),
    }


def _warnings(plan: Plan) -> list[str]:
    found = []
    if plan.config.smote.enabled and plan.config.smote.protocol == "before_folds":
        found.append(
            "Synthetic patches were made before the folds were drawn (paper A's way): some have parents in the "
            "validation part, so these scores are inflated."
        )
    if plan.config.folds.grouped and not plan.folds.grouped:
        found.append("The dataset has no groups: patches of one scene may sit in two folds, which flatters the scores.")
    if not plan.config.folds.grouped and plan.dataset.groups is not None:
        found.append("The folds ignore the dataset's groups: patches of one scene may sit in two folds.")
    return found


def _names(bands: tuple[Band, ...]) -> tuple[str, ...]:
    return tuple(band.name for band in bands)


def _groups(plan: Plan, index: np.ndarray) -> np.ndarray | None:
    return None if plan.dataset.groups is None else plan.dataset.groups[index]


def _mapped_heads(config: RunConfig) -> tuple[str, ...]:
    """The heads whose boundary is drawn: FC, and the headline, or the last SVM where the headline has no boundary."""
    svms = config.heads.on_embeddings[1:]
    return ("fc", config.heads.head if config.heads.head in svms else svms[-1])


def _log_odds(probs: Any) -> np.ndarray:
    clipped = np.clip(probs, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


def _after_training(begin: float, fold: int, n_folds: int) -> float:
    """Progress of the maps (0 to 0.4 of what follows training) and of the explanations (0.4 to 1)."""
    share = begin + (0.4 if begin == 0.0 else 0.6) * fold / n_folds
    return TRAINING_SHARE + (1 - TRAINING_SHARE) * min(share, 1.0)
