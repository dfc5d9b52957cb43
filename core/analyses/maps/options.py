"""Options that polygons and the triage grid share: the raster, what is beside it, and what is promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from core.analyses.safety import SafetyOptions
from core.runs.store import RunFolder


class MapOptions(SafetyOptions):
    """Of a map made from a probability raster."""

    probability: str = Field(
        min_length=1,
        title="Probability raster",
        description="A GeoTIFF, as the prediction of a scene writes it.",
    )
    out: str = Field(
        min_length=1, title="File to write", description="A .geojson or .gpkg; the other one and a style lie beside it."
    )
    threshold: float | None = Field(
        None, gt=0, lt=1, title="Threshold", description="Probability from which ground is called; none: the run's."
    )
    disagreement: str | None = Field(
        None,
        title="Disagreement raster",
        description="Of the folds' models; none: the file of that name beside the probability, where there is one.",
    )
    dem: str | None = Field(None, title="Elevation", description="A GeoTIFF of the ground's height in metres.")
    dem_band: str = Field("1", title="Band of the elevation", description="Its number from 1, or its name.")
    slope: str | None = Field(
        None, title="Slope", description="A GeoTIFF of slopes; none: computed from the elevation, if that is given."
    )
    slope_band: str = Field("1", title="Band of the slope", description="Its number from 1, or its name.")
    slope_unit: float = Field(
        1.0, gt=0, title="Unit of the slope", description="Degrees of one unit: 0.01 for hundredths of a degree."
    )
    roads: str | None = Field(None, title="Roads", description="A GeoJSON or GeoPackage of lines.")
    road_name: str | None = Field(
        None,
        title="Column of the roads' names",
        description="None: name, ref and their kind, where they are there.",
    )

    @field_validator("probability", "out", "disagreement", "dem", "slope", "roads")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        return None if value is None else str(Path(value).resolve())  # the worker has another working directory

    @model_validator(mode="after")
    def _one_threshold(self) -> Self:
        given = [name for name in ("threshold", "miss_rate", "missed_per_1000") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} each decide the threshold: give one of them.")
        return self


def check(run: RunFolder, options: MapOptions) -> None:
    """Raises ConfigError or DataError for what cannot be begun, before it waits in a queue."""
    from core.data.readers import must_exist
    from core.predict.maps.grid import grid_of
    from core.predict.maps.vector_files import check_outputs

    check_outputs(Path(options.out))
    for name in ("probability", "disagreement", "dem", "slope", "roads"):
        if (path := getattr(options, name)) is not None:
            must_exist(Path(path))
    grid_of(Path(options.probability))


def read_map(run: RunFolder, options: MapOptions) -> Any:
    """The raster, what lies beside it and what the run promises (``core.predict.maps.sources.MapSource``)."""
    from core.predict.maps.sources import MapSource

    return MapSource.read(
        run,
        Path(options.probability),
        threshold=options.threshold,
        target=options.target(),
        effect=options.design_effect,
        share=options.landslide_share(run),
        disagreement=None if options.disagreement is None else Path(options.disagreement),
    )


def read_beside(grid: Any, options: MapOptions) -> tuple[Any, Any]:
    """Terrain on ``grid``, and roads or None."""
    from core.predict.maps.grid import read_terrain
    from core.predict.maps.roads import read_roads

    dem, slope, roads = (None if one is None else Path(one) for one in (options.dem, options.slope, options.roads))
    terrain = read_terrain(grid, dem, options.dem_band, slope, options.slope_band, options.slope_unit)
    return terrain, None if roads is None else read_roads(roads, options.road_name)
