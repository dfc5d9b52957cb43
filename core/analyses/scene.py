"""Probability, disagreement and what was not seen of a whole scene, as rasters on its own grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from core.analyses.base import Analysis
from core.analyses.maps import polygons
from core.analyses.safety import PlaceOptions
from core.config.sections import NoDataValue, names_of
from core.errors import ConfigError, FormatError
from core.progress import Steps, part
from core.runs.store import RunFolder

NAME = "scene"
TIFF = (".tif", ".tiff")
ANSWERED = 0.95  # share of the work, where polygons follow
Paths = Annotated[tuple[str, ...], BeforeValidator(names_of)]


class AnsweringOptions(PlaceOptions):
    """How a scene is read and how densely it is answered, and the rasters that are read beside it."""

    also: Paths = Field((), title="Further rasters", description="Rasters of the same ground, with more bands.")
    before: str | None = Field(
        None, title="Before the event", description="A raster from before the event: its red is red_pre."
    )
    bands: Paths | None = Field(None, title="Bands", description="Names of the scene's bands in their order: a,b,c.")
    also_bands: str | None = Field(
        None, title="Bands of the further rasters", description='The same for each further raster: "a,b; c".'
    )
    before_bands: Paths | None = Field(
        None, title="Bands from before", description="The same for the raster from before the event."
    )
    unit: str | None = Field(None, title="Unit", description="Of the optical bands: DN, reflectance or 0-255.")
    nodata: NoDataValue = Field(None, title="No-data value", description="A pixel with it in all bands was not seen.")
    cloud: Paths = Field(
        (),
        title="Clouds",
        description="Rasters that say where clouds are. `python -m core analyse scene_clouds` makes one.",
    )
    cloud_values: tuple[float, ...] = Field(
        (), title="Values that mean cloud", description="In the rasters of clouds, such as 3,8,9,10; none: all but 0."
    )
    stride: int | None = Field(
        None,
        ge=1,
        le=4096,
        title="Stride (pixels)",
        description="From one window to the next; none: half a patch. Smaller is finer and slower.",
    )
    flips: bool | None = Field(
        None,
        title="Average over flips",
        description="Average each window's answer over flips and quarter turns; none: as the run was evaluated.",
    )
    seen: Literal["all", "any"] = Field(
        "all",
        title="A pixel was seen where",
        description="all: every band of the run has a value there. any: at least one has; the others are the mean.",
    )
    most_unseen: float = Field(
        0.5,
        ge=0,
        lt=1,
        title="Most of a window that may be unseen",
        description="A window of which more was not seen has no answer.",
    )
    where: bool | None = Field(
        None,
        title="Where in the cell",
        description="One more raster: each pixel's probability by the run's mask head. none: where it has one.",
    )

    @field_validator("scene", "out", "before", "polygons", check_fields=False)
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        return value if value is None else str(Path(value).resolve())  # the worker has another working directory

    @field_validator("also", "cloud", "scenes", check_fields=False)
    @classmethod
    def _all_absolute(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(Path(one).resolve()) for one in value)

    @field_validator("cloud_values", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return names_of(value)


class OneSceneOptions(AnsweringOptions):
    """One scene, and where its answer goes."""

    scene: str = Field(min_length=1, title="Scene", description="The GeoTIFF whose grid the answer has.")
    out: str = Field(min_length=1, title="Raster to write", description="A .tif; others are written beside it.")

    @model_validator(mode="after")
    def _out_is_a_raster_of_its_own(self) -> Self:
        if Path(self.out).suffix.lower() not in TIFF:
            raise ValueError(f"out is {Path(self.out).name}; accepted: a name that ends in {' or '.join(TIFF)}.")
        return self


class SceneOptions(OneSceneOptions):
    """One scene, its raster, and outlines of what is called."""

    polygons: str | None = Field(
        None, title="Polygons to write", description="A .geojson or .gpkg; the other one and a style lie beside it."
    )
    date: str | None = Field(
        None,
        max_length=40,
        title="Date of the image",
        description="For the polygons; none: as the raster says, or unknown.",
    )


def must_fit(run: RunFolder, options: OneSceneOptions) -> None:
    """Looks at the rasters' headers alone.

    Raises FormatError for a raster that is not there, has no place for polygons, or does not fit the run or the others,
    ConfigError for one that would be written over.
    """
    from core.data.bands import bands_named
    from core.data.readers import must_exist
    from core.predict.scene.rasters import WITH_WHERE, path_of
    from core.predict.values import values_of_run

    asked = input_of(options)
    for path in asked.files:
        must_exist(path)
    if shapes := getattr(options, "polygons", None):
        _can_be_outlined(asked, Path(shapes))
    if options.where and not run.config().model.masks:
        raise ConfigError(
            f"Run '{run.name}' has no mask head, so it cannot draw where in a cell a landslide lies. Leave the option "
            "out and choose a small stride, or train a U-Net with model.masks=true on a dataset with masks."
        )
    for kind in WITH_WHERE:
        if (path := path_of(kind, Path(options.out))) in asked.files:
            raise ConfigError(f"{path.name} is read, and would be written over. Give another name with --out.")
    if trained := values_of_run(run):
        units = {row["name"]: row["unit"] for row in trained}
        asked.stack(run.name, bands_named([row["name"] for row in trained], units=units), [])


def _can_be_outlined(asked: Any, out: Path) -> None:
    from core.data.readers.geo.placement import place_of
    from core.data.readers.geo.raster import raster_header
    from core.predict.maps.vector_files import check_outputs

    check_outputs(out)
    first = asked.files[0] if asked.files else None  # a folder without tiles is refused with the rasters
    if first is None or first.suffix.lower() not in TIFF:
        return
    place = place_of(first, raster_header(first))
    if place is None or not place.crs:
        raise FormatError(
            f"{first.name} has no coordinate system, so that its polygons would lie nowhere. State it with "
            "gdal_edit.py -a_srs, or leave out --polygons."
        )


def analyse(run: RunFolder, options: OneSceneOptions) -> Steps[dict[str, Any]]:
    """Answer for the scene and write its rasters; begun again, it goes on after the last finished stripe.

    Raises FormatError for rasters that do not fit the run or each other.
    """
    if not isinstance(options, SceneOptions) or options.polygons is None:
        return (yield from _answered(run, options))
    facts = yield from part(_answered(run, options), 0.0, ANSWERED)
    asked = {"probability": facts["out"], "out": options.polygons, "prevalence": options.prevalence}
    outlined = yield from part(polygons.ANALYSIS.start(run, asked | {"date": options.date}), ANSWERED, 1.0)
    return facts | {"polygons": outlined, "message": f"{facts['message']} {outlined['message']}"}


def _answered(run: RunFolder, options: OneSceneOptions) -> Steps[dict[str, Any]]:
    from core.predict.scene.predict import predict_scene

    must_fit(run, options)
    results = run.results(NAME)
    answer = yield from predict_scene(
        run, input_of(options), Path(options.out), results, options.landslide_share(run), options.where
    )
    facts = {"run": run.name, "scene": options.scene, **answer.facts(), "message": answer.message()}
    answer.results.write_json("report.json", facts)
    answer.scan.forget()
    return facts


def read(run: RunFolder) -> dict[str, dict[str, Any]] | None:
    """The reports of all scenes that were answered, by name; None before the first."""
    results = run.results(NAME)
    return {name: results.part(name).json("report.json") for name in results.parts()} or None


def input_of(options: OneSceneOptions) -> Any:
    """The rasters and how they are read (``core.predict.scene.inputs.SceneInput``)."""
    from core.predict.scene.inputs import SceneInput

    also_bands = tuple(names_of(part) for part in options.also_bands.split(";")) if options.also_bands else ()
    return SceneInput(
        scene=Path(options.scene),
        also=tuple(map(Path, options.also)),
        before=Path(options.before) if options.before else None,
        bands=options.bands or None,
        also_bands=also_bands,
        before_bands=options.before_bands or None,
        unit=options.unit,
        nodata=options.nodata,
        clouds=tuple(map(Path, options.cloud)),
        cloud_values=options.cloud_values,
        stride=options.stride,
        seen=options.seen,
        most_unseen=options.most_unseen,
        tta=options.flips,
    )


ANALYSIS = Analysis(
    name=NAME,
    title="Scene",
    summary="Probability, disagreement of the folds and what was not seen for a whole scene, as rasters.",
    page="predict",
    view="scene",
    Options=SceneOptions,
    run=analyse,
    read=read,
    check=must_fit,
)
