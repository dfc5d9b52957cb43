"""A vector picture as text: shapes and words on a canvas, colours by their meaning, for light and dark ground.

Words are set as text of an XML tree, so that no name or note can become markup. Nothing is linked or fetched.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from core import colours
from core.text import one_line

FONT = "'Source Sans 3','Source Sans Pro','Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
WHITE = "#FFFFFF"
LANDSLIDE, OTHER, SYNTHETIC = colours.POSITIVE, colours.NEGATIVE, colours.SYNTHETIC
OPTICAL, SAR_AFTER, SAR_CHANGE, INDEX = "#4E9F6B", "#4A7EBB", "#8E6BB8", "#8C939B"
NETWORK, HEAD, FOLD = "#2B8C8C", "#7B68B5", "#2B8C8C"
# Meaning -> (on light ground, on dark ground)
INKS: dict[str, tuple[str, str]] = {
    "ground": ("#FFFFFF", "#12181D"),
    "panel": ("#F3F6F7", "#182028"),
    "card": ("#FFFFFF", "#202A33"),
    "line": ("#D5DADE", "#36404C"),
    "arrow": ("#7A858F", "#8A959F"),
    "text": ("#1F2A33", "#EEF1F3"),
    "soft": ("#55616B", "#B4BEC7"),
    "faint": ("#C3CAD0", "#4A5561"),
    "strong": ("#A8431A", "#F0946A"),
}
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[]· "), frozenset("mwMW%@–—&")


def width_of(text: str, size: float) -> float:
    """About how wide a text is, in the picture's units; a little more than most fonts need."""
    units = sum(0.32 if c in _NARROW else 0.9 if c in _WIDE else 0.66 if c.isupper() else 0.56 for c in text)
    return units * size


def wrapped(text: str, size: float, most: float, lines: int = 9) -> list[str]:
    """A text in lines of at most this width; a word that is wider is broken at a hyphen or an underscore, or cut.

    What has no line left is cut too.
    """
    found: list[str] = [""]
    for word in one_line(text, 300).split():
        while width_of(word, size) > most and (place := _break(word, size, most)):
            found[-1:] = [*filter(None, found[-1:]), word[:place]]
            found.append("")
            word = word[place:]
        while width_of(word, size) > most and len(word) > 4:
            word = f"{word[:-2].rstrip('…')}…"
        longer = f"{found[-1]} {word}".strip()
        if width_of(longer, size) <= most or not found[-1]:
            found[-1] = longer
        else:
            found.append(word)
    if len(found) > lines:
        found = [*found[: lines - 1], f"{found[lines - 1].rstrip('.,;')}…"]
    return [line for line in found if line]


def _break(word: str, size: float, most: float) -> int:
    """Where a long word can be broken so that its first part fits; 0 where it cannot."""
    places = [i + 1 for i, c in enumerate(word[:-1]) if c in "-_." and width_of(word[: i + 1], size) <= most]
    return places[-1] if places else 0


