"""Small datasets and run folders made for tests, written through the same writers as real ones.

The numbers of ``make_run`` are made up (a score that leans towards the label); its files are real.
"""

from __future__ import annotations

import atexit
import subprocess
import threading
from pathlib import Path

import numpy as np
import pandas as pd

from core.config import RunConfig, preset
from core.data.bands import RGB_BANDS, ZINDI_BANDS, Band
from core.data.demo import demo_steps
from core.data.folds import make_folds
from core.data.store import Dataset, DatasetWriter, open_dataset
from core.evaluate.judge import difference, judge_head
from core.io.process_id import ProcessId, heartbeat, identify, is_alive
from core.progress import drain
from core.runs.store import RunFolder, create_run, now

TINY = (
    "model.backbone=test_resnet", "model.pretrained=false", "train.epochs=2", "train.batch_size=16", "folds.n_splits=2",
    "train.lr=0.003", "device=cpu", "embed.grid=12", "explain.min_map=4", "train.ema_decay=null",
    "smote.target_ratio=1", 'model.arguments={"channels": [16, 32, 64, 128]}',
)  # fmt: skip
TRAIN_SIDE = 24  # pixels, of make_patches
TRAIN_TINY = (
    "model.backbone=test_resnet", "model.pretrained=false", "train.epochs=4", "train.batch_size=16", "train.lr=0.003",
    "train.optimizer=adamw", "train.weight_decay=0.02", "device=cpu",
)  # fmt: skip
BASELINES = ("stats_logreg", "stats_svm")


def returned(steps):
    """What a generator of progress returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def make_patches(n, seed=0, signal=2.0):
    """(n, 3, 24, 24) noise, in every second patch a bright square in the first band; and the labels (n,)."""
    rng = np.random.default_rng(seed)
    images, labels = rng.normal(size=(n, 3, TRAIN_SIDE, TRAIN_SIDE)).astype(np.float32), np.arange(n) % 2
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, TRAIN_SIDE - 8, 2)
        images[i, 0, y : y + 8, x : x + 8] += signal
    return images, labels


def make_tiny(path, n=48, side=32, seed=0, signal=3.0, positive_every=3, masks=False):
    """A dataset of ``n`` patches of three bands, every third one positive; ``signal`` 0 leaves only noise.

    masks: with those of the bright squares.
    """
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % positive_every == 0).astype(np.int8)
    images = rng.normal(size=(n, 3, side, side)).astype(np.float32)
    outlines = np.zeros((n, side, side), np.uint8)
    for i in np.flatnonzero(labels):
        y, x = rng.integers(0, side - side // 3, size=2)
        images[i, 0, y : y + side // 3, x : x + side // 3] += signal
        outlines[i, y : y + side // 3, x : x + side // 3] = 1
    writer = DatasetWriter(
        path, bands=RGB_BANDS, shape_hw=(side, side), class_names=("other", "landslide"), source="made in a test"
    )
    with writer:
        writer.append(
            100 + 10 * images, labels, [f"p{i:03d}" for i in range(n)], groups=[f"g{i // 3}" for i in range(n)],
            masks=outlines if masks else None,
        )  # fmt: skip
        return writer.finish().path


def make_dataset(
    path: Path,
    n: int = 60,
    side: int = 16,
    seed: int = 0,
    class_names: tuple[str, str] = ("other", "landslide"),
    id_form: str = "ID_{:04d}",
    bands: tuple[Band, ...] = ZINDI_BANDS,
    source: str = "Made in a test; no place on Earth looks like this.",
) -> Dataset:
    """``n`` simulated-looking patches in Zindi's bands; landslides carry a bright, changed blob and its mask."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 4 == 0).astype(np.int8)
    means = np.array([1832, 1919, 1858, 3151, -10.4, -18.6, -0.9, -0.7, -11.3, -19.9, 0.5, -0.3], np.float32)
    spreads = np.array([600, 560, 560, 900, 4, 5, 2, 2.4, 3, 5, 1.5, 2.2], np.float32)
    yy, xx = np.mgrid[:side, :side] / side
    images = np.empty((n, 12, side, side), np.float32)
    masks = np.zeros((n, side, side), np.uint8)
    for i in range(n):
        slope = np.sin(6 * (xx * rng.uniform(0.4, 1) + yy * rng.uniform(0.4, 1)) + rng.uniform(0, 6))
        noise = rng.normal(size=(12, side, side)) * 0.4
        images[i] = means[:, None, None] + spreads[:, None, None] * (0.8 * slope + noise)
        if labels[i]:
            cx, cy, r = rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(0.12, 0.25)
            masks[i] = (((xx - cx) / r) ** 2 + ((yy - cy) / (1.6 * r)) ** 2 < 1).astype(np.uint8)
            lift = np.array([1.2, 0.9, 0.7, -1.3, 0.5, 0.4, 1.6, 1.2, 0.5, 0.4, 1.4, 1.0], np.float32)
            images[i] += (lift * spreads)[:, None, None] * masks[i]
    images[:, :4] = np.clip(images[:, :4], 0, None)
    with DatasetWriter(
        path,
        bands=bands,
        shape_hw=(side, side),
        class_names=class_names,
        source=source,
        licence="CC0",
    ) as writer:
        writer.append(
            images,
            labels,
            [id_form.format(i) for i in range(n)],
            groups=[f"scene_{i // 3:02d}" for i in range(n)],
            masks=masks,
        )
        return writer.finish()


