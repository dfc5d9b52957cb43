"""How much of a network with ImageNet weights to open: what ``core ablate`` found, for benchmarks and docs.

    python -m core ablate DATASET.h5 unfreeze --budget small --set device=cpu --json > l4s.json
    python -m benchmarks.experiments.transfer.unfreeze l4s.json [demo.json ...] --out benchmarks/results/unfreeze.json
    python -m benchmarks.experiments.transfer.unfreeze --into docs/transfer.md

The small budget has two folds, few epochs and 64 pixels; the table says which. The last form puts the tables between
the page's markers ``<!-- unfreeze -->``. Take the second step on the machine and on the day of the first.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from benchmarks.report import circumstances, keep, parser
from core.data.store import open_dataset

RESULTS = Path(__file__).resolve().parents[2] / "results" / "unfreeze.json"
DIGITS = 4


def measured(table: dict) -> dict:
    """An experiment's table, rounded, with what it was asked of."""
    data = open_dataset(Path(table["dataset"]))
    groups = None if data.groups is None else len(set(data.groups))
    done = [row for row in table["rows"] if row["state"] == "succeeded"]
    return {
        "dataset": {
            "name": data.name, "n": done[0]["n"], "groups": groups, "share": round(done[0]["positive_share"], 4),
            "content_hash": data.content_hash,
        },
        "protocol": table["reduced"],
        "full": table["full"],
        "minutes": round(sum(row["minutes"] for row in done), 1),
        "rows": {row["title"]: _row(row) for row in table["rows"]},
    }  # fmt: skip


def _row(row: dict) -> dict:
    if row["state"] != "succeeded":
        return {"state": row["state"], "reason": row.get("reason", "")}
    kept = ("f1", "f1_interval", "auc", "auc_interval", "recall", "specificity", "accuracy")
    found = {name: row["oof"][name] for name in kept} | {"train_f1": row["train"]["f1"]}
    found["opened_share"] = row["opened"] / row["parameters"]
    for metric, one in row.get("difference", {}).items():
        found[f"{metric}_gained"] = {key: one[key] for key in ("difference", "lo", "hi", "p_holm", "settled")}
    return _rounded(found) | {"minutes": round(row["minutes"], 1)}


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def table(found: dict) -> str:
    """One dataset's rows for the page."""
    lines = ["| opened | of the parameters | F1, training | F1, unseen | recall | AUC | F1 against the head alone |"]
    lines.append("|---" * 7 + "|")
    for title, row in found["rows"].items():
        if "f1" not in row:
            lines.append(f"| {title} | not trained: {row['reason']} |" + " |" * 5)
            continue
        cells = [title, f"{100 * row['opened_share']:.1f} %", f"{row['train_f1']:.3f}"]
        cells += [
            _value(row["f1"], row["f1_interval"]),
            f"{row['recall']:.3f}",
            _value(row["auc"], row["auc_interval"]),
        ]
        cells.append(_gap(row["f1_gained"]) if "f1_gained" in row else "")
        lines.append("| " + " | ".join(cells) + " |")
    facts = found["dataset"]
    groups = f" in {facts['groups']:,} groups" if facts["groups"] else ""
    basis = f"{facts['name']}: {facts['n']:,} patches{groups}, {100 * facts['share']:.0f} % landslides, out of fold."
    return "\n".join(
        [*lines, "", f"{basis} {found['protocol']} {found['minutes']:.0f} minutes in all, beside other work."]
    )


def _value(value: float, interval: list[float]) -> str:
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _gap(one: dict) -> str:
    return f"{one['difference']:+.3f} [{one['lo']:+.3f}, {one['hi']:+.3f}]{' *' if one['settled'] else ''}"


def filled(text: str, results: dict) -> str:
    """A page's text with the tables of ``results`` between its markers."""
    made = "\n\n".join(table(one) for one in results["sets"].values())
    made = f"<!-- unfreeze -->\n{made}\n<!-- /unfreeze -->"
    return re.sub(r"<!-- unfreeze -->.*?<!-- /unfreeze -->", lambda _: made, text, flags=re.DOTALL)


def main() -> None:
    options = parser(__doc__, 0)
    options.add_argument("tables", type=Path, nargs="*", help="what core ablate --json printed")
    options.add_argument("--into", type=Path, help="the page that the table is put into")
    given = options.parse_args()
    if given.into:
        page, results = given.into.read_text(encoding="utf-8"), json.loads(RESULTS.read_text(encoding="utf-8"))
        given.into.write_text(filled(page, results), encoding="utf-8")
        return
    tables = [json.loads(path.read_text(encoding="utf-8")) for path in given.tables]
    sets = {table["dataset_name"]: measured(table) for table in tables}
    result = {"benchmark": "how much of a network with ImageNet weights to open", "sets": sets}
    keep(result | circumstances("numpy", "scikit-learn", "torch", "timm"), given.out)


if __name__ == "__main__":
    main()
