"""Everything that can go wrong in a way the user can mend, as one tree.

    LandslideLensError            a sentence for the person at the dashboard; anything else is a bug
    ├── DataError                 a source or a dataset file cannot be used
    │   ├── UnsafeFileError       it was refused before being read (pickle, bomb, external link, huge header)
    │   ├── FormatError           it is not in the form that the reader accepts (shape, bands, dtype, columns)
    │   └── LabelError            labels are missing, contradictory or of one class only
    ├── ConfigError               a setting does not exist or has a value that cannot work
    ├── FoldError                 the folds that were asked for cannot be drawn
    ├── TrainingError             training cannot go on (diverged, out of memory, nothing to learn from)
    ├── RunError                  a run folder is missing, incomplete, damaged or of another version
    │   └── NotMadeError          a run's own settings make no such result: nothing is wrong
    ├── JobError                  a job cannot be submitted, cancelled or resumed
    │   └── ClusterError          the cluster that a job runs on is not there, or went away: it can be resumed
    ├── MissingDependencyError    an optional library is not installed
    └── AccessError               this person, or this server, may look and not change

Each message says what was found, where, what is accepted and what to do next. Pages catch the root and show the
sentence; the command line prints it on standard error and exits with 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from core.text import one_line

T = TypeVar("T")


@dataclass(frozen=True)
class Asks:
    """What a source leaves open: the option that settles it, what it may be, and the likely one where there is one."""

    option: str
    choices: tuple[str, ...] = ()
    suggested: str | int | None = None


class LandslideLensError(Exception):
    """The root: its text is written for the user; parts of it may come from files, so that it is made one line."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class DataError(LandslideLensError):
    """A source or a dataset file cannot be used. asks: what would settle it, where an option would."""

    def __init__(self, text: str = "", asks: Asks | None = None):
        super().__init__(text)
        self.asks = asks


class UnsafeFileError(DataError):
    """A file was refused before anything of it was read or allocated."""


class FormatError(DataError):
    """A file is readable but not in the form that is accepted."""


class LabelError(DataError):
    """Labels are missing, contradictory or of one class only."""


class ConfigError(LandslideLensError):
    """A setting does not exist or has a value that cannot work."""


class FoldError(LandslideLensError):
    """The folds that were asked for cannot be drawn from these patches."""


class TrainingError(LandslideLensError):
    """Training cannot go on."""


class RunError(LandslideLensError):
    """A run folder is missing, incomplete, damaged or of another version."""


class NotMadeError(RunError):
    """By its own settings a run has no such result: nothing is wrong, and pages say it without alarm."""


class JobError(LandslideLensError):
    """A job cannot be submitted, cancelled or resumed."""


class ClusterError(JobError):
    """The cluster that a job runs on is not there, or went away; the job is interrupted and can be resumed."""


class MissingDependencyError(LandslideLensError):
    """An optional library is not installed; the message names the command that installs it."""


class AccessError(LandslideLensError):
    """Whoever asks may look and not change, or may not even look; the message says who could."""


def needed(value: T | None, missing: str) -> T:
    """The value. Raises DataError with the sentence ``missing`` where there is none."""
    if value is None:
        raise DataError(missing)
    return value
