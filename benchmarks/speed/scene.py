"""A whole scene against the bare forward pass of the same networks on windows that lie ready in memory.

    python -m benchmarks.speed.scene [--n 10980] [--height 256] [--stride 32] [--folds 5] [--preset small] [--repeats 3]

A Sentinel-2 tile is 10,980 pixels a side. The scene here is as wide, has 12 bands of float32 in deflated tiles, a
corner without data, and is as high as --height says: memory follows the width, not the height. What is timed is all of
it: reading, cleaning, normalising, cutting windows at a stride of half a window, networks, head, keeping stripes,
blending, and the three Cloud Optimized GeoTIFFs. With --flips each window is seen eight times, as the preset "small" is
evaluated; without it the rest weighs more. The peer, batches of the same size through the same network without
gradients, takes turns with it, so that other work on the machine disturbs both alike.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import circumstances, keep, parser
from core.config import preset
from core.data.bands import ZINDI_BANDS, Band
from core.data.normalise import Normaliser
from core.device import choose_device
from core.evaluate.judge import Rule
from core.heads.base import LinearHead
from core.predict.fold_model import FoldModel
from core.predict.patches import Ensemble
from core.predict.scene.inputs import SceneInput, windows_of
from core.predict.scene.scan import Scan, scan_scene
from core.predict.values import Watch
from core.train.inference import views
from core.train.networks.backbones import build_network

SIDE, BATCH, TILE = 64, 64, 256
TURN_S = 3.0  # of the scene's work before the peer has its turn
PEER = 192  # windows a turn
MEANS = np.array([1832, 1919, 1858, 3151, -10.4, -18.6, -0.9, -0.7, -11.3, -19.9, 0.5, -0.3], np.float32)
SPREADS = np.array([600, 560, 560, 900, 4, 5, 2, 2.4, 3, 5, 1.5, 2.2], np.float32)


def write_scene(path: Path, height: int, width: int) -> None:
    """A scene in Zindi's bands, written tile row by tile row."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    rng = np.random.default_rng(0)
    profile = dict(
        driver="GTiff", count=12, height=height, width=width, dtype="float32", crs="EPSG:32654", tiled=True,
        blockxsize=TILE, blockysize=TILE, compress="DEFLATE", zlevel=1, bigtiff="IF_SAFER", nodata=-9999,
        num_threads="ALL_CPUS", transform=Affine(10, 0, 500_000, 0, -10, 4_700_000),
    )  # fmt: skip
    with rasterio.open(path, "w", **profile) as raster:
        for band, named in enumerate(ZINDI_BANDS, 1):
            raster.set_band_description(band, named.name)
        for top in range(0, height, TILE):
            rows = min(TILE, height - top)
            noise = rng.normal(size=(12, rows, TILE)).astype(np.float32)
            strip = np.tile(noise, (1, 1, -(-width // TILE)))[:, :, :width]
            strip = np.round(MEANS[:, None, None] + SPREADS[:, None, None] * strip, 1)
            if top == 0:
                strip[:, :, :TILE] = -9999
            raster.write(strip, window=Window(0, top, width, rows))


def network_ensemble(
    name: str, bands: Sequence[Band], folds: int, flips: bool = False, device: str = "cpu"
) -> Ensemble:
    """Networks of a preset as they begin, with a linear head; every band is taken as ``MEANS`` says."""
    center, scale = (np.resize(values, len(bands)) for values in (MEANS, SPREADS))
    names = tuple(band.name for band in bands)
    normaliser = Normaliser("standard", names, center, scale, center)
    models = []
    for fold in range(folds):
        network = build_network(preset(name).model, bands, (SIDE, SIDE), fold)[0].to(device).eval()
        n = network.n_features
        weight = np.random.default_rng(fold).normal(size=n) / n**0.5
        head = LinearHead("fc", np.zeros(n), np.ones(n), weight, np.zeros(()))
        models.append(FoldModel(fold, normaliser, network, {"fc": head}, torch.device(device), BATCH, flips))
    rules = {"fc": Rule(None, None, (0.5,) * folds, 0.5)}
    return Ensemble(tuple(models), rules, "fc", names, (SIDE, SIDE))


class Peer:
    """The bare forward pass, a turn at a time."""

    def __init__(self, ensemble: Ensemble, device: torch.device) -> None:
        self._networks = [model.network for model in ensemble.models]
        self._flips = ensemble.models[0].tta
        batch = 256 if device.type == "cuda" else BATCH
        images = torch.randn(PEER, len(ZINDI_BANDS), SIDE, SIDE, generator=torch.Generator().manual_seed(0))
        self._batches = images.to(device).split(batch)
        self.seconds, self.cpu_seconds, self.windows = 0.0, 0.0, 0

    def turn(self, counts: bool = True) -> None:
        """All windows through each network, the answers fetched."""
        start, cpu = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            for network in self._networks:
                for batch in self._batches:
                    for view in views(batch) if self._flips else [batch]:
                        network(view).cpu()
        if counts:
            self.seconds += time.perf_counter() - start
            self.cpu_seconds += time.process_time() - cpu
            self.windows += PEER


def measure(scan: Scan, out: Path, peer: Peer) -> tuple[float, float]:
    """Seconds that the scene took, by the clock and of the processor, without the peer's turns."""
    steps, seconds, cpu_seconds, since = scan_scene(scan, out, 0.5, {}), 0.0, 0.0, 0.0
    while True:
        start, cpu = time.perf_counter(), time.process_time()
        ended = next(steps, None) is None
        took = time.perf_counter() - start
        seconds, cpu_seconds, since = seconds + took, cpu_seconds + time.process_time() - cpu, since + took
        if ended:
            return seconds, cpu_seconds
        if since > TURN_S:
            peer.turn()
            since = 0.0


def compared(scan: Scan, out: Path, peer: Peer) -> dict[str, float]:
    """The scene once, beside its peer."""
    peer.turn(counts=False)  # warm
    seconds, cpu_seconds = measure(scan, out, peer)
    for _ in range(max(0, 3 - peer.windows // PEER)):
        peer.turn()
    ours, theirs = scan.windows.n_windows / seconds, peer.windows / peer.seconds
    cpu_ratio = (scan.windows.n_windows / cpu_seconds) / (peer.windows / peer.cpu_seconds)
    return {
        "windows_per_second": round(ours, 1),
        "peer_windows_per_second": round(theirs, 1),
        "ratio": round(ours / theirs, 3),
        "ratio_of_processor_seconds": round(cpu_ratio, 3),
        "seconds": round(seconds, 1),
    }


def peak_mib() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    options = parser(__doc__, 10_980, "width of the scene in pixels")
    options.add_argument("--height", type=int, default=256, help="height of the scene in pixels")
    options.add_argument("--folds", type=int, default=5, help="networks that answer")
    options.add_argument("--stride", type=int, default=SIDE // 2, help="pixels from window to window")
    options.add_argument("--preset", default="small", help="whose network answers")
    options.add_argument("--repeats", type=int, default=3, help="the run with the median ratio counts")
    options.add_argument("--flips", action="store_true", help="average over flips and quarter turns")
    options.add_argument("--device", default="cpu", help="cpu or cuda")
    arguments = options.parse_args()
    device = choose_device(arguments.device)
    ensemble = network_ensemble(arguments.preset, ZINDI_BANDS, arguments.folds, arguments.flips, device)
    watch = Watch("benchmark", tuple({"name": b.name, "unit": b.unit, "family": b.family, "q50": None,
                                      "plausible": list(b.usual)} for b in ZINDI_BANDS))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "scene.tif", Path(folder) / "out.tif"
        write_scene(path, arguments.height, arguments.n)
        stack = SceneInput(scene=path).stack("benchmark", ZINDI_BANDS, [])
        windows = windows_of(stack.layers[0], (SIDE, SIDE), arguments.stride)
        clean = partial(watch.look, in_place=True)
        before, turns = peak_mib(), []
        for turn in range(arguments.repeats):
            kept = Path(folder) / f"stripes{turn}"
            turns.append(compared(Scan(stack, windows, ensemble, kept, clean), out, Peer(ensemble, device)))
        peak = peak_mib()
    turns.sort(key=lambda one: one["ratio"])
    result = {
        "benchmark": "scene",
        "peer": "the bare forward pass of the same networks on windows in memory",
        "asked": "ratio at least 0.9, less than 4 GiB",
        "shape": [12, arguments.height, arguments.n],
        "stride": windows.stride,
        "n_windows": windows.n_windows,
        "preset": arguments.preset,
        "folds": arguments.folds,
        "flips": arguments.flips,
        **turns[len(turns) // 2],
        "ratios": [one["ratio"] for one in turns],
        "peak_mib": round(peak),
        "peak_mib_before": round(before),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        **circumstances("torch", "timm", "rasterio"),
    }
    print("| scene | windows a second | bare forward pass | ratio | memory, MiB |")
    print("|---|---|---|---|---|")
    row = [result[key] for key in ("windows_per_second", "peer_windows_per_second", "ratio", "peak_mib")]
    print(f"| 12 x {arguments.height} x {arguments.n} | {' | '.join(map(str, row))} |")
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
