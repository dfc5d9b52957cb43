"""Clouds of a scene: a raster of cloud and shadow that a scene's answer then counts as not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from core.analyses.base import Analysis, Options
from core.analyses.scene import TIFF, Paths
from core.config.sections import NoDataValue
from core.progress import Steps
from core.runs.targets import CheckpointsTarget


class SceneCloudsOptions(Options):
    """One scene, and where its raster of clouds goes."""

    scene: str = Field(min_length=1, title="Scene", description="A GeoTIFF with blue, green, red and nir.")
    out: str = Field(min_length=1, title="Raster to write", description="A .tif: 0 clear, 1 cloud, 2 cloud shadow.")
    bands: Paths | None = Field(None, title="Bands", description="Names of the scene's bands in their order: a,b,c.")
    unit: str | None = Field(None, title="Unit", description="Of the optical bands: DN or reflectance.")
    nodata: NoDataValue = Field(None, title="No-data value", description="A pixel with it in all bands was not seen.")
    level: Literal["l1c", "l2a"] = Field(
        "l2a",
        title="Processing level",
        description="Of the image. l1c: top of the atmosphere. l2a: corrected for it.",
    )

    @field_validator("scene", "out")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return str(Path(value).expanduser().resolve())  # the worker has another working directory

    @model_validator(mode="after")
    def _out_is_a_raster(self) -> Self:
        if Path(self.out).suffix.lower() not in TIFF:
            raise ValueError(f"out is {Path(self.out).name}; accepted: a name that ends in {' or '.join(TIFF)}")
        return self


def check(target: CheckpointsTarget, options: SceneCloudsOptions) -> None:
    """Raises FormatError or ConfigError for a scene that clouds cannot be told from, and where the networks lack."""
    from core.data.clouds.network import require
    from core.data.readers import must_exist
    from core.predict.scene.clouds import opened

    must_exist(Path(options.scene))
    opened(Path(options.scene), options.bands, options.unit, options.nodata)
    require(options.level)


def analyse(target: CheckpointsTarget, options: SceneCloudsOptions) -> Steps[dict[str, Any]]:
    """Write the raster; ``--cloud`` of a scene's answer takes it."""
    from core.data.clouds.network import CloudNetwork
    from core.predict.scene.clouds import cloud_raster, opened

    check(target, options)
    layer = opened(Path(options.scene), options.bands, options.unit, options.nodata)
    found = yield from cloud_raster(layer, Path(options.out), CloudNetwork(options.level))
    shares = [found["cloud_share"], found["shadow_share"]]
    said = "nothing was seen" if None in shares else f"{shares[0]:.1%} is cloud and {shares[1]:.1%} cloud shadow"
    message = (
        f"Of what was seen, {said}: {Path(options.out).name}. Look at it before it is used: roofs and bright ground "
        f"can be taken for cloud. Then name it as the clouds of the scene (--cloud {Path(options.out).name})."
    )
    return found | {"message": message}


ANALYSIS = Analysis(
    name="scene_clouds",
    title="Clouds of a scene",
    summary="Estimates cloud and cloud shadow of a scene, as a raster that its answer counts as not seen.",
    page="predict",
    view="scene",
    target="checkpoints",
    Options=SceneCloudsOptions,
    run=analyse,
    check=check,
    needs_device=False,
)
