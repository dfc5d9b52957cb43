"""Networks built and stored: one or several encoders on any number of bands, their weights, their two files on disk.

A network is built from the model's settings, the bands and the size of a patch, with a report of its initial weights;
or rebuilt from a folder with ``model.safetensors`` and a JSON card. Nothing is unpickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from core.config import ModelConfig
from core.config.sections import explain_validation
from core.config.training import AFTER, BRANCHES, OPTICAL, PACKAGED, SAR
from core.data.bands import Band
from core.data.indices import automatic
from core.data.stacks import choose_indices
from core.data.store.contents import band_of
from core.data.tabular.columns import Column
from core.errors import ConfigError, DataError, RunError
from core.io import atomic, safetensors_file
from core.io.json_text import load_json
from core.io.plain_file import is_there
from core.train.networks.arguments import MAX_PARAMETERS, size_limited
from core.train.networks.branches import BeforeAfter, Branches, channels_of, moments_of
from core.train.networks.encoders import make_encoder
from core.train.networks.index_bands import IndexBands
from core.train.networks.network import Network, inner_hw
from core.train.networks.packaged import load_packaged, packaged_report
from core.train.networks.pretrained import (
    WeightsReport,
    has_branch,
    hub_report,
    joined,
    load_hub,
    load_into,
    random_report,
    source_name,
)

__all__ = ["Network", "WeightsReport", "build_network", "load_network", "save_network"]

WEIGHTS_FILE, CARD_FILE = "model.safetensors", "model.json"
CARD_VERSION = 1
ALWAYS_FINE = 10**8  # parameters, whatever the weights file holds
MAX_SIDE, MAX_BANDS = 2048, 512  # of the patches that a kept network was built for
_OLD_SECOND = "size_head."  # the second head in files of earlier versions
_OLD_AUTO = ("redr", "greenr", "ngrdi", "nrbdi")  # what "auto" stood for in cards that do not list their indices


def build_network(
    model: ModelConfig,
    bands: Sequence[Band],
    image_hw: tuple[int, int],
    seed: int,
    units: tuple[np.ndarray, np.ndarray] | None = None,
    download: bool = True,
    columns: Sequence[Column] = (),
    second_classes: Sequence[str] = (),
    kept: Path | None = None,
) -> tuple[Network, WeightsReport]:
    """A network for patches (C, H, W) of these bands, and what its weights started from.

    units: the normaliser's center and scale, (C,) each, with which indices get back to the bands' units. The seed
    columns, second_classes: tabular inputs and classes of the second head, as learnt on the training part. The seed
    decides every random weight; the global generators stay as they were. ``model.weights`` (a file) comes before
    ``model.pretrained`` (the hub, or a package). Without ``download`` the weights of these two are only named, and the
    network is random. kept: the folder in which packaged weights are kept as .safetensors; none: nowhere.

    Raises ConfigError for an unknown backbone, a size that it cannot take, or weights that cannot be had, and
    FormatError or UnsafeFileError for a weights file that does not fit.
    """
    names = tuple(band.name for band in bands)
    index_bands = _index_bands(model, bands, units)
    inputs = (*names, *(index.name for index in index_bands.indices)) if index_bands else names
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone, n_features = _backbone(model, bands, index_bands, inner_hw(model, image_hw))
        network = Network(
            backbone,
            n_features,
            bands,
            model,
            (int(image_hw[0]), int(image_hw[1])),
            index_bands,
            columns,
            second_classes,
        )
    network.units = units
    report = _start(backbone, model, inputs, download, kept)
    return network.to(memory_format=torch.channels_last), report  # convolutions are faster so: 1.4 times on a CPU


def _index_bands(
    model: ModelConfig, bands: Sequence[Band], units: tuple[np.ndarray, np.ndarray] | None
) -> IndexBands | None:
    indices = choose_indices(model.indices, bands)
    if not indices:
        return None
    made = IndexBands(indices, bands)
    if units is not None:
        made.set_units(*units)
    return made


def _backbone(
    model: ModelConfig, bands: Sequence[Band], index_bands: IndexBands | None, hw: tuple[int, int]
) -> tuple[nn.Module, int]:
    """One encoder for all inputs, or one for each branch; and the length of what it gives."""
    modalities = _modalities(bands, index_bands)
    if model.branches == "one":
        return make_encoder(model.backbone, model.arguments, len(modalities), hw)
    if model.branches == "before_after":
        channels = moments_of([band.name for band in bands])
        encoder, width = make_encoder(model.backbone, model.arguments, len(channels[AFTER]), hw)
        return BeforeAfter(encoder, channels, width), 3 * width
    named = _named(model)
    channels = channels_of(tuple(named), modalities, len(modalities) - len(bands))
    made = {branch: make_encoder(name, given, len(channels[branch]), hw) for branch, (name, given) in named.items()}
    widths = tuple(width for _, width in made.values())
    return Branches({branch: encoder for branch, (encoder, _) in made.items()}, channels, widths), sum(widths)


def _named(model: ModelConfig) -> dict[str, tuple[str, dict]]:
    """Branch -> its encoder's name and arguments."""
    named = dict.fromkeys(BRANCHES[model.branches], (model.backbone, model.arguments))
    if SAR in named:
        name = model.sar_backbone or model.backbone
        given = model.arguments if name == model.backbone else {}
        named[SAR] = (name, given if model.sar_arguments is None else model.sar_arguments)
    return named


