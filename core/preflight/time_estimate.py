"""What a run will take, in numbers and in sentences. Light to import: pages and commands read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class PhaseEstimate:
    """A phase of a fold's training. ``once_s``: reading every patch once for all its epochs, by a frozen backbone."""

    name: str
    epochs: int
    seconds_per_epoch: float
    once_s: float = 0.0

    @property
    def seconds(self) -> float:
        """The whole phase, in one fold."""
        return self.epochs * self.seconds_per_epoch + self.once_s

    @property
    def words(self) -> str:
        """For people: "last layer 2 epochs in 5 s (patches read once 40 s)"."""
        once = f" (patches read once: {_time(self.once_s)})" if self.once_s else ""
        return f"{self.name} {self.epochs} epochs in {_time(self.seconds)}{once}"


@dataclass(frozen=True)
class TimeEstimate:
    """What was measured, and what follows. Times in seconds, memory and disk in bytes.

    ``seconds`` by part of the run; ``measured_parts`` names those that rest on a measurement, the others are
    extrapolated. ``data_bytes``: the training part of a fold with its synthetic patches. ``placement``: "device" where
    these fit on the device, else "streamed". ``pieces``: parts that a batch had to be split into. ``device_bytes`` is
    None on a CPU. A step and an epoch are those of the last phase; ``phases``: all of them, in their order.
    """

    device: str
    precision: str
    steps_measured: int
    seconds_per_step: float
    images_per_second: float
    steps_per_epoch: int
    seconds_per_epoch: float
    epochs: int
    folds: int
    n_train: int
    n_synthetic: int
    seconds: dict[str, float]
    measured_parts: tuple[str, ...]
    process_bytes: int
    process_free_bytes: int
    device_bytes: int | None
    device_free_bytes: int | None
    data_bytes: int
    placement: str
    pieces: int
    disk_bytes: int
    disk_free_bytes: int
    phases: tuple[PhaseEstimate, ...] = ()

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> TimeEstimate:
        """The inverse of :meth:`to_dict`."""
        own = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        phases = tuple(PhaseEstimate(**one) for one in own.get("phases", ()))
        return cls(**own | {"measured_parts": tuple(own["measured_parts"]), "phases": phases})

    @property
    def total_seconds(self) -> float:
        """The whole run."""
        return sum(self.seconds.values())

    @property
    def fits(self) -> bool:
        """Whether there is enough memory and disk space."""
        on_device = self.device_bytes is None or self.device_bytes <= (self.device_free_bytes or 0)
        return on_device and self.process_bytes <= self.process_free_bytes and self.disk_bytes <= self.disk_free_bytes

    def sentences(self) -> list[str]:
        """What was measured and what follows from it, for people."""
        lines = [
            f"Measured on {self.steps_measured} training steps of this dataset on {self.device} ({self.precision}), "
            f"augmentation and optimiser included: {self.seconds_per_step:.3g} s per step, "
            f"{self.images_per_second:,.0f} patches per second.",
            f"Each fold trains on {self.n_train:,} patches and {self.n_synthetic:,} synthetic ones: "
            f"{self.steps_per_epoch:,} steps per epoch, {_time(self.seconds_per_epoch)} with validation and "
            "checkpoint."
            + (f" Phases of a fold: {', '.join(one.words for one in self.phases)}." if len(self.phases) > 1 else ""),
            f"The whole run, {self.folds} folds of {self.epochs} epochs: about {_time(self.total_seconds)} ("
            + ", ".join(f"{part} {_time(value)}" for part, value in self.seconds.items())
            + "). Maps and explanations are extrapolated, the rest is measured on a sample.",
            f"Memory: about {size_text(self.process_bytes)} of {size_text(self.process_free_bytes)} free.",
        ]
        if self.device_bytes is not None:
            lies = "fit on it" if self.placement == "device" else "do not fit on it and are streamed"
            lines.append(
                f"Device memory: about {size_text(self.device_bytes)} of {size_text(self.device_free_bytes or 0)} "
                f"free; the patches of a fold ({size_text(self.data_bytes)}) {lies}."
            )
        if self.pieces > 1:
            lines.append(f"A batch does not fit in memory at once: it is split into {self.pieces} pieces.")
        lines.append(f"Disk: about {size_text(self.disk_bytes)} of {size_text(self.disk_free_bytes)} free.")
        if not self.fits:
            lines.append("This run does not fit. Choose fewer bands, smaller batches, or a machine with more room.")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with ``total_seconds``, ``fits`` and ``sentences``."""
        more = {"total_seconds": self.total_seconds, "fits": self.fits, "sentences": self.sentences()}
        return asdict(self) | more


def size_text(n: int) -> str:
    """Bytes for people: "512 MiB", "1.5 GiB"."""
    return f"{n / 2**20:,.0f} MiB" if n < 2**30 else f"{n / 2**30:,.1f} GiB"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
