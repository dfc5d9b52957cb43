"""Paper B's Table IV in form: six networks, accuracy on training, validation and test patches of another set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.config import preset
from core.experiments.base import Asked, Kind, Row
from core.experiments.elsewhere import NOTE, accuracies, answers_on, opened, shared_bands, small_side

if TYPE_CHECKING:
    import pandas as pd

    from core.runs.store import RunFolder

# preset, title, a narrow member of the family for a small budget, printed: training, validation, test accuracy, test
# precision and recall.
ROWS = {
    "baseline": ("uva-baseline", "Baseline CNN", None, (0.8898, 0.8953, 0.5053, 0.5800, 0.7230)),
    "efficientnetb3": ("uva-efficientnetb3", "EfficientNetB3", "tf_efficientnet_lite0",
                       (0.9905, 0.9969, 0.6340, 0.6140, 0.5380)),
    "resnet50": ("uva-resnet50", "ResNet50", "resnet18", (1.0, 0.9984, 0.5252, 0.6538, 0.3863)),
    "mobilenet": ("uva-mobilenet", "MobileNet", "mobilenetv3_small_075", (0.9688, 0.9589, 0.5269, None, None)),
    "densenet121": ("uva-densenet121", "DenseNet121", "densenet121", (0.9062, 0.97, 0.5526, None, None)),
    "nasnetlarge": ("uva-nasnetlarge", "NASNetLarge", None, (0.6903, 0.7437, 0.6270, 0.7310, 0.2920)),
}  # fmt: skip
PRINTED = ("train_accuracy", "validation_accuracy", "test_accuracy", "test_precision", "test_recall")
PACKAGED = "tf_efficientnet_lite0"


def rows(asked: Asked) -> list[Row]:
    """The paper's networks; a small budget has narrow ones: EfficientNet-Lite0 with its weights, others from random."""
    (test,) = opened(asked.others[:1], 1, "table4", "a dataset to test on")
    bands, found = shared_bands(asked.dataset, test), []
    for name, (own, title, narrow, printed) in ROWS.items():
        settings = [bands]
        if asked.budget == "small":
            if narrow is None and name != "baseline":
                continue
            if narrow:
                weights = "packaged" if narrow == PACKAGED else "false"
                settings += [f"model.backbone={narrow}", f"model.pretrained={weights}"]
                settings += [] if narrow == PACKAGED else ["train.trainable=all"]
                title = f"{title} ({narrow})"
        config = preset(asked.preset or own).with_overrides(settings)
        facts = {f"printed_{key}": value for key, value in zip(PRINTED, printed, strict=True) if value is not None}
        found.append(Row(name, title, config, facts=facts))
    return found


def answers(asked: Asked, row: Row, run: RunFolder) -> pd.DataFrame:
    """On the test set."""
    (test,) = opened(asked.others[:1], 1, "table4", "a dataset to test on")
    return answers_on(run, test)


def judged_on(asked: Asked) -> str:
    """The test set."""
    return opened(asked.others[:1], 1, "table4", "a dataset to test on")[0].name


def told(asked: Asked, row: Row, run: RunFolder, answers: pd.DataFrame) -> dict[str, str]:
    """The table's columns."""
    return accuracies(run, answers)


KIND = Kind(
    name="table4",
    title="Six networks (paper B, Table IV)",
    summary="Accuracy of six networks on training, validation and test patches, the test of another set (paper B, "
    f"Table IV). {NOTE}",
    rows=rows,
    shrink=small_side,
    baseline="baseline",
    answers=answers,
    judged_on=judged_on,
    told=told,
    needs="others",
)
