"""Below the form of the Train page: what the run will take, and what augmentation makes of a few patches."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.analyses.preflight import estimate
from core.config import PRESETS, RunConfig, preset
from core.data.bands import Band, Composite, composites
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.jobs.analysis_folder import AnalysisFolder
from core.preflight.augmentation import Preview
from core.preflight.time_estimate import TimeEstimate, size_text
from core.runs.labels import title_of
from core.runs.targets import DatasetTarget
from core.text import duration
from dashboard import cache, state
from dashboard.jobs import analyses, model_client, progress
from dashboard.jobs.time_left import range_words, time_left
from dashboard.patches import band_values, derived_bands, gallery, render
from dashboard.ui import downloads, guards
from dashboard.ui.formatting import elapsed, escape_markdown
from dashboard.ui.messages import show_error

ESTIMATE = estimate.ANALYSIS.name
PREVIEWED = "train_previewed"  # session: the dataset's name and the configuration (JSON) that is previewed
PART_TITLES = {
    "training": "Training", "balancing": "Synthetic patches", "embedding": "Embedding every patch", "heads": "Heads",
    "maps": "Embedding maps", "explanations": "Attention maps and occlusion",
}  # fmt: skip
MOST_CHANGES = 8  # settings that are named with the preset
COUNTS = range(2, 9)
MOST_RUNS = 20  # newest runs that are asked how long they took
TILE_PX = 84  # least width of a picture: a patch and its draws stay in one row


def answer(what: str, data: Dataset, config: RunConfig) -> None:
    """Begin what a button of the form asked for."""
    if what == "estimate":
        analyses.begin(_target(data), ESTIMATE, {"config": config.model_dump(mode="json")})
    else:
        st.session_state[PREVIEWED] = (data.name, config.to_json())


def view(data: Dataset) -> None:
    """The newest estimate and the preview, where they were asked for."""
    _estimate(_target(data))
    name, text = st.session_state.get(PREVIEWED, ("", ""))
    if name == data.name:
        _preview(data, RunConfig.from_json(text))


def about_time(data: Dataset, config: RunConfig) -> str:
    """How long such a run takes: by its estimate, or by a finished run of this dataset that is alike."""
    try:
        estimated = estimate.read(_target(data), config)
    except (LandslideLensError, OSError):
        estimated = None
    if estimated is not None:
        return f"{_start(range_words(time_left(estimated.total_seconds)))}, as estimated."
    for run in state.choice().runs[:MOST_RUNS]:
        try:
            status, other = guards.run_state(run), run.config()
        except (LandslideLensError, OSError):
            continue
        took = elapsed(status)
        if status["state"] == "succeeded" and took and _alike(other) == _alike(config):
            scale = config.folds.n_splits * config.train.epochs / (other.folds.n_splits * other.train.epochs)
            return f"{_start(range_words(time_left(took * scale)))}, as the run of {title_of(run)} took."
    return "Press Estimate to see how long it takes."


def _start(words: str) -> str:
    return words[:1].upper() + words[1:]


def _alike(config: RunConfig) -> RunConfig:
    """The settings without those that change a run's time in proportion, or not at all."""
    folds = config.folds.model_copy(update={"n_splits": 2, "seed": None})
    return config.model_copy(
        update={
            "preset": "", "seed": 0, "folds": folds, "data": config.data.model_copy(update={"exclude": ()}),
            "train": config.train.model_copy(update={"epochs": 1, "lr": 1.0, "weight_decay": 0.0}),
        }
    )  # fmt: skip


def _target(data: Dataset) -> DatasetTarget:
    return cache.dataset_target(data.path, state.checkpoints())


# ------------------------------------------------------------------------------------------------------ estimate


