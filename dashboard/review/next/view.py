"""What to label next: a batch is asked for, judged as a queue, and becomes labels to train with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from core.analyses.review import next_patches
from core.analyses.review.next_patches import NAME
from core.data.label_versions import read_version, version_names
from core.data.store import Dataset
from core.errors import LandslideLensError
from core.review.next_patches import MEASURED, Gain, measured_near
from core.review.versions import draft
from core.runs.labels import title_of
from core.runs.store import RunFolder
from dashboard import cache, state, url_state
from dashboard.jobs import analyses
from dashboard.predict import judging as cells_judging
from dashboard.review import judging, labels
from dashboard.review.next import places, queue
from dashboard.review.next.batch import Batch
from dashboard.review.sets import Kind, open_set
from dashboard.train.prefill import prefill
from dashboard.ui.formatting import count, difference, escape_markdown, interval, parse_time, percent
from dashboard.ui.guards import or_stop
from dashboard.ui.messages import show_error

SHOWN = "review_next"  # in the URL: where the batch that is looked at was chosen


def next_view(run: RunFolder, data: Dataset) -> None:
    """Draw it."""
    reports, found = or_stop(next_patches.read, run) or {}, places.places(run, data)
    active = analyses.follow(run, NAME)
    if not reports:
        if active:
            return
        if not found:
            places.nowhere()
            _asked_before(run, data)
            return
        share = float((or_stop(run.oof)["label"] == 1).mean())
        st.markdown(f"**Which patches are worth a person's time?** {worth_words(share)}", help=evidence(share))
        places.form(run, found, "Choose them")
        _asked_before(run, data)
        _method()
        return
    said = st.container()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        judging.name_field()
        batch = Batch(run, reports[_shown(reports)])
        progress = st.container(horizontal=True, vertical_alignment="center", gap="small", width="content")
        if found:
            with st.popover("Choose another batch", icon=":material/lightbulb:", type="tertiary", key="next_again"):
                st.caption("What somebody has judged is not asked for again.")
                places.form(run, found, "Choose them")
    labels.tell()
    try:
        with said:
            _sentence(batch.report)
        _queue(batch, progress)
    except (LandslideLensError, OSError, KeyError) as error:
        show_error(error, ":material/broken_image:")
    _asked_before(run, data)
    _method()


def _shown(reports: Mapping[str, Mapping[str, Any]]) -> str:
    """Where the batch that is looked at was chosen: the newest, unless another is picked."""
    newest = sorted(reports, key=lambda where: reports[where]["made"], reverse=True)
    if len(newest) == 1:
        return newest[0]
    return url_state.choose(
        st.selectbox, "Batch", newest, key=SHOWN, default=newest[0], width=330, label_visibility="collapsed",
        format_func=lambda where: _named(reports[where]),
    )  # fmt: skip


def _named(report: Mapping[str, Any]) -> str:
    at = parse_time(report["made"])
    when = f", {at.day} {at:%b %H:%M}" if at else ""
    noun = "cells" if report["kind"] == "cell" else "patches"
    return f"{report['n']} {noun} of {report['title']}{when}"


def _sentence(report: Mapping[str, Any]) -> None:
    noun = "cells" if report["kind"] == "cell" else "patches"
    of = f"{count(report['n'])} of {count(report['n_candidates'])} {noun}"
    worth = worth_words(report["share"], report["share_is_stated"])
    st.markdown(
        f"**{of}** of {escape_markdown(report['title'])} would teach this run most. {worth}",
        help=evidence(report["share"]),
    )


def _queue(batch: Batch, progress: Any) -> None:
    """The batch, and what becomes of it. progress: a container for how far it has come."""
    if not batch.is_of_cells:
        _ = batch.data  # of a dataset that is gone nothing is drawn
    said, by = batch.said(), judging.reviewer()
    pace = batch.pace(by)
    with progress:
        st.progress(pace.judged / max(pace.total, 1), width=120)
        st.caption(f"{'You have judged' if by else 'Judged:'} **{pace.sentence}**", width="content")
    queue.draw(batch, said)
    st.space("small")
    _outcome(batch, said)


# ------------------------------------------------------------------------------------------------ what becomes of it


def _outcome(batch: Batch, said: Mapping[str, list]) -> None:
    if batch.is_of_cells:
        everything = cells_judging.said_of(batch.own, batch.map_report)
        cells_judging.outcome(batch.run, batch.own, batch.map_report, everything)
        return
    desk, data = batch.desk, batch.data
    with st.container(horizontal=True, vertical_alignment="center"):
        if said:
            with st.popover("Make labels of them", icon=":material/new_label:", key="next_make", type="primary"):
                st.caption(labels.sentence(or_stop(draft, data, desk), desk))
                labels.version_form(data, desk)
        labels.exchange(desk, data, empty=not said)
        names = version_names(data.path)
        if names:
            version, name = or_stop(read_version, data.path, names[-1]), _dataset_name(data)
            elsewhere = f" {data.path.name} lies outside of the datasets folder: move it there to train on it."
            if st.button(
                f"Train with {version.name.partition('-')[0]}", icon=":material/model_training:", key="next_train",
                disabled=name is None, help=escape_markdown(version.sentence + (elsewhere if name is None else "")),
            ):  # fmt: skip
                prefill(f"data.labels={version.name}")
                state.open_view("train", dataset=name, view="new")


def _dataset_name(data: Dataset) -> str | None:
    known = {path.resolve(): name for name, path in state.choice().datasets.items()}
    return known.get(Path(data.path).resolve())


# ------------------------------------------------------------------------------------------------------ in words


def worth_words(share: float, is_stated: bool = False) -> str:
    """Whether labels chosen so are worth it, in Markdown. share: of landslides, stated for this ground or the run's."""
    at, gains = measured_near(share)
    here = (
        f"{percent(share, 0)} of {'this ground is stated to be' if is_stated else 'this run’s patches are'} landslides"
    )
    simulated = f"in simulations at {percent(at, 0)}, labels chosen this way"
    if min(gain.low for gain in gains) <= 0:
        return (
            f"Little is gained here: {here}; {simulated} taught no more than random ones. Where landslides are rarer, "
            "more is gained."
        )
    least, most = (difference(end([gain.mean for gain in gains]), 2) for end in (min, max))
    by = least if least == most else f"{least} to {most}"
    return f"It pays here: {here}; {simulated} gained {by} average precision over random ones."


