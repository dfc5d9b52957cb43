"""A network drawn from its rows (``core.train.networks.stages``): each a box as high as its map, wide by its channels.

Paper B's Figure 3 for any backbone. Rows are plain values, as ``core.preflight.architecture`` gives them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.drawings.canvas import HEAD, INDEX, LANDSLIDE, NETWORK, OPTICAL, SAR_AFTER, Canvas, wrapped

WIDE, NARROW = 1040, 400
PAD = 16.0
MOST = {False: 10, True: 4}  # boxes beside each other
_HEIGHT, _SLANT = 92.0, 0.42
_COLOURS = (("Fused", SAR_AFTER), ("MBConv", NETWORK), ("UIB", NETWORK), ("Pool", INDEX), ("Upsampling", LANDSLIDE))


def layers(stages: Sequence[Mapping[str, Any]], name: str, side: int, cam_layer: str = "", dark: bool | None = None,
           narrow: bool = False) -> str:  # fmt: skip
    """The network as one SVG picture.

    side: pixels of a patch as the backbone sees it. cam_layer: what Grad-CAM reads. dark, narrow: see ``figures``.
    """
    c = Canvas(NARROW if narrow else WIDE, f"Layers of {name}", dark)
    looked = _looked_at(stages, cam_layer)
    y, most = PAD, max([side, *(stage["rows"] for stage in stages)])
    widest = max(stage["channels"] for stage in stages)
    for number, (title, rows) in enumerate(_branches(stages)):
        if title:
            c.text(PAD, y + 14, title, 14, "text", True)
            y += 24
        boxes = [(None, {}), *rows] if number == 0 or title else rows
        n_rows = -(-len(boxes) // MOST[narrow])
        most_beside = -(-len(boxes) // n_rows)
        each = (c.width - 2 * PAD) / max(most_beside, 3)
        for start in range(0, len(boxes), most_beside):
            chunk = boxes[start : start + most_beside]
            sides = [_HEIGHT * _share(row.get("rows", side), most) for _, row in chunk]
            high = max(sides) * (1 + _SLANT / 2)
            words = [_words(row, each - 10, side) for _, row in chunk]
            middle, below, deepest = y + 20 + high - max(sides) / 2, y + high + 42, 0.0
            for i, ((place, row), tall, (heading, facts)) in enumerate(zip(chunk, sides, words, strict=True)):
                x = PAD + (i + 0.5) * each
                colour = OPTICAL if place is None else _colour(row)
                _box(c, x, middle, tall, 8 + 26 * _share(row["channels"], widest) if row else 10, colour)
                if place is not None and place == looked:
                    c.circle(x - 28, y + 8, 4, LANDSLIDE)
                    c.text(x - 20, y + 12, "Grad-CAM", 11, "strong")
                if i:
                    c.arrow(x - each / 2 - 9, middle, x - each / 2 + 9, middle)
                top = below
                for line in heading:
                    c.text(x, top, line, 12.5, "text", True, "middle")
                    top += 16
                deepest = max(deepest, c.lines(x, top, facts, 11.5, "soft", "middle"))
            y = deepest + 6
    return c.finish(y + 4)


def _branches(stages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[int, Mapping[str, Any]]]]]:
    """Rows with their numbers, apart for each encoder where there are two."""
    titles = {
        "optical": "Optical encoder", "sar": "SAR encoder", "indices": "Index encoder", "after": "After",
        "before": "Before",
    }  # fmt: skip
    found: list[tuple[str, list[tuple[int, Mapping[str, Any]]]]] = []
    for place, stage in enumerate(stages):
        title = titles.get(str(stage["name"]).partition(".")[0], "")
        if not found or (found[-1][0] != title):
            found.append((title, []))
        found[-1][1].append((place, stage))
    return found


def _words(row: Mapping[str, Any], width: float, side: int) -> tuple[list[str], list[str]]:
    """A box's heading, and what else its row says. row: empty for the patch itself."""
    if not row:
        return ["Patch"], [f"{side}×{side} px"]
    times = f"{row['layers']} × " if row["layers"] > 1 else ""
    facts = [times + (row["kernel"] or ("blocks" if times else ""))]
    facts += [f"{row['channels']:,} channels", f"{row['rows']}×{row['rows']} map"]
    facts += [f"expansion {row['expansion']:.3g}"] if row["expansion"] not in (None, 1) else []
    facts += ["SE"] if row["squeeze"] else []
    lines = [line for text in facts if text for line in wrapped(text, 11.5, width, 2)]
    return wrapped(row["operator"], 12.5, width, 3), lines


def _share(value: float, most: float) -> float:
    """A share of the largest on a scale of octaves: a map of one pixel is still to be seen."""
    return 0.12 + 0.88 * math.log2(1 + value) / math.log2(1 + most)


def _colour(row: Mapping[str, Any]) -> str:
    if row["stride"] is None:
        return HEAD
    return next((colour for word, colour in _COLOURS if word in row["operator"]), NETWORK)


def _looked_at(stages: Sequence[Mapping[str, Any]], cam_layer: str) -> int | None:
    """The row that holds the layer that Grad-CAM reads."""
    path = cam_layer.removeprefix("backbone.")
    for place, stage in enumerate(stages):
        first = str(stage["name"]).partition("-")[0]
        stem, _, number = first.rpartition(".")
        last = str(stage["name"]).partition("-")[2].rpartition(".")[2] or number
        own, _, theirs = path.rpartition(".")
        within = "-" in str(stage["name"]) and own == stem and theirs.isdigit() and number.isdigit() and last.isdigit()
        if path == first or path.startswith(f"{first}.") or (within and int(number) <= int(theirs) <= int(last)):
            return place
    return None


def _box(c: Canvas, x: float, y: float, h: float, w: float, colour: str) -> None:
    """A slab seen from the front left: its face leans back by the depth of its channels."""
    lean = h * _SLANT * 0.5
    left, right, top, bottom = x - w / 2 - lean / 2, x + w / 2 - lean / 2, y - h / 2, y + h / 2
    c.line([(left, top), (right, top), (right + lean, top - lean), (left + lean, top - lean)], "card", 1, colour, True,
           opacity=0.6)  # fmt: skip
    flank = [(right, top), (right + lean, top - lean), (right + lean, bottom - lean), (right, bottom)]
    c.line(flank, "card", 1, colour, True, opacity=0.8)
    c.rect(left, top, w, h, colour, "card", 0, 1)
