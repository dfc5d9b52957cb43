"""The folds of a run: what stays together, folds over it, and what each training part goes without.

Patches are kept together by ``core.data.grouping``. Where places are known, what shares ground with the patches that a
fold judges (or lies within ``folds.buffer_m`` of them) is left out of its training part, because joining all that
overlaps would make one group of a whole scene. Where the dataset's groups are too few for that, squares of ground take
their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from core.config import FoldsConfig
from core.data.folds import Folds, make_folds, make_split
from core.data.grouping import PAIR_WORDS, chosen_groups, groups_for, rows_of
from core.data.leakage.blocks import blocks, sides
from core.data.leakage.duplicates import equal_pairs, joined
from core.data.leakage.footprints import Footprints, footprints, shares_of
from core.data.leakage.ground_between import Separation, on_record
from core.data.regions.leave_one_out import belonging, regions_of
from core.data.store.dataset import Dataset
from core.errors import ConfigError, FoldError
from core.text import counted

MOST_LEFT_OUT = 0.5  # of a training part, beyond which squares of ground are tried
LEAST_JUDGED = 0.5  # of an even share, below which smaller squares are tried
SAME_PLACE = 0.9  # share of ground from which equal patches are one place seen twice


@dataclass(frozen=True, eq=False)
class Drawn:
    """Folds, the groups that they keep together ((N,) text or None), sentences on how they came, and the ground.

    separation: what keeps their training parts off the judged ground; None where nothing does. by_place: whether they
    are folds of squares of ground.
    """

    folds: Folds
    groups: np.ndarray | None
    notes: tuple[str, ...]
    ground: Footprints
    separation: Separation | None
    by_place: bool

    def record(self) -> dict | None:
        """How near to training the judged patches lie: ``core.data.leakage.ground_between.on_record``."""
        folds = self.folds
        parts = [(folds.train(fold), folds.val(fold)) for fold in range(folds.n_splits)]
        return on_record(self.ground, parts, self.separation.buffer_m if self.separation else 0.0)


def draw_folds(
    dataset: Dataset,
    labels: np.ndarray,
    config: FoldsConfig,
    seed: int,
    pairs: pd.DataFrame,
    hashes: np.ndarray | None = None,
    together: Sequence[Sequence[str]] = (),
) -> Drawn:
    """Draw the folds of a run.

    Args:
        dataset: the patches.
        labels: (N,) int8 of this run, -1 for what is left out of the folds.
        config: how patches are grouped.
        seed: of the folds.
        pairs: of ``core.data.leakage.split_audit``.
        hashes: (N,) text, equal for patches that are equal in the bands that are trained on; None: not looked at.
        together: groups of ids that people want in one fold, whatever ``config`` says of pairs.

    Raises:
        FoldError: when they cannot be drawn: what was joined, what remains, and what would help.
        ConfigError: when the dataset lacks what ``config`` needs.
    """
    if config.region is not None:
        return _by_region(dataset, labels, config, seed, pairs, hashes, together)
    ground = footprints(dataset)
    _check_buffer(dataset, ground, config)
    keeps_apart = config.grouped and config.on_leak != "ignore"
    separation = Separation(ground, config.buffer_m) if keeps_apart and ground.known.any() else None
    if separation and len(pairs):
        pairs = pairs[shares_of(ground, rows_of(dataset, pairs)) == 0]
    links = _equal_elsewhere(hashes, ground if separation else None)
    wanted, told = _together(dataset, labels, together)
    if len(wanted) and not config.grouped:
        raise FoldError(
            f"{told} Folds that ignore groups (folds.grouped=false) would divide them. Set folds.grouped=true, or "
            "train without that version of the labels (data.labels=none)."
        )
    tried, best = [], None
    for base, by_place, note in _bases(dataset, ground, config):
        try:
            grouping = groups_for(dataset, labels, config, pairs, base)
            grouping = replace(grouping, groups=joined(grouping.groups, len(dataset), np.concatenate([links, wanted])))
            found = _apart(_divided(labels, grouping.groups, config, seed), separation)
            _check_training_parts(found, labels)
        except FoldError as error:
            tried.append(str(error))
            if config.on_leak == "refuse":
                raise
            continue
        notes = (*note, *grouping.notes, *([told] if told else []), *_said(found, config, ground))
        drawn = Drawn(found, grouping.groups, notes, ground, separation, by_place)
        best = best or drawn
        if not _too_much_is_left_out(found) and not (
            by_place and config.block_km is None and _is_uneven(found, labels, config.judged_share)
        ):
            return drawn
    if best is None:
        why = _why(dataset, labels, config, seed, pairs, links, wanted, tried, ground, separation)
        raise FoldError(f"{told} {why}".strip())
    return best


def _by_region(
    dataset: Dataset,
    labels: np.ndarray,
    config: FoldsConfig,
    seed: int,
    pairs: pd.DataFrame,
    hashes: np.ndarray | None,
    together: Sequence[Sequence[str]],
) -> Drawn:
    """Leave-one-region-out: what belongs to a patch of the judged region is left out of training, wherever it lies.

    The groups are those that folds would otherwise keep together: intervals resample them within the regions.
    """
    regions = regions_of(dataset, labels, config)
    ground = footprints(dataset)
    _check_buffer(dataset, ground, config)
    separation = Separation(ground, config.buffer_m) if config.on_leak != "ignore" and ground.known.any() else None
    wanted, told = _together(dataset, labels, together)
    identical = rows_of(dataset, pairs[pairs["kind"] == "identical"])
    alike = np.concatenate([identical, np.empty((0, 2), np.int64) if hashes is None else equal_pairs(hashes)])
    groups = joined(chosen_groups(dataset, config), len(dataset), np.concatenate([alike, wanted]))
    others = np.empty((0, 2), np.int64) if config.on_leak == "ignore" else rows_of(dataset, pairs)
    of = regions.fold_of
    across = others[(of[others] >= 0).all(axis=1) & (of[others[:, 0]] != of[others[:, 1]])]
    if len(across) and config.on_leak == "refuse":
        raise FoldError(
            f"{counted(len(across), 'pair')} of patches that show the same ground lie in different regions. "
            "Set folds.on_leak=group to leave them out of training, or exclude them."
        )
    folds = Folds(len(regions.names), seed, True, of)
    alike_out = [belonging(folds.train(k), folds.val(k), groups, others) for k in range(folds.n_splits)]
    near_out = _apart(folds, separation).left_out or [np.empty(0, np.int64)] * folds.n_splits
    out = tuple(np.union1d(a, b) for a, b in zip(alike_out, near_out, strict=True))
    folds = replace(folds, left_out=out) if any(map(len, out)) else folds
    _check_training_parts(folds, labels)
    notes = (*regions.notes, *([told] if told else []), *_said(folds, config, ground))
    return Drawn(folds, groups, notes, ground, separation, by_place=False)


def _bases(
    dataset: Dataset, ground: Footprints, config: FoldsConfig
) -> Iterator[tuple[np.ndarray | None, bool, tuple[str, ...]]]:
    """What folds may be drawn from, first choice first: groups, whether by place, a note where it is another choice."""
    by_block = config.group_by == "block"
    if not by_block:
        yield chosen_groups(dataset, config), False, ()
    falls_back = config.group_by == "groups" and config.grouped and config.on_leak == "group"
    if by_block and not ground.known.any():
        chosen_groups(dataset, config)  # says what is missing
    if not ground.known.any() or not (by_block or falls_back):
        return
    metric = bool(ground.in_metres[ground.known].any())
    offered = sides(ground, config.block_km)
    first, *_ = named = [f"{side[0] / 1000:.3g} km" if metric else f"{side[1]:.0f} px" for side in offered]
    for k, (side, words) in enumerate(zip(offered, named, strict=True)):
        note: tuple[str, ...] = ()
        if not by_block:
            note = (
                f"The dataset's groups do not allow {config.n_splits} folds whose training parts share no ground with "
                f"the validation part; squares of ground, {words} on a side, are the groups instead.",
            )
        elif k:
            note = (f"Blocks of {first} are too few for {config.n_splits} folds; they are {words} on a side.",)
        yield blocks(ground, side, dataset.ids), True, note


def _apart(folds: Folds, separation: Separation | None) -> Folds:
    """The folds, their training parts without what shares ground with the patches they judge."""
    if separation is None:
        return folds
    left_out = [separation.too_near(folds.train(fold), folds.val(fold)) for fold in range(folds.n_splits)]
    return replace(folds, left_out=tuple(left_out)) if any(map(len, left_out)) else folds


def _check_training_parts(folds: Folds, labels: np.ndarray) -> None:
    for fold in range(folds.n_splits if folds.left_out else 0):
        positive, negative = ((labels[folds.train(fold)] == value).sum() for value in (1, 0))
        if not positive or not negative:
            raise FoldError(
                f"Without the {len(folds.left_out[fold]):,} patches that belong to what the validation part shows, the "
                f"training part of fold {fold + 1} would have {positive} positive and {negative} negative patches."
            )


def _too_much_is_left_out(folds: Folds) -> bool:
    if not folds.left_out:
        return False
    out = [(len(rows), len(folds.train(fold))) for fold, rows in enumerate(folds.left_out)]
    return any(n > MOST_LEFT_OUT * (n + kept) for n, kept in out)


def _divided(labels: np.ndarray, groups: np.ndarray | None, config: FoldsConfig, seed: int) -> Folds:
    """As the protocol says."""
    if config.protocol == "single":
        return make_split(labels, groups, config.val_share, seed, config.grouped)
    return make_folds(labels, groups, config.n_splits, seed, config.grouped)


def _is_uneven(folds: Folds, labels: np.ndarray, share: float) -> bool:
    """Whether a fold judges much less than the others, or one class only where both are common enough."""
    judged = [labels[folds.val(fold)] for fold in range(folds.n_splits)]
    counts = np.bincount(labels[labels >= 0], minlength=2)
    both = counts.min() < folds.n_splits or all(len(np.unique(some)) == 2 for some in judged)
    return not both or min(map(len, judged)) < LEAST_JUDGED * counts.sum() * share


def _equal_elsewhere(hashes: np.ndarray | None, ground: Footprints | None) -> np.ndarray:
    """(n, 2) rows of equal patches that must stay together; not of one place seen twice, which is kept apart anyway."""
    pairs = np.empty((0, 2), np.int64) if hashes is None else equal_pairs(hashes)
    if ground is None or not len(pairs):
        return pairs
    elsewhere = shares_of(ground, pairs) < SAME_PLACE
    return pairs[np.isin(pairs[:, 0], pairs[elsewhere, 0])]


def _together(dataset: Dataset, labels: np.ndarray, groups: Sequence[Sequence[str]]) -> tuple[np.ndarray, str]:
    """(n, 2) rows that keep those groups in one fold, and a sentence on them; what overlaps is one group.

    What is left out of the folds joins nothing of its own, but what it belongs to on both sides stays together.
    """
    rows = [dataset.index_of(list(ids)) for ids in groups]
    stars = np.array([(mine[0], row) for mine in rows for row in mine[1:]], np.int64).reshape(-1, 2)
    whole = joined(None, len(dataset), stars)
    if whole is None:
        return stars, ""
    inside = [row for row in np.unique(np.concatenate(rows)).tolist() if labels[row] >= 0]
    pairs = equal_pairs(np.array([whole[row] for row in inside], str))
    if not len(pairs):
        return pairs, ""
    n, of = len(set(pairs[:, 0].tolist())), len(set(pairs.ravel().tolist()))
    kept = counted(n, "group")
    return np.array(inside)[pairs], f"Kept in one fold by the version of the labels: {kept} of {of:,} patches in all."


def _check_buffer(dataset: Dataset, ground: Footprints, config: FoldsConfig) -> None:
    if config.buffer_m and not ground.in_metres.any():
        raise ConfigError(
            f"folds.buffer_m={config.buffer_m:g} needs the places of patches in metres, and {dataset.name} has none. "
            "Ingest GeoTIFFs, or tiles with --pixel-m, or set folds.buffer_m=0."
        )


def _said(folds: Folds, config: FoldsConfig, ground: Footprints) -> list[str]:
    """What each training part goes without, and what was assumed for it."""
    if not folds.left_out:
        return []
    out = [len(rows) for rows in folds.left_out]
    share = np.mean([n / (n + len(folds.train(fold))) for fold, n in enumerate(out)])
    why = "share ground with patches of the validation part"
    if config.region is not None:
        why = "share ground or a group with patches of the validation part, or show the same"
    if config.buffer_m:
        why += f" or lie within {config.buffer_m:g} m of one"
    counts = f"{min(out):,} to {max(out):,}" if min(out) != max(out) else f"{out[0]:,}"
    notes = [f"Left out of the training part of each fold: {counts} patches that {why} ({share:.0%} on average)."]
    if ground.note:
        notes.append(ground.note)
    if config.buffer_m and (unsized := int((ground.known & ~ground.in_metres).sum())):
        notes.append(f"The buffer could not be kept for {unsized:,} tiles whose pixels have no size (--pixel-m).")
    return notes


# ------------------------------------------------------------------------------------------------ when it cannot be


def _why(
    dataset: Dataset,
    labels: np.ndarray,
    config: FoldsConfig,
    seed: int,
    pairs: pd.DataFrame,
    links: np.ndarray,
    wanted: np.ndarray,
    tried: list[str],
    ground: Footprints,
    separation: Separation | None,
) -> str:
    """The first reason, what was joined, how many groups remain, and what would help."""
    words = [tried[0]]
    if len(np.unique(labels[labels >= 0])) < 2:
        return tried[0]  # no way of drawing helps
    if config.grouped:
        base = chosen_groups(dataset, config)
        joining = pairs if config.on_leak == "group" else pairs[pairs["kind"] == "identical"]
        groups = groups_for(dataset, labels, config, pairs, base).groups
        groups = without = joined(groups, len(dataset), links)
        groups = joined(groups, len(dataset), wanted)
        words.append(_joined_words(labels, config, base, groups, joining, len(links), len(wanted)))
        fewer = range(config.n_splits - 1, 1, -1)
        if n := next((n for n in fewer if _possible(labels, groups, n, seed, separation)), None):
            words.append(f"{n} folds can be drawn: set folds.n_splits={n}.")
        if len(wanted) and _possible(labels, without, config.n_splits, seed, separation):
            words.append(
                f"{config.n_splits} folds can be drawn without the groups of the version of the labels: decide "
                "otherwise on some of them (keep one, exclude) and make a new version."
            )
    if len(tried) > 1:
        words.append(f"Squares of ground do not help either, down to the smallest: {tried[-1]}")
    words.append(_ways_out(config, ground))
    return " ".join(words)


def _joined_words(
    labels: np.ndarray,
    config: FoldsConfig,
    base: np.ndarray | None,
    groups: np.ndarray | None,
    joining: pd.DataFrame,
    n_links: int,
    n_wanted: int,
) -> str:
    known = labels >= 0
    before, after = (int(known.sum()) if of is None else len(set(of[known].tolist())) for of in (base, groups))
    unit = counted(before, "patch", "patches") if base is None else counted(before, "group")
    sources = {"groups": " of the dataset", "block": ", squares of ground", "duplicates": ""}
    source = sources.get(config.group_by, f" by the column '{config.group_by}'")
    words = f"What stays together (folds.group_by={config.group_by}): {unit}{source}"
    if after == before:
        return f"{words}."
    by = [f"{n:,} {PAIR_WORDS[kind]}" for kind, n in joining["kind"].value_counts().items()]
    if not (joining["kind"] == "identical").any() and n_links:
        by.append(f"{n_links:,} identical in the bands in use")
    if n_wanted:
        by.append(f"{n_wanted:,} kept together by people")
    return f"{words}, which pairs that must not be divided join into {after:,} ({', '.join(by)})."


def _possible(
    labels: np.ndarray, groups: np.ndarray | None, n_splits: int, seed: int, separation: Separation | None
) -> bool:
    try:
        _check_training_parts(_apart(make_folds(labels, groups, n_splits, seed), separation), labels)
    except FoldError:
        return False
    return True


def _ways_out(config: FoldsConfig, ground: Footprints) -> str:
    ways, placed = [], bool(ground.known.any())
    if config.block_km is not None and placed:
        ways.append("a smaller folds.block_km, or none")
    if placed and config.group_by not in ("block", "groups"):
        ways.append("folds.group_by=block, which draws folds by place")
    if placed and config.on_leak != "group":
        ways.append("folds.on_leak=group, which leaves shared ground out of training instead of joining")
    if config.buffer_m:
        ways.append("a smaller folds.buffer_m")
    if config.grouped:
        ways += ["more labelled patches from other places", "folds.grouped=false, which flatters the scores"]
    return f"What would help: {'; '.join(ways)}." if ways else "Label more patches of the rarer class."
