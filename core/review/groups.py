"""Decisions on groups of patches that belong together: keep one, keep together, exclude, not duplicates.

They are judgements like any others (``core.review.judgements``): the kind is "group", the subject names the very
patches that were looked at, as a JSON list. So a decision says by itself what it is about, whatever a later search
finds. What becomes of it: ``core.review.versions``.
"""

from __future__ import annotations

import json

from core.data.leakage.groups import group_text
from core.errors import DataError
from core.text import one_line

GROUP = "group"
KEEP_ONE, TOGETHER, EXCLUDE, APART = "keep one", "keep together", "exclude", "not duplicates"
DECISIONS = (KEEP_ONE, TOGETHER, EXCLUDE, APART)
MOST_TEXT = 100_000  # characters of a subject: several thousand patches, and a cell of a CSV that is read again


def keeping(patch_id: str) -> str:
    """The verdict that keeps this patch and leaves the others of its group out."""
    return f"{KEEP_ONE}: {patch_id}"


def kept_by(verdict: str) -> str | None:
    """The patch that a verdict keeps; None for another verdict."""
    start = f"{KEEP_ONE}: "
    return verdict.removeprefix(start) if verdict.startswith(start) else None


def members(subject: str) -> tuple[str, ...]:
    """The patches of a group, sorted. Raises DataError for text that names none."""
    try:
        ids = json.loads(subject)
        if not isinstance(ids, list) or not all(isinstance(one, str) and one for one in ids) or len(set(ids)) < 2:
            raise ValueError(subject)
    except ValueError as error:
        raise DataError(
            f'\'{one_line(subject, 60)}\' is no group. Accepted: a JSON list of at least two patches, ["P001", "P002"].'
        ) from error
    return tuple(sorted(set(ids)))


def checked_group(subject: str, verdict: str | None) -> str:
    """The subject as it is kept. verdict: none: an undo. Raises DataError for what is no decision on this group."""
    inside = members(subject)
    text = group_text(inside)
    if len(text) > MOST_TEXT:
        raise DataError(
            f"The group of {len(inside):,} patches has {len(text):,} characters of names; at most {MOST_TEXT:,} can be "
            "decided on as one. Cut the scene into tiles that overlap less, or exclude some of them."
        )
    if verdict is None or verdict in (TOGETHER, EXCLUDE, APART):
        return text
    kept = kept_by(verdict)
    if kept is None:
        raise DataError(
            f"'{one_line(verdict, 60)}' is no decision on a group. Accepted: '{KEEP_ONE}: ID', '{TOGETHER}', "
            f"'{EXCLUDE}', '{APART}'."
        )
    if kept not in inside:
        raise DataError(f"'{one_line(kept, 60)}' is to be kept, but is not in its group {one_line(text, 120)}.")
    return text
