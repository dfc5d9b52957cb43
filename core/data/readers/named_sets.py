"""The seven image sets of the paper on EfficientNet and Grad-CAM (its Tables I and II), built from local folders.

A recipe (``core/data/recipes/set1.json`` ... ``set7.json``) is built from a folder that holds a folder for each of its
sources; links to where the images are will do. The images come with their SHA-256, and with a manifest that the next
build is held against. The images are public elsewhere, not here, and the paper does not list which of them it took, so
ours are drawn by a fixed rule: as evenly over the sources of a class as these allow, by the hash of their names, so
that a larger set holds the smaller one. In the paper class 0 is landslide.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.data.readers.base import Aside, Collection, Item, ReaderOptions, some
from core.data.readers.files import FilePatch, patch_files
from core.errors import DataError, FormatError
from core.io.atomic import sha256

FOLDER = Path(__file__).resolve().parents[1] / "recipes"
POSITIVE, NEGATIVE = "landslide", "non_landslide"
UNUSED = ("label", "labels")  # folders of CAS Landslide whose content is no image


@dataclass(frozen=True)
class Chosen:
    """One image of a set. file: its path below the source folder. kind: "landslide" or "non_landslide"."""

    file: str
    kind: str
    source: str
    sha256: str


@dataclass(frozen=True)
class NamedSet:
    """A reader of one of the sets."""

    recipe: dict[str, Any]

    def recognises(self, source: Path) -> bool:
        """Never: a set is asked for by its name."""
        return False

    def collect(self, source: Path, options: ReaderOptions, aside: Aside) -> Collection:
        """The images of the set. With a manifest those that it lists, each proved to be unchanged.

        Raises FormatError naming the folders that are missing, DataError for files that are not as the manifest says,
        or in strict mode when there are fewer images than the recipe asks for.
        """
        recipe = self.recipe
        manifest = _read_manifest(options.manifest, recipe) if options.manifest and options.manifest.is_file() else None
        chosen = _chosen(recipe, source, options, aside) if manifest is None else _verified(manifest, source)
        self._report(chosen, aside)
        return Collection(
            recipe["title"],
            [_item(source, image, recipe["split"]) for image in chosen],
            (NEGATIVE, POSITIVE),
            resize=recipe["resize"],
            manifest="" if manifest is not None else _manifest(recipe, chosen),
            conflicting_ids=_in_both_classes(chosen),
            facts={key: recipe[key] for key in ("name", "table", "stated", "class_ids", "sources", "notes")},
        )

    def collect_unlabelled(self, source: Path, options: ReaderOptions, aside: Aside) -> Collection:
        """The same images without their labels."""
        found = self.collect(source, options, aside)
        items = [Item(item.id, item.patch) for item in found.items]
        return Collection(found.name, items, found.class_names, resize=found.resize)

    def _report(self, chosen: Sequence[Chosen], aside: Aside) -> None:
        stated, found = self.recipe["stated"], Counter(image.kind for image in chosen)
        title = self.recipe["title"].partition(":")[0]
        aside.warn(
            f"{title}: {found[POSITIVE]} landslides (class 0 in the paper, 1 here) and {found[NEGATIVE]} others "
            f"(class 1 there, 0 here); Table {self.recipe['table']} states {stated[POSITIVE]} and {stated[NEGATIVE]}."
        )
        for text in (gap(self.recipe), *self.recipe["notes"]):
            if text:
                aside.warn(text)
        copies = [names for names in _by_content(chosen).values() if len(names) > 1]
        if copies:
            aside.warn(f"{len(copies)} images occur more than once, first {some(copies[0])}.")


@cache
def named_sets() -> dict[str, NamedSet]:
    """The readers of all sets by name: "set1" to "set7"."""
    return {path.stem: NamedSet(json.loads(path.read_text("utf-8"))) for path in sorted(FOLDER.glob("set*.json"))}


def gap(recipe: dict[str, Any]) -> str:
    """What the stated counts of a set that extends another do not add up to, in a sentence; "" when they do."""
    if "extends" not in recipe:
        return ""
    base, stated, adds = named_sets()[recipe["extends"]].recipe, recipe["stated"], recipe["adds"]
    sums = {kind: base["stated"][kind] + adds[kind] for kind in (POSITIVE, NEGATIVE)}
    total = sum(sums.values())
    if total == stated["total"]:
        return ""
    title, base_title = (each["title"].partition(":")[0] for each in (recipe, base))
    return (
        f"{title} is stated as {stated['total']} ({stated[POSITIVE]} + {stated[NEGATIVE]}), but {base_title} "
        f"({base['stated']['total']}) and {sum(adds.values())} new images make {total} "
        f"({sums[POSITIVE]} + {sums[NEGATIVE]}): {total - stated['total']} are unaccounted for. Built as stated."
    )


def even_shares(sizes: Sequence[int], total: int) -> list[int]:
    """How many to take of each source: as even as their sizes allow, together ``total`` where there are as many."""
    total = min(total, sum(sizes))
    level = 0  # as water rises in vessels of these heights
    while sum(min(size, level + 1) for size in sizes) <= total and level < max(sizes, default=0):
        level += 1
    shares = [min(size, level) for size in sizes]
    for i, size in enumerate(sizes):
        if sum(shares) < total and size > level:
            shares[i] += 1
    return shares


def _chosen(recipe: dict[str, Any], source: Path, options: ReaderOptions, aside: Aside) -> list[Chosen]:
    missing = [name for name in recipe["sources"] if not (source / name).is_dir()]
    if missing:
        wanted = "; ".join(f"{name}/: {recipe['sources'][name]['title']}" for name in missing)
        raise FormatError(f"{source} has no folder {some(missing, 20)}, which {recipe['name']} needs. {wanted}.")
    found = []
    for part in recipe["parts"]:
        files = {name: _ranked(source, name, aside) for name in part["folders"]}
        shares = even_shares([len(names) for names in files.values()], part["take"])
        if sum(shares) < part["take"]:
            text = f"{some(part['folders'])} hold {sum(shares)} images; {part['take']} are asked for ({part['class']})."
            if options.strict:
                raise DataError(f"{recipe['name']}: {text}")
            aside.warn(text)
        for (name, paths), share in zip(files.items(), shares, strict=True):
            found += [Chosen(file, part["class"], name, sha256(source / file)) for file in sorted(paths[:share])]
    return found


def _ranked(source: Path, folder: str, aside: Aside) -> list[str]:
    """Paths of a source's images below ``source``, in an order that depends on their names alone."""
    files = patch_files(source / folder, aside)
    names = [path.relative_to(source) for path in files if path.suffix.lower() != ".npy"]
    kept = [name.as_posix() for name in names if not {part.lower() for part in name.parts} & set(UNUSED)]
    return sorted(kept, key=lambda name: hashlib.sha256(name.encode()).digest())


