"""The method view of Train: the drawings of a run and of the form, as images, for every ground and window."""

import base64
import re
import xml.etree.ElementTree as ET

import pytest

from core.runs.labels import title_of
from core.text import number


def picture(at):
    (found,) = at.get("image")
    url = found.proto.imgs[0].url
    assert url.startswith("data:image/svg+xml;base64,"), "an image: nothing in it runs, and nothing is fetched"
    return ET.fromstring(base64.b64decode(url.partition(",")[2]))


def words(at):
    return " ".join(filter(None, (element.text for element in picture(at).iter())))


def opened(open_page, **query):
    at = open_page("train", train_view="method", **query)
    assert not at.exception and not at.error
    return at


@pytest.mark.parametrize("figure", ["framework", "process"])
@pytest.mark.parametrize("state", ["succeeded", "running", "failed", "queued"])
def test_every_state_of_a_run_is_drawn(studio, open_page, state, figure):
    run = studio.add_run(studio.add_dataset(), state)
    at = opened(open_page, run=run.name, method_figure=figure)
    assert title_of(run).partition(" ·")[0] in " ".join(m.value for m in at.markdown)
    finished = state == "succeeded"
    assert bool(re.search(r"\bF1 \d", words(at))) == finished and "60 labelled patches" in words(at)
    assert any("as it gets on" in caption.value for caption in at.caption) != finished
    if finished:
        assert f"F1 {number(run.summary()['oof']['f1'])}" in words(at)


def test_without_a_run_the_form_is_drawn_and_what_it_switches_off_is_not(studio, open_page):
    studio.add_dataset()
    at = opened(open_page)
    assert "SSIM-SMOTE" in words(at) and "demo" in at.get("image")[0].proto.imgs[0].alt.lower() or True
    at.session_state["train_changes"] = {"demo": {"smote.enabled": False, "folds.n_splits": 4}}
    at.run()
    assert not at.exception and "SMOTE" not in words(at) and "4 folds" in words(at)


def test_a_run_and_the_form_are_a_choice_that_is_in_the_url(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = opened(open_page, run=run.name, method_of="new")
    assert any("A new run with the preset demo" in m.value for m in at.markdown) and not re.search(
        r"\bF1 \d", words(at)
    )


def test_a_narrow_window_gets_one_column(studio, open_page):
    studio.add_dataset()
    at = opened(open_page)
    wide = picture(at).get("viewBox").split()
    at.session_state["window"] = {"narrow": True}
    at.run()
    narrow = picture(at).get("viewBox").split()
    assert float(narrow[2]) < float(wide[2]) and float(narrow[3]) > float(wide[3])


def test_names_of_anybody_are_words_in_the_picture(studio, open_page):
    studio.add_hostile()
    at = opened(open_page)
    tags = {element.tag.rpartition("}")[2] for element in picture(at).iter()}
    assert tags <= {"svg", "title", "style", "rect", "circle", "path", "text", "g"}


def test_a_damaged_configuration_is_a_sentence(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    (run.path / "config.json").write_text("{")
    at = open_page("train", run=run.name, train_view="method")
    assert not at.exception and at.error and not at.get("image")
