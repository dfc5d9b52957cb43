"""``python -m core.workers.webhook_worker FOLDER`` tells the address that the user has set how a job ended."""

from __future__ import annotations

import sys
from pathlib import Path

from core.errors import LandslideLensError
from core.jobs import turns, webhook
from core.jobs.analysis_folder import of_path


def main(path: Path) -> int:
    """Post it. Returns the exit status: 0 told, or there is nobody to tell; 1 not told, and why is printed."""
    folder = of_path(path)
    if folder is None:
        return 0  # deleted meanwhile
    try:
        if address := turns.orders(folder.checkpoints).webhook:
            webhook.post(address, webhook.message(folder))
    except LandslideLensError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("Usage: python -m core.workers.webhook_worker FOLDER (of a job)", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(Path(sys.argv[1]).resolve()))
