"""What in the masks of one collection means landslide: as the options say, or as their values leave no doubt.

One meaning holds for all masks of a collection. Where the values allow two, it is refused until an option says which;
what was decided without one, and is not plain, is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.data.readers.base import Aside, ReaderOptions, some
from core.data.readers.masks.colours import colour_code, colour_name, is_colour
from core.data.readers.masks.raw import BACKGROUND, LANDSLIDE, TRANSPARENT, UNKNOWN, Raw
from core.data.readers.masks.survey import Found
from core.errors import Asks, FormatError
from core.text import counted

MOST_CLASSES = 20  # values; more are shades, not classes
MOST_LISTED = 8  # values or colours in a message
SCALES = (1, 100, 255, 10_000, 65_535)  # full scales that shades and probabilities are saved in
ROUNDED = 1.01  # times a full scale; less above it is rounding or overshooting
COLOUR_TOLERANCE = 64  # of each part, in pictures saved with a loss
MIDDLE = 128  # of bytes
EDGE_SHARE = 0.8  # of what is above a tenth of the scale lies near its top, where in-between shades are edges only
MUCH = 0.5  # of all pixels; masks that cover more may be inverted
OPTIONS = "--mask-value V (a value or a colour) or --mask-at-least V"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a pixel means. Exactly one of the first four says it.

    Attributes:
        equals: landslide is this number, or index of a palette; colour: this colour, give or take ``tolerance``;
            at_least: numbers from this one on; painted: every number but 0.
        unseen_is_background: whether pixels that were not seen are no landslide: nothing else says "no landslide".
    """

    equals: float | None = None
    colour: int | None = None
    at_least: float | None = None
    painted: bool = False
    tolerance: int = 0
    by_index: bool = False
    unseen_is_background: bool = False

    def read(self, raw: Raw) -> np.ndarray:
        """(H, W) uint8: 1 landslide, 0 none, 255 unknown."""
        unknown = np.zeros(raw.values.shape, bool) if raw.unseen is None else raw.unseen.copy()
        if raw.values.dtype.kind == "f":
            unknown |= ~np.isfinite(raw.values)
        slides = self.holds(self._values(raw))
        if self.equals is None and self.colour is None:
            slides &= ~unknown
        rest = BACKGROUND if self.unseen_is_background else UNKNOWN
        return np.where(slides, LANDSLIDE, np.where(unknown, rest, BACKGROUND)).astype(np.uint8)

    def _values(self, raw: Raw) -> np.ndarray:
        if self.colour is not None:
            if raw.colours is not None:
                return raw.colours
            return raw.values if raw.is_colour else raw.values.astype(np.int32) * 0x010101
        if self.by_index and raw.index is not None:
            return raw.index
        return raw.values & 255 if raw.is_colour else raw.values

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Which of the values (...,), numbers or colours as the meaning has it, are landslide: bool."""
        if self.colour is not None:
            return _alike(values, self.colour, self.tolerance)
        if self.equals is not None:
            return (
                np.isclose(values, self.equals, rtol=1e-6, atol=0)
                if values.dtype.kind == "f"
                else values == self.equals
            )
        if self.at_least is not None:
            with np.errstate(invalid="ignore"):
                return values >= self.at_least
        return values != 0

    def text(self) -> str:
        """What means landslide, for the dataset's facts."""
        if self.colour is not None:
            return f"the colour {colour_name(self.colour)}"
        if self.equals is not None:
            return f"the value {self.equals:g}"
        return "everything but 0" if self.at_least is None else f"values from {self.at_least:g} on"


def decide(found: Found, options: ReaderOptions, aside: Aside) -> Meaning:
    """The meaning of masks that hold what was ``found``. Raises FormatError where their values allow several."""
    if options.mask_value is not None:
        meaning = _named(found, options.mask_value, aside)
    elif options.mask_at_least is not None:
        meaning = _from_share(found, options.mask_at_least, aside)
    elif found.colours and not found.is_grey:
        meaning = _of_colours(found, aside)
    else:
        meaning = _of_numbers(found, aside)
    counts = _in_words_of(meaning, found)
    total, covered = sum(counts.values()), _covered(meaning, counts)
    if found.n_unseen and covered == total:
        meaning = replace(meaning, unseen_is_background=True)
        if found.n_tagged:
            aside.warn("No mask says 'no landslide'; pixels that they call not seen (nodata) were taken for it.")
    total += found.n_unseen if meaning.unseen_is_background else 0
    if total and covered > MUCH * total:
        inverted = options.mask_value is None and meaning.colour is None
        advice = " If they are inverted, say --mask-value 0." if inverted else ""
        aside.warn(f"The {found.n_masks} masks call {covered / total:.1%} of all their pixels landslide.{advice}")
    return meaning


