"""Which folders are classes, below or above those of the split and of the images. No file is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.data.names.reading import is_known
from core.data.readers.base import Aside, some
from core.data.readers.moments.pairing import PLAIN
from core.data.readers.pairs import IMAGES, MASKS, SPLITS
from core.data.readers.tables import LANDSLIDE

_NEUTRAL = {*IMAGES, *SPLITS}  # folders that say nothing of the class, nor do those of a moment (before, after)


def classes(source: Path, files: Sequence[Path], positive: str | None) -> dict[Path, str]:
    """The class folder of each file, "" for none: the nearest, or the one on the level of the positive class.

    ``train/landslide/a.png``, ``landslide/train/a.png``, ``landslide/image/a.png`` and, where that folder is called
    landslide or ``positive``, ``landslide/2017/a.png``.
    """
    chains = {path: _chain(source, path) for path in files}
    sought = {*LANDSLIDE, *([positive.lower()] if positive else [])}
    levels = Counter(level for chain in chains.values() for level, name in enumerate(chain) if name.lower() in sought)
    level = levels.most_common(1)[0][0] if levels else -1
    return {path: chain[min(level, len(chain) - 1)] if chain else "" for path, chain in chains.items()}


def class_folder(source: Path, path: Path, name: str) -> Path:
    """The nearest folder around a file that is called as its class is; its own folder where it has no class."""
    below = [folder for folder in path.parents if source in folder.parents]
    return next((folder for folder in below if folder.name == name), path.parent)


def only_images(source: Path, files: Sequence[Path], aside: Aside) -> list[Path]:
    """The files without those of other layers: of folders beside one of images (``landslide/dem``), which are named."""
    holders = {
        source.joinpath(*parts[:i])
        for path in files
        for parts in [path.relative_to(source).parts[:-1]]
        for i, name in enumerate(parts)
        if name.lower() in IMAGES
    }
    kept: list[Path] = []
    left: Counter[str] = Counter()
    for path in files:
        parts = path.relative_to(source).parts[:-1]
        other = next((i for i, name in enumerate(parts) if _is_other(source, parts, i, holders)), None)
        if other is None:
            kept.append(path)
        else:
            left["/".join(parts[: other + 1])] += 1
    if left:
        names = [f"{name} ({n} files)" for name, n in sorted(left.items())]
        aside.warn(f"Folders of other layers, beside the images, were left out: {some(names)}.")
    return kept


def _is_other(source: Path, parts: tuple[str, ...], i: int, holders: set[Path]) -> bool:
    folder, name = source.joinpath(*parts[:i]), parts[i].lower()
    if folder not in holders or name in {*IMAGES, *MASKS, *SPLITS}:
        return False
    return folder != source or is_known(name)


def in_images(source: Path, path: Path) -> bool:
    """Whether a folder that holds the file is called images."""
    return any(part.lower() in IMAGES for part in path.relative_to(source).parts[:-1])


def mask_folder(source: Path, path: Path, names: Sequence[str]) -> str:
    """The folder of masks that a file lies in, below ``source``."""
    parts = path.relative_to(source).parts[:-1]
    return "/".join(parts[: next((i for i, part in enumerate(parts) if part.lower() in names), 0) + 1])


def _chain(source: Path, path: Path) -> tuple[str, ...]:
    return tuple(name for name in path.relative_to(source).parts[:-1] if not _is_neutral(name))


def _is_neutral(name: str) -> bool:
    return name.lower() in _NEUTRAL or any(word.fullmatch(name) for word in PLAIN.values())
