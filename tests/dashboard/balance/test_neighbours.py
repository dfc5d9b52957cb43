"""The view of neighbours: edges with their counts, the graph with its table."""

import pandas as pd

from core.data.store import open_dataset
from dashboard.balance import neighbours, pictures
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


def test_a_sentence_names_the_most_similar_and_how_many_were_used(studio):
    data = open_dataset(studio.add_dataset())
    table = neighbours.edges(GRAPH, {("a", "b"): 2, ("c", "a"): 1})
    words = neighbours.reading(table, data)
    assert words.startswith("**a** is most similar to **b** (SSIM 0.90); 3 synthetic patches")
    assert "2 of these 3 neighbours" in words
    assert "No other" in neighbours.reading(table.head(0), data)


def test_the_pickers_are_in_the_link(answering, open_page):
    run, *_ = answering
    patch = pictures.landslides_of(run, 1)[2]
    at = open_page(
        "balance", balance_view="neighbours", balance_fold="1", balance_neighbours_patch=patch,
        balance_neighbours_k="4", balance_neighbours_second="1",
    )  # fmt: skip
    assert not at.exception and not at.error
    assert at.dataframe[0].value["degree"].value_counts().to_dict() == {1: 4, 2: 1}
    assert set(at.dataframe[0].value.query("degree == 1")["from"]) == {patch}
