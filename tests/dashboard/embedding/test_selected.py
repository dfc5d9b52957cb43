"""Beside the map: wrong decisions at first, then what is clicked or lassoed; what can be done with it."""

from __future__ import annotations

from core.data import exclusions
from dashboard.embedding import hover_pictures, map_panel, neighbours
from dashboard.patches import chosen
from tests.dashboard import galleries
from tests.dashboard.embedding.conftest import held_out


def opened(at, start: str) -> set[str]:
    return {b.key.removeprefix(start) for b in at.button if b.key and b.key.startswith(start)}


def test_the_wrong_decisions_stand_beside_the_map_while_nothing_is_selected(run, open_page):
    at = open_page("embedding")
    head = run.summary()["head"]
    oof = run.oof().query("fold == 0")
    wrong = set(oof.loc[oof[f"pred_{head}"] != oof["label"], "id"])
    assert set(galleries.shown(at, "embedding_wrong")) <= wrong
    assert any(m.value == f"**Wrong decisions** · {len(wrong)} of {len(oof)}" for m in at.markdown)


def test_one_patch_is_shown_large_with_label_probability_and_outcome(run, open_page):
    at, patch_id = open_page("embedding"), sorted(held_out(run))[0]
    at.session_state[map_panel.SELECTED] = [patch_id]
    at.run()
    text = next(m.value for m in at.markdown if m.value.startswith("Label: "))
    assert not at.exception and "Probability of" in text and "Outcome: **" in text
    at.button(key="embedding_show_near").click().run()
    assert not at.exception and at.query_params["embedding_more"] == "near"
    at.button(key=f"embedding_open_{patch_id}").click().run()
    assert not at.exception and at.query_params["patch"] == patch_id


def test_several_stay_selected_on_another_heads_map_until_they_are_cleared(run, open_page):
    at, some = open_page("embedding"), sorted(held_out(run))[:4]
    at.session_state[map_panel.SELECTED] = [*some, "not on the map"]
    at.run()
    assert set(galleries.shown(at, "embedding")) == set(some)
    assert any(m.value == "**4 selected patches**" for m in at.markdown)
    other = next(name for name in ("fc", "lgbm") if name != at.button_group(key="embedding_switch").value)
    at.button_group(key="embedding_switch").set_value(other).run()
    assert set(galleries.shown(at, "embedding")) == set(some)
    at.button(key="embedding_clear").click().run()
    assert not at.exception and not galleries.shown(at, "embedding")
    assert any(m.value.startswith("**Wrong decisions**") for m in at.markdown)


def test_a_selection_of_another_fold_is_not_on_this_map(run, open_page):
    at = open_page("embedding")
    at.session_state[map_panel.SELECTED] = sorted(held_out(run, 1))[:2]
    at.run()
    assert not at.exception and any(m.value.startswith("**Wrong decisions**") for m in at.markdown)


def test_a_selection_on_several_maps_stands_below_them(run, open_page):
    at, some = open_page("embedding", embedding_view="heads"), sorted(held_out(run))[:2]
    at.session_state[map_panel.SELECTED] = some
    at.run()
    assert not at.exception and opened(at, "embedding_open_") == set(some)


def test_a_click_that_the_component_tells_selects_the_patch(monkeypatch):
    session = {}
    monkeypatch.setattr(hover_pictures.st, "session_state", session)

    def after(patch_id: str, more: bool) -> list[str]:
        session[hover_pictures.KEY] = {"clicked": {"id": patch_id, "more": more}}
        hover_pictures._keep_clicked()
        return session[map_panel.SELECTED]

    assert after("a", False) == ["a"] and after("b", False) == ["b"]
    assert after("c", True) == ["b", "c"] and after("b", True) == ["c"]  # with shift: one more, or one less
    session[hover_pictures.KEY] = {}
    hover_pictures._keep_clicked()
    assert session[map_panel.SELECTED] == ["c"]  # nothing was clicked


def test_two_patches_stand_side_by_side_and_either_opens(run, open_page):
    at, some = open_page("embedding"), sorted(held_out(run))[:2]
    at.session_state[map_panel.SELECTED] = some
    at.run()
    assert not at.exception and opened(at, "embedding_open_") == set(some)
    assert sum(m.value.startswith("Label: ") for m in at.markdown) == 2
    at.button(key=f"embedding_action_{chosen.ACTIONS.index(chosen.compare)}").click().run()
    assert not at.exception and any(set(some) <= set(frame.value.columns) for frame in at.dataframe)
    at.button(key=f"embedding_open_{some[1]}").click().run()
    assert not at.exception and at.query_params["patch"] == some[1]


def test_selected_patches_can_be_left_out_of_training(run, studio, open_page):
    at, some = open_page("embedding"), sorted(held_out(run))[:3]
    at.session_state[map_panel.SELECTED] = some
    at.run()
    key = f"embedding_action_{chosen.ACTIONS.index(chosen.exclude)}"
    at.text_input(key=f"{key}_reason").set_value("cloud").run()
    at.button(key=f"{key}_go").click().run()
    assert not at.exception
    table = exclusions.read_exclusions(studio.checkpoints / "datasets" / "tiny.h5")
    assert set(table["id"]) == set(some)


def test_asking_for_neighbours_opens_them(monkeypatch):
    session = {}
    monkeypatch.setattr(neighbours.st, "session_state", session)
    neighbours.ask("a")
    assert session == {neighbours.MORE: "near", neighbours.NEAREST: "a"}
