"""Folders of patches for the tests of their reader, and the import of one."""

import numpy as np
from PIL import Image

from core.data.readers import ReaderOptions, ingest
from core.data.store import open_dataset


def picture(path, value=None, size=(4, 6), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *path.stem.encode()])
    pixels = (
        rng.integers(0, 256, (*size, 3)).astype(np.uint8) if value is None else np.full((*size, 3), value, np.uint8)
    )
    Image.fromarray(pixels).save(path)
    return pixels.transpose(2, 0, 1)


def array(path, shape=(6, 5, 4), dtype=np.float64):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng([*path.stem.encode()]).uniform(100, 3000, shape).astype(dtype)
    np.save(path, values)
    return values


def run(source, out=None, format="folders", **options):
    steps = ingest(format, source, out or source.parent / "out.h5", ReaderOptions(**options))
    progress = []
    while True:
        try:
            progress.append(next(steps))
        except StopIteration as done:
            assert progress[-1].share == 1.0 and [p.share for p in progress] == sorted(p.share for p in progress)
            return done.value, open_dataset(done.value.dataset)


def table(source, text, name="labels.csv"):
    (source / name).write_text(text, encoding="utf-8")
    return source / name
