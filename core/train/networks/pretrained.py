"""Pretrained weights: fetched, checked before they are read, and fitted to our bands by name.

They come from a .safetensors file, local or from the hub; a :class:`WeightsReport` says which filter each band started
from. Nothing is unpickled.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core.errors import ConfigError, FormatError
from core.io import safetensors_file
from core.text import list_names
from core.train.networks.unet import UNET, UNet
from core.train.networks.weights_card import RGB, WeightsCard, filter_of, read_card

_WAY_OUT = "Set model.pretrained=false to start from random weights, or model.weights=FILE to a local .safetensors file"


@dataclass(frozen=True)
class WeightsReport:
    """What a network started from, to be shown.

    ``source``: "random", the hub's name or the file's. ``mapping``: band -> "<band> filter", "mean of RGB", "mean
    filter" or "random". ``matched``: number of arrays taken over; ``missing`` and ``unexpected``: names that were not;
    ``mismatched``: names that are in both with other shapes, and start from random weights. ``licence`` and ``sha256``
    of the file, where its card or the hub says.
    """

    source: str
    mapping: dict[str, str]
    matched: int = 0
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()
    licence: str = ""
    sha256: str = ""

    def to_dict(self) -> dict:
        """Plain values for a run's record."""
        return asdict(self)


def random_report(band_names: Sequence[str]) -> WeightsReport:
    """The report of a network that starts from random weights."""
    return WeightsReport("random", dict.fromkeys(band_names, "random"))


def joined(reports: dict[str, WeightsReport]) -> WeightsReport:
    """One report of several branches: names of arrays carry their branch."""
    of = reports.items()

    def names(field: str) -> tuple[str, ...]:
        return tuple(f"{branch}.{name}" for branch, report in of for name in getattr(report, field))

    def common(field: str) -> str:
        values = {getattr(report, field) for report in reports.values()}
        if len(values) == 1:
            return values.pop()
        return "; ".join(f"{branch}: {getattr(report, field)}" for branch, report in of if getattr(report, field))

    return WeightsReport(
        source=common("source"),
        mapping={band: text for report in reports.values() for band, text in report.mapping.items()},
        matched=sum(report.matched for report in reports.values()),
        missing=names("missing"),
        unexpected=names("unexpected"),
        mismatched=names("mismatched"),
        licence=common("licence"),
        sha256=common("sha256"),
    )


def load_hub(encoder: nn.Module, backbone: str, band_names: Sequence[str]) -> WeightsReport:
    """The hub's weights for that name in ``encoder``; of a U-Net those of its encoder. Raises as what it calls."""
    path, _ = fetch(backbone.removeprefix(UNET))
    named = hub_report(backbone, band_names)
    return replace(load_into(encoder, path, named.source, band_names), licence=named.licence)


def hub_report(backbone: str, band_names: Sequence[str]) -> WeightsReport:
    """What the hub's weights for that name would be spread over; nothing is fetched. Raises ConfigError without any."""
    config = _hub_config(backbone.removeprefix(UNET))
    return WeightsReport(config.hf_hub_id, mapping_of(RGB, band_names), licence=config.license or "")


def fetch(backbone: str) -> tuple[Path, str]:
    """The local copy of the hub's safetensors for a timm name, downloaded when it is not there yet; and its name.

    Raises ConfigError when there are none for this name or they cannot be fetched.
    """
    from huggingface_hub import hf_hub_download

    config = _hub_config(backbone)
    hub_id = config.hf_hub_id
    try:
        return Path(hf_hub_download(hub_id, config.hf_hub_filename or "model.safetensors")), hub_id
    # huggingface_hub raises errors of httpx, of the socket and of its own, by version; each means: not fetched.
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise ConfigError(
            f"The pretrained weights '{hub_id}' could not be fetched ({reason[0] if reason else type(error).__name__})."
            f" Without a network: {_WAY_OUT}."
        ) from error


def _hub_config(backbone: str):
    """What timm knows of the weights. Raises ConfigError when there are none for this name."""
    config = timm.models.get_pretrained_cfg(backbone, allow_unregistered=True)
    if config is None or not config.hf_hub_id:
        raise ConfigError(f"There are no pretrained weights for '{backbone}' on the hub. {_WAY_OUT}.")
    return config


