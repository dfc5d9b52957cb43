"""What ``python -m core explain`` says of bands: groups and the verdict, and on demand the study and the drill.

Comes in: a finished run. Goes out: plain values and lines for people. It computes nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.errors import ConfigError, RunError
from core.runs.store import RunFolder


def compute(folder: RunFolder, occlusion: bool, spatial: int, drill: bool, as_json: bool) -> None:
    """Do what is asked for, in the foreground, a line a step."""
    from core.commands.console import print_progress

    steps: list[Iterable[Any]] = []
    if occlusion or spatial:
        from core.analyses.bands.importance import OcclusionOptions, study_occlusion

        steps.append(study_occlusion(folder, OcclusionOptions(spatial=spatial)))
    if drill:
        from core.analyses.bands.robustness import run_robustness

        steps.append(run_robustness(folder))
    told = ""
    for step in (step for part in steps for step in part):
        if step.stage != "done" and step.message != told:
            told = step.message
            print_progress(f"{step.progress:4.0%} {step.message}", as_json)


def report(folder: RunFolder, other: RunFolder | None = None) -> tuple[dict[str, Any], list[str]]:
    """What is there: ``band_groups`` and ``band_verdict`` by head, ``drill``, and with another run ``retrained``."""
    value, lines = _groups(folder)
    found = folder.drill()
    value["drill"] = found[1] if found else None
    if found:
        lines += [_drill_line(row) for row in found[1]["rows"]]
        lines += [
            f"Trained on what is left: {row['scenario']:16s} {row['head']} F1 {row['f1']:.3f} "
            f"[{row['lo']:.3f}, {row['hi']:.3f}]"
            for row in found[1]["retrained"]
        ]
        lines.append(found[1]["sentence"])
    else:
        lines.append(f"Not drilled yet: python -m core explain {folder.name} --drill")
    if other is not None:
        value["retrained"] = against = _against(folder, other)
        lines += [
            f"{other.name}, trained without ({against['scenario']}): F1 {against['retrained']:.3f}; {row['policy']} "
            f"F1 {row['f1']:.3f}, retrained minus that {row['difference']:+.3f} [{row['lo']:+.3f}, {row['hi']:+.3f}]"
            for row in against["rows"]
        ]
    return value, lines


def _groups(folder: RunFolder) -> tuple[dict[str, Any], list[str]]:
    from core.explain.bands.tables import group_table, groups_by_id
    from core.explain.bands.verdict import band_verdict

    try:
        table = folder.band_groups()
    except RunError:
        text = f"Groups of bands are not shared out in this run yet: python -m core explain {folder.name} --occlusion"
        return {"band_groups": [], "band_verdict": {}}, [text]
    groups, rows, lines = groups_by_id(folder.oof()), [], []
    for head, baseline in table[["head", "baseline"]].drop_duplicates().itertuples(index=False):
        found = group_table(table, head, baseline, groups)
        rows += found.assign(head=head, baseline=baseline).to_dict("records")
        lines += [
            f"{head:10s} {baseline:9s} {row['group']:18s} share of the drop {row['shapley']:+.4f} "
            f"[{row['lo']:+.4f}, {row['hi']:+.4f}]  first in {row['first']:.0%}  n = {row['n']}"
            for row in found.to_dict("records")
        ]
    positive = folder.summary()["positive"]
    verdicts = {head: band_verdict(table, head, groups, positive=positive) for head in dict.fromkeys(table["head"])}
    lines += [f"{head}: {verdict.sentence}" for head, verdict in verdicts.items()]
    return {"band_groups": rows, "band_verdict": {head: one.to_dict() for head, one in verdicts.items()}}, lines


def _drill_line(row: dict[str, Any]) -> str:
    f1 = "undefined" if row["f1"] is None else f"{row['f1']:.3f} [{row['lo'] or 0:.3f}, {row['hi'] or 0:.3f}]"
    return (
        f"{row['title']:28s} {row['policy']:10s} F1 {f1}  {row['n_flipped']:4d} flip: {row['n_missed']} missed, "
        f"{row['n_alarms']} new alarms  n = {row['n']}"
    )


def _against(folder: RunFolder, other: RunFolder) -> dict[str, Any]:
    """The scenario that leaves the other run's bands, compared with it."""
    from core.analyses.bands.robustness_retrained import against_retrained

    found = folder.drill()
    if found is None:
        raise RunError(f"Run '{folder.name}' has not been drilled. Add --drill.")
    lost = [one["name"] for one in found[1]["scenarios"] if one["kind"] == "lost"]
    for scenario in lost:
        try:
            return against_retrained(folder, other, scenario)
        except ConfigError as error:
            last = error
    raise last if lost else ConfigError(f"Nothing was lost in the drill of '{folder.name}'.")
