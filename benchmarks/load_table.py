"""The tables of docs/load.md, from the results files: ``python -m benchmarks.load_table``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from benchmarks.speed.first_picture import ROOT

SIZES = ("pages_7147", "pages_50000")
DOCUMENT = ROOT / "docs" / "load.md"


def pages(results: Mapping[str, Any]) -> str:
    """A row a page, four columns a size, and the bare app."""
    sizes = [results[name] for name in SIZES]
    head = "| |" + "".join(f" {one['n']:,} patches: in a session | first | again | rerun |" for one in sizes)
    lines = [head, "|---|" + "---:|" * 4 * len(sizes)]
    for name in sizes[0]["pages"]:
        if name != "errors":  # leads to Review
            lines.append(
                f"| {name.capitalize()} |" + "".join(_row(one["pages"][name], one["session_s"][name]) for one in sizes)
            )
    lines.append("| bare Streamlit app |" + "".join(_row(one["bare"]) for one in sizes))
    return "\n".join([*lines, "", _made(sizes)])


def people(results: Mapping[str, Any]) -> str:
    """What many sessions and many reruns cost, a column a size."""
    sizes = [results[name] for name in SIZES]
    rows = {
        "Sessions at once": lambda one: f"{one['people']['sessions']:.0f}",
        "First picture, median": lambda one: f"{one['people']['first_picture_median_s']:.0f} s",
        "First picture, last": lambda one: f"{one['people']['first_picture_last_s']:.0f} s",
        "Rerun of all at once, median": lambda one: f"{one['people']['rerun_median_ms'] / 1000:.1f} s",
        "Rerun of all at once, last": lambda one: f"{one['people']['rerun_last_ms'] / 1000:.1f} s",
        "Server's memory with them": lambda one: f"{one['people']['server_mib']:.0f} MiB",
        f"Server's memory after {sizes[0]['reruns']} reruns": lambda one: (
            f"{one['memory']['server']['mib'][-1]:.0f} MiB"
        ),
        "Growth over the last 200 of them": lambda one: f"{100 * one['memory']['server']['growth']:+.1f} %",
    }
    lines = ["| |" + "".join(f" {one['n']:,} patches |" for one in sizes), "|---|" + "---:|" * len(sizes)]
    lines += [f"| {words} |" + "".join(f" {tell(one)} |" for one in sizes) for words, tell in rows.items()]
    return "\n".join(lines)


def runs(results: Mapping[str, Any]) -> str:
    """The registry."""
    one = results["registry"]
    rows = {
        f"The page's script with {one['n']:,} runs, first of a server": "page_first_s",
        "The same, again": "page_s",
        "Index of all of them from nothing": "from_nothing_s",
        "Index read from its file": "from_the_index_s",
    }
    lines = ["| | seconds |", "|---|---:|", *(f"| {words} | {one[key]:.2f} |" for words, key in rows.items())]
    return "\n".join([*lines, "", _made([one])])


def filled(text: str, results: Mapping[str, Any]) -> str:
    """The document with its tables as the results are."""
    for name, make in (("pages", pages), ("people", people), ("runs", runs)):
        table = f"<!-- {name} -->\n{make(results)}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->.*?<!-- /{name} -->", lambda _, made=table: made, text, flags=re.DOTALL)
    return text


def _row(one: Mapping[str, float], session_s: float | None = None) -> str:
    session = "" if session_s is None else f"{session_s:.2f} s"
    return f" {session} | {one['cold_s']:.1f} s | {one['warm_s']:.1f} s | {one['rerun_ms']:.0f} ms |"


def _made(results: list[Mapping[str, Any]]) -> str:
    one = results[0]
    load = " and ".join(f"{each['load_average']:.1f}" for each in results)
    return (
        f"Measured on {one['date']}, {one['machine']}, load average {load}, Streamlit {one['versions']['streamlit']}."
    )


def main() -> None:
    """See the module."""
    folder = ROOT / "benchmarks" / "results"
    results = {name: json.loads((folder / f"{name}.json").read_text()) for name in (*SIZES, "registry")}
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
