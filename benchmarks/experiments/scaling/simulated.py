"""A million patches on 1 to 64 GPUs: a simulation from measured parts, not a measurement.

    python -m benchmarks.experiments.scaling.simulated [--n 1000000] [--out benchmarks/results/scaling_simulated.json]

Measured elsewhere, and read from ``benchmarks/results/``: seconds of a training step, of a patch that is predicted and
of a checkpoint of EfficientNetV2-L at 256 px on an H200 (train_gpu.json), the rate at which a dataset file is read
(load.json). Assumed, and said so: the networks between GPUs, the shared storage, and what Ray takes to begin a part
(ASSUMED). With them:

    read(k)     = patches' bytes / min(rate of one reader, storage / k), k parts reading at once
    step(w)     = step of one GPU on its own batch + 2 (w - 1)/w x bytes of the gradients / slowest link
    fold(w)     = read + epochs x (ceil(training part / (batch x w)) x step(w) + validation + checkpoint) + embeddings
    run(G)      = read + rounds of folds x fold(w) + scores and, where they are wanted, explanations, in one process

Every worker has a whole batch of its own, so that w of them learn from w batches in a step: that is another training
than one GPU's, and is said where it is shown. Folds are shared out first (w = 1 up to as many GPUs as folds), then each
fold has GPUs // folds workers.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import keep, parser

RESULTS = Path(__file__).resolve().parents[2] / "results"
GPUS = (1, 2, 4, 5, 8, 16, 32, 64)
BANDS, SIDE, FOLDS, EPOCHS = 12, 64, 5, 50
PARAMETERS = 117_239_426  # of tf_efficientnetv2_l with 12 bands and 2 classes
A_NODE = 8  # GPUs
COPIES = 6  # of the patches in memory while training (core.flow.run_context.COPIES)
PASSES_EXPLAINED = BANDS + 16  # forward passes of a patch's Grad-CAM, occlusion and Shapley values, at the least
ASSUMED = {
    "between_nodes_gb_s": 3.0,  # 25 Gbit/s Ethernet
    "fast_between_nodes_gb_s": 50.0,  # 400 Gbit/s InfiniBand
    "within_a_node_gb_s": 300.0,  # NVLink
    "storage_gb_s": 5.0,  # of the shared storage, all readers together
    "part_s": 20.0,  # until a part's process has its libraries
}


@dataclass(frozen=True)
class Parts:
    """What was measured. Seconds, and bytes a second of one reader."""

    step_s: float
    batch: int
    predict_s: float
    checkpoint_s: float
    read_bytes_s: float

    @classmethod
    def read(cls) -> Parts:
        """From the results files."""
        gpu, load = _json("train_gpu"), _json("load")
        rate = load["dataset_file_mib"] * 2**20 / load["seconds_per_epoch"]["dataset_file_first_epoch_cold"]
        return cls(
            gpu["seconds_per_step"]["full"], gpu["batch"], gpu["seconds_per_patch_predicted"],
            gpu["checkpoint_seconds"], rate,
        )  # fmt: skip


def run_seconds(parts: Parts, n: int, gpus: int, network: str, explained: bool) -> dict[str, float]:
    """Seconds of a run on so many GPUs, by what they are spent on."""
    at_once = min(gpus, FOLDS)
    workers = max(1, gpus // FOLDS)
    rounds = math.ceil(FOLDS / at_once)
    size = n * BANDS * SIDE * SIDE * 4
    reading = size / min(parts.read_bytes_s, ASSUMED["storage_gb_s"] * 1e9 / (at_once * workers))
    link = ASSUMED["within_a_node_gb_s"] if workers <= A_NODE else ASSUMED[network]
    exchange = 2 * (workers - 1) / workers * PARAMETERS * 4 / (link * 1e9)
    steps = math.ceil(n * (FOLDS - 1) / FOLDS / (parts.batch * workers))
    epoch = steps * (parts.step_s + exchange) + n / FOLDS * parts.predict_s + parts.checkpoint_s
    fold = ASSUMED["part_s"] + reading + EPOCHS * epoch + n * parts.predict_s
    alone = size / parts.read_bytes_s
    after = n * PASSES_EXPLAINED * parts.predict_s if explained else 0.0
    return {"folds": rounds * fold, "exchange": rounds * EPOCHS * steps * exchange, "alone": alone, "after": after,
            "total": rounds * fold + alone + after, "workers_per_fold": workers, "used": at_once * workers}  # fmt: skip


def rows_seconds(parts: Parts, n: int, gpus: int, runs: int = 24) -> float:
    """Seconds of ``runs`` runs of an experiment, each on one GPU with its folds one after the other."""
    one = run_seconds(parts, n, 1, "between_nodes_gb_s", False)["total"]
    return math.ceil(runs / min(runs, gpus)) * one


def main() -> None:
    """See the module."""
    args = parser(__doc__, 1_000_000).parse_args()
    parts = Parts.read()
    curves: dict[str, list[dict]] = {}
    for name, network, explained in (
        ("ethernet", "between_nodes_gb_s", False),
        ("infiniband", "fast_between_nodes_gb_s", False),
        ("explained", "fast_between_nodes_gb_s", True),
    ):
        one = run_seconds(parts, args.n, 1, network, explained)["total"]
        curves[name] = [
            {"gpus": gpus, **(found := run_seconds(parts, args.n, gpus, network, explained)),
             "hours": found["total"] / 3600, "speedup": one / found["total"]}
            for gpus in GPUS
        ]  # fmt: skip
    alone = rows_seconds(parts, args.n, 1)
    curves["rows"] = [
        {"gpus": gpus, "hours": (took := rows_seconds(parts, args.n, gpus)) / 3600, "speedup": alone / took}
        for gpus in GPUS
    ]
    memory = COPIES * args.n * BANDS * SIDE * SIDE * 4 / 2**30
    keep(
        {"simulation": True, "n": args.n, "bands": BANDS, "side": SIDE, "folds": FOLDS, "epochs": EPOCHS, "runs": 24,
         "assumed": ASSUMED | {"gpus_a_node": A_NODE}, "copies": COPIES,
         "measured": vars(parts), "gradient_mb": PARAMETERS * 4 / 1e6,
         "memory_gib_a_process": memory, "patches_in_256_gib": int(256 / memory * args.n), "curves": curves},
        args.out,
    )  # fmt: skip


def _json(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
