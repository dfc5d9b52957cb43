"""Figures of ``docs/load.md`` outside its made tables, as ``tests/figures.py`` explains."""

from __future__ import annotations

FIGURES = (
    "first picture within 2 s at {pages_7147[n]:,} patches and 3 s at {pages_50000[n]:,}",
    "the bare app alone took {pages_7147[bare][cold_s]:.1f} s",
    "within the aim at {pages_7147[n]:,} patches. With {pages_50000[n]:,} patches the pages",
    "the last 200 of {pages_7147[reruns]}",
)
SETTINGS = {
    "loads 9 MB": "counted in the browser",
    "within 2 s at": "an aim",
    "and 3 s at": "an aim",
    "within 300 ms": "an aim",
    "the last 200 of": "a setting of the benchmark",
}
