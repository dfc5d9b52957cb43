"""Paper A's Tables 2 and 3 on a simulated and a real set: what ``core ablate`` found, for docs/ablations.md.

    python -m core ablate DATASET.h5 table2 --preset demo --budget small --json > table2.json
    python -m benchmarks.experiments.ablations "the demo=table2.json" ... --out benchmarks/results/ablations.json
    python -m benchmarks.experiments.ablations --into docs/ablations.md --pictures docs

Take the second step on the machine and on the day of the first; tables of other sets and kinds stay. The last form puts
the tables between the page's markers ``<!-- table2 -->`` and ``<!-- table3 -->``, and the figure of each table, as
Train · Experiments draws it, beside them as a PNG, by the browser that the tests use.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.report import circumstances, keep, parser
from core.data.store import open_dataset
from core.experiments.results import survives

RESULTS = Path(__file__).resolve().parents[1] / "results" / "ablations.json"
DIGITS = 4
TITLES = {"table2": "Training recipe (Table 2)", "table3": "Heads (Table 3)", "unfreeze": "How much to unfreeze"}
KEPT = (
    "title", "name", "state", "reason", "head", "facts", "oof", "train", "difference", "minutes", "parameters",
    "opened", "n", "positive_share", "folds", "epochs",
)  # fmt: skip
OF_TABLE = ("kind", "figure", "across", "baseline", "budget", "reduced", "seeds", "positive", "full")
MANY = {1: "one training of each row", 2: "two trainings of each row", 3: "three trainings of each row"}


def measured(table: dict[str, Any], name: str) -> dict[str, Any]:
    """An experiment's table, rounded, with what it was asked of. name: of the set, for people."""
    data = open_dataset(Path(table["dataset"]))
    groups = None if data.groups is None else len(set(data.groups))
    rows = [{key: row[key] for key in KEPT if key in row} for row in table["rows"]]
    return _rounded(
        {
            "set": name, "dataset": {"n": len(data), "groups": groups, "content_hash": data.content_hash},
            **{key: table[key] for key in OF_TABLE}, "rows": rows,
        }
    )  # fmt: skip


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def markdown(found: dict[str, Any]) -> str:
    """One table of the page, with what it stands on."""
    rows = [row for row in found["rows"] if row["state"] == "succeeded"]
    seeds, printed = found["seeds"], any("printed_f1" in row["facts"] for row in rows)
    head = ["row", "F1, training", "F1, unseen"] + ["SD of trainings"] * (seeds > 1)
    head += ["AUC, unseen", "F1 against the first row", "p (Holm)", "survives"] + ["F1 in the paper"] * printed
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(_cells(row, found["baseline"], seeds, printed)) + " |" for row in rows]
    for row in found["rows"]:
        if row["state"] == "failed":
            lines += ["", f"{row['title']} was not trained: {row['reason']}"]
    first, data = rows[0], found["dataset"]
    groups = f" in {data['groups']:,} groups" if data["groups"] else ""
    words = (
        f"{first['n']:,} patches{groups}, {100 * first['positive_share']:.0f} % landslides, out of fold over "
        f"{first['folds']} folds, {first['epochs']} epochs, {MANY.get(seeds, f'{seeds} trainings of each row')}; "
        f"{found['reduced'] or 'Full budget.'} {_verdict(rows, found['baseline'], seeds)}"
    )
    if found["full"].get("sentence"):
        words += f" {found['full']['sentence']}"
    title = f"**{TITLES[found['kind']]}, {found['set']}**"
    return "\n".join(
        [title, "", *lines, "", words, "", f"![{TITLES[found['kind']]}, {found['set']}]({picture(found)})"]
    )


def picture(found: dict[str, Any]) -> str:
    """File name of a table's figure."""
    return f"ablation-{found['kind']}-{re.sub('[^a-z0-9]+', '-', found['set'].lower()).strip('-')}.png"


