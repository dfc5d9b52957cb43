"""Cost: how long the training took, on what, and about how much energy that was."""

from __future__ import annotations

from core.analyses.reports.given import Given
from core.report.energy import energy_of
from core.report.parts import Missing, Number, Numbers, Section, Words
from core.text import duration, number

ANCHOR, TITLE = "cost", "Time and energy"


def made(given: Given) -> Section | Missing:
    """The section."""
    seconds = given.summary.get("seconds")
    if seconds is None:
        return Missing(ANCHOR, TITLE, "The run did not record how long it took.")
    device = given.record.get("device", {})
    energy = energy_of(device, seconds, given.summary.get("core_seconds"))
    name = str(device.get("device_name") or device.get("used") or "unknown")
    cores = device.get("cpu_count")
    cards = [
        Number("Computing time", duration(seconds), f"{given.n_folds} folds" if given.n_folds > 1 else "one split"),
        Number("Energy, estimated", energy.amount() if energy else "unknown", "not measured"),
        Number("Speed", f"{number(given.summary.get('images_per_second'), 0)}", "patches per second in training"),
        Number("Device", str(device.get("used", "unknown")), f"{name}{f', {cores} cores' if cores else ''}"),
    ]
    told = energy.sentence() if energy else "The device is not known, so nothing is estimated."
    message = (
        f"Training and explaining took {duration(seconds)} of computing on {device.get('used', 'an unknown device')}."
    )
    basis = (
        "Time is that of the run itself, from its record; of folds that were trained at once it is the sum. Energy: "
        "rated power times time, as the calculators of Lacoste et al. (2019) and Lannelongue et al. (2021) do it.",
    )
    return Section(ANCHOR, TITLE, message, (Numbers(tuple(cards)), Words(told)), basis)