def _modalities(bands: Sequence[Band], index_bands: IndexBands | None) -> list[str]:
    """Of each input of the backbone: measured bands, and indices behind them."""
    return [*(band.modality for band in bands), *(i.modality for i in (index_bands.indices if index_bands else ()))]


def _start(
    backbone: nn.Module, model: ModelConfig, inputs: Sequence[str], download: bool, kept: Path | None
) -> WeightsReport:
    """Puts the weights in that ``model`` asks for, and says what they are."""
    if not isinstance(backbone, Branches):
        return _start_one(backbone, model.backbone, model.weights, model, inputs, download, kept)
    if isinstance(backbone, BeforeAfter):
        own = AFTER if model.weights is not None and has_branch(Path(model.weights), AFTER) else ""
        of_after = [inputs[i] for i in backbone.channels[AFTER]]
        encoder = backbone.branches()[AFTER]
        report = _start_one(encoder, model.backbone, model.weights, model, of_after, download, kept, own)
        backbone.tie()
        return report
    reports = {}
    for branch, (name, _) in _named(model).items():
        encoder, of_branch = backbone.branches()[branch], [inputs[i] for i in backbone.channels[branch]]
        reports[branch] = _start_one(encoder, name, _file_of(branch, model), model, of_branch, download, kept, branch)
    return joined(reports)


def _file_of(branch: str, model: ModelConfig) -> str | None:
    """The weights file of a branch: that of a whole network of ours fills every branch that it has."""
    if branch == SAR and model.sar_weights is not None:
        return model.sar_weights
    if branch == OPTICAL or model.weights is None or has_branch(Path(model.weights), branch):
        return model.weights
    return None


def _start_one(
    encoder: nn.Module,
    name: str,
    file: str | None,
    model: ModelConfig,
    inputs: Sequence[str],
    download: bool,
    kept: Path | None,
    branch: str = "",
) -> WeightsReport:
    if file is not None:
        return load_into(encoder, Path(file), source_name(Path(file)), inputs, model.weights_fit == "matching", branch)
    if not model.pretrained:
        return random_report(inputs)
    if model.pretrained == PACKAGED:
        return load_packaged(encoder, name, inputs, kept) if download else packaged_report(name, inputs)
    return load_hub(encoder, name, inputs) if download else hub_report(name, inputs)


