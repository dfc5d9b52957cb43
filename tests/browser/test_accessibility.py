"""Every page in both themes: axe finds nothing serious and the tab is named; narrow windows fold sidebar and tables."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.review.judgements import Judgements
from core.runs.store import datasets_path
from dashboard import theme
from tests.browser.conftest import one_person, settled
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
SCHEMES = ("light", "dark")
# By the rule that the server adds on dark ground (dashboard.ui.frame_style).
SERVER_KNOWS = (
    "scheme => [...document.querySelectorAll('style')].some(one => one.textContent.includes('{ color: #0B131A; }'))"
    " === (scheme === 'dark')"
)
GROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 24, 29)"}  # as .streamlit/config.toml says


person = one_person


@pytest.fixture(scope="module", autouse=True)
def run(checkpoints):
    path = datasets_path(checkpoints) / "tiny.h5"
    path.parent.mkdir(parents=True)
    made = make_run(checkpoints, make_dataset(path).path)
    add_map(made)
    searched(Studio(checkpoints, checkpoints), path, "succeeded", [part(failed=True)], judgement())
    return made


@pytest.fixture(scope="module")
def reader(browser):
    """One window for all pages and themes: its scripts are read once."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme="dark")
    yield context.new_page()
    context.close()


def serious(tab) -> str:
    """What axe calls serious or critical on a page, with the first places; empty where there is none."""
    found = [one for one in Axe().run(tab).response["violations"] if one["impact"] in SERIOUS]
    return "\n".join(f"{one['id']}: {n['html'][:200]} {n['failureSummary']}" for one in found for n in one["nodes"][:3])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_stands_on_the_primary_colour_is_dark_on_dark_ground_whatever_the_server_was_told(page, url, run, scheme):
    """Seen in CI: the first picture came before the server knew the ground."""
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{url}/?run={run.name}")
    button = page.get_by_test_id("stMain").locator("[data-testid^=stBaseButton-primary]").first
    expect(button).to_be_visible(timeout=60_000)
    page.evaluate(  # the rule that the server adds when it was told
        "[...document.querySelectorAll('style')].filter(one => one.textContent.includes('{ color: #0B131A; }'))"
        ".forEach(one => one.textContent = one.textContent.replace(/[^}]*{ color: #0B131A; }/, ''))"
    )
    expect(button).to_have_css("color", "rgb(11, 19, 26)" if scheme == "dark" else "rgb(255, 255, 255)")


def serious_in_both(tab, first) -> dict[str, str]:
    """The same by theme: as the page was opened, and after its reader's system has changed to the other one."""
    found = {}
    for scheme in (first, "light" if first == "dark" else "dark"):
        tab.emulate_media(color_scheme=scheme)
        expect(tab.get_by_test_id("stApp")).to_have_css("background-color", GROUND[scheme])
        tab.wait_for_function(SERVER_KNOWS, arg=scheme)
        settled(tab)
        found[scheme] = serious(tab)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(reader, url, run, name):
    first = SCHEMES[list(PAGES).index(name) % 2]
    reader.emulate_media(color_scheme=first)
    reader.goto(f"{url}/{name}?run={run.name}")
    expect(reader).to_have_title(f"{PAGES[name]} · tiny · Landslide Lens", timeout=60_000)
    expect(reader.locator("h1")).to_be_visible(timeout=60_000)
    assert not any((found := serious_in_both(reader, first)).values()), found


def test_figures_take_the_ink_of_a_ground_that_changes(reader, url, run):
    reader.emulate_media(color_scheme="light")
    reader.goto(f"{url}/results?run={run.name}")
    tick = reader.locator(".xtick text").first
    for scheme, ink in (("light", theme.TEXT_LIGHT), ("dark", theme.TEXT_DARK)):
        reader.emulate_media(color_scheme=scheme)
        rgb = ", ".join(str(int(ink[i : i + 2], 16)) for i in (1, 3, 5))
        expect(tick).to_have_css("fill", f"rgb({rgb})", timeout=60_000)


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious_in_other_views(reader, url, run, view):
    reader.emulate_media(color_scheme="dark")
    reader.goto(f"{url}/{view}&run={run.name}")
    expect(reader.locator("h1").first).to_be_visible(timeout=60_000)
    settled(reader)
    assert not serious(reader)
    if view in OPENS:
        reader.get_by_role("button", name=OPENS[view]).click()
        settled(reader)
        assert not serious(reader)


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_views_of_review(reader, url, run):
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
        reader.emulate_media(color_scheme="light")
        reader.goto(address + query)
        expect(reader.locator("h1")).to_have_text("Review", timeout=60_000)
        settled(reader)
        if opens:
            reader.get_by_role("button", name=opens).click()
        assert not any((found := serious_in_both(reader, "light")).values()), (query, found)


@pytest.mark.parametrize(("width", "folded"), [(1440, False), (1024, True), (820, True), (390, True)])
def test_the_sidebar_is_folded_where_there_is_little_room(page, url, run, width, folded):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{url}/?run={run.name}")
    expect(page.locator("h1").first).to_be_visible(timeout=60_000)
    settled(page)
    expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", str(folded).lower())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_tables_are_cards_on_a_phone(page, url, run):
    page.set_viewport_size({"width": 390, "height": 840})
    page.goto(f"{url}/results?run={run.name}&results_view=heads")
    settled(page)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(0, timeout=30_000)


def test_the_link_that_is_copied_opens_the_same_view(page, url, run):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{url}/errors?run={run.name}&head=fc&errors_outcome=TP")
    settled(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    for said in (f"run={run.name}", "head=fc", "errors_outcome=TP"):
        assert said in copied


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
