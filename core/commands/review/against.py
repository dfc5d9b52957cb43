"""``core review RUN --against OTHER``: what the run has right that another run, or another of its heads, has wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import RunError
from core.runs.store import RunFolder, open_run
from core.text import difference, interval, number


def against(
    folder: RunFolder, other: str, labels: str | None, csv: Path | None, value: dict[str, Any], lines: list[str]
) -> None:
    """Add the counts and the difference to ``value`` and ``lines``, and write the patches to ``csv``.

    other: a run beside this one, or a head of it. labels: a version that both are judged by; none: their own, or the
    newer of theirs. Raises as ``core.review.versus``.
    """
    from core.data.label_versions import resolve
    from core.review.versus import REASONS, usual_labels, versus

    head, heads = folder.summary()["head"], folder.summary()["heads"]
    if other in heads:
        run, other_head = folder, other
    else:
        try:
            run = open_run(folder.checkpoints, other)
        except RunError as error:
            raise RunError(f"{error} The heads of {folder.name}: {', '.join(heads)}.") from error
        run.require_finished()
        theirs = run.summary()
        other_head = head if head in theirs["heads"] else theirs["head"]
    by = usual_labels(folder, run) if labels is None else resolve(folder.dataset_path(), labels)
    found = versus(folder, head, run, other_head, by)
    f1, counts = found.changes["f1"], found.counts
    value["against"] = {
        "other": run.name, "head": head, "other_head": other_head, "labels": by, "n": len(found.table),
        "counts": counts, "left_out": dict(found.left_out),
        "changes": {name: vars(one) for name, one in found.changes.items()},
    }  # fmt: skip
    lines.append(
        f"A is {folder.name} ({head}), B is {run.name} ({other_head}); {len(found.table):,} patches, both out of fold"
        + (f", judged by the labels {by}." if by else ".")
    )
    lines.append(
        f"Fixed (only A is right): {counts['fixed']:,}. Broken (only B is right): {counts['broken']:,}. Both wrong: "
        f"{counts['both wrong']:,}. Both right: {counts['both right']:,}."
    )
    lines.append(
        f"F1 {number(f1.a)} against {number(f1.b)}, {difference(f1.difference)} "
        f"[{interval((f1.lo, f1.hi), signed=True)}], 95 % over {'groups' if found.grouped else 'patches'}."
    )
    lines += [f"Left out: {n:,} {REASONS[name]}." for name, n in found.left_out.items()]
    if csv is not None:
        from core.io.atomic import write_text
        from core.io.csv_injection import csv_cell

        rows = found.listed()
        safe = rows.assign(**{name: rows[name].map(csv_cell) for name in ("id", "group")})
        write_text(csv, safe.to_csv(index=False))
        value["csv"] = str(csv.resolve())
        lines.append(f"Wrote {csv}.")
