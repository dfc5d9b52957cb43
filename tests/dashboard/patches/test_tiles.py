"""What a gallery sends to the browser: texts as texts, pictures as files, chips that can be read."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from dashboard import theme
from dashboard.patches import tiles
from dashboard.ui.formatting import class_word, escape_markdown
from tests.builders import make_dataset


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)


def test_a_tile_holds_the_picture_and_says_what_it_is(rgb):
    made = tiles.tile("p1", rgb, "p 0.94 · fold 1  \n**weak evidence (3%)**", tiles.outcome_chip("FN"))
    kind, _, data = made["src"].partition(",")
    assert kind == "data:image/webp;base64"
    seen = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    assert seen.shape == rgb.shape
    assert made["alt"] == "Patch p1, Missed (FN)" and made["chip"]["colour"] == theme.OUTCOME["FN"]
    assert made["lines"] == [
        [{"text": "p 0.94 · fold 1", "look": ""}], [{"text": "weak evidence (3%)", "look": "strong"}]
    ]  # fmt: skip
    assert tiles.tile("p1", rgb)["chip"] is None


@pytest.mark.parametrize("label", [1, 0, -1])
def test_a_class_named_in_its_colour_becomes_a_chip(rgb, label, tmp_path):
    data = make_dataset(tmp_path / "d.h5", n=8)
    made = tiles.tile("p1", rgb, f"{class_word(data, label)}  \np 0.31")
    assert made["chip"]["colour"] == theme.CLASS[label] == tiles.class_chip(data, label).colour
    assert made["chip"]["text"] == tiles.class_chip(data, label).text
    assert made["lines"] == [[{"text": "p 0.31", "look": ""}]]
    two = tiles.tile("p1", rgb, f"{class_word(data, label)} or not")
    assert two["chip"] is None and len(two["lines"]) == 1


def test_what_a_chip_and_the_pointer_say_is_said_to_screen_readers_too(rgb):
    made = tiles.tile("p1", rgb, chip=tiles.Chip("landslide", theme.CLASS[1]), more="0.12 away")
    assert made["alt"] == "Patch p1, landslide, 0.12 away" and made["title"] == "p1, 0.12 away"


@pytest.mark.parametrize("text", ["l4s_1917_r1c1", "a*b**c", "x]y[z", r"back\slash", "http://x.y", ":red[s]", "<b>&"])
def test_what_was_escaped_for_markdown_is_shown_as_it_was_written(text):
    assert tiles.spans(escape_markdown(text)) == [{"text": text, "look": ""}]
    assert tiles.spans(f":orange[{escape_markdown(text)}] then") == [
        {"text": text, "look": "orange"}, {"text": " then", "look": ""}
    ]  # fmt: skip


def test_markup_that_is_not_ours_stays_text():
    assert tiles.spans("<img src=x> :blink[a]") == [{"text": "<img src=x> :blink[a]", "look": ""}]
    assert tiles.spans("") == []


@pytest.mark.parametrize("colour", [*theme.OUTCOME.values(), *theme.CLASS.values()])
def test_a_chips_text_can_be_read_on_its_colour(colour):
    low, high = sorted(tiles.luminance(one) for one in (colour, tiles.ink_on(colour)))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_luminance_is_that_of_the_standard():
    assert tiles.luminance("#ffffff") == pytest.approx(1) and tiles.luminance("#000000") == 0
    assert tiles.luminance("#808080") == pytest.approx(0.2159, abs=1e-4)


def test_the_version_changes_with_what_is_seen_and_not_with_what_is_chosen(rgb):
    one, two = tiles.tile("a", rgb), tiles.tile("b", rgb)
    first = tiles.payload([one], "Patches", ["a"], True, 3)
    assert first["version"] == tiles.payload([one], "Patches", [], True, 4, current="a")["version"]
    assert first["version"] != tiles.payload([two], "Patches", ["a"], True, 3)["version"]
    assert json.loads(json.dumps(first)) == first


def test_the_script_makes_no_markup_of_data():
    script = (tiles._HERE / "tiles.js").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)
