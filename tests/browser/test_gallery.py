"""Pictures in a real browser: a click opens the card, boxes and keys choose, arrows step, and closing leads back."""

import re

import pytest
from playwright.sync_api import expect

from core.review.judgements import Judgements
from core.runs.store import datasets_path
from tests.browser.conftest import one_person, settled
from tests.builders import make_dataset, make_run

person = one_person


@pytest.fixture(scope="module", autouse=True)
def run(checkpoints):
    path = datasets_path(checkpoints) / "tiny.h5"
    path.parent.mkdir(parents=True)
    return make_run(checkpoints, make_dataset(path).path)


@pytest.fixture
def errors(page, url, run):
    page.goto(f"{url}/errors?run={run.name}&errors_outcome=TP&errors_outcome=TN&errors_outcome=FP&errors_outcome=FN")
    expect(page.locator(".tile").first).to_be_visible(timeout=60_000)
    settled(page)
    return page


def ids(page):
    return page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.id)")


def chosen(page):
    return page.locator(".tile.chosen").evaluate_all("all => all.map(one => one.dataset.id)")


def test_a_click_opens_the_card_arrows_step_and_escape_leads_back(errors):
    shown = ids(errors)
    picture = errors.locator(".tile .open img").nth(1)
    assert picture.evaluate("one => one.naturalWidth") > 100
    assert shown[1] in picture.get_attribute("alt")
    picture.click()
    card = errors.get_by_role("dialog")
    expect(card.get_by_text("2 of 60")).to_be_visible()
    begins = re.compile("Possible reasons|No reason found|In line with|Unusual about|Nothing unusual")
    expect(card.get_by_text(begins).first).to_be_visible()
    assert f"patch={shown[1]}" in errors.url
    errors.keyboard.press("ArrowRight")
    expect(card.get_by_text("3 of 60")).to_be_visible()
    errors.keyboard.press("ArrowLeft")
    expect(card.get_by_text("2 of 60")).to_be_visible()
    errors.keyboard.press("ArrowLeft")
    expect(card.get_by_text("1 of 60")).to_be_visible()
    errors.keyboard.press("Escape")
    expect(card).to_be_hidden()
    settled(errors)
    assert "patch=" not in errors.url and ids(errors) == shown


def test_boxes_choose_shift_chooses_a_range_and_the_page_agrees(errors):
    shown = ids(errors)
    boxes = errors.locator(".pick input")
    assert float(errors.locator(".pick").nth(4).evaluate("one => getComputedStyle(one).opacity")) == 0
    errors.locator(".tile").nth(1).hover()
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(errors.get_by_text("4 chosen")).to_be_visible()
    assert chosen(errors) == shown[1:5]
    assert float(errors.locator(".pick").nth(9).evaluate("one => getComputedStyle(one).opacity")) == 1
    errors.locator(".tile .open").nth(6).click(modifiers=["Shift"])
    expect(errors.get_by_text("6 chosen")).to_be_visible()
    assert chosen(errors) == shown[1:7] and errors.get_by_role("dialog").count() == 0
    errors.get_by_role("button", name="Select none").click()
    expect(errors.locator(".tile.chosen")).to_have_count(0)
    errors.get_by_role("button", name="Select all").click()
    expect(errors.locator(".tile.chosen")).to_have_count(len(shown))
    errors.get_by_role("button", name="Open first").click()
    expect(errors.get_by_role("dialog").get_by_text("1 of 60")).to_be_visible()


def test_two_chosen_are_compared_and_one_of_them_is_opened(errors):
    shown = ids(errors)
    errors.locator(".pick input").nth(2).click()
    expect(errors.get_by_role("button", name="Compare")).to_be_disabled()
    errors.locator(".pick input").nth(5).click()
    errors.get_by_role("button", name="Compare").click()
    both = errors.get_by_role("dialog")
    expect(both.get_by_role("img", name=f"Patch {shown[5]}")).to_be_visible()
    both.get_by_role("button", name="Open").nth(1).click()
    expect(errors.get_by_role("dialog").get_by_text("6 of 60")).to_be_visible()
    assert f"patch={shown[5]}" in errors.url


def test_quick_clicks_are_all_kept(errors):
    for place in range(8):
        errors.locator(".pick input").nth(place).click()
    expect(errors.get_by_text("8 chosen")).to_be_visible()
    settled(errors)
    assert chosen(errors) == ids(errors)[:8]


def test_keys_alone_move_choose_and_open(errors):
    shown = ids(errors)
    errors.locator(".tile .open").first.focus()
    errors.keyboard.press("x")
    expect(errors.get_by_text("1 chosen")).to_be_visible()
    errors.keyboard.press("ArrowRight")
    errors.keyboard.press("ArrowRight")
    errors.keyboard.press("Tab")  # the box of this picture
    errors.keyboard.press("Space")
    expect(errors.get_by_text("2 chosen")).to_be_visible()
    settled(errors)
    assert chosen(errors) == [shown[0], shown[2]]
    errors.keyboard.press("Shift+Tab")
    errors.keyboard.press("ArrowDown")
    errors.keyboard.press("Enter")
    expect(errors.get_by_role("dialog")).to_be_visible()
    opened = re.search(r"patch=(\w+)", errors.url)[1]
    assert shown.index(opened) > 4


def test_the_gallery_works_under_the_plain_app_too(page, checkpoints, run, plain_url):
    page.goto(f"{plain_url}/errors?run={run.name}")
    page.locator(".tile .open").first.click(timeout=60_000)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_page_is_turned_by_itself_and_the_rest_of_the_page_knows_of_it(errors, run):
    first, order = ids(errors), errors.get_by_role("button", name="Next page")
    errors.locator(".pick input").first.check(force=True)
    expect(errors.get_by_text("1 chosen")).to_be_visible()
    order.click()
    expect(errors.get_by_text("1 chosen (1 on other pages)")).to_be_visible()
    expect(errors.locator(f'.tile[data-id="{first[0]}"]')).to_have_count(0)
    second = ids(errors)
    assert len(second) == len(first) == 24 and not set(first) & set(second)
    expect(errors).to_have_url(re.compile("errors_page=2"))
    judged = run.oof()["id"].astype(str).tolist()
    Judgements(run.dataset_path()).add("patch", next(one for one in judged if one not in first + second), "not", "Cy")
    order.click()
    expect(errors.get_by_text("judged by others").or_(errors.get_by_text("No landslide (Cy)")).first).to_be_visible()
    third = ids(errors)
    assert len(third) == 12 and sorted([*first, *second, *third]) == sorted(judged)
    errors.locator(".tile .open").first.click()
    expect(errors.get_by_role("dialog").get_by_text("49 of 60")).to_be_visible()
