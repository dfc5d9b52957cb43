"""A run's settings as widgets, built from the configuration itself: its descriptions, bounds and choices."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st
from pydantic.fields import FieldInfo

from core.config import RunConfig
from core.config.preset_groups import GROUPS as PRESET_GROUPS
from core.config.preset_groups import group_of
from core.config.presets import SOURCES
from core.data.bands import ZINDI_BANDS, Band, subsets_of
from core.data.indices import possible
from core.data.stacks import STACKS
from core.errors import ConfigError
from dashboard import allowed, url_state
from dashboard.train.backbones import BACKBONES, INITIAL, initial_weights, offered_branches
from dashboard.train.draft import GROUP, PRESET, TEXT, VERSION, Draft, copied
from dashboard.ui.fields import field_widget
from dashboard.ui.formatting import escape_markdown

# The first three are what most runs change; the rest is folded away, in the order of the flow.
GROUPS: dict[str, dict[str, str]] = {
    "Network": {
        "model.backbone": "Backbone (timm name)",
        "model.image_size": "Side after resizing (pixels)",
        "model.pretrained": "Initial weights",
        "model.masks": "Learn the outlines too (masks)",
    },
    "Training": {
        "train.epochs": "Epochs",
        "train.batch_size": "Batch size (patches)",
        "train.lr": "Initial learning rate",
    },
    "Balance and folds": {
        "smote.enabled": "SSIM-SMOTE",
        "smote.target_ratio": "Landslides per other patch",
        "folds.protocol": "Cross-validation or one split",
        "folds.n_splits": "Folds",
        "folds.val_share": "Validation part (share)",
    },
    "Data": {
        "normalise.method": "Normalisation",
        "data.max_cloud": "Maximum cloud",
    },
    "Encoders": {
        "model.branches": "Encoders",
        "model.fusion": "Fusion of their embeddings",
        "model.modality_dropout": "Modality dropout",
    },
    "Folds": {
        "folds.grouped": "Keep groups together",
        "folds.group_by": "Group by",
        "folds.region": "Leave one region out",
        "folds.rare_regions": "Regions that cannot be a fold",
        "folds.block_km": "Block side (km)",
        "folds.buffer_m": "Buffer around evaluated patches (m)",
        "folds.use_split": "Hold back the dataset's test part",
        "folds.hold_out_val": "Hold back its validation part too",
        "folds.on_leak": "Near-duplicates across groups",
    },
    "SMOTE": {
        "smote.protocol": "Protocol",
        "smote.k_neighbors": "Neighbours",
    },
    "Optimiser": {
        "train.optimizer": "Optimiser",
        "train.weight_decay": "Weight decay",
        "train.loss": "Loss",
        "train.class_weight": "Class weights",
        "train.accumulate": "Gradient accumulation (batches)",
    },
    "Schedule": {
        "train.schedule": "Schedule",
        "train.warmup_epochs": "Warm-up (epochs)",
        "train.step_epochs": "Epochs between steps",
    },
    "Checkpoint": {
        "train.select": "Checkpoint",
        "train.patience": "Early stopping (epochs without a better F1)",
        "train.ema_decay": "Weight averaging (EMA decay)",
    },
    "Evaluation": {
        "heads.head": "Headline head",
        "heads.threshold": "Threshold",
        "train.tta": "Test-time augmentation",
        "seed": "Seed",
        "device": "Device",
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
    "Trainable part": {
        "train.trainable": "Trainable layers",
        "train.top_layers": "Trainable layers at the top",
        "train.top_blocks": "Trainable blocks at the top",
        "train.batch_norm": "Batch normalisation",
    },
    "Phases": {
        "train.head_epochs": "First the last layer only (epochs)",
        "train.frozen_views": "Views of each patch while frozen",
        "train.top_epochs": "Then the top layers (epochs)",
        "train.layer_decay": "Learning rate factor per earlier block",
    },
    "Weights": {
        "model.weights_fit": "Weights of another network",
        "model.drop_rate": "Dropout before the last layer",
        "model.statistics_branch": "Band statistics branch",
    },
}
FOLDED = {  # expander -> groups in it
    "Bands, folds and SMOTE": ("Data", "Encoders", "Folds", "SMOTE"),
    "Optimiser, checkpoint and evaluation": ("Optimiser", "Schedule", "Checkpoint", "Evaluation"),
    "Augmentation": ("Augmentation", "Geometry", "Colour and SAR"),
    "Transfer learning": ("Trainable part", "Phases", "Weights"),
}
BANDS, INDICES = "data.bands", "model.indices"
TABULAR = {
    "model.columns": "Columns",
    "model.second_column": "Second head",
    "model.second_of": "Second head learns from",
    "model.columns_leak": "Leaking columns",
}
LABELS = {
    **{path: label for group in GROUPS.values() for path, label in group.items()},
    BANDS: "Bands", INDICES: "Indices as input bands", VERSION: "Labels", **TABULAR,
}  # fmt: skip
PATHS = frozenset(LABELS)  # settings that have a widget
TITLES = {  # what choices are called
    "model.pretrained": INITIAL, "folds.region": {None: "none"},
    "folds.protocol": {"folds": "cross-validation", "single": "one split"},
}  # fmt: skip
MOST_NAMED = 6  # changed settings that are named
BUTTONS = {  # label, icon, help
    "start": ("Start training", ":material/play_arrow:", None),
    "estimate": (
        "Estimate", ":material/timer:",
        "Time and memory of this run, measured on a few training steps on this machine. Takes a few seconds.",
    ),
    "preview": ("Preview augmentation", ":material/auto_awesome_motion:", "A few patches, augmented as set here."),
}  # fmt: skip


class Asked(NamedTuple):
    """The button that was pressed (a key of ``BUTTONS``; empty: none), the settings, and how often to train them."""

    what: str
    config: RunConfig
    repeats: int = 1


def choose_preset(usual: str) -> Draft:
    """The picker of presets by what they are for; the form's settings of the chosen one. usual: the one at first."""
    columns = group_of("columns")  # for a table of columns, and for nothing else
    fitting = [key for key in PRESET_GROUPS if (key == columns) == (group_of(usual) == columns)]
    group = url_state.choose(
        st.segmented_control, "What for", fitting, key=GROUP, default=group_of(usual), required=True,
        format_func=lambda key: PRESET_GROUPS[key].title, wrap=True,
    )  # fmt: skip
    chosen = PRESET_GROUPS[group]
    names = list(chosen.presets)
    name = names[0]
    if len(names) > 1:
        name = url_state.choose(
            st.selectbox, "Preset", names, key=PRESET, default=usual if usual in names else names[0],
            format_func=lambda one: f"{chosen.presets[one]} · {one}",
        )  # fmt: skip
    note = "" if SOURCES[name] == "ours" else f" Source: {SOURCES[name]}."
    st.caption(escape_markdown(f"{chosen.purpose} Preset {name}: {chosen.presets[name]}.{note}"))
    return Draft(name)


