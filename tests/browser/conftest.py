"""A dashboard of its own on a free port, and Debian's Chromium to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
START_TIMEOUT_S = 180  # on a machine that others use too


def chromium_path():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser():
    path = chromium_path()
    if path is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("REQUIRE_BROWSER is set, but there is no Chromium. Install Debian's package chromium.")
        pytest.skip("No Chromium on this machine (Debian: apt-get install chromium).")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # a page's first draw imports what it shows, beside other tests on two cores
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def url(checkpoints, tmp_path_factory):
    """Address of a dashboard that serves ``checkpoints``."""
    yield from _served("dashboard/server.py", checkpoints, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def plain_url(checkpoints, tmp_path_factory):
    """As ``url``, without the door of its own."""
    yield from _served("dashboard/app.py", checkpoints, tmp_path_factory.mktemp("plain"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def begun(script, checkpoints, log, port, *options, **variables):
    """Address and process of a server that answers. options: of Streamlit; variables: of its environment."""
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port), *options]
    environment = os.environ | {"LANDSLIDE_CHECKPOINTS": str(checkpoints), "OMP_WAIT_POLICY": "PASSIVE"} | variables
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    address = f"http://localhost:{port}"
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _answers(address):
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            pytest.fail(f"The server does not answer:\n{log.read_text()}")
        time.sleep(0.1)
    return address, server


def _served(script, checkpoints, folder, *options, **variables):
    """Address of a server of its own, as :func:`begun`."""
    address, server = begun(script, checkpoints, folder / "log.txt", free_port(), *options, **variables)
    yield address
    server.terminate()
    server.wait(timeout=20)


def _answers(address):
    try:
        return urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).status == 200
    except OSError:
        return False


def _person(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield context
    context.close()


person = pytest.fixture(_person)  # somebody new for each test
# For a module that says so: Streamlit's 9 MB of scripts are fetched once; nothing but files stays between its tests.
one_person = pytest.fixture(_person, scope="module")


@pytest.fixture
def page(person):
    """A fresh tab, of which nothing stays, that fails the test on an exception box or an error in its console."""
    tab = person.new_page()
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    try:
        assert tab.get_by_test_id("stException").count() == 0, tab.get_by_test_id("stException").all_inner_texts()
        assert not problems, problems
    finally:
        forget(person)


def forget(person):
    """Close all tabs of a context, and forget what pages have kept in it; its cache of files stays."""
    for tab in person.pages:
        if tab.url.startswith("http"):
            tab.evaluate("localStorage.clear(); sessionStorage.clear()")
        tab.close()
    person.clear_cookies()


def settled(page, quiet_ms=400):
    """Wait until the server's script has run to its end and nothing drawn before it is left on the page.

    A click begins a new run of the script only a moment later: quiet means quiet for a while. A skeleton stands where
    the browser still loads what draws an element.
    """
    calm = (
        "() => document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]') "
        "&& !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')"
    )
    page.wait_for_timeout(quiet_ms)
    page.wait_for_function(calm, timeout=60_000)
    page.wait_for_timeout(quiet_ms)
    page.wait_for_function(calm, timeout=60_000)