def _estimate(target: DatasetTarget) -> None:
    """The newest job of this dataset: its progress, why it failed, or what it measured."""
    job = analyses.newest(target, ESTIMATE)
    if job is None or progress.was_cleared(job):
        return
    st.header("Time and memory", anchor=False)
    if not analyses.follow(target, ESTIMATE) and guards.run_state(job)["state"] == "succeeded":
        _result(target, job)


def _result(target: DatasetTarget, job: AnalysisFolder) -> None:
    try:
        config = estimate.ANALYSIS.options(job.options()).config
        estimated = estimate.read(target, config)
    except LandslideLensError:
        return  # made by another version of the program
    if estimated is not None:
        _figures(estimated, config)


def _figures(estimated: TimeEstimate, config: RunConfig) -> None:
    with st.container(border=True):
        with st.grid(min_column_width=150):
            st.metric(
                "Whole run", duration(estimated.total_seconds) or "–", help="Training, heads, maps, explanations."
            )
            st.metric("One epoch", _seconds(estimated.seconds_per_epoch))
            st.metric("One step", _seconds(estimated.seconds_per_step), help=f"{config.train.batch_size} patches.")
            st.metric("Patches per second", f"{estimated.images_per_second:,.0f}")
            _memory("Memory", estimated.process_bytes, estimated.process_free_bytes)
            if estimated.device_bytes is not None:
                _memory("Device memory", estimated.device_bytes, estimated.device_free_bytes)
            _memory("Disk", estimated.disk_bytes, estimated.disk_free_bytes)
        table = pd.DataFrame(
            {
                "Part": [PART_TITLES[part] for part in estimated.seconds],
                "Time": [duration(value) or _seconds(value) for value in estimated.seconds.values()],
                "Source": [_source(part, estimated) for part in estimated.seconds],
            }
        )
        downloads.table(table, hide_index=True, width="stretch", height="content")
        sentences = estimated.sentences()
        st.caption(escape_markdown(f"{_settings(config)} {' '.join(sentences[:2])}"))
        if not estimated.fits:
            st.warning(escape_markdown(sentences[-1]), icon=":material/memory:")


def _settings(config: RunConfig) -> str:
    """What was estimated: the preset and what differs from it. The form may hold other settings by now."""
    base = preset(config.preset) if config.preset in PRESETS else RunConfig(preset=config.preset)
    before, now = base.model_dump(mode="json"), config.model_dump(mode="json")
    changed = []
    for section, values in now.items():
        pairs = values.items() if isinstance(values, dict) else [("", values)]
        for name, value in pairs:
            if value != (before[section][name] if name else before[section]):
                text = value if isinstance(value, str) else json.dumps(value)
                changed.append(f"{section}.{name}".rstrip(".") + f"={gallery.short(text, 40)}")
    more = f" and {len(changed) - MOST_CHANGES} more" if len(changed) > MOST_CHANGES else ""
    return f"Preset {config.preset}" + (f" with {', '.join(changed[:MOST_CHANGES])}{more}." if changed else ".")


def _memory(label: str, needed: int, free: int) -> None:
    st.metric(label, size_text(needed), help=f"{size_text(free)} free.")


def _source(part: str, estimated: TimeEstimate) -> str:
    if part not in estimated.measured_parts:
        return "extrapolated from predictions" if part == "explanations" else "extrapolated"
    return "measured steps" if part == "training" else "measured on a sample"


def _seconds(value: float) -> str:
    return f"{value * 1e3:,.0f} ms" if value < 1 else duration(value) or f"{value:.1f} s"


# ------------------------------------------------------------------------------------------------------- preview


def augmented(data: Dataset, config: RunConfig, n: int, draws: int, seed: int) -> Preview:
    """Augmented patches, by the warm process. Raises RunError with a sentence for people."""
    return _augmented(str(data.path), cache.file_version(data.path), config.to_json(), n, draws, seed)


