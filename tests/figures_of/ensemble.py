"""Figures of the ensembles in docs/challenge.md, from benchmarks/results/ensemble.json."""


def _row(words: str, head: str, weight: bool = True) -> str:
    at, own = f"ensemble[same_folds][heads][{head}]", f"ensemble[same_folds][members][{head}]"
    cells = [
        f"{{{at}[{name}]:.3f}} [{{{at}[{name}_interval][0]:.3f}}, {{{at}[{name}_interval][1]:.3f}}]"
        for name in ("f1", "auc")
    ]
    cells += [f"{{{at}[counts][tp]:,}}", f"{{{at}[counts][fp]:,}}", f"{{{at}[ece]:.3f}}"]
    cells += [f"{{{own}[share]!p:.0f}} % ({{{own}[lowest]!p:.0f}} to {{{own}[highest]!p:.0f}})" if weight else ""]
    return " ".join(f"| {cell}".rstrip() for cell in (words, *cells)) + " |"


def _gain(of: str, over: str, metric: str) -> str:
    at = f"ensemble[{of}][differences][{over}][{metric}]"
    return f"{{{at}[difference]:+.3f}} [{{{at}[lo]:+.3f}}, {{{at}[hi]:+.3f}}]"


def _noise(folds: str, method: str) -> str:
    at = f"ensemble[noise][{folds}][{method}]"
    return f"{{{at}[auc]:.3f}} (standard error {{{at}[standard_error]:.3f}})"


FIGURES = (
    "for {ensemble[same_folds][n]} of the patches",
    _row("**Stack**", "stack", False),
    _row("Average", "average", False),
    _row("Network (EVA)", "csv"),
    _row("Boosted trees (LightGBM)", "lgbm"),
    _row("SVM, C 10", "svm_c10"),
    "The stack is better than the network alone: "
    f"F1 {_gain('same_folds', 'csv', 'f1')}, AUC {_gain('same_folds', 'csv', 'auc')}",
    f"the stack's F1 is {_gain('same_folds', 'average', 'f1')} above the average's",
    "{ensemble[other_folds][heads][stack][f1]:.3f} [{ensemble[other_folds][heads][stack][f1_interval][0]:.3f}, "
    "{ensemble[other_folds][heads][stack][f1_interval][1]:.3f}], AUC {ensemble[other_folds][heads][stack][auc]:.3f}",
    "{ensemble[noise][repeats]} sets of {ensemble[noise][n]} patches",
    f"AUC {_noise('same', 'stack')} on the same folds and {_noise('other', 'stack')} on folds that differ",
    f"The average: {_noise('same', 'average')} and {_noise('other', 'average')}",
)

SETTINGS = {
    "0.905 [0.893, 0.917] and AUC 0.991": "from the notes beside the table, not measured here",
    "0.888 for the network alone": "from the notes beside the table, not measured here",
    "with seed 42": "the protocol",
    "SVM, C 10": "name of a row",
    "SVM (C 10) join": "name of a row",
    "found of 1255": "the landslides of the training set",
    "all 7147 patches": "the table",
    "p below 0.005": "a bound: the file holds both",
    "weights of at least 0 by": "the method",
}
