"""How exactly can a run say where in a patch a landslide lies? Every way, on held-out groups, beside two blind ones.

    python -m benchmarks.experiments.where --data DIR --checkpoints DIR [--sets landslide4sense bijie] [--compare]
                                           [--n 300] [--out benchmarks/results/where.json]

DIR of the data holds ``landslide4sense-rgb`` and ``bijie-rgb-64``, each with images, masks and labels.csv. On each a
U-Net around a ResNet-18 of half the width is trained with its masks (two folds, 12 epochs, random weights), by the
product's own commands; its attention maps are checked, and the analysis ``where`` measures every way on ``--n``
held-out landslides, 16 pixels from one window or square to the next. Landslide4Sense's quadrants are also put together
again where all four are there, for what a scene has and a patch has not: the real neighbours. With ``--compare`` the
same network is trained without masks too: what the second output costs or gives the first. Bijie names no groups, so
its folds are of patches. Finished trainings in the checkpoints are taken; sets that are not asked for stay in the file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import circumstances, keep, parser
from core.analyses import where
from core.analyses.attention import checks
from core.config import RunConfig, preset
from core.data.store import Dataset, open_dataset
from core.evaluate.comparison.significance import compare
from core.explain.checks.where import random_point, scored, summarised
from core.jobs import queue
from core.predict.inside.ways import centre_map
from core.predict.patches import Ensemble
from core.predict.scene.answers import stripe_answers
from core.predict.scene.windows import WindowGrid, WindowSum
from core.progress import drain
from core.runs.store import RunFolder

SETS = {
    "landslide4sense": (
        "landslide4sense-rgb",
        ("--id-column", "ID", "--group-column", "source_image", "--pixel-m", "10"),
    ),
    "bijie": ("bijie-rgb-64", ()),
}
SETTINGS = (
    "model.backbone=unet_resnet18", 'model.arguments={"channels":[32,64,128,256],"decoder":[64,48,32,16]}',
    "train.epochs=12", "folds.n_splits=2", "smote.enabled=false", "model.indices=[]", "train.tta=false",
    "heads.blend=false", "heads.head=fc", "heads.svm_C=[0.1]", "heads.lgbm=false",
    'explain.occlusion_baselines=["mean"]', "device=cpu",
)  # fmt: skip
STRIDE, STRIDES = 16, (32, 16, 8)  # pixels; in a patch, and of a scene
SIDE = 64  # pixels of a quadrant


def made(name: str, data: Path, checkpoints: Path) -> Path:
    """The dataset file, by the product's own command, where it is not there yet."""
    folder, more = SETS[name]
    out = checkpoints / "datasets" / f"{'l4s' if name == 'landslide4sense' else name}.h5"
    if not out.is_file():
        given = ("--masks", "../masks", *(("--labels", "../labels.csv") if more else ()), *more)
        _core("ingest", "folders", data / folder / "images", *given, "--out", out, "--checkpoints", checkpoints)
    return out


def trained(dataset: Path, checkpoints: Path, masks: bool) -> RunFolder:
    """A finished training of these settings: the one that is there, or a new one."""
    settings = (*SETTINGS[:1], f"model.masks={str(masks).lower()}", *SETTINGS[1:])
    config: RunConfig = preset("small").with_overrides(settings)
    if found := queue.finished(checkpoints, dataset, config):
        return found
    given = [part for setting in settings for part in ("--set", setting)]
    said = _core("train", dataset, "--preset", "small", *given, "--checkpoints", checkpoints, "--json")
    return RunFolder(checkpoints / json.loads(said)["run"])


def measured(run: RunFolder, n: int) -> dict[str, Any]:
    """What the analysis says, the attention maps checked before."""
    if not checks.reports(run):
        drain(checks.ANALYSIS.start(run, {"patches": 40, "seeds": 1, "compared": 10}))
    report = where.report_of(run)
    if report is None or report["options"]["patches"] != n:
        drain(where.ANALYSIS.start(run, {"patches": n, "stride": STRIDE}))
        report = where.report_of(run)
    oof, summary = run.oof(), run.summary()
    facts = {
        "patches": len(oof),
        "prevalence": float((oof["label"] == 1).mean()),
        "class": {key: summary["oof"][key] for key in ("f1", "auc", "f1_interval")},
        "seconds_of_training": summary["seconds"],
    }
    kept = ("n", "n_eligible", "n_groups", "n_folds", "mask_share", "pixel_m", "ways", "rivals", "attention", "best")
    return facts | {key: report[key] for key in (*kept, "every_patch", "seconds", "message")}


def second_output(with_masks: RunFolder, without: RunFolder) -> dict[str, Any]:
    """The class with masks against without, on the same held-out patches of the same folds."""
    one, other = with_masks.oof().set_index("id"), without.oof().set_index("id")
    other = other.loc[one.index]
    assert (one["fold"] == other["fold"]).all()
    groups = one["group"].astype(str).to_numpy()
    answers = [part[f"{what}_fc"].to_numpy() for part in (one, other) for what in ("pred", "prob")]
    found = compare(one["label"].to_numpy(), *answers, groups, names=("f1", "auc")).to_dict()
    return {
        "n": found["n"],
        "differences": found["differences"],
        "without": {key: without.summary()["oof"][key] for key in ("f1", "auc", "f1_interval")},
        "seconds_with": with_masks.summary()["seconds"],
        "seconds_without": without.summary()["seconds"],
    }