@st.cache_data(show_spinner="Augmenting patches…", max_entries=8)
def _augmented(path: str, version: cache.Version, config: str, n: int, draws: int, seed: int) -> Preview:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "preview.safetensors"
        asked = {"dataset": path, "config": config, "n": n, "draws": draws, "seed": seed, "out": str(out)}
        return Preview.load(out, model_client.models().ask({"do": "augmentation", **asked}))


def _preview(data: Dataset, config: RunConfig) -> None:
    st.header("Augmentation preview", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.selectbox("Patches", COUNTS, index=2, key="preview_n", width=110)
        draws = st.selectbox("Draws per patch", COUNTS, index=2, key="preview_draws", width=140)
        seed = st.number_input("Seed", 0, 9999, 0, key="preview_seed", width=120, help="Other patches, other draws.")
        shown_as = st.empty()
    try:
        preview = augmented(data, config, int(n), int(draws), int(seed))
    except LandslideLensError as error:
        show_error(error)
        return
    bands = tuple(band for name in preview.bands for band in data.bands if band.name == name)
    by_name = {composite.name: composite for composite in composites(derived_bands.drawable(bands))}
    composite = by_name[shown_as.selectbox("Shown as", list(by_name), key="preview_composite", width=300)]
    limits = _limits(data, bands, composite) if preview.in_units else None
    originals = _pictures(preview.images, bands, composite, limits)
    drawn = [_pictures(images, bands, composite, limits) for images in preview.drawn]
    for i, patch_id in enumerate(preview.ids):
        grid = st.grid(int(draws) + 1, min_column_width=TILE_PX, gap="small")
        with grid.cell():
            st.image(originals[i], width="stretch", alt=f"Patch {patch_id}, original", output_format="PNG")
            label = data.class_names[preview.labels[i]]
            st.caption(f"**{escape_markdown(gallery.short(patch_id))}** · {escape_markdown(label)}")
        for draw in range(int(draws)):
            with grid.cell():
                st.image(drawn[draw][i], width="stretch", alt=f"Draw {draw + 1} of {patch_id}", output_format="PNG")
                st.caption(_label(data, preview, draw, i))
    st.caption(_sentence(config, preview))


def _label(data: Dataset, preview: Preview, draw: int, i: int) -> str:
    """The label of one draw, and which patch was mixed in."""
    share = float(preview.share[draw, i])
    label = f"{share:.0%} {escape_markdown(data.positive)}"
    changed = abs(share - preview.labels[i]) > 1e-6
    mixed = changed and preview.labels[i] != preview.labels[i - 1]
    return f"{label}, with {escape_markdown(gallery.short(preview.ids[i - 1], 12))}" if mixed else label


def _sentence(config: RunConfig, preview: Preview) -> str:
    units = "" if preview.in_units else " Shown as normalised: each patch has its own range."
    size = config.model.image_size
    return (
        "Left: the original patch. Right of it: the draws that training would make, before the network "
        + (f"enlarges them to {size} pixels. " if size else "sees them. ")
        + "The label of a mixed patch is the share of each class; each patch is mixed with the one above it (the first "
        f"with the last). A batch is mixed with probability {config.augment.mix_prob:.2g}." + units
    )


def _pictures(
    images: np.ndarray, bands: Sequence[Band], composite: Composite, limits: np.ndarray | None
) -> list[np.ndarray]:
    """Patches (n, C, H, W) through a composite, stretched alike, or each by itself without ``limits``."""
    images, names = derived_bands.with_computed(images, bands, composite.bands)
    return [
        render.picture(image, names, composite, render.patch_limits(image) if limits is None else limits)
        for image in images
    ]


def _limits(data: Dataset, bands: Sequence[Band], composite: Composite) -> np.ndarray:
    """The dataset's, so that what was brightened is shown brighter."""
    own = render.dataset_limits(data.statistics)[[data.bands.index(band) for band in bands]]
    return derived_bands.with_computed_limits(
        own, bands, composite.bands, lambda name: np.array(band_values.computed_limits(data, name))
    )
