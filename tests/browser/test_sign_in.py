"""FAULTS 27 in the browser: people who sign in through a provider see and may what their role says."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import _served
from tests.browser.oidc_provider import CLIENT, Provider
from tests.builders import make_dataset, make_run

ANA = {"email": "ana@geo.example", "email_verified": True, "name": "Ana"}
EVE = {"email": "eve@evil.example", "email_verified": True}
SECRETS = """
[auth]
redirect_uri = "http://localhost:{{port}}/oauth2callback"
cookie_secret = "a secret of this test alone, long enough to sign with"
client_id = "{client}"
client_secret = "not so secret"
server_metadata_url = "{url}/.well-known/openid-configuration"
client_kwargs = {{ "prompt" = "login" }}
"""


@pytest.fixture(scope="module")
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(provider, checkpoints, tmp_path_factory):
    """A dashboard that asks this provider who people are."""
    make_run(checkpoints, make_dataset(checkpoints / "datasets" / "tiny.h5", n=30).path)
    home = tmp_path_factory.mktemp("signed")
    (home / "secrets.toml").write_text(SECRETS.format(client=CLIENT, url=provider.url))
    (home / "roles.toml").write_text('[people]\n"ana@geo.example" = "reviewer"\n')
    yield from _served(
        "dashboard/server.py", checkpoints, home, f"--secrets.files={home / 'secrets.toml'}",
        LANDSLIDE_ROLES=str(home / "roles.toml"),
    )  # fmt: skip


@pytest.mark.fault(27)
def test_people_sign_in_see_what_their_role_allows_and_sign_out(page, address, provider):
    provider.person = ANA
    page.goto(f"{address}/runs")
    expect(page.get_by_text("Sign in to see the datasets and runs")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("ana@geo.example · reviewer")).to_be_visible()
    page.goto(f"{address}/train")
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Sign in to see the datasets and runs")).to_be_visible()


@pytest.mark.fault(27)
def test_a_stranger_whom_the_provider_knows_sees_nothing(page, address, provider):
    provider.person = EVE
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    told = re.compile("You are signed in as eve@\u2060?evil.example, who has no role in this studio.")  # no link
    expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)


@pytest.mark.fault(27)
def test_a_token_that_somebody_else_has_signed_signs_nobody_in(page, address, provider):
    provider.person, provider.forged = ANA, True
    try:
        page.goto(address)
        with page.expect_response(lambda answer: "/oauth2callback" in answer.url):
            page.get_by_role("button", name="Sign in").click()
        again = page.context.new_page()  # the first tab is still on its way from the callback
        again.goto(address)
        expect(again.get_by_text("Sign in to see the datasets and runs")).to_be_visible()
        expect(page.get_by_text("ana@geo.example")).to_have_count(0)
    finally:
        provider.forged = False
