"""How surely wrong and foreign patches are told from those that a run knows, and how often there is a false alarm.

    LANDSLIDE_REAL_DATA=DIR python -m benchmarks.experiments.novelty [--demo RUN] [--rgb RUN] [--n 60] [--out FILE]

RUN: the folder of a finished run with its dataset: ``--demo`` on the simulated 12-band patches, ``--rgb`` on the
Landslide4Sense true-colour patches. A FILE that is there keeps what is not measured again. Planted faults: in held-out
groups, each by the fold that held it out. New patches: simulated with other seeds, which no fold has seen, predicted as
new ones are, by all folds. Other places: real patches as red, green, blue, and Mars, each as one set. Cost: CPU seconds
for a simulated scene with and without novelty.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from PIL import Image

from benchmarks.report import circumstances, keep, parser
from core.data.demo import demo_steps
from core.data.store import open_dataset
from core.errors import FormatError
from core.predict.novelty.calibrated import Novelty
from core.predict.novelty.collect import Collector
from core.predict.novelty.fit import fit, save
from core.predict.novelty.rates import planted_rates
from core.predict.patches import Ensemble
from core.predict.scene.answers import stripe_answers
from core.predict.values import Watch, values_of_run
from core.progress import drain
from core.runs.store import RunFolder
from core.stats.grouped_means import mean_of

SEEDS = range(101, 103)
OF_SEED, ELSEWHERE, SIDE = 150, 24, 64
SCENE = 256  # pixels a side of the scene whose cost is measured


def share(told: np.ndarray, groups: np.ndarray | None = None) -> dict:
    """With its interval."""
    found = mean_of(told.astype(float), groups, (0.0, 1.0))
    return {"share": found.value, "lo": found.lo, "hi": found.hi, "n": found.n, "n_groups": found.n_groups}


def judged(ensemble: Ensemble, novelty: Novelty, images: np.ndarray) -> Collector:
    """Patches seen as a prediction sees them."""
    collector = Collector(novelty, ensemble.models[0].network.bands)
    collector.look(images)
    ensemble.fold_probs(images, read=collector.read)
    return collector


def new_patches(run: RunFolder, novelty: Novelty) -> dict:
    """False alarms among patches of the same simulation that nothing was trained or calibrated on."""
    ensemble, p, groups, sets = Ensemble.load(run), [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            data = drain(demo_steps(Path(folder) / f"{seed}.h5", OF_SEED, seed))
            for group in np.unique(data.groups):
                rows = np.flatnonzero(data.groups == group)
                found = judged(ensemble, novelty, data.images(rows, novelty.band_names)).found()
                p.append(found.patches.p)
                groups += [f"{seed}/{group}"] * len(rows)
                sets.append(found.p_set)
    p, sets = np.concatenate(p), np.array(sets)
    levels = (novelty.level, 0.05, 0.1)
    return {
        "patches": {f"{level:g}": share(p <= level, np.array(groups)) for level in levels},
        "sets": {f"{level:g}": share(sets <= level) for level in levels},
    }


def pictures(paths: list[Path]) -> np.ndarray:
    """(n, 3, 64, 64) of RGB pictures, cut in the middle or as they are."""
    cut = []
    for path in paths:
        pixels = np.asarray(Image.open(path).convert("RGB"), np.float32)
        top, left = ((side - SIDE) // 2 for side in pixels.shape[:2])
        cut.append(pixels[top : top + SIDE, left : left + SIDE].transpose(2, 0, 1))
    return np.stack(cut)


def stretched(images: np.ndarray) -> np.ndarray:
    """Each band of each patch from its 2 to 98 % quantiles to 0-255, as pictures are made of DN."""
    low, high = (np.nanquantile(images, q, axis=(2, 3), keepdims=True) for q in (0.02, 0.98))
    return np.clip(255 * (images - low) / np.maximum(high - low, 1e-6), 0, 255).astype(np.float32)


def elsewhere(data: Path) -> dict[str, np.ndarray]:
    """Title -> (n, 3, 64, 64), as red, green and blue."""
    rng = np.random.default_rng(0)
    bijie = sorted((data / "bijie-rgb-64/images").rglob("*.*"))
    chittagong = sorted((data / "chittagong-s2-4band/patches64").glob("*.npy"))
    dn = np.stack([np.load(path, allow_pickle=False) for path in rng.permutation(chittagong)[:ELSEWHERE]])
    dn = dn.transpose(0, 3, 1, 2)[:, :3].astype(np.float32)
    tiles = pd.read_csv(data / "marsls-7band/tiles64.csv")
    mars = []
    for row in tiles.sample(min(ELSEWHERE, len(tiles)), random_state=0).itertuples():
        path = next((data / "marsls-7band" / row.split).rglob(row.image))
        whole = tifffile.imread(path).astype(np.float32)[:, :, [2, 1, 0]].transpose(2, 0, 1)
        mars.append(whole[:, SIDE * row.row : SIDE * (row.row + 1), SIDE * row.col : SIDE * (row.col + 1)])
    cas = sorted((data / "cas-landslide-samples").glob("*.tiff"))
    return {
        "Bijie (TripleSat 0.8 m, shrunk to 64 px)": pictures([Path(one) for one in rng.permutation(bijie)[:ELSEWHERE]]),
        "Chittagong (Sentinel-2 DN)": dn,
        "Chittagong (DN / 4000 x 255)": np.clip(dn * 255 / 4000, 0, 255),
        "Chittagong (each patch stretched)": stretched(dn),
        "CAS samples (several sensors)": pictures(cas),
        "Mars (blue, green, red, as they are)": np.stack(mars),
        "Mars (each patch stretched)": stretched(np.stack(mars)),
    }


def other_places(run: RunFolder, novelty: Novelty, data: Path) -> dict:
    """What is said of real patches from elsewhere."""
    ensemble, found = Ensemble.load(run), {}
    for title, images in elsewhere(data).items():
        watch, refusal = Watch(run.name, tuple(values_of_run(run))), ""
        watch.look(images)
        try:
            watch.refuse()
        except FormatError as error:
            refusal = str(error)
        one = judged(ensemble, novelty, images).found()
        found[title] = {
            "n": len(images), "p_set": one.p_set, "told": one.is_off, "furthest": novelty.named(one.most),
            "patches": share(one.patches.p <= novelty.level), "refused": bool(refusal), "sentence": one.sentence(),
            "embedding_alone": share(one.patches.p_embedding <= novelty.level),
            "bands_alone": share(one.patches.p_bands <= novelty.level),
        }  # fmt: skip
    return found


class Timed(Collector):
    """A collector that counts the CPU seconds that it takes."""

    seconds = 0.0

    def _timed(self, call, *given):
        began = time.process_time()
        found = call(*given)
        self.seconds += time.process_time() - began
        return found

    def look(self, images):
        return self._timed(super().look, images)

    def read(self, fold, features):
        return self._timed(super().read, fold, features)

    def judged(self):
        return self._timed(super().judged)


def cost(run: RunFolder, novelty: Novelty) -> dict:
    """CPU milliseconds a window, of the answer of all folds and of novelty in it; the least of three."""
    ensemble, rng = Ensemble.load(run), np.random.default_rng(0)
    trained = values_of_run(run)
    image = np.stack([rng.normal(row["q50"], row["q75"] - row["q25"], (SCENE, SCENE)) for row in trained])
    image, answers, own = image.astype(np.float32), [], []
    corners = [(row, col) for row in range(0, SCENE - SIDE + 1, 32) for col in range(0, SCENE - SIDE + 1, 32)]
    for _ in range(3):
        collector = Timed(novelty, ensemble.models[0].network.bands)
        began = time.process_time()
        drain(stripe_answers(ensemble, image, corners, novelty=collector))
        collector.judged()
        own.append(collector.seconds)
        answers.append(time.process_time() - began - collector.seconds)
    of_window = {"answer": 1000 * min(answers) / len(corners), "novelty": 1000 * min(own) / len(corners)}
    kept = of_window["answer"] / (of_window["answer"] + of_window["novelty"])
    return {"windows": len(corners), "cpu_ms_a_window": of_window, "share_of_speed_kept": kept}


def main() -> None:
    """See the module."""
    given = parser(__doc__, 60, "patches that each fault is planted in")
    given.add_argument("--demo", type=Path, help="folder of the run on simulated patches")
    given.add_argument("--rgb", type=Path, help="folder of the run on Landslide4Sense pictures")
    asked = given.parse_args()
    kept = asked.out is not None and asked.out.exists()
    result = json.loads(asked.out.read_text(encoding="utf-8")) if kept else {}
    for name, path in (("demo", asked.demo), ("rgb", asked.rgb)):
        if path is None:
            continue  # what was measured of it before stays
        run = RunFolder(path)
        novelty = drain(fit(run))
        save(run.results("novelty").part("calibration"), novelty)
        data = open_dataset(run.dataset_path())
        one = {
            "data": data.name, "n_patches": len(data), "backbone": run.config().model.backbone,
            "f1_out_of_fold": run.summary()["oof"]["f1"], "least_p": 1 / (novelty.n_groups + 1),
        }  # fmt: skip
        one["planted"] = {
            key: value for key, value in drain(planted_rates(run, novelty, asked.n)).items() if key != "run"
        }
        if name == "demo":
            one["cost"] = cost(run, novelty)
            one["new_patches"] = new_patches(run, novelty)
        else:
            one["other_places"] = other_places(run, novelty, Path(os.environ["LANDSLIDE_REAL_DATA"]))
        result[name] = one | {"circumstances": circumstances("torch", "scikit-learn", "numpy")}
    keep(result, asked.out)


if __name__ == "__main__":
    main()
