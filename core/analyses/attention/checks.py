"""The lie detector of a finished run: are its attention maps worth reading, at this layer, by this method?

Comes in: a finished run and its dataset. Goes out: a report with a verdict and its tables, in the run folder. Every
patch is looked at by the fold's network that has not seen it, normalised as that fold normalises. Progress is yielded;
it wires stages, as ``core.flow.scoring`` does, and trains nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from core.data.store import Dataset
from core.device import choose_device
from core.explain.cam.gradcam import gradcam
from core.explain.cam.group_means import outcomes_of, silence
from core.explain.checks import group_tests, position, verdict
from core.explain.checks.faithfulness import KINDS, N_RANDOM, RIVALS, SHARES, faithfulness
from core.explain.checks.mask_overlap import THRESHOLD, mask_agreement, summarise_agreement
from core.explain.checks.randomisation import cascade
from core.predict.fold_model import FoldModel
from core.predict.training_dataset import training_dataset
from core.progress import Progress
from core.runs.store import RunFolder
from core.stats.grouped_means import greater_than_zero, mean_of
from core.train.networks.backbones import load_network
from core.train.networks.cam_layer import LayerMap

CHUNK = 20  # patches tested between two reports of progress
PROBABILITY, CORRELATION = (0.0, 1.0), (-1.0, 1.0)  # what the interval of such a mean cannot leave


@dataclass(frozen=True)
class Options:
    """What is checked. layer, method: none takes the run's own. patches: how many are tested, over all folds.

    Tested are patches that are labelled or called landslide: elsewhere there is little to take out. seeds: draws of
    random weights. compared: patches a fold whose maps are compared with the randomised network's.
    """

    layer: str | None = None
    method: str | None = None
    patches: int = 100
    seeds: int = 3
    compared: int = 20
    seed: int = 0


def check_attention(run: RunFolder, options: Options | None = None, device: Any | None = None) -> Iterator[Progress]:
    """Check the maps of one layer and write the report (``RunFolder.attention_check``); the last step has its name.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for an unknown layer or
    method.
    """
    options, began = options or Options(), time.monotonic()
    dataset, oof, config = training_dataset(run), run.oof(), run.config()
    _, _, card = run.cams()
    method = options.method or card.get("method", "gradcam")
    device = choose_device(config.device) if device is None else device
    oof = oof.assign(outcome=outcomes_of(oof["label"], oof["pred_fc"]))
    per_fold = -(-options.patches // config.folds.n_splits)
    patches, curves, alike, silent = [], [], [], []
    for fold in range(config.folds.n_splits):
        share = fold / config.folds.n_splits
        yield Progress(share, f"Maps of fold {fold + 1} of {config.folds.n_splits}.")
        model, facts = FoldModel.load(run, fold, device), oof[oof["fold"] == fold].reset_index(drop=True)
        view = _View(model, dataset, facts, method, options.layer or card["layer"], config.explain.min_map, device)
        silent.append(view.maps)
        table = _all_patches(view, dataset)
        chosen = _sample(facts, per_fold, options.seed + fold)
        tested = []
        for start in range(0, len(chosen), CHUNK):
            rows = chosen[start : start + CHUNK]
            tested.append(_test(view, rows, options.seed + start, curves))
            done = share + (start + len(rows)) / max(len(chosen), 1) * 0.9 / config.folds.n_splits
            yield Progress(done, f"Fold {fold + 1}: {start + len(rows)} of {len(chosen)} patches.")
        alike += _randomised(view, chosen[: options.compared], options)
        patches.append(table.join(pd.concat(tested)) if tested else table)
    table = pd.concat(patches, ignore_index=True)
    report = _report(run, table, np.concatenate(silent), alike, dataset.has_masks)
    report |= {"layer": view.layer, "method": method, "target": dataset.positive, "head": "fc", "run": run.name}
    report["verdict"] = verdict.verdict(view.layer, method, _findings(report))
    report |= {"options": asdict(options), "made": datetime.now(UTC).isoformat(timespec="seconds")}
    report["seconds"] = time.monotonic() - began
    tables = {"patches": table, "curves": _curves(curves), "randomised": _stages(alike)}
    name = run.write_attention_check(f"{method.replace('+', 'p')}_{view.layer}", report, tables)
    return {"message": report["verdict"]["sentence"]} | {"check": name}


def layers_of(run: RunFolder) -> tuple[LayerMap, ...]:
    """The layers whose maps can be had, with their size, from the first to the deepest; of the first fold's network."""
    return load_network(run.fold_path(0)).cam_layers()


# ------------------------------------------------------------------------------------------------ one fold


