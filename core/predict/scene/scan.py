"""A scene answered stripe by stripe: each stripe is kept when it is done, and whoever begins again goes on after it.

A stripe's file holds the answers of its windows and what of its rows was seen. It depends on no other stripe, so that a
scan that was broken off at any moment ends with the very numbers of one that was not. Memory does not grow with the
height of the scene.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import DataError
from core.io.atomic import remove_tree
from core.io.free_space import need_room
from core.io.safetensors_file import load_arrays, save_arrays
from core.predict.novelty.calibrated import Novelty, SetSums
from core.predict.novelty.collect import Collector
from core.predict.patches import Ensemble
from core.predict.scene.answers import stripe_answers
from core.predict.scene.ground import Tally
from core.predict.scene.rasters import (
    CLOUD,
    KINDS,
    NO_DATA,
    REASONS,
    SEEN,
    TOO_LITTLE,
    WITH_WHERE,
    RowWriter,
    finish,
    writing,
)
from core.predict.scene.stack import SceneStack, View
from core.predict.scene.windows import Stripe, WindowGrid, WindowSum, window_shares
from core.progress import Progress, Steps, part

STRIPE_BYTES = 160 * 2**20  # of a stripe's bands as float32
STRIPE_WINDOWS = 4096  # of a stripe at the most: what is lost when it is broken off
SUM = "sum_"  # begins the names of what is summed over a stripe
ANSWERING = 0.9  # share of the work
BYTES_A_PIXEL = 31  # of the working rasters and the finished ones, at the most
BYTES_OF_WHERE = 18  # the same of what the mask heads draw, and of its sums in the stripes


@dataclass(frozen=True)
class Scan:
    """What is answered, how, and where stripes are kept.

    clean: (1, C, H, W) -> the same with nan for what can be no value, written in place or not. all_bands: a pixel
    counts as seen where every band has a value, otherwise where any has. most_unseen: share of a window above which it
    has no answer. tta: mean over flips and quarter turns; None: as the run was evaluated. novelty: what windows are
    compared with; None: nothing is known. embeds: whether the embeddings can be compared too, which are as the run's
    own. where: also blend what the mask heads draw, into a raster of its own.
    """

    stack: SceneStack
    windows: WindowGrid
    ensemble: Ensemble
    folder: Path
    clean: Callable[[np.ndarray], np.ndarray]
    all_bands: bool = True
    most_unseen: float = 0.5
    tta: bool | None = None
    novelty: Novelty | None = None
    embeds: bool = True
    stripe_rows: int | None = None
    where: bool = False

    @property
    def stripes(self) -> list[Stripe]:
        """All stripes, from the top."""
        bytes_a_row = 4 * len(self.stack.bands) * self.windows.shape[1]
        return self.windows.stripes(self.stripe_rows or STRIPE_BYTES // bytes_a_row, STRIPE_WINDOWS)

    def left(self) -> Steps[list[Stripe]]:
        """The stripes that are not there yet, from the top. Raises where the disk has no room for the rasters."""
        bytes_a_pixel = BYTES_A_PIXEL + (BYTES_OF_WHERE if self.where else 0)
        need_room(self.folder, bytes_a_pixel * math.prod(self.windows.shape))
        stripes = self.stripes
        left = [stripe for stripe in stripes if not self.is_kept(stripe)]
        if left and len(left) < len(stripes):
            row = left[0].final[0]
            text = f"Going on at row {row:,} of {self.windows.shape[0]:,}; what was answered before is kept."
            yield Progress(0.0, text, "resumed", {"row": row})
        return left

    def is_kept(self, stripe: Stripe) -> bool:
        """Whether it is there."""
        return self._kept(stripe) is not None

    def answer(self, stripes: Sequence[Stripe]) -> Steps[None]:
        """Answer and keep these stripes. The share is of theirs."""
        height, rows, done = self.windows.shape[0], sum(stripe.last - stripe.first for stripe in stripes), 0
        for stripe, view in self._views(stripes):
            start, done = done / rows, done + stripe.last - stripe.first
            end = done / rows
            for step in self._answered(stripe, view):
                text = f"Rows {stripe.top:,} to {stripe.bottom:,} of {height:,}: {step.share:.0%} answered."
                yield Progress(start + (end - start) * step.share, text)

    def _views(self, stripes: Sequence[Stripe]) -> Iterator[tuple[Stripe, View]]:
        """Stripes in their order, each read while the one before is answered."""
        with ThreadPoolExecutor(1, "read-ahead") as ahead:
            waiting = [ahead.submit(self._read, stripe) for stripe in stripes[:1]]
            for k, stripe in enumerate(stripes):
                view = waiting.pop().result()
                if k + 1 < len(stripes):
                    waiting.append(ahead.submit(self._read, stripes[k + 1]))
                yield stripe, view

    def _read(self, stripe: Stripe) -> View:
        view = self.stack.read((stripe.top, 0, stripe.bottom - stripe.top, self.windows.shape[1]))
        return View(self.clean(view.images[None])[0], view.cloudy)

    def _answered(self, stripe: Stripe, view: View) -> Steps[None]:
        windows = self.windows
        seen = view.seen(self.all_bands)
        rows = np.array(windows.rows[stripe.first : stripe.last]) - stripe.top
        probs = np.full((len(rows), len(windows.cols), len(self.ensemble.models)), np.nan, np.float32)
        wanted = window_shares(~seen, rows, windows.cols, windows.side) <= self.most_unseen
        places = np.argwhere(wanted)
        where = WindowSum(seen.shape, windows.side) if self.where else None
        collector, new = None, np.full(probs.shape[:2], np.nan, np.float32)
        if self.novelty is not None:
            collector = Collector(self.novelty, self.stack.bands, self.embeds)
        sums = self._no_sums
        if len(places):
            corners = [(int(rows[i]), windows.cols[j]) for i, j in places]
            probs[wanted] = yield from stripe_answers(self.ensemble, view.images, corners, self.tta, where, collector)
            if collector is not None and (judged := collector.judged()) is not None:
                new[wanted] = judged[0].p
                sums = judged[1]
        final = slice(0, stripe.final[1] - stripe.final[0])
        cloudy = np.zeros_like(seen) if view.cloudy is None else view.cloudy & ~seen
        arrays = {
            "probs": probs,
            "novelty": new,
            "seen": np.packbits(seen[final], axis=1),
            "cloudy": np.packbits(cloudy[final], axis=1),
            "n_missing": (~np.isfinite(view.images[:, final])).sum(axis=(1, 2)),
        }
        if where is not None:
            arrays["where"] = where.sums
        if sums is not None:
            arrays |= {f"{SUM}{key}": value for key, value in sums.arrays().items()}
        save_arrays(self._file(stripe), arrays)

    @property
    def _no_sums(self) -> SetSums | None:
        return None if self.novelty is None else self.novelty.no_sums(self.embeds)

    def _kept(self, stripe: Stripe) -> dict[str, np.ndarray] | None:
        """What was kept of a stripe; None where nothing usable was."""
        rows, width = stripe.final[1] - stripe.final[0], -(-self.windows.shape[1] // 8)
        n_rows, n_cols, n_folds = stripe.last - stripe.first, len(self.windows.cols), len(self.ensemble.models)
        shapes = {
            "probs": (n_rows, n_cols, n_folds),
            "novelty": (n_rows, n_cols),
            "seen": (rows, width),
            "cloudy": (rows, width),
            "n_missing": (len(self.stack.bands),),
        }
        if self.where:
            shapes["where"] = (2, stripe.bottom - stripe.top, self.windows.shape[1])
        if self._no_sums is not None:
            shapes |= {f"{SUM}{key}": value.shape for key, value in self._no_sums.arrays().items()}
        try:
            return load_arrays(self._file(stripe), shapes)
        except DataError:
            return None

    def _file(self, stripe: Stripe) -> Path:
        return self.folder / f"stripe_{stripe.number:05d}.safetensors"

    def forget(self) -> None:
        """Remove what was kept, when it is needed no more."""
        remove_tree(self.folder)

    # ------------------------------------------------------------------------------------------------- the rasters

    def assemble(self, out: Path, threshold: float, tags: dict[str, str]) -> Steps[Found]:
        """Write ``out`` and the rasters beside it from the stripes, and add up what they hold."""
        tally, counts = Tally(self.stack.grid), np.zeros(len(self.stack.bands), np.int64)
        n_answered, n_new, sums, stripes = 0, 0, None, self.stripes
        kinds = WITH_WHERE if self.where else KINDS
        with writing(self.folder, self.stack.grid, tags, kinds) as writer:
            for stripe in stripes:
                answers = self._answers(stripe)
                n_answered += int(np.isfinite(answers.own[:, :, 0]).sum())
                counts += answers.n_missing
                if self.novelty is not None and answers.sums is not None:
                    n_new += int((answers.own_novelty <= self.novelty.level).sum())
                    sums = answers.sums if sums is None else sums + answers.sums
                self._write(stripe, answers, writer, tally, threshold)
                yield Progress(0.6 * (stripe.number + 1) / len(stripes), "Writing the rasters.")
        yield from part(finish(self.folder, out, kinds), 0.6, 1.0)
        missing = {band.name: int(n) for band, n in zip(self.stack.bands, counts, strict=True)}
        return Found(tally.pixels, tally.km2, n_answered, missing, n_new, sums)

    def _answers(self, stripe: Stripe) -> _Answers:
        """Of a stripe and of the rows of windows of stripes above it that reach into it."""
        needed = self.windows.touching(*stripe.final)
        parts, new = [], []
        own: dict[str, np.ndarray] = {}
        height, width = stripe.final[1] - stripe.final[0], self.windows.shape[1]
        drawn = np.zeros((2, height, width), np.float32) if self.where else None
        for one in self.stripes[: stripe.number + 1]:
            if one.last <= needed[0]:
                continue
            kept = self._kept(one)
            if kept is None:
                raise DataError(f"{self._file(one).name}, which was written before, is gone. Start the scene again.")
            parts.append(kept["probs"][max(0, needed[0] - one.first) :])
            new.append(kept["novelty"][max(0, needed[0] - one.first) :])
            own = kept
            if drawn is not None:
                top, bottom = max(one.top, stripe.final[0]), min(one.bottom, stripe.final[1])
                drawn[:, top - stripe.final[0] : bottom - stripe.final[0]] += kept["where"][
                    :, top - one.top : bottom - one.top
                ]
        seen, cloudy = (np.unpackbits(own[key], axis=1, count=width).astype(bool) for key in ("seen", "cloudy"))
        sums = SetSums.of({key.removeprefix(SUM): value for key, value in own.items() if key.startswith(SUM)})
        return _Answers(
            np.concatenate(parts), np.concatenate(new), needed[0], own["probs"], own["novelty"], seen, cloudy,
            own["n_missing"], sums, drawn,
        )  # fmt: skip

    def _write(self, stripe: Stripe, answers: _Answers, writer: RowWriter, tally: Tally, threshold: float) -> None:
        folds = answers.probs.astype(np.float64)
        three = np.stack([folds.mean(axis=2), folds.std(axis=2), answers.novelty.astype(np.float64)], axis=2)
        blended = self.windows.blended(three, answers.first, *stripe.final)
        blended[:, ~answers.seen] = np.nan
        probability, disagreement, novelty = blended.astype(np.float32)
        codes = np.full(answers.seen.shape, SEEN, np.uint8)
        codes[np.isnan(probability)] = TOO_LITTLE
        codes[~answers.seen] = NO_DATA
        codes[answers.cloudy] = CLOUD
        writer.write([probability, disagreement, novelty, codes, *answers.where()])
        with np.errstate(invalid="ignore"):
            marks = {"landslide": probability >= np.float32(threshold)}
        marks |= {"all": np.ones_like(answers.seen), "answered": codes == SEEN}
        tally.add(stripe.final[0], marks | {text: codes == code for code, text in REASONS.items()})


@dataclass(frozen=True)
class _Answers:
    """Of a stripe.

    probs: (n, columns, folds), novelty: (n, columns) of rows of windows from ``first`` on; own: of the stripe's own
    rows alone.

    drawn: (2, h, W) of what the mask heads drew, where that is wanted.
    """

    probs: np.ndarray
    novelty: np.ndarray
    first: int
    own: np.ndarray
    own_novelty: np.ndarray
    seen: np.ndarray
    cloudy: np.ndarray
    n_missing: np.ndarray
    sums: SetSums | None
    drawn: np.ndarray | None = None

    def where(self) -> list[np.ndarray]:
        """The stripe's rows of the mask heads' raster, nan where nothing was answered; none where it is not wanted."""
        if self.drawn is None:
            return []
        values, weights = self.drawn
        found = np.full(values.shape, np.nan, np.float32)
        np.divide(values, weights, out=found, where=(weights > 0) & self.seen)
        return [found.clip(0.0, 1.0, out=found)]


@dataclass(frozen=True)
class Found:
    """What a scene's rasters hold.

    pixels, km2: by "all", "answered", "landslide" and the reasons for no answer; km2 None where the place is unknown.
    n_answered: windows. n_missing: pixels without a value, by band. n_new: windows further out than the level of the
    run's novelty allows, sums: of all, from which the scene is judged; None where nothing is known.
    """

    pixels: dict[str, int]
    km2: dict[str, float] | None
    n_answered: int
    n_missing: dict[str, int]
    n_new: int = 0
    sums: SetSums | None = None


def scan_scene(scan: Scan, out: Path, threshold: float, tags: dict[str, str]) -> Steps[Found]:
    """Answer the scene and write its rasters."""
    left = yield from part(scan.left(), 0.0, 0.0)
    yield from part(scan.answer(left), 0.0, ANSWERING)
    return (yield from part(scan.assemble(out, threshold, tags), ANSWERING, 1.0))
