"""The stops on the map: titles, waiting without holding the page up, a failure that is told once and tried again."""

from core.errors import RunError
from dashboard.balance import model_queries
from dashboard.balance.interpolation_map import stop_title


def test_a_stop_says_which_mixture_it_is():
    titles = [stop_title(t, (0.3,)) for t in (0.0, 0.3, 1.0, 1.75, 2.0)]
    assert titles == [
        "neighbour",
        "anchor × 0.30 (the synthetic patch)",
        "anchor",
        "anchor × 0.25, other",
        "other class",
    ]


def test_while_the_positions_are_computed_the_stops_are_there(answering, open_page, monkeypatch):
    monkeypatch.setattr(model_queries, "positions", lambda *_: None)
    at = open_page("balance", balance_view="interpolation")
    assert not at.exception and not at.error and at.select_slider
    assert any("Placing the stops on the map" in i.value for i in at.info)


def test_the_map_shows_the_stops_as_soon_as_they_are_placed(answering, open_page):
    at = open_page("balance", balance_view="interpolation")
    assert not at.exception and not at.error and not at.info
    assert any("training patches of fold 1 on the run's own map. Projected" in c.value for c in at.caption)


def test_a_failure_is_shown_and_asked_again_only_by_the_button(answering, open_page, monkeypatch):
    asked = []

    def failing(*_):
        asked.append(1)
        raise RunError("UMAP <b>failed</b>.")

    monkeypatch.setattr(model_queries, "positions", failing)
    at = open_page("balance", balance_view="interpolation")
    assert not at.exception and len(asked) == 1 and "\\<b\\>failed" in at.error[0].value
    at.run()
    assert len(asked) == 1
    at.button(key="balance_interpolation_again").click().run()
    assert not at.exception and len(asked) == 2
