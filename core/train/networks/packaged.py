"""Packaged weights read: an installed file becomes a .safetensors file with a card, once, and is loaded as any other.

The file in the package is a pickle. Its sha256 must be the one of the card (``core.config.packaged_weights``) before
anything is read, torch's reader for weights alone reads it, and every array is compared with timm's by name and shape.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from core.config.packaged_weights import PackagedWeights, not_installed, of_backbone
from core.errors import DataError, FormatError
from core.io import atomic, safetensors_file
from core.io.json_text import load_json
from core.io.plain_file import open_plain
from core.train.networks.pretrained import WeightsReport, load_into, mapping_of

# The files name arrays as the package efficientnet_pytorch does. In a block, timm counts normalisations from 1, and the
# first block, which does not expand, ends in the plain pointwise convolution conv_pw.
_STEM = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_EXPANDS = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}  # fmt: skip
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


def load_packaged(
    encoder: nn.Module, backbone: str, band_names: Sequence[str], folder: Path | None = None
) -> WeightsReport:
    """The packaged weights of that name in ``encoder``, spread over the bands as those of a file are.

    folder: where the .safetensors file is kept; none: it is not kept. Raises as :func:`kept` and ``load_into``.
    """
    one = of_backbone(backbone)
    if folder is not None:
        return load_into(encoder, kept(one, folder), one.source, band_names)
    with tempfile.TemporaryDirectory() as passing:
        return load_into(encoder, kept(one, Path(passing)), one.source, band_names)


def packaged_report(backbone: str, band_names: Sequence[str]) -> WeightsReport:
    """What the packaged weights would be spread over; nothing is read. Raises ConfigError where they are not there."""
    one = of_backbone(backbone)
    if one.path() is None:
        raise not_installed(one)
    return WeightsReport(one.source, mapping_of(one.bands, band_names), licence=one.licence, sha256=one.sha256)


def kept(one: PackagedWeights, folder: Path) -> Path:
    """The weights as .safetensors in ``folder``, under timm's names, with the layer of the 1000 classes; made once.

    A card beside it says where they come from (docs/weights.md). Raises ConfigError where the package is not installed,
    FormatError where its file is not the known one or does not fit the network.
    """
    path = folder / f"{one.backbone}-{one.sha256[:8]}.safetensors"
    if not _is_whole(path, one):
        state = read(one)
        digest = safetensors_file.save_arrays(path, {name: value.numpy() for name, value in state.items()})
        card = {
            "bands": one.bands,
            "sha256": digest,
            "licence": one.licence,
            "source": one.source,
            "file": one.file,
            "sha256_packaged": one.sha256,
            "mean": one.mean,
            "std": one.std,
        }
        atomic.write_text(path.with_suffix(".json"), json.dumps(card, indent=2) + "\n")
    return path


def read(one: PackagedWeights) -> dict[str, Tensor]:
    """The arrays of the installed file by timm's names, as float32 (counters int64). Raises as :func:`kept`."""
    path = one.path()
    if path is None:
        raise not_installed(one)
    try:
        with open_plain(path, follow=True) as file:
            content = file.read()
    except OSError as error:
        raise _damaged(one, f"it cannot be read ({error.strerror or error})") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != one.sha256:
        raise _damaged(one, f"its sha256 is {digest[:12]}... instead of {one.sha256[:12]}..., so nothing was read")
    found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    with torch.device("meta"):  # shapes alone, and no random number is drawn
        needed = {name: tuple(value.shape) for name, value in timm.create_model(one.backbone).state_dict().items()}
    state = _renamed(found, list(needed))
    complaint = safetensors_file.differences({name: tuple(value.shape) for name, value in state.items()}, needed)
    if complaint:
        raise FormatError(
            f"{path.name} of the package {one.package} does not fit timm's {one.backbone}: {complaint}. Install the "
            "versions of requirements.txt, or set model.pretrained=true or false."
        )
    return state


def _is_whole(path: Path, one: PackagedWeights) -> bool:
    """Whether the kept file is there, made from the known one, and what its card says it is."""
    try:
        card = load_json(path.with_suffix(".json"))
        return card["sha256_packaged"] == one.sha256 and card["sha256"] == atomic.sha256(path)
    except (OSError, DataError, KeyError, TypeError):
        return False


def _renamed(found: dict[str, Tensor], needed: Sequence[str]) -> dict[str, Tensor]:
    """The arrays under timm's names; those with another pattern keep theirs, and are complained of."""
    blocks = list(dict.fromkeys(m[0] for name in needed if (m := re.match(r"blocks\.\d+\.\d+", name))))  # in order
    expands = {m[1] for name in found if "._expand_conv." in name and (m := re.match(r"_blocks\.(\d+)\.", name))}
    state = {}
    for name, value in found.items():
        inner = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        part, _, kind = name.partition(".")
        new = name
        if inner and int(inner[1]) < len(blocks):
            of_block = _EXPANDS if inner[1] in expands else _SEPARABLE
            new = f"{blocks[int(inner[1])]}.{of_block.get(inner[2], inner[2])}.{inner[3]}"
        elif part in _STEM:
            new = f"{_STEM[part]}.{kind}"
        state[new] = value
    return state


def _damaged(one: PackagedWeights, why: str) -> FormatError:
    return FormatError(
        f"The file {Path(one.file).name} of the package {one.package} is not the known one: {why}. Install it again: "
        f"{one.command} --force-reinstall --no-deps"
    )