def _in_words_of(meaning: Meaning, found: Found) -> Mapping[Any, int]:
    if meaning.colour is not None:
        return found.as_colours()
    return found.indices + found.values if meaning.by_index else found.as_numbers()


def _covered(meaning: Meaning, counts: Mapping[float, int]) -> int:
    held = meaning.holds(np.array(list(counts)))
    return int(np.array(list(counts.values()))[held].sum()) if len(counts) else 0


# ------------------------------------------------------------------------------------------------- as the options say


def _named(found: Found, text: str, aside: Aside) -> Meaning:
    if is_colour(text):
        if found.wide and not found.shown:
            raise FormatError(
                f"Masks such as {found.wide} hold numbers and no colours: {_listed(found.values)}. Say --mask-value "
                "with one of them."
            )
        tolerance = COLOUR_TOLERANCE if found.lossy else 0
        if found.lossy:
            aside.warn(
                f"{_lossy(found)}: a pixel is landslide where red, green and blue are each within {tolerance} of "
                f"{text}."
            )
        meaning = Meaning(colour=colour_code(text), tolerance=tolerance)
    else:
        by_index = found.n_palettes > 0
        if found.colours and not found.is_grey and not by_index:
            raise FormatError(
                f"The masks are in colours ({_listed_colours(found.as_colours())}), and --mask-value {text} is a "
                "number. Give the colour of landslides, such as --mask-value '#ff0000'."
            )
        meaning = Meaning(equals=float(text), by_index=by_index)
    counts = _in_words_of(meaning, found)
    if not _covered(meaning, counts):
        there = _listed_colours(counts) if meaning.colour is not None else _listed(counts)
        raise FormatError(f"No mask holds {text}, which --mask-value names; they hold {there}. Name one of these.")
    return meaning


def _from_share(found: Found, share: float, aside: Aside) -> Meaning:
    if found.colours and not found.is_grey:
        raise FormatError(
            f"The masks are in colours ({_listed_colours(found.as_colours())}), of which none is more than another. "
            "Give the colour of landslides with --mask-value."
        )
    counts = found.as_numbers()
    at_least = share
    if share < 1:
        top = max(counts, default=1)
        scale = next((scale for scale in SCALES if top <= ROUNDED * scale), top)
        at_least = share * scale
        if scale != 1:
            aside.warn(
                f"Mask values go up to {top:g}: {share:g} was taken as a share of {scale:g}, so that landslide begins "
                f"at {at_least:g}. Say --mask-at-least with a number from 1 on to name the value itself."
            )
    return Meaning(at_least=at_least)


# --------------------------------------------------------------------------------------- as the values leave no doubt


def _of_colours(found: Found, aside: Aside) -> Meaning:
    counts = found.as_colours() if not found.wide else Counter(found.colours)
    opaque = sorted(code for code in counts if code != TRANSPARENT)
    there = _listed_colours(counts)
    if found.lossy or found.wide:
        raise FormatError(
            f"The masks are in colours ({there}); {_lossy(found) if found.lossy else 'others hold numbers'}. Say which "
            "colour is landslide, such as --mask-value '#ff0000'.",
            _asks_colour(opaque),
        )
    painted = [code for code in opaque if code != 0]
    if TRANSPARENT in counts and len(opaque) == 1:
        aside.warn(f"Masks are transparent but for {colour_name(opaque[0])}, which was taken for landslide.")
        return Meaning(colour=opaque[0])
    if TRANSPARENT not in counts and len(painted) == 1 and 0 in counts and _agrees_with_palette(found):
        return Meaning(colour=painted[0])
    raise FormatError(
        f"The masks hold the colours {there}. Say which one is landslide, such as --mask-value "
        f"'{colour_name((painted or opaque)[-1])}'.",
        _asks_colour(opaque),
    )


def _agrees_with_palette(found: Found) -> bool:
    """Whether as many pixels have index 0 as are black, where there are palettes only."""
    if found.n_palettes < found.n_masks:
        return True
    return found.indices.get(0, 0) == found.colours.get(0, 0)


