"""``python -m core review RUN --duplicates``: groups of patches of the same ground, to look at and to decide on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.commands.console import NOTHING_KEPT, analyse
from core.errors import needed
from core.runs.store import RunFolder
from core.text import list_names, number

SHOWN = 3  # patches of a group that a line names
DECIDE = "verdict is 'keep one: ID', 'keep together', 'exclude' or 'not duplicates'"


def list_groups(
    folder: RunFolder, top: int, desk: Any, sheet: Path | None, value: dict[str, Any], lines: list[str], as_json: bool
) -> None:
    """Add the groups to the answer, those first that a run's folds divide; where nobody has looked, look as a job."""
    from core.analyses.datasets.leakage import ANALYSIS, reported
    from core.data.exclusions import labels_in_use
    from core.data.leakage.groups import HARM_WORDS, group_text, patch_groups
    from core.data.leakage.split_audit import cached_leaks
    from core.predict.training_dataset import training_dataset
    from core.review.groups import GROUP
    from core.runs.targets import DatasetTarget

    folder.require_finished()
    dataset = training_dataset(folder)
    found = cached_leaks(dataset)
    if found is None:
        target = DatasetTarget(Path(dataset.path), folder.checkpoints)
        found = reported(target, dataset)
        if found is None:
            analyse(target, ANALYSIS.name, {"scores": False}, as_json)
            found = needed(reported(target, dataset), NOTHING_KEPT)
    groups = patch_groups(dataset, labels_in_use(dataset), found.pairs, folder.folds())
    said = {key[1]: {e.by: e.verdict for e in entries} for key, entries in desk.by_subject(GROUP).items()}
    rows = [
        {"rank": k} | one.to_dict() | {"judged": said.get(group_text(one.ids), {})} for k, one in enumerate(groups, 1)
    ]
    n_judged = sum(bool(row["judged"]) for row in rows)
    value |= {"n_groups": len(rows), "n_decided": n_judged, "groups": rows[:top], "notes": list(found.notes)}
    if not rows:
        lines.append(f"None of {found.n:,} patches show mostly the same ground.")
        return
    harms = [f"{sum(row['harm'] == harm for row in rows):,} {words.lower()}" for harm, words in HARM_WORDS.items()]
    lines.append(
        f"{len(rows):,} groups of patches of the same ground ({', '.join(one for one in harms if one[:2] != '0 ')}); "
        f"{n_judged:,} decided."
    )
    lines.append(
        f"{'rank':>4s} {'patches':>7s}  {'harm':30s} {'kinds':28s} {'overlap':>7s} {'SSIM':>5s}  which, decided"
    )
    lines += [_line(row, HARM_WORDS[row["harm"]]) for row in rows[:top]]
    if sheet is not None:
        from core.io.atomic import write_text
        from core.review.entry_csv import sheet as csv_of

        facts = ("n", "harm", "labels_differ", "across_folds", "across_split", "overlap", "ssim")
        write_text(
            sheet,
            csv_of(
                {"subject": group_text(row["ids"]), "kind": GROUP} | {name: row[name] for name in facts}
                for row in rows[:top]
            ),
        )
        value["sheet"] = str(sheet.resolve())
        lines.append(f"Wrote {sheet}: fill in verdict and by ({DECIDE}), then --import it.")


def _line(row: dict[str, Any], harm: str) -> str:
    from core.data.grouping import PAIR_WORDS

    kinds = ", ".join(f"{n} {PAIR_WORDS[kind]}" for kind, n in row["kinds"].items())
    overlap, ssim = (number(row[name], 2).replace("undefined", "-") for name in ("overlap", "ssim"))
    said = ", ".join(f"{who}: {verdict}" for who, verdict in row["judged"].items())
    named = list_names(row["ids"], SHOWN)
    return f"{row['rank']:4d} {row['n']:7d}  {harm:30s} {kinds:28s} {overlap:>7s} {ssim:>5s}  {named}  {said}".rstrip()
