"""Figures of docs/search.md, from benchmarks/results/samplers.json and search.json."""

NAMES = {"tpe": "TPE", "pso": "Particle swarm", "random": "Random"}
SETS = {"demo": "Demo, simulated", "real": "Landslide4Sense, real"}


def _mean(at: str, form: str = ".3f") -> str:
    return f"{{{at}[mean]:{form}}} [{{{at}[lo]:{form}}}, {{{at}[hi]:{form}}}]"


def on_patches(sampler: str) -> str:
    """A row of the table of real patches."""
    at = f"samplers[patches][{sampler}]"
    cells = [_mean(f"{at}[inner]"), _mean(f"{at}[outer]"), *(_mean(f"{at}[{key}]", "+.3f") for key in
             ("inflation", "promised", "kept"))]  # fmt: skip
    return f"| {NAMES[sampler]} | {' | '.join(cells)} |"


def on_functions(sampler: str) -> str:
    """A row of the table of known functions."""
    cells = []
    for name in ("sphere", "rastrigin", "branin"):
        at = f"samplers[functions][{name}][{sampler}]"
        wins = "" if sampler == "random" else f" ({{{at}[beats_random]}})"
        cells.append(f"{{{at}[median]:.2f}}{wins}")
    return f"| {NAMES[sampler]} | {' | '.join(cells)} |"


def _bounded(at: str, form: str = ".3f") -> str:
    return f"{{{at}[value]:{form}}} [{{{at}[lo]:{form}}}, {{{at}[hi]:{form}}}]"


def of_set(name: str, score: str) -> str:
    """A row of the table of whole searches."""
    at = f"search[searches][{name}]"
    judged, part = f"{at}[judgement]", f"{at}[parts][0]"
    cells = [
        f"{{{part}[n_search]:,}} + {{{part}[n_outer]:,}}", f"{{{at}[asked]}} ({{{part}[states][pruned]}})", score,
        f"{{{judged}[inner]:.3f}}",
        _bounded(f"{judged}[outer]"), _bounded(f"{judged}[inflation]", "+.3f"), _bounded(f"{judged}[promised]", "+.3f"),
        _bounded(f"{judged}[kept]", "+.3f"),
    ]  # fmt: skip
    return f"| {SETS[name]} | {' | '.join(cells)} |"


_REAL = "search[searches][real][judgement]"
_NOISE = "samplers[noise][random]"
FIGURES = (
    "{samplers[n_search]} of {samplers[n]:,} patches of Landslide4Sense",
    "{samplers[budget]} trials, {samplers[seeds]} seeds",
    *(on_patches(name) for name in NAMES),
    f"the best AUC of a search is {_mean(f'{_NOISE}[inner]')} and its settings reach {_mean(f'{_NOISE}[outer]')}",
    *(on_functions(name) for name in NAMES),
    of_set("demo", "AUC"),
    of_set("real", "F1"),
    f"promised {{{_REAL}[promised][value]:+.3f}} over the settings as they are and keeps {{{_REAL}[kept][value]:+.3f}}",
    f"both networks of the winner together reach {_bounded(f'{_REAL}[deployed]')}",
)
SETTINGS = {
    "sphere, 4 settings (lowest: 0)": "the function, and its lowest value",
    "Rastrigin, 2 (0)": "the function, and its lowest value",
    "Branin, 2 (0.40)": "the function, and its lowest value",
}
