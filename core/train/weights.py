"""Weights that come from elsewhere: fetched, checked before they are read, and fitted to our bands by name.

Comes in: a fresh timm network and a .safetensors file, local or from the hub. Goes out: the network with the weights
in it, and a :class:`WeightsReport` that says which filters each band started from. It never unpickles anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import arrays
from core.errors import ConfigError, FormatError

RGB = ("red", "green", "blue")
_WAY_OUT = "Set model.pretrained=false to start from random weights, or model.weights=FILE to a local .safetensors file"


@dataclass(frozen=True)
class WeightsReport:
    """What a network started from, to be shown.

    ``source``: "random", the hub's name or the file's. ``mapping``: band -> "<band> filter", "mean of RGB" or
    "random". ``matched``: number of arrays taken over; ``missing`` and ``unexpected``: names that were not;
    ``mismatched``: names that are in both with other shapes, and start from random weights.
    """

    source: str
    mapping: dict[str, str]
    matched: int = 0
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """Plain values for a run's record."""
        return asdict(self)


def random_report(band_names: Sequence[str]) -> WeightsReport:
    """The report of a network that starts from random weights."""
    return WeightsReport("random", dict.fromkeys(band_names, "random"))


def fetch(backbone: str) -> tuple[Path, str]:
    """The local copy of the hub's safetensors for a timm name, downloaded when it is not there yet; and its name.

    Raises ConfigError when there are none for this name or they cannot be fetched.
    """
    from huggingface_hub import hf_hub_download

    config = timm.models.get_pretrained_cfg(backbone, allow_unregistered=True)
    hub_id = config.hf_hub_id if config is not None else None
    if not hub_id:
        raise ConfigError(f"There are no pretrained weights for '{backbone}' on the hub. {_WAY_OUT}.")
    try:
        return Path(hf_hub_download(hub_id, config.hf_hub_filename or "model.safetensors")), hub_id
    # huggingface_hub raises errors of httpx, of the socket and of its own, by version; each means: not fetched.
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise ConfigError(
            f"The pretrained weights '{hub_id}' could not be fetched ({reason[0] if reason else type(error).__name__})."
            f" Without a network: {_WAY_OUT}."
        ) from error


def load_into(
    backbone: nn.Module, path: Path, source: str, band_names: Sequence[str], partly: bool = False
) -> WeightsReport:
    """Puts a file's weights into ``backbone`` (built for ``len(band_names)`` bands); the first convolution by name.

    A file with three input bands is taken as red, green, blue: bands of these names keep their filter, the others
    start from the mean filter, and the whole is multiplied by 3 / n, which keeps the response to a grey patch. A file
    of our own names its bands in the card beside it: they must be ours, in any order. ``path`` may also be the folder
    of a run's fold. With ``partly`` what fits by name and shape is taken over and the rest stays random, and bands of
    other names start from the mean filter.

    Raises ConfigError for another suffix, UnsafeFileError for an impossible header, and FormatError listing the
    arrays that are missing, of another shape, or bands that do not match.
    """
    if path.is_dir():
        path = path / "model.safetensors"
    if path.suffix != ".safetensors":
        raise ConfigError(f"model.weights is '{path.name}'. Only .safetensors files are accepted; nothing was read.")
    found = arrays.header(path)
    _check_some_match(backbone, path, found)
    state = _converted(backbone, _without_prefix(load_file(path)))
    conv = _first_conv(backbone)
    source_bands = _source_bands(path, state.get(conv))
    state, mapping = _mapped(state, conv, source_bands, tuple(band_names), path, partly)
    return _load(backbone, state, path, source, mapping, partly)


def _check_some_match(backbone: nn.Module, path: Path, found: dict) -> None:
    ours = backbone.state_dict()
    if not any(_bare(name) in ours for name in found):
        raise FormatError(
            f"{path.name} holds no array of this network ({len(found)} found: {arrays.shorten(list(found))}; "
            f"needed: {arrays.shorten(list(ours))}). Choose the backbone that these weights belong to."
        )


