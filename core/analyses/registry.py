"""The studies by name, as the queue knows them: what each is called, and what does it.

Comes in: a finished run, a name, options that JSON can hold. Goes out: steps of progress, the last of which tells what
was found; everything else is in the run folder. A study's own module is loaded when its first step is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.flow.run_context import Step
from core.runs.store import RunFolder

TITLES = {
    "check": "Lie detector",
    "maps": "Attention maps",
    "occlusion": "Study of bands",
    "drill": "Drop-out drill",
    "smote": "Audit of the synthetic patches",
    "realism": "Realism of the synthetic patches",
    "embedding": "Maps of embeddings",
    "heads": "Table 3 of heads",
    "evaluate": "Evaluation on another dataset",
}


def steps(run: RunFolder, study: str, options: Mapping[str, Any]) -> Iterator[Step]:
    """Go through a study. Raises ConfigError for a name that is not known or options that it does not take."""
    if study not in _STUDIES:
        raise ConfigError(f"No study is called '{study}'. Known: {', '.join(_STUDIES)}.")
    last = Step("starting", 0.0, "Starting.")
    try:
        found = _STUDIES[study](run, dict(options))
    except TypeError as error:
        raise ConfigError(f"The study '{study}' does not take these options ({error}).") from error
    for last in found:
        if last.stage != "done":
            yield last
    told = {key: value for key, value in last.fields.items() if isinstance(value, str | int | float | bool)}
    yield replace(last, stage="done", progress=1.0, event="answered", fields=told)


# --------------------------------------------------------------------------------------------------- what they do


def _check(run: RunFolder, options: dict) -> Iterator[Step]:
    from core.analyses.attention.checks import Options, check_attention

    return check_attention(run, Options(**options))


def _maps(run: RunFolder, options: dict) -> Iterator[Step]:
    from core.analyses.attention.maps import MapOptions, draw_maps

    return draw_maps(run, MapOptions(**options))


def _occlusion(run: RunFolder, options: dict) -> Iterator[Step]:
    from core.analyses.bands.occlusion import OcclusionOptions, study_occlusion

    return study_occlusion(run, OcclusionOptions(**options))


def _drill(run: RunFolder, options: dict) -> Iterator[Step]:
    from core.analyses.bands.robustness import RobustnessOptions, run_robustness

    return run_robustness(run, RobustnessOptions(**options))


def _smote(run: RunFolder, options: dict) -> Iterator[Step]:
    from core.analyses.smote.audit import audit_smote

    return audit_smote(run, **options)


def _realism(run: RunFolder, options: dict) -> Iterator[Step]:
    from core.analyses.smote.realism import RealismOptions, study_realism

    return study_realism(run, RealismOptions(**options))


def _embedding(run: RunFolder, options: dict) -> Iterator[Step]:
    """settings: of ``EmbedConfig``; seed."""
    from core.analyses.embedding.projections import redraw
    from core.config import EmbedConfig

    return _with_answer(redraw(run, EmbedConfig(**options["settings"]), int(options["seed"])), "map")


def _heads(run: RunFolder, options: dict) -> Iterator[Step]:
    """Cs, gammas, lgbm, logreg: see ``core.analyses.heads.head_set``."""
    from core.analyses.heads import head_set, sweep

    Cs, gammas = (tuple(options[name]) for name in ("Cs", "gammas"))
    return sweep(run, head_set(Cs, gammas, bool(options["lgbm"]), bool(options["logreg"])))


def _evaluate(run: RunFolder, options: dict) -> Iterator[Step]:
    """dataset: path of a dataset file."""
    from core.data.store import open_dataset
    from core.predict.external import evaluate_on

    dataset = open_dataset(Path(options["dataset"]))
    found = yield from evaluate_on(run, dataset)
    yield Step("done", 1.0, found.sentences()[0], fields={"dataset": found.dataset_name})


def _with_answer(found: Any, name: str) -> Iterator[Step]:
    """The steps of a generator, and a last one with what it returns."""
    answer = yield from found
    yield Step("done", 1.0, "Done.", fields={name: answer})


_STUDIES: dict[str, Callable[[RunFolder, dict], Iterator[Step]]] = {
    "check": _check,
    "maps": _maps,
    "occlusion": _occlusion,
    "drill": _drill,
    "smote": _smote,
    "realism": _realism,
    "embedding": _embedding,
    "heads": _heads,
    "evaluate": _evaluate,
}
assert _STUDIES.keys() == TITLES.keys()
