"""The report of a scene, for the officer on duty: where to look first, what was not seen, what is promised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.analyses import scene_map
from core.analyses.reports.given import own_share
from core.colours import DOUBT, POSITIVE
from core.errors import LandslideLensError, RunError
from core.evaluate.prevalence import shifted
from core.predict.scene.rasters import REASONS
from core.predict.scene_map.drawing import Place, drawn, greyed, over, top_of, unseen_over
from core.progress import Progress, Steps
from core.report.parts import (
    Document,
    FrontPage,
    Missing,
    Number,
    Part,
    Picture,
    Pictures,
    Points,
    Section,
    Table,
    Words,
)
from core.report.pictures import jpeg
from core.runs.job_folder import now
from core.runs.labels import title_of
from core.runs.results import ResultFolder
from core.runs.store import RunFolder
from core.text import count, counted, interval_percent, number, percent
from core.wording import results
from core.wording.names import head_title
from core.wording.scene import amount, cells_for, expected_words, sentence, unseen_sentence

SHARE, OPACITY, FIRST_CELLS, MOST_CELLS, MOST_POLYGONS, MOST_PX = 80, 70, 25, 40, 15, 1400


def chosen(run: RunFolder, name: str) -> tuple[str, dict[str, Any]]:
    """A map of this run and its report: of this name, or the newest whose name begins so, such as the scene's own.

    Raises RunError naming those there are.
    """
    maps = scene_map.read(run) or {}
    fitting = [name] if name in maps else [one for one in maps if one.startswith(Path(name).stem)]
    if not fitting:
        known = ", ".join(maps) or f"none yet; python -m core analyse scene_map {run.name} --scene after.tif makes one"
        raise RunError(f"Run '{run.name}' has no map of a scene named '{name}'. Its maps: {known}.")
    newest = max(fitting, key=lambda one: str(maps[one].get("made", "")))
    return newest, maps[newest]


def document_of(run: RunFolder, name: str) -> Steps[Document]:
    """The document. Raises RunError for a map that is not there."""
    key, report = chosen(run, name)
    own, scene, summary = scene_map.folder(run, key), report["scene"], run.summary()
    yield Progress(0.1, "Reading the map.")
    cells = own.table("cells") if report["triage"] else None
    first = cells_for(cells, SHARE) if cells is not None else 0
    yield Progress(0.3, "Drawing the map.")
    pictures = _pictures(run, own, report, cells, first)
    facts = [
        ("Scene", Path(scene["scene"]).name),
        ("Date of the image", str(report["options"].get("date") or "not stated")),
        ("Ground", amount(scene, "all")),
        ("Run", title_of(run)),
        ("Answered", str(report.get("made", ""))[:10]),
    ]
    sections: list[Section | Missing] = [_map(run, own, report, pictures)]
    sections += [_cells(report, cells, first), _polygons(own, report)] if cells is not None else [
        Missing("cells", "Cells and outlines", report.get("no_map") or "The scene does not say where it lies.")
    ]  # fmt: skip
    sections += [_unseen(scene), _promise(run, report), _behind(run, summary, scene), _files(report)]
    yield Progress(0.9, "Writing.")
    front = FrontPage(
        sentence(report, cells, first), "", (Pictures((pictures["map"],), "", _legend(report), 1),),
        tuple(_numbers(report, cells, summary)),
        (Points(tuple(_to_do(report, cells, first)), "What to do"),
         Points(tuple(_care(run, report)), "What is not known")),
        f"{_basis(scene, report)}",
    )  # fmt: skip
    title = f"Where to look first: {Path(scene['scene']).name}"
    made = now()[:16].replace("T", " ") + " UTC"
    return Document("scene", title, "", tuple(facts), tuple(sections), made, front)


# ----------------------------------------------------------------------------------------------------- the map


def _shown(run: RunFolder, values: np.ndarray, report: Mapping[str, Any]) -> np.ndarray:
    """Probabilities for the share of landslides that was stated for this ground, as the page shows them."""
    stated = (report["triage"] or {}).get("share_of_landslides")
    if stated is None:
        return values
    return shifted(values, own_share(run.summary()), stated)


def _pictures(
    run: RunFolder, own: ResultFolder, report: Mapping[str, Any], cells: pd.DataFrame | None, first: int
) -> dict[str, Picture]:
    found, shape = own.arrays("picture"), report["scene"]["shape"]
    outlines = own.arrays("outlines")["xy"] if cells is not None else None
    ranked = None if cells is None else cells[cells["rank"].between(1, min(first, FIRST_CELLS))]
    probs = _shown(run, found["probability"], report)
    unseen = (unseen_over(found["unseen"]), 100)
    layer = (over(probs, top_of(probs), POSITIVE), OPACITY)
    name = Path(report["scene"]["scene"]).name
    whole = drawn(found["after"], [unseen, layer], shape, outlines, ranked)
    alt = f"{name} with the probability of landslide over it, outlines, and the cells to look at first, numbered"
    pictures = {"map": Picture(_jpeg(whole, 82), alt), "after": Picture(
        _jpeg(greyed(found["after"]), 80), f"{name} as it is", ("After the event",))}  # fmt: skip
    if "before" in found:
        pictures["before"] = Picture(_jpeg(greyed(found["before"]), 80), "The same ground before", ("Before",))
    if "disagreement" in found and np.isfinite(found["disagreement"]).any():
        spread = drawn(found["after"], [unseen, (over(found["disagreement"], 0.5, DOUBT), 90)], shape, None, None)
        alt = "Where the folds' networks disagree, over the scene"
        pictures["disagreement"] = Picture(_jpeg(spread, 76), alt, ("Violet: the folds disagree",))
    plain = drawn(found["after"], [unseen, layer], shape, None, None)
    pictures["probability"] = Picture(_jpeg(plain, 78), "Probability of landslide over the scene", ("Probability",))
    return pictures


def _jpeg(rgb: np.ndarray, quality: int) -> str:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(rgb))
    picture.thumbnail((MOST_PX, MOST_PX), Image.Resampling.LANCZOS)
    return jpeg(np.asarray(picture), quality)


def _legend(report: Mapping[str, Any]) -> str:
    size = ""
    if report["scene"]["km2"] is not None:
        size = f" {amount(report['scene'], 'all')} in all."
    return (
        "Orange: the more opaque, the likelier a landslide; orange lines: outlined from the threshold on. White: cells "
        f"in the order of looking. Grey: not seen.{size}"
    )


def _map(run: RunFolder, own: ResultFolder, report: Mapping[str, Any], pictures: Mapping[str, Picture]) -> Section:
    facts, scene = own.json("picture.json"), report["scene"]
    place = Place.of(scene["shape"], facts["pixel_m"])
    wide, high = place.size
    shown = tuple(pictures[name] for name in ("before", "after", "probability", "disagreement") if name in pictures)
    message = f"The scene is {wide:.3g} by {high:.3g} {place.unit}, shown in {', '.join(facts['bands'])}."
    part = Pictures(shown, "", "The same ground in each picture. Grey: not seen.", 2)
    return Section("map", "The scene", message, (part,), (
        f"The run answers for windows of {scene['side'][0]} by {scene['side'][1]} pixels, {scene['stride']} pixels "
        "apart; values between their centres are interpolated. The map is no finer than a window: it says that there "
        "is a landslide around here, not where its edge is.",
    ))  # fmt: skip


# ------------------------------------------------------------------------------------------- cells and outlines


def _cells(report: Mapping[str, Any], cells: pd.DataFrame, first: int) -> Section:
    ranked = cells[cells["rank"] > 0].sort_values("rank")
    shown = ranked.head(min(max(first, 10), MOST_CELLS))
    with_slope = "slope_deg" in shown and shown["slope_deg"].notna().any()
    columns = ["Rank", "Cell (row-column)", "Expected (km²)", "Held so far", "Highest probability"]
    columns += ["Slope (°)"] if with_slope else []
    rows = []
    for row in shown.itertuples():
        cell = [f"{int(row.rank)}", str(row.cell), number(row.expected_km2, 3), percent(row.held, 0),
                number(row.prob_max, 2)]  # fmt: skip
        rows.append((*cell, *([number(row.slope_deg, 0)] if with_slope else ()), str(row.status)))
    table = Table((*columns, "Status"), tuple(rows), f"The first {len(rows)} of {counted(len(ranked), 'cell')} seen",
                  tuple(columns[2:]))  # fmt: skip
    parts: list[Part] = [_workload(report), table]
    triage = report["triage"]
    basis = (
        f"Cells of {report['options'].get('cell_m', 0):g} m. Expected ground is the sum of calibrated probability "
        f"times ground; cells are ranked by it{', weighted by slope' if report['options'].get('dem') else ''}. "
        f"{triage['promise']}",
    )
    return Section("cells", "Cells in the order of looking", sentence(report, cells, first), tuple(parts), basis)


def _workload(report: Mapping[str, Any]) -> Part:
    stops = report["triage"].get("workload") or []
    rows = tuple(
        (percent(stop["asked"], 0), count(stop["cells"]), f"{stop['hours']:.1f}", f"{stop['km2']:,.4g}",
         f"{stop['missed_km2']:,.3g}")
        for stop in stops
    )  # fmt: skip
    if not rows:
        return Words("The workload was not kept with this map.", "note")
    columns = ("To find of what is expected", "Cells", "Hours", "Ground looked at (km²)", "Left unseen (km² expected)")
    minutes = report["options"].get("minutes", 5)
    return Table(columns, rows, f"What it takes, at {minutes:g} minutes a cell", columns[1:])


def _polygons(own: ResultFolder, report: Mapping[str, Any]) -> Section:
    facts, table = report["polygons"], None
    try:
        table = own.table("polygons").sort_values("area_m2", ascending=False)
    except (LandslideLensError, KeyError):
        table = None
    threshold = number(report["triage"]["threshold"])
    message = f"{counted(facts['n'], 'polygon')}, {facts['area_km2']:,.3g} km², from probability {threshold} on."
    parts: list[Part] = []
    if table is not None and len(table):
        rows = tuple(
            (f"{row.area_m2 / 1e6:,.3g}", number(row.prob_mean, 2), number(row.prob_max, 2))
            for row in table.head(MOST_POLYGONS).itertuples()
        )
        numbered = tuple((str(k + 1), *row) for k, row in enumerate(rows))
        columns = ("Largest", "Area (km²)", "Mean probability", "Highest")
        parts.append(Table(columns, numbered, "", columns[1:]))
    parts += [Words(text, "warning") for text in facts.get("warnings", [])]
    return Section("polygons", "Outlines", message, tuple(parts), ("Areas are on the ellipsoid.",))


# ---------------------------------------------------------------------------------------- what is and is not known


def _unseen(scene: Mapping[str, Any]) -> Section:
    what = scene["km2"] if scene["km2"] is not None else scene["pixels"]
    rows = tuple((reason.capitalize(), amount(scene, reason)) for reason in REASONS.values() if what.get(reason))
    parts: list[Part] = [Table(("Why", "Ground"), rows, "", ("Ground",))] if rows else []
    return Section("unseen", "Ground that was not seen", unseen_sentence(scene), tuple(parts))


def _promise(run: RunFolder, report: Mapping[str, Any]) -> Section:
    triage = report["triage"] or {}
    words = triage.get("promise") or "Nothing is promised of this map."
    points = []
    ends = triage.get("expected_km2_interval")
    if ends:
        points.append(f"Landslide ground expected in what was seen: {expected_words(triage['expected_km2'], ends)}.")
    if triage.get("share_of_landslides") is None:
        points.append(
            f"Landslides are taken to be as frequent as in training ({percent(own_share(run.summary()), 0)}). Where "
            "that is not so, probabilities and expected ground are off; their order holds."
        )
    novelty = report["scene"].get("novelty") or {}
    if novelty.get("sentence"):
        points.append(str(novelty["sentence"]))
    return Section("promise", "What is promised", words, (Points(tuple(points)),) if points else ())


def _behind(run: RunFolder, summary: Mapping[str, Any], scene: Mapping[str, Any]) -> Section:
    head = scene["head"] if scene["head"] in summary["heads"] else summary["head"]
    facts = summary["heads"][head]
    words = results.counts_in_words(facts, summary["positive"])
    return Section(
        "run", "The run behind it", results.headline(facts, summary["positive"]),
        (Words(words), Words(f"Its own report says more: python -m core report {run.name} --out report.html", "note")),
        (results.basis(summary, head), "On other ground it may find less: this scene has no labels to tell."),
    )  # fmt: skip


def _files(report: Mapping[str, Any]) -> Section:
    names = [Path(report["scene"]["out"]).name]
    for kind in ("triage", "polygons"):
        names += [Path(path).name for path in (report[kind] or {}).get("files", [])]
    warnings = list(report["scene"]["warnings"])
    for kind in ("triage", "polygons"):
        warnings += (report[kind] or {}).get("warnings", [])
    parts: list[Part] = [Points(tuple(dict.fromkeys(names)), "Files for a GIS")]
    if warnings:
        parts.append(Points(tuple(dict.fromkeys(warnings)), "What to know about this scene"))
    return Section("files", "Files and notes", "The map as files, and what the job told while it read the scene.",
                   tuple(parts))  # fmt: skip


def _numbers(report: Mapping[str, Any], cells: pd.DataFrame | None, summary: Mapping[str, Any]) -> list[Number]:
    scene, cards = report["scene"], []
    if cells is not None:
        triage, polygons = report["triage"], report["polygons"]
        ends = triage.get("expected_km2_interval")
        held = f"{ends[0]:,.3g}–{ends[1]:,.3g} km² out of fold" if ends else ""
        cards.append(Number("Expected landslide ground", f"{triage['expected_km2']:,.3g} km²", held))
        cards.append(Number("Outlined", f"{polygons['area_km2']:,.3g} km²", counted(polygons["n"], "polygon")))
    else:
        cards.append(Number("At or above the threshold", amount(scene, "landslide")))
    facts = summary["heads"].get(scene["head"], {})
    if facts.get("recall") is not None:
        ends = interval_percent((facts.get("intervals") or {}).get("recall"))
        cards.append(Number("Finds of landslides", percent(facts["recall"], 0), f"{ends}, on its own test patches"))
    lost = scene["km2"] if scene["km2"] is not None else scene["pixels"]
    total = sum(lost.get(reason, 0) for reason in REASONS.values())
    cards.append(Number("Not seen", f"{total:,.3g} km²" if scene["km2"] is not None else f"{total:,} pixels",
                        "never counted as safe"))  # fmt: skip
    return cards


def _to_do(report: Mapping[str, Any], cells: pd.DataFrame | None, first: int) -> list[str]:
    if cells is None:
        return [
            "Look at what lies at or above the threshold; the scene does not say where it lies, so there are no cells."
        ]
    n = int((cells["rank"] > 0).sum())
    enough = f"{count(first)} of {counted(n, 'cell')} {'holds' if first == 1 else 'hold'}"
    words = [f"Go through the numbered cells in their order; {enough} what is said above."]
    words.append("Look at each with your own eyes: an alarm is a place to look at, not a finding.")
    if (cells["rank"].isna() | (cells["rank"] == 0)).any():
        words.append("Send someone to, or wait for an image of, the ground that was not seen.")
    return words


def _care(run: RunFolder, report: Mapping[str, Any]) -> list[str]:
    words = [unseen_sentence(report["scene"])]
    novelty = report["scene"].get("novelty") or {}
    if novelty.get("is_off"):
        words.append(str(novelty["sentence"]))
    if (report["triage"] or {}).get("share_of_landslides") is None:
        words.append("How frequent landslides are here was not stated: sizes may be off, the order holds.")
    return [*words, "No label of this scene was seen: how good the map is here is not measured."]


def _basis(scene: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    threshold = number((report["triage"] or scene)["threshold"])
    shown = f"{head_title(scene['head'])}, mean of {scene['n_folds']} folds"
    words = f"{shown}; threshold {threshold}; {count(scene['n_answered'])} windows, {scene['stride']} pixels apart."
    if (report["triage"] or {}).get("expected_km2_interval"):
        words += " Expected ground by the probabilities; beside it, by how often such answers were right out of fold."
    return words
