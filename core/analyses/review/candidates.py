"""What may be asked for next: unlabelled patches here, of another dataset or of an earlier prediction, or scene cells.

Each place gives the same: names, probabilities by models that have not learnt from them, how novel they are, and their
embedding by the first fold's network, since folds' spaces do not align. What somebody has judged already, what holds
no data, and what the run knows from its training is never among them. Answers and novelty that are stored are taken;
others are computed, batch by batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError, DataError, LandslideLensError, RunError
from core.progress import Progress, Steps, part
from core.runs.store import RunFolder, datasets_path

OWN, DATASET, PREDICTION, SCENE = "own", "dataset", "prediction", "scene"
BATCH = 64  # raw patches that are held at once
ACCEPTED = "Accepted: own, dataset:NAME, prediction:NAME, scene:NAME"
Batches = Iterator[tuple[np.ndarray, np.ndarray]]


Features = Callable[[np.ndarray], Steps[tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Candidates:
    """What may be asked for.

    kind: "patch" or "cell". title: where they are, for people. judged: the dataset file or folder of a map beside which
    judgements of them are kept; None: those that are chosen become a dataset file first. names: (N,) text. probs: (N,)
    in 0-1; spread: (N,) standard deviation over folds, nan where it was not kept. novelty: (N,) 0-1, the share of them
    that lie nearer to what the run learnt; None where nobody knows. features: from positions to those that can be read
    (m,) and their prepared embeddings (m, D). images: from positions to batches of positions and raw patches
    (n, C, H, W), with ``bands``.
    """

    kind: str
    title: str
    judged: Path | None
    names: np.ndarray
    probs: np.ndarray
    spread: np.ndarray
    threshold: float
    head: str
    novelty: np.ndarray | None
    features: Features
    images: Callable[[np.ndarray], Batches] | None = None
    bands: tuple = ()


def parsed(where: str) -> tuple[str, str]:
    """("dataset", "NAME") of "dataset:NAME"; raises ConfigError for anything else than is accepted."""
    kind, colon, name = where.partition(":")
    if where == OWN or (colon and name.strip() and kind in (DATASET, PREDICTION, SCENE)):
        return kind, name.strip()
    raise ConfigError(f"'{where[:60]}' is no place to choose from. {ACCEPTED}.")


def candidates(run: RunFolder, where: str) -> Steps[Candidates]:
    """Those of a place. Raises DataError where none is left, ConfigError or RunError for a place that is not there."""
    kind, name = parsed(where)
    must_be_there(run, where)
    others = {DATASET: _dataset, PREDICTION: _prediction, SCENE: _scene}
    found = yield from (_own(run) if kind == OWN else others[kind](run, name))
    if not len(found.names):
        raise DataError(
            f"Nothing is left to ask for in {found.title}: all of it has a label, was judged, holds no data or is "
            "known from the training. Choose another dataset, a prediction or a scene's map."
        )
    return found


def must_be_there(run: RunFolder, where: str) -> None:
    """Raises as :func:`candidates` for a place that is not there; reads no image."""
    kind, name = parsed(where)
    if kind == DATASET:
        _dataset_path(run, name)
    elif kind == PREDICTION:
        _report(run, name)
    elif kind == SCENE:
        from core.analyses.maps.opened import report_of

        if not report_of(run, name).get("triage"):
            raise DataError(f"The map '{name}' has no cells: its scene does not say where it lies.")


# ---------------------------------------------------------------------------------------------------- four places


def _own(run: RunFolder) -> Steps[Candidates]:
    """Of the run's own dataset, from what the run has kept: no network is loaded and no image is read.

    All folds' heads answer, since none has learnt from an unlabelled patch.
    """
    from core.data.selection import select
    from core.predict.training_dataset import training_dataset

    yield Progress(0.1, "Looking at the unlabelled patches.")
    dataset, config = training_dataset(run), run.config()
    selection = select(dataset, config.data, config.folds)
    free = (dataset.labels < 0) & ~(selection.excluded | selection.cloudy | selection.held_back)
    if not free.any():
        raise DataError(
            f"Every patch of {dataset.path.name} is labelled already. Import unlabelled ones beside them, or choose "
            "elsewhere: another dataset, a prediction or a scene's map."
        )
    rows = np.flatnonzero(free & ~_judged(dataset.path, dataset.ids))
    head, rule = _kept_head(run)
    probs = np.stack([_kept_probs(run, rule, head, fold)[rows] for fold in range(config.folds.n_splits)])  # (K, n)
    yield Progress(0.5, "Comparing them with what the run learnt.")
    prepared, _, learnt = space_of(run)
    mine = prepared.rows(run.embeddings(0)["embeddings"][rows])
    return Candidates(
        "patch", f"dataset '{dataset.name}'", dataset.path, dataset.ids[rows].astype(str), probs.mean(axis=0),
        probs.std(axis=0), rule["deployed"], head, _novelty(mine, learnt), _at_hand(mine),
    )  # fmt: skip


def _dataset(run: RunFolder, name: str) -> Steps[Candidates]:
    """Of another dataset file: every unlabelled patch is answered for, by all folds."""
    from core.data.store import open_dataset
    from core.predict.known_patches import rows_to_count
    from core.predict.patches import Ensemble, answer
    from core.predict.sources import batches_of

    dataset = open_dataset(_dataset_path(run, name))
    ensemble = Ensemble.load(run)
    new = yield from part(rows_to_count(run, dataset, ensemble.band_names), 0.0, 0.1)
    rows = new[~_judged(dataset.path, dataset.ids[new])]
    if not len(rows):
        raise DataError(
            f"No patch of {dataset.path.name} is left to ask for: they have labels, were judged, or are known from the "
            "training."
        )
    told: list[np.ndarray] = []

    def keep(ids: np.ndarray, raw: np.ndarray, probs: np.ndarray) -> None:
        columns = {name: dataset.columns[name][dataset.index_of(ids.tolist())] for name in ensemble.columns
                   if name in dataset.columns} if ensemble.columns else None  # fmt: skip
        told.append(ensemble.models[0].embeddings(raw, columns))

    steps = answer(run, batches_of(dataset, rows), dataset.bands, ensemble, dataset, len(rows), keep=keep)
    answered = yield from part(steps, 0.1, 0.9)
    answered = answered.only(answered.has_answer)
    prepared, _, learnt = space_of(run)
    mine = prepared.rows(np.concatenate(told)) if told else np.empty((0, learnt.shape[1]))
    return Candidates(
        "patch", f"dataset '{dataset.name}'", dataset.path, answered.ids.astype(str), answered.probs,
        answered.by_fold.std(axis=0), answered.threshold, answered.head, _novelty(mine, learnt), _at_hand(mine),
    )  # fmt: skip


def _prediction(run: RunFolder, name: str) -> Steps[Candidates]:
    """Of an earlier prediction: its answers are taken as they are; of the candidates alone pixels are read again."""
    from core.predict.answered.files import TABLE
    from core.predict.sources import patches_of

    yield Progress(0.1, "Reading the answers.")
    report = _report(run, name)
    asked, table = report["options"], run.results(PREDICTION).part(name).table(TABLE)
    source = Path(asked["source"])
    opening: tuple[Any, ...] = (
        source, asked.get("format"), asked.get("bands"), [], asked.get("unit"), asked.get("nodata"), [],
    )  # fmt: skip
    bands, _, dataset = patches_of(*opening)
    table = table.assign(id=table["id"].astype(str)).drop_duplicates("id")
    free = table["prob"].notna().to_numpy() & (table["known"] == "").to_numpy()
    if dataset is not None:
        unlabelled = set(dataset.ids[dataset.labels < 0].astype(str).tolist())
        free &= table["id"].isin(unlabelled).to_numpy()
    ids = table["id"].to_numpy()
    free &= ~_judged(None if dataset is None else dataset.path, ids)
    for earlier in () if dataset is not None else _made_of(run, name):
        free &= ~_judged(earlier, ids)
    table = table[free].reset_index(drop=True)

    def images(at: np.ndarray) -> Batches:
        place = {table["id"][int(k)]: int(k) for k in at}
        for batch_ids, raw in patches_of(*opening)[1]:
            here = [k for k, one in enumerate(batch_ids.astype(str)) if one in place]
            if here:
                yield np.array([place.pop(str(batch_ids[k])) for k in here]), raw[here]

    return Candidates(
        "patch", source.name, None if dataset is None else dataset.path, table["id"].to_numpy(str),
        table["prob"].to_numpy(float), table["spread"].to_numpy(float), float(report["threshold"]), report["head"],
        _kept_novelty(-table["novelty"].to_numpy(float)) if "novelty" in table else None,
        _embedded(run, images, bands), images, tuple(bands),
    )  # fmt: skip


def _scene(run: RunFolder, name: str) -> Steps[Candidates]:
    """Cells of a scene's map that were seen. A cell speaks through its window with the highest probability."""
    from core.analyses.maps.cell import chosen_windows
    from core.analyses.maps.judged import verdicts
    from core.analyses.maps.opened import open_map

    yield Progress(0.1, "Opening the scene.")
    scene = open_map(run, name)
    cells = scene.own.table("cells")
    done = set(verdicts(scene.own.path, scene.report))
    free = (cells["rank"] > 0) & cells["prob_max"].notna() & ~cells["cell"].astype(str).isin(done)
    cells = cells[free].reset_index(drop=True)

    def images(at: np.ndarray) -> Batches:
        for start in range(0, len(at), BATCH):
            some = at[start : start + BATCH]
            corners = [chosen_windows(scene, cells.iloc[int(k)], 1)[0] for k in some]
            seen = np.array([bool(one) for one in corners])
            if seen.any():
                height, width = scene.windows.side
                raw = [scene.images(one[0][0], one[0][1], height, width) for one in corners if one]
                yield some[seen], np.stack(raw)

    return Candidates(
        "cell", f"scene {Path(scene.report['scene']['scene']).name}", scene.own.path, cells["cell"].to_numpy(str),
        cells["prob_max"].to_numpy(float), np.full(len(cells), np.nan), float(scene.report["triage"]["threshold"]),
        scene.head, _scene_novelty(scene.own, cells), _embedded(run, images, scene.bands), images, scene.bands,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- parts


def space_of(run: RunFolder) -> tuple[Any, np.ndarray, np.ndarray]:
    """How the first fold's embeddings are prepared; rows (m,) of the labelled patches and their embeddings (m, D)."""
    from core.embed.features import Preparation
    from core.flow.fold_rows import fold_rows

    known, rows = run.embeddings(0)["embeddings"], fold_rows(run, 0)
    prepared = Preparation.fit(known, rows.train, run.config().embed.metric)
    learnt = np.concatenate([rows.train, rows.val])
    return prepared, learnt, prepared.rows(known[learnt])


def _novelty(mine: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    from core.embed.neighbours import nearest
    from core.review.next_patches import ranks

    return ranks(nearest(mine, learnt, 1).distance[:, 0])


def _kept_novelty(far: np.ndarray) -> np.ndarray | None:
    """Ranks of what is larger the farther out it lies; None unless it is known of all."""
    from core.review.next_patches import ranks

    return ranks(far) if np.isfinite(far).all() else None


def _scene_novelty(own: Any, cells: Any) -> np.ndarray | None:
    """Of each cell, by the mean of the raster of novelty under it as the map's picture keeps it."""
    arrays, step = own.arrays("picture"), own.json("picture.json")["step"]
    if "novelty" not in arrays:
        return None
    ends = [
        (np.floor(cells[low] / step), np.ceil(cells[high] / step))
        for low, high in (("top", "bottom"), ("left", "right"))
    ]
    boxes = np.stack([np.maximum(end, 0) for pair in ends for end in pair], axis=1).astype(int)
    parts = [arrays["novelty"][top:bottom, left:right] for top, bottom, left, right in boxes]
    return _kept_novelty(-np.array([np.nanmean(one) if np.isfinite(one).any() else np.nan for one in parts]))


def _at_hand(features: np.ndarray) -> Features:
    """See ``Candidates.features``: of rows (N, D) that are there already."""

    def at(positions: np.ndarray) -> Steps[tuple[np.ndarray, np.ndarray]]:
        yield Progress(0.5, "Choosing uncertain, novel and unlike ones.")
        return positions, features[positions]

    return at


def _embedded(run: RunFolder, images: Callable[[np.ndarray], Batches], bands: Any) -> Features:
    """See ``Candidates.features``: of pixels that ``images`` reads."""

    def at(positions: np.ndarray) -> Steps[tuple[np.ndarray, np.ndarray]]:
        from core.predict.patches import Ensemble, fitting

        first = Ensemble.of_folds(run, [0])
        prepared, places, rows = space_of(run)[0], [], []

        def batches() -> Batches:
            for some, raw in images(positions):
                places.append(some)
                yield some.astype(str), raw

        for _, raw in fitting(run.name, batches(), bands, first, []):
            rows.append(prepared.rows(first.models[0].embeddings(raw)))
            done = sum(map(len, places))
            yield Progress(done / len(positions), f"{done:,} of {len(positions):,} compared.")
        if not rows:
            raise DataError("None of the candidates can be read any more. Predict them again.")
        return np.concatenate(places), np.concatenate(rows)

    return at


def _judged(path: Path | None, ids: np.ndarray) -> np.ndarray:
    """(n,) bool: what anybody has judged already."""
    from core.review.judgements import Judgements

    if path is None:
        return np.zeros(len(ids), bool)
    return np.isin(ids.astype(str), [name for _, name in Judgements(path).by_subject("patch")])


def _made_of(run: RunFolder, name: str) -> list[Path]:
    """Dataset files that earlier batches of this prediction became."""
    from core.data.store import list_datasets, open_dataset

    found = []
    for path in list_datasets(run.checkpoints):
        try:
            made = open_dataset(path).facts.get("chosen_from")
        except LandslideLensError:
            continue
        if made == {"run": run.name, "where": f"{PREDICTION}:{name}"}:
            found.append(path)
    return found


def _dataset_path(run: RunFolder, name: str) -> Path:
    path = Path(name) if name.endswith(".h5") else datasets_path(run.checkpoints) / f"{name}.h5"
    if not path.is_file():
        raise ConfigError(f"There is no dataset '{name}' ({path.name} is not there). Give its name, or a path to it.")
    if path.resolve() == Path(run.dataset_path()).resolve():
        raise ConfigError(f"{path.name} is the run's own dataset: choose 'own'.")
    return path


def _report(run: RunFolder, name: str) -> dict[str, Any]:
    """What an earlier prediction said. Raises RunError for one that is not there, DataError where its patches are."""
    results = run.results(PREDICTION)
    if name not in results.parts():
        known = ", ".join(results.parts()) or "none yet; predict patches with --pictures first"
        raise RunError(f"Run '{run.name}' has no kept prediction '{name}'. Known: {known}.")
    report = results.part(name).json("report.json")
    source = Path(report["options"]["source"])
    if report["options"].get("uploaded") or not source.exists():
        raise DataError(
            f"The patches of that prediction, {source.name}, are not there any more (uploads are removed when they are "
            "answered). Import them as a dataset without labels, and choose that."
        )
    return report


def _kept_head(run: RunFolder) -> tuple[str, dict[str, Any]]:
    """The headline's head; of a blend, which keeps no scores of its own, the network's."""
    if not run.has_scores(0) or run.head_rows(0) is None:
        raise RunError(f"Run '{run.name}' was made before scores of unlabelled patches were kept. Train it again.")
    headline = run.summary()["head"]
    head = headline if headline in run.scores(0) else "fc"
    return head, run.rules()[head]


def _kept_probs(run: RunFolder, rule: dict[str, Any], head: str, fold: int) -> np.ndarray:
    from scipy.special import expit

    from core.evaluate.judge import Rule

    return expit(Rule.from_dict(rule).log_odds(run.scores(fold)[head], fold))
