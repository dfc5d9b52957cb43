"""Paper B's Figures 4 and 5: does a network find landslides elsewhere better when it has learnt from more sets?

The sets are added one after the other; each row is judged on the experiment's dataset, which no row learns from.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.store.dataset import Dataset, open_dataset
from core.data.store.joining import join, plan_join
from core.errors import ConfigError
from core.experiments.base import Asked, Kind, Row
from core.experiments.elsewhere import LITE, NOTE, answers_on, opened, shared_bands, small_side
from core.progress import Steps
from core.runs.store import datasets_path

if TYPE_CHECKING:
    import pandas as pd

    from core.runs.store import RunFolder


def rows(asked: Asked) -> list[Row]:
    """The first set alone, with the second, and so on."""
    sets = opened(asked.others, 2, "diversity", "sets to learn from, in the order in which they are added")
    base = asked.base("uva-transfer").with_overrides(
        [*(() if asked.preset else LITE), shared_bands(asked.dataset, *sets)]
    )
    found = []
    for n in range(1, len(sets) + 1):
        names = [one.name for one in sets[:n]]
        path = sets[0].path if n == 1 else joined_path(asked.checkpoints, sets[:n])
        facts = {"sets": n, "patches": int(sum((one.labels >= 0).sum() for one in sets[:n]))}
        found.append(Row(f"{n}-sets", ", ".join(names), base, dataset=path, facts=facts))
    return found


def joined_path(checkpoints: Path, sets: list[Dataset]) -> Path:
    """Where the file of these sets together is: named after them and what they hold."""
    digest = hashlib.sha256("".join(one.card_hash for one in sets).encode()).hexdigest()[:8]
    return datasets_path(checkpoints).absolute() / f"{'-and-'.join(one.name for one in sets)[:80]}-{digest}.h5"


def check(asked: Asked) -> None:
    """Raises ConfigError and FormatError where the sets cannot be joined, or hold what they are judged on."""
    sets = opened(asked.others, 2, "diversity", "sets to learn from, in the order in which they are added")
    plan_join(sets)
    if inside := [one.name for one in sets if one.card_hash == asked.dataset.card_hash]:
        raise ConfigError(
            f"{inside[0]} is what the rows are judged on. Judge on patches that none of the sets holds; join "
            "--hold-out makes such a file."
        )


def prepare(asked: Asked) -> Steps[None]:
    """Write the joined files that are not there."""
    sets = [open_dataset(path) for path in asked.others]
    for n in range(2, len(sets) + 1):
        path = joined_path(asked.checkpoints, sets[:n])
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            yield from join(plan_join(sets[:n]), path)


def answers(asked: Asked, row: Row, run: RunFolder) -> pd.DataFrame:
    """On the experiment's dataset."""
    return answers_on(run, asked.dataset)


def told(asked: Asked, row: Row, run: RunFolder, answers: pd.DataFrame) -> dict[str, Any]:
    """How many patches it learnt from, and its score out of fold on its own sets."""
    from core.text import count, number

    own = run.summary()["heads"][run.summary()["head"]]
    return {"Patches learnt from": count(row.facts["patches"]), "F1 on its own sets": number(own["f1"])}


KIND = Kind(
    name="diversity",
    title="Growing diversity",
    summary="Sets of landslides are added one by one; each time the network is judged on this dataset, which none of "
    f"them holds (paper B, Figures 4 and 5). {NOTE}",
    rows=rows,
    shrink=small_side,
    answers=answers,
    told=told,
    check=check,
    prepare=prepare,
    needs="others",
)
