"""The results files under ``benchmarks/results/`` as the figures of README and docs read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.evaluate.prevalence import at_share

ROOT = Path(__file__).resolve().parents[1]


class Node:
    """A part of a results file; ``node[key]`` takes keys of objects, places in lists, and names of a list's rows."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, key: Any) -> Any:
        rows = self.value
        if isinstance(rows, list) and isinstance(key, str):
            rows = {row["row"]: row for row in rows}
        found = rows[key] if isinstance(rows, list) else rows[str(key)]
        return Node(found) if isinstance(found, dict | list) else found


def read(folder: Path = ROOT / "benchmarks" / "results") -> dict[str, Any]:
    """Name of a results file -> its content; ``own``: what is worked out from them."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    return {name: Node(value) for name, value in {**found, "own": _worked_out(found)}.items()}


def _worked_out(found: dict[str, Any]) -> dict[str, Any]:
    """Numbers that no file holds as such."""
    own: dict[str, Any] = {}
    ways = [
        way["against_none"]["differences"] for name, way in found["balancing"]["svm"]["ways"].items() if name != "none"
    ]
    for metric in ("recall", "precision"):
        gaps = [abs(way[metric]["difference"]) for way in ways]
        own[f"svm_{metric}"] = {"least": min(gaps), "most": max(gaps)}
    network = found["balancing"]["network"]
    gaps = [
        head["against_none"]["own"]["recall"]["difference"]
        for name, way in network["ways"].items() if name != "none" for head in way["heads"].values()
    ]  # fmt: skip
    own["network_recall"] = {"least": min(gaps), "most": max(gaps)}
    own["share_percent"] = 100 * found["without_network"]["dataset"]["share"]
    own["cut_percent"] = 100 * network["positives"] / network["n"]
    blends = [row["heads"]["blend"]["auc"]["value"] for row in found["ablation"]["rows"]]
    own["blends"] = {"least": min(blends), "most": max(blends)}
    rows = {row["row"]: row["heads"]["fc"] for row in found["ablation"]["rows"]}
    own["lost"] = {
        f"{name} {metric}": -rows[row]["against_small"][metric]["difference"]
        for name, row in (("flips", "without flips and turns"), ("tta", "without averaging over flips when judging"))
        for metric in ("auc", "f1")
    }
    own["seed_auc"] = max(abs(rows[f"small, seed {i}"]["against_small"]["auc"]["difference"]) for i in (1, 2))
    blend = found["small_rgb"]["heads"]["blend"]["f1"]
    own["blend_above"] = blend - found["without_network"]["heads"]["stats_blend"]["f1"]
    for recall in (0.90, 0.95):  # an F1 at equal shares and a recall give the false alarm rate
        there = at_share(recall, 2 * recall / blend - 1 - recall, 0.02)
        own[f"blend_{100 * recall:.0f}"] = {name: float(there[name]) for name in ("precision", "f1")}
    own["planted"] = {}
    for name, part in (("demo", "demo"), ("turned", "real_patches_without_network")):
        one = found["label_issues"][part]["found_in_first_5_percent"]["score"]["together"]
        low, high = (100 * end for end in one["interval"])
        own["planted"][name] = {"share": 100 * one["found"] / one["of"], "low": low, "high": high}
    own["lower_at_300"] = -found["next_patches"]["all_patches"]["against_random"]["novel"]["ap"]["at_300_labels"][
        "mean"
    ]
    hokkaido = found["hokkaido"]
    polygons = hokkaido["polygons"]
    own["hokkaido"] = {
        "seen_in_part": hokkaido["cells"]["n"] - hokkaido["ways"]["blocks"]["cells_seen_whole"],
        "highest": max(hokkaido["same_ground"]["highest"].values()),
        "rings": sum(one["geojson"]["closed_rings"] for one in (polygons, polygons["from_0.95"])),
    }
    return own | _of_shared_ground(found["ground_overlap"])


def _of_shared_ground(found: dict[str, Any]) -> dict[str, Any]:
    """By scene: percent of patches that share ground across folds, patches left out; by shift: recall."""
    scenes = {}
    for scene, rows in found["folds"].items():
        by = {row["folds"]: row for row in rows}
        left_out = by["default"]["left_out"]
        centres, default = (100 * by[name]["overlap_20"] for name in ("blocks of 1 km, centres only", "default"))
        scenes[scene] = {"n": by["default"]["n"], "centres": centres, "default": default}
        scenes[scene] |= {"least": min(left_out), "most": max(left_out)}
    recall = {}
    for way in ("pixels", "places"):
        at = {(row["shift"], row["both_axes"]): row[f"recall_by_{way}"] for row in found["recall"]}
        near, far = ([v for (shift, _), v in at.items() if low <= shift <= high] for low, high in ((0, 0.5), (0.6, 1)))
        assert len(set(near)) == len(set(far)) == 1, "the table has one figure for all of them"
        recall[way] = {"near": near[0], "one": at[0.55, False], "both": at[0.55, True], "far": far[0]}
    return {"ground": scenes, "recall": recall}
