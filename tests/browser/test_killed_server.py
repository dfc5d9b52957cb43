"""FAULTS 4: the server is killed while it is looked at and a job runs; the next one on its port takes both over."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from core.io.process_id import is_alive
from core.jobs import claim, queue
from core.runs.store import datasets_path, list_runs
from tests.browser.conftest import begun, free_port, settled
from tests.builders import TINY, make_tiny
from tests.faults.test_processes import until

EPOCHS = 1000  # the most that there can be: the job runs until it is cancelled
LONG_MS = 240_000
LOST = "[data-testid=stApp]:not([data-test-connection-state=CONNECTED])"


def epochs(run):
    """(fold, epoch) of each that has ended, in their order."""
    return [(event["fold"], event["epoch"]) for event in run.events()[0] if event["event"] == "epoch"]


@pytest.mark.slow
@pytest.mark.fault(4)
def test_a_page_re_attaches_to_its_job_when_its_server_was_killed_and_another_began(browser, checkpoints, tmp_path):
    path = datasets_path(checkpoints) / "tiny.h5"
    path.parent.mkdir(parents=True)
    make_tiny(path, n=96, side=32)
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(60_000)
    port = free_port()
    address, server = begun("dashboard/server.py", checkpoints, tmp_path / "first.txt", port)
    try:
        page.goto(f"{address}/train")
        settled(page)
        page.get_by_text("All settings", exact=True).click()
        page.get_by_label("Overrides").fill("\n".join((*TINY, f"train.epochs={EPOCHS}")))
        page.keyboard.press("Control+Enter")
        settled(page)
        page.get_by_role("button", name="Start training").click()
        told = page.get_by_text(re.compile(rf"epoch \d+ of {EPOCHS}")).filter(visible=True)
        expect(told.first).to_be_visible(timeout=LONG_MS)
        (run,) = list_runs(checkpoints)
        worker = claim.working(run.path)

        os.killpg(server.pid, signal.SIGKILL)  # with all that belongs to it
        server.wait()
        expect(page.locator(LOST)).to_have_count(1)
        seen = len(epochs(run))
        until(lambda: len(epochs(run)) > seen + 2)
        assert is_alive(worker), "the job does not need its server"

        address, server = begun("dashboard/server.py", checkpoints, tmp_path / "second.txt", port)
        went_on = seen + 2

        def shown():
            found = re.search(rf"epoch (\d+) of {EPOCHS}", told.first.inner_text()) if told.count() else None
            return found is not None and int(found[1]) > went_on

        expect(page.locator(LOST)).to_have_count(0, timeout=LONG_MS)  # the page finds the new server by itself
        until(shown)
        assert page.get_by_test_id("stException").count() == 0
        assert [one.name for one in list_runs(checkpoints)] == [run.name] and claim.working(run.path) == worker
        assert [event["event"] for event in run.events()[0]].count("started") == 1
        assert queue.job(checkpoints, run.name).state == "running"
        page.get_by_test_id("stMain").get_by_role("button", name="Cancel", exact=True).click()
        settled(page)  # while its popover opens, a click is lost
        page.get_by_role("button", name="Cancel the run").click()
        until(lambda: run.status()["state"] == "cancelled")
        until(lambda: not is_alive(worker))  # the next server is its master
        done = epochs(run)
        assert done == [(0, i + 1) for i in range(len(done))], "no epoch is lost, none is done twice"
    finally:
        server.kill()
        server.wait()
        for one in queue.active(checkpoints):
            queue.cancel(checkpoints, one.name, patience_s=1)
        page.context.close()
