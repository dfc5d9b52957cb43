"""Blends: the mean of log-odds of members that are there; what they read; none with the network among the baselines."""

import numpy as np

from core.heads.baselines import BASELINES
from core.heads.blend import BLENDS, WITHOUT_NETWORK, add_blends, kind_of, members_of


def test_a_blend_is_the_mean_of_its_members_and_stays_away_without_them():
    odds = {"fc": np.array([1.0, 2.0]), "rich": np.array([3.0, 0.0])}
    found = add_blends(odds, ("fc", "blend", "stats_blend"))
    assert found["blend"].tolist() == [2.0, 1.0] and "stats_blend" not in found and "blend" not in add_blends(odds, ())
    assert add_blends(odds | {"rich_boost": np.zeros(2)}, ("stats_blend",))["stats_blend"].tolist() == [1.5, 0.0]


def test_members_are_asked_once():
    assert members_of(["blend", "stats_blend", "fc"]) == ["fc", "rich", "rich_boost"]


def test_nothing_without_a_network_reads_an_embedding():
    assert all(kind_of(name) != "embeddings" for name in WITHOUT_NETWORK) and kind_of("blend") == "embeddings"
    assert all(member in (*BASELINES, "fc") for members in BLENDS.values() for member in members)