def _item(source: Path, image: Chosen, split: str) -> Item:
    columns = {"file": image.file, "source": image.source, "sha256": image.sha256}
    patch = FilePatch(source / image.file, image.file)
    return Item(_name(image), patch, int(image.kind == POSITIVE), split=split, columns=columns)


def _name(image: Chosen) -> str:
    return image.file.rpartition(".")[0]


def _by_content(chosen: Sequence[Chosen]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for image in chosen:
        found.setdefault(image.sha256, []).append(image.file)
    return found


def _in_both_classes(chosen: Sequence[Chosen]) -> tuple[str, ...]:
    kinds: dict[str, set[str]] = {}
    for image in chosen:
        kinds.setdefault(image.sha256, set()).add(image.kind)
    return tuple(_name(image) for image in chosen if len(kinds[image.sha256]) > 1)


def _manifest(recipe: dict[str, Any], chosen: Sequence[Chosen]) -> str:
    return json.dumps({"set": recipe["name"], "files": [vars(image) for image in chosen]}, indent=1) + "\n"


def _read_manifest(path: Path, recipe: dict[str, Any]) -> list[Chosen]:
    try:
        found = json.loads(path.read_text("utf-8"))
        files = [Chosen(**{key: str(value) for key, value in row.items()}) for row in found["files"]]
        if any(image.kind not in (POSITIVE, NEGATIVE) for image in files):
            raise ValueError("a class is neither landslide nor non_landslide")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{path.name} is not a manifest of a named set ({error}). Remove it to choose anew."
        ) from error
    if found["set"] != recipe["name"]:
        raise FormatError(f"{path.name} is the manifest of {found['set']}, not of {recipe['name']}. Name another file.")
    return files


def _verified(files: list[Chosen], source: Path) -> list[Chosen]:
    wrong = []
    for image in files:
        path = source / image.file
        if ".." in Path(image.file).parts or Path(image.file).is_absolute():
            wrong.append(f"{image.file} (leads out of the folder)")
        elif not path.is_file():
            wrong.append(f"{image.file} (missing)")
        elif sha256(path) != image.sha256:
            wrong.append(f"{image.file} (changed)")
    if wrong:
        raise DataError(
            f"{len(wrong)} of {len(files)} files are not as the manifest says: {some(wrong)}. Restore them, or remove "
            "the manifest to choose anew."
        )
    return files
