"""Figures of ``docs/novelty.md``, as ``tests/figures.py`` explains."""

from __future__ import annotations

_SIMULATED, _REAL = "novelty[demo]", "novelty[rgb]"
_RUNS = {"simulated": _SIMULATED, "L4S": _REAL}
_NEW = f"{_SIMULATED}[new_patches]"
_COST = f"{_SIMULATED}[cost]"
_MS = f"{_COST}[cpu_ms_a_window]"


def _percent(path: str, places: int = 0) -> str:
    """``96 (75–100)``: a share and its interval in percent."""
    share, lo, hi = (f"{{{path}[{one}]!p:.{places}f}}" for one in ("share", "lo", "hi"))
    return f"{share} ({lo}–{hi})"


def _row(*cells: str) -> str:
    return " ".join(f"| {cell}".strip() for cell in cells) + " |"


def _fault(words: str, key: str, *runs: str, refused: bool = False) -> str:
    """A row of the table of planted faults; empty where a run does not have the bands for it."""
    cells = [words]
    for name, run in _RUNS.items():
        one = f"{run}[planted][faults][{key}]"
        named = f"{{{one}[named]}} of {{{run}[planted][n_folds]}}" + (", refused" if refused else "")
        found = [_percent(f"{one}[{of}][both]") for of in ("sets", "patches")]
        cells += [*found, named] if name in (runs or _RUNS) else [""] * 3
    return _row(*cells)


def _elsewhere(title: str, told: str, furthest: str, refused: str, places: int = 4) -> str:
    """A row of the table of real patches from elsewhere; ``told`` with P for the p-value of the place."""
    one = f"{_REAL}[other_places][{title}]"
    told = told.replace("P", f"{{{one}[p_set]:.{places}f}}")
    shares = (_percent(f"{one}[{of}]") for of in ("patches", "embedding_alone"))
    return _row(title, f"{{{one}[n]}}", told, *shares, furthest, refused)


def _alone(*faults: str) -> str:
    return " and ".join(f"{{{_REAL}[planted][faults][{one}][patches][embedding][share]:.2f}}" for one in faults)


_TOLD, _TOGETHER = "told (p = P)", "bands together"

FIGURES = (
    f"(../benchmarks/results/novelty.json), {{{_SIMULATED}[circumstances][date]}}): faults",
    f"at {{{_SIMULATED}[planted][level]!p:.0f}} false alarm in",
    f"Simulated: {{{_SIMULATED}[planted][n]}} of {{{_SIMULATED}[n_patches]:,}} patches of "
    f"{{{_SIMULATED}[planted][n_groups]}} groups, 12 bands, {{{_SIMULATED}[planted][n_folds]}} folds;",
    f"L4S: {{{_REAL}[planted][n]}} of {{{_REAL}[n_patches]:,}} Landslide4Sense true-colour patches, "
    f"{{{_REAL}[planted][n_groups]:,}} source images, {{{_REAL}[planted][n_folds]}} folds.",
    _row(
        "none (false alarms)",
        *(_percent(f"{_SIMULATED}[planted][false_alarms][{of}]", 1) for of in ("sets", "patches")),
        "",
        *(_percent(f"{_REAL}[planted][false_alarms][{of}]", 1) for of in ("sets", "patches")),
        "",
    ),
    _fault("desc_vv and desc_vh swapped", "desc_vv_desc_vh", "simulated"),
    _fault("desc_vv and desc_dvv swapped", "desc_vv_desc_dvv", "simulated"),
    _fault("all bands in reverse order", "reversed", "simulated", refused=True),
    _fault("reflectance instead of DN (/10,000)", "reflectance", "simulated", refused=True),
    _fault("radar as linear power instead of dB", "linear", "simulated"),
    _fault("red constant in each patch", "constant"),
    _fault("red and nir swapped", "red_nir", "simulated"),
    _fault("red and green swapped", "red_green"),
    _fault("desc_vv and asc_vv swapped", "desc_vv_asc_vv", "simulated"),
    _fault("red replaced by noise", "noise"),
    _fault("red and blue swapped", "red_blue"),
    _fault("all bands replaced by noise", "all_noise"),
    _fault("desc_dvv and desc_dvh swapped", "desc_dvv_desc_dvh", "simulated"),
    _fault("0-255 instead of DN", "bytes", "simulated", refused=True),
    _fault("pixels three times as large (another sensor)", "coarse"),
    _fault("optical bands x1.5", "gain_1.5"),
    _fault("radar 3 dB too high", "offset_db", "simulated"),
    _fault("optical bands x1.2", "gain_1.2"),
    _fault("optical bands brighter by a tenth of their range", "offset"),
    _fault("upside down", "upside_down"),
    _fault("a quarter turn", "rotated"),
    _fault("0-1 instead of 0-255", "unit_1", "L4S", refused=True),
    f"{{{_NEW}[patches][0.01][n]}} patches of {{{_NEW}[patches][0.01][n_groups]}} scenes that nothing was trained",
    f"by all folds: {_percent(f'{_NEW}[patches][0.01]', 1)} % have 0.01 or less, "
    f"{_percent(f'{_NEW}[patches][0.05]', 1)} % have 0.05 or less; of their scenes "
    f"{_percent(f'{_NEW}[sets][0.01]', 1)} % alarm",
    f"It costs {{{_MS}[novelty]:.2f}} ms beside {{{_MS}[answer]:.2f}} ms a window",
    f"{{{_COST}[share_of_speed_kept]!p:.0f}} % of the speed remain.",
    f"(swaps {_alone('red_blue', 'red_green')}, noise {_alone('noise', 'all_noise')} of the patches)",
    _elsewhere("Bijie (TripleSat 0.8 m, shrunk to 64 px)", _TOLD, _TOGETHER, "no"),
    _elsewhere("Chittagong (Sentinel-2 DN)", _TOLD, "red", "yes"),
    _elsewhere("Chittagong (DN / 4000 x 255)", "not off (p = P), many new patches told", "embedding", "no", 3),
    _elsewhere("Chittagong (each patch stretched)", _TOLD, _TOGETHER, "no"),
    _elsewhere("CAS samples (several sensors)", _TOLD, _TOGETHER, "no"),
    _elsewhere("Mars (blue, green, red, as they are)", _TOLD, "red", "yes"),
    _elsewhere("Mars (each patch stretched)", _TOLD, "blue", "no"),
)

SETTINGS = {
    "false alarm in 100,": "the unit",
    "12 bands": "of the simulation",
    "(/10,000)": "name of a fault",
    "0-255 instead of DN": "name of a fault",
    "0-1 instead of 0-255": "name of a fault",
    "radar 3 dB too high": "name of a fault",
    "have 0.01 or less": "the level of an alarm",
    "have 0.05 or less": "another level",
    "alarm at 0.01": "the level of an alarm",
    "(TripleSat 0.8 m, shrunk to 64 px)": "name of a place: its sensor, and the size of a patch",
    "(Sentinel-2 DN)": "name of a place: its satellite",
    "(DN / 4000 x 255)": "name of a place: how its DN became 0-255",
}
