"""Tables and pictures of docs/transfer.md that come from ``sets``.

    python -m benchmarks.experiments.transfer.sets_table --into docs/transfer.md --pictures docs

Made from ``benchmarks/results/weight_transfer.json``, ``diversity.json`` and ``table4.json``, and printed, or put
between the page's markers (``<!-- weights -->`` and so on), so that no figure is copied by hand.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
FILES = {"weights": "weight_transfer", "diversity": "diversity", "table4": "table4"}
NAMES = {"landslide4sense": "Landslide4Sense", "bijie": "Bijie", "chittagong": "Chittagong", "held": "all three"}
INK, POINT, OTHER = "#454F58", "#1F8A8A", "#8A929B"


def weights_table(result: dict[str, Any]) -> str:
    """A table a target: each start, judged on the target's patches."""
    told = []
    for one in result["experiments"]:
        rows = [row for row in one["rows"] if row["state"] == "succeeded"]
        told += [
            f"**From {NAMES[one['source']]} to {NAMES[one['target']]}** ({_judged(rows[0])})", "",
            "| start | AUC | F1 | AUC against ImageNet weights | arrays of the weights |", "|---" * 5 + "|",
        ]  # fmt: skip
        for row in rows:
            gap = row.get("difference", {}).get("auc")
            cells = [_value(row["oof"], "auc"), _value(row["oof"], "f1"), _gap(gap), row["told"]["Weights"]]
            told.append(f"| {_title(row['title'])} | {' | '.join(cells)} |")
        told.append("")
    return "\n".join(told).strip()


def diversity_table(result: dict[str, Any]) -> str:
    """A row a set of sets; what it is worth on the share that was held out of all, and of each."""
    rows = [row for row in result["rows"] if row["state"] == "succeeded"]
    sets = list(dict.fromkeys(one["set"] for one in result["by_set"]))
    heads = [f"AUC on {NAMES[name]}" for name in sets]
    told = [f"| learnt from | patches | AUC on all held out | F1 | AUC against one set | {' | '.join(heads)} |"]
    told.append("|---" * (5 + len(sets)) + "|")
    of = {(one["row"], one["set"]): one for one in result["by_set"]}
    for row in rows:
        cells = [f"{row['facts']['patches']:,}", _value(row["oof"], "auc"), _value(row["oof"], "f1")]
        cells += [_gap(row.get("difference", {}).get("auc"))]
        cells += [_value(of[row["name"], name], "auc") for name in sets]
        told.append(f"| {_title(row['title'])} | {' | '.join(cells)} |")
    counts = [of[rows[0]["name"], name] for name in sets]
    listed = ", ".join(
        f"{one['n']:,} of {NAMES[one['set']]} in {one['n_groups']:,} groups, {one['positive_share']:.0%} landslides"
        for one in counts
    )
    return "\n".join([*told, "", f"Held out: {listed}."])


def networks_table(result: dict[str, Any]) -> str:
    """Paper B's Table IV: a network a row, what the paper printed in brackets."""
    told = [
        "| network | training accuracy | validation accuracy "
        "| test accuracy | test precision | test recall | test AUC |",
        "|---" * 7 + "|",
    ]
    rows = [row for row in result["rows"] if row["state"] == "succeeded"]
    for row in rows:
        cells = []
        for name in ("Training accuracy", "Validation accuracy", "Test accuracy", "Test precision", "Test recall"):
            printed = row["facts"].get(f"printed_{name.lower().replace('training', 'train').replace(' ', '_')}")
            cells.append(row["told"][name] + ("" if printed is None else f" ({printed:.3f})"))
        told.append(f"| {row['title']} | {' | '.join(cells)} | {_value(row['oof'], 'auc')} |")
    return "\n".join([*told, "", f"Test: {rows[0]['n']:,} patches, {rows[0]['positive_share']:.0%} landslides."])


TABLES = {"weights": weights_table, "diversity": diversity_table, "table4": networks_table}


def _title(text: str) -> str:
    return re.sub("|".join(NAMES), lambda found: NAMES[found[0]], text)


def _judged(row: dict[str, Any]) -> str:
    return f"{row['n']:,} patches, {row['positive_share']:.0%} landslides, {row['folds']} folds"


def _value(values: dict[str, Any], name: str) -> str:
    low, high = values[f"{name}_interval"]
    return f"{values[name]:.3f} [{low:.3f}, {high:.3f}]"


def _gap(one: dict[str, Any] | None) -> str:
    return f"{one['difference']:+.3f} [{one['lo']:+.3f}, {one['hi']:+.3f}]" if one else ""


def filled(text: str, results: dict[str, Any]) -> str:
    """A document with its tables made anew."""
    for name, file in FILES.items():
        table = TABLES[name](results[file])
        marked = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        text = marked.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", text)
    return text


def draw(results: dict[str, Any], folder: Path) -> None:
    """AUC with its 95 % interval of every row: a panel a target, a panel a set that was held out."""
    panels = [
        (f"{NAMES[one['source']]} → {NAMES[one['target']]}",
         [(_title(row["title"]), row["oof"]) for row in one["rows"] if row["state"] == "succeeded"])
        for one in results["weight_transfer"]["experiments"]
    ]  # fmt: skip
    _dots(panels, folder / "weights-from-sets.png")
    found = results["diversity"]
    rows = [row for row in found["rows"] if row["state"] == "succeeded"]
    panels = [("All held out", [(_title(row["title"]), row["oof"]) for row in rows])]
    for name in dict.fromkeys(one["set"] for one in found["by_set"]):
        own = [one for one in found["by_set"] if one["set"] == name]
        panels.append((f"{NAMES[name]}, held out", [(_title(one["title"]), one) for one in own]))
    _dots(panels, folder / "growing-diversity.png")
    rows = [(row["title"], row["oof"]) for row in results["table4"]["rows"] if row["state"] == "succeeded"]
    _dots([("Tested on Bijie", rows)], folder / "six-networks.png")


def _dots(panels: list[tuple[str, list[tuple[str, dict[str, Any]]]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    most = max(len(rows) for _, rows in panels)
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(3.3 * len(panels) + 1.2, 0.5 * most + 1.2), squeeze=False, sharex=True
    )
    for axis, (title, rows) in zip(axes[0], panels, strict=True):
        for place, (_, values) in enumerate(rows):
            low, high = values["auc_interval"]
            colour = OTHER if place == 0 else POINT
            axis.plot([low, high], [place, place], color=colour, linewidth=2)
            axis.plot(values["auc"], place, "o", color=colour, markersize=8)
        axis.axvline(0.5, color=OTHER, linewidth=1, linestyle=":")
        axis.set_yticks(range(len(rows)), [_broken(name) for name, _ in rows], fontsize=8, color=INK)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.set_title(title, fontsize=10, color=INK)
        axis.set_xlabel("AUC, with 95% interval", fontsize=9, color=INK)
        axis.tick_params(axis="x", labelsize=8, colors=INK)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=130, facecolor="white")


def _broken(text: str) -> str:
    return text.replace(", ", ",\n", 1) if len(text) > 24 else text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--into", type=Path, help="document with markers")
    options.add_argument("--pictures", type=Path, help="folder for the pictures")
    given = options.parse_args()
    results = {file: json.loads((HERE / "results" / f"{file}.json").read_text("utf-8")) for file in FILES.values()}
    if given.pictures:
        draw(results, given.pictures)
    if given.into:
        given.into.write_text(filled(given.into.read_text("utf-8"), results), encoding="utf-8")
    else:
        for name, file in FILES.items():
            print(TABLES[name](results[file]), end="\n\n")


if __name__ == "__main__":
    main()
