"""Every figure of README and docs that comes from ``benchmarks/results/`` is the one in its file.

A section is looked at as a whole once it names a results file or holds a registered figure: each number in it is
registered in ``tests/figures.py``, stands in a table that a script makes, or is a setting with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from string import Formatter
from typing import Any

import pytest

from benchmarks.experiments import ablations, balancing_table
from benchmarks.experiments.scaling import table as scaling_table
from benchmarks.experiments.transfer import sets_table, unfreeze
from benchmarks.load_table import filled as load_filled
from tests.figures import EVERYWHERE, FIGURES, SETTINGS
from tests.results_files import ROOT, Node, read

DOCUMENTS = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
MADE = {  # tables between markers, put there by a script
    "docs/scaling.md": lambda text, results: scaling_table.filled(
        text, {name: results[name].value for name in scaling_table.NAMES if name in results}
    ),
    "docs/load.md": lambda text, results: load_filled(
        text, {name: results[name].value for name in ("pages_7147", "pages_50000", "registry")}
    ),
    "docs/ablations.md": lambda text, results: ablations.filled(text, results["ablations"].value),
    "docs/balancing.md": lambda text, results: balancing_table.filled(text, results["balancing"].value),
    "docs/transfer.md": lambda text, results: unfreeze.filled(
        sets_table.filled(text, {name: results[name].value for name in sets_table.FILES.values()}),
        results["unfreeze"].value,
    ),
}
NUMBER = re.compile(r"(?<![A-Za-z_\d.,])\d+(?:[.,]\d+)*(?:e-?\d+)?")  # F1, B4 and float64 are names


class Figures(Formatter):
    """``str.format`` that rounds the digits that a file shows as people do: 0.9015 to 0.902; ``!p`` is in percent."""

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        return 100 * Decimal(str(value)) if conversion == "p" else super().convert_field(value, conversion)

    def format_field(self, value: Any, form: str) -> str:
        places = re.fullmatch(r"\+?,?\.(\d+)f", form)
        if isinstance(value, float | Decimal) and places:
            value = Decimal(str(value)).quantize(Decimal(1).scaleb(-int(places[1])), ROUND_HALF_UP)
        return format(value, form)


def sections(text: str) -> list[str]:
    """The text between headings, each on one line; without code, made tables and links' targets."""
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", text, flags=re.DOTALL)
    return [" ".join(part.split()) for part in re.split(r"^#+ .*$", text, flags=re.MULTILINE)]


def rendered(template: str, results: Mapping[str, Any]) -> tuple[str, list[tuple[int, int]]]:
    """The text with its figures, and where they stand in it."""
    text, spans = "", []
    figures = Figures()
    for words, field, form, conversion in figures.parse(template):
        text += words
        if field is not None:
            value = figures.convert_field(figures.get_field(field, (), results)[0], conversion)
            figure = figures.format_field(value, form)
            spans.append((len(text), len(text) + len(figure)))
            text += figure
    return text, spans


def places(words: str, section: str) -> list[int]:
    """Where ``words`` stand in a section, no number being cut at their ends."""
    ends = (r"(?<![\d.,])" if words[0].isdigit() else "", r"(?![\d]|[.,]\d)" if words[-1].isdigit() else "")
    return [found.start() for found in re.finditer(ends[0] + re.escape(words) + ends[1], section)]


def faults(name: str, text: str, results: Mapping[str, Any]) -> list[str]:
    """What a document says that its results files do not, and numbers of which nothing is known."""
    told, parts = [], sections(text)
    known: list[list[tuple[int, int]]] = [[] for _ in parts]
    looked_at = {i for i, part in enumerate(parts) if any(f"{stem}.json" in part for stem in results)}
    for template in FIGURES.get(name, ()):
        words, spans = rendered(template, results)
        found = [(i, at) for i, part in enumerate(parts) for at in places(words, part)]
        if len(found) != 1:
            told.append(f"{name}: {len(found)} times instead of once: {words}")
        for i, at in found:
            looked_at.add(i)
            known[i] += [(at + lo, at + hi) for lo, hi in spans]
    for words in (*SETTINGS.get(name, {}), *EVERYWHERE):
        found = [(i, at) for i in looked_at for at in places(words, parts[i])]
        if not found and words not in EVERYWHERE:
            told.append(f"{name}: a setting that is not there: {words}")
        for i, at in found:
            known[i].append((at, at + len(words)))
    for i in sorted(looked_at):
        for number in NUMBER.finditer(parts[i]):
            if not any(lo <= number.start() and number.end() <= hi for lo, hi in known[i]):
                around = parts[i][max(0, number.start() - 40) : number.end() + 25]
                told.append(f"{name}: of which file is {number[0]}? ... {around} ...")
    return told


@pytest.fixture(scope="module")
def results():
    return read()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_figures_are_those_of_their_files(name, results):
    told = faults(name, (ROOT / name).read_text(encoding="utf-8"), results)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("name", MADE)
def test_tables_are_what_their_script_makes(name, results):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert MADE[name](text, results) == text


def test_every_results_file_that_is_named_is_there(results):
    for name in DOCUMENTS:
        named = re.findall(r"benchmarks/results/(\w+)\.json", (ROOT / name).read_text(encoding="utf-8"))
        assert set(named) <= set(results), f"{name} names results that are not there"


@pytest.mark.parametrize("name", FIGURES)
def test_any_other_figure_is_found(name, results):
    """Each registered figure, its last digit changed in a copy of the document."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for template in FIGURES[name]:
        words, spans = rendered(template, results)
        there = re.search(r"\s+".join(map(re.escape, words.split())), text)
        for _, end in spans:
            wrong = words[: end - 1] + str((int(words[end - 1]) + 1) % 10) + words[end:]
            changed = text[: there.start()] + wrong + text[there.end() :]
            assert not any(places(words, part) for part in sections(changed)), wrong
    assert any(one.endswith(f"0 times instead of once: {words}") for one in faults(name, changed, results))


@pytest.mark.parametrize("more", ["It takes 17.3 s.", "| a new row | 0.731 |", "Recall is 4 times as high."])
def test_a_figure_that_nobody_registered_is_found(more, results):
    text = (ROOT / "docs/bands.md").read_text(encoding="utf-8")
    assert not faults("docs/bands.md", text, results)
    told = faults("docs/bands.md", text.rstrip() + f" {more}\n", results)
    assert len(told) == 1 and "of which file is" in told[0]


def test_figures_of_another_results_file_are_found(results):
    """The fault that was: the file measured again, the words left as they were."""
    load = results["load"].value
    again = {**load, "ratio": {**load["ratio"], "first_epoch_warm": 2.7}}
    text = (ROOT / "docs/bands.md").read_text(encoding="utf-8")
    told = faults("docs/bands.md", text, {**results, "load": Node(again)})
    assert any("is 2.7 times as fast with warm files" in one for one in told)


def test_a_setting_that_went_is_told_of(results):
    text = (ROOT / "docs/bands.md").read_text(encoding="utf-8")
    assert "docs/bands.md: a setting that is not there: (64x64x12)" in faults(
        "docs/bands.md", text.replace("(64x64x12)", ""), results
    )