class Canvas:
    """A picture of this width; its height is what :meth:`finish` is told. dark: None follows the viewer's settings."""

    def __init__(self, width: float, title: str, dark: bool | None = None) -> None:
        self.width, self.dark = width, dark
        self.root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "font-family": FONT})
        self._into = self.root
        ET.SubElement(self.root, "title").text = one_line(title, 300)
        ET.SubElement(self.root, "style").text = self._style()

    def _style(self) -> str:
        def rules(which: int) -> str:
            fills = "".join(f".f-{name}{{fill:{both[which]}}}" for name, both in INKS.items())
            return fills + "".join(f".s-{name}{{stroke:{both[which]}}}" for name, both in INKS.items())

        if self.dark is not None:
            return rules(int(self.dark))
        return f"{rules(0)}@media (prefers-color-scheme:dark){{{rules(1)}}}"

    def _add(self, tag: str, fill: str, stroke: str, thick: float, /, **facts: object) -> ET.Element:
        element = ET.SubElement(
            self._into, tag, {name.replace("_", "-"): _text(value) for name, value in facts.items()}
        )
        classes = []
        for kind, ink in (("fill", fill), ("stroke", stroke)):
            if ink in INKS:
                classes.append(f"{kind[0]}-{ink}")
            else:
                element.set(kind, ink or "none")
        if classes:
            element.set("class", " ".join(classes))
        if stroke:
            element.set("stroke-width", _text(thick))
        return element

    @contextmanager
    def scaled(self, x: float, y: float, scale: float) -> Iterator[None]:
        """What is drawn inside is that much larger, with its corner at (x, y)."""
        outer = self._into
        self._into = ET.SubElement(outer, "g", {"transform": f"translate({_text(x)} {_text(y)}) scale({_text(scale)})"})
        try:
            yield
        finally:
            self._into = outer

    def rect(self, x: float, y: float, w: float, h: float, fill: str = "", stroke: str = "", r: float = 0,
             width: float = 1, **more: object) -> None:  # fmt: skip
        """A rectangle with rounded corners of radius r."""
        self._add("rect", fill, stroke, width, x=x, y=y, width=w, height=h, rx=r, **more)

    def circle(self, x: float, y: float, r: float, fill: str = "", stroke: str = "", width: float = 1,
               **more: object) -> None:  # fmt: skip
        """A circle."""
        self._add("circle", fill, stroke, width, cx=x, cy=y, r=r, **more)

    def line(self, points: Iterable[tuple[float, float]], stroke: str = "arrow", width: float = 1.5, fill: str = "",
             closed: bool = False, **more: object) -> None:  # fmt: skip
        """Straight lines from point to point, closed to an area where asked."""
        places = " L".join(f"{_text(x)} {_text(y)}" for x, y in points)
        path = f"M{places}{'Z' if closed else ''}"
        self._add("path", fill, stroke, width, d=path, stroke_linejoin="round", stroke_linecap="round", **more)

    def curve(self, path: str, stroke: str = "arrow", width: float = 1.5, fill: str = "", **more: object) -> None:
        """A path in SVG's own words; never made from anybody's text."""
        self._add("path", fill, stroke, width, d=path, stroke_linecap="round", **more)

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A straight arrow, along or down."""
        self.line([(x1, y1), (x2, y2)])
        a = 4.5
        head = (
            [(x2 - a, y2 - a), (x2, y2), (x2 - a, y2 + a)]
            if abs(x2 - x1) > abs(y2 - y1)
            else [(x2 - a, y2 - a), (x2, y2), (x2 + a, y2 - a)]
        )
        self.line(head)

    def text(self, x: float, y: float, text: str, size: float = 13, ink: str = "text", bold: bool = False,
             anchor: str = "start") -> None:  # fmt: skip
        """One line of text on the line y."""
        element = self._add("text", ink, "", 0, x=x, y=y, font_size=size, text_anchor=anchor)
        if bold:
            element.set("font-weight", "600")
        element.text = one_line(text, 300)

    def lines(self, x: float, y: float, texts: Iterable[str], size: float = 12, ink: str = "soft",
              anchor: str = "start") -> float:  # fmt: skip
        """Lines of text below each other, the first on the line y; the line below the last."""
        for text in texts:
            self.text(x, y, text, size, ink, anchor=anchor)
            y += size * 1.3
        return y

    def finish(self, height: float) -> str:
        """The picture as text, on a ground of its own."""
        self.root.set("viewBox", f"0 0 {_text(self.width)} {_text(height)}")
        self.root.set("width", _text(self.width))
        self.root.set("height", _text(height))
        ground = ET.Element("rect", {"class": "f-ground", "width": "100%", "height": "100%"})
        self.root.insert(2, ground)
        return ET.tostring(self.root, encoding="unicode")


def _text(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
