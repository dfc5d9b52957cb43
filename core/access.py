"""Who may change what: each function of core that changes something for a person asks :func:`require` first.

So the rule holds whatever a page shows or a link asks for. A command and a worker act for whoever started them and may
do everything; the dashboard says for each session who it is (``dashboard/sign_in.py``), through :func:`acts_as`.
Where ``LANDSLIDE_READ_ONLY`` is set, this process changes nothing for anybody.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import AccessError, ConfigError, DataError
from core.io.plain_file import read_bytes

READ_ONLY = "LANDSLIDE_READ_ONLY"  # in the environment: "1" lets nobody change anything
ROLES_FILE = "LANDSLIDE_ROLES"  # in the environment: where the roles are, instead of .streamlit/roles.toml
DEFAULT_ROLES = Path(__file__).resolve().parents[1] / ".streamlit" / "roles.toml"
MOST_BYTES = 2**20  # of the roles
RIGHTS = {
    "look": "looking at this studio",
    "review": "judging patches",
    "organise": "naming, tagging and archiving runs",
    "train": "starting and stopping work, importing, and changing labels",
    "delete": "deleting",
    "manage": "the settings of the queue",
}
ROLES: Mapping[str, frozenset[str]] = {
    "none": frozenset(),
    "viewer": frozenset({"look"}),
    "reviewer": frozenset({"look", "review"}),
    "editor": frozenset({"look", "review", "organise", "train"}),
    "admin": frozenset(RIGHTS),
}
STRONGEST_FIRST = tuple(reversed([*ROLES]))


@dataclass(frozen=True)
class Actor:
    """Who acts. name: as signed in, empty for whoever started this process. role: one of :data:`ROLES`.

    why: a sentence on why no more is allowed, where it is not the role alone.
    """

    name: str = ""
    role: str = "admin"
    why: str = ""


OWNER = Actor()
_who: Callable[[], Actor] = lambda: OWNER  # noqa: E731


def acts_as(who: Callable[[], Actor]) -> None:
    """From now on ``who`` is asked who acts, at each question: a server has many sessions."""
    global _who
    _who = who


def actor() -> Actor:
    """Who acts now."""
    found = _who()
    if read_only() and ROLES.get(found.role, frozenset()) > ROLES["viewer"]:
        return Actor(found.name, "viewer", f"this server was started to be looked at only ({READ_ONLY})")
    return found


def read_only() -> bool:
    """Whether this process changes nothing, whoever asks."""
    return os.environ.get(READ_ONLY, "").strip().lower() not in ("", "0", "no", "false")


def may(right: str) -> bool:
    """Whether whoever acts now has this right, one of :data:`RIGHTS`."""
    return right in ROLES.get(actor().role, frozenset()) and right in RIGHTS


def refusal(right: str) -> str:
    """Why whoever acts now may not, as a sentence; empty where they may."""
    if may(right):
        return ""
    now, what = actor(), RIGHTS[right]
    if now.why:
        return f"Not allowed here: {what}. Reason: {now.why}."
    who = f"{now.name} has the role {now.role}" if now.name else f"your role is {now.role}"
    needed = next(role for role in ROLES if right in ROLES[role])
    return f"Not allowed: {what} needs the role {needed}, and {who}. Whoever runs this server gives roles."


def require(right: str) -> None:
    """Raises AccessError, which says who could, where whoever acts now may not."""
    if text := refusal(right):
        raise AccessError(text)


# --------------------------------------------------------------------------------------- roles of those who sign in


@dataclass(frozen=True)
class Roles:
    """Who has which role. people: e-mail address, or "@domain", in lower case. groups: values of the claim ``claim``.

    default: of everybody else who can sign in. any_email: addresses count also where the provider does not say that it
    has verified them.
    """

    people: Mapping[str, str]
    groups: Mapping[str, str]
    claim: str = ""
    default: str = "none"
    any_email: bool = False

    def of(self, claims: Mapping[str, Any]) -> str:
        """The strongest role that the claims of an identity token give."""
        found: set[str | None] = {self.default}
        email = str(claims.get("email") or "").strip().lower()
        if email.count("@") == 1 and (self.any_email or claims.get("email_verified") in (True, "true")):
            found |= {self.people.get(email), self.people.get("@" + email.partition("@")[2])}
        said = claims.get(self.claim) if self.claim else None
        for value in said if isinstance(said, list | tuple) else [said]:
            found.add(self.groups.get(value) if isinstance(value, str) else None)
        return next((role for role in STRONGEST_FIRST if role in found), "none")


def roles(path: Path | None = None) -> Roles:
    """The roles as they stand in the file now; nobody has one where there is none.

    Raises ConfigError for a file that cannot be read or says what is not known: no role is better than a wrong one.
    """
    path = path or Path(os.environ.get(ROLES_FILE) or DEFAULT_ROLES)
    if not path.is_file():
        return Roles({}, {})
    found = path.stat()
    return _roles(path, found.st_mtime_ns, found.st_size)


@cache
def _roles(path: Path, changed: int, size: int) -> Roles:
    known = {"default", "claim", "any_email", "people", "groups"}
    try:
        said = tomllib.loads(read_bytes(path, MOST_BYTES, follow=True).decode())
        if unknown := sorted(set(said) - known):
            raise ValueError(f"it says {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        people, groups = _named(said.get("people", {})), _named(said.get("groups", {}))
        default, claim, any_email = said.get("default", "none"), said.get("claim", ""), said.get("any_email", False)
        if default not in ROLES or not isinstance(claim, str) or not isinstance(any_email, bool):
            raise ValueError("default is a role, claim a text, any_email true or false")
    except (OSError, ValueError, AttributeError, DataError) as error:
        raise ConfigError(f"The roles in {path.name} cannot be used: {error}. docs/security.md shows one.") from error
    return Roles({name.lower(): role for name, role in people.items()}, groups, claim, default, any_email)


def _named(table: Mapping[str, Any]) -> dict[str, str]:
    for name, role in table.items():
        if role not in ROLES:
            raise ValueError(f"'{name}' has the role {role!r}; roles are {', '.join(ROLES)}")
    return dict(table)