def make_run(checkpoints: Path, dataset: Path, state: str = "succeeded", config: RunConfig | None = None) -> RunFolder:
    """A run folder in the named state; a running or failed one has got through one fold and two epochs."""
    data = open_dataset(dataset)
    config = config or preset("demo").with_overrides(["train.epochs=4", "folds.n_splits=3"])
    run = create_run(checkpoints, config, dataset, spec=f"{config.hash()}:{data.content_hash}")
    run.add_event("started", pid=1)
    if state == "queued":
        return run
    folds = make_folds(data.labels, data.groups, config.folds.n_splits, config.seed, config.folds.grouped)
    run.write_json("provenance.json", _provenance(data, config))
    run.write_text("folds.json", folds.to_json(data.ids))
    done = folds.n_splits if state == "succeeded" else 1
    for fold in range(done):
        _write_fold(run, data, folds, fold, config, config.train.epochs)
    if state != "succeeded":
        run.write_history(done, _history(config, done, 2))
        _write_samples(run, data, folds, done, 2)
    else:
        _write_results(run, data, folds, config)
    run.write_status(**_status(state, config))
    if state == "running":
        work_on(run)
    if state == "failed":
        run.add_event("failed", error="Training diverged.")
    (run.path / "log.txt").write_text("Fold 1 of 3, epoch 1 of 4: loss 0.690\n", encoding="utf-8")
    return run


def work_on(run: RunFolder) -> None:
    """As if a worker did this running job: :func:`sleeper`."""
    worker = sleeper()
    run.write_status(pid=worker.pid, pid_started=worker.started, heartbeat=heartbeat())


def sleeper() -> ProcessId:
    """A process of its own that only sleeps, and ends with the tests."""
    if not _workers or not is_alive(_workers[-1]):
        process = asleep()
        atexit.register(process.kill)
        _workers.append(identify(process.pid))
    return _workers[-1]


def asleep() -> subprocess.Popen:
    """A process in a session of its own that only sleeps; whoever asks for it ends it."""
    process = subprocess.Popen(["sleep", "3600"], start_new_session=True, stdin=subprocess.DEVNULL)
    threading.Thread(target=process.wait, daemon=True).start()  # when it is cancelled, nobody else asks for its end
    return process


_workers: list[ProcessId] = []


def _status(state: str, config: RunConfig) -> dict:
    status = {
        "state": state, "stage": "training", "started": now(), "fold": 1, "n_folds": config.folds.n_splits, "epoch": 2,
        "epochs": config.train.epochs, "progress": 0.4, "eta_s": 95.0,
        "message": "Fold 2 of 3, epoch 2 of 4: loss 0.512",
    }  # fmt: skip
    if state == "succeeded":
        status |= {"stage": "done", "progress": 1.0, "eta_s": 0.0, "finished": now(), "message": "Done."}
    elif state != "running":
        error = "Training diverged: the loss became NaN in epoch 3. Choose a smaller learning rate, then resume."
        status |= {"finished": now(), "error": error if state == "failed" else None, "message": error}
    return status


