"""A against B on the page: heads, runs and labels, the cell that is chosen, and the set that it leads to."""

from __future__ import annotations

import pandas as pd
import pytest

from core.config import preset
from core.data.label_versions import Change, LabelVersion, labels_hash, write_version
from core.data.store import open_dataset
from core.review.versus import CELLS, Versus
from dashboard.review.versus import figure
from tests.builders import make_run
from tests.dashboard import galleries
from tests.dashboard.results.made import words_of

HEAD = "svm_c0.1"
VIEW = {"review_view": "versus"}


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.fixture
def other(studio, run):
    """A run that misses half of the landslides which the first finds."""
    made = make_run(studio.checkpoints, run.dataset_path(), config=preset("demo").with_overrides(["folds.n_splits=3"]))
    oof = made.oof()
    found = oof.index[(oof["label"] == 1) & (oof[f"pred_{HEAD}"] == 1)][::2]
    oof.loc[found, [f"pred_{HEAD}", f"prob_{HEAD}"]] = [0, 0.01]
    made.write_oof(oof)
    return made


def ids_of(cell, first, second, labels=None):
    """Ids in a cell. first, second: decisions by id."""
    right, before = first == labels, second == labels
    return set(
        labels.index[{"fixed": right & ~before, "broken": ~right & before, "both wrong": ~right & ~before}[cell]]
    )


def test_with_one_run_another_head_is_compared_and_every_cell_shows_its_patches(run, open_page):
    at = open_page("review", run=run.name, **VIEW, versus_head="fc")
    assert not at.exception and at.query_params["versus_with"] in ("heads", ["heads"])
    table = run.oof().set_index("id")
    for cell in ("both wrong", "broken", "fixed"):
        wanted = ids_of(cell, table[f"pred_{HEAD}"], table["pred_fc"], table["label"])
        at.button_group(key="versus_cell").set_value(cell).run()
        shown = galleries.shown(at, "versus")
        assert not at.exception and set(shown) <= wanted and len(shown) == min(12, len(wanted)), cell
    first = galleries.shown(at, "versus")[0]
    lines = str(galleries.sent(at, "versus")["tiles"][0]["lines"])
    assert all(f"{table.loc[first, f'prob_{name}']:.2f}" in lines for name in (HEAD, "fc"))
    assert "60 patches that neither had seen" in words_of(at) and "95% interval over groups" in words_of(at)


def test_another_run_is_compared_and_its_patches_become_a_set(run, other, open_page):
    at = open_page("review", run=run.name, **VIEW, versus_with=other.name)
    assert not at.exception and not at.error and at.selectbox(key="versus_head").value == HEAD
    mine, theirs = (one.oof().set_index("id") for one in (run, other))
    wanted = ids_of("fixed", mine[f"pred_{HEAD}"], theirs[f"pred_{HEAD}"], mine["label"])
    assert f"right on **{len(wanted)}** patches that **B**" in words_of(at)
    at.button(key="versus_look").click().run()
    for _ in range(3):  # the page is short for a moment
        at.run()
    assert not at.exception and at.session_state["review_view"] == "patches"
    assert sorted(galleries.shown(at, "errors")) == sorted(wanted)[:24]
    set_name = at.session_state["review_set"]
    again = open_page("review", run=run.name, review_set=set_name, errors_outcome="TP")
    assert not again.exception and sorted(galleries.shown(again, "errors")) == sorted(
        one for one in wanted if mine.loc[one, "label"] == 1
    )


def test_the_attention_of_both_runs_stands_side_by_side_and_a_card_tells_both(run, other, open_page):
    at = open_page("review", run=run.name, **VIEW, versus_with=other.name, versus_cell="both right", versus_cam="True")
    assert not at.exception
    strip = next(one for one in at.get("bidi_component") if one.key == "versus_attention")
    assert "from left to right the attention of A, B" in strip.proto.json
    assert not galleries.shown(at, "versus")
    mine, theirs = (one.oof().set_index("id") for one in (run, other))
    right = [one[f"pred_{HEAD}"] == one["label"] for one in (mine, theirs)]
    patch = mine.index[right[0] & right[1]][0]
    at.query_params["patch"] = patch
    at.run()
    assert not at.exception and any(c.value.startswith("A says 0.") for c in at.caption)
    assert any(one.label == "Attention of A and of B" for one in at.expander)


def test_the_same_answers_by_corrected_labels(run, open_page):
    table = run.oof().set_index("id")
    wrong = table.index[(table["label"] == 1) & (table[f"pred_{HEAD}"] == 0)][:2]
    data = open_dataset(run.dataset_path())
    changes = tuple(Change(name, 1, 0, "ana", "2026-01-01") for name in sorted(wrong))
    made = ("2026-01-01T00:00:00+00:00", "ana", "a test", "agreed", changes)
    version = write_version(data.path, LabelVersion(0, labels_hash(data.ids, data.labels), *made))
    at = open_page("review", run=run.name, **VIEW, versus_with="labels")
    assert not at.exception and not at.error
    assert f"**{len(wrong)} errors become right** and **0 right answers become wrong**" in words_of(at)
    assert sorted(galleries.shown(at, "versus")) == sorted(wrong)
    assert "labelled landslide, now" in str(galleries.sent(at, "versus")["tiles"])
    assert at.query_params["versus_labels"] in (version.name, [version.name])


def test_what_cannot_be_compared_is_a_sentence(run, other, open_page):
    at = open_page("review", run=run.name, review_set="versus:fixed~svm_c0.1~nowhere~fc~own")
    assert not at.exception and "There is no run" in at.warning[0].value
    at = open_page("review", run=run.name, review_set="versus:nonsense")
    assert not at.exception and "not kept here any more" in at.warning[0].value
    (other.path / "oof.parquet").write_bytes(b"damaged")
    at = open_page("review", run=run.name, **VIEW, versus_with=other.name)
    assert not at.exception and at.error


def test_a_run_with_one_head_and_nothing_beside_it_says_what_is_missing(run, open_page):
    oof = run.oof()
    keep = [name for name in oof if not name.startswith(("prob_", "pred_", "score_")) or name.endswith(HEAD)]
    run.write_oof(oof[keep])
    at = open_page("review", run=run.name, **VIEW)
    assert not at.exception and "Nothing to compare with" in at.info[0].value


def test_the_cells_are_drawn_with_their_counts_and_names():
    table = pd.DataFrame({"cell": ["fixed", "fixed", "broken"], "outcome_a": ["TP", "TP", "FN"]})
    found = Versus(table, {}, {}, True)
    drawn = figure.square(found.counts, figure.parts_of(table), "<b>A</b>", "x" * 90, "fixed")
    assert [trace.customdata[0][0] for trace in drawn.data] == ["both right", "fixed", "broken", "both wrong"]
    texts = " ".join(note.text for note in drawn.layout.annotations)
    assert "<b>Fixed</b>" in texts and "2 found" in texts and "1 missed" in texts
    assert "&lt;b&gt;" in drawn.layout.yaxis.title.text and drawn.layout.xaxis.title.text.endswith("…")
    assert set(found.counts) == set(CELLS)
