"""Who looks, and what they may do: sign-in through OpenID Connect where it is set up, and the banner of who may not.

Sign-in is Streamlit's (``[auth]`` of ``.streamlit/secrets.toml``), roles are ``core.access``'s. Without sign-in whoever
sits at this machine may do everything, and nobody beyond it may change anything. ``docs/security.md`` shows the files.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import access
from core.errors import LandslideLensError
from dashboard import stakeholder
from dashboard.ui.formatting import escape_markdown
from dashboard.ui.messages import show_error

BEYOND = (
    "this dashboard is shown beyond this machine and nobody has to sign in (docs/security.md says how to set it up)"
)
DAY_S = 12 * 3600.0  # a sign-in is good for so long; Streamlit's cookie would be for 30 days
CLOCK_S = 300.0  # that the provider's clock may be ahead


def begin() -> None:
    """At the top of every view: from now on ``core.access`` asks this session who it is. May end the view."""
    access.acts_as(actor)
    if access.may("look"):
        return
    st.title("Landslide Lens")
    now = access.actor()
    if now.why:
        st.error(escape_markdown(f"Nobody can sign in: {now.why}."), icon=":material/lock:")
    elif not signed_in():
        st.markdown("Sign in to see the datasets and runs of this studio.")
        _buttons()
    else:
        st.warning(
            f"You are signed in as {escape_markdown(now.name)}, who has no role in this studio. Ask whoever runs it.",
            icon=":material/lock:",
        )
        st.button("Sign out", key="sign_out", on_click=st.logout)
    st.stop()


def banner() -> None:
    """Above every page: that nothing can be changed here, and why; nothing where something can."""
    now = access.actor()
    if now.why:
        st.info(escape_markdown(f"Read-only: {now.why}."), icon=":material/visibility:")
    elif now.name and not any(access.may(right) for right in access.RIGHTS if right != "look"):
        st.info("Read-only: your role is viewer.", icon=":material/visibility:")


def who() -> None:
    """For the sidebar: who is signed in, with which role, and the way out; nothing without sign-in."""
    now = access.actor()
    if not now.name:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.text(f"{now.name} · {now.role}")  # no Markdown: an address would become a link
        st.button("Sign out", key="sign_out", type="tertiary", icon=":material/logout:", on_click=st.logout)


def actor() -> access.Actor:
    """Who this session acts for; outside of any session, the server itself. A stakeholder's session only looks."""
    return stakeholder.lowered(_actor())


def _actor() -> access.Actor:
    if broken := _broken_secrets():
        return access.Actor("", "none", broken)
    if not is_set_up():
        return access.Actor("", "viewer", BEYOND) if shown_beyond() else access.OWNER
    if get_script_run_ctx(suppress_warning=True) is None or not signed_in():
        return access.Actor("", "none")
    return of_claims(st.user.to_dict())


def of_claims(claims: Mapping[str, Any]) -> access.Actor:
    """Whoever an identity token names, with the role that the file of roles gives."""
    name = next((str(claims[key]) for key in ("email", "preferred_username", "name", "sub") if claims.get(key)), "")
    try:
        return access.Actor(name[:80].strip() or "somebody without a name", access.roles().of(claims))
    except LandslideLensError as error:
        return access.Actor(name, "none", str(error).rstrip("."))


def signed_in() -> bool:
    """Whether this session has signed in, and not too long ago."""
    if st.user.get("is_logged_in") is not True:
        return False
    began = st.user.get("iat")
    if isinstance(began, bool) or not isinstance(began, int | float):
        return False  # an identity token says when it was given
    return -CLOCK_S < time.time() - began < DAY_S


def is_set_up() -> bool:
    """Whether people have to sign in here."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def shown_beyond() -> bool:
    """Whether others than this machine can reach the server, by its address or by the hosts that it answers to."""
    address = st.get_option("server.address") or ""
    return not all(map(_is_local, [address, *(st.get_option("server.allowedHosts") or ())]))


def nobody_changes() -> bool:
    """Whether nothing can be changed by anybody, whichever session asks."""
    return access.read_only() or bool(_broken_secrets()) or (not is_set_up() and shown_beyond())


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _broken_secrets() -> str:
    """A file of secrets that is there and cannot be read: whoever wrote it wanted people to sign in."""
    if st.secrets.load_if_toml_exists() or not any(Path(path).exists() for path in st.get_option("secrets.files")):
        return ""
    return "the file of secrets (.streamlit/secrets.toml) is there and cannot be read"


def _buttons() -> None:
    """One for each provider that the secrets name."""
    said = st.secrets["auth"]
    providers = [None] if "client_id" in said else [name for name, facts in said.items() if hasattr(facts, "items")]
    for provider in [name for name in providers if name != "client_kwargs"]:
        words = "Sign in" if provider is None else f"Sign in with {provider}"
        if st.button(escape_markdown(words), type="primary", icon=":material/login:", key=f"sign_in_{provider}"):
            try:
                st.login(provider)
            except st.errors.StreamlitAPIException as error:
                show_error(f"Sign-in is not set up rightly: {error}")
