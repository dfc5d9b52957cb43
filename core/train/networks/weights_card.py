"""The card of a weights file: which bands its first layer reads, in their order, and where it comes from.

Two kinds of card are read: that of our own networks (``core.train.networks.backbones``), and a short one that people
write (docs/weights.md). For a band of ours, the card names the filter that belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.config.training import AFTER, BRANCHES
from core.data.bands import Band
from core.data.indices import INDICES
from core.data.names.reading import canonical
from core.errors import DataError, FormatError
from core.io import atomic
from core.io.json_text import load_json
from core.train.networks.branches import channels_of, moments_of

RGB = ("red", "green", "blue")
_ORBITS = ("desc_", "asc_")  # Earth-observation weights know one VV and one VH, whatever the orbit


@dataclass(frozen=True)
class WeightsCard:
    """``bands``: names in our words, in the order of the first layer. ``ours``: written by this program."""

    bands: tuple[str, ...]
    ours: bool
    licence: str = ""
    source: str = ""
    sha256: str = ""


def read_card(path: Path, branch: str = "") -> WeightsCard | None:
    """The card next to ``path``; ``branch``: which one of a network of several branches is meant ("optical", "sar").

    None where there is no such file, or it names no bands. Raises FormatError for a card that lacks
    what it must say, or that describes another file.
    """
    try:
        card = load_json(path.with_suffix(".json"), follow=True)
        bands = card["bands"]
    except (OSError, DataError, KeyError, TypeError):
        return None  # none, or another program's JSON of the same name
    if not isinstance(bands, list) or not bands:
        return None
    if all(isinstance(band, dict) and "name" in band for band in bands):
        return WeightsCard(_own_bands(card, branch), True)
    return _written(card, bands, path)


def _written(card: dict, bands: list, path: Path) -> WeightsCard:
    name = path.with_suffix(".json").name
    missing = [key for key in ("sha256", "licence") if not isinstance(card.get(key), str) or not card[key].strip()]
    if missing or not all(isinstance(band, str) for band in bands):
        what = " and ".join(missing) or "bands as a list of names"
        raise FormatError(
            f"{name} does not say {what}. A card of weights holds bands (names in the order of the first layer), "
            "sha256 (of the .safetensors file) and licence; see docs/weights.md."
        )
    if card["sha256"].strip().lower() != atomic.sha256(path, follow=True):
        raise FormatError(
            f"{path.name} is not the file that {name} describes: its sha256 differs. Fetch the file again, or correct "
            "the card if you know that the file is right."
        )
    names = tuple(canonical(band) for band in bands)  # numbers are Sentinel-2's
    if len(set(names)) < len(names):
        raise FormatError(f"{name} names a band twice ({', '.join(names)}). Each input of the first layer has one.")
    return WeightsCard(names, False, card["licence"].strip(), str(card.get("source", "")), card["sha256"].lower())


def _own_bands(card: dict, branch: str) -> tuple[str, ...]:
    """Names of the inputs of a network of ours, measured bands and then indices; of one branch, those it reads."""
    names = [*(band["name"] for band in card["bands"]), *card.get("indices", ())]
    branches = BRANCHES.get(card.get("model", {}).get("branches", "one"), ())
    if branch not in branches:
        return tuple(names)
    if AFTER in branches:
        return tuple(names[i] for i in moments_of(names)[branch])
    modalities = [Band(band["name"], "", orbit=band["orbit"], family=band["family"]).modality for band in card["bands"]]
    modalities += [INDICES[name].modality for name in card.get("indices", ())]
    return tuple(names[i] for i in channels_of(branches, modalities, len(card.get("indices", ())))[branch])


def filter_of(band: str, source_bands: Sequence[str]) -> str | None:
    """Which of ``source_bands`` gives our ``band`` its filter: the one of its name, or its name without the orbit."""
    bare = next((band.removeprefix(orbit) for orbit in _ORBITS if band.startswith(orbit)), band)
    return next((name for name in (band, bare) if name in source_bands), None)
