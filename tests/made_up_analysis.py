"""An analysis that only sleeps: what a new analysis takes is this one module, named in LANDSLIDE_ANALYSES."""

import time
from typing import Literal

from pydantic import Field

from core.analyses.base import Analysis, Options
from core.errors import ConfigError
from core.progress import Progress, Steps

NAME = "nap"
STEP_S = 0.05


class NapOptions(Options):
    """How it sleeps."""

    seconds: float = Field(0.0, ge=0.0, le=600.0, title="Seconds", description="How long to sleep.")
    where: Literal["bed", "sofa"] = Field("bed", title="Where", description="What to sleep on.")
    dreams: tuple[str, ...] = Field((), title="Dreams", description="What to dream of.")
    nightmare: bool = Field(False, title="Nightmare", description="Wake up screaming.")


def analyse(target, options: NapOptions) -> Steps[dict]:
    """Sleep, and remember it."""
    steps = int(options.seconds / STEP_S)
    for step in range(steps):
        yield Progress(step / steps, f"Sleeping, {step} of {steps}.")
        time.sleep(STEP_S)
    if options.nightmare:
        raise ConfigError("A bad dream. Sleep somewhere else.")
    target.results(NAME).write_json("report.json", {"dreams": list(options.dreams), "where": options.where})
    return {"message": f"Slept well on the {options.where}.", "dreams": list(options.dreams)}


def read(target) -> dict | None:
    """What was dreamt, or None."""
    results = target.results(NAME)
    return results.json("report.json") if results.has("report.json") else None


def on_patch(run, request, models) -> dict:
    """What one patch dreams of."""
    return {"patch": request["patch"], "dream": "of other patches"}


ANALYSIS = Analysis(
    name=NAME, title="A nap", summary="Whether one can sleep on it.", page="explain", view="nap", Options=NapOptions,
    run=analyse, read=read, on_patch=on_patch,
)  # fmt: skip
