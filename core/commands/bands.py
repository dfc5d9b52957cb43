"""What ``python -m core explain`` says of bands: groups and the verdict, robustness, and a run trained on the rest."""

from __future__ import annotations

from typing import Any

from core.errors import ConfigError, RunError
from core.runs.store import RunFolder


def report(folder: RunFolder, other: RunFolder | None = None) -> tuple[dict[str, Any], list[str]]:
    """Values (band_groups, band_verdict by head, robustness, with another run retrained) and lines for people."""
    from core.analyses.bands.robustness import not_tested, read

    value, lines = _groups(folder)
    tested = read(folder)
    value["robustness"] = tested.report if tested else None
    if tested:
        lines += [_robustness_line(row) for row in tested.report["rows"]]
        lines += [
            f"Trained on the rest: {row['scenario']:16s} {row['head']} F1 {row['f1']:.3f} "
            f"[{row['lo']:.3f}, {row['hi']:.3f}]"
            for row in tested.report["retrained"]
        ]
        lines.append(tested.report["sentence"])
    else:
        lines.append(not_tested(folder))
    if other is not None:
        value["retrained"] = against = _against(folder, other)
        lines += [
            f"{other.name}, trained without ({against['scenario']}): F1 {against['retrained']:.3f}; {row['policy']} "
            f"F1 {row['f1']:.3f}, retrained minus that {row['difference']:+.3f} [{row['lo']:+.3f}, {row['hi']:+.3f}]"
            for row in against["rows"]
        ]
    return value, lines


def _groups(folder: RunFolder) -> tuple[dict[str, Any], list[str]]:
    from core.analyses.bands.importance import group_drops
    from core.explain.bands.tables import group_table, groups_by_id
    from core.explain.bands.verdict import band_verdict

    try:
        table = group_drops(folder)
    except RunError:
        text = f"This run has no shares of band groups yet: python -m core explain {folder.name} --occlusion"
        return {"band_groups": [], "band_verdict": {}}, [text]
    groups, rows, lines = groups_by_id(folder.oof()), [], []
    for head, baseline in table[["head", "baseline"]].drop_duplicates().itertuples(index=False):
        shares = group_table(table, head, baseline, groups)
        rows += shares.assign(head=head, baseline=baseline).to_dict("records")
        lines += [
            f"{head:10s} {baseline:9s} {row['group']:18s} share of the drop {row['shapley']:+.4f} "
            f"[{row['lo']:+.4f}, {row['hi']:+.4f}]  first in {row['first']:.0%}  n = {row['n']}"
            for row in shares.to_dict("records")
        ]
    positive = folder.summary()["positive"]
    verdicts = {head: band_verdict(table, head, groups, positive=positive) for head in dict.fromkeys(table["head"])}
    lines += [f"{head}: {verdict.sentence}" for head, verdict in verdicts.items()]
    return {"band_groups": rows, "band_verdict": {head: one.to_dict() for head, one in verdicts.items()}}, lines


def _robustness_line(row: dict[str, Any]) -> str:
    f1 = "undefined" if row["f1"] is None else f"{row['f1']:.3f} [{row['lo'] or 0:.3f}, {row['hi'] or 0:.3f}]"
    return (
        f"{row['title']:28s} {row['policy']:10s} F1 {f1}  {row['n_flipped']:4d} decisions change: "
        f"{row['n_missed']} missed, {row['n_alarms']} new alarms  n = {row['n']}"
    )


def _against(folder: RunFolder, other: RunFolder) -> dict[str, Any]:
    """The scenario that leaves the other run's bands, compared with it."""
    from core.analyses.bands.robustness import not_tested, read
    from core.analyses.bands.robustness_retrained import against_retrained

    tested = read(folder)
    if tested is None:
        raise RunError(not_tested(folder))
    lost = [one["name"] for one in tested.report["scenarios"] if one["kind"] == "lost"]
    for scenario in lost:
        try:
            return against_retrained(folder, other, scenario)
        except ConfigError as error:
            last = error
    raise last if lost else ConfigError(f"No scenario of '{folder.name}' lost any bands.")
