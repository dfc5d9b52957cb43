"""What networks are made of and what they cost, before one is trained.

One backbone is described: its cost, its stages and the filter that each band starts from. Several are compared, a row
each. Networks are built with the bands and the size of a dataset's patches, or of named ones. The job's result is all
there is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from core.analyses.base import Analysis, Options
from core.config import ModelConfig, RunConfig
from core.config.sections import names_of
from core.data.bands import ZINDI_BANDS, Band, bands_named, choose_bands
from core.data.store import open_dataset
from core.errors import ConfigError
from core.progress import Progress, Steps
from core.runs.targets import CheckpointsTarget

PREFIX = "model."
SIDE = 64  # pixels of a patch, without a dataset


class CostOptions(Options):
    """Which networks are built, and for which patches."""

    backbones: tuple[str, ...] = Field(
        min_length=1, title="Backbones", description="One is described, several are compared."
    )
    dataset: str | None = Field(None, title="Dataset", description="File (.h5) that gives the bands and the size.")
    bands: tuple[str, ...] = Field(
        (), title="Bands", description="Names of bands or subsets. None: all of the dataset, or Zindi's twelve."
    )
    size: int | None = Field(
        None, ge=1, le=4096, title="Side (pixels)", description=f"Side of a patch; {SIDE} without a dataset."
    )
    settings: tuple[str, ...] = Field(
        (), title="Settings", description="Settings of the network: model.key=value, as many as are needed."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", title="Device", description="Where one pass is timed."
    )

    @field_validator("backbones", "bands", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: Any) -> Any:
        return names_of(value)

    @field_validator("dataset")
    @classmethod
    def _found_from_anywhere(cls, value: str | None) -> str | None:
        return value if value is None else str(Path(value).resolve())

    @model_validator(mode="after")
    def _settings_are_the_networks(self) -> CostOptions:
        if wrong := [text for text in self.settings if not text.startswith(PREFIX)]:
            raise ConfigError(f"'{wrong[0]}' is not a setting of the network. Settings here begin with {PREFIX}")
        self.models()
        return self

    def models(self) -> list[ModelConfig]:
        """The settings of each backbone's network."""
        named = ([*self.settings, f"{PREFIX}backbone={backbone}"] for backbone in self.backbones)
        return [RunConfig().with_overrides(overrides).model for overrides in named]

    def inputs(self) -> tuple[tuple[Band, ...], tuple[int, int]]:
        """Bands, and height and width of a patch. Raises ConfigError for bands that the dataset does not have."""
        names = self.bands or None
        if self.dataset is None:
            try:
                bands = choose_bands(names, ZINDI_BANDS)
            except ConfigError:  # not Zindi's: bands of any name
                bands = bands_named(names or ())
            return bands, (self.size or SIDE, self.size or SIDE)
        data = open_dataset(Path(self.dataset))
        height, width = (self.size, self.size) if self.size else data.shape[1:]
        return choose_bands(names, data.bands), (int(height), int(width))


def analyse(target: CheckpointsTarget, options: CostOptions) -> Steps[dict[str, Any]]:
    """Build the networks and time one pass of each.

    Returns what ``core.preflight.architecture.describe`` says of a single one, else ``rows`` (one per backbone),
    ``device``, ``size`` and ``n_bands``. A single backbone that cannot be built raises; among several, its row says
    why.
    """
    from core.device import choose_device
    from core.preflight.architecture import compare_row, describe, device_words

    (bands, size), models = options.inputs(), options.models()
    if len(models) == 1:
        yield Progress(0.0, f"Building {models[0].backbone}.")
        described = describe(models[0], bands, size, options.device)
        facts = described["facts"]
        message = f"{models[0].backbone}: {facts['parameters']:,} parameters, {facts['ms']:.1f} ms per patch."
        return described | {"message": message}
    rows = []
    for number, model in enumerate(models):
        yield Progress(number / len(models), f"{number + 1} of {len(models)}: {model.backbone}")
        rows.append(compare_row(model, bands, size, options.device))
    device = device_words(choose_device(options.device))
    message = f"{len(rows)} backbones compared."
    return {"rows": rows, "device": device, "size": list(size), "n_bands": len(bands), "message": message}


ANALYSIS = Analysis(
    name="model_cost",
    title="Model cost",
    summary="Parameters, weights, depth, latency and stages of networks, and the filter that each band starts from.",
    page="train",
    view="architecture",
    Options=CostOptions,
    run=analyse,
    target="checkpoints",
)
