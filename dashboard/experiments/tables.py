"""The table of an experiment, for people and for a CSV file."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.experiments.results import f1_words, survives
from dashboard.ui.formatting import difference, interval, number, small


def shown(table: dict[str, Any]) -> pd.DataFrame:
    """One line a row: F1 and AUC with intervals, the difference to the baseline, Holm's p, minutes, parameters."""
    printed = any("printed_f1" in row["facts"] for row in table["rows"])
    return pd.DataFrame([_line(row, table["baseline"], printed, f1_words(table)) for row in table["rows"]])


def _line(row: dict[str, Any], baseline: str, printed: bool, f1: str) -> dict[str, Any]:
    line: dict[str, Any] = {"Row": row["title"]}
    if row["state"] != "succeeded":
        return line | {f1: "failed" if row["state"] == "failed" else "waiting"}
    oof, train, gained = row["oof"], row["train"], row.get("difference", {}).get("f1")
    line[f1] = f"{number(oof['f1'])} ({interval(oof['f1_interval'])})"
    line["Train F1"] = f"{number(train['f1'])} ({interval(train['interval'])})" if train else None
    if spread := oof.get("f1_seeds"):
        line["Between seeds (SD)"] = number(spread["sd"], 4)
    line["To baseline"] = "baseline" if row["name"] == baseline else None
    if gained:
        line["To baseline"] = f"{difference(gained['difference'])} ({interval((gained['lo'], gained['hi']))})"
    line["p (Holm)"] = small(gained["p_holm"]) if gained and gained["p_holm"] is not None else None
    line["Survives"] = (survives(gained) or "nothing") if gained else None
    line["AUC"] = f"{number(oof['auc'])} ({interval(oof['auc_interval'])})"
    line["Minutes"] = number(row["minutes"], 1)
    line["Parameters (M)"] = None if row["parameters"] is None else number(row["parameters"] / 1e6, 2)
    line |= row.get("told", {})
    if printed:
        line["F1 in the paper"] = number(row["facts"]["printed_f1"], 4) if "printed_f1" in row["facts"] else None
    return line


def flat(table: dict[str, Any]) -> pd.DataFrame:
    """Every number of every row, for a CSV file."""
    lines = []
    for row in table["rows"]:
        line = {key: row.get(key) for key in ("name", "title", "state", "reason", "head", "n", "folds", "epochs")}
        line |= {"minutes": row.get("minutes"), "parameters": row.get("parameters"), "opened": row.get("opened")}
        line["runs"] = " ".join(row.get("runs", ()))
        for name, value in (row.get("oof") or {}).items():
            line |= _parts(name, value)
        for part in ("train", "gap"):
            values = row.get(part) or {}
            line |= {f"{part}_f1": values.get("f1")} | _parts(f"{part}_f1_interval", values.get("interval"))
        for metric, values in (row.get("difference") or {}).items():
            keys = ("difference", "lo", "hi", "p", "p_holm", "settled", "over")
            line |= {f"{metric}_{key}": values.get(key) for key in keys} | {f"{metric}_survives": survives(values)}
        line |= row.get("told") or {}
        lines.append(line | {f"fact_{key}": value for key, value in row["facts"].items()})
    return pd.DataFrame(lines)


def _parts(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return dict(zip((f"{name}_low", f"{name}_high"), value, strict=False))
    return {f"{name}_sd": value["sd"]} if isinstance(value, dict) else {name: value}
