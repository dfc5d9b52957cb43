"""What the bands of a file are, from the names that it gives them: one table of aliases (``aliases.json``) for all.

``B2``, ``B02``, ``SR_B2``, ``S2_B2`` and ``Blue`` are ``blue``; ``vv_dsc`` is ``desc_vv``. Numbered bands mean other
colours by sensor (B4 is red on Sentinel-2 and near infrared on Landsat 5): the names beside them decide, the sensor
that was named, or the names wanted; where these leave several readings the names stay as they are, and the reading says
so.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from core.errors import ConfigError
from core.text import list_names

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "aliases.json").read_text("utf-8"))
SENSORS: dict[str, dict[str, Any]] = TABLE["sensors"]
if TYPE_CHECKING:
    Sensor: TypeAlias = str  # the names are those of a table, which no type checker reads
else:
    Sensor = Literal[tuple(SENSORS)]
POLARISATIONS = ("vv", "vh", "hh", "hv")
_ORBITS = {
    **dict.fromkeys(("desc", "dsc", "descending", "des"), "desc"),
    **dict.fromkeys(("asc", "ascending"), "asc"),
}
_WHEN = {
    **dict.fromkeys(("pre", "before", "prior"), "pre"),
    **dict.fromkeys(("post", "after"), "post"),
    **dict.fromkeys(("diff", "change", "delta", "difference"), "d"),
}
# Words that say how a value was made, not what it is of.
_MADE = {
    "band", "boa", "toa", "sr", "refl", "reflectance", "surface", "mean", "median", "10m", "20m", "30m", "60m", "s1",
    "s1a", "s1b", "s1c", "sentinel1", "s2", "sentinel2", "grd", "rtc", "iw", "lee", "filtered",
}  # fmt: skip
_BACKSCATTER = {"sigma0", "gamma0", "beta0", "sigma", "gamma", "intensity", "amplitude", "linear", "power"}
_CODE = re.compile(r"b0*(\d{1,2})([an])?")
_DATE = re.compile(r"(19|20)\d{6}(t\d+)?|\d+nm")
_LETTERS = {"r", "g", "b", "n"}  # which name colours only together


@cache
def _words() -> dict[str, str]:
    """Our name by every alias, written without separators."""
    return {
        _compact(alias): name
        for name, aliases in TABLE["words"].items()
        for alias in (*aliases, name.replace("_", " "))
    }


@dataclass(frozen=True)
class Reading:
    """names: ours where understood, otherwise the file's own, each once. understood: which. sensor: of numbered bands.

    units: by name, where it is another than usual ("power" of backscatter that is not in dB). note: a sentence on what
    the names were taken for, or why they were not understood; "" when they say it themselves.
    """

    names: tuple[str, ...]
    understood: tuple[bool, ...]
    sensor: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def known(self) -> set[str]:
        """The names of ours in it."""
        return {name for name, mine in zip(self.names, self.understood, strict=True) if mine}


@dataclass(frozen=True)
class _Parsed:
    """A name taken apart. word: ours, or a number code such as B4, or "". hints: sensors its prefix allows."""

    raw: str
    word: str = ""
    code: str = ""
    orbit: str = ""
    when: str = ""
    linear: bool = False
    hints: frozenset[str] | None = None
    heat: bool = False  # surface temperature (ST_B10), and no reflectance

    def named(self, word: str) -> str:
        """Our name of the band: orbit before, "_pre" behind, a change of radar with its d."""
        when = "" if self.when == "post" else self.when
        if word in POLARISATIONS:
            word = f"d{word}" if when == "d" else word
            return "_".join(part for part in (self.orbit, word, "pre" if when == "pre" else "") if part)
        return word if not when else f"{word}_pre" if when == "pre" else f"{word}_change"


def read_names(names: Sequence[str], sensor: str | None = None, wanted: Collection[str] = ()) -> Reading:
    """What the bands that one file names are; see :func:`read_alike`."""
    return read_alike([tuple(names)], sensor, wanted)[tuple(names)]


def read_alike(
    files: Iterable[tuple[str, ...]], sensor: str | None = None, wanted: Collection[str] = ()
) -> dict[tuple[str, ...], Reading]:
    """What the bands of the files of one source are, by the names that each gives them.

    ``sensor``: a key of SENSORS, or None: not said. ``wanted``: names of ours that are among them. What one file says
    plainly decides for the others where these leave a choice. Raises ConfigError for an unknown sensor.
    """
    if sensor is not None and sensor not in SENSORS:
        raise ConfigError(f"There is no sensor '{sensor}'. Known: {', '.join(SENSORS)}.")
    files = list(dict.fromkeys(files))
    parsed = {names: _parsed(names, sensor) for names in files}
    plain = [names for names in files if not any(part.code for part in parsed[names])]
    found = {names: _plainly(parsed[names]) for names in plain}
    others = [reading.known for reading in found.values() if all(reading.understood)]
    for names in files:
        if names not in found:
            found[names] = _numbered(parsed[names], sensor, others, set(wanted))
    return found


def canonical(name: str, sensor: str = "sentinel-2") -> str:
    """Our name for one that stands alone, numbers taken as ``sensor``'s; lower case of what is not known."""
    reading = read_names([name], sensor)
    return reading.names[0] if reading.understood[0] else name.strip().lower()


