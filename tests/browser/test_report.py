"""A report in a real browser: nothing runs, nothing is asked for, nobody is shut out, and it prints."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from core.report.page import html_of
from tests.core.report.test_page import EVIL, everything


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report that holds every kind of part, with texts that try to become more than text."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_of(everything(" ".join(EVIL))), encoding="utf-8")
    return path


def test_it_asks_for_nothing_and_runs_nothing(browser, report):
    tab = browser.new_context().new_page()
    asked, told = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    tab.goto(report.as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert not told and tab.locator("script").count() == 0 and tab.locator("img[onerror]").count() == 0
    assert tab.locator("h1").inner_text() == " ".join(EVIL)
    tab.context.close()


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_window(browser, report, width):
    tab = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True).new_page()
    tab.goto(report.as_uri())
    found = [one for one in Axe().run(tab).response["violations"] if one["impact"] in ("serious", "critical")]
    assert not found, [(one["id"], one["nodes"][0]["html"][:200]) for one in found]
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tab.context.close()


def test_its_first_page_is_a_page_of_its_own_on_paper(browser, report):
    tab = browser.new_context().new_page()
    tab.goto(report.as_uri())
    pdf = tab.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF") and pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 2
    tab.context.close()
