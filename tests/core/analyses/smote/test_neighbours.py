"""The graph of neighbours from which synthetic patches are drawn."""

import numpy as np
import pytest

from core.analyses.smote.fold_minority import FoldLandslides
from core.analyses.smote.neighbours import neighbour_graph
from core.errors import ConfigError, RunError
from core.predict.training_dataset import training_dataset
from core.smote.ssim import pairwise_ssim


@pytest.fixture(scope="module")
def landslides(balanced_run):
    return FoldLandslides.of(balanced_run, training_dataset(balanced_run), 0)


def test_neighbours_are_the_most_similar_and_those_that_synthetics_were_drawn_from(balanced_run, landslides):
    lineage = balanced_run.smote()
    anchor = str(lineage[lineage["fold"] == 0].iloc[0]["anchor"])
    graph = neighbour_graph(landslides, anchor, k=5, second=2)
    ssim = pairwise_ssim(landslides.patches, landslides.data_range)
    np.fill_diagonal(ssim, -2)
    centre = landslides.place[anchor]
    order = np.argsort(-ssim[centre], kind="stable")[:5]
    assert graph.nearest == landslides.ids[order].tolist() and np.allclose(graph.ssim, ssim[centre][order], atol=1e-5)
    mine = lineage[(lineage["fold"] == 0) & (lineage["anchor"] == anchor)]
    assert set(mine["neighbour"]) <= set(graph.nearest)
    for row in mine.itertuples():
        assert graph.ssim[graph.nearest.index(row.neighbour)] == pytest.approx(row.ssim, abs=1e-5)
    assert len(graph.further) == 10 and {row[0] for row in graph.further} == set(graph.nearest)
    assert all(start != end for start, end, _ in graph.further)


def test_a_graph_that_cannot_be_drawn_is_refused(landslides):
    with pytest.raises(ConfigError, match="neighbours"):
        neighbour_graph(landslides, str(landslides.ids[0]), k=0)
    with pytest.raises(RunError, match="not among the"):
        neighbour_graph(landslides, "<b>nobody</b>")
