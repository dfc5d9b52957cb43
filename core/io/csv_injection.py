"""Keeps a spreadsheet from running text as a formula."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(value: object) -> object:
    """``value``; text that a spreadsheet would run gets an apostrophe in front (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def guarded(text: str) -> str:
    """:func:`csv_cell` of text that is read back: :func:`unguarded` gives it again, whatever it begins with."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def unguarded(cell: str) -> str:
    """The text that :func:`guarded` wrote; any other text is returned as it is."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS) else cell
