"""Figures of docs/ablations.md that stand outside its made tables, from sharing.json of benchmarks/results."""

_AT = "sharing"


def _spared(words: str, kind: str) -> str:
    return f"{words} {{{_AT}[shared][{kind}][spared_cpu_s]:.1f}} s"


FIGURES = (
    f"on {{{_AT}[n]:,}} simulated patches ({{{_AT}[folds]}} folds, {{{_AT}[epochs]}} epochs",
    f"took {{{_AT}[job][cpu_s]:.0f}} s of processor time",
    f"and {{{_AT}[apart][cpu_s]:.0f}} s as eight runs",
    f"that is {{{_AT}[ratio][cpu]:.2f}} of it",
    f"({{{_AT}[ratio][wall]:.2f}} by the clock",
    f"takes {{{_AT}[apart][starting_cpu_s]:.0f}} s for eight processes",
    f"and {{{_AT}[job][starting_cpu_s]:.0f}} s for one",
    _spared("band statistics", "rich"),
    _spared("models on them", "baselines"),
    _spared("check", "check"),
)
SETTINGS: dict[str, str] = {}
