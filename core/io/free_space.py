"""Room on the disk, looked for before something long begins."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from core.errors import JobError

LEAST_BYTES = 50 * 2**20  # for a job's own files; a training looks for more (core.flow.run_context)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def need_room(folder: Path, least: int = LEAST_BYTES) -> None:
    """Raises JobError when the disk that holds ``folder`` has less than ``least`` bytes free."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < least:
        raise JobError(
            f"The disk of {folder} is full: {free / 2**20:.0f} MiB are free, and a job needs at least "
            f"{least / 2**20:.0f} MiB. Free some space, then start it again."
        )


def is_full(error: BaseException | None) -> bool:
    """Whether this error, or the one that it came from, says that a disk or a quota is full."""
    while error is not None:
        if isinstance(error, OSError) and (error.errno in FULL or "No space left" in str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False
