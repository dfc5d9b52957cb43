"""Records of searches with made-up numbers, as ``core.experiments.search.record`` writes them."""

from core.analyses import search
from core.config import preset
from core.experiments.search.record import SEARCH
from core.experiments.search.space import space_of
from core.experiments.search.study import Trial
from core.jobs.analysis_folder import create
from tests.builders import sleeper

VARY = ("train.lr=log:0.0001..0.01", "smote.enabled=true,false", "heads.svm_C=0.1,0.5,1")
SPACE = space_of(preset("demo"), VARY)


def trial(k, state="complete", value=None, reason=""):
    folds = (0.6 + 0.02 * k, value) if state == "complete" else (0.5,) if state == "pruned" else ()
    settings = {
        "train.lr": 0.002 if not k else 0.001 * k,
        "smote.enabled": k % 2 == 0,
        "heads.svm_C": (0.1, 0.5, 1)[k % 3],
    }
    return Trial(k, {}, settings, state, folds, value, reason, 30.0).to_dict()


def bounded(value, reach=0.04):
    return {"value": value, "lo": value - reach, "hi": value + reach}


def judgement(best=(5,), kept=0.01):
    return {
        "inner": 0.83, "outer": bounded(0.77), "deployed": bounded(0.79), "inflation": bounded(0.06, 0.05),
        "promised": bounded(0.05), "kept": bounded(kept), "lost": bounded(0.04),
        "as_they_are": {"inner": 0.78, "outer": bounded(0.76), "deployed": bounded(0.77)},
        "n": 30, "positives": 10, "networks": 3, "n_groups": 12, "best": list(best), "parts": [],
    }  # fmt: skip


def part(number=0, running=False, failed=False, importance=True):
    trials = [trial(0, value=0.78), *(trial(k, value=0.73 + 0.02 * k) for k in range(1, 6)),
              trial(6, "pruned", reason="Stopped after fold 1 of 2: in the lower half there.")]  # fmt: skip
    if failed:
        trials.append(trial(7, "failed", reason="The head <b>'svm'</b> could not be fitted."))
    if running:
        trials = [*trials[:3], trial(3, "running")]
    shares = {"train.lr": 0.6, "heads.svm_C": 0.3, "smote.enabled": 0.1} if importance and not running else None
    return {"number": number, "n_search": 90, "positives_search": 30, "n_outer": 30, "positives_outer": 10,
            "trials": trials, "importance": shares}  # fmt: skip


def record(name, parts=None, judged=None, **more):
    return {
        "name": name, "title": "TPE from demo", "preset": "demo", "settings": ["train.epochs=3"],
        "space": [one.to_dict() for one in SPACE.parameters], "metric": "f1", "sampler": "tpe", "asked": 6, "seed": 0,
        "prune": True, "judge": "held_back", "share": 0.25, "outer_folds": 3, "head": "svm_c0.1", "folds": "2 folds",
        "epochs": 3, "dataset": "tiny.h5", "dataset_name": "tiny", "positive": "landslide", "grouped": True,
        "parts": [part()] if parts is None else parts, "judgement": judged,
    } | more  # fmt: skip


def searched(studio, path, state="succeeded", parts=None, judged=None, more=None, **options):
    """The job of a search on a dataset file, in that state, with a record where there is one; its name."""
    target = studio.dataset_target(path)
    given = {"preset": "demo", "vary": "; ".join(VARY), "trials": 6, **options}
    asked = search.ANALYSIS.options(given).model_dump(mode="json")
    job, name = create(target, "search", asked), search.name_of(asked)
    if parts != []:
        target.results("search").part(name).write_json(SEARCH, record(name, parts, judged, **(more or {})))
    status = {"state": state, "message": "Trial 3 of 6: Fold 1 of 2.", "progress": 0.3}
    if state == "running":
        worker = sleeper()
        status |= {"pid": worker.pid, "pid_started": worker.started}
    if state == "failed":
        status |= {"error": "The disk is full. Free some space, then resume it."}
    job.write_status(**status)
    return name
