"""From a scene to a map, in one job: its answer, cells in the order of looking, outlines, and a picture of it all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from core.analyses.base import Analysis
from core.analyses.maps import polygons, triage_grid
from core.analyses.scene import OneSceneOptions, input_of, must_fit
from core.analyses.scene import analyse as answer_scene
from core.analyses.scene import read as read_scenes
from core.errors import FormatError, LandslideLensError, RunError
from core.progress import Progress, Steps, part
from core.runs.job_folder import now
from core.runs.results import ResultFolder
from core.runs.store import RunFolder

NAME = "scene_map"
ANSWERED = 0.85  # share of the work
OWN = ("out", "reuse", "cell_m", "minutes", "miss_rate", "dem", "roads", "date")  # of the map alone


class SceneMapOptions(OneSceneOptions):
    """The rasters and how they are answered, as of ``scene``; the cells, and what lies beside the map."""

    # None too, which a scene's raster may not be: a map has a place of its own.
    out: str | None = Field(  # type: ignore[assignment]
        None, title="Raster to write", description="A .tif; none: kept with the run."
    )
    cell_m: float = Field(
        triage_grid.CELL_M,
        gt=0,
        le=100_000,
        title="Side of a cell (m)",
        description="Ground looked at at once.",
    )
    minutes: float = Field(5.0, gt=0, title="Minutes per cell", description="How long it takes to look at one cell.")
    miss_rate: float | None = Field(
        None,
        gt=0,
        lt=1,
        title="Share of landslides that may be missed",
        description="Outline what this safety target does not clear, such as 0.05; none: the run's own threshold.",
    )
    dem: str | None = Field(None, title="Elevation", description="A GeoTIFF of heights in metres: steep ground first.")
    roads: str | None = Field(None, title="Roads", description="A GeoJSON or GeoPackage of lines.")
    date: str | None = Field(
        None, max_length=40, title="Date of the image", description="None: as the raster says, or unknown."
    )
    reuse: bool = Field(
        False, title="Draw again", description="Take the rasters that are there, and draw their map anew."
    )

    @field_validator("dem", "roads")
    @classmethod
    def _from_here(cls, value: str | None) -> str | None:
        return None if value is None else str(Path(value).resolve())

    @model_validator(mode="after")
    def _out_is_a_raster_of_its_own(self) -> Self:
        # pydantic's decorator leaves a method, which its types do not say
        return self if self.out is None else super()._out_is_a_raster_of_its_own()  # type: ignore[operator]


def analyse(run: RunFolder, options: SceneMapOptions) -> Steps[dict[str, Any]]:
    """Answer for the scene, rank its cells, outline what is called, and keep a picture.

    Raises FormatError for rasters that do not fit the run or each other, RunError where there is nothing to draw again.
    """
    own, asked = _place(run, options)
    if options.reuse:
        facts = _answered(run, asked)
    else:
        facts = yield from part(answer_scene(run, asked), 0.0, ANSWERED)
    yield from part(_draw(run, own, asked, facts), ANSWERED, 0.92)
    drawn = yield from part(_maps(run, own, asked, options), 0.92, 1.0)
    message = drawn["triage"]["message"] if drawn["triage"] else facts["message"]
    if (facts.get("novelty") or {}).get("is_off"):
        message += f" {facts['novelty']['sentence']}"
    report = {"made": now(), "scene": facts, "options": options.model_dump(mode="json"), **drawn, "message": message}
    report["options"]["out"] = facts["out"]
    own.write_json("report.json", report)
    return {"run": run.name, "name": own.path.name, **report}


def check(run: RunFolder, options: SceneMapOptions) -> None:
    """Raises as ``scene`` does for rasters that do not fit, before anything waits in a queue."""
    _, asked = _place(run, options)
    if options.reuse:
        _answered(run, asked)
    else:
        must_fit(run, asked)


def read(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """The reports of all maps by name; None before the first."""
    results = run.results(NAME)
    return {name: results.part(name).json("report.json") for name in results.parts()} or None


def folder(run: RunFolder, name: str) -> ResultFolder:
    """Of one map: ``picture`` (arrays), ``cells`` and ``polygons`` (tables), ``report.json``, and the files."""
    return run.results(NAME).part(name)


def _place(run: RunFolder, options: SceneMapOptions) -> tuple[ResultFolder, OneSceneOptions]:
    """The folder of this map, and the options of its scene."""
    given = {key: value for key, value in options.model_dump().items() if key not in OWN}
    results = run.results(NAME)
    if options.out and Path(options.out).parent.parent == results.path.resolve():
        name = Path(options.out).parent.name
    else:
        named = options.out or json.dumps(given, sort_keys=True, default=str)
        name = f"{Path(options.scene).stem}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"
    own = results.part(name)
    out = options.out or str(own.path / "probability.tif")
    return own, OneSceneOptions.model_validate(given | {"out": out})


def _answered(run: RunFolder, asked: OneSceneOptions) -> dict[str, Any]:
    found = [one for one in (read_scenes(run) or {}).values() if one["out"] == asked.out]
    if not found or not Path(asked.out).is_file():
        raise RunError(f"{Path(asked.out).name} is not there any more. Predict the scene again.")
    return found[-1]


def _draw(run: RunFolder, own: ResultFolder, asked: OneSceneOptions, facts: dict[str, Any]) -> Steps[None]:
    """Keep the scene and its answers as a page shows them."""
    from core.data.bands import bands_named
    from core.predict.patches import Ensemble
    from core.predict.scene_map.overview import answers, picture, step_of
    from core.predict.values import values_of_run

    source, trained = input_of(asked), values_of_run(run)
    if trained:
        units = {row["name"]: row["unit"] for row in trained}
        bands = bands_named([row["name"] for row in trained], units=units)
    else:
        bands = Ensemble.load(run).models[0].network.bands
    stack = source.stack(run.name, tuple(bands), [])
    shape = tuple(facts["shape"])
    step = step_of(shape)
    after = yield from part(picture(stack.layers[0], stack.grid, step), 0.0, 0.5)
    arrays = {"after": after.rgb}
    if source.before is not None:
        before = yield from part(picture(stack.layers[-1], stack.grid, step), 0.5, 0.9)
        arrays["before"] = before.rgb
    rasters = {"probability": "out", "disagreement": "disagreement", "novelty": "novelty_raster", "unseen": "unseen"}
    for name, key in rasters.items():
        if facts.get(key):
            arrays[name] = answers(Path(facts[key]), shape, step, classes=name == "unseen")
    if facts.get("where"):
        arrays["where"] = answers(Path(facts["where"]), shape, step)
    own.write_arrays("picture", arrays)
    own.write_json("picture.json", {"step": step, "bands": list(after.bands), "pixel_m": _pixel_m(Path(facts["out"]))})


def _pixel_m(path: Path) -> list[float] | None:
    from core.predict.maps.grid import grid_of

    try:
        return list(grid_of(path).pixel_m)
    except FormatError:
        return None


def _maps(run: RunFolder, own: ResultFolder, asked: OneSceneOptions, options: SceneMapOptions) -> Steps[dict[str, Any]]:
    """Cells and outlines, as files and for the page; for a scene without a place, why there are none."""
    from core.predict.maps.grid import grid_of
    from core.predict.polygons.files import LAYER as OUTLINES
    from core.predict.scene_map.shapes import boxes, read_shapes, rings
    from core.predict.triage_grid.files import LAYER as CELLS

    out = Path(asked.out)
    try:
        grid = grid_of(out)
    except LandslideLensError as error:
        return {"triage": None, "polygons": None, "no_map": str(error)}
    shared = {
        "probability": str(out),
        "prevalence": asked.prevalence,
        "miss_rate": options.miss_rate,
        "dem": options.dem,
        "roads": options.roads,
    }
    cells_to, shapes_to = (out.with_name(f"{out.stem}_{name}.geojson") for name in ("cells", "polygons"))
    more = {"out": str(cells_to), "cell_m": options.cell_m, "minutes": options.minutes}
    triage = yield from part(triage_grid.ANALYSIS.start(run, shared | more), 0.0, 0.4)
    more = {"out": str(shapes_to), "date": options.date}
    outlined = yield from part(polygons.ANALYSIS.start(run, shared | more), 0.4, 0.9)
    yield Progress(0.9, "Keeping what the page shows.")
    shapes, table = read_shapes(cells_to.with_suffix(".gpkg"), CELLS, grid)
    own.write_table("cells", table.join(boxes(shapes)))
    shapes, table = read_shapes(shapes_to.with_suffix(".gpkg"), OUTLINES, grid)
    own.write_table("polygons", table.join(boxes(shapes)))
    own.write_arrays("outlines", dict(zip(("xy", "polygon"), rings(shapes), strict=True)))
    return {"triage": triage, "polygons": outlined, "no_map": None}


ANALYSIS = Analysis(
    name=NAME,
    title="Scene and map",
    summary="A scene's answer, its cells in the order of looking, and outlines, in one job; shown on the Predict page.",
    page="predict",
    view="scene",
    Options=SceneMapOptions,
    run=analyse,
    read=read,
    check=check,
)
