"""An epoch of patches: from our dataset file against .npy files through a torch DataLoader, in this one process.

    python -m benchmarks.speed.load [--n 3000] [--out benchmarks/results/load.json]

The patches are Zindi's: (64, 64, 12) float64 arrays, one file each, and the same patches in a dataset file. Every way
gives the same shuffled batches of 36, (n, 12, 64, 64) float32 on the device. Warm: the files are in the system's page
cache. Cold: they were dropped from it just before (posix_fadvise; the disk's own cache is beyond our reach). The ways
take turns and the best of the rounds counts, so that other work on the machine disturbs all alike.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.report import circumstances, keep, parser
from core.data.bands import ZINDI_BANDS
from core.data.store import DatasetWriter, open_dataset
from core.device import choose_device
from core.train.batches import batch_indices, place

BATCH, WORKERS, ROUNDS = 36, 2, 3


class NpyFiles(Dataset):
    """The peer: one (H, W, C) float64 file a patch, read and turned into (C, H, W) float32 when asked for."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> torch.Tensor:
        return torch.from_numpy(np.load(self.paths[i]).transpose(2, 0, 1).astype(np.float32))


def write_patches(folder: Path, n: int) -> tuple[list[Path], Path]:
    """The .npy files and the dataset file with the same patches."""
    rng = np.random.default_rng(0)
    paths = [folder / f"p{i:05d}.npy" for i in range(n)]
    writer = DatasetWriter(
        folder / "patches.h5", bands=ZINDI_BANDS, shape_hw=(64, 64), class_names=("other", "landslide"), source="made"
    )
    with writer:
        for path in paths:
            patch = rng.normal(size=(64, 64, 12)) * 1000
            np.save(path, patch)
            writer.append(patch.transpose(2, 0, 1)[None].astype(np.float32), [0], [path.stem])
        return paths, writer.finish().path


def forget(paths: list[Path]) -> None:
    """Drop files from the page cache, so that the next read comes from the disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def in_memory(path: Path, device: torch.device) -> Iterator[torch.Tensor]:
    """Our way: the file into memory once, onto the device where it fits, then batches."""
    images = open_dataset(path).images()
    data = place(images, np.zeros((len(images), 2), np.float32), device)
    for index in batch_indices(len(data), BATCH, np.random.default_rng(0)):
        yield data.take(index)[0]


def streamed(path: Path, device: torch.device) -> Iterator[torch.Tensor]:
    """Every batch read from the dataset file when its turn comes, for comparison."""
    dataset = open_dataset(path)
    for index in batch_indices(len(dataset), BATCH, np.random.default_rng(0)):
        yield torch.from_numpy(dataset.images(index)).to(device)


def later_epochs(path: Path, device: torch.device) -> Callable[[], float]:
    """Our second and every further epoch: the patches are in memory."""
    images = open_dataset(path).images()
    data = place(images, np.zeros((len(images), 2), np.float32), device)
    order = np.random.default_rng(0)
    return lambda: epoch(lambda: (data.take(index)[0] for index in batch_indices(len(data), BATCH, order)), device)


def epoch(batches: Callable[[], Iterator[torch.Tensor]], device: torch.device) -> float:
    """Seconds until every batch of an epoch has been on the device; one value of each is looked at."""
    began, n = time.perf_counter(), 0
    for batch in batches():
        n += float(batch[0, 0, 0, 0]) is not None
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    assert n > 0
    return time.perf_counter() - began


def measure(n: int, device: torch.device) -> dict:
    with tempfile.TemporaryDirectory() as name:
        npy, h5 = write_patches(Path(name), n)
        loader = DataLoader(
            NpyFiles(npy), BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True,
            pin_memory=device.type == "cuda", generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        ways: dict[str, tuple[Callable, list[Path]]] = {
            "npy_dataloader": (lambda: (batch.to(device, non_blocking=True) for batch in loader), npy),
            "dataset_file_first_epoch": (lambda: in_memory(h5, device), [h5]),
            "dataset_file_streamed": (lambda: streamed(h5, device), [h5]),
        }
        for batches, _ in ways.values():  # starts the workers, loads what is loaded once
            epoch(batches, device)
        seconds: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for way, (batches, files) in ways.items():
                forget(files)
                seconds.setdefault(f"{way}_cold", []).append(epoch(batches, device))
                seconds.setdefault(f"{way}_warm", []).append(epoch(batches, device))
        again = later_epochs(h5, device)
        seconds["dataset_file_later_epochs"] = [again() for _ in range(ROUNDS)]
        sizes = {"npy_mib": sum(p.stat().st_size for p in npy) / 2**20, "dataset_file_mib": h5.stat().st_size / 2**20}
    best = {name: min(values) for name, values in seconds.items()}
    return report(n, device, best, sizes)


def report(n: int, device: torch.device, best: dict[str, float], sizes: dict[str, float]) -> dict:
    peer_warm, peer_cold = best["npy_dataloader_warm"], best["npy_dataloader_cold"]
    ratios = {
        "later_epochs_warm": peer_warm / best["dataset_file_later_epochs"],
        "first_epoch_warm": peer_warm / best["dataset_file_first_epoch_warm"],
        "first_epoch_cold": peer_cold / best["dataset_file_first_epoch_cold"],
        "streamed_warm": peer_warm / best["dataset_file_streamed_warm"],
        "streamed_cold": peer_cold / best["dataset_file_streamed_cold"],
    }
    return {
        "benchmark": "load",
        "peer": f"torch DataLoader, {WORKERS} workers, one .npy (64, 64, 12) float64 a patch",
        "n_patches": n,
        "batch": BATCH,
        "seconds_per_epoch": {name: round(value, 4) for name, value in best.items()},
        "ratio": {name: round(value, 1) for name, value in ratios.items()},
        **{name: round(value, 1) for name, value in sizes.items()},
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        **circumstances("numpy", "torch", "h5py"),
    }


def main() -> None:
    options = parser(__doc__, 3000)
    options.add_argument("--device", default="auto", help="auto, cpu or cuda")
    arguments = options.parse_args()
    result = measure(arguments.n, choose_device(arguments.device))
    print("| an epoch of patches | seconds | of the peer's |")
    print("|---|---|---|")
    for name, seconds in result["seconds_per_epoch"].items():
        peer = result["seconds_per_epoch"]["npy_dataloader_cold" if name.endswith("cold") else "npy_dataloader_warm"]
        print(f"| {name.replace('_', ' ')} | {seconds:.3f} | {peer / seconds:.1f} x |")
    keep(result, arguments.out)


if __name__ == "__main__":
    main()
