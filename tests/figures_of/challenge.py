"""Figures of docs/challenge.md, from benchmarks/results/challenge.json."""


def _row(words: str, head: str) -> str:
    at = f"challenge[heads][{head}]"
    cells = [
        f"{{{at}[{name}]:.3f}} [{{{at}[{name}_interval][0]:.3f}}, {{{at}[{name}_interval][1]:.3f}}]"
        for name in ("f1", "auc")
    ]
    return f"| {words} | {' | '.join(cells)} | {{{at}[counts][tp]:,}} | {{{at}[counts][fp]:,}} |"


FIGURES = (
    "statistics of its {challenge[dataset][n]} training patches",
    "{challenge[dataset][columns]} numbers a patch, {challenge[dataset][share]!p:.1f} % landslides",
    "Out of fold on {challenge[dataset][n]} patches",
    _row("**Boosted trees (LightGBM)**", "lgbm"),
    _row("SVM, C 10", "svm_c10"),
    _row("SVM, C 1", "svm_c1"),
    _row("SVM, C 0.75", "svm_c0.75"),
    _row("SVM, C 0.5", "svm_c0.5"),
    _row("SVM, C 0.1", "svm_c0.1"),
    _row("Logistic regression", "logreg"),
    _row("Linear layer, trained as a network's (`fc`)", "fc"),
    "level with boosted trees ({challenge[heads][svm_c10][f1]:.3f} and {challenge[heads][lgbm][f1]:.3f})",
)

SETTINGS = {
    "SVM, C 10": "name of a row",
    "SVM, C 1 ": "name of a row",
    "SVM, C 0.75": "name of a row",
    "SVM, C 0.5": "name of a row",
    "SVM, C 0.1": "name of a row",
    "found of 1255": "the landslides of the training set",
    "Table 3 (C 1 to 0.1)": "the paper's settings",
    "C 10 draws": "name of a row",
    "those of C 10 and of C 1.": "names of rows",
    "0.850 for LightGBM, 0.830 for an SVM and 0.768 for": "from the notes beside the table, not measured here",
}
