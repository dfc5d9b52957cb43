"""Data: what was learnt from, whose it is, under which licence, and what its check found."""

from __future__ import annotations

from core.analyses.datasets import check
from core.analyses.reports.given import UNREADABLE, Given
from core.colours import CLASS
from core.data.by_class import drawn_rows
from core.report.parts import Missing, Part, Picture, Pictures, Points, Section, Table, Words, table_of
from core.report.pictures import jpeg
from core.wording import datasets

ANCHOR, TITLE, EACH = "data", "Data and licence", 8


def made(given: Given) -> Section | Missing:
    """The section."""
    record = given.record["dataset"]
    if given.data is None:
        return Missing(ANCHOR, TITLE, given.no_data or "The dataset file is not there.")
    data = given.opened
    parts: list[Part] = []
    if data.facts.get("simulated"):
        parts.append(Words("Simulated data: made by a program. Its numbers say nothing about real landslides.",
                           "warning"))  # fmt: skip
    if data.has_pictures:
        parts += _examples(given)
    parts.append(_origin(given))
    parts.append(table_of(_bands(data), "Bands", ("Min", "5%", "Median", "95%", "Max")))
    parts += _check(given)
    missing = given.record.get("missing", {})
    basis = [f"Bands: all usable pixels of all patches, in the band's unit. {missing.get('policy', '')}".strip()]
    if not record.get("licence"):
        parts.append(Words("The dataset states no licence: ask its owner before the model or its maps are passed on.",
                           "warning"))  # fmt: skip
    return Section(ANCHOR, TITLE, datasets.sentence(data), tuple(parts), tuple(basis))


def _examples(given: Given) -> list[Part]:
    data, items = given.opened, []
    for label in (1, 0):
        ids = data.ids[drawn_rows(data.labels, label, EACH, 0)].tolist()
        for name, rgb in zip(ids, given.pictures(ids, 96), strict=True):
            items.append(Picture(jpeg(rgb), f"Patch {name}, {data.class_names[label]}", (), CLASS[label]))
    caption = f"Drawn at random. First row: {data.class_names[1]}; second: {data.class_names[0]}. {given.look[1]}"
    return [Pictures(tuple(items), "", caption, 8)]


def _bands(data):
    return datasets.short_band_table(data).map(lambda value: f"{value:g}" if isinstance(value, float) else value)


def _origin(given: Given) -> Table:
    data, selection = given.opened, given.record.get("selection", {})
    counts = ", ".join(f"{n:,} {name}" for name, n in datasets.class_counts(data).items())
    rows = [
        ("Source", data.source or "not stated"),
        ("Licence", data.licence or "not stated"),
        ("Patches", counts),
        ("Positive class", data.positive),
        ("Left out by the exclusion list", f"{selection.get('n_excluded', 0):,}"),
        ("Version of the labels", str(given.config.data.labels or "as imported")),
        ("Content (SHA-256)", data.content_hash),
    ]
    return Table(("Fact", "Value"), tuple(rows), "Where it comes from")


def _check(given: Given) -> list[Part]:
    try:
        found = check.read(given.dataset)
    except UNREADABLE:
        found = None
    if found is None or found.facts.get("content_hash") not in (None, given.opened.content_hash):
        return [Words(f"The dataset was not checked. To do so: python -m core check {given.opened.path.name}", "note")]
    told = [row.sentence() for row in found.report.rows if row.severity in ("error", "warning")]
    fine = sum(row.severity == "ok" for row in found.report.rows)
    if not told:
        return [Words(f"The dataset's check raised no error and no warning ({fine} things are in order).")]
    return [Points(tuple(told), f"What the check found ({fine} other things are in order)")]
