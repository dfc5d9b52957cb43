"""Tiny datasets and run folders for the pages, written through the same writers that real ones go through.

The numbers are made up (a score that leans towards the label), the files are real. ``studio`` gives a builder whose
folders live in a temporary checkpoints folder that ``LANDSLIDE_CHECKPOINTS`` points to.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import RunConfig, preset
from core.data.bands import ZINDI_BANDS, Band
from core.data.folds import make_folds
from core.data.store import Dataset, DatasetWriter, open_dataset
from core.evaluate.judge import difference, judge_head
from core.jobs import processes, queue
from core.jobs.analysis_folder import list_studies
from core.runs.store import FINAL_STATES, RunFolder, create_run, now
from dashboard.jobs import background

APP = Path(__file__).resolve().parents[2] / "dashboard" / "app.py"
STATES = ("running", "succeeded", "failed")
BASELINES = ("stats_logreg", "stats_svm")


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
    if state == "failed":
        run.add_event("failed", error="Training diverged.")
    (run.path / "log.txt").write_text("Fold 1 of 3, epoch 1 of 4: loss 0.690\n", encoding="utf-8")
    return run


def _status(state: str, config: RunConfig) -> dict:
    status = {
        "state": state, "stage": "training", "started": now(), "fold": 1, "n_folds": config.folds.n_splits, "epoch": 2,
        "epochs": config.train.epochs, "progress": 0.4, "eta_s": 95.0, "heartbeat": time.time(),
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


# ----------------------------------------------------------------------------------------------------- fixtures


@dataclass(frozen=True)
class Studio:
    """A temporary checkpoints folder and what can be put into it."""

    checkpoints: Path
    templates: Path

    def add_dataset(self, name: str = "tiny") -> Path:
        """A copy of the tiny dataset under ``name``."""
        path = self.checkpoints / "datasets" / f"{name}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.templates / "tiny.h5", path)
        return path

    def add_placed(self, name: str = "placed", doubled: bool = False) -> Path:
        """The tiny dataset on a grid of places near 10 E, 46 N, with a split and a column; the last patch has no place.

        ``doubled``: its first two landslides occur a second time, in another part of the split.
        """
        data = open_dataset(self.templates / "tiny.h5")
        rows = np.arange(len(data))
        if doubled:
            rows = np.concatenate([rows, np.flatnonzero(data.labels == 1)[:2]])
        n = len(rows)
        lonlat = np.stack([10 + 0.01 * (np.arange(n) % 8), 46 + 0.01 * (np.arange(n) // 8)], axis=1)
        lonlat[-1] = np.nan
        path = self.checkpoints / "datasets" / f"{name}.h5"
        with DatasetWriter(
            path, bands=data.bands, shape_hw=data.shape[1:], class_names=data.class_names, source="Made in a test."
        ) as writer:
            writer.append(
                data.images(rows), data.labels[rows], [f"P{i:03d}" for i in range(n)], lonlat=lonlat,
                split=["train"] * 50 + ["test"] * (n - 50), columns={"sensor": [f"S{i % 3}" for i in range(n)]},
                groups=[f"g{i // 3}" for i in range(n)],
            )  # fmt: skip
            writer.finish()
        return path

    def add_run(self, dataset: Path, state: str = "succeeded") -> RunFolder:
        """A copy of the prepared run in that state, pointing at ``dataset``."""
        source = self.templates / state
        if not source.is_dir():
            return make_run(self.checkpoints, dataset, state)
        target = self.checkpoints / next(source.iterdir()).name
        shutil.copytree(next(source.iterdir()), target)
        run = RunFolder(target)
        run.write_json("job.json", {**run.job(), "dataset": str(dataset.resolve())})
        return run

    def ended(self, kind: str) -> background.Task:
        """The background task whose kind begins with ``kind``, when it has ended."""
        for _ in range(1200):
            for name, task in background._registry(str(self.checkpoints.resolve())).items():
                if name.startswith(kind) and not task.running:
                    return task
            time.sleep(0.05)
        raise AssertionError(f"No task {kind} has ended.")

    def answered(self, run: RunFolder, study: str) -> dict:
        """The status of the study of this name that was asked for last, when it has ended."""
        for _ in range(1800):
            found = next(iter(list_studies(run, study)), None)
            if found is not None and queue.job(self.checkpoints, found.name).state in FINAL_STATES:
                return found.status()
            time.sleep(0.05)
        raise AssertionError(f"No study {study} of {run.name} has ended.")

    def add_hostile(self) -> RunFolder:
        """A dataset and a finished run whose every name tries to become a link, a picture or a formula."""
        bands = (Band("<b>b0</b>", "[t](javascript:alert(1))", unit="<u>", family="optical"), *ZINDI_BANDS[1:])
        data = make_dataset(
            self.checkpoints / "datasets" / "hostile.h5",
            class_names=("![o](http://x.example/o.png)", "[L](javascript:alert(2))"),
            id_form="<img src=x onerror=alert({:04d})>",
            bands=bands,
            source="=HYPERLINK(1) <script>alert(3)</script> $x^2$ :red[s] www.x.example",
        )
        return make_run(self.checkpoints, data.path)

    def busy_lane(self, dataset: Path) -> RunFolder:
        """A running run whose worker is this very process: whatever is submitted after it waits."""
        run = self.add_run(dataset, "running")
        me = processes.identify(os.getpid())
        lane = queue._lane(run.config())
        with queue._transaction(self.checkpoints) as rows:
            rows.execute(
                "INSERT INTO jobs (name, spec, dataset, lane, state, pid, started, queued) "
                "VALUES (?, 'another', ?, ?, 'running', ?, ?, 0)",
                (run.name, str(dataset), lane, me.pid, me.started),
            )
        return run


@pytest.fixture(scope="session")
def templates(tmp_path_factory) -> Path:
    """One tiny dataset and one run in each state, made once."""
    root = tmp_path_factory.mktemp("templates")
    data = make_dataset(root / "tiny.h5")
    for state in STATES:
        make_run(root / state, data.path, state)
    return root


@pytest.fixture
def studio(tmp_path, templates, monkeypatch) -> Studio:
    """An empty checkpoints folder that the dashboard looks into."""
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    monkeypatch.setenv("LANDSLIDE_CHECKPOINTS", str(checkpoints))
    return Studio(checkpoints, templates)


@pytest.fixture
def open_page(studio):
    """Opens a page in Streamlit's AppTest through the real entry point: ``open_page("train", run="...")``."""
    from streamlit.testing.v1 import AppTest

    def opened(page: str, timeout: float = 30, **query: str):
        at = AppTest.from_file(str(APP), default_timeout=timeout)
        for key, value in query.items():
            at.query_params[key] = value
        if page != "overview":
            at.switch_page(f"../pages/{page}.py")
        return at.run()

    return opened