def _load(
    backbone: nn.Module, state: dict[str, Tensor], path: Path, source: str, mapping: dict[str, str], partly: bool
) -> WeightsReport:
    needed = {name: tuple(value.shape) for name, value in backbone.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    unexpected = tuple(name for name in given if name not in needed)
    counters = {name for name in needed if name.endswith("num_batches_tracked")}  # not in every file, not needed
    required = {name: shape for name, shape in needed.items() if name not in counters or name in given}
    complaint = arrays.differences({name: given[name] for name in given if name in needed}, required)
    if complaint and not partly:
        raise FormatError(
            f"{path.name} does not fit this network: {complaint}. Choose the backbone it was saved from, or "
            "model.weights_fit=matching to take over what fits."
        )
    mismatched = tuple(name for name in given if name in needed and given[name] != needed[name])
    taken = {name: value for name, value in state.items() if name in needed and name not in mismatched}
    if not taken:
        raise FormatError(f"No array of {path.name} has the shape that this network needs. Choose other weights.")
    backbone.load_state_dict(taken, strict=False)
    missing = tuple(name for name in needed if name not in given)
    return WeightsReport(source, mapping, len(taken), missing, unexpected, mismatched)


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our own files hold ``backbone.<name>`` beside a classifier; only the backbone is taken over."""
    if not any(name.startswith("backbone.") for name in state):
        return state
    return {_bare(name): value for name, value in state.items() if name.startswith("backbone.")}


def _bare(name: str) -> str:
    return name.removeprefix("backbone.")


def _converted(backbone: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As timm converts for this architecture: old names, position embeddings resampled to the image size."""
    module = sys.modules[type(backbone).__module__]
    convert = getattr(module, "checkpoint_filter_fn", None)
    return dict(convert(state, backbone)) if convert else state


def _first_conv(backbone: nn.Module) -> str:
    name = backbone.pretrained_cfg.get("first_conv")
    if not isinstance(name, str):
        raise ConfigError(f"timm does not say which layer of this network reads the bands. {_WAY_OUT}.")
    return f"{name}.weight"


def _source_bands(path: Path, weight: Tensor | None) -> tuple[str, ...]:
    card = path.with_suffix(".json")
    if card.is_file():
        try:
            found = json.loads(card.read_text(encoding="utf-8"))
            return (*(band["name"] for band in found["bands"]), *found.get("indices", ()))
        except (ValueError, KeyError, TypeError):
            pass  # another program's JSON of the same name
    if weight is None or weight.ndim != 4 or weight.shape[1] != len(RGB):
        seen = "no such layer" if weight is None else f"{weight.shape[1] if weight.ndim > 1 else 0} input bands"
        raise FormatError(
            f"The first layer in {path.name} has {seen} and nothing says what the bands are. Accepted: three bands "
            "(red, green, blue), or a network saved by this program together with its .json card."
        )
    return RGB


def _mapped(
    state: dict[str, Tensor],
    conv: str,
    source_bands: tuple[str, ...],
    names: tuple[str, ...],
    path: Path,
    partly: bool,
) -> tuple[dict[str, Tensor], dict[str, str]]:
    if conv not in state:
        raise FormatError(f"{path.name} has no array '{conv}', the layer that reads the bands.")
    if source_bands != RGB and set(source_bands) != set(names) and not partly:
        raise FormatError(
            f"{path.name} was trained on the bands {', '.join(source_bands)}; here they are {', '.join(names)}. "
            "Choose the same bands (data.bands), weights trained on these, or model.weights_fit=matching to start "
            "the other bands from the mean filter."
        )
    if state[conv].shape[1] != len(source_bands):
        raise FormatError(f"{path.name}: its first layer reads {state[conv].shape[1]} bands, not {len(source_bands)}.")
    weight, mapping = map_first_conv(state[conv], source_bands, names)
    return {**state, conv: weight}, mapping


def map_first_conv(
    weight: Tensor, source_bands: Sequence[str], band_names: Sequence[str]
) -> tuple[Tensor, dict[str, str]]:
    """The filters (O, S, kh, kw) of ``source_bands`` spread over ``band_names``: (O, C, kh, kw), and what each got.

    A band keeps the filter of its name, any other starts from the mean filter; all are multiplied by S / C, so that a
    patch with equal values in all bands is answered as before.
    """
    mean = weight.mean(dim=1)
    position = {name: i for i, name in enumerate(source_bands)}
    filters = [weight[:, position[name]] if name in position else mean for name in band_names]
    scaled = torch.stack(filters, dim=1) * (len(source_bands) / len(band_names))
    other = "mean of RGB" if tuple(source_bands) == RGB else "mean filter"
    return scaled, {name: f"{name} filter" if name in position else other for name in band_names}
