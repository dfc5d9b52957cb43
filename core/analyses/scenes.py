"""Many scenes in one job: each is answered as ``scene`` answers one, into a file of its own in a folder.

A scene that cannot be answered is named, and the others go on. What was broken off goes on after the last scene that
was finished, as long as neither that scene nor its answer has been changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from core.analyses.base import Analysis
from core.analyses.scene import AnsweringOptions, Paths, SceneOptions, input_of, must_fit
from core.analyses.scene import analyse as answer_scene
from core.errors import ConfigError, LandslideLensError
from core.io.atomic import remove
from core.io.free_space import is_full
from core.progress import Steps, part
from core.runs.store import RunFolder
from core.text import one_line

NAME = "scenes"
DONE = "done.json"  # the scenes that were finished before all were
OWN = ("scenes", "out", "polygons")


class ScenesOptions(AnsweringOptions):
    """The scenes and the folder of their answers; rasters to be read beside a scene are read beside each."""

    scenes: Paths = Field(
        min_length=1, title="Scenes", description="GeoTIFFs, or folders each of which holds the tiles of one scene."
    )
    out: str = Field(min_length=1, title="Folder to write into", description="NAME.tif for each scene NAME.")
    polygons: str | None = Field(
        None, title="Folder for polygons", description="NAME.geojson and NAME.gpkg for each scene; none: no polygons."
    )
    date: str | None = Field(
        None, max_length=40, title="Date of the images", description="For the polygons; none: as each raster says."
    )

    @model_validator(mode="after")
    def _answers_have_names_of_their_own(self) -> Self:
        taken: dict[Path, str] = {}
        for one in self.each():
            for path in written(one):
                if (first := taken.setdefault(path, one.scene)) != one.scene:
                    raise ValueError(
                        f"{Path(first).name} and {Path(one.scene).name} would both be answered in {path.name}. Rename "
                        "one, or answer them into folders of their own."
                    )
        return self

    def each(self) -> list[SceneOptions]:
        """The options of each scene, in their order; one that is named twice is answered once."""
        shared = {key: value for key, value in self.model_dump().items() if key not in OWN}
        shapes = None if self.polygons is None else Path(self.polygons)
        found = []
        for scene in dict.fromkeys(self.scenes):
            name = Path(scene).name if Path(scene).is_dir() else Path(scene).stem
            own: dict[str, str | None] = {"scene": scene, "out": str(Path(self.out) / f"{name}.tif")}
            own["polygons"] = None if shapes is None else str(shapes / f"{name}.geojson")
            found.append(SceneOptions.model_validate(shared | own))
        return found


def written(options: SceneOptions) -> list[Path]:
    """Every file that the answer of a scene may be kept in."""
    from core.predict.scene.rasters import WITH_WHERE, path_of

    out = Path(options.out)
    shapes = [] if options.polygons is None else [Path(options.polygons), Path(options.polygons).with_suffix(".gpkg")]
    return [*(path_of(kind, out) for kind in WITH_WHERE), *shapes]


def check(run: RunFolder, options: ScenesOptions) -> None:
    """Raises ConfigError for a folder that is none, or whose files are read; the first scene's error if all are wrong.

    A scene that does not fit while another one does is told of when it is its turn.
    """
    for folder in filter(None, (options.out, options.polygons)):
        if Path(folder).exists() and not Path(folder).is_dir():
            raise ConfigError(f"{Path(folder).name} is a file. Many scenes are answered into a folder: give its name.")
    each = options.each()
    read = {path: one for one in each for path in _files(one)}
    for one in each:
        for path in written(one):
            if path in read:
                raise ConfigError(f"{path.name} is read, and would be written over. Give another folder.")
    errors = []
    for one in each:
        try:
            must_fit(run, one)
        except (LandslideLensError, OSError) as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def analyse(run: RunFolder, options: ScenesOptions) -> Steps[dict[str, Any]]:
    """Answer one scene after the other; begun again, it goes on after the last that was finished.

    Returns ``scenes``, the facts of each (as ``scene`` returns them), and ``failed``: scene and reason. Raises
    LandslideLensError where no scene could be answered.
    """
    each = options.each()
    own = run.results(NAME).part(_digest(run, options))
    kept = own.json(DONE) if own.has(DONE) else {}
    found, failed = [], []
    for k, one in enumerate(each):
        facts = _kept(kept.get(one.scene), one)
        if facts is None:
            try:
                facts = yield from _named(answer_scene(run, one), k, each)
            except (LandslideLensError, OSError) as error:
                if is_full(error):
                    raise  # nor is there room for the next
                failed.append({"scene": one.scene, "reason": one_line(str(error), 2000)})
                continue
            kept[one.scene] = {"stamps": _stamps(one), "facts": facts}
            own.write_json(DONE, kept)
        found.append(facts)
    remove(own.path / DONE)
    if not found:
        raise LandslideLensError(_failures(failed))
    message = f"{len(found)} of {len(each)} scenes answered, in {Path(options.out).name}."
    if failed:
        message += f" {_failures(failed)}"
    warnings = [f"{Path(one['scene']).name}: {text}" for one in found for text in one["warnings"]]
    return {"run": run.name, "out": options.out, "scenes": found, "failed": failed, "warnings": warnings,
            "message": message}  # fmt: skip


def _failures(failed: Sequence[dict[str, str]]) -> str:
    return " ".join(f"{Path(one['scene']).name} was not answered: {one['reason']}" for one in failed)


def _named(steps: Steps[Any], k: int, each: Sequence[SceneOptions]) -> Steps[Any]:
    """The same steps as those of scene ``k``, whose name they say."""
    inner = part(steps, k / len(each), (k + 1) / len(each))
    name = f"Scene {k + 1} of {len(each)}, {Path(each[k].scene).name}"
    try:
        while True:
            try:
                progress = next(inner)
            except StopIteration as end:
                return end.value
            yield replace(progress, message=f"{name}: {progress.message}")
    finally:
        inner.close()


def _digest(run: RunFolder, options: ScenesOptions) -> str:
    """Of what is asked, the share of landslides that is stated for the run included."""
    from core.runs.prevalence import prevalence_of

    stated = prevalence_of(run)
    facts = options.model_dump(mode="json") | {"stated": None if stated is None else stated.share}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _kept(entry: dict[str, Any] | None, one: SceneOptions) -> dict[str, Any] | None:
    """What was found when this scene was finished; None if it was not, or is no more what it was."""
    try:
        return entry["facts"] if entry and entry["stamps"] == _stamps(one) else None
    except (LandslideLensError, OSError):
        return None


def _stamps(one: SceneOptions) -> list[str]:
    from core.data.readers.base import file_stamp

    made = [path for path in written(one) if path.exists() or path == Path(one.out)]
    return [file_stamp(path) for path in (*_files(one), *made)]


def _files(one: SceneOptions) -> list[Path]:
    return input_of(one).files


ANALYSIS = Analysis(
    name=NAME,
    title="Scenes",
    summary="Many scenes in one job, each answered into a file of its own; one that cannot be is named.",
    page="predict",
    view="scene",
    Options=ScenesOptions,
    run=analyse,
    check=check,
)
