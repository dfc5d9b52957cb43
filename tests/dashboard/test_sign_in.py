"""FAULTS 27: beyond this machine nothing can be changed without sign-in, and roles hold on every page."""

import time

import pytest
import streamlit as st

from core import access
from core.jobs import queue
from dashboard import sign_in, state

PAGES = [name for name in state.PAGES if name != "overview"]


def found(home):
    return {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*")) if ".thumbnails" not in path.parts}


def texts(at):
    shown = (*at.info, *at.warning, *at.error, *at.markdown, *at.caption, *at.text)
    return " ".join(str(one.value) for one in shown).replace("\\", "")


@pytest.fixture(autouse=True)
def afterwards():
    """Pages say who acts, for the whole process: the next test is the owner again."""
    yield
    access.acts_as(lambda: access.OWNER)


@pytest.fixture
def beyond(monkeypatch):
    real = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: "0.0.0.0" if name == "server.address" else real(name))


@pytest.mark.fault(27)
def test_shown_beyond_this_machine_without_sign_in_it_is_read_only_and_says_so(studio, open_page, beyond):
    run = studio.add_run(studio.add_dataset())
    waiting = studio.add_run(run.dataset_path(), "queued")
    at = open_page("train", run=waiting.name)
    assert not at.exception and "Read-only: this dashboard is shown beyond this machine" in texts(at)
    cancel = at.button(key="job_cancel")
    assert cancel.disabled and "beyond this machine" in cancel.help
    access.acts_as(sign_in.actor)  # as in the server: whatever a browser sends
    for change in (
        lambda: queue.cancel(studio.checkpoints, waiting.name),
        lambda: queue.retry(run.checkpoints, run.name),
    ):
        with pytest.raises(access.AccessError, match="beyond this machine"):
            change()
    assert waiting.status()["state"] == "queued"


@pytest.mark.fault(27)
def test_a_server_that_is_only_looked_at_writes_nothing_on_any_page(studio, open_page, monkeypatch):
    run = studio.add_run(studio.add_dataset())
    monkeypatch.setenv(access.READ_ONLY, "1")
    before = found(studio.checkpoints)
    for page in ("overview", "runs", "train", "review", "results"):
        at = open_page(page, run=run.name)
        assert not at.exception and "Read-only" in texts(at), page
    assert found(studio.checkpoints) == before


def test_on_this_machine_nothing_is_said_and_everything_can_be_done(studio, open_page):
    run = studio.add_run(studio.add_dataset())
    at = open_page("runs", run=run.name)
    assert not at.exception and "Read-only" not in texts(at) and access.may("manage")


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("address", "hosts", "beyond"),
    [
        ("localhost", ["localhost", "127.0.0.1"], False),
        ("127.0.0.1", [], False),
        ("::1", ["[::1]", "lens.localhost"], False),
        ("", [], True),
        ("0.0.0.0", ["localhost"], True),
        ("::", [], True),
        ("192.168.1.5", [], True),
        ("localhost", ["lens.example.org"], True),
        ("localhost", ["*"], True),
        ("127.0.0.1.evil.example", [], True),
    ],
)
def test_what_is_shown_beyond_this_machine(monkeypatch, address, hosts, beyond):
    said = {"server.address": address, "server.allowedHosts": hosts}
    monkeypatch.setattr(st, "get_option", said.get)
    assert sign_in.shown_beyond() is beyond


class User(dict):
    def to_dict(self):
        return dict(self)


@pytest.fixture
def signed_in_as(monkeypatch, tmp_path):
    """Sign-in is set up, and a session has these claims."""
    (tmp_path / "roles.toml").write_text('[people]\n"ana@geo.example" = "reviewer"\n"bo@geo.example" = "viewer"\n')
    monkeypatch.setenv(access.ROLES_FILE, str(tmp_path / "roles.toml"))
    monkeypatch.setattr(sign_in, "is_set_up", lambda: True)

    def claims(**facts):
        monkeypatch.setattr(
            st, "user", User({"is_logged_in": True, "iat": time.time(), "email_verified": True} | facts)
        )

    return claims


@pytest.mark.fault(27)
def test_roles_hold_on_pages_and_in_core(studio, open_page, signed_in_as):
    run = studio.add_run(studio.add_dataset())
    signed_in_as(email="bo@geo.example")
    at = open_page("runs", run=run.name)
    assert not at.exception and "your role is viewer" in texts(at) and "bo@geo.example · viewer" in texts(at)
    assert at.button(key="sidebar_run_star").disabled and at.button(key="sidebar_run_delete").disabled
    signed_in_as(email="ana@geo.example")
    at = open_page("runs", run=run.name)
    assert "Read-only" not in texts(at) and at.button(key="sidebar_run_delete").disabled


@pytest.mark.fault(27)
@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"is_logged_in": False}, "Sign in to see"),
        ({"email": "eve@evil.example"}, "who has no role"),
        ({"email": "ana@geo.example", "email_verified": False}, "who has no role"),
        ({"email": "ana@geo.example", "iat": time.time() - 2 * sign_in.DAY_S}, "Sign in to see"),
        ({"email": "ana@geo.example", "iat": time.time() + 3600}, "Sign in to see"),
        ({"email": "ana@geo.example", "iat": None}, "Sign in to see"),
        ({"email": "ana@geo.example", "iat": True}, "Sign in to see"),
    ],
)
def test_who_has_not_signed_in_or_has_no_role_sees_nothing(studio, open_page, signed_in_as, monkeypatch, facts, said):
    run = studio.add_run(studio.add_dataset())
    monkeypatch.setattr(sign_in, "_buttons", lambda: None)
    signed_in_as(**facts)
    at = open_page("results", run=run.name)
    assert not at.exception and said in texts(at)
    assert run.name not in str(at.main) and "F1" not in texts(at) and not at.selectbox


@pytest.mark.fault(27)
def test_secrets_that_cannot_be_read_let_nobody_in(studio, open_page, monkeypatch, tmp_path):
    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n")
    real = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: [str(broken)] if name == "secrets.files" else real(name))
    monkeypatch.setattr(st.secrets, "load_if_toml_exists", lambda: False)
    at = open_page("overview")
    assert not at.exception and "cannot be read" in texts(at) and not at.selectbox


@pytest.mark.fault(27)
def test_wrong_roles_let_nobody_in_and_say_why(studio, open_page, signed_in_as, tmp_path):
    (tmp_path / "roles.toml").write_text("[people]\nana = 'king'\n")
    signed_in_as(email="ana@geo.example")
    at = open_page("overview")
    assert not at.exception and "roles.toml cannot be used" in texts(at) and not at.selectbox
