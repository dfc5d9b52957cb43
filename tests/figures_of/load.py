"""Figures of ``docs/load.md`` outside its made tables, as ``tests/figures.py`` explains."""

from __future__ import annotations

FIGURES = (
    "first picture within 2 s at {pages_7147[n]:,} patches and 3 s at {pages_50000[n]:,}",
    "has its picture after {pages_7147[session_s][embedding]:.2f} s, with {pages_50000[n]:,} patches",
    "after {pages_50000[session_s][embedding]:.2f} s",
    "Train's, takes {pages_7147[pages][train][rerun_ms]:.0f} ms, with {pages_50000[n]:,} patches "
    "{pages_50000[pages][train][rerun_ms]:.0f} ms",
    "as the bare app does with its {pages_7147[bare][cold_s]:.1f} s",
    "the last 200 of {pages_7147[reruns]}",
)
SETTINGS = {
    "loads 9 MB": "counted in the browser",
    "within 2 s at": "an aim",
    "and 3 s at": "an aim",
    "within 300 ms": "an aim",
    "the last 200 of": "a setting of the benchmark",
}
