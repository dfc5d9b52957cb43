"""Tables and picture of docs/scaling.md, from the results files: ``python -m benchmarks.experiments.scaling.table``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT, PICTURE = ROOT / "docs" / "scaling.md", ROOT / "docs" / "scaling.png"
NAMES = ("scaling", "scaling_simulated")
CURVES = {
    "infiniband": "one run, 400 Gbit/s between nodes",
    "ethernet": "one run, 25 Gbit/s between nodes",
    "explained": "the same, explanations in one process",
    "rows": "24 runs of an experiment",
}


def filled(text: str, results: dict[str, Any]) -> str:
    """The document with its tables as the results say."""
    tables = {"simulated": _simulated(results["scaling_simulated"])}
    if "scaling" in results:
        tables["measured"] = _measured(results["scaling"])
    for name, made in tables.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = f"{before}{start}\n{made}\n{end}{after}"
    return text


def _measured(found: dict[str, Any]) -> str:
    least = found["least_s"]
    one = least["one_process"]
    rows = [
        ("the job's own process", least["one_process"]),
        ("Ray, one worker process", least["ray_1"]),
        ("Ray, two worker processes", least["ray_2"]),
        ("without Ray, two trainings at once: seconds for one of them", min(found["two_at_once_s"]) / 2),
    ]
    lines = ["| who trains the folds | seconds | speed |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {words} | {value:.1f} | {one / value:.2f} |" for words, value in rows)])


def _simulated(found: dict[str, Any]) -> str:
    gpus = [row["gpus"] for row in found["curves"]["infiniband"]]
    lines = [f"| hours (speed-up) on GPUs | {' | '.join(map(str, gpus))} |", "|---" * (len(gpus) + 1) + "|"]
    for key, words in CURVES.items():
        cells = [f"{row['hours']:.1f} ({row['speedup']:.1f})" for row in found["curves"][key]]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _draw_measured(left: Any, found: dict[str, Any]) -> None:
    least = found["least_s"]
    speeds = [least["one_process"] / least[way] for way in ("ray_1", "ray_2")]
    cores = [speeds[0], found["speedup_of_the_cores"] * speeds[0]]
    left.plot([1, 2], cores, color="0.75", linestyle="--", label="what two trainings at once reach without Ray")
    left.plot([1, 2], speeds, marker="o", color="#1f6f8b", label="measured")
    left.axhline(1, color="0.4", linewidth=0.8)
    left.set(xlabel="Ray worker processes", ylabel="speed (job's own process = 1)", xticks=[1, 2], ylim=(0, None))
    left.set_title(f"Measured: {found['folds']} folds, {found['n']:,} patches, 2 cores", fontsize=10)
    left.legend(frameon=False)


def draw(results: dict[str, Any]) -> None:
    """The curves that there are, side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    n_panels = len(results)
    figure, panels = plt.subplots(1, n_panels, figsize=(6 * n_panels, 4.4), layout="constrained", squeeze=False)
    right = panels[0, -1]
    if "scaling" in results:
        _draw_measured(panels[0, 0], results["scaling"])
    simulated = results["scaling_simulated"]
    colours = {"infiniband": "#1f6f8b", "ethernet": "#c8553d", "explained": "#8a817c", "rows": "#588157"}
    gpus = [row["gpus"] for row in simulated["curves"]["infiniband"]]
    right.plot(gpus, gpus, color="0.75", linestyle="--", label="ideal")
    for key, words in CURVES.items():
        rows = simulated["curves"][key]
        right.plot(gpus, [row["speedup"] for row in rows], marker="o", markersize=3.5, color=colours[key], label=words)
    right.set(xscale="log", yscale="log", xlabel="GPUs", ylabel="speed-up", xticks=gpus, yticks=gpus)
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_formatter("{x:.0f}")
        axis.set_minor_locator(matplotlib.ticker.NullLocator())
    right.set_title(f"Simulated: {simulated['n']:,} patches, {simulated['folds']} folds", fontsize=10)
    right.legend(frameon=False, fontsize=8)
    for axes in panels[0]:
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=130)


def main() -> None:
    """See the module."""
    folder = ROOT / "benchmarks" / "results"
    there = [name for name in NAMES if (folder / f"{name}.json").is_file()]
    results = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in there}
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8"), results), encoding="utf-8")
    draw(results)


if __name__ == "__main__":
    main()
