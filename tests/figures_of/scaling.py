"""Figures of ``docs/scaling.md``, as ``tests/figures.py`` explains."""

from __future__ import annotations

_S, _A = "scaling_simulated", "scaling_simulated[assumed]"

FIGURES = (
    "its job took {processes[least][processes][all]:.0f} s in place of {processes[least][local][all]:.0f}, its "
    "{processes[folds]} folds {processes[least][processes][folds]:.0f} s in place of",
    "of {processes[least][local][folds]:.0f}, the fifth of them",
    "its maps and explanations {processes[least][processes][maps and explanations]:.0f} s in place of "
    "{processes[least][local][maps and explanations]:.0f}",
    "F1 was {processes[scores][processes][f1]:.3f} and {processes[scores][local][f1]:.3f}",
    "AUC {processes[scores][processes][auc]:.3f} and {processes[scores][local][auc]:.3f}: with other threads",
    "one thread a process: {scaling[folds]} folds of {scaling[n]:,} patches, {scaling[epochs]} epochs, the preset",
    "the better of {scaling[rounds]} rounds",
    "processes were {scaling[speedup_2_of_1]:.2f} times as fast as one; two trainings at once without Ray reach "
    "{scaling[speedup_of_the_cores]:.2f}",
    "about {scaling[begin_s]:.0f} s here",
    "Folds of {scaling[fold_s]:.0f} s each",
    f"Assumed: {{{_A}[part_s]:.0f}} s until a part's process has its libraries, {{{_A}[between_nodes_gb_s]:.0f}} GB/s "
    f"between nodes ({{{_A}[fast_between_nodes_gb_s]:.0f}} GB/s on the fast network), "
    f"{{{_A}[within_a_node_gb_s]:.0f}} GB/s between the {{{_A}[gpus_a_node]}} GPUs of a node, "
    f"{{{_A}[storage_gb_s]:.0f}} GB/s of shared storage",
    f"A run is {{{_S}[folds]}} folds of {{{_S}[epochs]}} epochs on {{{_S}[n]:,}} patches of {{{_S}[bands]}} bands and "
    f"{{{_S}[side]}}x{{{_S}[side]}} pixels",
    f"about {{{_S}[copies]}} copies of the patches: {{{_S}[memory_gib_a_process]:,.0f}} GiB for a million of them. "
    f"256 GiB hold {{{_S}[patches_in_256_gib]:,}}.",
    f"a run of {{{_S}[folds]}} folds uses {{{_S}[folds]}} GPUs",
    f"{{{_S}[runs]}} runs fill {{{_S}[runs]}} GPUs",
    f"in every step**: {{{_S}[gradient_mb]:.0f}} MB for this network",
)

SETTINGS = {
    "with 1 and 2 worker processes": "what was measured",
    "256 GiB hold": "an example of a node",
    "EfficientNetV2-L at 256 px on an H200": "the network and the GPU of train_gpu.json",
    "on 1 to 64 GPUs": "the picture's range",
    "on 64 GPUs": "the last of the simulated",
    "listens on 127.0.0.1 alone": "an address",
    "`jobs.workers_per_fold=1`": "a setting",
}