def load_into(
    encoder: nn.Module, path: Path, source: str, band_names: Sequence[str], partly: bool = False, branch: str = ""
) -> WeightsReport:
    """Puts a file's weights into ``encoder`` (built for ``len(band_names)`` bands); the first convolution by name.

    A file with three input bands is taken as red, green, blue: bands of these names keep their filter, the others
    start from the mean filter, and the whole is multiplied by 3 / n, which keeps the response to a grey patch. A file
    with a card (``weights_card``) names its bands. Those of our own networks must be ours, in any order; those of
    other weights must have a filter for each of ours. ``path`` may also be the folder of a run or of one of its folds;
    ``branch`` says which of its branches is meant, if it has two. With ``partly`` what fits by name and shape is taken
    over and the rest stays random, and bands without a filter start from the mean filter. Names may have any prefix.

    Raises ConfigError for another suffix, UnsafeFileError for an impossible header, and FormatError listing the
    arrays that are missing, of another shape, or bands that do not match, or a card that is not the file's.
    """
    path = weights_file(path)
    if path.suffix != ".safetensors":
        raise ConfigError(f"model.weights is '{path.name}'. Only .safetensors files are accepted; nothing was read.")
    names = list(safetensors_file.header(path, follow=True))
    if isinstance(encoder, UNet) and not any("decoder." in name for name in names):
        return _into_unet(encoder, load_into(encoder.encoder, path, source, band_names, partly, branch))
    prefix = _prefix(encoder, path, names, branch)
    state = {name.removeprefix(prefix): value for name, value in load_file(path).items() if name.startswith(prefix)}
    state, conv = _converted(encoder, state), first_layer(encoder)
    if conv not in state:
        raise FormatError(f"{path.name} has no array '{conv}', the layer that reads the bands.")
    card = read_card(path, branch) or _rgb_card(path, state[conv])
    state[conv], mapping = _mapped(state[conv], card, tuple(band_names), path, partly)
    report = _load(encoder, state, path, source, mapping, partly)
    return replace(report, licence=card.licence, sha256=card.sha256)


def _into_unet(encoder: UNet, report: WeightsReport) -> WeightsReport:
    """The report with the names of the whole U-Net: its decoder was not in the file."""
    decoder = [f"decoder.{name}" for name in encoder.decoder.state_dict()]
    return replace(
        report,
        missing=(*(f"encoder.{name}" for name in report.missing), *decoder),
        mismatched=tuple(f"encoder.{name}" for name in report.mismatched),
    )


def has_branch(path: Path, branch: str) -> bool:
    """Whether a file of weights, or a fold's folder, is of a network of ours that has this branch."""
    path = weights_file(path)
    return path.is_file() and any(
        name.startswith(f"backbone.{branch}.") for name in safetensors_file.header(path, follow=True)
    )


def weights_file(path: Path) -> Path:
    """The file that ``model.weights`` leads to: itself, that of a fold's folder, or that of a run's first fold."""
    if not path.is_dir():
        return path
    own = path / "model.safetensors"
    return own if own.is_file() else path / "fold_0" / own.name


def source_name(path: Path) -> str:
    """What records call weights: RUN/fold_K for those of a run, else the file's name."""
    folder = path.parent if path.suffix == ".safetensors" else path
    if folder.name.startswith("fold_") and folder.resolve().parent.name:
        return f"{folder.resolve().parent.name}/{folder.name}"
    return path.name


def first_layer(encoder: nn.Module) -> str:
    """Name of the weights that read the bands. Raises ConfigError where timm does not say."""
    if isinstance(encoder, UNet):
        return f"encoder.{first_layer(encoder.encoder)}"
    name = getattr(encoder, "first_conv", None) or getattr(encoder, "pretrained_cfg", {}).get("first_conv")
    if not isinstance(name, str):
        raise ConfigError(f"timm does not say which layer of this network reads the bands. {_WAY_OUT}.")
    return f"{name}.weight"


def _prefix(encoder: nn.Module, path: Path, names: list[str], branch: str) -> str:
    """What stands before the encoder's own names in the file: ``backbone.`` in ours, ``module.encoder_q.``, nothing."""
    conv, ours = first_layer(encoder), encoder.state_dict()
    candidates = [name.removesuffix(conv) for name in names if name == conv or name.endswith(f".{conv}")]
    if branch and f"backbone.{branch}." in candidates:
        return f"backbone.{branch}."
    matches = {c: sum(name.startswith(c) and name.removeprefix(c) in ours for name in names) for c in candidates}
    best = sorted(c for c in matches if matches[c] == max(matches.values()))
    if len(best) > 1:
        raise FormatError(
            f"{path.name} holds several networks of this kind, under {', '.join(best)}. Save the arrays of one of them "
            "as a file of its own, or set model.branches as it was."
        )
    if best:
        return best[0]
    if any(name.removeprefix("backbone.") in ours for name in names):  # timm may know the layer by an old name
        return "backbone." if any(name.startswith("backbone.") for name in names) else ""
    raise FormatError(
        f"{path.name} holds no array of this network ({len(names)} found: {list_names(names, 8)}; "
        f"needed: {list_names(list(ours), 8)}). Choose the backbone that these weights belong to."
    )


