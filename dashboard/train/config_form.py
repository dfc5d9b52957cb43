"""A run's settings as widgets, built from the configuration itself: its descriptions, bounds and choices."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st
from pydantic.fields import FieldInfo

from core.config import PRESETS, RunConfig, preset
from core.config.presets import SOURCES
from core.data.bands import ZINDI_BANDS, Band, subsets_of
from core.data.indices import possible
from core.data.stacks import STACKS
from dashboard.ui.fields import field_widget

# What most runs change, in the order of the flow; everything else is under "All settings".
GROUPS: dict[str, dict[str, str]] = {
    "Network": {
        "model.backbone": "Backbone (timm name)",
        "model.image_size": "Side after resizing (pixels)",
        "model.pretrained": "Pretrained weights",
        "model.statistics_branch": "Band statistics branch",
        "train.trainable": "Trainable layers",
    },
    "Training": {
        "train.epochs": "Epochs",
        "train.batch_size": "Batch size (patches)",
        "train.lr": "Initial learning rate",
        "train.tta": "Test-time augmentation",
        "train.select": "Checkpoint",
        "train.class_weight": "Class weights",
    },
    "Optimiser": {
        "train.optimizer": "Optimiser",
        "train.weight_decay": "Weight decay",
        "train.schedule": "Schedule",
        "train.warmup_epochs": "Warm-up (epochs)",
        "train.step_epochs": "Epochs between steps",
        "train.ema_decay": "Weight averaging (EMA decay)",
        "train.loss": "Loss",
        "train.accumulate": "Gradient accumulation (batches)",
        "train.patience": "Early stopping (epochs without a better F1)",
    },
    "Trainable part": {
        "train.top_layers": "Trainable layers at the top",
        "train.top_blocks": "Trainable blocks at the top",
        "train.batch_norm": "Batch normalisation",
    },
    "Phases": {
        "train.head_epochs": "First the last layer only (epochs)",
        "train.top_epochs": "Then the top layers (epochs)",
        "train.layer_decay": "Learning rate factor per earlier block",
    },
    "Weights": {
        "model.weights_fit": "Weights of another network",
        "model.drop_rate": "Dropout before the last layer",
    },
    "Balance": {
        "smote.enabled": "SSIM-SMOTE",
        "smote.protocol": "Protocol",
        "smote.k_neighbors": "Neighbours",
        "smote.target_ratio": "Landslides per other patch",
    },
    "Augmentation": {
        "augment.flips": "Flips",
        "augment.quarter_turns": "Quarter turns",
        "augment.mixup_alpha": "MixUp alpha",
        "augment.cutmix_alpha": "CutMix alpha",
        "augment.mix_prob": "Share of batches mixed",
        "augment.cutmix_box": "CutMix box",
        "augment.label_smoothing": "Label smoothing",
    },
    "Geometry": {
        "augment.rotation": "Rotation (degrees)",
        "augment.shear": "Shear (degrees)",
        "augment.translation": "Translation (share of the side)",
        "augment.shift": "Shift (whole pixels)",
        "augment.crop": "Crop (share of the side)",
        "augment.fill": "Fill outside the border",
    },
    "Colour and SAR": {
        "augment.brightness": "Brightness",
        "augment.contrast": "Contrast",
        "augment.saturation": "Saturation",
        "augment.jitter": "Jitter per band",
        "augment.grayscale": "Greyscale patches",
        "augment.noise": "Noise (reflectance)",
        "augment.speckle_looks": "SAR speckle (looks)",
        "augment.sar_offset": "SAR offset (dB)",
    },
    "Data": {
        "normalise.method": "Normalisation",
        "data.max_cloud": "Maximum cloud",
    },
    "Optical and SAR": {
        "model.branches": "Encoders",
        "model.fusion": "Fusion of the two embeddings",
        "model.modality_dropout": "Modality dropout",
    },
    "Folds": {
        "folds.n_splits": "Folds",
        "folds.grouped": "Keep groups together",
        "folds.group_by": "Group by",
        "folds.block_km": "Block side (km)",
        "folds.buffer_m": "Buffer around evaluated patches (m)",
        "folds.use_split": "Hold back the dataset's test part",
        "folds.hold_out_val": "Hold back its validation part too",
        "folds.on_leak": "Near-duplicates across groups",
    },
    "Evaluation": {
        "heads.head": "Headline head",
        "heads.threshold": "Threshold",
        "seed": "Seed",
        "device": "Device",
    },
}
BUTTONS = {  # label, icon, help
    "start": ("Start training", ":material/play_arrow:", None),
    "estimate": (
        "Estimate", ":material/timer:",
        "Time and memory of this run, measured on a few training steps on this machine. Takes a few seconds.",
    ),
    "preview": ("Preview augmentation", ":material/auto_awesome_motion:", "A few patches, augmented as set here."),
}  # fmt: skip
BACKBONES = (
    "baseline_cnn",
    "mobilenetv4_conv_small",
    "resnet18",
    "unet_resnet18",
    "tf_efficientnetv2_b0",
    "mobilenetv1_100.ra4_e3600_r224_in1k",
    "mobilenetv3_large_100.ra_in1k",
    "densenet121.ra_in1k",
    "tf_efficientnet_b3.aa_in1k",
    "tf_efficientnet_b4.aa_in1k",
    "inception_v3.tv_in1k",
    "resnet50.a1_in1k",
    "davit_tiny.msft_in1k",
    "swin_tiny_patch4_window7_224.ms_in1k",
    "wide_resnet50_2.tv2_in1k",
    "nasnetalarge.tf_in1k",
    "swin_base_patch4_window7_224.ms_in22k_ft_in1k",
    "vit_base_patch16_224.augreg2_in21k_ft_in1k",
    "tf_efficientnetv2_l.in21k_ft_in1k",
    "regnety_320.tv2_in1k",
)


def preset_title(name: str) -> str:
    """A preset's name with its purpose."""
    return f"{name} ({SOURCES[name]})"