def with_neighbours(run: RunFolder, dataset: Dataset) -> dict[str, Any]:
    """Whole images of four quadrants, answered as a scene is, at several strides, by the fold that has not seen it."""
    oof = run.oof()
    oof["image"] = oof["id"].str.rsplit("_", n=1).str[0]
    oof = oof[oof.groupby("image")["id"].transform("size") == 4].reset_index(drop=True)
    models = {fold: Ensemble.of_folds(run, [fold]) for fold in sorted(oof["fold"].unique())}
    maps: dict[str, list[np.ndarray]] = {}
    masks, rows = [], []
    for _, own in oof.groupby("image"):
        places = dataset.index_of(own["id"].to_numpy())
        corners = [(SIDE * int(name[-3]), SIDE * int(name[-1])) for name in own["id"]]  # ..._r0c1
        image = np.empty((3, 2 * SIDE, 2 * SIDE), np.float32)
        for (row, col), patch in zip(corners, dataset.images(places), strict=True):
            image[:, row : row + SIDE, col : col + SIDE] = patch
        whole = answered(models[own["fold"].iloc[0]], image)
        for k, (row, col) in enumerate(corners):
            if own["label"].iloc[k] == 1:
                for name, one in whole.items():
                    maps.setdefault(name, []).append(one[row : row + SIDE, col : col + SIDE])
                masks.append(dataset.masks(places[k : k + 1])[0])
                rows.append((own["fold"].iloc[k], own["group"].iloc[k]))
    fold, groups = (np.array(values) for values in zip(*rows, strict=True))
    truth = np.stack(masks)
    maps["centre"] = [centre_map((SIDE, SIDE))] * len(truth)
    tables = {name: scored(np.stack(of).astype(np.float32), truth, fold).table for name, of in maps.items()}
    tables["random"] = random_point(truth)
    return {"n": len(truth), "n_images": len(np.unique(groups)), "mask_share": float((truth > 0).mean()),
            "ways": summarised(tables, groups.astype(str), ("centre", "random"))}  # fmt: skip


def answered(ensemble: Ensemble, image: np.ndarray) -> dict[str, np.ndarray]:
    """(H, W) by name: the probability at each stride, and what the mask head draws at the usual one."""
    found = {}
    for stride in STRIDES:
        grid = WindowGrid.over(image.shape[1:], (SIDE, SIDE), stride)
        corners = [(row, col) for row in grid.rows for col in grid.cols]
        drawn = WindowSum(image.shape[1:], (SIDE, SIDE)) if stride == STRIDES[0] else None
        probs = drain(stripe_answers(ensemble, image, corners, where=drawn))
        answers = probs.mean(axis=1).reshape(len(grid.rows), len(grid.cols), 1)
        found[f"stride_{stride}"] = grid.blended(answers, 0, 0, image.shape[1])[0]
        if drawn is not None:
            found["outline"] = drawn.sums[0] / drawn.sums[1]
    return found


def _core(*words: Any) -> str:
    command = [sys.executable, "-m", "core", *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def table(found: dict[str, Any]) -> list[str]:
    """Lines of a table in Markdown."""
    lines = ["| set | way | highest point inside | IoU | 9 in 10 within | offered |", "|---|---|---|---|---|---|"]
    for name, one in found.items():
        for way in (*one["ways"].values(), *one["rivals"].values()):
            point, iou = (f"{m['value']:.2f} [{m['lo']:.2f}, {m['hi']:.2f}]" for m in (way["pointing"], way["iou"]))
            offered = {True: "yes", False: "no"}.get(way.get("offered"), "")
            within = where.distance(way["within_px"], one["pixel_m"])
            lines.append(f"| {name} | {way['title']} | {point} | {iou} | {within} | {offered} |")
    return lines


def main() -> None:
    options = parser(__doc__, 300, "held-out landslides of each set")
    options.add_argument("--data", type=Path, required=True, help="the folder of both sets")
    options.add_argument("--checkpoints", type=Path, required=True, help="where runs and datasets are kept")
    options.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    options.add_argument("--compare", action="store_true", help="train without masks too")
    arguments = options.parse_args()
    out, checkpoints = arguments.out, arguments.checkpoints.resolve()
    found = json.loads(out.read_text(encoding="utf-8"))["sets"] if out and out.exists() else {}
    for name in arguments.sets:
        dataset = made(name, arguments.data.resolve(), checkpoints)
        run = trained(dataset, checkpoints, masks=True)
        kept = {key: found[name][key] for key in ("second_output",) if key in found.get(name, {})}
        found[name] = measured(run, arguments.n) | kept
        if name == "landslide4sense":
            found[name]["with_neighbours"] = with_neighbours(run, open_dataset(dataset))
        if arguments.compare:
            found[name]["second_output"] = second_output(run, trained(dataset, checkpoints, masks=False))
        found[name] |= circumstances("numpy", "torch", "timm")
    print("\n".join(table(found)))
    keep({"benchmark": "where", "preset": "small", "settings": [*SETTINGS, "model.masks=true"], "sets": found}, out)


if __name__ == "__main__":
    main()