def _load(
    encoder: nn.Module, state: dict[str, Tensor], path: Path, source: str, mapping: dict[str, str], partly: bool
) -> WeightsReport:
    needed = {name: tuple(value.shape) for name, value in encoder.state_dict().items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    unexpected = tuple(name for name in given if name not in needed)
    counters = {name for name in needed if name.endswith("num_batches_tracked")}  # not in every file, not needed
    required = {name: shape for name, shape in needed.items() if name not in counters or name in given}
    complaint = safetensors_file.differences({name: given[name] for name in given if name in needed}, required)
    if complaint and not partly:
        raise FormatError(
            f"{path.name} does not fit this network: {complaint}. Choose the backbone it was saved from, or "
            "model.weights_fit=matching to take over what fits."
        )
    mismatched = tuple(name for name in given if name in needed and given[name] != needed[name])
    taken = {name: value for name, value in state.items() if name in needed and name not in mismatched}
    if not taken:
        raise FormatError(f"No array of {path.name} has the shape that this network needs. Choose other weights.")
    encoder.load_state_dict(taken, strict=False)
    missing = tuple(name for name in needed if name not in given)
    return WeightsReport(source, mapping, len(taken), missing, unexpected, mismatched)


def _converted(encoder: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As timm converts for this architecture: old names, position embeddings resampled to the image size."""
    module = sys.modules[type(encoder).__module__]
    convert = getattr(module, "checkpoint_filter_fn", None)
    return dict(convert(state, encoder)) if convert else state


def _rgb_card(path: Path, weight: Tensor) -> WeightsCard:
    if weight.ndim != 4 or weight.shape[1] != len(RGB):
        raise FormatError(
            f"The first layer in {path.name} has {weight.shape[1] if weight.ndim > 1 else 0} input bands and nothing "
            "says what the bands are. Accepted: three bands (red, green, blue), a network saved by this program "
            "together with its .json card, or weights with a card that lists their bands (docs/weights.md)."
        )
    return WeightsCard(RGB, False)


def _mapped(
    weight: Tensor, card: WeightsCard, names: tuple[str, ...], path: Path, partly: bool
) -> tuple[Tensor, dict[str, str]]:
    lacking = [name for name in names if filter_of(name, card.bands) is None]
    fits = not lacking and (not card.ours or set(card.bands) == set(names))
    if card.bands != RGB and not fits and not partly:
        raise FormatError(
            f"{path.name} was trained on the bands {', '.join(card.bands)}; here they are {', '.join(names)}. "
            "Choose the same bands (data.bands), weights trained on these, or model.weights_fit=matching to start "
            "the other bands from the mean filter."
        )
    if weight.shape[1] != len(card.bands):
        raise FormatError(f"{path.name}: its first layer reads {weight.shape[1]} bands, not {len(card.bands)}.")
    return map_first_conv(weight, card.bands, names)


def map_first_conv(
    weight: Tensor, source_bands: Sequence[str], band_names: Sequence[str]
) -> tuple[Tensor, dict[str, str]]:
    """The filters (O, S, kh, kw) of ``source_bands`` spread over ``band_names``: (O, C, kh, kw), and what each got.

    A band keeps the filter of its name (VV and VH of either orbit that of VV and VH), any other starts from the mean
    filter; all are multiplied by S / C, so that a patch with equal values in all bands is answered as before where
    each filter is used as often as the others.
    """
    mean = weight.mean(dim=1)
    position = {name: i for i, name in enumerate(source_bands)}
    taken = {name: filter_of(name, source_bands) for name in band_names}
    filters = [mean if (of := taken[name]) is None else weight[:, position[of]] for name in band_names]
    scaled = torch.stack(filters, dim=1) * (len(source_bands) / len(band_names))
    return scaled, mapping_of(source_bands, band_names)


def mapping_of(source_bands: Sequence[str], band_names: Sequence[str]) -> dict[str, str]:
    """What :func:`map_first_conv` gives each band."""
    taken = {name: filter_of(name, source_bands) for name in band_names}
    other = "mean of RGB" if tuple(source_bands) == RGB else "mean filter"
    return {name: other if taken[name] is None else f"{taken[name]} filter" for name in band_names}