class Asked(NamedTuple):
    """The button that submitted the form (a key of ``BUTTONS``), the configuration in it, and how often to train it."""

    what: str
    config: RunConfig
    repeats: int = 1


def config_form(
    bands: Sequence[Band], groupings: Sequence[str], has_cloud: bool = False, key: str = "train"
) -> Asked | None:
    """Draw the form; what was asked for when it was submitted, else None.

    bands: the dataset's. groupings: what its folds can be grouped by. has_cloud: whether it has a cloud column.

    Raises ConfigError, for the page to show, when the settings do not fit together.
    """
    name = st.selectbox("Preset", sorted(PRESETS), format_func=preset_title, key=f"{key}_preset")
    base = preset(name)
    prefix = f"{key}_{name}"
    placed, has_split = "block" in groupings, "split" in groupings
    shown = {
        "folds.block_km": placed, "folds.buffer_m": placed, "folds.use_split": has_split,
        "folds.hold_out_val": has_split, "data.max_cloud": has_cloud,
    }  # fmt: skip
    hidden = {path for path, is_shown in shown.items() if not is_shown}
    options = {"folds.group_by": groupings, "heads.head": base.heads.names, "model.backbone": BACKBONES}
    with st.form(f"{prefix}_form", border=True):
        changed: dict[str, Any] = {}
        with st.grid(min_column_width=240, gap="medium"):
            for title in ("Network", "Training", "Balance"):
                changed |= _group(title, base, prefix, hidden, options)
        with st.expander("Bands, folds, optimiser, evaluation"):
            changed |= _bands(bands, base, prefix)
            both = {"optical", "sar"} <= {band.modality for band in bands}
            with st.grid(min_column_width=240, gap="medium"):
                for title in ("Data", *(("Optical and SAR",) if both else ()), "Folds", "Optimiser", "Evaluation"):
                    changed |= _group(title, base, prefix, hidden, options)
        for heading, titles in (
            ("Augmentation", ("Augmentation", "Geometry", "Colour and SAR")),
            ("Transfer", ("Trainable part", "Phases", "Weights")),
        ):
            with st.expander(heading), st.grid(min_column_width=240, gap="medium"):
                for title in titles:
                    changed |= _group(title, base, prefix, hidden, options)
        with st.expander("All settings"):
            st.caption("Every setting of the preset. Change any of them below, one per line.")
            st.json(base.model_dump(mode="json"), expanded=False)
            text = st.text_area(
                "Overrides", key=f"{prefix}_overrides", placeholder="embed.n_neighbors=30\nsmote.clip=[0.2, 0.8]"
            )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            repeats = st.number_input(
                "Trainings", 1, 20, 1, key=f"{prefix}_repeats", width=120,
                help="Trainings that differ by their seeds alone, on the same folds. Only several show whether a "
                "difference between two recipes survives training again.",
            )  # fmt: skip
            pressed = [
                what
                for what, (label, icon, help_text) in BUTTONS.items()
                if st.form_submit_button(
                    label, type="primary" if what == "start" else "secondary", icon=icon, help=help_text
                )
            ]
        if not pressed:
            return None
    written = [f"{path}={json.dumps(value)}" for path, value in changed.items()]
    config = base.with_overrides([*written, *filter(None, map(str.strip, text.splitlines()))])
    return Asked(pressed[0], config, int(repeats))


