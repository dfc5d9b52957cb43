"""A QGIS style (.qml): shapes coloured by one number in steps, or by words, with a legend that says what is meant.

Colours are those of ColorBrewer's YlOrRd, which keep their order in grey and for the colour-blind.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

RAMP = ("255,255,178", "254,204,92", "253,141,60", "240,59,32", "189,0,38")
GREY = "150,150,150"
OUTLINE = "60,60,60,255"
VERSION = "3.22.0"


def by_number(column: str, edges: Sequence[float], labels: Sequence[str]) -> str:
    """QML that colours by ``column`` in the steps between ``edges``, (k + 1) rising numbers for k labels."""
    root, renderer = _start("graduatedSymbol", column)
    renderer.set("graduatedMethod", "GraduatedColor")
    ranges = Xml.SubElement(renderer, "ranges")
    for i, label in enumerate(labels):
        step = {"lower": f"{edges[i]:.15f}", "upper": f"{edges[i + 1]:.15f}", "symbol": str(i), "label": label}
        Xml.SubElement(ranges, "range", {**step, "render": "true"})
    _symbols(renderer, [_shade(i, len(labels)) for i in range(len(labels))])
    return _text(root)


def by_word(column: str, words: Sequence[str], labels: Sequence[str]) -> str:
    """QML that colours by the words in ``column``, the hottest first; the last one is grey and hatched."""
    root, renderer = _start("categorizedSymbol", column)
    categories = Xml.SubElement(renderer, "categories")
    for i, (word, label) in enumerate(zip(words, labels, strict=True)):
        value = {"value": word, "symbol": str(i), "label": label, "type": "string", "render": "true"}
        Xml.SubElement(categories, "category", value)
    shades = [_shade(len(words) - 2 - i, len(words) - 1) for i in range(len(words) - 1)]
    _symbols(renderer, [*shades, GREY], hatched=len(words) - 1)
    return _text(root)


def _shade(i: int, n: int) -> str:
    return RAMP[round(i * (len(RAMP) - 1) / max(1, n - 1))]


def _start(kind: str, column: str) -> tuple[Xml.Element, Xml.Element]:
    root = Xml.Element("qgis", {"version": VERSION, "styleCategories": "Symbology"})
    options = {"type": kind, "attr": column, "enableorderby": "0", "forceraster": "0", "symbollevels": "0"}
    return root, Xml.SubElement(root, "renderer-v2", options)


def _symbols(renderer: Xml.Element, colours: Sequence[str], hatched: int | None = None) -> None:
    symbols = Xml.SubElement(renderer, "symbols")
    for i, colour in enumerate(colours):
        names = {"type": "fill", "name": str(i), "alpha": "0.65", "clip_to_extent": "1", "force_rhr": "0"}
        symbol = Xml.SubElement(symbols, "symbol", names)
        layer = Xml.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
        values = {
            "color": f"{colour},255", "style": "b_diagonal" if i == hatched else "solid", "outline_color": OUTLINE,
            "outline_style": "solid", "outline_width": "0.3", "outline_width_unit": "MM", "joinstyle": "round",
        }  # fmt: skip
        options = Xml.SubElement(layer, "Option", {"type": "Map"})
        for name, value in values.items():
            Xml.SubElement(options, "Option", {"name": name, "type": "QString", "value": value})
            Xml.SubElement(layer, "prop", {"k": name, "v": value})  # QGIS before 3.20


def _text(root: Xml.Element) -> str:
    Xml.SubElement(root, "layerGeometryType").text = "2"
    Xml.indent(root)
    body = Xml.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}\n"
