"""Every page in both themes: axe finds nothing serious and the tab is named; narrow windows fold sidebar and tables."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.review.judgements import Judgements
from core.runs.store import datasets_path
from tests.browser.conftest import settled
from tests.builders import make_dataset, make_run
from tests.dashboard.conftest import Studio
from tests.dashboard.predict.conftest import add_map
from tests.dashboard.review.test_issues import keep_issues
from tests.dashboard.search.made import judgement, part, searched

PAGES = {
    "": "Overview", "runs": "Runs", "dataset": "Dataset", "balance": "Balance", "train": "Train", "results": "Results",
    "review": "Review", "embedding": "Embedding", "explain": "Explain", "predict": "Predict",
    "report": "Report", "tour": "Tour",
}  # fmt: skip
# Views with controls that the first view of their page lacks: tags, sliders, tables, a card.
VIEWS = (
    "embedding?embedding_view=heads", "review?patch=ID_0004", "results?results_view=safety",
    "results?results_view=compare", "train?train_view=architecture", "train?train_view=method",
    "dataset?dataset_view=import", "?mode=stakeholder",
    "balance?balance_view=audit", "explain?explain_view=bands",
    "predict?predict_cell=1-2", "predict?predict_view=export", "predict?predict_view=patches",
    "predict?predict_cell=1-2&predict_section=pixel&predict_spot=r3+c4", "train?train_view=search",
)  # fmt: skip
OPENS = {"train?train_view=search": "New search"}  # a view and its button, behind which there is more
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module", autouse=True)
def run(checkpoints):
    path = datasets_path(checkpoints) / "tiny.h5"
    path.parent.mkdir(parents=True)
    made = make_run(checkpoints, make_dataset(path).path)
    add_map(made)
    searched(Studio(checkpoints, checkpoints), path, "succeeded", [part(failed=True)], judgement())
    return made


def serious(tab) -> str:
    """What axe calls serious or critical on a page, with the first places; empty where there is none."""
    found = [one for one in Axe().run(tab).response["violations"] if one["impact"] in SERIOUS]
    return "\n".join(f"{one['id']}: {n['html'][:200]} {n['failureSummary']}" for one in found for n in one["nodes"][:3])


@pytest.fixture(params=["light", "dark"])
def themed(request, browser):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme=request.param)
    yield context.new_page()
    context.close()


def test_what_stands_on_the_primary_colour_is_dark_on_dark_ground_whatever_the_server_was_told(themed, url, run):
    """Seen in CI: the first picture came before the server knew the ground."""
    themed.goto(f"{url}/?run={run.name}")
    button = themed.get_by_test_id("stMain").locator("[data-testid^=stBaseButton-primary]").first
    expect(button).to_be_visible(timeout=60_000)
    dark = themed.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    themed.evaluate(  # the rule that the server adds when it was told
        "[...document.querySelectorAll('style')].filter(one => one.textContent.includes('{ color: #0B131A; }'))"
        ".forEach(one => one.textContent = one.textContent.replace(/[^}]*{ color: #0B131A; }/, ''))"
    )
    expect(button).to_have_css("color", "rgb(11, 19, 26)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(themed, url, run, name):
    themed.goto(f"{url}/{name}?run={run.name}")
    expect(themed).to_have_title(f"{PAGES[name]} · tiny · Landslide Lens", timeout=60_000)
    expect(themed.locator("h1")).to_be_visible(timeout=60_000)
    settled(themed)
    assert not serious(themed)


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious_in_other_views(browser, url, run, view):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="dark")
    tab = context.new_page()
    tab.goto(f"{url}/{view}&run={run.name}")
    expect(tab.locator("h1").first).to_be_visible(timeout=60_000)
    settled(tab)
    assert not serious(tab)
    if view in OPENS:
        tab.get_by_role("button", name=OPENS[view]).click()
        settled(tab)
        assert not serious(tab)
    context.close()


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_views_of_review(themed, url, run):
    """With the filters open and a set that is not there, a projection beside the pictures, and the other views."""
    keep_issues(run)
    Judgements(run.dataset_path()).add("patch", "ID_0000", "unsure", "Ada")
    address = f"{url}/review?run={run.name}"
    for query, opens in (
        ("&review_set=marked:0&review_low=0.1&errors_order=disagreement", "More filters"),
        ("&review_beside=projection&errors_outcome=TP", "Views"),
        ("&review_view=issues", ""),
        ("&review_view=labels", "Make a version of the labels"),
        ("&review_view=versus&versus_head=fc", ""),
    ):
        themed.goto(address + query)
        expect(themed.locator("h1")).to_have_text("Review", timeout=60_000)
        settled(themed)
        if opens:
            themed.get_by_role("button", name=opens).click()
            settled(themed)
        assert not serious(themed), query


@pytest.mark.parametrize(("width", "folded"), [(1440, False), (820, True), (390, True)])
def test_the_sidebar_is_folded_where_there_is_little_room(browser, url, run, width, folded):
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab = context.new_page()
    tab.goto(f"{url}/?run={run.name}")
    expect(tab.locator("h1").first).to_be_visible(timeout=60_000)
    settled(tab)
    expect(tab.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", str(folded).lower())
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_tables_are_cards_on_a_phone(browser, url, run):
    context = browser.new_context(viewport={"width": 390, "height": 840})
    tab = context.new_page()
    tab.goto(f"{url}/results?run={run.name}&results_view=heads")
    settled(tab)
    expect(tab.get_by_test_id("stDataFrame")).to_have_count(0, timeout=30_000)
    context.close()


def test_the_link_that_is_copied_opens_the_same_view(browser, url, run):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(f"{url}/errors?run={run.name}&head=fc&errors_outcome=TP")
    settled(tab)
    tab.get_by_role("button", name="Copy link").click()
    expect(tab.get_by_role("button", name="Copied")).to_be_visible()
    copied = tab.evaluate("navigator.clipboard.readText()")
    for said in (f"run={run.name}", "head=fc", "errors_outcome=TP"):
        assert said in copied
    context.close()


def test_back_leads_to_the_page_before_and_keeps_its_run(page, url, run):
    page.goto(f"{url}/?run={run.name}")
    expect(page.locator("h1")).to_have_text("Overview", timeout=60_000)
    settled(page)
    page.get_by_role("link", name="Review").click()
    expect(page.locator("h1")).to_have_text("Review", timeout=60_000)
    settled(page)
    assert f"run={run.name}" in page.url
    page.go_back()
    expect(page.locator("h1")).to_have_text("Overview", timeout=60_000)
    settled(page)
    expect(page).to_have_url(re.compile(f"run={run.name}"))