def save_network(network: Network, folder: Path, trained_on: dict | None = None) -> None:
    """Writes ``model.safetensors`` and its card ``model.json`` into ``folder``; equal networks give equal bytes.

    trained_on: plain values that the card keeps of the patches that it learnt from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
    card = {
        "version": CARD_VERSION,
        "backbone": network.model.backbone,
        "bands": [band.to_dict() for band in network.bands],
        "image_hw": list(network.image_hw),
        "n_features": network.n_features,
        "model": network.model.model_dump(mode="json"),
        "indices": [index.name for index in network.index_bands.indices] if network.index_bands else [],
        "columns": [column.to_dict() for column in network.columns],
        "second_classes": list(network.second_classes),
        "sha256": safetensors_file.save_arrays(folder / WEIGHTS_FILE, state),
    } | ({} if trained_on is None else {"trained_on": trained_on})
    atomic.write_text(folder / CARD_FILE, json.dumps(card, indent=2) + "\n")


def load_network(folder: Path, device: torch.device | str = "cpu") -> Network:
    """The network that :func:`save_network` wrote, in evaluation mode on ``device``; nothing is downloaded.

    Raises RunError when a file is missing or damaged or its version is unknown, UnsafeFileError for an impossible
    header, and FormatError listing the arrays that do not fit.
    """
    card = _read_card(folder)
    try:
        model = ModelConfig.model_validate(card["model"])
        bands = tuple(map(band_of, card["bands"]))
        height, width = (int(side) for side in card["image_hw"])
        if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE and 1 <= len(bands) <= MAX_BANDS):
            raise ValueError(
                f"patches of {height}x{width} pixels and {len(bands)} bands; at most {MAX_SIDE} and {MAX_BANDS}"
            )
        columns = tuple(map(Column.from_dict, card.get("columns", ())))
        second_classes = tuple(map(str, card.get("second_classes", card.get("size_classes", ()))))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RunError(
            f"{folder.name}/{CARD_FILE} is incomplete: {_reason(error)}. Restore it or train again."
        ) from error
    fresh = model.model_copy(
        update={"pretrained": False, "weights": None, "sar_weights": None, "indices": _kept_indices(card, model, bands)}
    )
    shapes = safetensors_file.header(folder / WEIGHTS_FILE).values()
    kept = sum(math.prod(shape) for _, shape in shapes)  # a U-Net's encoder is built whole and loses its last part
    try:
        with size_limited(min(4 * kept + ALWAYS_FINE, MAX_PARAMETERS)):
            network, _ = build_network(
                fresh, bands, (height, width), seed=0, columns=columns, second_classes=second_classes
            )
    except ConfigError as error:
        raise RunError(f"{folder.name}/{CARD_FILE} describes no network that can be built: {error}") from error
    _restore(network, folder / WEIGHTS_FILE)
    network.model = model
    return network.to(device).eval()


def _kept_indices(card: dict, model: ModelConfig, bands: Sequence[Band]) -> tuple[str, ...]:
    """Names of the indices that the kept network was built with; older cards do not list them."""
    if "indices" in card:
        return tuple(card["indices"])
    if model.indices != "auto":
        return tuple(model.indices)
    return tuple(name for name in automatic(bands) if name in _OLD_AUTO)


def _restore(network: Network, path: Path) -> None:
    names = {name: name for name in network.state_dict()}
    if any(name.startswith(_OLD_SECOND) for name in safetensors_file.header(path)):
        names = {name: name.replace("second_head.", _OLD_SECOND, 1) for name in names}
    expected = {names[name]: tuple(value.shape) for name, value in network.state_dict().items()}
    found = safetensors_file.load_arrays(path, expected)
    network.load_state_dict({name: torch.from_numpy(found[once]) for name, once in names.items()})


def _read_card(folder: Path) -> dict:
    card_path, weights = folder / CARD_FILE, folder / WEIGHTS_FILE
    for file in (card_path, weights):
        if not is_there(file):
            raise RunError(f"{folder.name} has no {file.name}. The run did not get that far, or was copied in part.")
    try:
        card = load_json(card_path)
        version, digest = card["version"], card["sha256"]
    except (OSError, DataError, KeyError, TypeError) as error:
        raise RunError(f"{folder.name}/{CARD_FILE} is damaged ({error}). Restore it or train again.") from error
    if version != CARD_VERSION:
        raise RunError(f"{folder.name}/{CARD_FILE} is of version {version}, not {CARD_VERSION}. Update the program.")
    safetensors_file.header(weights)  # refuses what cannot be, before the whole file is read
    if digest != atomic.sha256(weights):
        raise RunError(
            f"{folder.name}/{WEIGHTS_FILE} is not the file that its card describes. Restore it or train again."
        )
    return card


def _reason(error: Exception) -> str:
    return explain_validation(error) if isinstance(error, ValidationError) else str(error)
