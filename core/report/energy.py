"""How much energy a training took, estimated: rated power of the device, times how long it computed.

The method is that of the calculators by Lacoste et al. (2019, ML CO2 Impact) and Lannelongue et al. (2021, Green
Algorithms): what the maker rates a device at is taken as what it draws all the time. Nothing is measured here, and such
estimates were found to be off by up to 40 % (Fischer 2025, arXiv 2509.22092). No carbon follows from it: that needs the
mix of the grid at that place and hour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.text import duration

# Watts by a part of the device's name, as their makers rate them; the longest part that fits counts.
GPU_WATTS = {
    "H200": 700, "H100 PCIE": 350, "H100": 700, "A100 80GB PCIE": 300, "A100-PCIE": 250, "A100": 400, "V100S": 250,
    "V100": 300, "P100": 250, "K80": 300, "T4": 70, "P4": 75, "L4": 72, "L40S": 350, "A10": 150, "A40": 300,
    "RTX 4090": 450, "RTX 3090": 350, "RTX 2080 TI": 250, "RTX 2080": 215, "GTX 1080 TI": 250, "GTX 1080": 180,
    "TITAN V": 250,
}  # fmt: skip
ANY_GPU_W = 200.0  # Green Algorithms' value for a GPU that is not in its list
CORE_W = 12.0  # its value for one core of a CPU that is not in its list
ERROR = "estimates of this kind were found to be off by up to 40%"


@dataclass(frozen=True)
class Energy:
    """watts: taken; how: where that number is from. seconds: of computing."""

    watts: float
    how: str
    seconds: float

    @property
    def watt_hours(self) -> float:
        """The estimate."""
        return self.watts * self.seconds / 3600

    def amount(self) -> str:
        """For people: "14 Wh", "3.2 kWh"."""
        wh = self.watt_hours
        return f"{wh / 1000:.2g} kWh" if wh >= 1000 else f"{wh:.2g} Wh" if wh < 100 else f"{wh:.0f} Wh"

    def sentence(self) -> str:
        """The estimate with its method."""
        return (
            f"About {self.amount()}, estimated, not measured: {self.watts:,.0f} W ({self.how}) during all of "
            f"{duration(self.seconds)}; {ERROR}. Cooling, memory and what was tried before are not in it, and no "
            "carbon is claimed: that depends on the grid at that place and hour."
        )


def energy_of(device: Mapping[str, Any], seconds: float | None, core_seconds: float | None = None) -> Energy | None:
    """From a run's record of its device and the seconds it computed; None where one of them is not known.

    core_seconds: those of all cores together that computed meanwhile, where that is known. Parts that were done at once
    have a share of the cores each.
    """
    if seconds is None or not device:
        return None
    if str(device.get("used", device.get("device", ""))).startswith("cuda"):
        name = " ".join(str(device.get("device_name") or "").upper().split())
        known = [part for part in GPU_WATTS if re.search(rf"(?<![A-Z0-9]){re.escape(part)}(?![0-9])", name)]
        if not known:
            return Energy(ANY_GPU_W, "assumed: Green Algorithms' value for a GPU it does not know", float(seconds))
        part = max(known, key=len)
        return Energy(float(GPU_WATTS[part]), f"rated power of a {part.title()} by its maker", float(seconds))
    cores = float(device.get("cpu_count") or 0)
    if core_seconds is not None and seconds > 0:
        cores = core_seconds / seconds
    if not cores:
        return None
    many = "1 core" if cores == 1 else f"{cores:,.1f} cores".replace(".0 ", " ")
    how = f"assumed: {many} at {CORE_W:g} W, Green Algorithms' value for a CPU it does not know"
    return Energy(cores * CORE_W, how, float(seconds))