def _provenance(data: Dataset, config: RunConfig) -> dict:
    facts = {"name": data.name, "path": str(data.path), "content_hash": data.content_hash, "n": len(data)}
    return {"code": {"version": "0"}, "device": {"device": "cpu"}, "dataset": facts, "seed": config.seed}


def _history(config: RunConfig, fold: int, epochs: int) -> pd.DataFrame:
    e = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": e, "epochs": config.train.epochs, "train_loss": 0.7 * 0.85**e + 0.01 * fold,
            "val_loss": 0.72 * 0.88**e + 0.02 * fold, "val_f1": 0.8 - 0.5 * 0.7**e - 0.02 * fold,
            "val_auc": np.where(e == 1, np.nan, 0.9 - 0.3 * 0.7**e), "lr": config.train.lr * 0.9**e, "seconds": 3.2,
            "images_per_second": 310.0 + 5 * e, "memory_mib": 900.0 + 3 * e,
            "train_accuracy": 0.96 - 0.4 * 0.75**e, "val_accuracy": 0.9 - 0.35 * 0.75**e - 0.01 * fold,
        }
    )  # fmt: skip


def _write_samples(run: RunFolder, data: Dataset, folds, fold: int, epochs: int) -> None:
    """Eight validation patches whose answers come nearer to their labels with every epoch."""
    rows, e = folds.val(fold)[:8], np.arange(1, epochs + 1)
    answers = [
        pd.DataFrame(
            {
                "epoch": e,
                "id": data.ids[i],
                "label": data.labels[i],
                "prob": 0.5 + 0.4 * (data.labels[i] - 0.5) * e / epochs,
            }
        )
        for i in rows
    ]
    run.write_samples(fold, pd.concat(answers, ignore_index=True))


def _write_fold(run: RunFolder, data: Dataset, folds, fold: int, config: RunConfig, epochs: int) -> None:
    rng = np.random.default_rng(fold)
    run.write_history(fold, _history(config, fold, epochs))
    _write_samples(run, data, folds, fold, epochs)
    train = folds.train(fold)
    parents = data.ids[train[data.labels[train] == 1]]
    n_new = max(0, int((data.labels[train] == 0).sum()) - len(parents))
    anchor = rng.integers(0, len(parents), n_new)
    neighbour = (anchor + 1 + rng.integers(0, len(parents) - 1, n_new)) % len(parents)
    run.write_smote(
        fold,
        pd.DataFrame(
            {
                "fold": fold, "synthetic": [f"fold{fold}_syn{i:05d}" for i in range(n_new)],
                "anchor": parents[anchor], "neighbour": parents[neighbour],
                "anchor_weight": rng.uniform(0.1, 0.9, n_new).astype(np.float32),
                "ssim": rng.uniform(0.2, 0.8, n_new).astype(np.float32), "seed": config.seed,
            }
        ),
    )  # fmt: skip
    embeddings = rng.normal(size=(len(data), 8)).astype(np.float32) + data.labels[:, None]
    logits = np.stack([-embeddings.mean(1), embeddings.mean(1)], 1).astype(np.float32)
    run.write_embeddings(fold, {"embeddings": embeddings, "logits": logits})
    card = {"n_train": len(train), "n_val": len(folds.val(fold)), "n_synthetic": n_new, "seed": fold}
    run.write_fold_card(fold, card | {"weights": {}, "seconds": 12.5, "images_per_second": 320.0})


