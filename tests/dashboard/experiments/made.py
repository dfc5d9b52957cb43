"""Tables of experiments with made-up numbers, as ``core.experiments.results`` writes them."""

from core.analyses import ablate
from core.jobs.analysis_folder import create
from tests.builders import sleeper

NAMES = {
    "opened": [("head", "Head only", ""), ("layers-10", "Top 10 layers", ""), ("all", "All layers", ""),
               ("all-plain", "All layers", "no augmentation")],
    "heads": [("fc", "The network's own layer", None), ("svm_c1", "SVM, C 1", 1.0), ("svm_c0.1", "SVM, C 0.1", 0.1)],
    "rows": [("a", "First <b>", ""), ("b", "Second", ""), ("c", "Third", "")],
    "parameters": [("small", "Small (x)", ""), ("large", "Large (y)", "")],
}  # fmt: skip


def table(figure="opened", waiting=0, failed=0, **more):
    """Rows with numbers, but for the last ``waiting`` ones and the ``failed`` ones before these."""
    rows = []
    for i, (name, title, what) in enumerate(NAMES[figure]):
        f1 = 0.6 + 0.1 * i
        gained = {"difference": 0.1 * i, "lo": 0.1 * i - 0.05, "hi": 0.1 * i + 0.05, "p": 0.01 / i if i else 0.5,
                  "p_holm": 0.02, "settled": i > 0, "n": 60, "over": "patches"}  # fmt: skip
        facts = {"opened": title, "variant": what} if figure == "opened" else {}
        facts = {"head": name, "C": what} if figure == "heads" else facts
        rows.append(
            {"name": name, "title": title, "head": "fc", "facts": facts, "state": "succeeded", "runs": [f"run_{name}"],
             "n": 60, "positive_share": 0.25, "grouped": True, "folds": 2, "epochs": 5, "parameters": 10**6 * (i + 1),
             "opened": 10**5 * (i + 1), "minutes": 1.5, "warnings": [],
             "oof": {"f1": f1, "f1_interval": [f1 - 0.1, f1 + 0.1], "auc": 0.8, "auc_interval": [0.7, 0.9],
                     "recall": 0.7, "precision": 0.6, "specificity": 0.9, "accuracy": 0.8},
             "train": {"f1": 0.95, "interval": [0.9, 1.0], "n": 60}, "gap": {"f1": 0.95 - f1, "interval": [0, 0.3]},
             **({"difference": {"f1": gained, "auc": gained}} if i else {})}
        )  # fmt: skip
    for i, row in enumerate(rows):
        left = len(rows) - i
        if left <= waiting + failed:
            reason = {} if left <= waiting else {"reason": "It has <i>too few</i> bands."}
            kept = {key: row[key] for key in ("name", "title", "head", "facts")}
            rows[i] = kept | {"state": "waiting" if left <= waiting else "failed"} | reason
    return {
        "kind": "unfreeze", "title": "How much to unfreeze", "summary": "From paper B.", "figure": figure,
        "across": "C of the SVM", "dataset": "tiny.h5", "dataset_name": "tiny", "positive": "landslide",
        "budget": "small", "seeds": 1, "baseline": NAMES[figure][0][0],
        "reduced": "Small budget: folds 2 instead of 5.",
        "full": {"seconds": 7200.0, "sentence": "The full budget would take about 2 h 00 min on this machine."},
        "rows": rows,
    } | more  # fmt: skip


def experiment(studio, path, state="succeeded", found=None, **options):
    """The job of an experiment on a dataset file, in that state, with a table where there is one; its name."""
    target = studio.dataset_target(path)
    asked = ablate.ANALYSIS.options({"kind": "unfreeze", "budget": "small", **options}).model_dump(mode="json")
    job, name = create(target, "ablate", asked), ablate.name_of(asked)
    if found is not None:
        target.results("ablate").part(name).write_json(ablate.TABLE, found)
    status = {"state": state, "message": "Row 2 of 4 (Top 10 layers): Fold 1 of 2.", "progress": 0.3}
    if state == "running":
        worker = sleeper()
        status |= {"pid": worker.pid, "pid_started": worker.started}
    if state == "failed":
        status |= {"error": "The disk is full. Free some space, then resume it."}
    job.write_status(**status)
    return name
