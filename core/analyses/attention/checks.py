"""Whether the attention maps of a finished run can be trusted, at one layer and by one method.

Sanity checks (Adebayo et al. 2018), faithfulness, agreement with masks, and a test for corners. Every patch is shown to
the network of the fold that has not seen it, normalised as that fold normalises. Nothing is trained.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import Field

from core.analyses.attention.fold_maps import FoldMaps, measure_all, measure_randomised, measure_sample, sample
from core.analyses.attention.maps import Method, file_name
from core.analyses.base import Analysis, Options
from core.errors import RunError
from core.explain.cam.group_means import outcomes_of, silence
from core.explain.checks import group_tests, position, verdict
from core.explain.checks.mask_overlap import THRESHOLD, summarise_agreement
from core.progress import Progress, Steps
from core.runs.store import RunFolder
from core.stats.grouped_means import greater_than_zero, mean_of

if TYPE_CHECKING:
    from core.train.networks.cam_layer import LayerMap

VERSION = 2  # of a report; reports of a version with fewer rivals are not shown: their verdict may not hold
CHUNK = 20  # patches tested between two reports of progress
PROBABILITY, CORRELATION = (0.0, 1.0), (-1.0, 1.0)  # what the interval of such a mean cannot leave
TABLES = ("patches", "curves", "randomised")


class CheckOptions(Options):
    """Which maps are checked, and on how many patches."""

    layer: str | None = Field(None, title="Layer", description="Path of the layer; none: the run's own.")
    method: Method | None = Field(None, title="Method", description="How maps are made; none: the run's own.")
    patches: int = Field(
        100,
        ge=5,
        le=20_000,
        title="Patches tested",
        description="Over all folds, drawn from those labelled or predicted landslide: others hold little to remove.",
    )
    seeds: int = Field(3, ge=1, le=20, title="Random networks", description="Times that weights are drawn at random.")
    compared: int = Field(
        20,
        ge=1,
        le=1000,
        title="Patches compared",
        description="Per fold, whose maps are compared with those of the network with random weights.",
    )
    seed: int = Field(0, ge=0, title="Seed", description="Of what is drawn at random.")


@dataclass(frozen=True)
class AttentionCheck:
    """One layer and method. report: verdict and numbers. tables: patches, curves, randomised (a row a stage)."""

    name: str
    report: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def analyse(run: RunFolder, options: CheckOptions) -> Steps[dict[str, Any]]:
    """Check the maps of one layer and method; the earlier check of the same two is replaced.

    Raises RunError when the run has not finished or its dataset has changed, ConfigError for an unknown layer.
    """
    from core.device import choose_device
    from core.predict.fold_model import FoldModel
    from core.predict.training_dataset import training_dataset

    began = time.monotonic()
    dataset, oof, config = training_dataset(run), run.oof(), run.config()
    _, _, card = run.cams()
    method = options.method or card.get("method", "gradcam")
    device = choose_device(config.device)
    oof = oof.assign(outcome=outcomes_of(oof["label"], oof["pred_fc"]))
    per_fold = -(-options.patches // config.folds.n_splits)
    patches, alike, silent = [], [], []
    curves: list[pd.DataFrame] = []
    for fold in range(config.folds.n_splits):
        share = fold / config.folds.n_splits
        yield Progress(share, f"Maps of fold {fold + 1} of {config.folds.n_splits}.")
        model, facts = FoldModel.load(run, fold, device), oof[oof["fold"] == fold].reset_index(drop=True)
        view = FoldMaps(model, dataset, facts, method, options.layer or card["layer"], config.explain.min_map, device)
        silent.append(view.maps)
        table = measure_all(view, dataset)
        chosen = sample(facts, per_fold, options.seed + fold)
        tested = []
        for start in range(0, len(chosen), CHUNK):
            rows = chosen[start : start + CHUNK]
            tested.append(measure_sample(view, rows, options.seed + start, curves))
            done = share + (start + len(rows)) / max(len(chosen), 1) * 0.9 / config.folds.n_splits
            yield Progress(done, f"Fold {fold + 1}: {start + len(rows)} of {len(chosen)} patches tested.")
        alike += measure_randomised(view, chosen[: options.compared], options.seeds, options.seed)
        patches.append(table.join(pd.concat(tested)) if tested else table)
    table = pd.concat(patches, ignore_index=True)
    report = _report(run, table, np.concatenate(silent), alike, dataset.has_masks)
    report |= {
        "version": VERSION,
        "layer": view.layer,
        "method": method,
        "target": dataset.positive,
        "head": "fc",
        "run": run.name,
    }
    report["verdict"] = verdict.verdict(view.layer, method, _findings(report))
    report |= {"options": options.model_dump(mode="json"), "made": datetime.now(UTC).isoformat(timespec="seconds")}
    report["seconds"] = time.monotonic() - began
    tables = {"patches": table, "curves": _curves(curves), "randomised": _stages(alike)}
    results = run.results(ANALYSIS.name).part(file_name(method, view.layer))
    for name in TABLES:
        results.write_table(name, tables[name])
    results.write_json("report.json", report)
    return {"message": report["verdict"]["sentence"], "check": results.path.name}


def reports(run: RunFolder) -> dict[str, dict[str, Any]]:
    """By name: verdict and numbers of every layer and method that was checked, the newest first."""
    results = run.results(ANALYSIS.name)
    made = {name: results.part(name).json("report.json") for name in results.parts()}
    made = {name: report for name, report in made.items() if report.get("version") == VERSION}
    return dict(sorted(made.items(), key=lambda item: item[1].get("made", ""), reverse=True))


def read(run: RunFolder, name: str | None = None) -> AttentionCheck | None:
    """The check of that name, or the newest; None before any was made. Raises RunError for a name without a check."""
    known = reports(run)
    if name is None and not known:
        return None
    name = name or next(iter(known))
    if name not in known:
        raise RunError(f"Run '{run.name}' has no attention check named '{name}'. Choose another.")
    results = run.results(ANALYSIS.name).part(name)
    return AttentionCheck(name, known[name], {table: results.table(table) for table in TABLES})


def layers_of(run: RunFolder) -> tuple[LayerMap, ...]:
    """The layers of the first fold's network that have maps, with their size, from the first to the deepest."""
    from core.train.networks.backbones import load_network

    return load_network(run.fold_path(0)).cam_layers()


