"""The preview without a run: made by the warm process, and called a preview."""

import pytest

from core.config import preset
from dashboard.jobs import model_client


@pytest.fixture
def process():
    yield
    model_client.models().close()


def test_a_preview_is_called_one_and_made_on_the_spot(studio, open_page, process):
    studio.add_dataset()
    at = open_page("balance", timeout=120)
    assert any("**preview**" in m.value for m in at.markdown)
    assert (k := at.number_input(key="balance_preview_k")).value == 5 and (k.min, k.max) == (1, 50)
    at.button(key="balance_preview").click().run()
    assert not at.exception and not at.error
    assert any(c.value.startswith("15 synthetic patches") for c in at.caption)


def test_the_number_of_neighbours_is_in_the_link(studio, open_page):
    studio.add_dataset()
    at = open_page("balance", balance_preview_k="7")
    assert not at.exception and at.number_input(key="balance_preview_k").value == 7


def test_a_run_without_smote_says_so_and_offers_the_preview(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    run.write_text("config.json", preset("demo").with_overrides(["smote.enabled=false"]).to_json())
    at = open_page("balance")
    assert not at.exception and "without SSIM-SMOTE" in at.markdown[0].value
    assert "Make the preview" in [b.label for b in at.button]
