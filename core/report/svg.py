"""SVG for a report: from scratch, or from matplotlib, so that it can stand in an HTML file with others.

What is written is a tree of elements, so that no name becomes markup. Nothing in it is linked or fetched.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def element(tag: str, parent: ET.Element | None = None, /, **attributes: str) -> ET.Element:
    """A new element, inside ``parent`` where there is one."""
    return ET.Element(tag, attributes) if parent is None else ET.SubElement(parent, tag, attributes)


def finish(root: ET.Element) -> str:
    """The picture as text for an HTML file."""
    return ET.tostring(root, encoding="unicode")


def inlined(text: str, alt: str, prefix: str) -> str:
    """A whole SVG file as an element of HTML, named by ``alt``, its ids made its own by ``prefix``.

    Metadata, comments, ids that nobody refers to and its size in points go; its style sheet stays inside.
    """
    root = ET.fromstring(text)
    for node in root.iter():
        node.tag = node.tag.removeprefix(f"{{{SVG}}}")
        for key in [key for key in node.attrib if key.startswith("{")]:
            name = key.removeprefix(f"{{{XLINK}}}")
            value = node.attrib.pop(key)
            if name == "href":
                node.set("href", value)
    _drop(root, {"metadata"})
    used = {name for node in root.iter() for value in node.attrib.values() for name in _referred(value)}
    for node in root.iter():
        for key, value in list(node.attrib.items()):
            if key == "id":
                if value in used:
                    node.set(key, f"{prefix}-{value}")
                else:
                    del node.attrib[key]
            elif key == "href" and value.startswith("#"):
                node.set(key, f"#{prefix}-{value[1:]}")
            else:
                node.set(key, _REFERENCE.sub(lambda found: f"url(#{prefix}-{found[1]})", value))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", alt)
    return finish(root)


def _drop(node: ET.Element, tags: set[str]) -> None:
    for child in list(node):
        if child.tag in tags:
            node.remove(child)
        else:
            _drop(child, tags)


def _referred(value: str) -> list[str]:
    found = _REFERENCE.findall(value)
    return [*found, value[1:]] if value.startswith("#") else found
