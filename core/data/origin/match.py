"""Which patches of one dataset are those of another: identical, nearly identical, of the same place, of the same group.

The evidence of each kind is a :class:`Link`. Which of it counts depends on what was learnt from: :meth:`Matches.known`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.data.leakage.across import near_pairs
from core.data.leakage.footprints import EARTH, EARTH_RADIUS_M, Footprints, overlaps
from core.data.origin.facts import PatchFacts
from core.data.origin.fingerprints import Fingerprints, joined_hashes
from core.progress import Steps

IDENTICAL, NEAR, PLACE, GROUP = "identical", "near", "place", "group"
KINDS = (IDENTICAL, NEAR, PLACE, GROUP)
APART_M = 50_000.0  # between the middles of two groups of one name, from which they are two groups


@dataclass(frozen=True, eq=False)
class Link:
    """Evidence that known patches and new ones are the same.

    known: (N,) int64 key of each known patch, -1 none. new: (M,) int64 of each new one. pairs: (n, 2) keys, a known one
    and a new one, that belong together.
    """

    kind: str
    known: np.ndarray
    new: np.ndarray
    pairs: np.ndarray

    def partner(self, counts: np.ndarray) -> np.ndarray:
        """(M,) int64: of each new patch a known one, among those that count (N,) bool, or -1."""
        first = np.full(self.known.max(initial=-1) + 1, -1, np.int64)
        rows = np.flatnonzero(counts & (self.known >= 0))[::-1]
        first[self.known[rows]] = rows
        of_key = np.full(self.new.max(initial=-1) + 1, -1, np.int64)
        found = first[self.pairs[:, 0]]
        of_key[self.pairs[found >= 0, 1]] = found[found >= 0]
        return np.where(self.new >= 0, of_key[self.new] if len(of_key) else -1, -1)


@dataclass(frozen=True, eq=False)
class Matches:
    """What links N known and M new patches, the strongest evidence first; the first link is that of identical ones."""

    links: tuple[Link, ...]
    n_new: int

    def known(self, counts: np.ndarray, kinds: tuple[str, ...] = KINDS) -> tuple[np.ndarray, np.ndarray]:
        """Of each new patch the strongest kind of evidence, and the known patch that it leads to.

        counts: (N,) bool, the known patches that count. Returns (M,) text, "" where there is none, and (M,) int64, -1.
        """
        kind, partner = np.full(self.n_new, "", "U9"), np.full(self.n_new, -1, np.int64)
        for link in self.links:
            if link.kind in kinds:
                found = link.partner(counts)
                first = (partner < 0) & (found >= 0)
                kind[first], partner[first] = link.kind, found[first]
        return kind, partner

    def twins(self, among: np.ndarray) -> np.ndarray:
        """(N,) bool: known patches whose pixels are those of a new one among these (M,) bool."""
        link = self.links[0]
        return np.isin(link.known, link.new[among & (link.new >= 0)])


def same_patches(
    known: PatchFacts, new: PatchFacts, group_names: bool = True, closely: np.ndarray | None = None
) -> Steps[Matches]:
    """Compare two sets of patches.

    group_names: whether groups of one name in both are the same. They are not where their places lie 50 km apart, nor
    where most patches of one id in both differ in their pixels: such names are used twice.
    closely: (M,) bool, the new patches for which near-duplicates are looked for, which takes longest; none: all.
    """
    identical, place = _identical(known.prints, new.prints), _places(known, new)
    rows = np.arange(len(new)) if closely is None else np.flatnonzero(closely)
    pairs = yield from near_pairs(known.prints.planes, new.prints.planes[rows], known.square and new.square)
    near = Link(NEAR, np.arange(len(known)), np.arange(len(new)), np.stack([pairs.known, rows[pairs.new]], axis=1))
    of_new, _ = _keys(new.groups, new.groups[:0])
    links = [identical, near, place]
    if group_names and _names_agree(known, new, identical, near):
        links.append(_groups(known, new))
    links += [_through_groups(link, of_new) for link in (identical, place)]
    return Matches(tuple(links), len(new))


def identical_patches(known: Fingerprints, new: Fingerprints) -> Matches:
    """Only those whose pixels are equal, at once."""
    return Matches((_identical(known, new),), len(new))


def _identical(known: Fingerprints, new: Fingerprints) -> Link:
    """Equal in every band that both have, and not of one value only in all of them."""
    common = [band for band in known.bands if band in new.bands]
    if known.joined:
        if len(common) < len(known.bands):
            return _none(IDENTICAL, len(known), len(new))
        a, b = known.hashes, joined_hashes(new.hashes[:, [new.bands.index(band) for band in common]])[:, None]
    else:
        a, b = (prints.hashes[:, [prints.bands.index(band) for band in common]] for prints in (known, new))
    if not common:
        return _none(IDENTICAL, len(known), len(new))
    _, keys = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)
    keys = np.where(np.concatenate([a, b]).any(axis=1), keys.reshape(-1), -1)
    return _of_equal_keys(IDENTICAL, keys[: len(a)], keys[len(a) :])


def _places(known: PatchFacts, new: PatchFacts) -> Link:
    """Footprints that share ground; of patches with one footprint one stands for all."""
    keys, distinct = [], []
    for facts in (known, new):
        ground, at = facts.ground, np.flatnonzero(facts.ground.known)
        names = np.unique(ground.frame[at], return_inverse=True)[1].reshape(-1, 1)
        where = np.concatenate([names, ground.center[at], ground.size[at]], axis=1)
        _, first, index = np.unique(where, axis=0, return_index=True, return_inverse=True)
        key = np.full(len(facts), -1, np.int64)
        key[at] = index.reshape(-1)
        keys.append(key)
        distinct.append(ground.rows(at[first]))
    pairs = overlaps(distinct[0], distinct[1])[["a", "b"]].to_numpy(np.int64)
    return Link(PLACE, keys[0], keys[1], pairs)


def _names_agree(known: PatchFacts, new: PatchFacts, identical: Link, near: Link) -> bool:
    """Whether at least half of the patches whose id is in both sets are the same patches; or there are none."""
    _, theirs, ours = np.intersect1d(known.ids.astype(str), new.ids.astype(str), return_indices=True)
    same = (identical.known[theirs] == identical.new[ours]) & (identical.known[theirs] >= 0)
    alike = set(map(tuple, near.pairs.tolist()))
    same |= np.array([pair in alike for pair in zip(theirs.tolist(), ours.tolist(), strict=True)], bool)
    return not len(theirs) or bool(same.mean() >= 0.5)


def _groups(known: PatchFacts, new: PatchFacts) -> Link:
    """Groups of one name, but for those that lie far apart."""
    theirs, ours = _keys(known.groups, new.groups)
    link = _of_equal_keys(GROUP, theirs, ours)
    apart = [_apart(known.ground.rows(theirs == key), new.ground.rows(ours == key)) for key in link.pairs[:, 0]]
    return Link(GROUP, theirs, ours, link.pairs[~np.array(apart, bool)])


def _apart(a: Footprints, b: Footprints) -> bool:
    at_a, at_b = (ground.center[ground.frame == EARTH] for ground in (a, b))
    if not len(at_a) or not len(at_b):
        return False
    (lon_a, lat_a), (lon_b, lat_b) = np.deg2rad(np.median(at_a, axis=0)), np.deg2rad(np.median(at_b, axis=0))
    h = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return bool(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(min(h, 1.0))) > APART_M)


def _through_groups(link: Link, group_of_new: np.ndarray) -> Link:
    """New patches of a group in which another patch has such a partner."""
    order = np.argsort(link.new, kind="stable")
    first = np.searchsorted(link.new[order], link.pairs[:, 1], "left")
    last = np.searchsorted(link.new[order], link.pairs[:, 1], "right")
    pairs = {
        (known_key, group)
        for known_key, start, stop in zip(link.pairs[:, 0].tolist(), first.tolist(), last.tolist(), strict=True)
        for group in group_of_new[order[start:stop]].tolist()
        if group >= 0
    }
    return Link(GROUP, link.known, group_of_new, np.array(sorted(pairs), np.int64).reshape(-1, 2))


def _keys(known: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A number for each name of both, -1 where there is none."""
    names = np.concatenate([known, new]).astype(str)
    keys = np.where(names == "", -1, np.unique(names, return_inverse=True)[1])
    return keys[: len(known)], keys[len(known) :]


def _of_equal_keys(kind: str, known: np.ndarray, new: np.ndarray) -> Link:
    both = np.intersect1d(known[known >= 0], new[new >= 0])
    return Link(kind, known, new, np.stack([both, both], axis=1))


def _none(kind: str, n_known: int, n_new: int) -> Link:
    return Link(kind, np.full(n_known, -1), np.full(n_new, -1), np.empty((0, 2), np.int64))
