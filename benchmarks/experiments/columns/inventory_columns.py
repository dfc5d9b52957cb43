"""Columns of a joined inventory in training, on real places: as an input, and as what a second head answers.

The patches are those of the Sen12Landslides catalogue that have statistics (VV, VH and elevation of descending
Sentinel-1; no pictures), labelled by their annotated pixels. NASA's Global Landslide Catalog is joined by place. Of
each column that the join adds, the leak detector's verdict; then a run whose second head answers ``event_trigger``.

    python -m benchmarks.experiments.columns.inventory_columns --data DATA --checkpoints DIR --out FILE.json
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.report import circumstances, keep, parser
from core.config import preset
from core.data.inventories import read_inventory
from core.data.inventories.join import COLUMNS, join_dataset, write_join
from core.data.readers import ingest
from core.data.readers.base import ReaderOptions
from core.data.store import open_dataset
from core.data.tabular.columns import learn_columns
from core.data.tabular.joined import all_columns
from core.data.tabular.leaks import column_reports
from core.errors import ConfigError
from core.flow.run_context import prepare
from core.pipeline import train_run
from core.progress import drain
from core.runs.store import create_run

WITHIN_KM = 25.0
SECOND = "event_trigger"


def table_of(catalogue: Path, out: Path) -> Path:
    """The patches with statistics as a table of columns: label from the annotated pixels, groups by inventory."""
    rows = pd.read_csv(catalogue)
    measured = [name for name in rows if name.split("_")[0] in ("DEM", "VH", "VV")]
    rows = rows[rows[measured].notna().all(axis=1)].drop(columns=["split", "crs_original", "event"])
    rows["label"] = (rows.pop("annotated_pixels") > 0).astype(int)
    rows.to_csv(out, index=False)
    return out


def main() -> None:
    made = parser(__doc__, n=0)
    made.add_argument("--data", type=Path, required=True)
    made.add_argument("--checkpoints", type=Path, required=True)
    given = made.parse_args()
    folder = given.checkpoints / "datasets"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sen12-statistics.h5"
    if not path.exists():
        catalogue = given.data / "sen12landslides-catalogue" / "s1dsc_patches.csv.gz"
        source = table_of(catalogue, folder / "sen12-statistics.csv")
        drain(ingest("columns", source, path, ReaderOptions(group_column="inventory")))
    data = open_dataset(path)
    nasa = read_inventory(given.data / "nasa-global-landslide-catalog" / "Global_Landslide_Catalog_Export.csv")
    join = join_dataset(data, [nasa], WITHIN_KM)
    write_join(path, join)
    there = all_columns(data)
    verdicts = {}
    for name in COLUMNS:
        try:
            learn_columns(there, (name,), np.flatnonzero(data.labels >= 0))
            (report,) = column_reports(there, data.labels, (name,), groups=data.groups)
            verdicts[name] = {"share": report.share, "share_unknown": report.share_unknown, "reason": report.reason}
        except ConfigError as error:
            verdicts[name] = {"refused": str(error)}
    refused = preset("columns").with_overrides([f"model.columns={SECOND}", "folds.n_splits=3"])
    try:
        prepare(create_run(given.checkpoints, refused, path, "input"))
        as_input = "accepted"
    except ConfigError as error:
        as_input = str(error)
    config = preset("columns").with_overrides(
        [f"model.second_column={SECOND}", "folds.n_splits=3", "train.class_weight=balanced", "explain.enabled=false"]
    )
    run = create_run(given.checkpoints, config, path, "second")
    drain(train_run(run))
    run.write_status(state="succeeded")
    summary = json.loads((run.path / "summary.json").read_text())
    keep(
        {
            "dataset": {"n": len(data), "positive": int((data.labels == 1).sum()), "groups": len(set(data.groups))},
            "join": {key: join.card[key] for key in ("within_km", "n_events", "n_used", "n_joined", "n_shared")},
            "joined_by_class": {
                name: float(join.joined[data.labels == label].mean())
                for label, name in ((0, "other"), (1, "landslide"))
            },
            "verdicts": verdicts,
            "as_input": as_input,
            "second": summary["second"],
            "label_f1": summary["oof"]["f1"],
            "label_auc": summary["oof"]["auc"],
            "folds": config.folds.n_splits,
        }
        | circumstances("torch", "scikit-learn", "numpy"),
        given.out,
    )  # fmt: skip


if __name__ == "__main__":
    main()
