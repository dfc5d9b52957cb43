"""What the picture before the event adds: after alone, both stacked, and both read by shared weights.

The pairs are simulated (``core.data.demo``, pairs): the same ground twice, with fresh scars after the event alone, and
other clouds, light and season. All rows have the same folds, network and budget.

    python -m benchmarks.experiments.before_after --checkpoints DIR --n 1600 --out FILE.json
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report import circumstances, keep, parser
from core.config import preset
from core.data.demo import demo_steps
from core.evaluate.comparison.significance import paired_difference
from core.pipeline import train_run
from core.progress import drain
from core.runs.store import create_run

SETTINGS = (
    "folds.n_splits=2",
    "model.image_size=32",
    "smote.enabled=false",
    "train.epochs=8",
    "heads.head=fc",
    "heads.threshold=half",
    "embed.method=pca",
    "explain.enabled=false",
)
ROWS = {
    "after alone": ("data.bands=red,green,blue",),
    "stacked": (),
    "shared weights": ("model.branches=before_after",),
}


def main() -> None:
    made = parser(__doc__, n=1600)
    made.add_argument("--checkpoints", type=Path, required=True)
    given = made.parse_args()
    path = given.checkpoints / "datasets" / f"demo-pairs-{given.n}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        drain(demo_steps(path, given.n, 0, pairs=True))
    rows, tables = {}, {}
    for name, settings in ROWS.items():
        config = preset("demo").with_overrides([*SETTINGS, *settings])
        run = create_run(given.checkpoints, config, path, name)
        drain(train_run(run))
        run.write_status(state="succeeded")
        summary = json.loads((run.path / "summary.json").read_text())
        facts, tables[name] = summary["heads"]["fc"], run.oof().set_index("id")
        rows[name] = {
            "f1": facts["f1"], "f1_interval": facts["intervals"]["f1"], "auc": facts["auc"],
            "auc_interval": facts["intervals"]["auc"], "seconds": summary["seconds"], "n": facts["n"],
        }  # fmt: skip
    base = tables["after alone"]
    differences = {}
    for name, table in tables.items():
        if table is base:
            continue
        mine = table.loc[base.index]
        differences[name] = paired_difference(
            base["label"].to_numpy(), mine["pred_fc"].to_numpy(), mine["prob_fc"].to_numpy(),
            base["pred_fc"].to_numpy(), base["prob_fc"].to_numpy(), base["group"].to_numpy(),
        )  # fmt: skip
    keep(
        {"n": given.n, "positive": int(base["label"].sum()), "folds": 2, "rows": rows, "less_after_alone": differences}
        | circumstances("torch", "timm", "numpy"),
        given.out,
    )


if __name__ == "__main__":
    main()
