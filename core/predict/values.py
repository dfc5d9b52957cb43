"""Whether patches that a run is asked about hold the values that it was trained on: the same units, bands and no data.

What is clearly something else is refused with the option that mends it; what lies off is told. Values that the run can
never have seen (a no-data value that nobody stated, 1e30) become nan, as they are in its own dataset.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.data.bands import DN, REFLECTANCE, TO_REFLECTANCE, Band
from core.data.store import open_dataset
from core.data.store.dataset import Dataset
from core.data.store.missing import LIKELY_NODATA, as_missing, blank_patches, bounds_of, pixels_of
from core.data.store.summary import QUANTILES
from core.errors import DataError, FormatError
from core.runs.store import RunFolder
from core.text import counted, list_names

PIXELS = 256  # of a patch that are looked at
PATCHES = 4000  # whose pixels are looked at
FACTOR = 10.0  # between median and median, and spread and spread, that no other place or season explains
FEW, FACTOR_OF_FEW = 10, 30.0  # patches; a single dark lake is a tenth of what is usual
ORDER_OFF, ORDER_FITS = 0.7, 0.35  # distance in widths of the middle half; share of it that another order leaves
SHARE_OFF = 0.5  # of the bands of one unit that must be off for a refusal
_KEPT = ("name", "unit", "family", *QUANTILES)

Batches = Iterable[tuple[np.ndarray, np.ndarray]]
Row = Mapping[str, Any]


def trained_values(dataset: Dataset, names: Sequence[str]) -> list[dict[str, Any]]:
    """What a run records of its bands' values: name, unit, family, q01 .. q99 and the plausible (low, high)."""
    bounds, found = bounds_of(dataset.bands, dataset.statistics), []
    for name in names:
        at = dataset.band_names.index(name)
        row = dataset.bands[at].to_dict() | dataset.statistics[at]
        kept = {key: _plain(row.get(key)) for key in _KEPT}
        found.append(kept | {"plausible": [_plain(value) for value in bounds[at]]})
    return found


def values_of_run(run: RunFolder) -> list[dict[str, Any]] | None:
    """What the run recorded; of an older run from its dataset, where that is there unchanged; otherwise None."""
    facts = run.provenance()
    if "values" in facts:
        return facts["values"]
    try:
        own = open_dataset(run.dataset_path())
        names = facts["selection"]["bands"]
        return trained_values(own, names) if own.content_hash == facts["dataset"]["content_hash"] else None
    except (DataError, OSError, KeyError, ValueError):
        return None


def doubts(dataset: Dataset) -> list[str]:
    """What is doubtful about a dataset file itself: what its reader warned of, and wild values that are left out."""
    found = [str(text) for text in dataset.facts.get("warnings", [])]
    if dataset.plausible is not None:
        n = sum(int(row.get("n_absurd", 0)) for row in dataset.statistics)
        found.append(
            f"{f'{n:,} values' if n else 'Values'} of {dataset.path.name} far outside the bands' usual range, which no "
            "sensor measures, were taken as missing. If they mean no data, ingest again with --nodata VALUE."
        )
    return found


def unit_factors(run: str, trained: Sequence[Band], given: Sequence[Band], told: list[str]) -> np.ndarray:
    """(C,) what each band is multiplied by to be in the run's unit; 1 where a unit is not stated.

    DN and reflectance are one quantity, and are converted, which ``told`` is told. Raises FormatError for bands in
    another unit that no number leads to.
    """
    units = {band.name: band.unit for band in given}
    factors, wrong, converted = np.ones(len(trained), np.float32), [], []
    for i, band in enumerate(trained):
        unit = units[band.name]
        if not band.unit or not unit or unit == band.unit:
            continue
        if {unit, band.unit} == {DN, REFLECTANCE}:
            factors[i] = TO_REFLECTANCE[unit] / TO_REFLECTANCE[band.unit]
            converted.append(band.name)
        else:
            wrong.append(f"{band.name} in '{unit}' instead of '{band.unit}'")
    if wrong:
        raise FormatError(
            f"Run '{run}' was trained on other units; found {', '.join(wrong)}. Convert the patches to its units, or "
            "state their unit with --unit if it was recognised wrongly."
        )
    if converted:
        at = [band.name for band in trained].index(converted[0])
        told.append(
            f"{list_names(converted)} were converted from {units[converted[0]]} to {trained[at].unit} (times "
            f"{factors[at]:g}), the unit that the run was trained on."
        )
    return factors


