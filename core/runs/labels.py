"""What people call a run: its title, note, tags, star and whether it is archived; deleting it, and taking that back.

``label.json`` in the run's folder holds what a person wrote. A run without a title of its own has one made from its
settings and the moment it began, the same on every page and in every command. A deleted run lies in ``.deleted`` of the
checkpoints folder until it is taken back, or the folder is emptied.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import access
from core.config import RunConfig
from core.errors import LandslideLensError, RunError
from core.io.plain_file import is_there
from core.io.safe_paths import inside
from core.runs.plain_files import folder_in, read_json
from core.runs.remembered import remembered
from core.runs.store import FINAL_STATES, RunFolder
from core.text import one_line

FILE = "label.json"
DELETED = ".deleted"
MOST_TITLE, MOST_NOTE, MOST_TAG, MOST_TAGS = 80, 2000, 40, 20
STAMP = "%Y%m%d-%H%M%S"  # how a run folder's name begins, in UTC


@dataclass(frozen=True)
class Label:
    """What a person wrote about a run. title: empty where it keeps the one made from its settings."""

    title: str = ""
    note: str = ""
    starred: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()


def label_of(run: RunFolder) -> Label:
    """Its label; the empty one where nobody wrote any, or it cannot be read."""
    return remembered("label", run.path, (FILE,), lambda: _read(run.path / FILE))


def write_label(run: RunFolder, **changes: Any) -> Label:
    """Change some of title, note, starred, archived, tags; the label as it is now.

    Raises RunError for a title, note or tag that is too long, and for too many tags.
    """
    access.require("organise")
    label = replace(label_of(run), **changes)
    label = replace(label, title=one_line(label.title).strip(), note=label.note.strip())
    label = replace(label, tags=tuple(dict.fromkeys(filter(None, (one_line(tag).strip() for tag in label.tags)))))
    if len(label.tags) > MOST_TAGS:
        raise RunError(f"A run has at most {MOST_TAGS} tags; this one would have {len(label.tags)}.")
    texts = [("title", label.title, MOST_TITLE), ("note", label.note, MOST_NOTE)]
    for what, text, most in [*texts, *(("tag", tag, MOST_TAG) for tag in label.tags)]:
        if len(text) > most:
            raise RunError(f"The {what} of a run has at most {most:,} characters; this one has {len(text):,}.")
    run.write_json(FILE, asdict(label))
    return label


def title_of(run: RunFolder) -> str:
    """What the run is called everywhere: its own title, or one like "resnet18, no SMOTE, 3 folds · 28 Nov 19:00"."""
    return label_of(run).title or made_title(run)


def titles_of(runs: Iterable[RunFolder]) -> dict[str, str]:
    """Folder name -> title, for a list to choose from: those with the same title get the end of their folder's name."""
    titles = {run.name: title_of(run) for run in runs}
    seen = Counter(titles.values())
    return {name: f"{title} [{name[-4:]}]" if seen[title] > 1 else title for name, title in titles.items()}


def made_title(run: RunFolder) -> str:
    """The title that a run has as long as nobody gives it one."""
    return remembered("title", run.path, ("config.json",), lambda: _made_title(run))


def short_title(run: RunFolder) -> str:
    """As :func:`title_of`, a made title without its moment: for legends and narrow places."""
    return label_of(run).title or made_title(run).partition(" · ")[0]


def began(run: RunFolder) -> datetime | None:
    """When it was submitted, in this machine's time zone; None where its name does not say it."""
    try:
        return datetime.strptime(run.name.partition("_")[0], STAMP).replace(tzinfo=UTC).astimezone()
    except ValueError:
        return None


def settings_title(config: RunConfig) -> str:
    """What a run is, by its settings: "resnet18, pretrained, no SMOTE, 3 folds"."""
    parts = [one_line(config.model.backbone, 40)]
    if config.model.pretrained:
        parts.append("pretrained")
    parts.append("SMOTE" if config.smote.enabled else "no SMOTE")
    of_regions = config.folds.region and f"leave-one-{one_line(config.folds.region, 20)}-out"
    return ", ".join([*parts, of_regions or config.folds.words])


def delete(run: RunFolder) -> None:
    """Take the run out of every list; :func:`restore` brings it back.

    Raises RunError while it is queued or running.
    """
    access.require("delete")
    state = run.known_status()["state"]
    if state not in FINAL_STATES:
        raise RunError(f"{title_of(run)} is {state}. Cancel it before deleting it.")
    place = _deleted(run.checkpoints)
    place.mkdir(exist_ok=True)
    if os.path.lexists(place / run.name):
        raise RunError(f"A run of that name is among the deleted ones already: {run.name}. Empty them first.")
    os.rename(folder_in(run.checkpoints, run.name), place / run.name)


def restore(checkpoints: Path, name: str) -> RunFolder:
    """Bring a deleted run back. Raises RunError where there is none of that name, or another has taken its place."""
    access.require("delete")
    checkpoints = Path(checkpoints)
    source, target = inside(_deleted(checkpoints), name), inside(checkpoints, name)
    if not is_there(source / "config.json"):
        raise RunError(f"There is no deleted run '{Path(name).name}'.")
    if os.path.lexists(target):
        raise RunError(f"There is a run '{target.name}' again: rename one of the two folders.")
    os.rename(source, target)
    return RunFolder(target)


def deleted_runs(checkpoints: Path) -> list[RunFolder]:
    """The runs that can be taken back, newest first."""
    place = _deleted(checkpoints)
    if not place.is_dir() or place.is_symlink():
        return []
    found = [RunFolder(path) for path in place.iterdir() if not path.is_symlink() and is_there(path / "config.json")]
    return sorted(found, key=lambda run: run.name, reverse=True)


def empty_deleted(checkpoints: Path) -> int:
    """Remove the deleted runs for good; how many there were."""
    access.require("delete")
    found = deleted_runs(checkpoints)
    for run in found:
        shutil.rmtree(folder_in(_deleted(checkpoints), run.name))
    return len(found)


def _deleted(checkpoints: Path) -> Path:
    return Path(checkpoints) / DELETED


def _read(path: Path) -> Label:
    if not is_there(path):
        return Label()
    try:
        found = read_json(path)
        return Label(
            one_line(found.get("title") or "", MOST_TITLE), str(found.get("note") or "")[:MOST_NOTE],
            found.get("starred") is True, found.get("archived") is True, _tags(found.get("tags")),
        )  # fmt: skip
    except (LandslideLensError, OSError, AttributeError):
        return Label()  # what a person wrote is lost, the run is not


def _tags(found: Any) -> tuple[str, ...]:
    texts = [one_line(tag, MOST_TAG) for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
    return tuple(dict.fromkeys(filter(None, texts)))[:MOST_TAGS]


def _made_title(run: RunFolder) -> str:
    moment = began(run)
    if moment is None:
        return run.name  # it was named by hand
    try:
        what = settings_title(run.config())
    except LandslideLensError:
        what = run.name.partition("_")[2].rpartition("_")[0] or "damaged run"
    return f"{what} · {moment.day} {moment:%b %H:%M}"
