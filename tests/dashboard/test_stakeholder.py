"""A session for stakeholders may look, whoever it is and whatever it asks for."""

import pytest

from core import access
from core.errors import AccessError
from dashboard import sign_in, stakeholder


@pytest.fixture
def session(monkeypatch):
    """As within a session that began with ?mode=stakeholder."""
    monkeypatch.setattr(stakeholder, "get_script_run_ctx", lambda **more: object())
    monkeypatch.setattr(stakeholder, "is_on", lambda: True)
    before = access._who
    access.acts_as(sign_in.actor)
    yield
    access.acts_as(before)


def test_nothing_can_be_changed_and_the_reason_is_said(session):
    assert access.may("look")
    for right in access.RIGHTS:
        if right != "look":
            with pytest.raises(AccessError, match="this link shows the result and changes nothing"):
                access.require(right)


@pytest.mark.parametrize(("role", "then"), [("none", "none"), ("viewer", "viewer"), ("admin", "viewer")])
def test_nobody_gets_more_rights_by_the_link(session, role, then):
    assert stakeholder.lowered(access.Actor("Ada", role)).role == then


def test_other_sessions_keep_their_rights():
    assert stakeholder.lowered(access.Actor("Ada", "editor")).role == "editor"


def test_the_link_names_what_is_shown():
    assert stakeholder.link(dataset="a b", run=None) == "/?mode=stakeholder&dataset=a+b"