def config_form(
    draft: Draft,
    bands: Sequence[Band],
    groupings: Sequence[str],
    has_cloud: bool = False,
    tabular: Callable[[Draft], None] | None = None,
    has_masks: bool = False,
) -> Asked:
    """Draw the form; its settings, and the button that was pressed.

    bands: the dataset's. groupings: what its folds can be grouped by. has_cloud: whether it has a cloud column.
    tabular: draws the choice of columns. has_masks: whether there are masks to learn outlines from.

    Raises ConfigError, for the page to show, when the settings do not fit together.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pressed = [
            what
            for what, (label, icon, help_text) in BUTTONS.items()
            if st.button(
                label, type="primary" if what == "start" else "secondary", icon=icon, key=f"train_{what}",
                **allowed.to("train", help=help_text)
            )
        ]  # fmt: skip
    changed = st.container()  # filled when the widgets are drawn
    both = {"optical", "sar"} <= {band.modality for band in bands}
    placed, has_split = "block" in groupings, "split" in groupings
    single = st.session_state.get(draft.key("folds.protocol"), draft.value("folds.protocol")) == "single"
    regions = [name for name in groupings if name not in ("duplicates", "block")]
    shown = {
        "folds.n_splits": not single, "folds.val_share": single,
        "folds.region": bool(regions), "folds.rare_regions": bool(regions),
        "folds.block_km": placed, "folds.buffer_m": placed, "folds.use_split": has_split,
        "folds.hold_out_val": has_split, "data.max_cloud": has_cloud, "model.masks": has_masks,
        "model.modality_dropout": both,
    }  # fmt: skip
    hidden = {path for path, is_shown in shown.items() if not is_shown}
    options = {
        "folds.group_by": groupings,
        "folds.region": [None, *regions],
        "heads.head": draft.base.heads.names,
        "model.backbone": BACKBONES,
        "model.branches": offered_branches(bands),
    }
    with st.container(border=True), st.grid(min_column_width=240, gap="medium"):
        for title in ("Network", "Training", "Balance and folds"):
            _group(draft, title, hidden, options)
    for heading, titles in FOLDED.items():
        with st.expander(heading):
            if "Data" in titles:
                _bands(draft, bands)
            with st.grid(min_column_width=240, gap="medium"):
                for title in titles:
                    _group(draft, title, hidden, options)
    if tabular is not None:
        tabular(draft)
    with st.expander("All settings"):
        st.caption("Every setting of the preset. Change any of them below, one per line.")
        st.json(draft.base.model_dump(mode="json"), expanded=False)
        draft.text = st.text_area(
            "Overrides", draft.text, key=draft.key(TEXT), placeholder="embed.n_neighbors=30\nsmote.clip=[0.2, 0.8]"
        )
        repeats = url_state.number(
            "Trainings", 1, 20, 1, key="train_repeats", width=140,
            help="Trainings that differ by their seeds alone, on the same folds. Only several show whether a "
            "difference between two recipes survives training again.",
        )  # fmt: skip
    with changed:
        return Asked(pressed[0] if pressed else "", _told(draft), int(repeats))


def _told(draft: Draft) -> RunConfig:
    """The settings; what differs from the preset and where they were copied from is said."""
    try:
        config = draft.config()
    except ConfigError:
        _reset(draft, ":material/error: These settings do not fit together.")
        raise
    differing = draft.differing(config)
    source = copied(draft.name)
    text = f":material/content_copy: Copied from **{escape_markdown(source)}**. " if source else ""
    if not differing:
        st.caption(f"{text}All settings are those of the preset {draft.name}.")
        return config
    named = [
        f"{LABELS.get(path, path)} **{escape_markdown(_value(path, now))}** ({escape_markdown(_value(path, before))})"
        for path, (now, before) in list(differing.items())[:MOST_NAMED]
    ]
    more = f" and {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
    count = f"{len(differing)} {'setting differs' if len(differing) == 1 else 'settings differ'}"
    _reset(draft, f"{text}{count} from the preset {draft.name}: {', '.join(named)}{more}.")
    network = draft.base.model
    if network.arguments and "model.backbone" in differing:
        st.caption(
            f"The preset's layer widths are for {escape_markdown(network.backbone)}. A backbone that takes no such "
            "setting keeps its own widths, and the run says so."
        )
    return config


def _reset(draft: Draft, text: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(text, width="stretch")
        st.button(
            "Reset to preset", icon=":material/restart_alt:", type="tertiary", key="train_reset", on_click=draft.reset
        )


def _value(path: str, value: Any) -> str:
    if path == "model.pretrained":
        return INITIAL[value]
    if isinstance(value, list):
        return f"{len(value)} values" if len(value) > 4 else ", ".join(_value("", one) for one in value) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "on", False: "off", None: "none"}[value]
    return value if isinstance(value, str) else json.dumps(value)


def _marked(draft: Draft, path: str, held: Any) -> str:
    """The label of a setting's widget, with a mark where it is not the preset's. held: what the widget begins with."""
    differs = draft.differs(path, st.session_state.get(draft.key(path), held))
    return f"{LABELS[path]} :orange-badge[changed]" if differs else LABELS[path]


def _bands(draft: Draft, bands: Sequence[Band]) -> None:
    """Bands and indices to train on."""
    subsets, titles = subsets_of(bands), {band.name: band.title for band in bands}
    names = list(dict.fromkeys([*subsets, *titles]))

    def title(name: str) -> str:
        if name in titles:
            return f"{name} - {titles[name]}"
        return f"{name} ({len(subsets[name])} bands)"

    kept = draft.value(BANDS) or []
    held = [name for name in kept if name in names]
    label = f"Bands{' :orange-badge[changed]' if st.session_state.get(draft.key(BANDS), held) else ''}"
    chosen = st.multiselect(
        label, names, held, format_func=title, placeholder=f"all {len(bands)}", key=draft.key(BANDS),
        help=_look_up(draft.base, BANDS)[0].description,
    )  # fmt: skip
    if chosen != held:
        draft.note(BANDS, chosen or None)
    elif kept != held:
        st.caption(f"Not in this dataset: {escape_markdown(', '.join(name for name in kept if name not in names))}.")
    field, _ = _look_up(draft.base, INDICES)
    stacks = STACKS if {band.name for band in ZINDI_BANDS} <= set(titles) else ()
    held, usual = _indices(draft.value(INDICES)), _indices(draft.preset[INDICES])
    shown = st.session_state.get(draft.key(INDICES), held)
    indices = st.selectbox(
        f"{LABELS[INDICES]}{' :orange-badge[changed]' if shown not in (None, usual) else ''}",
        list(dict.fromkeys([held, usual, "none", "auto", *stacks])), accept_new_options=True, key=draft.key(INDICES),
        help=f"{field.description} Names possible here, with commas: {', '.join(possible(bands)) or 'none'}.",
    )  # fmt: skip
    if indices not in (None, held):
        words = [word for word in map(str.strip, indices.split(",")) if word]
        single = indices == "auto" or indices.startswith("stack")
        draft.note(INDICES, [] if indices == "none" else indices if single else words)


def _indices(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value) or "none"


def _group(draft: Draft, title: str, hidden: set[str], options: Mapping[str, Sequence[str]]) -> None:
    """The widgets of one group except those ``hidden``.

    options: choices for settings whose type does not list them.
    """
    with st.container(gap="small"):
        st.markdown(f"**{title}**")
        for path in GROUPS[title]:
            if path in hidden:
                continue
            field, value = _look_up(draft.base, path)
            held = draft.value(path)
            initial = path == "model.pretrained"
            choices = initial_weights(draft.value("model.backbone")) if initial else options.get(path)
            chosen = field_widget(
                _marked(draft, path, held), field, held, draft.key(path),
                None if choices is None else [value, *choices],
                accept_new=path == "model.backbone",  # any other timm name can be entered
                placeholder="as they are" if path == "model.image_size" else "none",
                titles=TITLES.get(path),
            )  # fmt: skip
            draft.note(path, chosen)


def _look_up(config: RunConfig, path: str) -> tuple[FieldInfo, Any]:
    *sections, name = path.split(".")
    node: Any = config
    for section in sections:
        node = getattr(node, section)
    return type(node).model_fields[name], getattr(node, name)