# ------------------------------------------------------------------------------------------------ all folds


def _report(
    run: RunFolder, table: pd.DataFrame, maps: np.ndarray, alike: list[pd.DataFrame], has_masks: bool
) -> dict[str, Any]:
    groups = _groups(table)
    shares = table[[f"place_{place}" for place in position.PLACES]].rename(columns=lambda c: c[6:])
    report: dict[str, Any] = {"silent": silence(maps), "size": list(maps.shape[1:])}
    report["places"] = position.place_summary(shares, table["outcome"], groups).to_dict("records")
    report["wrong_against_right"] = position.wrong_against_right(shares, table["outcome"], groups)
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
    report["randomised"] = _randomised(last)
    return report


def _randomised(last: pd.DataFrame) -> dict[str, Any]:
    """The fully randomised network's maps: likeness to the trained one's, and how much more than other patches' maps.

    A row of ``last`` is a patch and draw; means over the draws of a patch come first, so that n counts patches once.
    """
    measures = ("ssim", "spearman")
    columns = [*measures, *(f"other_{name}" for name in measures)]
    known = last.dropna(subset=columns) if len(last) else last
    if known.empty:
        nothing = mean_of(np.zeros(0)).to_dict()
        both = dict.fromkeys(measures, nothing)
        return {"ssim": np.nan, "spearman": np.nan, "n": 0, "seeds": 0, "other": both, "excess": both, "own": both}
    patches = known.groupby(["id", "group"], as_index=False)[columns].mean()
    groups = _groups(patches)
    found: dict[str, Any] = {"n": len(known), "seeds": int(known["seed"].nunique()), "patches": len(patches)}
    for key in ("own", "other", "excess"):
        found[key] = {}
    for name in measures:
        own, other = patches[name].to_numpy(), patches[f"other_{name}"].to_numpy()
        found[name] = float(known[name].mean())
        found["own"][name] = mean_of(own, groups, CORRELATION).to_dict()
        found["other"][name] = mean_of(other, groups, CORRELATION).to_dict()
        found["excess"][name] = mean_of(own - other, groups).to_dict()
    return found


def _scores(tested: pd.DataFrame, name: str, groups: np.ndarray | None) -> dict[str, Any]:
    """One measure of the maps and their rivals; gains are positive where the map is better."""
    way = -1.0 if name == "deletion" else 1.0
    from core.explain.checks.faithfulness import BLIND, PICTURE

    rivals = (*BLIND, *PICTURE)
    values = {rival: tested[f"{name}_{rival}"].to_numpy(float) for rival in ("map", *rivals)}
    scores: dict[str, Any] = {rival: float(column.mean()) for rival, column in values.items()}
    for rival in rivals:
        gain = way * (values["map"] - values[rival])
        scores |= {f"gain_{rival}": mean_of(gain, groups).to_dict(), f"p_{rival}": greater_than_zero(gain, groups)}
    return scores


def _findings(report: dict[str, Any]) -> list[verdict.Finding]:
    findings = [verdict.alive(report["silent"])]
    if report["n_tested"]:
        findings.append(verdict.faithful(report["faithfulness"]))
        findings.append(verdict.beyond_the_picture(report["faithfulness"]))
        findings.append(verdict.every_fold(report["faithfulness_by_fold"]))
    findings.append(verdict.learnt(report["randomised"]))
    if "masks" in report:
        findings.append(verdict.on_masks(report["masks"]["all"]))
    if report["n_tested"]:
        findings.append(verdict.in_place(report["corners"], report["movement"]))
    return findings


def _curves(parts: list[tuple[pd.DataFrame, dict]]) -> pd.DataFrame:
    """Mean probability left by kind, rival (map and its rivals) and share of pixels, with interval and n."""
    from core.explain.checks.faithfulness import KINDS, SHARES, by_rival

    columns = ["kind", "rival", "share", "mean", "lo", "hi", "n"]
    if not parts:
        return pd.DataFrame(columns=columns)
    groups = _groups(pd.concat([facts for facts, _ in parts]))
    rows = []
    for kind in KINDS:
        after = np.concatenate([scores[kind] for _, scores in parts], axis=1)  # (rivals, n, shares)
        rivals = by_rival(after)
        for rival, values in rivals.items():
            for column, share in enumerate(SHARES):
                mean = mean_of(values[:, column], groups, PROBABILITY)
                rows.append((kind, rival, share, mean.value, mean.lo, mean.hi, mean.n))
        before = mean_of(np.concatenate([scores["before"] for _, scores in parts]), groups, PROBABILITY)
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


ANALYSIS = Analysis(
    name="attention_checks",
    title="Attention sanity checks",
    summary="Whether attention maps can be trusted: faithfulness, dependence on what was learnt, masks, and corners.",
    page="explain",
    view="checks",
    Options=CheckOptions,
    run=analyse,
    read=read,
)