def watched(run: str, batches: Batches, trained: Sequence[Row] | None, told: list[str]) -> Generator[tuple, None, None]:
    """The batches with nan where the run can never have seen such a value; warnings go to ``told`` at the end.

    Raises FormatError, after the first batch or at the end, for patches that are clearly in another unit or order.
    """
    if trained is None:
        told.append("What the run's bands usually hold is not known (an older run without its dataset): not compared.")
        yield from batches
        return
    watch = Watch(run, tuple(trained))
    try:
        for k, (ids, images) in enumerate(batches):
            images = watch.look(images)
            if k == 0:
                watch.refuse()
            yield ids, images
        watch.refuse()
    finally:
        told.extend(watch.warnings())


def with_data(ids: np.ndarray, images: np.ndarray, told: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Those that hold any data. Raises FormatError when none does."""
    blank = blank_patches(images)
    if blank.all():
        raise FormatError("The patches hold no data at all. Choose others, or state the no-data value with --nodata.")
    if blank.any():
        n_blank = counted(blank.sum(), "patch holds no data and has", "patches hold no data and have")
        told.append(f"{n_blank} no answer: {list_names(ids[blank])}.")
    return ids[~blank], images[~blank]


@dataclass
class Watch:
    """Compares patches with what a run was trained on, as they come. trained: :func:`trained_values`."""

    run: str
    trained: tuple[Row, ...]
    _samples: list[np.ndarray] = field(default_factory=list)
    _n: int = 0
    _n_absurd: int = 0
    _fills: dict[float, int] = field(default_factory=dict)
    _rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def look(self, images: np.ndarray, in_place: bool = False) -> np.ndarray:
        """Patches (n, C, H, W), a copy with nan for what can be no value, after some pixels were noted.

        in_place: write into float32 ``images`` themselves.
        """
        images = images if in_place else np.array(images, np.float32)
        for value in self._possible_fills():
            empty = pixels_of(images, value)
            if empty.any():
                self._fills[value] = self._fills.get(value, 0) + int(empty.sum())
                np.copyto(images, np.float32(np.nan), where=empty[:, None])
        self._note(images)
        bounds = np.array([[np.nan if v is None else v for v in row["plausible"]] for row in self.trained], np.float64)
        bounds = np.where(np.isfinite(bounds), bounds, [-np.inf, np.inf])
        self._n_absurd += as_missing(images, None, bounds)
        return images

    def _note(self, images: np.ndarray) -> None:
        """Keep some pixels, wild ones too: in another unit all of them may be wild."""
        n, n_bands = images.shape[:2]
        if self._n < PATCHES:
            flat = images.reshape(n, n_bands, -1)
            chosen = self._rng.integers(flat.shape[2], size=min(PIXELS, flat.shape[2]))
            self._samples.append(flat[:, :, chosen].transpose(1, 0, 2).reshape(n_bands, -1))
        self._n += n

    def _possible_fills(self) -> list[float]:
        """Likely no-data values that lie a whole width outside of what the run has seen in every band."""
        found = []
        for value in LIKELY_NODATA:
            far = [_far_outside(value, row) for row in self.trained if row["q50"] is not None]
            if far and all(far):
                found.append(value)
        return found

    def seen(self) -> list[dict[str, Any]]:
        """Quantiles of each band so far; None where a band has no value."""
        values = np.concatenate(self._samples, axis=1) if self._samples else np.empty((len(self.trained), 0))
        rows = []
        for row, band in zip(self.trained, values, strict=True):
            known = band[np.isfinite(band)].astype(np.float64)
            quantiles = np.quantile(known, list(QUANTILES.values())) if known.size else [None] * len(QUANTILES)
            rows.append({"name": row["name"], **dict(zip(QUANTILES, map(_plain, quantiles), strict=True))})
        return rows

    def refuse(self) -> None:
        """Raise FormatError when at least half of the bands of one unit are clearly in another one."""
        seen = self.seen()
        off = {t["name"]: why for t, s in zip(self.trained, seen, strict=True) if (why := self._another_unit(t, s))}
        for unit in {row["unit"] for row in self.trained}:
            judged = [t["name"] for t in self.trained if t["unit"] == unit and t["family"] != "terrain"]
            wrong = [name for name in judged if name in off]
            if wrong and len(wrong) >= SHARE_OFF * len(judged):
                raise FormatError(self._refusal(wrong, off, seen))

    def _another_unit(self, trained: Row, seen: Row) -> str:
        """What the values look like instead, or nothing."""
        if trained["q50"] is None or seen["q50"] is None or trained["family"] == "terrain":
            return ""
        spread, theirs = (row["q99"] - row["q01"] for row in (trained, seen))
        if not spread or not theirs:
            return ""
        if trained["q95"] < 0 <= seen["q01"]:
            return "no value below 0, as linear power has none"
        if trained["q05"] >= 0 > seen["q75"] and seen["q50"] < -0.05 * spread:
            return "negative values, as dB are"
        least = FACTOR if self._n >= FEW else FACTOR_OF_FEW
        middle = abs(seen["q50"]) / max(abs(trained["q50"]), 1e-30)
        if min(middle, theirs / spread) >= least or max(middle, theirs / spread) <= 1 / least:
            return f"{theirs / spread:.1g} times its spread"
        return ""

    def _refusal(self, wrong: Sequence[str], off: Mapping[str, str], seen: Sequence[Row]) -> str:
        rows = {row["name"]: (row, other) for row, other in zip(self.trained, seen, strict=True)}
        texts = [f"{name} {_range(rows[name][1])} where it was {_range(rows[name][0])} ({off[name]})" for name in wrong]
        order = self._other_order(seen)
        if order:
            mend = f"The bands seem to be in another order, {order}: name them in their order with --bands."
        else:
            unit = _unit_like(*rows[wrong[0]])
            which = f"--unit {unit}" if unit else "--unit"
            mend = (
                f"State the unit that they have with {which} (of a dataset file, when it is ingested), what stands for "
                "no data with --nodata, or the bands in their order with --bands; or convert the values."
            )
        return (
            f"These patches are not in the units that run '{self.run}' was trained on: {list_names(texts, 3)}. {mend}"
        )

    def _other_order(self, seen: Sequence[Row]) -> str:
        """Which bands look like which others, where another order fits far better; otherwise nothing."""
        from scipy.optimize import linear_sum_assignment

        keys = ("q05", "q25", "q50", "q75", "q95")
        both = [(t, s) for t, s in zip(self.trained, seen, strict=True) if None not in (t["q50"], s["q50"])]
        if len(both) < 2:
            return ""
        theirs = np.array([[s[key] for key in keys] for _, s in both], np.float64)
        ours = np.array([[t[key] for key in keys] for t, _ in both], np.float64)
        width = np.maximum(ours[:, 3] - ours[:, 1], 1e-30)
        cost = (np.abs(theirs[:, None] - ours[None]) / width[None, :, None]).mean(axis=2)  # (given, trained)
        best = linear_sum_assignment(cost)[1]
        moved = np.flatnonzero(best != np.arange(len(both)))
        if not moved.size:
            return ""
        own, other = cost[moved, moved].mean(), cost[moved, best[moved]].mean()
        if own < ORDER_OFF or other > ORDER_FITS * own:
            return ""
        names = [t["name"] for t, _ in both]
        return list_names([f"{names[i]} looks like {names[best[i]]}" for i in moved])

    def warnings(self) -> list[str]:
        """A sentence for each thing that lies off without being refused."""
        seen, found = self.seen(), []
        for value, n in self._fills.items():
            found.append(
                f"{n:,} pixels are {value:g} in all bands, far from anything that the run has seen, and were taken as "
                f"without data. Say --nodata {value:g} to state it."
            )
        if self._n_absurd:
            found.append(
                f"{self._n_absurd:,} values far outside the bands' usual range, which no sensor measures, were taken "
                "as missing."
            )
        off, constant, absent = [], [], []
        for t, s in zip(self.trained, seen, strict=True):
            if t["q50"] is None:
                continue
            if s["q50"] is None:
                absent.append(t["name"])
            elif s["q99"] == s["q01"] and t["q99"] > t["q01"]:
                constant.append(f"{t['name']} ({s['q50']:.4g})")
            elif not t["q01"] <= s["q50"] <= t["q99"] or self._another_unit(t, s):
                off.append(f"{t['name']} {_range(s)} where it was {_range(t)}")
        if absent and len(absent) < len(self.trained):
            found.append(f"{list_names(absent)} have no value in any patch; the training mean stands in their place.")
        if constant:
            found.append(
                f"Bands that are constant in all patches, which they were not in training: {list_names(constant)}."
            )
        if order := self._other_order(seen):
            found.append(f"The bands seem to be in another order, {order}. Name them in their order with --bands.")
        elif off:
            found.append(
                f"Values outside the range that the run was trained on: {list_names(off)}. Its answers are less "
                "certain here; check unit (--unit), no data (--nodata) and bands (--bands)."
            )
        return found


def _far_outside(value: float, row: Row) -> bool:
    width = max(row["q99"] - row["q01"], 1e-6 * abs(row["q50"]), 1e-12)
    return not row["q01"] - width <= value <= row["q99"] + width


def _unit_like(trained: Row, seen: Row) -> str:
    """The unit that the option must name, where one is plain."""
    if trained["unit"] == DN and seen["q99"] <= 2.0:
        return REFLECTANCE
    return DN if trained["unit"] == REFLECTANCE and seen["q50"] > 10.0 else ""


def _range(row: Row) -> str:
    return f"{row['q05']:,.4g} to {row['q95']:,.4g}"


def _plain(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    return float(value) if np.isfinite(value) else None
