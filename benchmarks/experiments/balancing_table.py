"""The tables of docs/balancing.md: ``python -m benchmarks.experiments.balancing_table [--into docs/balancing.md]``.

Made from ``benchmarks/results/balancing.json`` and printed, or put between the page's markers ``<!-- svm -->`` and
``<!-- network -->``, so that no figure is copied by hand.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from core.evaluate.prevalence import at_share

HERE = Path(__file__).resolve().parents[1]
TITLES = {
    "none": "no balancing",
    "none_longer": "no balancing, as many updates",
    "class_weights": "class weights",
    "class_weights_longer": "class weights, as many updates",
    "random": "landslides repeated",
    "plain": "plain SMOTE",
    "ssim": "SSIM-SMOTE",
}
HEADS = {"fc": "network", "svm_c1": "SVM, C 1, on its embedding", "svm_c0.1": "SVM, C 0.1, on its embedding"}


def svm_table(part: dict) -> str:
    """Of the SVM on band statistics."""
    rows = ["| | F1 | recall | F1 against none | recall against none | AUC | AUC against none | F1 at 2 % |"]
    rows += ["|---" * 8 + "|"]
    for way, one in part["ways"].items():
        gaps = one["against_none"]["differences"]
        cells = [_value(one[name], one["intervals"][name]) for name in ("f1", "recall")]
        cells += ["", ""] if way == "none" else [_gap(gaps["f1"]), _gap(gaps["recall"])]
        cells += [f"{gaps['auc']['a']:.3f}", "" if way == "none" else _gap(gaps["auc"])]
        cells.append(_elsewhere(part, one["recall"], gaps["precision"]["a"]))
        rows.append(f"| {TITLES[way]} | " + " | ".join(cells) + " |")
    n = f"{part['n']:,} patches, {part['positives']} landslides, seed {part['seed']}; {part['head']}."
    return "\n".join([*rows, "", n])


def network_table(part: dict, rule: str = "own") -> str:
    """Of the network and its heads; a table a head."""
    told = []
    for head, title in HEADS.items():
        if head not in part["ways"]["none"]["heads"]:
            continue
        told += [f"**{title[0].upper()}{title[1:]}**", ""]
        gaps = "F1 against none | recall against none | AUC against none"
        told += [f"| | F1 | recall | AUC | {gaps} | tuned: F1 | not tuned, at 2 %: F1 |", "|---" * 9 + "|"]
        for way, one in part["ways"].items():
            found = one["heads"][head]
            cells = [_value(**_named(found[rule][name])) for name in ("f1", "recall", "auc")]
            against = found.get("against_none", {}).get(rule)
            cells += [_gap(against[name]) if against else "" for name in ("f1", "recall", "auc")]
            cells.append(_value(**_named(found["tuned"]["f1"])))
            cells.append(_elsewhere(part, found[rule]["recall"]["value"], found[rule]["precision"]["value"]))
            told.append(f"| {TITLES[way]} | " + " | ".join(cells) + " |")
        told.append("")
        for name, by_head in part["pairs"].items():
            gaps = by_head[head][rule]
            words = ", ".join(f"{metric} {_gap(gaps[metric])}" for metric in ("f1", "recall", "auc"))
            a, _, b = name.partition(" against ")
            told.append(f"- {TITLES[a]} against {TITLES[b]}: {words}")
        told.append("")
    epochs = ", ".join(f"{TITLES[way]} {one['epochs']}" for way, one in part["ways"].items())
    told.append(
        f"{part['n']:,} patches, {part['positives']} landslides, {part['groups']:,} groups; preset {part['preset']}, "
        f"seeds {', '.join(map(str, part['seeds']))} together, on {part['device_name']}. Epochs: {epochs}."
    )
    return "\n".join(told)


def _elsewhere(part: dict, recall: float, precision: float) -> str:
    """F1 of the same decisions where 2 % of the patches are landslides; the data have ``part``'s share."""
    false_rate = recall * part["positives"] * (1 / precision - 1) / (part["n"] - part["positives"])
    return f"{at_share(recall, false_rate, 0.02)['f1']:.3f}"


def _named(cell: dict) -> dict:
    return {"value": cell["value"], "interval": cell["interval"]}


def _value(value: float, interval: list) -> str:
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _gap(gap: dict) -> str:
    p = gap.get("p_holm", gap["p"])
    stars = "" if p is None or p >= 0.05 else " *"
    return f"{gap['difference']:+.3f} [{gap['lo']:+.3f}, {gap['hi']:+.3f}]{stars}"


def put(text: str, name: str, table: str) -> str:
    """``text`` with what stands between its markers of this name replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert pattern.search(text), f"the page has no place for '{name}'"
    return pattern.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def tables(found: dict) -> dict[str, str]:
    """Name -> table, of those parts that were measured."""
    makers = {"svm": svm_table, "network": network_table}
    return {name: make(found[name]) for name, make in makers.items() if name in found}


def filled(text: str, found: dict) -> str:
    """The page with its tables made from the results."""
    for name, table in tables(found).items():
        text = put(text, name, table)
    return text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--results", type=Path, default=HERE / "results" / "balancing.json")
    options.add_argument("--into", type=Path)
    given = options.parse_args()
    found = json.loads(given.results.read_text(encoding="utf-8"))
    for table in tables(found).values():
        print(table, end="\n\n")
    if given.into:
        given.into.write_text(filled(given.into.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