def _of_numbers(found: Found, aside: Aside) -> Meaning:
    counts = found.as_numbers()
    if TRANSPARENT in found.colours:
        return _of_colours(found, aside)
    if found.n_palettes == found.n_masks and not _agrees_with_palette(found):
        raise FormatError(
            f"The masks have a palette in which the index 0 is not black: indices {_listed(found.indices)}, colours "
            f"{_listed_colours(found.as_colours())}. Say which is landslide: {OPTIONS}."
        )
    if found.zero_is_white:
        aside.warn(
            f"{len(found.zero_is_white)} masks say that their 0 is shown white ({some(found.zero_is_white)}): their "
            "numbers count, so what is shown black is landslide. If it is what is shown white, say --mask-value 0."
        )
    marked = sorted(value for value in counts if value != 0)
    if not marked:
        aside.warn(f"All {found.n_masks} masks are empty: not one of their pixels is landslide.")
    if len(marked) < 2:
        return Meaning(painted=True)
    if found.lossy:
        return _of_lossy(found, counts, aside)
    if len(marked) > MOST_CLASSES or found.has_fractions:
        return _of_shades(counts, aside)
    if marked[0] < 0 or (0 not in counts and not found.n_unseen):
        raise FormatError(
            f"The masks hold the values {_listed(counts)}, among them {'negative ones' if marked[0] < 0 else 'no 0'}: "
            "which is landslide is not certain. Say --mask-value V.",
            _asks_value(counts),
        )
    aside.warn(
        f"Masks hold the values {_listed(counts, without=0)}; all of them were taken for landslide. Say --mask-value V "
        "if only one is.",
        _asks_value(counts),
    )
    return Meaning(painted=True)


def _of_lossy(found: Found, counts: Mapping[float, int], aside: Aside) -> Meaning:
    faint = [name for top, name, _ in found.tops if 0 < top < MIDDLE]
    if faint or max(counts) < MIDDLE:
        raise FormatError(
            f"{_lossy(found)}, and some hold no value above {MIDDLE - 1} ({some(faint)}): what is landslide there is "
            "not certain. Save masks as PNG, or say --mask-at-least V."
        )
    aside.warn(f"{_lossy(found)}: a pixel is landslide from {MIDDLE} on, the middle of 0 and 255.")
    return Meaning(at_least=MIDDLE)


def _of_shades(counts: Mapping[float, int], aside: Aside) -> Meaning:
    """Shades between 0 and one value, as enlarging leaves at edges, are cut in the middle; others are refused."""
    low, top = min(counts), max(counts)
    held = sum(n for value, n in counts.items() if value > 0.1 * top)
    near_top = sum(n for value, n in counts.items() if value >= 0.9 * top)
    if low >= -0.1 * top and 0 in counts and near_top >= EDGE_SHARE * held:
        middle = top / 2
        aside.warn(
            f"Masks hold shades between 0 and {top:g}, mostly near these two, as resampled masks do: a pixel is "
            f"landslide from {middle:g} on. Say --mask-at-least V for another bound."
        )
        return Meaning(at_least=middle)
    raise FormatError(
        f"The masks hold {len(counts)} different values from {low:g} to {top:g}. If they are probabilities, say from "
        "which one on a pixel is landslide (--mask-at-least 0.5); if each landslide has a number of its own, "
        "--mask-at-least 1; if one value is landslide, --mask-value V.",
        Asks("mask_at_least", ("0.5", "1")),
    )


# -------------------------------------------------------------------------------------------------------------- words


def _asks_value(counts: Mapping[float, int]) -> Asks:
    return Asks("mask_value", tuple(f"{value:g}" for value in sorted(counts)))


def _asks_colour(codes: list[int]) -> Asks:
    return Asks("mask_value", tuple(colour_name(code) for code in codes[:MOST_CLASSES]))


def _alike(codes: np.ndarray, colour: int, tolerance: int) -> np.ndarray:
    if not tolerance:
        return codes == colour
    near = codes != TRANSPARENT
    for shift in (0, 8, 16):
        near &= np.abs(((codes >> shift) & 255).astype(np.int32) - ((colour >> shift) & 255)) <= tolerance
    return near


def _listed(counts: Mapping[Any, int], without: float | None = None) -> str:
    order = sorted(value for value in counts if value != without)
    return _with_shares(counts, {value: f"{value:g}" for value in counts}, order)


def _listed_colours(counts: Mapping[int, int]) -> str:
    return _with_shares(counts, {code: colour_name(code) for code in counts}, sorted(counts, key=lambda c: -counts[c]))


def _with_shares(counts: Mapping[Any, int], names: Mapping[Any, str], order: list[Any]) -> str:
    """Values with their shares of all pixels: ``0 (90.0%), 1 (10.0%)``."""
    total = sum(counts.values())
    texts = [f"{names[value]} ({counts[value] / total:.1%})" for value in order]
    return some(texts, MOST_LISTED) if texts else "nothing"


def _lossy(found: Found) -> str:
    return (
        f"{counted(len(found.lossy), 'mask was', 'masks were')} saved with a loss, as JPEG does ({some(found.lossy)})"
    )
