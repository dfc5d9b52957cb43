"""Blends: heads that use different information, averaged as log-odds, because their errors differ.

``blend`` is the network's FC head and an SVM on rich band statistics (shapes and places; colours and textures).
``stats_blend`` is that SVM and boosted trees on the same statistics: what a blend reaches without any network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.heads.baselines import BASELINES, FULL_BOOST, RICH, RICH_BOOST

BLEND, STATS_BLEND = "blend", "stats_blend"
BLENDS: dict[str, tuple[str, str]] = {BLEND: ("fc", RICH), STATS_BLEND: (RICH, RICH_BOOST)}
WITHOUT_NETWORK = (*BASELINES, FULL_BOOST, STATS_BLEND)


def blend(log_odds: Sequence[np.ndarray]) -> np.ndarray:
    """Mean of the members' log-odds, (N,) each."""
    return np.mean(log_odds, axis=0)


def add_blends(log_odds: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """``log_odds`` by head with those blends of ``names`` whose members are all there."""
    able = [name for name in BLENDS if name in names and set(BLENDS[name]) <= set(log_odds)]
    return {**log_odds, **{name: blend([log_odds[member] for member in BLENDS[name]]) for name in able}}


def members_of(names: Sequence[str]) -> list[str]:
    """The heads that must answer so that these can: a blend asks its members."""
    asked = [member for name in names for member in BLENDS.get(name, (name,))]
    return list(dict.fromkeys(asked))


def kind_of(name: str) -> str:
    """What a head reads: ``embeddings`` of the network (the blend too), band ``statistics``, ``rich`` or ``full`` ones.

    The last three as ``core.data.band_statistics.FEATURES`` makes them.
    """
    if name == FULL_BOOST:
        return "full"
    if name in (RICH, RICH_BOOST, STATS_BLEND):
        return "rich"
    return "statistics" if name in BASELINES else "embeddings"
