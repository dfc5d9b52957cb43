"""Paper B's two-model approach: a network that learnt from one set of landslides goes on with another.

The source's network is judged on the target as it is, and after it has learnt there too; ImageNet's weights and random
ones stand beside it. All rows are judged on the target's patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.data.store.dataset import open_dataset
from core.errors import ConfigError
from core.experiments.base import Asked, Kind, Row
from core.experiments.elsewhere import LITE, NOTE, answers_on, opened, shared_bands, small_side, told_weights

if TYPE_CHECKING:
    import pandas as pd

    from core.runs.store import RunFolder

HEAD_ONLY = ("train.trainable=head",)


def rows(asked: Asked) -> list[Row]:
    """On the target: ImageNet's weights, random ones, and for each source its network as it is, its head, and more."""
    sources = opened(asked.others, 1, "transfer", "a dataset to learn from first")
    bands = shared_bands(asked.dataset, *sources)
    base = asked.base("uva-transfer").with_overrides([*(() if asked.preset else LITE), bands])
    random = base.with_overrides(["model.pretrained=false", "train.trainable=all"])
    found = [
        Row("imagenet", "ImageNet weights", base, facts={"from": "ImageNet"}),
        Row("random", "Random weights, all layers", random, facts={"from": "nothing"}),
    ]
    after = base.with_overrides(["model.pretrained=false"])
    for source in sources:
        of = f"source-{source.name}"
        facts = {"from": source.name}
        found += [
            Row(of, f"{source.name}, not trained here", base, dataset=source.path, facts=facts),
            Row(f"{of}-head", f"{source.name}, then its head here", after.with_overrides(HEAD_ONLY), weights_of=of,
                facts=facts),
            Row(f"{of}-on", f"{source.name}, then trained here", after, weights_of=of, facts=facts),
        ]  # fmt: skip
    return found


def check(asked: Asked) -> None:
    """Raises ConfigError where source and target are one dataset."""
    for path in asked.others:
        if open_dataset(path).card_hash == asked.dataset.card_hash:
            raise ConfigError(f"{path.name} holds the patches of {asked.dataset.name} itself: name another dataset.")


def answers(asked: Asked, row: Row, run: RunFolder) -> pd.DataFrame:
    """On the target: of the source's network from outside, of the others out of fold."""
    from core.runs.compare import answers

    return answers(run, row.head) if row.dataset is None else answers_on(run, asked.dataset)


KIND = Kind(
    name="transfer",
    title="From one set to another",
    summary="What weights that learnt from another set of landslides bring, beside ImageNet's and random ones (paper "
    f"B's two-model approach). {NOTE}",
    rows=rows,
    shrink=small_side,
    baseline="imagenet",
    answers=answers,
    told=told_weights,
    check=check,
    needs="others",
)
