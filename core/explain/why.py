"""What is unusual about one patch and a head's decision on it, as findings: each a clause with its number and its rule.

Nothing here is a cause. A finding says what was measured, what is usual, and whether this patch is outside of that;
what was not measured is no finding, and what is usual is not said in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.text import percent, true_minus

K = 10  # nearest training patches
RANK = 0.05  # share of the own class beyond a patch, below which the patch is unusual
OTHERS = 0.7  # share of the nearest training patches with the other label, from which it is unusual
DISSENT = 2 / 3  # share of the heads that agree with a decision, up to which that is unusual
CLOSE = 0.05  # distance of a probability from its threshold
SMALL_MASK = 0.02  # share of the patch that the outlined landslide covers
NO_DATA = 0.1  # share of pixels without data
CLOUD = 0.2  # share of the patch under cloud
BELIEF = 0.5  # mean probability that networks give to a label they learnt from, below which it is doubtful
WEAK = 0.25  # peak of a map, as a share of the mean peak of its fold's living maps
IN_LINE = 0.7  # share of the nearest training patches with the same label, from which they support it
FEWEST = 20  # patches that a rank is taken among
MOST_SAID = 4  # possible reasons in a sentence
_AS_WOULD = {"darker": ", as shadow or water would be", "brighter": ", as cloud or bare ground would be"}


@dataclass(frozen=True)
class Evidence:
    """What was measured of one patch; None (or no patches) where it could not be.

    label: 1, 0 or -1; pred, prob, threshold: of the head that is shown; agree of heads: decide as it does, itself
    counted. near_other of near: nearest training patches with the other label. brightness, change: mean of the visible
    (or all optical) bands, mean size of the SAR change; their ranks: share of the other patches of its class below
    (``rank``), of n_class. cloud: share under cloud by the dataset's own column cloud_column. map_share: the map's peak
    as a share of its fold's level, 0 for a dead map. inside: share of the attention on the mask; mask_share: share of
    the patch in it, 0 for an empty one. believed: mean probability of its label by the networks that learnt from it,
    learners of them. band, without: the band without which the head's probability changes most, and to what.
    """

    label: int
    pred: int
    prob: float
    threshold: float
    agree: int = 1
    heads: int = 1
    near_other: int | None = None
    near: int = 0
    brightness: float | None = None
    brightness_rank: float | None = None
    brightness_unit: str = ""
    change: float | None = None
    change_rank: float | None = None
    n_class: int = 0
    no_data: float = 0.0
    cloud: float | None = None
    cloud_column: str = ""
    map_share: float | None = None
    inside: float | None = None
    mask_share: float | None = None
    believed: float | None = None
    learners: int = 0
    band: str = ""
    without: float | None = None

    @property
    def wrong(self) -> bool:
        """Whether the decision differs from the label."""
        return self.label >= 0 and self.label != self.pred

    @property
    def right(self) -> bool:
        """Whether the decision is the label."""
        return self.label >= 0 and self.label == self.pred


@dataclass(frozen=True)
class Finding:
    """name: what was measured; value: what was found; usual: from where on it is unusual; clause: in a sentence.

    reason: of the patch, so that it may be why; otherwise it only says how sure the decision is. support: what is in
    line with a right decision, as a clause; "" where it is not. plain: what is said of the decision when it is usual.
    """

    name: str
    value: str
    usual: str
    unusual: bool
    clause: str
    reason: bool = True
    support: str = ""
    plain: str = ""


def findings(e: Evidence, own: str, other: str) -> list[Finding]:
    """Everything that was measured, in the order in which it is said. own, other: names of the label's class and not.

    The texts hold the names as they are; whoever draws them escapes them.
    """
    found = [
        *_pixels(e), *_belief(e, own), *_neighbours(e, own, other), *_levels(e, own), *_map(e), *_inside(e), *_band(e),
        *_heads(e), _closeness(e),
    ]  # fmt: skip
    return [one for one in found if one is not None]


def said(found: Sequence[Finding]) -> tuple[list[str], list[str], list[str]]:
    """Clauses: what is unusual about the patch (at most ``MOST_SAID``), about the decision, and what supports it.

    Of the decision something is always said: how many heads share it, and how far it is from the threshold.
    """
    unusual = [one for one in found if one.unusual]
    reasons = [one.clause for one in unusual if one.reason][:MOST_SAID]
    notes = [one.clause if one.unusual else one.plain for one in found if not one.reason and not one.support]
    return reasons, [note for note in notes if note], [one.support for one in found if one.support and not one.unusual]


def rank(value: float, others: np.ndarray) -> float | None:
    """Share of ``others`` below a value, ties counted by half; None among fewer than ``FEWEST``."""
    others = np.asarray(others, float)
    others = others[np.isfinite(others)]
    if len(others) < FEWEST or not math.isfinite(value):
        return None
    return float((others < value).mean() + 0.5 * (others == value).mean())


# ------------------------------------------------------------------------------------------------ one by one


def _pixels(e: Evidence) -> list[Finding]:
    share = percent(e.no_data, 0)
    found = [
        Finding(
            "Pixels without data", share, f"more than {percent(NO_DATA, 0)}", e.no_data > NO_DATA,
            f"{share} of its pixels have no data",
        )
    ]  # fmt: skip
    if e.cloud is not None:
        covered = percent(e.cloud, 0)
        found.append(
            Finding(
                f"Cloud (column {e.cloud_column})", covered, f"more than {percent(CLOUD, 0)}", e.cloud > CLOUD,
                f"cloud covers {covered} of it",
            )
        )  # fmt: skip
    if e.label == 1 and e.mask_share:
        covered = percent(e.mask_share)
        found.append(
            Finding(
                "Part that the mask covers", covered, f"less than {percent(SMALL_MASK, 0)}",
                e.mask_share < SMALL_MASK, f"the outlined landslide covers only {covered} of the patch",
            )
        )  # fmt: skip
    return found


def _belief(e: Evidence, own: str) -> list[Finding]:
    if e.believed is None or not e.learners or e.label < 0:
        return []
    share = f"{e.believed:.2f}"
    who = "the network that learnt" if e.learners == 1 else f"the {e.learners} networks that learnt"
    return [
        Finding(
            "What networks that learnt from its label make of it", f"probability of {own} {share}",
            f"below {BELIEF:.2f}", e.believed < BELIEF,
            f"even {who} from this label give{'s' * (e.learners == 1)} it a probability of only {share}",
        )
    ]  # fmt: skip


def _band(e: Evidence) -> list[Finding]:
    if e.without is None or not e.band:
        return []
    turned = (e.without >= e.threshold) != (e.pred == 1)
    return [
        Finding(
            "Band that counts most", f"{e.without:.2f} without {e.band}", "the decision changes without one band",
            turned, f"without {e.band} alone its probability is {e.without:.2f} and the decision the other one",
        )
    ]  # fmt: skip


def _neighbours(e: Evidence, own: str, other: str) -> list[Finding]:
    if e.near_other is None or not e.near or e.label < 0:
        return []
    same = e.near - e.near_other
    return [
        Finding(
            "Nearest training patches", f"{same} of {e.near} are labelled {own}",
            f"{percent(OTHERS, 0)} or more with the other label", e.near_other >= OTHERS * e.near,
            f"{e.near_other} of its {e.near} nearest training patches are labelled {other}",
            support=f"{same} of its {e.near} nearest training patches are labelled {own}"
            if e.right and same >= IN_LINE * e.near
            else "",
        )
    ]  # fmt: skip


def _levels(e: Evidence, own: str) -> list[Finding]:
    found = []
    usual = f"beyond {percent(1 - RANK, 0)} of {e.n_class:,} patches labelled {own}"
    for name, value, unit, at, words in (
        ("SAR change", e.change, "dB", e.change_rank, ("less SAR change", "more SAR change")),
        ("Brightness", e.brightness, e.brightness_unit, e.brightness_rank, ("darker", "brighter")),
    ):
        if value is None or at is None:
            continue
        share = at if at >= 0.5 else 1 - at
        amount = true_minus(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}")
        amount = f"{amount} {unit}".strip()
        which = words[at >= 0.5]
        as_would = _AS_WOULD.get(which, "")
        verb, least = ("shows" if name == "SAR change" else "is"), usual
        speaks = share >= 1 - RANK
        if name == "SAR change" and e.wrong:  # much change is no reason to miss a landslide, nor little for an alarm
            speaks &= (at >= 0.5) == (e.pred == 1)
            least += f", with {words[e.pred]}"
        found.append(
            Finding(
                name, f"{amount}, {which} than {percent(share, 0)}", least, speaks,
                f"it {verb} {which} than {percent(share, 0)} of the patches labelled {own}{as_would}",
            )
        )  # fmt: skip
    return found


def _map(e: Evidence) -> list[Finding]:
    if e.map_share is None:
        return []
    expected = e.label == 0  # the map is that of the positive class
    dead = e.map_share <= 0
    value = "dead" if dead else f"{percent(e.map_share, 0)} of its fold's usual peak"
    clause = "its attention map is dead" if dead else f"its attention is weak ({value})"
    usual = f"less than {percent(WEAK, 0)}" + (", but expected of this class" if expected else "")
    return [Finding("Strength of the attention", value, usual, e.map_share < WEAK and not expected, clause)]


def _inside(e: Evidence) -> list[Finding]:
    if e.inside is None or not e.mask_share or not e.map_share:
        return []
    inside, covered = percent(e.inside, 0), percent(e.mask_share, 0)
    return [
        Finding(
            "Attention on the mask", inside, f"no more than the part that the mask covers, {covered}",
            e.inside <= e.mask_share,
            f"only {inside} of the attention lies on the mask, which covers {covered} of the patch",
            support=f"{inside} of the attention lies on the mask, which covers {covered} of the patch"
            if e.right and e.pred == 1
            else "",
        )
    ]  # fmt: skip


def _heads(e: Evidence) -> list[Finding]:
    if e.heads < 3:
        return []
    all_wrong = e.wrong and e.agree == e.heads
    clause = f"all {e.heads} heads make the same mistake" if all_wrong else f"only {e.agree} of {e.heads} heads agree"
    return [
        Finding(
            "Heads that agree", f"{e.agree} of {e.heads}",
            f"up to {percent(DISSENT, 0)} of them, or all in a mistake",
            all_wrong or e.agree <= DISSENT * e.heads, clause, reason=False,
            plain=f"{e.agree} of {e.heads} heads agree",
            support=f"all {e.heads} heads agree" if e.right and e.agree == e.heads else "",
        )
    ]  # fmt: skip


def _closeness(e: Evidence) -> Finding:
    away = abs(e.prob - e.threshold)
    return Finding(
        "Distance from the threshold", f"{away:.2f}", f"less than {CLOSE:.2f}", away < CLOSE,
        f"its probability, {e.prob:.2f}, is close to the threshold, {e.threshold:.2f}", reason=False,
        plain=f"its probability, {e.prob:.2f}, is {away:.2f} from the threshold",
    )  # fmt: skip