def evidence(share: float) -> str:
    """What :func:`worth_words` rests on, in Markdown."""
    at, gains = measured_near(share)
    rarer = "" if share > 0.7 * min(MEASURED) else " Rarer landslides were not measured."
    return (
        f"Simulated with {percent(at, 0)} landslides, 20 to 300 labels, 40 seeds: "
        f"{'; '.join(map(_gain, gains))}.{rarer} See “How this was measured”."
    )


def _gain(gain: Gain) -> str:
    return f"{gain.data} {difference(gain.mean, 3)} [{interval((gain.low, gain.high), 3, signed=True)}]"


def _method() -> None:
    with st.expander("How this was measured"):
        st.markdown(
            "**Chosen** are patches whose probability is near the threshold and, less so, that lie far from what the "
            "run learnt; of these one from each of as many clusters of embeddings as there are patches to label, so "
            "that no two are of a kind (Zhdanov 2019). All folds answer; likeness is measured by fold 1's network. "
            "Nothing is asked for that has no data, that somebody has judged, or that the run knows from its training."
            "\n\n**Worth**: labels of two sets of real patches were hidden and revealed 20 at a time, from 20 to 300, "
            "as chosen or at random, with 40 seeds; the gain is the mean over that curve, with its 95% interval over "
            "seeds, of a logistic regression on band statistics. Chosen patches are no sample: measure on others."
        )


# --------------------------------------------------------------------------------------------------------- a set


def _ids(run: RunFolder, data: Dataset, name: str) -> frozenset[str] | None:
    """The patches of this dataset that a run of this studio asked for. name: of the run."""
    asked = next_patches.read(cache.run(run.checkpoints / Path(name).name)) or {}
    mine = [one["ids"] for one in asked.values() if Path(one["judged"]).resolve() == Path(data.path).resolve()]
    return frozenset(name for ids in mine for name in ids) or None


def _asked_before(run: RunFolder, data: Dataset) -> None:
    """How this run answers the patches that another one asked for, now that they have labels."""
    mine = set(or_stop(run.oof)["id"].astype(str))
    for other in state.choice().runs:
        try:
            n = 0 if other.name == run.name else len(mine & (_ids(run, data, other.name) or frozenset()))
        except LandslideLensError:
            continue
        if n:
            st.button(
                f"See how this run answers {count(n)} that “{escape_markdown(title_of(other))}” asked for",
                icon=":material/arrow_outward:", type="tertiary", key=f"next_asked_{other.name}", on_click=open_set,
                args=("next", other.name),
            )  # fmt: skip


NEXT = "next"
NEXT_KIND = Kind(_ids, lambda run, data, name: "chosen to be labelled next")
