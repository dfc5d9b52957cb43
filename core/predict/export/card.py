"""The model card that goes with an exported file: what it reads and says, what it learnt from, its scores, its limits.

Scores are out of fold, each with its interval. The card names no place on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import __version__
from core.predict.patches import Ensemble
from core.predict.prevalence import decided_at
from core.runs.prevalence import prevalence_of
from core.runs.store import RunFolder
from core.text import interval, number, percent

SHOWN = ("f1", "precision", "recall", "specificity", "accuracy", "auc", "average_precision", "brier", "ece")
EXAMPLE_SHARE = 0.02  # of landslides, in the sentence that says what precision becomes elsewhere


def card_of(
    run: RunFolder, ensemble: Ensemble, head: str, folds: Sequence[int], pixel_m: float | None, nodata: float | None
) -> dict[str, Any]:
    """Plain values for JSON. pixel_m: side of a pixel in metres, where known. nodata: of empty pixels."""
    summary, facts = run.summary(), run.provenance()
    data, scores = facts.get("dataset", {}), summary["heads"][head]
    negative, positive = summary["class_names"]
    height, width = ensemble.shape_hw
    own = {"tp": 0, "fn": 0, "fp": 0, "tn": 0} | dict(scores.get("confusion") or {})
    n = sum(own.values())
    share = (own["tp"] + own["fn"]) / n if n else None
    return {
        "format": "landslide-lens-model/1",
        "made_with": f"Landslide Lens {__version__}",
        "run": run.name,
        "task": f"Whether a patch of ground shows a {positive}.",
        "input": {
            "name": "patches",
            "shape": ["N", len(ensemble.band_names), height, width],
            "type": "float32",
            "bands": [
                {"name": band.name, "title": band.title, "unit": band.unit, "sensor": band.sensor, "orbit": band.orbit}
                for band in ensemble.models[0].network.bands
            ],
            "pixel_m": pixel_m,
            "nodata": nodata,
            "missing": "A value that is not there is nan; it counts as the training mean of its band.",
            "normaliser": {
                f"fold_{model.fold}": {
                    "method": model.normaliser.method,
                    "center": [float(v) for v in model.normaliser.center_],
                    "scale": [float(v) for v in model.normaliser.scale_],
                }
                for model in ensemble.models
            },
            "tabular_inputs": [f"{name} (always unknown in this file)" for name in ensemble.columns],
        },
        "output": {
            "name": "probability",
            "shape": ["N", 1, height, width],
            "type": "float32",
            "meaning": f"Probability of '{positive}', calibrated out of fold: one number a patch, the same over all "
            "its pixels. nan where nothing was seen.",
        },
        "classes": {"0": negative, "1": positive},
        "threshold": float(ensemble.rules[head].deployed),
        "head": head,
        "backbone": run.config().model.backbone,
        "folds": list(folds),
        "views": "mean over flips and quarter turns" if ensemble.models[0].tta else "one",
        "data": {
            "name": data.get("name"),
            "source": data.get("source"),
            "licence": data.get("licence"),
            "content_hash": data.get("content_hash"),
            "n": data.get("n"),
            "n_judged": n or None,
            "share_of_positives": share,
            "grouped": summary.get("grouped"),
        },
        "scores": {
            name: {"value": scores[name], "interval": (scores.get("intervals") or {}).get(name)}
            for name in SHOWN
            if scores.get(name) is not None
        },
        "scores_are": "Out of fold on the run's own dataset, 95 % intervals"
        + (" over whole groups." if summary.get("grouped") else "."),
        "limits": limits(run, head, share, positive, len(folds)),
    }


def limits(run: RunFolder, head: str, share: float | None, positive: str, n_models: int) -> list[str]:
    """What must be known before the file is used, in sentences."""
    found = ["It was judged on ground like its training set's. Another sensor, season or climate is another question."]
    if share is not None:
        stated = prevalence_of(run)
        there = EXAMPLE_SHARE if stated is None else stated.share
        other = decided_at(run, head, there)
        found.append(
            f"Among the judged patches {percent(share)} are '{positive}'. Where {percent(there)} are, the same "
            f"decisions have a precision of {number(other['precision'])} ({interval(other['intervals']['precision'])})."
        )
    found.append("One answer is for a whole patch: where in the patch is not said.")
    if n_models > 1:
        found.append(
            f"Scores are of one fold's model each; the file holds the mean of {n_models}, which no patch of the "
            "training set can judge."
        )
    warnings = run.summary().get("warnings") or []
    return found + [str(text) for text in warnings[:5]]


def markdown(card: dict[str, Any]) -> str:
    """The card for people."""
    bands = [f"{band['name']} ({band['unit'] or 'unit not stated'})" for band in card["input"]["bands"]]
    data = card["data"]
    pixel = card["input"]["pixel_m"]
    lines = [
        f"# {card['run']}",
        "",
        f"{card['task']} Made with {card['made_with']}.",
        "",
        "## Reads and says",
        "",
        f"- Input `{card['input']['name']}`: {' x '.join(map(str, card['input']['shape']))} {card['input']['type']}, "
        f"bands in this order: {', '.join(bands)}."
        + (f" Pixels of {pixel:g} m." if pixel else " The side of a pixel was not stated."),
        f"- {card['input']['missing']}",
        f"- Output `{card['output']['name']}`: {card['output']['meaning']}",
        f"- Classes: 0 {card['classes']['0']}, 1 {card['classes']['1']}; called 1 from {card['threshold']:.4f} on.",
        f"- Network {card['backbone']}, head {card['head']}, folds {', '.join(str(k + 1) for k in card['folds'])}, "
        f"views: {card['views']}.",
        "",
        "## Data",
        "",
        f"- {data['name']}: {data['source'] or 'source not stated'}; licence: {data['licence'] or 'not stated'}.",
        f"- {data['n_judged']} patches judged, {percent(data['share_of_positives'])} of them '{card['classes']['1']}'.",
        "",
        "## Scores",
        "",
        card["scores_are"],
        "",
        "| score | value | 95 % interval |",
        "|---|---|---|",
        *(f"| {name} | {number(one['value'])} | {interval(one['interval'])} |" for name, one in card["scores"].items()),
        "",
        "## Limits",
        "",
        *(f"- {text}" for text in card["limits"]),
        "",
    ]
    return "\n".join(lines)