class _View:
    """One fold's patches as its network sees them: ``facts`` (their rows), ``images`` normalised, ``maps`` raw."""

    def __init__(
        self,
        model: FoldModel,
        dataset: Dataset,
        facts: pd.DataFrame,
        method: str,
        layer: str,
        min_map: int,
        device: Any,
    ):
        self.model, self.facts, self.method, self.min_map, self.device = model, facts, method, min_map, device
        self.rows = dataset.index_of(facts["id"])
        raw = dataset.images(self.rows, bands=model.normaliser.band_names)
        self.images = model.normaliser.transform(raw)
        self.layer = layer
        self.maps = self.maps_of(self.images)

    def maps_of(self, images: np.ndarray) -> np.ndarray:
        """Raw maps (n, h, w) of normalised patches."""
        found, _ = gradcam(self.model.network, images, self.device, self.min_map, method=self.method, layer=self.layer)
        return found


def _sample(facts: pd.DataFrame, n: int, seed: int) -> np.ndarray:
    """Rows of at most n patches that are labelled or called landslide, drawn at random, in their order."""
    able = np.flatnonzero(facts["outcome"] != "tn")
    return np.sort(np.random.default_rng(seed).permutation(able)[:n])


def _all_patches(view: _View, dataset: Dataset) -> pd.DataFrame:
    """What is cheap, of every patch: attention by place, and on its mask where it has one."""
    table = view.facts[["id", "fold", "group", "label", "outcome"]].reset_index(drop=True)
    table = table.join(position.place_shares(view.maps).add_prefix("place_"))
    marked = np.flatnonzero(table["label"] == 1)
    if dataset.has_masks and len(marked):
        found = mask_agreement(view.maps[marked], dataset.masks(view.rows[marked]))
        table = table.join(found.set_index(marked).add_prefix("mask_"))
    return table


def _test(view: _View, rows: np.ndarray, seed: int, curves: list[tuple[pd.DataFrame, dict]]) -> pd.DataFrame:
    """What is dear, of some patches: faithfulness, and what follows when they are moved; indexed by row."""
    images, maps = view.images[rows], view.maps[rows]
    found = faithfulness(view.model.network, images, maps, view.device, seed)
    curves.append((view.facts.iloc[rows], {"before": found.before, **found.after}))
    columns = {"p0": found.before}
    for name, values in found.scores().items():  # (rivals, n)
        columns |= {f"{name}_map": values[0], f"{name}_random": values[1 : 1 + N_RANDOM].mean(axis=0)}
        columns[f"{name}_moved"] = values[1 + N_RANDOM :].mean(axis=0)
    moved = group_tests.movement(view.maps_of, images, maps)
    return pd.DataFrame(columns).join(moved).set_index(rows)


def _randomised(view: _View, rows: np.ndarray, options: Options) -> list[pd.DataFrame]:
    """Likeness of maps by stage of randomisation: one row a patch, seed and stage."""
    tables = []
    for seed in range(options.seeds if len(rows) else 0):
        stages = cascade(
            view.model.network, view.images[rows], view.maps[rows], view.device, view.layer, view.min_map,
            view.method, seed=options.seed + seed,
        )  # fmt: skip
        for one in stages:
            facts = {"fold": view.model.fold, "seed": one.seed, "stage": one.stage, "layers": one.layers}
            values = {"id": view.facts["id"].to_numpy()[rows], "group": view.facts["group"].to_numpy()[rows]}
            tables.append(pd.DataFrame(values | {"ssim": one.ssim, "spearman": one.spearman}).assign(**facts))
    return tables


# ------------------------------------------------------------------------------------------------ all folds


def _report(
    run: RunFolder, table: pd.DataFrame, maps: np.ndarray, alike: list[pd.DataFrame], has_masks: bool
) -> dict[str, Any]:
    groups = _groups(table)
    shares = table[[f"place_{place}" for place in position.PLACES]].rename(columns=lambda c: c[6:])
    report: dict[str, Any] = {"silent": silence(maps), "size": list(maps.shape[1:])}
    report["places"] = position.place_summary(shares, table["outcome"], groups).to_dict("records")
    report["wrong_against_right"] = position.wrong_against_right(shares, table["outcome"])
    report["corner"], report["border"] = position.CORNER, position.BORDER
    tested = table[table["p0"].notna()].reset_index(drop=True) if "p0" in table else table.iloc[:0]
    own = _groups(tested)
    report["n_tested"] = len(tested)
    if len(tested):
        report["faithfulness"] = {name: _scores(tested, name, own) for name in ("road", "deletion", "insertion")}
        report["faithfulness_by_fold"] = [
            {"fold": int(fold), **_scores(part, "road", _groups(part))} for fold, part in tested.groupby("fold")
        ]
        report["movement"] = group_tests.movement_summary(tested, own)
        report["corners"] = group_tests.corner_verdicts(tested, tested["outcome"], own)
    if has_masks and "mask_pointing" in table:
        marked = table[table["mask_pointing"].notna()]
        masks = marked[[c for c in marked if c.startswith("mask_")]].rename(columns=lambda c: c[5:])
        sets = {"all": np.ones(len(marked), bool), "tp": marked["outcome"] == "tp", "fn": marked["outcome"] == "fn"}
        report["masks"] = {"threshold": THRESHOLD} | {
            name: summarise_agreement(masks[chosen], _groups(marked[chosen])) for name, chosen in sets.items()
        }
    last = pd.concat(alike) if alike else pd.DataFrame(columns=["stage", "ssim", "spearman", "seed"])
    last = last[last["stage"] == last["stage"].max()] if len(last) else last
    known = last["ssim"].notna()
    report["randomised"] = {
        "ssim": float(last["ssim"].mean()) if known.any() else np.nan,
        "spearman": float(last["spearman"].mean()) if known.any() else np.nan,
        "n": int(known.sum()),
        "seeds": int(last["seed"].nunique()),
    }
    return report