def is_known(name: str) -> bool:
    """Whether ``name`` says by itself what the band is, without a number of some sensor."""
    return bool(_parse(name, None).word)


def aliases() -> list[dict[str, str]]:
    """The table as rows: band (our name), sensor ("any" where the name says it itself), written (its aliases)."""
    rows = [{"band": name, "sensor": "any", "written": ", ".join(words)} for name, words in TABLE["words"].items()]
    for key, one in SENSORS.items():
        rows += [{"band": band, "sensor": key, "written": code} for code, band in one["bands"].items()]
    return rows


# -------------------------------------------------------------------------------------------------- one name


def _parsed(names: tuple[str, ...], sensor: str | None) -> tuple[_Parsed, ...]:
    letters = {name.strip().lower() for name in names}
    one_by_one = len(letters & _LETTERS) < 3
    return tuple(
        _Parsed(name) if one_by_one and name.strip().lower() in _LETTERS else _parse(name, sensor) for name in names
    )


@cache
def _parse(raw: str, sensor: str | None) -> _Parsed:
    text = unicodedata.normalize("NFKC", raw).strip()
    text = re.sub(r"[(\[].*?[)\]]|\d+(\.\d+)? *nm\b", " ", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold()
    text = re.sub(r"(sentinel|landsat|gaofen)[ _-]?(?=\d(?!\d))", r"\1", text)
    tokens = [token for token in re.split(r"[^a-z0-9]+", text) if token]
    if _compact(raw.casefold()) in _words():
        return _Parsed(raw, _words()[_compact(raw.casefold())])
    orbit = next((_ORBITS[token] for token in tokens if token in _ORBITS), "")
    when = next((_WHEN[token] for token in tokens if token in _WHEN), "")
    backscatter = bool(_BACKSCATTER & set(tokens))
    left = [t for t in tokens if t not in _ORBITS and t not in _WHEN and t not in _BACKSCATTER and t != "db"]
    linear = backscatter and "db" not in tokens
    if left and left[-1].endswith("db") and left[-1][:-2] in POLARISATIONS:
        left[-1], linear = left[-1][:-2], False
    if len(left) == 1 and left[0][:1] == "d" and left[0][1:] in POLARISATIONS:
        left, when = [left[0][1:]], "d"
    left = [token for token in left if not _DATE.fullmatch(token)]
    codes = [code for token in left if (code := _code(token, sensor))]
    bare = [token for token in left if not _code(token, sensor)]  # "Red_B4" is red
    for skip in range(len(bare)):
        word = _words().get("".join(bare[skip:])) or _words().get("".join(t for t in bare[skip:] if t not in _MADE))
        if word and all(token in _MADE or _is_prefix(token) for token in bare[:skip]):
            return _Parsed(raw, word, "", orbit if word in POLARISATIONS else "", when, linear)
    if "band" in left and sensor is not None:
        codes += [code for token in left if (code := _code(f"b{token}", sensor))]
        bare = [token for token in bare if not token.isdigit()]
    hints = frozenset(_hinted(bare))
    if len(codes) == 1 and (hints or all(token in _MADE or _is_prefix(token) for token in bare)):
        return _Parsed(raw, "", codes[0], "", when, False, hints or None, "st" in bare)
    return _Parsed(raw)


def _code(text: str, sensor: str | None) -> str:
    """``B4`` of b4 and b04; of band4 only where the sensor is known, since programs number any bands so."""
    match = _CODE.fullmatch(text if sensor is None else re.sub("^band", "b", text))
    return f"B{int(match[1])}{(match[2] or '').upper()}" if match else ""


def _hinted(prefix: Sequence[str]) -> list[str]:
    words = {*prefix, " ".join(prefix)}
    return [key for key, one in SENSORS.items() if words & set(one["prefixes"])]


@cache
def _is_prefix(token: str) -> bool:
    return any(token in one["prefixes"] for one in SENSORS.values())


def _compact(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text)


# -------------------------------------------------------------------------------------------------- one file


def _plainly(parts: Sequence[_Parsed], words: Mapping[str, str] | None = None, sensor: str = "", note="") -> Reading:
    """The reading with ``words`` for the number codes; names that would be given twice stay as they are."""
    ours = [part.named(part.word or (words or {}).get(part.code, "")) if part.word or words else "" for part in parts]
    once = [bool(name) and ours.count(name) == 1 for name in ours]
    raws = [part.raw for part in parts]
    names = tuple(name if mine else raw for name, mine, raw in zip(ours, once, raws, strict=True))
    units = {
        name: "power" for name, part in zip(names, parts, strict=True) if part.linear and part.word in POLARISATIONS
    }
    if len(set(names)) < len(names):
        names, once, units = tuple(raws), [False] * len(raws), {}
    return Reading(names, tuple(once), sensor, units, note)


def _numbered(parts: Sequence[_Parsed], sensor: str | None, others: Sequence[set[str]], wanted: set[str]) -> Reading:
    codes = [part.code for part in parts if part.code]
    plain = {part.named(part.word) for part in parts if part.word}
    hints = [part.hints for part in parts if part.hints]
    choices: dict[str, dict[str, str]] = {}
    for key, one in SENSORS.items():
        words = {code: one["bands"].get(code, "") for code in codes}
        ours = [part.named(words[part.code]) for part in parts if part.code and words[part.code]]
        heat = all(words[part.code].startswith("thermal") for part in parts if part.code and part.heat)
        fits = heat and len(ours) == len(codes) and len({*ours, *plain}) == len(ours) + len(plain)
        if fits and sensor in (None, key) and all(key in hint for hint in hints):
            choices[key] = words
    listed = list_names([part.raw for part in parts if part.code], 14)
    if not choices:
        said = f"{SENSORS[sensor]['title']} has no such bands" if sensor else "no sensor known here has them all"
        return _plainly(parts, note=f"The bands {listed} keep their names: {said}. Say --bands a,b,c.")
    certain, left = _narrowed(choices, parts, plain, others, wanted, bool(sensor or hints))
    if len({_sense(words) for words in left.values()}) > 1:
        unlike = {_sense(words): key for key, words in reversed(left.items())}
        means = "; ".join(f"{SENSORS[key]['title']}: {', '.join(sense)}" for sense, key in reversed(unlike.items()))
        return _plainly(
            parts,
            note=f"The bands {listed} keep their names, which mean other colours by sensor ({means}). Say --sensor "
            f"{next(iter(left))}, or whichever it was, or --bands a,b,c.",
        )
    key, words = next(iter(left.items()))
    note = f"The bands {listed} are taken as {list_names(list(words.values()), 14)} ({SENSORS[key]['title']})."
    if not certain:
        other = next(k for k in choices if _sense(choices[k]) != _sense(words))
        note += f" As {SENSORS[other]['title']} they would be {', '.join(choices[other].values())}: --sensor {other}."
    if any(part.code and part.raw.casefold().startswith("sr_b") for part in parts):
        note += (
            " Landsat Collection 2 stores reflectance as 0.0000275 x DN - 0.2, which is not applied here unless the "
            "file says it; --unit reflectance where the values are reflectance."
        )
    return _plainly(parts, words, SENSORS[key]["title"], note)


def _narrowed(
    choices: dict[str, dict[str, str]],
    parts: Sequence[_Parsed],
    plain: set[str],
    others: Sequence[set[str]],
    wanted: set[str],
    hinted: bool,
) -> tuple[bool, dict[str, dict[str, str]]]:
    """(whether the evidence leaves one reading, the readings left after custom was asked as well)."""

    def ours(words: Mapping[str, str]) -> set[str]:
        return plain | {part.named(words[part.code]) for part in parts if part.code}

    left = choices
    for fits in (
        lambda key, words: not others or ours(words) in others,
        lambda key, words: not wanted or wanted <= ours(words),
    ):
        left = _kept(left, fits)
    senses = {_sense(words) for words in left.values()}
    if len(senses) == 1:
        return True, left
    codes = [part.code for part in parts if part.code]
    if not hinted and codes == [f"B{i + 1}" for i in range(len(codes))] and len(codes) < 7:
        return False, left  # may be mere numbers of layers
    for fits in (
        lambda key, words: " ".join(sorted(codes, key=_order)) in SENSORS[key]["usual"],
        lambda key, words: not set(codes) & set(SENSORS[key]["rare"]),
        lambda key, words: SENSORS[key]["current"],
    ):
        left = _kept(left, fits)
        if len({_sense(words) for words in left.values()}) == 1:
            break
    return False, left


def _kept(choices: dict[str, dict[str, str]], fits) -> dict[str, dict[str, str]]:
    return {key: words for key, words in choices.items() if fits(key, words)} or choices


def _sense(words: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(words.values())


def _order(code: str) -> tuple[int, str]:
    number = re.search(r"\d+", code)
    return int(number[0]) if number else 0, code
