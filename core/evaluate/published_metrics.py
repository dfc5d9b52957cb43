"""Do printed numbers admit a confusion matrix? Every one that fits, or "impossible", or which names were swapped.

From the number of patches of each class and the metrics as printed you get all integer matrices whose metrics round to
what was printed, reading by reading. The search is complete: every matrix is looked at. numpy only: the dashboard
imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ConfigError
from core.evaluate.metrics import Confusion, rates, ratio

QUANTITIES = ("accuracy", "precision", "recall", "specificity", "f1", "balanced_accuracy", "mcc", "npv")
ALIASES = {"sensitivity": "recall", "tpr": "recall", "tnr": "specificity", "ppv": "precision"}  # of the names printed
SWAPS = {
    "sensitivity and specificity": {"recall": "specificity", "specificity": "recall"},
    "precision and recall": {"precision": "recall", "recall": "precision"},
}
LARGEST = 2 * 10**8  # matrices that are looked at in one reading
ROWS = 2 * 10**6  # matrices at a time
MOST_COUNTED = 500  # patches for which every split into two classes is tried
SLACK = 1e-9  # so that a value exactly on the edge of a rounding interval is inside


@dataclass(frozen=True)
class Printed:
    """One metric as printed: its name, its value, and how far the true value may be from it."""

    name: str
    value: float
    tolerance: float


@dataclass(frozen=True)
class Reading:
    """One way of reading the names. matrices: (M, 4) int64, columns tn, fp, fn, tp, the true positive class as tp.

    nearest, off: where nothing fits, the matrix whose worst metric is least off, and by how much each metric is
    (printed minus true); with a fit they are the best one's. changes: how many things were swapped.
    """

    name: str
    changes: int
    matrices: np.ndarray
    nearest: Confusion
    off: dict[str, float]

    @property
    def fits(self) -> bool:
        """Whether any matrix does."""
        return len(self.matrices) > 0

    def confusions(self, most: int = 20) -> list[Confusion]:
        """The first matrices that fit."""
        return [Confusion(*map(int, row)) for row in self.matrices[:most]]


@dataclass(frozen=True)
class PaperCheck:
    """The answer. readings: as printed first, then by how little they change."""

    n_positive: int
    n_negative: int
    printed: tuple[Printed, ...]
    readings: tuple[Reading, ...]

    @property
    def verdict(self) -> str:
        """``fits`` as printed, ``swapped`` names fit, or ``impossible``."""
        return "fits" if self.readings[0].fits else "swapped" if self.explanation else "impossible"

    @property
    def explanation(self) -> Reading | None:
        """The reading with the fewest changes that fits."""
        return next((reading for reading in self.readings if reading.fits), None)

    def sentence(self) -> str:
        """For people."""
        on, found = f"{self.n_positive} positives and {self.n_negative} negatives", self.explanation
        if found is None:
            nearest = self.readings[0]
            worst = max(nearest.off, key=lambda name: abs(nearest.off[name]))
            c = nearest.nearest
            return (
                f"Impossible: no integer confusion matrix on {on} has these metrics, under any reading of their names. "
                f"The nearest as printed (TP {c.tp}, FN {c.fn}, FP {c.fp}, TN {c.tn}) is off by "
                f"{abs(nearest.off[worst]):.4f} in {worst}."
            )
        c, n = found.confusions(1)[0], len(found.matrices)
        which = f"TP {c.tp}, FN {c.fn}, FP {c.fp}, TN {c.tn}"
        many = f"{n} matrices on {on} fit, {which} among them" if n > 1 else f"exactly one matrix on {on} fits: {which}"
        how = "As printed" if found.changes == 0 else f"Impossible as printed; {found.name}"
        return f"{how}, {many}."


def check_paper(
    n_positive: int, n_negative: int, printed: Mapping[str, str | float | None], tolerance: float | None = None
) -> PaperCheck:
    """Every matrix on so many positives and negatives that has the printed metrics, reading by reading.

    printed: metric name -> what stands there, best as text (``".8120"``: its digits say how it was rounded); None and
    "N/A" are passed over, "undefined" asks for a metric without a value. Names: ``QUANTITIES`` and ``ALIASES``.
    tolerance: of all values; none: half a unit of the last printed digit. The readings are the names as printed, with
    sensitivity and specificity swapped, with precision and recall swapped, and each with the other class as positive.

    Raises ConfigError for counts or names that cannot be checked.
    """
    values = tuple(_read(printed, tolerance))
    if n_positive < 0 or n_negative < 0 or n_positive + n_negative == 0:
        raise ConfigError("Enter how many patches of each class there are: whole numbers, not both 0.")
    if (n_positive + 1) * (n_negative + 1) > LARGEST:
        raise ConfigError(
            f"{n_positive} x {n_negative} patches have more matrices than can be looked at ({LARGEST:,})."
        )
    if not values:
        raise ConfigError(f"Enter at least one metric: {', '.join((*QUANTITIES, *ALIASES))}.")
    readings = []
    for name, swap, flipped, changes in _readings(values):
        wanted = [(_stands_for(value.name, swap), value) for value in values]
        readings.append(_search(name, changes, n_positive, n_negative, wanted, flipped))
    return PaperCheck(n_positive, n_negative, values, tuple(sorted(readings, key=lambda r: r.changes)))


def counts_that_fit(
    total: int, printed: Mapping[str, str | float | None], tolerance: float | None = None
) -> list[tuple[int, int, Confusion]]:
    """Of a set of ``total`` patches: every (positives, negatives) on which the numbers fit as printed, with a matrix.

    It tells a paper whose class counts are misprinted from one whose metrics are. ConfigError over MOST_COUNTED.
    """
    if not 0 < total <= MOST_COUNTED:
        raise ConfigError(f"The class counts can be searched for 1 to {MOST_COUNTED} patches.")
    wanted = [(ALIASES.get(v.name, v.name), v) for v in _read(printed, tolerance)]
    found = []
    for n_positive in range(total + 1):
        reading = _search("", 0, n_positive, total - n_positive, wanted, False)
        if reading.fits:
            found.append((n_positive, total - n_positive, reading.confusions(1)[0]))
    return found


def half_unit(text: str) -> float:
    """Half a unit of the last digit of a printed number: ``.8120`` 0.00005, ``0.82`` 0.005, ``82.3 %`` 0.0005."""
    digits = re.sub(r"[\s%]", "", text).partition(".")[2]
    return 0.5 * 10.0 ** -len(digits) / (100 if "%" in text else 1)


def _read(printed: Mapping[str, str | float | None], tolerance: float | None) -> Iterator[Printed]:
    for name, value in printed.items():
        key = name.strip().lower().replace(" ", "_").removesuffix("_score")
        if ALIASES.get(key, key) not in QUANTITIES:
            raise ConfigError(
                f"'{name}' is no metric that can be checked. Known: {', '.join((*QUANTITIES, *ALIASES))}."
            )
        text = "" if value is None else str(value).strip()
        if text.lower() in ("", "n/a", "na", "-"):
            continue
        if text.lower() == "undefined":
            yield Printed(key, float("nan"), 0.0)
            continue
        try:
            number = float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
        except ValueError as error:
            raise ConfigError(f"'{text}' of {name} is not a number.") from error
        yield Printed(key, number, half_unit(text) if tolerance is None else tolerance)


def _readings(values: tuple[Printed, ...]) -> Iterator[tuple[str, dict[str, str], bool, int]]:
    """Name, renaming, whether the other class is positive, and number of changes, of each reading that applies."""
    present = {ALIASES.get(v.name, v.name) for v in values}
    both = {"recall", "sensitivity"} <= {v.name for v in values}
    for flipped in (False, True):
        other = "the other class as the positive one" if flipped else ""
        yield other and f"with {other}", {}, flipped, int(flipped)
        for swapped, swap in SWAPS.items():
            if not present & set(swap):
                continue
            names = f"with {swapped} swapped" + (f" and {other}" if flipped else "")
            yield names, swap, flipped, 1 + int(flipped)
    if both:  # recall and sensitivity are two names of one thing: one of them may stand for specificity
        for flipped in (False, True):
            end = " and with the other class as the positive one" if flipped else ""
            yield (
                f"with specificity printed as sensitivity{end}",
                {"sensitivity": "specificity"},
                flipped,
                1 + int(flipped),
            )


def _stands_for(name: str, swap: Mapping[str, str]) -> str:
    """The quantity behind a printed name in a reading."""
    quantity = ALIASES.get(name, name)
    return swap.get(name, swap.get(quantity, quantity))


def _search(
    name: str, changes: int, n_positive: int, n_negative: int, wanted: list[tuple[str, Printed]], flipped: bool
) -> Reading:
    """Look at every matrix, some rows of true positives at a time."""
    fits, best, best_off = [], Confusion(tn=n_negative, fp=0, fn=n_positive, tp=0), np.inf
    fp = np.arange(n_negative + 1)
    step = max(1, ROWS // (n_negative + 1))
    for start in range(0, n_positive + 1, step):
        tp = np.arange(start, min(start + step, n_positive + 1))[:, None]
        matrix = np.broadcast_arrays(n_negative - fp, fp, n_positive - tp, tp)  # tn, fp, fn, tp: (rows, fp)
        found = _quantities(matrix[::-1] if flipped else matrix, [quantity for quantity, _ in wanted])
        ok, worst = np.ones(matrix[0].shape, bool), np.zeros(matrix[0].shape)
        for (_, value), true in zip(wanted, found, strict=True):
            off = np.abs(true - value.value)
            if np.isnan(value.value):
                ok &= np.isnan(true)
                continue
            ok &= off <= value.tolerance + SLACK
            worst = np.maximum(worst, np.where(np.isnan(off), 1.0, off))
        fits.append(np.stack([part[ok] for part in matrix], axis=1))
        i = int(worst.argmin())
        if worst.flat[i] < best_off:
            best_off, best = float(worst.flat[i]), Confusion(*(int(part.flat[i]) for part in matrix))
    cells = (best.tn, best.fp, best.fn, best.tp)
    of_best = _quantities([np.array([c]) for c in (cells[::-1] if flipped else cells)], [q for q, _ in wanted])
    missed = {value.name: float(value.value - t[0]) for (_, value), t in zip(wanted, of_best, strict=True)}
    return Reading(name, changes, np.concatenate(fits), best, missed)


def _quantities(cells: Sequence[np.ndarray], names: list[str]) -> list[np.ndarray]:
    """The named quantities of each matrix (tn, fp, fn, tp); only those asked for, as there may be millions."""
    tn, fp, fn, tp = cells
    simple = {
        "accuracy": lambda: ratio(tp + tn, tp + tn + fp + fn),
        "precision": lambda: ratio(tp, tp + fp),
        "recall": lambda: ratio(tp, tp + fn),
        "specificity": lambda: ratio(tn, tn + fp),
        "npv": lambda: ratio(tn, tn + fn),
        "f1": lambda: ratio(2 * tp, 2 * tp + fp + fn),
    }
    return [simple[name]() if name in simple else rates(tn=tn, fp=fp, fn=fn, tp=tp)[name] for name in names]
