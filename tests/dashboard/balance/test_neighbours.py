"""The view of neighbours: edges with their counts, the graph with its table."""

import pandas as pd

from dashboard.balance import neighbours
from tests.dashboard.balance.made_answers import GRAPH


def test_edges_count_synthetics_either_way_round():
    made = neighbours.between(pd.DataFrame({"anchor": ["a", "a", "c"], "neighbour": ["b", "b", "a"]}))
    table = neighbours.edges(GRAPH, made).set_index(["from", "to"])
    assert table.loc[("a", "b"), "synthetics"] == 2 and table.loc[("a", "c"), "synthetics"] == 1
    assert len(table) == 7 and table["degree"].tolist() == [1, 1, 1, 2, 2, 2, 2]


def test_the_graph_is_drawn_with_its_table(answering, open_page):
    at = open_page("balance", balance_view="neighbours")
    assert not at.exception and not at.error
    assert at.dataframe[0].value["degree"].value_counts().to_dict() == {1: 5, 2: 3}