def _bands(bands: Sequence[Band], base: RunConfig, prefix: str) -> dict[str, Any]:
    """Bands and indices to train on; the values that differ from ``base``."""
    subsets, titles = subsets_of(bands), {band.name: band.title for band in bands}

    def title(name: str) -> str:
        if name in titles:
            return f"{name} - {titles[name]}"
        return f"{name} ({len(subsets[name])} bands)"

    chosen = st.multiselect(
        "Bands", list(dict.fromkeys([*subsets, *titles])), format_func=title, placeholder=f"all {len(bands)}",
        key=f"{prefix}_bands", help=_look_up(base, "data.bands")[0].description,
    )  # fmt: skip
    field, value = _look_up(base, "model.indices")
    stacks = STACKS if {band.name for band in ZINDI_BANDS} <= set(titles) else ()
    now = value if isinstance(value, str) else ",".join(value) or "none"
    indices = st.selectbox(
        "Indices as input bands", list(dict.fromkeys([now, "none", "auto", *stacks])), accept_new_options=True,
        key=f"{prefix}_indices",
        help=f"{field.description} Names possible here, with commas: {', '.join(possible(bands)) or 'none'}.",
    )  # fmt: skip
    changed = {"data.bands": chosen} if chosen else {}
    return changed | ({"model.indices": None if indices == "none" else indices} if indices not in (None, now) else {})


def _group(
    title: str, base: RunConfig, prefix: str, hidden: Container[str], options: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The widgets of one group except those ``hidden``; the values that differ from ``base``.

    options: choices for settings whose type does not list them.
    """
    changed = {}
    with st.container(gap="small"):
        st.markdown(f"**{title}**")
        for path, label in GROUPS[title].items():
            if path in hidden:
                continue
            field, value = _look_up(base, path)
            chosen = field_widget(
                label, field, value, f"{prefix}_{path}", options.get(path),
                accept_new=path == "model.backbone",  # any other timm name can be entered
                placeholder="as they are" if path == "model.image_size" else "none",
            )  # fmt: skip
            if chosen != value:
                changed[path] = chosen
    return changed


def _look_up(config: RunConfig, path: str) -> tuple[FieldInfo, Any]:
    *sections, name = path.split(".")
    node: Any = config
    for section in sections:
        node = getattr(node, section)
    return type(node).model_fields[name], getattr(node, name)