def _cells(row: dict[str, Any], baseline: str, seeds: int, printed: bool) -> list[str]:
    oof, gained = row["oof"], row.get("difference", {}).get("f1")
    train = row["train"]
    cells = [row["title"], "" if train is None else f"{train['f1']:.3f}", _value(oof, "f1")]
    if seeds > 1:
        cells.append(f"{oof['f1_seeds']['sd']:.3f}")
    cells.append(_value(oof, "auc"))
    if gained is None:
        cells += ["the first row" if row["name"] == baseline else "", "", ""]
    else:
        cells += [f"{gained['difference']:+.3f} [{gained['lo']:+.3f}, {gained['hi']:+.3f}]"]
        cells += [f"{gained['p_holm']:.3f}", survives(gained) or "nothing"]
    return [*cells, *([f"{row['facts']['printed_f1']:.4f}" if "printed_f1" in row["facts"] else ""] * printed)]


def _value(oof: dict[str, Any], name: str) -> str:
    low, high = oof[f"{name}_interval"]
    return f"{oof[name]:.3f} [{low:.3f}, {high:.3f}]"


def _verdict(rows: list[dict[str, Any]], baseline: str, seeds: int) -> str:
    compared = [row["difference"]["f1"] for row in rows if "difference" in row and row["name"] != baseline]
    sure = [one["difference"] for one in compared if one["settled"]]
    what = "other patches and other trainings" if seeds > 1 else "other patches; other trainings are not known"
    if not sure:
        return f"None of {len(compared)} differences survives {what.partition(';')[0]} after Holm's correction."
    better = sum(one > 0 for one in sure)
    counts = " and ".join(f"{n} {word}" for n, word in ((better, "better"), (len(sure) - better, "worse")) if n)
    return f"Of {len(compared)} rows {counts} after Holm's correction over {what}."


def earlier() -> list[dict[str, Any]]:
    """The tables that the results hold."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))["tables"] if RESULTS.is_file() else []


def filled(text: str, results: dict[str, Any]) -> str:
    """A page's text with the tables of ``results`` between its markers."""
    for kind in dict.fromkeys(one["kind"] for one in results["tables"]):
        made = "\n\n".join(markdown(one) for one in results["tables"] if one["kind"] == kind)
        made = f"<!-- {kind} -->\n{made}\n<!-- /{kind} -->"
        text = re.sub(rf"<!-- {kind} -->.*?<!-- /{kind} -->", lambda _, made=made: made, text, flags=re.DOTALL)
    return text


def draw(results: dict[str, Any], folder: Path) -> None:
    """The figure of each table, as the page draws it, as a PNG."""
    from playwright.sync_api import sync_playwright

    from dashboard.experiments import figures

    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 800}, device_scale_factor=1.5)
        for found in results["tables"]:
            figure = figures.drawn(found)
            figure.update_layout(width=960, paper_bgcolor="white", plot_bgcolor="white", font_color="#16202A")
            path = Path(work) / "figure.html"
            figure.write_html(path, include_plotlyjs=True, config={"displayModeBar": False})
            page.goto(path.as_uri())
            page.locator(".plot-container").first.screenshot(path=str(folder / picture(found)))
        browser.close()


def main() -> None:
    """See the module."""
    options = parser(__doc__, 0)
    options.add_argument("tables", type=Path, nargs="*", help="NAME=FILE: what core ablate --json printed of a set")
    options.add_argument("--into", type=Path, help="the page that the tables are put into")
    options.add_argument("--pictures", type=Path, help="folder for the pictures")
    given = options.parse_args()
    if given.tables:
        named = [str(one).partition("=") for one in given.tables]
        tables = [measured(json.loads(Path(file).read_text(encoding="utf-8")), name) for name, _, file in named]
        again = {(one["set"], one["kind"]) for one in tables}
        tables += [one for one in earlier() if (one["set"], one["kind"]) not in again]
        result = {"benchmark": "paper A's Tables 2 and 3, a simulated and a real set", "tables": tables}
        keep(result | circumstances("numpy", "scikit-learn", "torch", "timm"), given.out)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    if given.pictures:
        draw(results, given.pictures)
    if given.into:
        given.into.write_text(filled(given.into.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
