"""Networks made and kept: any timm backbone on any number of bands, its weights, its two files on disk.

Comes in: the model's settings, the bands and the size of a patch; or a folder. Goes out: a :class:`Network` and the
report of what its weights started from; or ``model.safetensors`` and the JSON card from which it is rebuilt. It knows
nothing of training or labels, and never unpickles.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import timm
import torch
from torch import nn

from core import arrays, files
from core.config import ModelConfig
from core.data.bands import Band
from core.data.indices import automatic
from core.data.stacks import choose_indices
from core.errors import ConfigError, RunError
from core.train.baseline_cnn import BASELINE, baseline_cnn
from core.train.index_bands import IndexBands
from core.train.network import Network, inner_hw
from core.train.weights import WeightsReport, fetch, load_into, random_report

__all__ = ["Network", "WeightsReport", "build_network", "load_network", "save_network"]

WEIGHTS_FILE, CARD_FILE = "model.safetensors", "model.json"
CARD_VERSION = 1
_OLD_AUTO = ("redr", "greenr", "ngrdi", "nrbdi")  # what "auto" stood for in cards that do not list their indices


def build_network(
    model: ModelConfig,
    bands: Sequence[Band],
    image_hw: tuple[int, int],
    seed: int,
    units: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Network, WeightsReport]:
    """A network for patches (C, H, W) of these bands, and what its weights started from.

    units: the normaliser's center and scale, (C,) each, with which indices get back to the bands' units. The seed
    decides every random weight; the global generators stay as they were. ``model.weights`` (a file) comes before
    ``model.pretrained`` (the hub).

    Raises ConfigError for an unknown backbone, a size that it cannot take, or weights that cannot be had, and
    FormatError or UnsafeFileError for a weights file that does not fit.
    """
    names = tuple(band.name for band in bands)
    index_bands = _index_bands(model, bands, units)
    inputs = (*names, *(index.name for index in index_bands.indices)) if index_bands else names
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = _backbone(model, len(inputs), inner_hw(model, image_hw))
        n_features = _probe(backbone, model, len(inputs), image_hw)
        network = Network(backbone, n_features, bands, model, (int(image_hw[0]), int(image_hw[1])), index_bands)
    network.units = units
    if model.weights is not None:
        path = Path(model.weights)
        report = load_into(backbone, path, path.name, inputs, partly=model.weights_fit == "matching")
    elif model.pretrained:
        report = load_into(backbone, *fetch(model.backbone), inputs)
    else:
        report = random_report(inputs)
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


def _backbone(model: ModelConfig, n_bands: int, hw: tuple[int, int]) -> nn.Module:
    name = model.backbone
    if name == BASELINE:
        return baseline_cnn(n_bands, hw, model.arguments)
    try:
        known = timm.is_model(name)
        config = timm.models.get_pretrained_cfg(name) if known else None
    except RuntimeError:  # the architecture is known, the tag after the dot is not
        known = False
    if not known:
        near = difflib.get_close_matches(name, timm.list_models() + timm.list_pretrained(), n=4)
        hint = f" Close names: {', '.join(near)}." if near else ""
        raise ConfigError(f"timm has no backbone '{name}'.{hint} Set model.backbone to a name of timm.list_models().")
    # Transformers with position embeddings are built for one size; convolutions take any.
    fixed = {"img_size": hw} if config is not None and config.fixed_input_size else {}
    common = {"pretrained": False, "in_chans": n_bands, "num_classes": 0}
    try:
        return timm.create_model(name, **common, **(fixed | model.arguments))
    except TypeError as error:
        if not fixed:
            raise ConfigError(f"The backbone '{name}' does not take model.arguments as they are: {error}.") from error
        # A few fixed-size families take no img_size: the probe below says whether the size fits.
        return timm.create_model(name, **common, **model.arguments)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(name, hw, error) from error


def _probe(backbone: nn.Module, model: ModelConfig, n_bands: int, image_hw: tuple[int, int]) -> int:
    """Length of the backbone's embedding, from one empty patch: timm's ``num_features`` is not it in every family."""
    hw = inner_hw(model, image_hw)
    try:
        with torch.inference_mode():
            features = backbone.eval()(torch.zeros(1, n_bands, *hw))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise _size_error(model.backbone, hw, error) from error
    backbone.train()
    if features.ndim != 2:
        raise ConfigError(
            f"The backbone '{model.backbone}' gives {tuple(features.shape)}, no embedding. Choose another."
        )
    return features.shape[1]


def _size_error(name: str, hw: tuple[int, int], error: Exception) -> ConfigError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ConfigError(
        f"The backbone '{name}' cannot take patches of {hw[0]}x{hw[1]} pixels ({reason}). "
        "Set model.image_size to a size that it takes (its own is often 224 or 256), or choose another backbone."
    )


def save_network(network: Network, folder: Path) -> None:
    """Writes ``model.safetensors`` and its card ``model.json`` into ``folder``; equal networks give equal bytes."""
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
        "sha256": arrays.save_arrays(folder / WEIGHTS_FILE, state),
    }
    files.write_text(folder / CARD_FILE, json.dumps(card, indent=2) + "\n")


def load_network(folder: Path, device: torch.device | str = "cpu") -> Network:
    """The network that :func:`save_network` wrote, in evaluation mode on ``device``; nothing is downloaded.

    Raises RunError when a file is missing or damaged or its version is unknown, UnsafeFileError for an impossible
    header, and FormatError listing the arrays that do not fit.
    """
    card = _read_card(folder)
    try:
        model = ModelConfig.model_validate(card["model"])
        bands = tuple(_band(entry) for entry in card["bands"])
        height, width = (int(side) for side in card["image_hw"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder.name}/{CARD_FILE} is incomplete: {error}. Restore it or train again.") from error
    fresh = model.model_copy(
        update={"pretrained": False, "weights": None, "indices": _kept_indices(card, model, bands)}
    )
    network, _ = build_network(fresh, bands, (height, width), seed=0)
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
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = arrays.load_arrays(path, expected)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in found.items()})


def _read_card(folder: Path) -> dict:
    card_path, weights = folder / CARD_FILE, folder / WEIGHTS_FILE
    for file in (card_path, weights):
        if not file.is_file():
            raise RunError(f"{folder.name} has no {file.name}. The run did not get that far, or was copied in part.")
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        version, digest = card["version"], card["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder.name}/{CARD_FILE} is damaged. Restore it or train again.") from error
    if version != CARD_VERSION:
        raise RunError(f"{folder.name}/{CARD_FILE} is of version {version}, not {CARD_VERSION}. Update the program.")
    arrays.header(weights)  # refuses what cannot be, before the whole file is read
    if digest != files.sha256(weights):
        raise RunError(
            f"{folder.name}/{WEIGHTS_FILE} is not the file that its card describes. Restore it or train again."
        )
    return card


def _band(entry: dict) -> Band:
    usual = entry.get("usual")
    return Band(**{**entry, "usual": tuple(usual) if usual else None})
