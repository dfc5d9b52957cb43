"""Options that what promises safety shares: how much may be missed, and how frequent landslides are."""

from __future__ import annotations

from pydantic import Field

from core.analyses.base import Options
from core.evaluate.risk_control import UNGROUPED_EFFECT, Target
from core.runs.store import RunFolder


class PlaceOptions(Options):
    """How frequent landslides are where a run answers."""

    prevalence: float | None = Field(
        None,
        gt=0,
        lt=1,
        title="Share of landslides",
        description="How frequent landslides are there, such as 0.02; none: as stated for the run or its dataset.",
    )

    def landslide_share(self, run: RunFolder) -> float | None:
        """The share of landslides that was given, or is stated for the run; None where neither says one."""
        from core.runs.prevalence import prevalence_of

        if self.prevalence is not None:
            return self.prevalence
        stated = prevalence_of(run)
        return None if stated is None else stated.share


class SafetyOptions(PlaceOptions):
    """A safety target and the share of landslides."""

    miss_rate: float | None = Field(
        None,
        gt=0,
        lt=1,
        title="Share of landslides that may be missed",
        description="Decide so that at most this share of the landslide patches is missed (95% confidence).",
    )
    missed_per_1000: float | None = Field(
        None,
        gt=0,
        lt=1000,
        title="Missed landslides per 1,000 patches",
        description="Decide so that at most so many of 1,000 patches are a missed landslide (95% confidence).",
    )
    design_effect: float = Field(
        UNGROUPED_EFFECT,
        ge=1,
        title="Design effect",
        description="Patches that count as one independent patch for a safety target, where the run knows no groups.",
    )

    def target(self) -> Target | None:
        """The safety target, or None."""
        if self.miss_rate is not None:
            return Target("miss_rate", self.miss_rate)
        return None if self.missed_per_1000 is None else Target("missed_per_1000", self.missed_per_1000)
