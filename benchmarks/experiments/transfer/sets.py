"""Paper B's two-model approach and its growing diversity on real sets, at a budget for two cores.

    python -m benchmarks.experiments.transfer.sets LANDSLIDE4SENSE.h5 BIJIE.h5 CHITTAGONG.h5 --work DIR \\
        --only weight_transfer --out benchmarks/results/weight_transfer.json
    python -m benchmarks.experiments.transfer.sets ... --only diversity --out benchmarks/results/diversity.json
    python -m benchmarks.experiments.transfer.sets ... --only table4 --out benchmarks/results/table4.json

Red, green and blue of each set as pictures (0-255), at most ``--n`` patches of each to learn from, in whole groups, and
a share of each in groups that no row learns from. EfficientNet-Lite0 with its packaged ImageNet weights, 64 px, the
top 40 layers open, 3 epochs, 2 folds: the kinds ``transfer`` and ``diversity`` of ``ablate``. ``table4`` is the kind of
that name on a small budget, whose networks are narrow and, but for that one, start from random weights: learnt from the
first set, tested on the second. What is trained stays in DIR, so that the next command and a broken one go on.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.report import circumstances, keep, parser
from core.analyses.ablate import ANALYSIS, name_of, read
from core.data.store import Dataset, open_dataset
from core.data.store.joining import held_path, join, plan_join
from core.experiments.elsewhere import answers_on
from core.experiments.results import differences
from core.progress import drain
from core.runs.store import open_run
from core.runs.targets import DatasetTarget

SETS = ("landslide4sense", "bijie", "chittagong")
HELD = {"landslide4sense": 0.2, "bijie": 0.2, "chittagong": 0.25}  # share in groups that no row learns from
SETTINGS = (
    "folds.n_splits=2", "train.epochs=3", "model.image_size=64", "explain.enabled=false", "embed.method=pca",
)  # fmt: skip
PAIRS = (("chittagong", "landslide4sense"), ("bijie", "landslide4sense"), ("landslide4sense", "bijie"))
RGB = ("red", "green", "blue")
SHOWN = (
    "name", "title", "facts", "state", "reason", "n", "positive_share", "folds", "epochs", "oof", "difference",
    "not_compared", "told", "minutes",
)  # fmt: skip


def made(sources: list[Path], work: Path, n: int) -> dict[str, Path]:
    """What each set gives to learn from, its share that is held out beside it; those of all as "held"."""
    found = {name: work / f"{name}.h5" for name in SETS}
    for name, source in zip(SETS, sources, strict=True):
        if not held_path(found[name]).is_file():
            plan = plan_join([open_dataset(source)], (name,), RGB, "0-255", HELD[name], n)
            drain(join(plan, found[name]))
    found["held"] = work / "held.h5"
    if not found["held"].is_file():
        held = [open_dataset(held_path(found[name])) for name in SETS]
        drain(join(plan_join(held, SETS), found["held"]))
    return found


def experiment(kind: str, target: Path, others: list[Path], checkpoints: Path, budget: str = "full") -> dict[str, Any]:
    """The table of an experiment, trained as far as it is missing."""
    options = {"kind": kind, "others": list(map(str, others)), "settings": "; ".join(SETTINGS), "budget": budget}
    asked = DatasetTarget(target.resolve(), checkpoints)
    for step in ANALYSIS.start(asked, options):
        print(f"{step.share:5.0%} {step.message}", flush=True)
    return read(asked, name_of(options))


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row is kept."""
    return {key: row[key] for key in SHOWN if key in row}


def by_source(table: dict[str, Any], checkpoints: Path, held: dict[str, Dataset]) -> list[dict[str, Any]]:
    """AUC and F1 more than the first row, on the held out share of each set by itself."""
    rows = [row for row in table["rows"] if row["state"] == "succeeded"]
    found = []
    for name, data in held.items():
        answers = [answers_on(open_run(checkpoints, row["runs"][0]), data) for row in rows]
        for row, own in zip(rows, answers, strict=True):
            one = {"set": name, "row": row["name"], "title": row["title"], **scores(own)}
            if row is not rows[0]:
                one["difference"] = differences([own], [answers[0]])
            found.append(one)
    return found


def scores(answers: Any) -> dict[str, Any]:
    """AUC and F1 with 95 % intervals over whole groups, n, groups and share of landslides."""
    from core.evaluate.intervals import bootstrap_intervals
    from core.evaluate.metrics import metrics

    labels, probs, pred = (answers[name].to_numpy() for name in ("label", "prob", "pred"))
    groups = answers["group"].to_numpy()
    values, intervals = metrics(labels, probs, pred=pred), bootstrap_intervals(labels, probs, pred, groups)
    found = {"n": len(labels), "n_groups": len(set(groups)), "positive_share": float(labels.mean())}
    for metric in ("auc", "f1"):
        found |= {metric: values[metric], f"{metric}_interval": intervals[metric]}
    return found


def main() -> None:
    options = parser(__doc__, 300, "most patches of each set to learn from")
    options.add_argument("datasets", type=Path, nargs=3)
    options.add_argument("--work", type=Path, required=True)
    options.add_argument("--only", choices=("weight_transfer", "diversity", "table4"), required=True)
    given = options.parse_args()
    began = time.monotonic()
    checkpoints = given.work / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    sets = made(given.datasets, given.work, given.n)
    result: dict[str, Any] = {"settings": SETTINGS, "backbone": "tf_efficientnet_lite0"}
    opened = {name: open_dataset(path) for name, path in sets.items()}
    result["sets"] = {
        name: {"n": len(one), "positive_share": float((one.labels == 1).mean())} for name, one in opened.items()
    }
    if given.only == "diversity":
        table = experiment("diversity", sets["held"], [sets[name] for name in SETS], checkpoints)
        held = {name: open_dataset(held_path(sets[name])) for name in SETS}
        result |= {"rows": list(map(shown, table["rows"])), "by_set": by_source(table, checkpoints, held)}
    elif given.only == "table4":
        table = experiment("table4", sets["landslide4sense"], [sets["bijie"]], checkpoints, "small")
        result |= {"reduced": table["reduced"], "rows": list(map(shown, table["rows"]))}
    else:
        result["experiments"] = []
        for target, source in PAIRS:
            table = experiment("transfer", sets[target], [sets[source]], checkpoints)
            rows = list(map(shown, table["rows"]))
            result["experiments"].append({"target": target, "source": source, "rows": rows})
            keep(result | circumstances("torch", "timm"), given.out)
    result["seconds"] = round(time.monotonic() - began, 1)
    keep(result | circumstances("torch", "timm"), given.out)


if __name__ == "__main__":
    main()
