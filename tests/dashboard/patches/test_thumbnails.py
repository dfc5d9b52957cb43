"""What a gallery sends is the picture that was always drawn; the pages ahead are asked for, and nobody waits."""

from __future__ import annotations

import pandas as pd
import pytest

from core.data.bands import composites
from core.data.pictures import kept, thumbnails
from core.data.pictures.background import Wanted
from core.data.store import open_dataset
from core.errors import RunError
from dashboard.jobs import model_client
from dashboard.patches import derived_bands, gallery, tiles
from dashboard.ui import paging
from tests.dashboard import galleries


class Asked(list):
    """In place of the process: what it was asked for."""

    def later(self, request):
        self.append(request)


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(kept, "LEAST_FREE", 0)
    found = Asked()
    monkeypatch.setattr(model_client, "thumbnails", lambda: found)
    return found


@pytest.fixture
def run(studio):
    return studio.add_run(studio.add_dataset())


@pytest.mark.parametrize("stretch", ["dataset", "patch"])
@pytest.mark.parametrize("mask", [False, True])
def test_the_address_is_that_of_the_picture(run, stretch, mask):
    data = open_dataset(run.dataset_path())
    ids = data.ids[:3].tolist()
    for way in composites(derived_bands.drawable(data.bands))[:4]:
        look = gallery.Look(way, stretch, mask=mask)
        drawn = gallery.pictures(data, ids, look)
        style = gallery._style(data, look, mask)
        for _ in range(2):  # drawn, then kept
            assert gallery.thumbnails.addresses(data, ids, style) == [tiles.encoded(rgb) for rgb in drawn]


def test_the_pages_ahead_are_asked_for_in_the_look_of_the_page(run, open_page, asked):
    at = open_page("dataset", dataset_view="patches", dataset_size="12")
    assert not at.exception
    ids, size = open_dataset(run.dataset_path()).ids.tolist(), 12
    assert asked[-1]["ids"] == ids[size : 3 * size]
    work = Wanted.of(asked[-1])
    shown = galleries.sent(at, "dataset_gallery")["tiles"]
    (webp,) = thumbnails.thumbnails(work.data, [shown[0]["id"]], work.style, work.kept)
    assert gallery.thumbnails.address(webp) == shown[0]["src"], "the process would draw what is shown"
    sum(work.first())
    names = thumbnails.keys(work.data, ids[: 3 * size], work.style)
    assert work.kept.known(names) == set(names), "the page itself and the two ahead"


def test_the_last_page_asks_for_nothing(run, open_page, asked):
    at = open_page("dataset", dataset_view="patches", dataset_size="12", dataset_page="5")
    assert not at.exception and galleries.shown(at, "dataset_gallery") and not asked


def test_a_process_that_cannot_be_asked_changes_nothing(run, open_page, monkeypatch):
    def lost(self, request):
        raise RunError("The process was lost.")

    monkeypatch.setattr(Asked, "later", lost)
    monkeypatch.setattr(model_client, "thumbnails", Asked)
    at = open_page("dataset", dataset_view="patches", dataset_size="12")
    assert not at.exception and not at.error and len(galleries.shown(at, "dataset_gallery")) == 12


def test_attention_maps_are_drawn_over_what_is_kept_and_not_kept_themselves(run, open_page, asked):
    at = open_page("review", errors_cam="True", errors_size="12")
    assert not at.exception and galleries.shown(at, "errors") and not asked
    data = open_dataset(run.dataset_path())
    look = gallery.Look(composites(data.bands)[0])
    for mask in (False, True):
        names = thumbnails.keys(data, data.ids.tolist(), gallery._style(data, look, mask))
        assert not kept.KeptPictures(run.checkpoints).known(names)


def test_ids_ahead_are_those_of_the_next_two_pages():
    table = pd.DataFrame({"id": [f"p{i}" for i in range(10)]})
    assert paging.ahead(table, 1, 3) == ["p3", "p4", "p5", "p6", "p7", "p8"]
    assert paging.ahead(table, 3, 3) == ["p9"] and paging.ahead(table, 4, 3) == []