def _write_results(run: RunFolder, data: Dataset, folds, config: RunConfig) -> None:
    rng = np.random.default_rng(7)
    labels, fold_of = data.labels, folds.fold_of
    table = {"id": data.ids, "label": labels, "fold": fold_of, "group": data.groups}
    judged = {}
    for name in (*config.heads.names, *BASELINES):
        scores = 2.2 * labels - 1.1 + rng.normal(size=len(labels))
        judged[name] = head = judge_head(
            labels, scores, fold_of, data.groups, threshold=config.heads.threshold, is_log_odds=name == "fc"
        )
        table |= {f"score_{name}": scores, f"prob_{name}": head.probs, f"pred_{name}": head.pred}
    run.write_oof(pd.DataFrame(table))
    run.write_json("rules.json", {name: head.rule.to_dict() for name, head in judged.items()})
    shown = ("fc", config.heads.head)
    for fold in range(folds.n_splits):
        _write_map(run, data, folds, fold, shown)
    _write_explanations(run, data, fold_of, shown, config)
    chosen = judged[config.heads.head]
    of_folds = [
        {"fold": k, **run.fold_card(k), **chosen.folds[k], "heads": {name: h.folds[k] for name, h in judged.items()}}
        for k in range(folds.n_splits)
    ]
    run.write_json(
        "summary.json",
        {
            "run": run.name, "dataset": str(data.path), "dataset_name": data.name, "preset": config.preset,
            "class_names": list(data.class_names), "positive": data.positive, "grouped": folds.grouped,
            "head": config.heads.head, "threshold_rule": config.heads.threshold,
            "oof": {**chosen.metrics, "f1_interval": chosen.intervals["f1"]},
            "heads": {name: {**h.metrics, "intervals": h.intervals} for name, h in judged.items()},
            "folds": of_folds,
            "differences": {name: difference(labels, chosen, judged[name], data.groups) for name in BASELINES},
            "seconds": 41.0, "images_per_second": 320.0, "device": "cpu", "warnings": [],
        },
    )  # fmt: skip


def _write_map(run: RunFolder, data: Dataset, folds, fold: int, heads: tuple[str, ...]) -> None:
    rng = np.random.default_rng(fold)
    xy = (rng.normal(size=(len(data), 2)) + 2.5 * data.labels[:, None]).astype(np.float32)
    x, y = (np.linspace(xy[:, i].min() - 1, xy[:, i].max() + 1, 20).astype(np.float32) for i in (0, 1))
    gx, gy = np.meshgrid(x, y)
    near = np.hypot(gx[..., None] - xy[:, 0], gy[..., None] - xy[:, 1]).min(-1) < 1.0
    arrays = {"xy": xy, "x": x, "y": y, "near": near.astype(np.uint8)}
    arrays["train"] = np.isin(np.arange(len(data)), folds.train(fold)).astype(np.uint8)
    arrays |= {f"values_{head}": (gx + gy - 2.5).astype(np.float32) for head in heads}
    card = {"agreement": 0.91, "majority": 0.75, "refit_agreement": 0.88, "n_heldout": len(folds.val(fold))}
    run.write_umap(fold, arrays, {"trustworthiness": 0.93, "heads": {head: card for head in heads}})


def _write_explanations(
    run: RunFolder, data: Dataset, fold_of: np.ndarray, heads: tuple[str, ...], config: RunConfig
) -> None:
    rng = np.random.default_rng(3)
    masks = data.masks().astype(np.float32)
    step = masks.shape[1] // 8
    maps = masks[:, ::step, ::step] * rng.uniform(0.2, 2.0, (len(data), 1, 1)) + rng.uniform(0, 0.2, (len(data), 8, 8))
    maps[1] = 0.0  # a dead map
    index = pd.DataFrame({"id": data.ids, "fold": fold_of, "row": np.arange(len(data))})
    run.write_cams(index, maps, {"layer": "blocks.3", "target": data.positive, "size": [8, 8]})
    tables = []
    for head in heads:
        for baseline in config.explain.occlusion_baselines:
            p0 = np.clip(0.15 + 0.6 * data.labels + rng.normal(0, 0.08, len(data)), 0.01, 0.99)
            for b, band in enumerate(data.band_names):
                p_b = np.clip(p0 - (0.25 - 0.02 * b) * data.labels + rng.normal(0, 0.03, len(data)), 0, 1)
                facts = {"id": data.ids, "label": data.labels, "fold": fold_of, "head": head}
                tables.append(pd.DataFrame(facts | {"baseline": baseline, "band": band, "p0": p0, "p_b": p_b}))
    run.write_occlusion(pd.concat(tables, ignore_index=True))


def write_demo(path: Path | str, n: int = 1200, seed: int = 0) -> Dataset:
    """The simulated demo dataset, written and opened."""
    return drain(demo_steps(path, n, seed))
