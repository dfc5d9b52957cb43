"""Which weights each fold starts from, so that no fold is judged on patches that its weights had learnt from.

``model.weights`` may be a fold of another run, a whole run, or a file. What it was trained on is compared with the
patches that the new run judges (``core.data.origin``):

- Nothing in common: all folds start from the fold that was named, or fold k from fold k of a whole run.
- Equal folds: fold k starts from the old fold that learnt from nothing that fold k judges, which new fold k's own
  training part does not hold. The fold that was named gives way.
- Otherwise the run is refused, or the patches are left out (``model.weights_overlap``).
- Where nobody wrote down what the weights learnt from, the run's warnings say "of unknown origin".

Packaged weights (``model.pretrained=packaged``) are kept beside the runs; they learnt from ImageNet's photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import ModelConfig, RunConfig
from core.config.packaged_weights import asked_for, of_backbone
from core.data.folds import Folds
from core.data.origin.facts import PatchFacts
from core.data.origin.match import Matches, identical_patches
from core.data.origin.trained_on import Known, Part, TrainedOn, compare, known_to
from core.errors import ConfigError
from core.io.json_text import load_json
from core.predict.training_record import from_card, training_record
from core.progress import drain
from core.runs.store import RunFolder
from core.train.networks.packaged import kept
from core.train.networks.pretrained import source_name

KEPT = "weights"  # folder in the checkpoints folder, of packaged weights as .safetensors
FIELDS = ("weights", "sar_weights")


@dataclass(frozen=True, eq=False)
class Source:
    """One ``model.weights``: where it leads, and how what it was trained on is linked to the new run's patches.

    run: whose fold or whole it is; none: a file of its own. fold: the one that was named; none: a whole run, or a file.
    """

    setting: str
    path: Path
    run: RunFolder | None
    fold: int | None
    trained_on: TrainedOn
    matches: tuple[Matches, ...]

    @property
    def named(self) -> str:
        """For sentences."""
        return self.run.name if self.run is not None else source_name(self.path)

    def path_of(self, fold: int) -> str:
        """The weights of one of its folds."""
        return str(self.path if self.run is None else self.run.fold_path(fold))


@dataclass(frozen=True, eq=False)
class Start:
    """What the folds of a run start from.

    paths: setting -> the path for each fold. learnt: what they had learnt from, by the new run's folds. notes: for the
    run's warnings.
    """

    paths: dict[str, tuple[str, ...]]
    learnt: tuple[TrainedOn, ...] = ()
    notes: tuple[str, ...] = ()


def packaged_cards(model: ModelConfig, checkpoints: Path) -> list[dict]:
    """The cards of the packaged weights that a network starts from, for the run's record; they are kept from here on.

    Raises ConfigError and FormatError as ``core.train.networks.packaged.kept``.
    """
    paths = [kept(of_backbone(backbone), checkpoints / KEPT) for backbone in asked_for(model)]
    return [{"kept": f"{KEPT}/{path.name}"} | load_json(path.with_suffix(".json")) for path in paths]


def sources_of(config: RunConfig, facts: PatchFacts) -> tuple[Source, ...]:
    """The weights that a configuration names, compared with the patches of the new run.

    Raises ConfigError for a fold that the run does not have.
    """
    found = []
    for setting in FIELDS:
        value = getattr(config.model, setting)
        if value is not None:
            path = Path(value)
            run, fold = _whose(path)
            trained_on = _trained_on(path, run)
            if fold is not None and fold >= trained_on.n_folds:
                raise ConfigError(
                    f"model.{setting}: run '{run.name if run else path}' has no fold {fold}; its folds are 0 to "
                    f"{trained_on.n_folds - 1}."
                )
            matches = drain(compare(trained_on, facts, config.model.weights_groups == "same", all_closely=True))
            found.append(Source(setting, path, run, fold, trained_on, matches))
    return tuple(found)


def known_before(sources: Sequence[Source], facts: PatchFacts) -> np.ndarray:
    """(M,) bool: the patches of the new run that any of the weights learnt from, or their like."""
    known = np.zeros(len(facts), bool)
    for source in sources:
        asked, fold = source.trained_on, source.fold
        if fold is not None:
            asked = asked.of_folds([fold])
        known |= drain(known_to(asked, facts, matches=source.matches)).any
    return known


def starts(config: RunConfig, sources: Sequence[Source], facts: PatchFacts, rows: np.ndarray, folds: Folds) -> Start:
    """The weights of each fold. rows: (M,) the dataset's rows that ``facts`` are of.

    Raises ConfigError, naming the count and an example, where a fold would be evaluated on what its weights
    learnt from.
    """
    paths, learnt, notes = {}, [], []
    for source in sources:
        notes += [f"model.{source.setting}: {sentence}" for sentence in source.trained_on.unknown]
        offered = [_choose(source, facts, rows, folds, fold) for fold in range(folds.n_splits)]
        if wrong := [found for found in offered if isinstance(found, Known)]:
            raise ConfigError(_refusal(source, wrong))
        chosen = [found for found in offered if not isinstance(found, Known)]
        paths[source.setting] = tuple(source.path_of(fold) for fold in chosen)
        learnt.append(source.trained_on.of_folds(chosen) if source.trained_on.parts else source.trained_on)
        if (note := _matched(source, chosen)) is not None:
            notes.append(note)
    return Start(paths, tuple(learnt), tuple(notes))


def inherited(learnt: Sequence[TrainedOn], own: Part) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """What a run's record keeps of what its weights had learnt from, beside its own part; and what is unknown of it.

    What the run's own folds learnt from as well is not kept twice.
    """
    parts: list[Part] = []
    unknown: list[str] = []
    for trained_on in learnt:
        unknown += trained_on.unknown
        for one in trained_on.parts:
            _, twin = identical_patches(own.patches.prints, one.patches.prints).known(np.ones(len(own.patches), bool))
            covered = (twin >= 0) & (~one.seen | own.seen[:, twin]).all(axis=0)
            keep = np.flatnonzero(one.seen.any(axis=0) & ~covered)
            if len(keep):
                nothing, none = np.zeros(len(keep), bool), np.full(len(keep), -1, np.int16)
                patches = one.patches.take(keep)
                parts.append(Part(patches, one.seen[:, keep], nothing, none, one.run, one.dataset, one.content_hash))
    return tuple(parts), tuple(dict.fromkeys(unknown))


def _whose(path: Path) -> tuple[RunFolder | None, int | None]:
    """The run that a path leads into, and which fold of it, if it names one."""
    folder = path.parent if path.suffix == ".safetensors" else path
    if (path / "config.json").is_file() and (path / "fold_0").is_dir():
        return RunFolder(path.resolve()), None
    number = folder.resolve().name.removeprefix("fold_")
    parent = folder.resolve().parent
    if number.isdigit() and folder.resolve().name != number and (parent / "config.json").is_file():
        return RunFolder(parent), int(number)
    return None, None


def _trained_on(path: Path, run: RunFolder | None) -> TrainedOn:
    if run is not None:
        return drain(training_record(run))
    known = from_card(path)
    if known is not None:
        return known
    name = source_name(path)
    why = "nothing beside it tells which patches it was trained on"
    if path.with_suffix(".json").is_file() and path.is_file():
        why = "its card does not tell which patches it was trained on"
    return TrainedOn(name, 1, (), (f"The weights '{name}' are of unknown origin: {why}.",))


def _choose(source: Source, facts: PatchFacts, rows: np.ndarray, folds: Folds, fold: int) -> int | Known:
    """The fold of the source that ``fold`` starts from; where each knows what it judges, what the likeliest knows."""
    n_old = source.trained_on.n_folds
    if source.run is None or not source.trained_on.parts:
        own = source.fold if source.fold is not None else (fold % n_old if source.run is not None else 0)
        order = [own]
    elif source.fold is not None and not _overlap(source, facts, rows, folds, source.fold):
        return source.fold
    else:
        order = list(dict.fromkeys([fold % n_old, *range(n_old)]))
    refused: list[Known] = []
    for old in order:
        known = _known_of(source, facts, rows, folds, fold, old)
        if not known.any.any():
            return old
        refused.append(known)
    return refused[0]


def _overlap(source: Source, facts: PatchFacts, rows: np.ndarray, folds: Folds, old: int) -> bool:
    """Whether one fold of the source learnt from what any fold of the new run judges."""
    return any(_known_of(source, facts, rows, folds, fold, old).any.any() for fold in range(folds.n_splits))


def _known_of(source: Source, facts: PatchFacts, rows: np.ndarray, folds: Folds, fold: int, old: int) -> Known:
    """Which patches that ``fold`` judges fold ``old`` of the source knows from others than ``fold`` itself learns from.

    What the new fold learns from as well tells its network nothing that it may not know.
    """
    judged, learns = np.isin(rows, folds.val(fold)), np.isin(rows, folds.train(fold))
    kind, example = np.full(len(rows), "", "U9"), np.full(len(rows), "", object)
    for one, match in zip(source.trained_on.parts, source.matches, strict=True):
        seen = one.seen[min(old, len(one.seen) - 1)] & ~match.twins(learns)
        of_part, partner = match.known(seen)
        new = judged & (kind == "") & (partner >= 0)
        kind[new], example[new] = of_part[new], one.patches.ids[partner[new]]
    return Known(facts.ids, kind, example.astype(str), judged[None] & (kind != ""), np.zeros(len(rows), bool))


def _refusal(source: Source, known: Sequence[Known]) -> str:
    kind = np.where(known[0].any, known[0].kind, "")
    example = known[0].example.copy()
    for other in known[1:]:
        new = other.any & (kind == "")
        kind = np.where(new, other.kind, kind)
        example = np.where(new, other.example, example)
    of_all = Known(known[0].ids, kind, example, known[0].seen, known[0].excluded)
    n = int(of_all.any.sum())
    return (
        f"The weights of '{source.named}' learnt from {n:,} of the patches that this run would be evaluated on "
        f"({of_all.words()}), so its scores would be too good. Use the folds of that run (same dataset, seed and "
        "number of folds; they are then matched one by one), start from other weights, or set "
        "model.weights_overlap=leave_out to leave these patches out."
    )


def _matched(source: Source, chosen: Sequence[int]) -> str | None:
    """A sentence where another fold than the one that was named is used."""
    if source.fold is None or all(old == source.fold for old in chosen):
        return None
    order = ", ".join(str(old + 1) for old in chosen)
    return (
        f"model.{source.setting}: this run shares patches with run '{source.named}'. So that no fold is evaluated on "
        f"what its weights learnt from, its folds start from that run's folds {order}, not all from fold "
        f"{source.fold + 1}."
    )