def _scores(tested: pd.DataFrame, name: str, groups: np.ndarray | None) -> dict[str, Any]:
    """One measure of the maps and their rivals; gains are positive where the map is better."""
    way = -1.0 if name == "deletion" else 1.0
    values = {rival: tested[f"{name}_{rival}"].to_numpy(float) for rival in ("map", "random", "moved")}
    found: dict[str, Any] = {rival: float(one.mean()) for rival, one in values.items()}
    for rival in ("random", "moved"):
        gain = way * (values["map"] - values[rival])
        found |= {f"gain_{rival}": mean_of(gain, groups).to_dict(), f"p_{rival}": greater_than_zero(gain, groups)}
    return found


def _findings(report: dict[str, Any]) -> list[verdict.Finding]:
    findings = [verdict.alive(report["silent"])]
    if report["n_tested"]:
        findings.append(verdict.faithful(report["faithfulness"]))
        findings.append(verdict.every_fold(report["faithfulness_by_fold"]))
    findings.append(verdict.learnt(report["randomised"]))
    if "masks" in report:
        findings.append(verdict.on_masks(report["masks"]["all"]))
    if report["n_tested"]:
        findings.append(verdict.in_place(report["corners"], report["movement"]))
    return findings


def _curves(parts: list[tuple[pd.DataFrame, dict]]) -> pd.DataFrame:
    """Mean probability left by kind, rival (map, random, moved) and share of pixels, with interval and n."""
    columns = ["kind", "rival", "share", "mean", "lo", "hi", "n"]
    if not parts:
        return pd.DataFrame(columns=columns)
    groups = _groups(pd.concat([facts for facts, _ in parts]))
    rivals = {"map": slice(0, 1), "random": slice(1, 1 + N_RANDOM), "moved": slice(1 + N_RANDOM, len(RIVALS))}
    rows = []
    for kind in KINDS:
        after = np.concatenate([found[kind] for _, found in parts], axis=1)  # (rivals, n, shares)
        for rival, which in rivals.items():
            for column, share in enumerate(SHARES):
                mean = mean_of(after[which, :, column].mean(axis=0), groups, PROBABILITY)
                rows.append((kind, rival, share, mean.value, mean.lo, mean.hi, mean.n))
        before = mean_of(np.concatenate([found["before"] for _, found in parts]), groups, PROBABILITY)
        if kind != "insertion":
            rows += [(kind, rival, 0.0, before.value, before.lo, before.hi, before.n) for rival in rivals]
    return pd.DataFrame(rows, columns=columns).sort_values(["kind", "rival", "share"], ignore_index=True)


def _stages(alike: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean likeness by stage, over folds, draws and patches, with interval and n; layers are named once."""
    columns = ["stage", "layers", "ssim", "ssim_lo", "ssim_hi", "spearman", "spearman_lo", "spearman_hi", "n"]
    rows = []
    for stage, part in pd.concat(alike).groupby("stage") if alike else ():
        ssim, spearman = (mean_of(part[name].to_numpy(), _groups(part), CORRELATION) for name in ("ssim", "spearman"))
        values = (ssim.value, ssim.lo, ssim.hi, spearman.value, spearman.lo, spearman.hi, ssim.n)
        rows.append((int(stage), part["layers"].iloc[0], *values))
    return pd.DataFrame(rows, columns=columns)


def _groups(table: pd.DataFrame) -> np.ndarray | None:
    """Each patch's group; patches without groups of their own stand for themselves."""
    groups = table["group"].astype(str).to_numpy()
    return None if not np.any(groups != "") else np.where(groups == "", table["id"].astype(str), groups)
