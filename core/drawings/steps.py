"""A run's method as steps: what its configuration switches on, each with a picture, a title and a few words.

A step that is not configured is not there. Numbers come from the run as far as it got.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.config import RunConfig, TrainConfig
from core.config.learning_rate import lr_at
from core.config.training import BRANCHES, COLUMNS, PACKAGED, SAR, UNET
from core.drawings import canvas as ink
from core.drawings import glyphs
from core.drawings.facts import Facts
from core.drawings.glyphs import Glyph
from core.text import count, interval, list_names, number, percent

_FAMILY = {"optical": ink.OPTICAL, "sar_post": ink.SAR_AFTER, "sar_pre": ink.SAR_AFTER, "sar_change": ink.SAR_CHANGE}
_NORMALISE = {
    "standard": "mean and standard deviation", "robust": "median and 5–95% range", "robust_iqr": "median and quartiles",
    "model": "as the weights expect", "minmax": "each patch by its own range",
}  # fmt: skip
_SMOTE = {"ssim": "SSIM-SMOTE", "plain": "SMOTE", "random": "Oversampling"}
_LOSS = {"kl": "soft-label KL", "bce": "binary cross-entropy", "focal": "focal loss"}
_GROUPED = {"groups": "groups kept together", "block": "blocks of ground", "duplicates": "same ground kept together"}
_PART = {"all": "all layers", "head": "last layer only"}
_EXPLAINED = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}
_HEADS = {"fc": "Fully connected", "lgbm": "LightGBM", "logreg": "Logistic regression", "blend": "Blend"}
_BRANCH = {"optical": "optical", "sar": "SAR", "indices": "indices", "after": "after", "before": "before"}
_STACKED = (1.0, 0.86, 0.66, 0.46, 0.3)


@dataclass(frozen=True)
class Step:
    """One step. key: what it is, for tests.

    strong: it holds the run's result. large: its picture may be. beside: it does not follow from the step before.
    """

    key: str
    glyph: Glyph
    title: str
    lines: tuple[str, ...] = ()
    strong: bool = False
    large: bool = False
    beside: bool = False


def data_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """From the patches to what a batch is made of."""
    return [*input_steps(config, facts), normalise_step(config), *balance_steps(config, facts), *online_steps(config)]


def input_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """The dataset, and its folds."""
    words = []
    if facts.n is not None:
        words.append(f"{count(facts.n)} labelled patches")
    if facts.n and facts.n_positive is not None:
        words.append(f"{percent(facts.n_positive / facts.n)} {facts.positive}")
    is_table = config.model.backbone == COLUMNS
    if facts.families:
        size = f", {facts.side}×{facts.side} px" if facts.side else ""
        words.append(f"{len(facts.families)} {'columns' if is_table else 'bands'}{size}")
    colours = [_FAMILY.get(family, ink.INDEX) for family in facts.families] or [ink.INDEX] * 3
    glyph = glyphs.table if is_table else glyphs.bands(colours)
    return [Step("dataset", glyph, facts.dataset or "Dataset", tuple(words)), fold_step(config)]


def fold_step(config: RunConfig) -> Step:
    """How patches are divided."""
    folds = config.folds
    if folds.region is not None:
        words = ["each evaluated on one region"] + ([f"buffer of {folds.buffer_m:g} m"] if folds.buffer_m else [])
        return Step("folds", glyphs.folds(5), f"Leave one {folds.region} out", tuple(words))
    how = _GROUPED.get(folds.group_by, f"kept together by {folds.group_by}") if folds.grouped else "groups ignored"
    words = [how] + ([f"buffer of {folds.buffer_m:g} m"] if folds.buffer_m else [])
    return Step("folds", glyphs.folds(folds.n_splits), folds.words.capitalize(), tuple(words))


def normalise_step(config: RunConfig) -> Step:
    """Normalisation."""
    where = "per band, from the training part" if config.normalise.method != "minmax" else "per band"
    return Step("normalise", glyphs.bell, "Normalise", (_NORMALISE.get(config.normalise.method, ""), where))


def balance_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """Synthetic landslides; nothing where none are made."""
    smote = config.smote
    if not smote.enabled:
        return []
    words = []
    if smote.method == "random":
        words.append("landslides repeated")
    else:
        words.append(f"{smote.k_neighbors} nearest landslides" + (" by SSIM" if smote.method == "ssim" else ""))
        words.append(f"weight from Beta({smote.alpha:g}, {smote.beta:g})")
    if smote.n_syn is not None:
        words.append(f"{smote.n_syn} per landslide")
    else:
        words.append(f"up to {smote.target_ratio:g} per other patch")
    if facts.synthetic:
        low, high = min(facts.synthetic), max(facts.synthetic)
        each = count(low) if low == high else f"{count(low)}–{count(high)}"
        words.append(f"{each} made per fold")
    if smote.protocol == "before_folds":
        words.append("before the folds: scores inflated")
    glyph = glyphs.repeated if smote.method == "random" else glyphs.smote
    return [Step("smote", glyph, _SMOTE.get(smote.method, smote.method), tuple(words))]


def online_steps(config: RunConfig) -> list[Step]:
    """What happens to each batch."""
    augment, steps = config.augment, []
    moves = [
        word
        for on, word in (
            (augment.flips, "flips"), (augment.quarter_turns, "quarter turns"),
            (augment.moves_pixels and augment.rotation, f"rotation ±{augment.rotation:g}°"),
            (augment.moves_pixels and augment.shear, f"shear ±{augment.shear:g}°"),
            (augment.moves_pixels and (augment.shift or augment.translation), "shift"),
            (augment.moves_pixels and augment.crop < 1, f"crop {augment.crop:.0%}"),
        )
        if on
    ]  # fmt: skip
    if moves:
        steps.append(Step("geometry", glyphs.moved, "Geometry", (list_names(moves, 6),)))
    tints = [
        word
        for on, word in (
            (augment.brightness, "brightness"), (augment.contrast, "contrast"), (augment.saturation, "saturation"),
            (augment.jitter, "jitter"), (augment.grayscale, "greyscale"), (augment.noise, "noise"),
            (augment.speckle_looks, "SAR speckle"), (augment.sar_offset, "SAR offset"),
        )
        if on
    ]  # fmt: skip
    if tints:
        steps.append(Step("colour", glyphs.colours, "Colour and noise", (list_names(tints, 8),)))
    mixup, cutmix = augment.mixup_alpha > 0, augment.cutmix_alpha > 0
    if (mixup or cutmix) and augment.mix_prob > 0:
        title = " and ".join(name for name, on in (("MixUp", mixup), ("CutMix", cutmix)) if on)
        share = "every batch" if augment.mix_prob == 1 else f"{percent(augment.mix_prob, 0)} of batches"
        steps.append(Step("mix", glyphs.mixed(mixup, cutmix), title, (f"{share}, soft labels",)))
    return steps


# ---------------------------------------------------------------------------------------------------- the network


def network_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """The inputs made inside, the encoder, what joins it, and how it is trained."""
    model, steps = config.model, []
    if facts.indices:
        steps.append(
            Step("indices", glyphs.bands([ink.INDEX] * min(8, len(facts.indices))), f"{len(facts.indices)} indices",
                 ("computed inside the network", list_names(facts.indices, 4)))
        )  # fmt: skip
    if model.backbone != COLUMNS:
        steps.append(_encoder(config))
        steps.append(_weights(config, facts))
    if model.statistics_branch:
        steps.append(Step("statistics", glyphs.bell, "Band statistics", ("joined to the embedding",), beside=True))
    if model.columns:
        steps.append(Step("columns", glyphs.table, "Tabular inputs", (list_names(model.columns, 4),), beside=True))
    if model.masks:
        steps.append(
            Step("masks", glyphs.outline, "Outlines", (f"weight {model.mask_weight:g} beside the label",), beside=True)
        )
    if model.second_column:
        steps.append(Step("second", glyphs.layer, "Second head", (f"answers {model.second_column}",), beside=True))
    return [*steps, train_step(config)]


def _encoder(config: RunConfig) -> Step:
    model = config.model
    words = [f"resized to {model.image_size} px"] if model.image_size else []
    if model.branches != "one":
        named = BRANCHES[model.branches]
        words += [f"SAR: {model.sar_backbone}"] if SAR in named and model.sar_backbone else []
        words += [f"embeddings joined ({model.fusion})"]
        words += [f"{percent(model.modality_dropout, 0)} lose one"] if model.modality_dropout else []
        first = f"encoders: {', '.join(_BRANCH[name] for name in named)}"
        return Step("encoder", glyphs.branches(len(named)), model.backbone, (first, *words), large=True)
    is_unet = model.backbone.startswith(UNET)
    words = [*(["encoder and decoder"] if is_unet else []), *words]
    up = (0.46, 0.66, 0.86) if is_unet else ()
    return Step("encoder", glyphs.encoder(_STACKED, up), model.backbone, tuple(words), large=True)


def _weights(config: RunConfig, facts: Facts) -> Step:
    model = config.model
    if model.weights:
        words = f"another network's: {model.weights.rpartition('/')[2]}"
    elif model.pretrained == PACKAGED:
        words = "ImageNet, packaged"
    else:
        words = "pretrained, from the hub" if model.pretrained else "random"
    if facts.weights and facts.weights != "random" and not model.weights:
        words = facts.weights
    return Step("weights", glyphs.weights, "Initial weights", (words,), beside=True)


def train_step(config: RunConfig) -> Step:
    """The loop: phases, rate, loss, which epoch is kept."""
    train = config.train
    words = phases(train) if config.model.backbone != COLUMNS else ["of the last layer, all there is"]
    words += [f"{train.optimizer}, rate {train.lr:g}, {_LOSS.get(train.loss, train.loss)}"]
    words += ["class weights"] if train.class_weight == "balanced" else []
    words += [f"weight average (EMA {train.ema_decay:g})"] if train.ema_decay else []
    words += {"inner": ["best epoch on an inner split"], "fold_best": ["best epoch on the validation fold"]}.get(
        train.select, []
    )
    ends = [train.head_epochs, train.head_epochs + train.top_epochs]
    borders = sorted({end / train.epochs for end in ends if 0 < end < train.epochs})
    glyph = glyphs.rates([rate / train.lr for rate in _rates(train)], borders)
    return Step("train", glyph, f"{train.epochs} {'epoch' if train.epochs == 1 else 'epochs'}", tuple(words))


def phases(train: TrainConfig) -> list[str]:
    """What is trained, phase by phase; one entry where there is one phase."""
    part = {"layers": f"last {train.top_layers} layers", "blocks": f"last {train.top_blocks} blocks"}
    rest = (part | _PART).get(train.trainable, train.trainable)
    head, top = min(train.head_epochs, train.epochs), max(0, min(train.top_epochs, train.epochs - train.head_epochs))
    found = []
    if head:
        found.append(f"1–{head}: last layer" if head > 1 else "1: last layer")
    if top:
        found.append(f"{head + 1}–{head + top}: last {train.top_layers} layers")
    if not found:
        return [f"{rest} trained"]
    if head + top < train.epochs:
        found.append(f"{head + top + 1}–{train.epochs}: {rest}")
    return [f"epochs {found[0]}", *found[1:]]


def _rates(train: TrainConfig) -> list[float]:
    """The learning rate at 40 moments of training, as ``core.train.optimisation.schedules`` gives it."""
    steps = max(1, math.ceil(40 / train.epochs))
    return [lr_at(step, steps, train) for step in range(train.epochs * steps)]


# ---------------------------------------------------------------------------------------------------- the decision


def head_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """What turns embeddings into probabilities; of heads that could not be fitted, none."""
    heads = config.heads
    names = [name for name in heads.names if not facts.heads or name in facts.heads]
    steps = []
    if "fc" in names:
        steps.append(Step("fc", glyphs.layer, _HEADS["fc"], ("the network's own last layer",)))
    svms = [name for name in names if name in heads.svm_names]
    if svms:
        values = ", ".join(name.removeprefix("svm_c") for name in svms)
        steps.append(Step("svm", glyphs.boundary, "SVM, RBF kernel", (f"C = {values}",)))
    if "lgbm" in names:
        steps.append(Step("lgbm", glyphs.tree, "Boosted trees", ("LightGBM",)))
    if "logreg" in names:
        steps.append(Step("logreg", glyphs.sigmoid, _HEADS["logreg"]))
    if "blend" in names:
        steps.append(Step("blend", glyphs.blend, "Blend", ("network and band statistics",)))
    return steps


def decision_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """The cut, and what came out."""
    others = config.folds.n_splits > 1 or config.folds.region is not None  # one split has none to learn from
    rule = "best F1 of the other folds" if others and config.heads.threshold == "best_f1" else "0.5"
    words = (rule, "calibrated on the other folds") if others else (rule,)
    steps = [Step("threshold", glyphs.threshold, "Threshold", words)]
    return [*steps, *result_steps(config, facts)]


def result_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """The headline of a finished run; nothing before."""
    if facts.result is None:
        return []
    found = facts.result
    words = [f"95% {interval(found['f1_interval'])}", f"{head_title(found['head'])}, n = {count(found['n'])}"]
    return [Step("result", glyphs.answer, f"F1 {number(found['f1'])}", tuple(words), strong=True)]


def head_title(name: str) -> str:
    """A head's name for people."""
    return f"SVM, C {name[5:]}" if name.startswith("svm_c") else _HEADS.get(name, name)


def shown_steps(config: RunConfig, facts: Facts) -> list[Step]:
    """What explains the run: as configured, and of a finished run what it really has."""
    has = {"map", "attention", "occlusion"} if facts.made is None else facts.made
    steps = []
    if "map" in has:
        method = _EXPLAINED.get(config.embed.method, config.embed.method)
        steps.append(Step("map", glyphs.clusters, f"{method} map", ("embeddings, with each head's boundary",)))
    if "attention" in has and config.model.backbone != COLUMNS:
        name = "Grad-CAM" if config.explain.method in ("auto", "gradcam") else config.explain.method
        steps.append(Step("attention", glyphs.heat, name, ("where in the patch it looks",), beside=True))
    if "occlusion" in has:
        what = "column" if config.model.backbone == COLUMNS else "band"
        steps.append(
            Step(
                "occlusion", glyphs.occluded, f"{what.title()} occlusion", (f"what each {what} is worth",), beside=True
            )
        )
    return steps
